"""An invented Korean and English corpus: a seeded grammar over topics with Zipf-distributed words.

A document has one topic, one language and a protagonist; verbs prefer some objects and adjectives over others. A model
can therefore learn short-range grammar, long-range coherence and word preferences, and its loss falls well below the
entropy of single words. Every sentence is generated; none is quoted.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPECIAL_TOKENS = ("[PAD]", "[BOS]", "[EOS]", "[UNK]")
LANGUAGES = ("ko", "en")
_PARTICLES = ("은", "는", "이", "가", "을", "를", "도", "에", "에서", "이다", "다")
_KOREAN_WORDS = ("많다", "누가", "바로")
_ENGLISH_WORDS = ("the", "in", "we", "find", "many", "who", "does", "also", "it", "is", "near")
_PUNCTUATION = (".", "?", ",")
_ZIPF_EXPONENT = 1.1
_COMPATIBLE_SHARE = 0.85
_PROTAGONIST_SHARE = 0.7


@functools.cache
def lexicon() -> Mapping[str, Any]:
    """Return the word lists of lexicon.toml."""
    return tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text("utf-8"))


def topic_names() -> tuple[str, ...]:
    """Return the topics in the order of the lexicon."""
    return tuple(topic["name"] for topic in lexicon()["topic"])


@functools.cache
def word_pieces() -> tuple[str, ...]:
    """Return the fixed vocabulary: special tokens, words, and particles written as `##` continuations."""
    words: dict[str, None] = dict.fromkeys(SPECIAL_TOKENS + _PUNCTUATION)
    words.update(dict.fromkeys(f"##{particle}" for particle in _PARTICLES))
    words.update(dict.fromkeys(_KOREAN_WORDS + _ENGLISH_WORDS))
    for language in LANGUAGES:
        function = lexicon()["function"][language]
        words.update(dict.fromkeys(function["times"] + function["links"]))
        for topic in lexicon()["topic"]:
            for kind in ("people", "objects", "verbs", "adjectives", "places"):
                words.update(dict.fromkeys(topic[language][kind]))
    return tuple(words)


def documents(seed: int, topics: Sequence[str] | None = None) -> Iterator[list[list[str]]]:
    """Yield documents without end; each is a list of sentences, each sentence a list of word pieces.

    Args:
        seed: Decides the whole stream.
        topics: Names of the topics to write about; all of them by default, the first the most frequent.
    """
    rng = np.random.default_rng(seed)
    chosen = [t for t in lexicon()["topic"] if topics is None or t["name"] in topics]
    while True:
        topic = chosen[int(rng.integers(len(chosen)))]
        language = LANGUAGES[int(rng.integers(2))]
        yield _document(rng, topic[language], language)


def text_of(sentence: Sequence[str]) -> str:
    """Join word pieces into written text: `##` continues the word before, punctuation touches it."""
    written = ""
    for piece in sentence:
        if piece.startswith("##"):
            written += piece[2:]
        elif piece in _PUNCTUATION or not written:
            written += piece
        else:
            written += " " + piece
    return written


def documents_as_text(seed: int, topics: Sequence[str] | None = None) -> Iterator[str]:
    """Yield documents as written text, sentences separated by a space."""
    for document in documents(seed, topics):
        yield " ".join(text_of(sentence) for sentence in document)


@functools.lru_cache(maxsize=4)
def token_ids(seed: int, size: int, topics: tuple[str, ...] | None = None) -> NDArray[np.int64]:
    """Return the first `size` token ids of the stream, documents ended by [EOS]; shape (size,)."""
    row = {piece: index for index, piece in enumerate(word_pieces())}
    ids: list[int] = []
    for document in documents(seed, topics):
        ids.extend(row[piece] for sentence in document for piece in sentence)
        ids.append(row["[EOS]"])
        if len(ids) >= size:
            break
    tokens = np.asarray(ids[:size], dtype=np.int64)
    tokens.setflags(write=False)
    return tokens


def unigram_entropy(ids: NDArray[np.int64]) -> float:
    """Return the entropy of single tokens in nats: the loss of a model that knows only how frequent each word is."""
    counts = np.bincount(ids).astype(np.float64)
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _zipf(rng: np.random.Generator, size: int) -> int:
    weight = np.arange(1, size + 1, dtype=np.float64) ** -_ZIPF_EXPONENT
    return int(np.searchsorted(np.cumsum(weight / weight.sum()), rng.random()).clip(0, size - 1))


def _matching(rng: np.random.Generator, words: Sequence[str], verb: int, verbs: int) -> str:
    """Draw a word, most of the time one that goes with the verb."""
    if rng.random() < _COMPATIBLE_SHARE:
        fitting = words[verb::verbs]
        return fitting[_zipf(rng, len(fitting))]
    return words[_zipf(rng, len(words))]


def _document(rng: np.random.Generator, words: Mapping[str, Sequence[str]], language: str) -> list[list[str]]:
    write = _korean_sentence if language == "ko" else _english_sentence
    protagonist = words["people"][_zipf(rng, len(words["people"]))]
    place = words["places"][_zipf(rng, len(words["places"]))]
    function: Mapping[str, Sequence[str]] = lexicon()["function"][language]
    document = []
    for number in range(int(rng.integers(3, 8))):
        verb = _zipf(rng, len(words["verbs"]))
        followed = rng.random() < _PROTAGONIST_SHARE
        slots = {
            "person": protagonist if followed else words["people"][_zipf(rng, len(words["people"]))],
            "place": place,
            "verb": words["verbs"][verb],
            "object": _matching(rng, words["objects"], verb, len(words["verbs"])),
            "adjective": _matching(rng, words["adjectives"], verb, len(words["verbs"])),
            "time": function["times"][_zipf(rng, len(function["times"]))],
            "link": function["links"][_zipf(rng, len(function["links"]))],
        }
        shape = int(rng.integers(1, 6)) if number else 0
        document.append(write(slots, shape))
    return document


def _after(noun: str, closed: str, open_: str) -> str:
    """Return the particle that follows a noun: one form after a final consonant, another after a vowel."""
    return "##" + (closed if (ord(noun[-1]) - 0xAC00) % 28 else open_)


def _korean_sentence(slot: Mapping[str, str], shape: int) -> list[str]:
    person, thing, place, verb = slot["person"], slot["object"], slot["place"], slot["verb"]
    topic = [person, _after(person, "은", "는")]
    thing_done = [thing, _after(thing, "을", "를"), verb, "."]
    if shape == 0:
        return [place, "##에서", *topic, slot["adjective"], *thing_done]
    if shape == 1:
        return [slot["time"], *topic, slot["adjective"], *thing_done]
    if shape == 2:
        return [slot["link"], person, "##도", *thing_done]
    if shape == 3:
        return [place, "##에", slot["adjective"], thing, _after(thing, "이", "가"), "많다", "."]
    if shape == 4:
        ending = _after(person, "이다", "다")
        return ["누가", thing, _after(thing, "을", "를"), verb, "?", "바로", person, ending, "."]
    return [slot["link"], slot["time"], *topic, *thing_done]


def _english_sentence(slot: Mapping[str, str], shape: int) -> list[str]:
    person, thing, place, verb = slot["person"], slot["object"], slot["place"], slot["verb"]
    where = ["in", "the", place, "."]
    if shape == 0:
        return ["in", "the", place, "the", person, verb, slot["adjective"], thing, "."]
    if shape == 1:
        return ["the", person, verb, slot["adjective"], thing, slot["time"], "."]
    if shape == 2:
        return [slot["link"], "the", person, "also", verb, thing, "."]
    if shape == 3:
        return ["we", "find", slot["adjective"], thing, *where]
    if shape == 4:
        return ["who", verb, thing, "?", "it", "is", "the", person, "."]
    return [slot["link"], "the", person, verb, thing, slot["time"], "near", "the", place, "."]
