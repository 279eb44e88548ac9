"""The statistic: how much units agree with the units that carry the same label, and its exact mean and variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

Matrix = NDArray[np.float64]

_BLOCK_FEATURES = 2048


@dataclass(frozen=True, slots=True)
class TraceStatistic:
    """What one group of units shows.

    Args:
        n: Units.
        trace: T = tr C, agreement under the labelling as it stands.
        variance: Var T over all re-labellings, ‖C‖²_F / (n - 1); the mean is 0.
        z: T over its standard deviation; *not* the logarithm of a probability. 0 when the variance is 0.
        rho: Effect T / (‖A‖ ‖B‖), in [-1, 1].
        k_eff: Effective number of independent features: z = rho sqrt((n - 1) k_eff).
    """

    n: int
    trace: float
    variance: float
    z: float
    rho: float
    k_eff: float

    def detectable_rho(self, z_needed: float) -> float:
        """Return the least effect that would have reached `z_needed` here; infinity when none could."""
        information = (self.n - 1) * self.k_eff
        return z_needed / math.sqrt(information) if information > 0 else math.inf


def cross_product(a: NDArray[np.floating], b: NDArray[np.floating]) -> Matrix:
    """Return the double-centred unit-by-unit agreement C = A Bᵀ.

    Args:
        a: (n, k) features of the suspect's units, equilibrated.
        b: (n, k) features of the reference's units, equilibrated.

    Returns:
        (n, n) float64; multiplied in float32 by blocks of features, accumulated in float64.

    Raises:
        InvalidInput: Shapes differ.

    Assumes:
        Nothing of the features; centring removes what every unit shares.

    Source:
        Hoeffding 1951: centring makes the statistic's mean 0 over all re-labellings.
    """
    if a.shape != b.shape or a.ndim != 2:
        raise InvalidInput(f"Units can be compared on equal features only, not {a.shape} with {b.shape}.")
    n, k = a.shape
    total = np.zeros((n, n))
    for start in range(0, k, _BLOCK_FEATURES):
        left = np.asarray(a[:, start : start + _BLOCK_FEATURES], dtype=np.float32)
        right = np.asarray(b[:, start : start + _BLOCK_FEATURES], dtype=np.float32)
        total += left @ right.T
    return double_centre(total)


def double_centre(c: NDArray[np.floating]) -> Matrix:
    """Return C with the means of its rows and of its columns removed, as float64.

    Assumes:
        Nothing.

    Source:
        Hoeffding 1951, Ann. Math. Statist. 22(4): the centred scores d(i, j).
    """
    centred: Matrix = np.asarray(c, dtype=np.float64)
    if not centred.size:
        return centred
    centred = centred - centred.mean(axis=1, keepdims=True)
    centred -= centred.mean(axis=0, keepdims=True)
    return centred


def trace_statistic(c: Matrix, norm_a: float, norm_b: float) -> TraceStatistic:
    """Return trace, exact null variance, z, effect and efficiency of a double-centred C.

    Args:
        c: (n, n) double-centred agreement.
        norm_a: Frobenius norm of the suspect's centred features.
        norm_b: Frobenius norm of the reference's centred features.

    Raises:
        InvalidInput: C is not square.

    Assumes:
        Every re-labelling of the n units is equally probable under independence. No law of the weights.

    Source:
        Hoeffding 1951, Ann. Math. Statist. 22(4), Theorem 2 (mean and variance of a linear permutation statistic).
    """
    if c.ndim != 2 or c.shape[0] != c.shape[1]:
        raise InvalidInput(f"Agreement of units is a square matrix, not of shape {c.shape}.")
    n = len(c)
    squared = float(np.einsum("ij,ij->", c, c))
    trace = float(np.trace(c))
    variance = squared / (n - 1) if n > 1 else 0.0
    norms = norm_a * norm_b
    return TraceStatistic(
        n=n,
        trace=trace,
        variance=variance,
        z=trace / math.sqrt(variance) if variance > 0 else 0.0,
        rho=float(trace / norms) if norms > 0 else 0.0,
        k_eff=float(norms**2 / squared) if squared > 0 else 0.0,
    )


def guarded_trace(c: Matrix) -> float:
    """Return tr C less the most that rounding can have added, so that a bound at it stays an upper bound.

    Assumes:
        IEEE double precision, round to nearest.

    Source:
        The usual bound on a sum of n terms, n·eps·Σ|x|, doubled; Higham 2002, §4.2.
    """
    if not c.size:
        return 0.0
    slack = 2.0 * len(c) * np.finfo(np.float64).eps * float(np.abs(c).max())
    return float(np.trace(c)) - slack
