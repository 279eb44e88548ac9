"""Stored element types, and how each becomes float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dokja.encodings.ggml import BLOCK_DECODERS, BLOCK_SIZES

FloatArray = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Decoder = Callable[[Bytes, FloatArray], None]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How elements lie in bytes.

    Args:
        name: As in `TensorInfo.dtype`.
        block_elements: Elements per indivisible block; 1 for plain types.
        block_bytes: Bytes per block.
        decode: Writes (raw bytes, flat float32 of their elements); None where we can list but not decode.
    """

    name: str
    block_elements: int
    block_bytes: int
    decode: Decoder | None

    def stored_bytes(self, elements: int) -> int:
        """Return the bytes so many elements take; elements must be whole blocks."""
        return elements // self.block_elements * self.block_bytes


def _cast(stored: str) -> Decoder:
    def decode(raw: Bytes, out: FloatArray) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            out[:] = raw.view(stored)

    return decode


def _bfloat16(raw: Bytes, out: FloatArray) -> None:
    np.left_shift(raw.view("<u2"), np.uint32(16), out=out.view(np.uint32), dtype=np.uint32)


@cache
def _float16_values() -> FloatArray:
    return np.arange(1 << 16, dtype="<u2").view("<f2").astype(np.float32)


def _float16(raw: Bytes, out: FloatArray) -> None:
    # Twice as fast as a cast, which converts element by element.
    np.take(_float16_values(), raw.view("<u2"), out=out, mode="clip")


def _boolean(raw: Bytes, out: FloatArray) -> None:
    np.not_equal(raw, 0, out=out, casting="unsafe")


@cache
def _float8_values(exponent_bits: int, bias: int, *, finite: bool) -> FloatArray:
    """Return the value of each of the 256 bytes of an 8-bit float, by its definition.

    Args:
        exponent_bits: Width of the exponent; the mantissa has the rest.
        bias: Exponent bias.
        finite: Whether the top exponent holds numbers (E4M3: only all-ones is NaN) or infinities and NaNs (E5M2).
    """
    mantissa_bits = 7 - exponent_bits
    bits = np.arange(256)
    exponent = bits >> mantissa_bits & (1 << exponent_bits) - 1
    fraction = (bits & (1 << mantissa_bits) - 1) / (1 << mantissa_bits)
    value = np.where(exponent == 0, np.ldexp(fraction, 1 - bias), np.ldexp(1 + fraction, exponent - bias))
    if finite:
        value[bits & 0x7F == 0x7F] = np.nan
    else:
        top = exponent == (1 << exponent_bits) - 1
        value = np.where(top, np.where(fraction == 0, np.inf, np.nan), value)
    return np.where(bits & 0x80, -value, value).astype(np.float32)


def _float8(exponent_bits: int, bias: int, *, finite: bool) -> Decoder:
    def decode(raw: Bytes, out: FloatArray) -> None:
        np.take(_float8_values(exponent_bits, bias, finite=finite), raw, out=out, mode="clip")

    return decode


@cache
def _power_values() -> FloatArray:
    powers = np.ldexp(1.0, np.arange(256) - 127)
    powers[255] = np.nan
    return powers.astype(np.float32)


def _power(raw: Bytes, out: FloatArray) -> None:
    np.take(_power_values(), raw, out=out, mode="clip")


def _plain(name: str, width: int, decode: Decoder | None) -> Encoding:
    return Encoding(name, 1, width, decode)


PLAIN: dict[str, Encoding] = {
    encoding.name: encoding
    for encoding in (
        _plain("F64", 8, _cast("<f8")),
        _plain("F32", 4, _cast("<f4")),
        _plain("F16", 2, _float16),
        _plain("BF16", 2, _bfloat16),
        _plain("F8_E4M3", 1, _float8(4, 7, finite=True)),
        _plain("F8_E5M2", 1, _float8(5, 15, finite=False)),
        _plain("F8_E8M0", 1, _power),
        _plain("I64", 8, _cast("<i8")),
        _plain("U64", 8, _cast("<u8")),
        _plain("I32", 4, _cast("<i4")),
        _plain("U32", 4, _cast("<u4")),
        _plain("I16", 2, _cast("<i2")),
        _plain("U16", 2, _cast("<u2")),
        _plain("I8", 1, _cast("i1")),
        _plain("U8", 1, _cast("u1")),
        _plain("BOOL", 1, _boolean),
        _plain("C64", 8, None),
        Encoding("F4", 2, 1, None),
        Encoding("F6_E2M3", 4, 3, None),
        Encoding("F6_E3M2", 4, 3, None),
    )
}

BLOCKED: dict[str, Encoding] = {
    name: Encoding(name, elements, width, BLOCK_DECODERS.get(name))
    for name, (elements, width) in BLOCK_SIZES.items()
}
