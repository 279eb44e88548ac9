"""Block-quantised types of GGUF, decoded by their definition in ggml (`block_q4_K` and its kin).

A block holds 32 or 256 consecutive elements of a row: a scale, perhaps a minimum, perhaps 6-bit sub-scales, and
the packed integers. Every decoder takes whole blocks as bytes and writes flat float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# name -> (elements, bytes) of one block; those without a decoder below can be listed, not read.
BLOCK_SIZES: dict[str, tuple[int, int]] = {
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q8_0": (32, 34),
    "Q8_1": (32, 36),
    "Q2_K": (256, 84),
    "Q3_K": (256, 110),
    "Q4_K": (256, 144),
    "Q5_K": (256, 176),
    "Q6_K": (256, 210),
    "Q8_K": (256, 292),
    "IQ2_XXS": (256, 66),
    "IQ2_XS": (256, 74),
    "IQ3_XXS": (256, 98),
    "IQ1_S": (256, 50),
    "IQ4_NL": (32, 18),
    "IQ3_S": (256, 110),
    "IQ2_S": (256, 82),
    "IQ4_XS": (256, 136),
    "IQ1_M": (256, 56),
    "TQ1_0": (256, 54),
    "TQ2_0": (256, 66),
    "MXFP4": (32, 17),
}


def _half(field: Bytes) -> Floats:
    """Return (n, 1) float32 of (n, 2) bytes of float16."""
    return np.ascontiguousarray(field).view("<f2").astype(np.float32)


def _nibbles(packed: Bytes) -> Bytes:
    """Return the low halves of (..., k) bytes, then the high halves, as (..., 2, k)."""
    return np.stack((packed & 15, packed >> 4), axis=-2)


def _fifth_bits(field: Bytes) -> Bytes:
    """Return (n, 32) bits of (n, 4) little-endian bytes, already at the place of bit 4."""
    return np.unpackbits(field, axis=1, bitorder="little") << np.uint8(4)


def _q4_0(blocks: Bytes, out: Floats) -> None:
    quants = _nibbles(blocks[:, 2:]).reshape(-1, 32)
    np.multiply(_half(blocks[:, :2]), quants.view(np.int8) - np.int8(8), out=out)


def _q4_1(blocks: Bytes, out: Floats) -> None:
    np.multiply(_half(blocks[:, :2]), _nibbles(blocks[:, 4:]).reshape(-1, 32), out=out)
    out += _half(blocks[:, 2:4])


def _q5_0(blocks: Bytes, out: Floats) -> None:
    quants = _nibbles(blocks[:, 6:]).reshape(-1, 32) | _fifth_bits(blocks[:, 2:6])
    np.multiply(_half(blocks[:, :2]), quants.view(np.int8) - np.int8(16), out=out)


def _q5_1(blocks: Bytes, out: Floats) -> None:
    quants = _nibbles(blocks[:, 8:]).reshape(-1, 32) | _fifth_bits(blocks[:, 4:8])
    np.multiply(_half(blocks[:, :2]), quants, out=out)
    out += _half(blocks[:, 2:4])


def _q8_0(blocks: Bytes, out: Floats) -> None:
    np.multiply(_half(blocks[:, :2]), blocks[:, 2:].view(np.int8), out=out)


def _q2_k(blocks: Bytes, out: Floats) -> None:
    # 16 groups of 16: low nibble scales, high nibble minima; 2-bit quants in four planes of 32 per 128 elements.
    scales, packed = blocks[:, :16], blocks[:, 16:80].reshape(-1, 2, 1, 32)
    scale = _half(blocks[:, 80:82]) * (scales & 15)
    minimum = _half(blocks[:, 82:84]) * (scales >> 4)
    planes = packed >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3
    groups = out.reshape(-1, 16, 16)
    np.multiply(scale[:, :, None], planes.reshape(-1, 16, 16), out=groups)
    groups -= minimum[:, :, None]


def _q3_k(blocks: Bytes, out: Floats) -> None:
    # 3-bit quants: two bits in planes as Q2_K, the third (inverted) in a mask of 32 bytes; 6-bit signed scales.
    mask, packed, stored = blocks[:, :32], blocks[:, 32:96].reshape(-1, 2, 1, 32), blocks[:, 96:108]
    low = _nibbles(stored[:, :8]).reshape(-1, 16)
    high = (stored[:, None, 8:] >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3).reshape(-1, 16)
    scale = _half(blocks[:, 108:110]) * ((low | high << 4).view(np.int8) - np.int8(32))
    planes = (packed >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3).reshape(-1, 256)
    third = (mask[:, None, :] >> np.arange(8, dtype=np.uint8).reshape(8, 1) & 1).reshape(-1, 256)
    quants = planes.view(np.int8) - ((third ^ 1) << 2).view(np.int8)
    np.multiply(scale[:, :, None], quants.reshape(-1, 16, 16), out=out.reshape(-1, 16, 16))


def _k_scales(packed: Bytes) -> tuple[Bytes, Bytes]:
    """Return the eight 6-bit scales and eight 6-bit minima of (n, 12) bytes, each (n, 8).

    The first four of each are the low six bits of bytes 0-3 and 4-7; the last four take a nibble of bytes 8-11 and
    the two bits left over in bytes 0-3 and 4-7.
    """
    first, second, third = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate((first & 63, (third & 15) | (first >> 6 << 4)), axis=1)
    minima = np.concatenate((second & 63, (third >> 4) | (second >> 6 << 4)), axis=1)
    return scales, minima


def _scaled_k(blocks: Bytes, quants: Bytes, out: Floats) -> None:
    """Write scale * quant - minimum for the eight groups of 32 of a Q4_K or Q5_K block."""
    scales, minima = _k_scales(blocks[:, 4:16])
    groups = out.reshape(-1, 8, 32)
    np.multiply((_half(blocks[:, :2]) * scales)[:, :, None], quants.reshape(-1, 8, 32), out=groups)
    groups -= (_half(blocks[:, 2:4]) * minima)[:, :, None]


def _q4_k(blocks: Bytes, out: Floats) -> None:
    _scaled_k(blocks, _nibbles(blocks[:, 16:].reshape(-1, 4, 32)), out)


def _q5_k(blocks: Bytes, out: Floats) -> None:
    low = _nibbles(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    high = blocks[:, None, 16:48] >> np.arange(8, dtype=np.uint8).reshape(8, 1) & np.uint8(1)
    _scaled_k(blocks, low | high << np.uint8(4), out)


def _q6_k(blocks: Bytes, out: Floats) -> None:
    # Two halves of 128: low nibbles in planes of 64 bytes, high two bits in planes of 32 bytes; int8 scales per 16.
    low = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 8, 32)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(4, 1) & 3
    quants = (low | high.reshape(-1, 8, 32) << 4).view(np.int8) - np.int8(32)
    scale = _half(blocks[:, 208:210]) * blocks[:, 192:208].view(np.int8)
    np.multiply(scale[:, :, None], quants.reshape(-1, 16, 16), out=out.reshape(-1, 16, 16))


# Twice the values of FP4, under half the scale, so that the largest exponent does not overflow before it must.
_MXFP4_VALUES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.float32)


def _mxfp4(blocks: Bytes, out: Floats) -> None:
    scale = np.ldexp(np.float32(1), blocks[:, :1].astype(np.int32) - 128)
    np.multiply(scale, _MXFP4_VALUES[_nibbles(blocks[:, 1:]).reshape(-1, 32)], out=out)


_UNPACKERS: dict[str, Callable[[Bytes, Floats], None]] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q8_0": _q8_0,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
    "MXFP4": _mxfp4,
}


def _decoder(name: str) -> Callable[[Bytes, Floats], None]:
    elements, width = BLOCK_SIZES[name]
    unpack = _UNPACKERS[name]

    def decode(raw: Bytes, out: Floats) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            unpack(raw.reshape(-1, width), out.reshape(-1, elements))

    return decode


BLOCK_DECODERS = {name: _decoder(name) for name in _UNPACKERS}
