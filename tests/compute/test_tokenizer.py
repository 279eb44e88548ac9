"""Tokenizers rebuilt from a file's keys split text as their makers' own libraries do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from dokja.checkpoint import open_checkpoint
from dokja.compute.tokenizer import Tokenizer, load_tokenizer, parse_tokenizer, tokenizer_of_gguf
from dokja.errors import InvalidInput, Unavailable, UnreadableArtifact
from tests.compute.tiny_decoders import make

CORPUS = [
    "나는 어제 친구와 함께 시장에 가서 사과를 샀다.",
    "The cat sat on the mat, and the other cats looked at it.",
    "우리 학교 도서관에는 책이 많고 조용하다. 그래서 나는 도서관을 좋아한다.",
    "She has written 12 letters; they have 345 words each.",
    "바람이 불고 비가 오면 우산을 펴야 한다.",
] * 4
TEXT = st.one_of(
    st.lists(st.sampled_from([w for line in CORPUS for w in line.split()]), max_size=8).map(" ".join),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), max_size=20),
)


def byte_level() -> Backend:
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return backend


def keys_of(backend: Backend, **more: Any) -> dict[str, Any]:
    import json

    model = json.loads(backend.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"]]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token in ("<s>", "</s>") else 1 for token in tokens],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 0,
    } | more


BYTE_LEVEL = byte_level()
REBUILT = tokenizer_of_gguf(keys_of(BYTE_LEVEL))


@settings(max_examples=150, deadline=None)
@given(text=TEXT)
def test_a_byte_level_tokenizer_is_rebuilt_from_tokens_and_merges(text: str) -> None:
    assert REBUILT.encode(text) == BYTE_LEVEL.encode(text, add_special_tokens=False).ids


def test_digits_stand_alone_where_the_file_says_smollm() -> None:
    rebuilt = tokenizer_of_gguf(keys_of(BYTE_LEVEL, **{"tokenizer.ggml.pre": "smollm"}))
    tokens = [rebuilt.backend.id_to_token(number) for number in rebuilt.encode("345 words")]
    assert tokens[:3] == ["3", "4", "5"]


@pytest.fixture(scope="module")
def pieces() -> sentencepiece.SentencePieceProcessor:
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=trained,
        model_type="bpe",
        vocab_size=420,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        character_coverage=0.98,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())


@pytest.fixture(scope="module")
def rebuilt_pieces(pieces: sentencepiece.SentencePieceProcessor) -> Tokenizer:
    kinds = []
    for number in range(pieces.vocab_size()):
        kinds.append(
            2
            if pieces.is_unknown(number)
            else 3
            if pieces.is_control(number)
            else 6
            if pieces.is_byte(number)
            else 1
        )
    return tokenizer_of_gguf(
        {
            "tokenizer.ggml.model": "llama",
            "tokenizer.ggml.tokens": [pieces.id_to_piece(n) for n in range(pieces.vocab_size())],
            "tokenizer.ggml.scores": [pieces.get_score(n) for n in range(pieces.vocab_size())],
            "tokenizer.ggml.token_type": kinds,
            "tokenizer.ggml.bos_token_id": pieces.bos_id(),
            "tokenizer.ggml.add_space_prefix": False,
            "tokenizer.ggml.add_bos_token": False,
        }
    )


@settings(max_examples=150, deadline=None)
@given(text=TEXT)
def test_a_sentencepiece_tokenizer_is_rebuilt_from_scores(
    pieces: sentencepiece.SentencePieceProcessor, rebuilt_pieces: Tokenizer, text: str
) -> None:
    assert rebuilt_pieces.encode(text) == pieces.encode(text)


@settings(max_examples=150, deadline=None)
@given(prompt=TEXT, options=st.lists(TEXT.filter(bool), min_size=1, max_size=4))
def test_what_is_shared_and_what_follows_are_the_whole_text(prompt: str, options: list[str]) -> None:
    start, rests = REBUILT.encode_continuations(prompt, options)
    assert start
    assert all(rests)
    for option, rest in zip(options, rests, strict=True):
        whole = start + rest
        assert whole in (REBUILT.encode(prompt + option), [0, *REBUILT.encode(prompt + option)])


def test_an_empty_prompt_begins_with_the_begin_token() -> None:
    start, _ = REBUILT.encode_continuations("", ["The cat", "The mat"])
    assert start == [0]
    silent = Tokenizer(BYTE_LEVEL, None, always_begins=False)
    with pytest.raises(InvalidInput, match="begin token"):
        silent.encode_continuations("", ["The cat"])


def test_a_folder_brings_its_own_tokenizer(tmp_path: Path) -> None:
    make("qwen2_biases", tmp_path)
    BYTE_LEVEL.save(str(tmp_path / "tokenizer.json"))
    with open_checkpoint(tmp_path) as checkpoint:
        loaded = load_tokenizer(tmp_path, checkpoint)
    assert loaded.begin == 1
    assert not loaded.always_begins
    assert loaded.encode("나는 12") == BYTE_LEVEL.encode("나는 12").ids


@pytest.mark.parametrize(
    ("config", "begin"),
    [
        ({"bos_token_id": 0, "eos_token_id": 1}, 0),
        ({"text_config": {"bos_token_id": 1}}, 1),
        ({"bos_token_id": None, "eos_token_id": 1}, 1),
        ({"bos_token_id": 10**6}, None),
        ({}, None),
    ],
)
def test_the_begin_token_is_the_models_own_or_the_one_that_ends_a_text(
    config: dict[str, Any], begin: int | None
) -> None:
    assert parse_tokenizer(BYTE_LEVEL.to_str(), config).begin == begin


def test_a_model_without_a_tokenizer_is_unavailable(tmp_path: Path) -> None:
    make("qwen2_biases", tmp_path)
    with open_checkpoint(tmp_path) as checkpoint, pytest.raises(Unavailable, match="No tokenizer"):
        load_tokenizer(tmp_path, checkpoint)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"model": 3}', "not json"])
def test_a_file_that_is_no_tokenizer_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableArtifact):
        parse_tokenizer(text, {})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"tokenizer.ggml.model": "wordpiece"}, Unavailable),
        ({"tokenizer.ggml.pre": "unheard-of"}, Unavailable),
        ({"tokenizer.ggml.merges": None}, UnreadableArtifact),
        ({"tokenizer.ggml.merges": ["no such", "merge x"]}, UnreadableArtifact),
        ({"tokenizer.ggml.tokens": None}, Unavailable),
        ({"tokenizer.ggml.model": "llama", "tokenizer.ggml.scores": [0.0]}, UnreadableArtifact),
    ],
)
def test_keys_that_make_no_tokenizer_are_refused(change: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        tokenizer_of_gguf(keys_of(BYTE_LEVEL, **change))
