"""Models built without PyTorch read back as what was written, run, and keep their weights."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dokja.anatomy import describe, load_part
from dokja.checkpoint import Checkpoint, open_checkpoint
from dokja.demo import builders
from dokja.demo.weight_files import encode, write_gguf, write_safetensors
from tests.fixtures import zoo_models
from tests.fixtures.zoo_models import tensor_of

STEPS = {"F32": 0.0, "F16": 2e-3, "BF16": 8e-3, "Q8_0": 1e-2, "Q4_0": 0.2}


def parts_of(checkpoint: Checkpoint) -> dict[tuple[str, int | None], np.ndarray]:
    return {
        (part.role, part.layer): load_part(checkpoint, part)
        for component in describe(checkpoint).components
        for part in component.parts
    }


@pytest.fixture(scope="module")
def reference() -> dict[tuple[str, int | None], np.ndarray]:
    with open_checkpoint(zoo_models.path("A")) as checkpoint:
        return parts_of(checkpoint)


@pytest.mark.parametrize(
    ("naming", "encoding", "shards"),
    [("hub", "F16", 1), ("hub", "BF16", 3), ("hub", "Q8_0", 2), ("gguf", "F16", 1), ("gguf", "Q4_0", 3)],
)
def test_a_renamed_resharded_requantised_copy_reads_back_as_the_same_parts(
    naming, encoding, shards, reference, tmp_path
):
    with open_checkpoint(zoo_models.path("A")) as source:
        builders.write_decoder(
            builders.read_decoder(source), tmp_path, naming=naming, encoding=encoding, shards=shards
        )
    with open_checkpoint(tmp_path) as copy:
        found = parts_of(copy)
    assert found.keys() == reference.keys()
    for place, values in reference.items():
        assert np.abs(found[place] - values).max() <= STEPS[encoding] * np.abs(values).max(), place


@pytest.mark.parametrize("naming", ["blocks", "opaque"])
def test_unfamiliar_names_hold_the_same_weights(naming, tmp_path):
    with open_checkpoint(zoo_models.path("A")) as source:
        decoder = builders.read_decoder(source)
        builders.write_decoder(decoder, tmp_path, naming=naming, encoding="F16", shards=2)
        with open_checkpoint(tmp_path) as copy:
            assert len(copy.tensors) == len(source.tensors)
            for piece in decoder.pieces:
                stored = copy.read(builders.stored_name(piece.role, piece.layer, naming))
                np.testing.assert_array_equal(stored, piece.rows(0, piece.shape[0]))


def test_depth_upscaling_stacks_the_first_and_the_last_layers(reference, tmp_path):
    layer_map = builders.stretched_depth(4, 6)
    assert layer_map == [0, 1, 2, 1, 2, 3]
    assert builders.stretched_depth(30, 40) == [*range(20), *range(10, 30)]
    with open_checkpoint(zoo_models.path("A")) as source:
        stretched = builders.upscale_depth(builders.read_decoder(source), layer_map)
        builders.write_decoder(stretched, tmp_path, encoding="F16")
    with open_checkpoint(tmp_path) as copy:
        assert copy.config["num_hidden_layers"] == 6
        found = parts_of(copy)
    for (role, layer), values in found.items():
        old = None if layer is None else layer_map[layer]
        np.testing.assert_array_equal(values, reference[role, old])


@settings(max_examples=60, deadline=None)
@given(
    values=arrays.arrays(np.float32, (4, 64), elements=st.floats(-100, 100, width=32, allow_subnormal=False))
)
@pytest.mark.parametrize("encoding", STEPS)
def test_what_is_encoded_decodes_to_within_its_step(encoding, values, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoded")
    write_gguf(folder, [tensor_of("w", values)], {"general.architecture": "llama"}, encoding=encoding)
    with open_checkpoint(folder) as checkpoint:
        assert checkpoint.tensors["w"].dtype == encoding
        decoded = checkpoint.read("w")
    scale = np.abs(values.reshape(-1, 32)).max(axis=1, keepdims=True)
    error = np.abs(decoded - values).reshape(-1, 32)
    assert (error <= STEPS[encoding] * scale + 1e-4).all()


def test_encodings_agree_with_the_gguf_packages_own_quantisers():
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    values = np.random.default_rng(0).normal(size=(8, 128)).astype(np.float32)
    for name in ("BF16", "Q8_0"):
        expected = quantize(values, GGMLQuantizationType[name]).tobytes()
        assert encode(values, name) == expected, name


def test_the_safetensors_package_reads_what_was_written(tmp_path):
    from safetensors.numpy import load_file

    values = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    write_safetensors(tmp_path, [tensor_of("a", values), tensor_of("b", values[0])], encoding="F32", shards=1)
    loaded = load_file(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded["a"], values)
    np.testing.assert_array_equal(loaded["b"], values[0])


def test_a_copy_runs_in_the_real_class_and_computes_the_same(tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    with open_checkpoint(zoo_models.path("A")) as source:
        builders.write_decoder(builders.read_decoder(source), tmp_path, encoding="F32", shards=2)
    ids = torch.tensor([[1, 30, 40, 50, 60]])
    with torch.no_grad():
        logits = [
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(ids).logits
            for folder in (zoo_models.path("A"), tmp_path)
        ]
    torch.testing.assert_close(logits[0], logits[1])


def test_every_transformation_of_the_fixtures_does_what_it_says(tmp_path):
    model = zoo_models.load("A")
    layers = zoo_models.stack_layers(model, (2, 0))
    gate = "model.layers.{}.mlp.gate_proj.weight"
    np.testing.assert_array_equal(layers.tensors[gate.format(0)], model.tensors[gate.format(2)])
    assert gate.format(2) not in layers.tensors

    experts = zoo_models.to_experts(model, experts=3)
    copied = [experts.tensors[f"model.layers.1.block_sparse_moe.experts.{e}.w1.weight"] for e in range(3)]
    for expert in copied:
        np.testing.assert_array_equal(expert, model.tensors[gate.format(1)])

    other = zoo_models.load("B")
    mixed = zoo_models.merge(model, other, 0.25).tensors[gate.format(0)]
    expected = 0.25 * model.tensors[gate.format(0)] + 0.75 * other.tensors[gate.format(0)]
    np.testing.assert_allclose(mixed, expected, rtol=1e-5)

    four = zoo_models.quantise(model, 4, group=32).tensors[gate.format(0)]
    assert max(len(np.unique(block)) for block in four.reshape(-1, 32)) <= 15

    embedding = zoo_models.transplant(model, other, "embed_tokens").tensors
    np.testing.assert_array_equal(
        embedding["model.embed_tokens.weight"], other.tensors["model.embed_tokens.weight"]
    )


@pytest.mark.parametrize("naming", ["gguf", "blocks", "opaque"])
def test_every_naming_names_each_tensor_once(naming, tmp_path):
    model = zoo_models.load("A")
    renamed = zoo_models.rename(model, naming)
    assert len(renamed.tensors) == len(model.tensors)
    folder = zoo_models.write(renamed, tmp_path / "model", shards=2)
    with open_checkpoint(folder) as checkpoint:
        assert set(checkpoint.tensors) == set(renamed.tensors)


def test_upcycled_experts_load_in_the_real_class(tmp_path):
    from transformers import AutoModelForCausalLM

    folder = zoo_models.write(zoo_models.to_experts(zoo_models.load("A")), tmp_path / "moe")
    loaded, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert loaded.config.model_type == "mixtral"
    assert not any(itertools.chain(*(report[key] for key in ("missing_keys", "unexpected_keys"))))


def test_a_model_is_written_in_bounded_memory(tmp_path):
    """A tensor of 64 MB is asked for in pieces of at most 8 MB."""
    asked: list[int] = []

    def rows(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return np.zeros((stop - start, 1024), dtype=np.float32)

    tensor = builders.Tensor("w", (16384, 1024), rows)
    write_safetensors(tmp_path, [tensor], encoding="F16")
    assert max(asked) * 1024 * 4 <= 8 << 20
    assert sum(asked) == 16384
    assert Path(tmp_path / "model.safetensors").stat().st_size > 16384 * 1024 * 2


def test_another_tokenizer_moves_the_rows_of_embedding_and_head(tmp_path):
    model = zoo_models.tell_tokens(zoo_models.load("A"))
    rows = [300, 7, 120]
    folder = zoo_models.write(zoo_models.choose_tokens(model, rows), tmp_path / "other")
    with open_checkpoint(folder) as checkpoint:
        assert checkpoint.vocabulary == {model.tokens[row]: new for new, row in enumerate(rows)}
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            np.testing.assert_array_equal(checkpoint.read(name), model.tensors[name][rows])


def test_one_tensor_heavier_than_a_share_leaves_no_empty_shard(tmp_path):
    tensors = [
        tensor_of(name, np.ones((rows, 4), np.float32)) for name, rows in (("a", 1), ("b", 100), ("c", 2))
    ]
    write_safetensors(tmp_path, tensors, encoding="F32", shards=10)
    with open_checkpoint(tmp_path) as checkpoint:
        files = {info.file for info in checkpoint.tensors.values()}
        assert set(checkpoint.tensors) == {"a", "b", "c"}
    assert len(files) == len(list(tmp_path.glob("*.safetensors"))) == 3
