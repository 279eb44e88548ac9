"""Which rows of two token embeddings stand for the same piece of text, whatever marks their tokenizers use.

Byte-level BPE writes bytes as printable stand-ins ("Ġthe"), SentencePiece marks a space by "▁" and a lone byte by
"<0x0A>", WordPiece marks a continuation by "##". Each becomes the bytes it stands for; a word that starts a WordPiece
counts as having a space in front. Two vocabularies in one style are matched by their strings as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

_SPACE_MARKS = {"byte_level": "Ġ", "sentencepiece": "▁", "wordpiece": "##"}
_LONE_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_CONTROL = re.compile(r"<[^<>\s]+>|\[[A-Za-z0-9_]+\]")


def style_of(vocabulary: Mapping[str, int]) -> str:
    """Return `byte_level`, `sentencepiece`, `wordpiece`, or `plain` when no token carries a mark.

    The vocabulary as a whole decides, so that a few odd tokens change nothing: the convention whose mark most tokens
    carry, and among equals the one that explains more tokens. Byte-level BPE writes with 256 letters only, "▁" and
    Hangul not among them; "Ġ" is one of them and a letter of Maltese as well.

    Args:
        vocabulary: Token string to row.
    """
    marked = {
        style: sum(token.startswith(mark) for token in vocabulary) for style, mark in _SPACE_MARKS.items()
    }
    letters = _stand_ins().keys()
    in_bytes = sum(letters >= set(token) for token in vocabulary)
    explained = {style: in_bytes if style == "byte_level" else len(vocabulary) for style in marked}
    style = max(marked, key=lambda style: (marked[style], explained[style]))
    return style if marked[style] else "plain"


def shared_tokens(
    one: Mapping[str, int], other: Mapping[str, int], *, n_rows: tuple[int, int] | None = None
) -> tuple[Rows, Rows]:
    """Return the rows of the tokens both vocabularies have, side by side.

    Args:
        one: Token string to row.
        other: Token string to row.
        n_rows: Rows of the two embeddings; tokens that point past the end are dropped. None trusts the vocabularies.

    Returns:
        Two (n,) arrays of row numbers, in ascending order of the first; no row occurs twice in either.
    """
    same = style_of(one) == style_of(other)
    limits: tuple[int | None, int | None] = (None, None) if n_rows is None else n_rows
    keyed_one = _keyed(one, "as_is" if same else style_of(one), limits[0])
    keyed_other = _keyed(other, "as_is" if same else style_of(other), limits[1])
    pairs = sorted((keyed_one[key], keyed_other[key]) for key in keyed_one.keys() & keyed_other.keys())
    rows = np.array(_injective(pairs), dtype=np.intp).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _injective(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Keep the first pair of every row: several strings may share a row."""
    seen_one: set[int] = set()
    seen_other: set[int] = set()
    kept = []
    for first, second in pairs:
        if first not in seen_one and second not in seen_other:
            seen_one.add(first)
            seen_other.add(second)
            kept.append((first, second))
    return kept


def _keyed(vocabulary: Mapping[str, int], style: str, n_rows: int | None) -> dict[bytes, int]:
    """Return what each token stands for, to its row; a whole token is preferred to the byte that equals it."""
    decode = _DECODERS[style]
    keyed: dict[bytes, int] = {}
    ordered = sorted(vocabulary.items(), key=lambda item: (bool(_LONE_BYTE.fullmatch(item[0])), item[1]))
    for token, row in ordered:
        if n_rows is None or 0 <= row < n_rows:
            keyed.setdefault(decode(token), row)
    return keyed


def _text(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _control(token: str) -> bytes | None:
    """Control tokens stand for no text; a byte no UTF-8 text can contain keeps them apart from it."""
    return b"\xff" + _text(token) if _CONTROL.fullmatch(token) else None


def _from_byte_level(token: str) -> bytes:
    control = _control(token)
    if control is not None:
        return control
    bytes_of = _stand_ins()
    if any(letter not in bytes_of for letter in token):
        return _text(token)
    return bytes(bytes_of[letter] for letter in token)


def _from_sentencepiece(token: str) -> bytes:
    lone = _LONE_BYTE.fullmatch(token)
    if lone:
        return bytes.fromhex(lone[1])
    return _control(token) or _text(token.replace("▁", " "))


def _from_wordpiece(token: str) -> bytes:
    if token.startswith("##"):
        return _text(token[2:])
    return _control(token) or _text(" " + token)


def _as_is(token: str) -> bytes:
    return _text(token)


_DECODERS: dict[str, Callable[[str], bytes]] = {
    "byte_level": _from_byte_level,
    "sentencepiece": _from_sentencepiece,
    "wordpiece": _from_wordpiece,
    "plain": _as_is,
    "as_is": _as_is,
}


@cache
def _stand_ins() -> Mapping[str, int]:
    """The printable letter for each byte in byte-level BPE: itself where printable, else the next free from U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + number): byte for number, byte in enumerate(hidden)
    }
