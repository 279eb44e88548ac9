"""Tokenizers of the trained models: the fixed word pieces of the zoo, and byte-level BPE for the demo's models."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from studies.zoo import corpus, pictures

BPE_SPECIAL_TOKENS = ("<pad>", "<bos>", "<eos>", "<image>")
BPE_DOCUMENTS = 4000

_KOREAN_SHAPES = ("원", "정사각형", "삼각형", "십자")
_KOREAN_COLOURS = ("빨간", "초록", "파란", "노란", "하얀")
_KOREAN_SIZES = ("작은", "큰")


def word_piece_tokenizer() -> Tokenizer:
    """Return the tokenizer that splits the corpus's text into exactly the pieces it was generated from."""
    vocabulary = {piece: row for row, piece in enumerate(corpus.word_pieces())}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(corpus.SPECIAL_TOKENS))
    return tokenizer


def byte_level_tokenizer(seed: int, size: int) -> Tokenizer:
    """Train byte-level BPE of `size` tokens on the corpus of that seed and on picture captions."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(BPE_SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed), trainer)
    return tokenizer


def caption(shape: int, colour: int, size: int, language: str) -> str:
    """Describe a picture in one sentence."""
    if language == "ko":
        noun = _KOREAN_SHAPES[shape]
        ending = "이다" if (ord(noun[-1]) - 0xAC00) % 28 else "다"
        return f"{_KOREAN_SIZES[size]} {_KOREAN_COLOURS[colour]} {noun}{ending}."
    return f"a {pictures.SIZES[size]} {pictures.COLOURS[colour]} {pictures.SHAPES[shape]}."


def _texts(seed: int) -> Iterable[str]:
    captions = itertools.product(
        range(len(pictures.SHAPES)),
        range(len(pictures.COLOURS)),
        range(len(pictures.SIZES)),
        corpus.LANGUAGES,
    )
    return itertools.chain(
        itertools.islice(corpus.documents_as_text(seed), BPE_DOCUMENTS),
        (caption(*words) for words in captions),
    )
