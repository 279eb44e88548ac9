"""Put the features of units on a common scale without looking at how units are matched."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dokja.errors import InvalidInput

Matrix = NDArray[np.float64]

_ALTERNATIONS = 4
# A column whose spread is this small beside its size is constant up to rounding; scaling it up would test noise.
_CONSTANT_SHARE = 1e-9
_CONSTANT_SHARE_SINGLE = 3e-6


def equilibrate(features: ArrayLike) -> Matrix:
    """Return features with centred unit columns, after four alternations of column and row scaling.

    Alternating tames outlier units and outlier features alike; every step treats all units by one rule, so the
    result follows any re-labelling of the units and exactness is kept. Positive scaling of a column changes
    nothing. Constant columns and all-zero units come out as zeros.

    Args:
        features: (n, k) signed features of n units. Those of single precision are scaled in single precision, which
            moves the result by about 1e-7.

    Returns:
        (n, k) float64; every column has mean 0 and norm 1, or is zero.

    Raises:
        InvalidInput: Not a matrix, or NaN or infinity in it.

    Assumes:
        Signed features. Norms, absolute values and squares carry positional magnitude patterns and are no features.

    Source:
        Fixed-count matrix equilibration (Ruiz 2001, RAL-TR-2001-034), with centring; the count is a choice.
    """
    single = getattr(features, "dtype", None) in (np.float16, np.float32)
    raw = _matrix(features, np.float32 if single else np.float64)
    if not raw.size:
        return raw.astype(np.float64)
    x: Matrix = _unit_largest(_alternated(_unit_largest(raw))).astype(np.float64)
    x -= x.mean(axis=0)
    return _unit_columns(x)


def rank_scores(values: ArrayLike) -> Matrix:
    """Return centred mid-ranks of one feature as an (n, 1) unit column, zeros when it is constant.

    Args:
        values: (n,) one number per unit, e.g. a norm gain.

    Raises:
        InvalidInput: Not a vector, or NaN or infinity in it.

    Assumes:
        Nothing of the values; ties share their mean rank, so the scores follow any re-labelling.

    Source:
        Mid-rank scores, Lehmann, Nonparametrics (1975), §1.4.
    """
    x = _matrix(np.reshape(np.asarray(values, dtype=np.float64), (-1, 1)))[:, 0]
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(counts) - (counts - 1) / 2.0
    return _centred_unit_columns(mid_ranks[inverse.ravel()].reshape(-1, 1))


def _matrix(features: ArrayLike, dtype: type[np.floating[Any]] = np.float64) -> NDArray[Any]:
    # One memory order, so that equal features come out equal to the last bit, however they were stored.
    x = np.array(features, dtype=dtype, order="C")
    if x.ndim != 2:
        raise InvalidInput(f"Features of units are a matrix (units, features), not of shape {x.shape}.")
    if not np.isfinite(x).all():
        raise InvalidInput("Features of units hold NaN or infinity; leave such a tensor out and say so.")
    return x


def _alternated(x: NDArray[Any]) -> NDArray[Any]:
    """Return features after the alternations, in place; columns are left unscaled, as the next step scales them."""
    ones = np.ones(len(x), x.dtype)
    share = _CONSTANT_SHARE if x.dtype == np.float64 else _CONSTANT_SHARE_SINGLE
    squares = np.empty_like(x)
    for _ in range(_ALTERNATIONS):
        mean = (ones @ x) / len(x)
        x -= mean
        np.multiply(x, x, out=squares)
        of_columns = ones @ squares
        constant = of_columns <= share**2 * len(x) * mean**2
        if constant.any():
            x[:, constant] = 0.0
        of_rows = squares @ np.where(constant, 0.0, 1.0 / _or_one(of_columns)).astype(x.dtype)
        zero = of_rows <= _CONSTANT_SHARE**2 * of_rows.max(initial=0.0)
        x *= np.where(zero, 0.0, 1.0 / np.sqrt(_or_one(of_rows))).astype(x.dtype)[:, None]
    return x


def _centred_unit_columns(x: Matrix) -> Matrix:
    if not x.size:
        return x
    x = _unit_largest(x)
    x -= x.mean(axis=0)
    return _unit_columns(x)


def _unit_columns(x: Matrix) -> Matrix:
    """Return centred columns of a common size at unit length, in place; those constant up to rounding as zeros."""
    norm = np.sqrt(np.einsum("ij,ij->j", x, x))
    constant = norm <= _CONSTANT_SHARE * np.sqrt(len(x))
    x *= np.where(constant, 0.0, 1.0 / _or_one(norm))
    return x


def _unit_largest(x: NDArray[Any]) -> NDArray[Any]:
    """Return every column over its largest absolute value."""
    return np.asarray(x / _or_one(np.maximum(x.max(axis=0), -x.min(axis=0))))


def _or_one(sizes: NDArray[Any]) -> NDArray[Any]:
    return np.where(sizes > 0, sizes, 1.0)
