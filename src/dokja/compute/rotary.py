"""Rotary position embedding: the rotation every query and key gets from its position."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput, Unavailable


def inverse_frequencies(theta: float, head_dim: int, scaling: Mapping[str, object]) -> NDArray[np.float64]:
    """Return the (head_dim / 2,) angular speeds of a rotary embedding, in radians per position.

    Args:
        theta: Base of the geometric series of speeds, greater than 1.
        head_dim: Length of one head, even.
        scaling: The config's `rope_scaling` or `rope_parameters`; {} for none. Kinds `default`, `linear` and
            `llama3` are known.

    Raises:
        InvalidInput: The numbers make no rotation.
        Unavailable: A kind of scaling this forward pass does not compute.
    """
    if head_dim < 2 or head_dim % 2 or not theta > 1 or not math.isfinite(theta):
        raise InvalidInput(f"No rotary embedding has base {theta} and heads of length {head_dim}.")
    speeds = theta ** -(np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind in ("default", None):
        return speeds
    if kind == "linear":
        return speeds / _positive(scaling, "factor")
    if kind == "llama3":
        return _llama3(speeds, scaling)
    raise Unavailable(
        f"Rotary scaling of kind {kind!r} is not computed here; default, linear and llama3 are.",
        hint="Run this model on an engine that supports it.",
    )


def _llama3(speeds: NDArray[np.float64], scaling: Mapping[str, object]) -> NDArray[np.float64]:
    """Slow down long wavelengths by `factor`, keep short ones, and blend in between."""
    factor = _positive(scaling, "factor")
    low, high = _positive(scaling, "low_freq_factor"), _positive(scaling, "high_freq_factor")
    turns = _positive(scaling, "original_max_position_embeddings") * speeds / (2 * math.pi)
    if high <= low:
        raise InvalidInput("llama3 rotary scaling needs high_freq_factor above low_freq_factor.")
    kept_share = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return speeds * (kept_share + (1.0 - kept_share) / factor)


def _positive(scaling: Mapping[str, object], key: str) -> float:
    value = scaling.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise InvalidInput(f"Rotary scaling needs a positive {key}, not {value!r}.")
    return float(value)


def rotate(heads: FloatArray, cosines: FloatArray, sines: FloatArray) -> FloatArray:
    """Return heads turned by their positions' angles; a pair is (i, i + head_dim / 2), as anatomy orders rows.

    Args:
        heads: (tokens, heads, head_dim).
        cosines: (tokens, 1, head_dim / 2).
        sines: (tokens, 1, head_dim / 2).
    """
    half = heads.shape[-1] // 2
    first, second = heads[..., :half], heads[..., half:]
    turned = np.empty_like(heads)
    np.subtract(first * cosines, second * sines, out=turned[..., :half])
    np.add(second * cosines, first * sines, out=turned[..., half:])
    return turned
