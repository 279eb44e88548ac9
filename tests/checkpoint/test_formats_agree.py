"""The same weights in any format, in one file or in shards, are the same tensors; so are tokens in any tokenizer."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sentencepiece
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.checkpoint.folder import LocalFolder
from dokja.errors import InvalidInput
from tests.checkpoint.model_files import FORMATS, small_weights, write_model


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=["F32", "F16"])
def test_every_format_gives_the_same_tensors_and_the_same_digest(tmp_path, dtype):
    tensors = small_weights(dtype)
    digests = set()
    for kind in FORMATS:
        with open_checkpoint(write_model(tmp_path / f"m.{kind}", kind, tensors)) as checkpoint:
            assert checkpoint.format == kind
            assert set(checkpoint.tensors) == set(tensors)
            for name, tensor in tensors.items():
                assert checkpoint.tensors[name].shape == tuple(tensor.shape)
                np.testing.assert_array_equal(checkpoint.read(name), tensor.float().numpy())
            digests.add(digest_tensors(checkpoint))
    assert len(digests) == 1


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_slice_is_a_slice_of_the_whole(tmp_path_factory, kind, data):
    path = write_model(tmp_path_factory.getbasetemp() / f"slice.{kind}", kind, small_weights())
    with open_checkpoint(path) as checkpoint:
        name = data.draw(st.sampled_from(sorted(checkpoint.tensors)))
        info = checkpoint.tensors[name]
        start = data.draw(st.integers(0, info.shape[0]))
        stop = data.draw(st.integers(start, info.shape[0]))
        rows = checkpoint.read(name, start, stop)
        assert checkpoint.bytes_read == (stop - start) * info.stored_bytes // info.shape[0]
        np.testing.assert_array_equal(rows, checkpoint.read(name)[start:stop])


def test_a_folder_of_torch_shards_equals_the_single_file(tmp_path):
    tensors = small_weights()
    names = list(tensors)
    files = {"pytorch_model-00001-of-00002.bin": names[:1], "pytorch_model-00002-of-00002.bin": names[1:]}
    for file, held in files.items():
        torch.save({name: tensors[name] for name in held}, tmp_path / file)
    mapping = {name: file for file, held in files.items() for name in held}
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": mapping}))
    single = write_model(tmp_path / "single.safetensors", "safetensors", tensors)
    single = single.rename(tmp_path.parent / "single.safetensors")
    with open_checkpoint(tmp_path) as sharded, open_checkpoint(single) as whole:
        assert digest_tensors(sharded) == digest_tensors(whole)


def test_safetensors_is_preferred_and_the_file_left_unread_is_named(tmp_path):
    write_model(tmp_path / "pytorch_model.bin", "torch", {"other": torch.zeros(1)})
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.format == "safetensors"
        assert [(threat.kind, threat.where) for threat in checkpoint.threats] == [
            ("other_weights", "pytorch_model.bin")
        ]


def write_tokenizer(folder, kind: str, tokens: list[str]) -> None:
    if kind == "vocab.txt":
        (folder / kind).write_text("\n".join(tokens) + "\n")
    elif kind == "vocab.json":
        (folder / kind).write_text(json.dumps({token: row for row, token in enumerate(tokens)}))
    elif kind == "unigram":
        model = {"type": "Unigram", "vocab": [[token, -1.0] for token in tokens[:-1]]}
        added = [{"id": len(tokens) - 1, "content": tokens[-1]}]
        (folder / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": added}))
    else:
        model = {"type": "BPE", "vocab": {token: row for row, token in enumerate(tokens)}, "merges": []}
        (folder / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": []}))


@pytest.mark.parametrize("kind", ["vocab.txt", "vocab.json", "unigram", "bpe"])
def test_the_vocabulary_is_the_same_whatever_file_holds_it(tmp_path, kind):
    tokens = ["<unk>", "안녕", "▁a", "b", "<pad>"]
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    write_tokenizer(tmp_path, kind, tokens)
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.vocabulary == {token: row for row, token in enumerate(tokens)}


def test_a_sentencepiece_model_is_read_as_its_own_library_reads_it(tmp_path):
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog\n" * 50)
    prefix = str(tmp_path / "tokenizer")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"), model_prefix=prefix, vocab_size=31, minloglevel=2
    )
    (tmp_path / "tokenizer.vocab").unlink()
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    theirs = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.vocabulary == {
            theirs.id_to_piece(row): row for row in range(theirs.get_piece_size())
        }


def test_a_folder_that_cannot_be_listed_is_said_in_one_sentence(tmp_path):
    folder = LocalFolder(tmp_path / "gone")
    with pytest.raises(InvalidInput, match="cannot be listed"):
        folder.names()
