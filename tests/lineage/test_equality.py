"""The tolerances of `copy` cover what storing Gaussian weights in each type leaves, and little more."""

from __future__ import annotations

import numpy as np
import pytest

from dokja.lineage.equality import ROUNDING


def _blocks(x, levels, low):
    """Round blocks of 32 to a grid of so many levels, from the block's minimum (`_1`) or around zero (`_0`)."""
    b = x.reshape(-1, 32)
    if low:
        start = b.min(axis=1, keepdims=True)
        step = (b.max(axis=1, keepdims=True) - start) / (levels - 1)
    else:
        start = 0.0
        step = np.abs(b).max(axis=1, keepdims=True) / (levels // 2 - (levels > 64))
    return (start + np.rint((b - start) / step) * step).reshape(x.shape)


def _bf16(x):
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)


def _floating(x, mantissa_bits):
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(fraction * 2 ** (mantissa_bits + 1)) / 2 ** (mantissa_bits + 1), exponent)


STORED = {
    "F16": lambda x: x.astype(np.float16),
    "BF16": _bf16,
    "F8_E4M3": lambda x: _floating(x, 3),
    "F8_E5M2": lambda x: _floating(x, 2),
    "I8": lambda x: np.rint(x / np.abs(x).max() * 127) * np.abs(x).max() / 127,
    "Q8_0": lambda x: _blocks(x, 256, low=False),
    "Q5_0": lambda x: _blocks(x, 32, low=False),
    "Q5_1": lambda x: _blocks(x, 32, low=True),
    "Q4_0": lambda x: _blocks(x, 16, low=False),
    "Q4_1": lambda x: _blocks(x, 16, low=True),
}


@pytest.mark.parametrize("dtype", STORED)
def test_rounding_to_a_stored_type_stays_within_its_tolerance_and_the_tolerance_is_not_slack(dtype):
    x = np.random.default_rng(0).standard_normal((256, 512)).astype(np.float32)
    error = np.linalg.norm(STORED[dtype](x).astype(np.float64) - x) / np.linalg.norm(x)
    assert error <= ROUNDING[dtype]
    assert ROUNDING[dtype] <= 6 * error
