"""The same piece of text is the same token, whatever a tokenizer calls it."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dokja.anatomy import shared_tokens

PLAIN_TEXT = st.text(min_size=1, max_size=6).filter(
    lambda text: not text.startswith(("<", "[")) and "▁" not in text
)


def byte_level(text: str) -> str:
    """As byte-level BPE writes it, by way of the real tokenizer's alphabet."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = bytes_to_unicode()
    return "".join(letters[byte] for byte in text.encode())


def sentencepiece(text: str) -> str:
    return text.replace(" ", "▁")


def words(count: int) -> list[str]:
    """Ordinary words with a space in front: what every real vocabulary mostly holds."""
    return [f" w{number}" for number in range(count)]


@given(st.lists(PLAIN_TEXT, unique=True, min_size=1, max_size=30), st.randoms(use_true_random=False))
@example(["Ġ"], random.Random(0))  # a letter of Maltese, and byte-level BPE's sign for a space
@example(["##", "Ġa", "한"], random.Random(0))
def test_byte_level_and_sentencepiece_tokens_of_one_text_meet(
    texts: list[str], shuffle: random.Random
) -> None:
    texts = list(dict.fromkeys([*words(len(texts)), *texts]))
    rows = list(range(len(texts)))
    shuffle.shuffle(rows)
    one = {byte_level(text): row for row, text in enumerate(texts)}
    other = {sentencepiece(text): rows[number] for number, text in enumerate(texts)}
    first, second = shared_tokens(one, other)
    assert first.tolist() == list(range(len(texts)))
    assert second.tolist() == rows


SPELLINGS = {
    "byte_level": byte_level,
    "sentencepiece": sentencepiece,
    "wordpiece": lambda text: text[1:] if text.startswith(" ") else "##" + text,
}
ODD = st.one_of(
    PLAIN_TEXT, PLAIN_TEXT.map("Ġ".__add__), PLAIN_TEXT.map("▁".__add__), PLAIN_TEXT.map("##".__add__)
)


@given(
    st.sampled_from(sorted(SPELLINGS)),
    st.sampled_from(sorted(SPELLINGS)),
    st.lists(ODD, max_size=19),
    st.lists(ODD, max_size=19),
)
@example("sentencepiece", "byte_level", ["Ġ"] * 19, [])
def test_a_few_odd_tokens_lose_none_of_the_shared_ones(
    one_style: str, other_style: str, to_one: list[str], to_other: list[str]
) -> None:
    texts = [*words(20), *(f"s{number}" for number in range(20))]
    one, other = (
        {SPELLINGS[style](text): row for row, text in enumerate(texts)} for style in (one_style, other_style)
    )
    for vocabulary, odd in ((one, to_one), (other, to_other)):
        for token in odd:
            vocabulary.setdefault(token, len(vocabulary))
    first, second = shared_tokens(one, other)
    pairs = dict(zip(first.tolist(), second.tolist(), strict=True))
    assert [pairs.get(row) for row in range(40)] == list(range(40))


def test_a_word_piece_meets_its_word_and_its_continuation() -> None:
    bert = {"[CLS]": 0, "play": 1, "##ing": 2}
    llama = {"<s>": 0, "▁play": 1, "ing": 2, "play": 3}
    first, second = shared_tokens(bert, llama)
    assert (first.tolist(), second.tolist()) == ([1, 2], [1, 2])


def test_a_lone_byte_meets_its_letter_unless_a_whole_token_does() -> None:
    gpt = {"Ġ": 0, "A": 1, "Ċ": 2}
    llama = {"▁": 7, "<0x41>": 8, "A": 9, "<0x0A>": 10}
    first, second = shared_tokens(gpt, llama)
    assert (first.tolist(), second.tolist()) == ([0, 1, 2], [7, 9, 10])


def test_control_tokens_meet_only_themselves() -> None:
    first, second = shared_tokens({"<pad>": 0, "Ġa": 1}, {"<pad>": 4, "▁pad": 5, "▁a": 6})
    assert (first.tolist(), second.tolist()) == ([0, 1], [4, 6])


@given(
    st.dictionaries(st.text(max_size=5), st.integers(0, 40)),
    st.dictionaries(st.text(max_size=5), st.integers(0, 40)),
)
def test_no_row_is_named_twice(one: dict[str, int], other: dict[str, int]) -> None:
    first, second = shared_tokens(one, other)
    assert len(set(first.tolist())) == len(first) == len(second) == len(set(second.tolist()))
    assert (np.diff(first) > 0).all()


@given(st.dictionaries(st.text(max_size=5), st.integers(0, 40)))
def test_a_vocabulary_meets_itself_on_every_row(one: dict[str, int]) -> None:
    first, second = shared_tokens(one, one)
    assert first.tolist() == second.tolist() == sorted(set(one.values()))


def test_rows_past_the_end_of_the_embedding_are_dropped() -> None:
    first, second = shared_tokens({"a": 0, "b": 99}, {"a": 3, "b": 1}, n_rows=(10, 10))
    assert (first.tolist(), second.tolist()) == ([0], [3])
