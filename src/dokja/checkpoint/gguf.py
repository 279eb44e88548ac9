"""GGUF versions 2 and 3: key-values, then tensor declarations, then aligned data.

Every length is compared with the bytes that remain before anything is read or built, arrays do not nest, and long
arrays are stepped over: a file of 113 bytes that declares 2^40 elements costs nothing. Only the tokens are read in
full, and only when someone asks for the vocabulary.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from dokja.canonical import JSON
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import TensorInfo
from dokja.checkpoint.cursor import Cursor
from dokja.checkpoint.limits import Limits, require_name, require_shape, unreadable
from dokja.checkpoint.stored import Contiguous, Layout
from dokja.encodings.encoding import BLOCKED, PLAIN, Encoding

_TYPES: dict[int, Encoding] = {
    **{
        code: PLAIN[name]
        for code, name in {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64"}.items()
    },
    **{code: PLAIN[name] for code, name in {28: "F64", 30: "BF16"}.items()},
    **{code: BLOCKED[name] for code, name in {2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0"}.items()},
    **{code: BLOCKED[name] for code, name in {9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K"}.items()},
    **{code: BLOCKED[name] for code, name in {13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS"}.items()},
    **{
        code: BLOCKED[name] for code, name in {17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL"}.items()
    },
    **{code: BLOCKED[name] for code, name in {21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M"}.items()},
    **{code: BLOCKED[name] for code, name in {34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"}.items()},
}
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_AXES = 4
_MAX_ALIGNMENT = 1 << 16
_TOKENS = "tokenizer.ggml.tokens"


@dataclass(frozen=True, slots=True)
class _StringArray:
    """Where a long array of strings lies, for reading it later."""

    offset: int
    length: int


def parse_gguf(file: ByteSource, limits: Limits) -> Layout:
    """Return what lies where in one GGUF file.

    Args:
        file: The file.
        limits: What it may ask for.

    Raises:
        UnreadableArtifact: It is not what its header says.
    """
    cursor = Cursor(file, 0, min(file.size, limits.header_bytes))
    if cursor.take(4) != b"GGUF":
        raise unreadable(file.name, "it does not begin with GGUF")
    version = cursor.integer("I")
    if version not in (2, 3):
        raise unreadable(file.name, f"GGUF version {version} is not 2 or 3 (or the file is big-endian)")
    n_tensors, n_keys = cursor.integer("Q"), cursor.integer("Q")
    if n_tensors > limits.tensors or n_keys > limits.metadata_items:
        raise unreadable(file.name, f"it declares {n_tensors} tensors and {n_keys} keys, more than is read")
    metadata, arrays = _parse_metadata(cursor, n_keys, limits)
    declared = [_parse_declaration(cursor, limits) for _ in range(n_tensors)]
    alignment = _alignment_of(metadata, file.name)
    placed = _place(declared, _aligned(cursor.offset, alignment), alignment, cursor)
    tokens = arrays.get(_TOKENS)
    read_tokens = None if tokens is None else lambda: _read_tokens(file, limits, tokens)
    return Layout(list(placed), metadata, vocabulary=read_tokens)


def _parse_metadata(
    cursor: Cursor, n_keys: int, limits: Limits
) -> tuple[dict[str, JSON], dict[str, _StringArray]]:
    metadata: dict[str, JSON] = {}
    arrays: dict[str, _StringArray] = {}
    for _ in range(n_keys):
        key = _text(cursor, limits.name_chars)
        if key in metadata:
            raise unreadable(cursor.file.name, f"the key {key[:60]!r} occurs twice")
        if not key.isprintable():
            raise unreadable(cursor.file.name, f"the key {key[:60]!a} has characters that cannot be printed")
        kind = cursor.integer("I")
        if kind == _ARRAY:
            metadata[key] = _parse_array(cursor, key, arrays, limits)
        else:
            metadata[key] = _parse_scalar(cursor, kind, key, limits)
    return metadata, arrays


def _parse_scalar(cursor: Cursor, kind: int, key: str, limits: Limits) -> JSON:
    if kind == _STRING:
        return _text(cursor, limits.metadata_bytes)
    if kind not in _SCALARS:
        raise unreadable(cursor.file.name, f"key {key[:60]!r} has the unknown value type {kind}")
    if _SCALARS[kind] == "?":
        return cursor.take(1) != b"\0"
    return _plain_number(cursor.number(_SCALARS[kind]))


def _text(cursor: Cursor, longest: int) -> str:
    return cursor.text(cursor.integer("Q"), longest)


def _plain_number(value: int | float) -> JSON:
    """Return a JSON number; NaN and infinities, which JSON has not, as text."""
    return value if isinstance(value, int) or np.isfinite(value) else str(value)


def _parse_array(cursor: Cursor, key: str, arrays: dict[str, _StringArray], limits: Limits) -> JSON:
    """Return a short array's values, or what a long one holds; refuse one longer than the bytes that remain."""
    kind, length = cursor.integer("I"), cursor.integer("Q")
    if kind != _STRING and kind not in _SCALARS:
        raise unreadable(
            cursor.file.name, f"key {key[:60]!r} is an array of value type {kind}; arrays do not nest"
        )
    width = 8 if kind == _STRING else struct.calcsize("<" + _SCALARS[kind])
    cursor.require(length * width)
    short = length <= limits.metadata_items and key != _TOKENS
    if kind == _STRING:
        if length > limits.array_items:
            raise unreadable(cursor.file.name, f"key {key[:60]!r} has {length} strings, more than is read")
        if short:
            return [_text(cursor, limits.metadata_bytes) for _ in range(length)]
        arrays[key] = _StringArray(cursor.offset, length)
        for _ in range(length):
            cursor.skip(cursor.integer("Q"))
    elif short:
        values = struct.unpack(f"<{length}{_SCALARS[kind]}", cursor.take(length * width))
        return [_plain_number(value) for value in values]
    else:
        cursor.skip(length * width)
    return {"array_of": "string" if kind == _STRING else _SCALARS[kind], "length": length}


def _read_tokens(file: ByteSource, limits: Limits, tokens: _StringArray) -> Mapping[str, int]:
    if tokens.length > limits.vocabulary:
        raise unreadable(
            file.name, f"its vocabulary has {tokens.length} tokens; at most {limits.vocabulary} are read"
        )
    cursor = Cursor(file, tokens.offset, min(file.size, limits.header_bytes))
    vocabulary: dict[str, int] = {}
    for row in range(tokens.length):
        length = cursor.integer("Q")
        # Byte-level vocabularies hold pieces that are no UTF-8; the row matters, so they are kept escaped.
        vocabulary.setdefault(cursor.take(length).decode("utf-8", "backslashreplace"), row)
    return vocabulary


def _parse_declaration(cursor: Cursor, limits: Limits) -> tuple[str, tuple[int, ...], Encoding, int]:
    """Return name, row-major shape, encoding and data offset of one tensor."""
    where = cursor.file.name
    name = require_name(_text(cursor, limits.name_chars * 4), where, limits)
    n_axes = cursor.integer("I")
    if n_axes > _MAX_AXES:
        raise unreadable(where, f"tensor {name} has {n_axes} axes; GGUF has at most {_MAX_AXES}")
    lengths = [cursor.integer("Q") for _ in range(n_axes)]
    shape = require_shape(lengths[::-1], name, where, limits)
    kind, offset = cursor.integer("I"), cursor.integer("Q")
    encoding = _TYPES.get(kind)
    if encoding is None:
        raise unreadable(where, f"tensor {name} has the unknown type {kind}")
    if (shape[-1] if shape else 1) % encoding.block_elements:
        raise unreadable(where, f"rows of tensor {name} are no whole blocks of {encoding.name}")
    return name, shape, encoding, offset


def _alignment_of(metadata: Mapping[str, JSON], where: str) -> int:
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 1 <= alignment <= _MAX_ALIGNMENT or alignment & (alignment - 1):
        raise unreadable(
            where, f"its alignment {str(alignment)[:40]} is no power of two up to {_MAX_ALIGNMENT}"
        )
    return alignment


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def _place(
    declared: list[tuple[str, tuple[int, ...], Encoding, int]],
    data_start: int,
    alignment: int,
    cursor: Cursor,
) -> list[Contiguous]:
    """Return the tensors in data order, refusing overlaps, holes beyond padding, and bytes outside the file."""
    where, size = cursor.file.name, cursor.file.size
    placed: list[Contiguous] = []
    seen: set[str] = set()
    expected = data_start
    for name, shape, encoding, offset in sorted(declared, key=lambda tensor: (tensor[3], prod(tensor[1]))):
        elements = prod(shape)
        stored_bytes = encoding.stored_bytes(elements)
        begin = data_start + offset
        if name in seen:
            raise unreadable(where, f"tensor {name} is declared twice")
        if begin != _aligned(expected, alignment):
            kind = (
                "overlaps the tensor before it"
                if begin < expected
                else "lies behind a hole or is not aligned"
            )
            raise unreadable(where, f"tensor {name} {kind}, at data offset {offset}")
        if begin + stored_bytes > size:
            raise unreadable(
                where, f"tensor {name} ends at {begin + stored_bytes}, behind the file's {size} bytes"
            )
        seen.add(name)
        info = TensorInfo(name, encoding.name, shape, stored_bytes, where)
        placed.append(Contiguous(info, cursor.file, begin, encoding))
        expected = begin + stored_bytes
    if placed and size > _aligned(expected, alignment):
        raise unreadable(where, f"{size - expected} bytes follow the last tensor")
    return placed
