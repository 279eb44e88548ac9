"""The sign group: flipping (up, down) of a gated unit, or a residual coordinate, leaves the function unchanged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dokja.errors import InvalidInput

_GRID = np.geomspace(0.02, 50.0, 60)


@dataclass(frozen=True, slots=True)
class SignStatistic:
    """Agreement of signs.

    Args:
        n: Units that can show anything (non-zero in both models).
        z: Sum of the agreements over its null standard deviation; at most sqrt(n), so look at the p-value.
        log10_p: Upper bound on the probability, log10; at least -n log10 2.
    """

    n: int
    z: float
    log10_p: float


def sign_statistic(a: ArrayLike, b: ArrayLike) -> SignStatistic:
    """Return the sign test of units with features a against units with features b.

    Args:
        a: (n, k) suspect's features, *not* centred.
        b: (n, k) reference's features, not centred.

    Raises:
        InvalidInput: Shapes differ, or a value is not finite.

    Assumes:
        The reference's initial law is symmetric about 0 and its optimiser odd (SGD, Adam, AdamW, Lion, Muon), and
        flipping is a symmetry: (up, down) of a gated MLP, residual coordinates under RMS norms. Not for LayerNorm
        residuals, ReLU or GELU units, or norm gains.

    Source:
        Randomisation over S_2^n; E exp(θT) = Π cosh(θ x_i) exactly.
    """
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 2:
        raise InvalidInput(
            f"Units can be compared on equal features only, not {left.shape} with {right.shape}."
        )
    products = np.einsum("ij,ij->i", left, right)
    norm = float(np.sqrt(np.einsum("i,i->", products, products)))
    return SignStatistic(
        n=int(np.count_nonzero(products)),
        z=float(products.sum()) / norm if norm > 0 else 0.0,
        log10_p=log10_sign_tail(products),
    )


def log10_sign_tail(products: ArrayLike) -> float:
    """Return log10 of an upper bound on P(Σ ε_i x_i >= Σ x_i) for independent fair signs ε.

    Args:
        products: (n,) inner products x_i of matched units; those of independent groups are simply concatenated.

    Raises:
        InvalidInput: A value is not finite.

    Assumes:
        As `sign_statistic`.

    Source:
        Chernoff with the exact MGF.
    """
    x = np.abs(np.asarray(products, dtype=np.float64))
    if not np.isfinite(x).all():
        raise InvalidInput("Agreement of units holds NaN or infinity; leave such a tensor out and say so.")
    total = float(np.sum(products))
    x = x[x > 0]
    if total <= 0 or not len(x):
        return 0.0
    start = total / float(x @ x)
    best = min(float(np.sum(_log_cosh(u * start * x))) - u * start * total for u in _GRID)
    return float(min(max(best, -len(x) * math.log(2.0)), 0.0) / math.log(10.0) + 0.0)


def _log_cosh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(x) + np.log1p(np.exp(-2.0 * np.abs(x))) - math.log(2.0), dtype=np.float64)
