"""Rigorous upper bounds on the tail of a linear permutation statistic, good down to 1/n!."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput
from dokja.stats.permutation.trace import guarded_trace

Matrix = NDArray[np.float64]

_STEP = 1.8
_MOST_STEPS = 5
# Where theta is sought, so many groups stand for all: whatever theta comes out, the bound at it holds.
_GROUPS_FOR_THETA = 4
_SINKHORN_STEPS = 20
# Tightening costs sorts; a bound that is already beyond any multiplicity is left as it is. Choosing which of two
# valid bounds to compute is free: each holds for the same probability.
_TIGHTEN_ABOVE_LOG10 = -40.0
_TIGHTEN_FROM_Z = 3.0
# From so many units on, exponentials are taken in single precision.
_SINGLE_FROM = 128
_ULPS = 8 * float(np.finfo(np.float64).eps)
_LN10 = math.log(10.0)


def log10_factorial(n: int) -> float:
    """Return log10 n!.

    Assumes:
        n at least 0.

    Source:
        The logarithm of the gamma function.
    """
    return math.lgamma(n + 1) / _LN10


def log_mgf_bound(c: Matrix, theta: float, *, tighten: bool = False) -> float:
    """Return an upper bound on log E exp(theta T), T = sum_i C[i, π(i)] over uniform permutations π.

    Args:
        c: (n, n) any real matrix.
        theta: Positive.
        tighten: Whether to scale rows and columns first by a few Sinkhorn steps, which is slower and never worse.

    Assumes:
        π uniform on S_n and C fixed. No range, variance, moment or normality assumption.

    Source:
        Soules 2005, Linear Algebra Appl. 394 (per(K) <= Π_i Σ_k K_i(k) δ_k for rows in descending order, from
        Brègman 1973); per(K) = per(D_u K D_v) / Π u Π v for any positive u, v.
    """
    rows, columns = _sorted(c)
    best = _sorted_bound(rows, columns, theta)
    return min(best, _tightened(c, theta)) if tighten else best


def log10_tail(c: Matrix) -> float:
    """Return log10 of an upper bound on P(T >= tr C) over uniform re-labellings.

    Args:
        c: (n, n) double-centred agreement.

    Returns:
        At most 0, at least -log10 n!.

    Raises:
        InvalidInput: Not a square matrix of finite numbers.

    Assumes:
        As `log_mgf_bound`.

    Source:
        Chernoff's bound over `log_mgf_bound`; the least over theta is valid because C is fixed.
    """
    return log10_pooled_tail([c])


def log10_pooled_tail(cs: Sequence[Matrix], *, tighten: bool = True) -> float:
    """Return log10 of an upper bound on P(Σ T_l / sd_l >= what was seen), groups re-labelled independently.

    Args:
        cs: Double-centred agreements, (n_l, n_l) each. One per independently labelled group *of the reference*:
            agreements of several suspect layers with one reference layer are added before they come here.
        tighten: Whether a bound that is not yet beyond doubt is tightened, which is slower.

    Returns:
        At most 0, at least -Σ log10 n_l!; 0 when nothing varies.

    Raises:
        InvalidInput: A matrix is not square, or not finite.

    Assumes:
        Permutations uniform on S_{n_l} and independent over groups; the matrices fixed.

    Source:
        Chernoff with one common theta; log-MGF bounds of independent groups add.
    """
    scaled: list[tuple[Matrix, float]] = []
    total = 0.0
    for c in cs:
        _require_square(c)
        n = len(c)
        sd = math.sqrt(float(np.einsum("ij,ij->", c, c)) / (n - 1)) if n > 1 else 0.0
        if sd > 0:
            scaled.append((c, 1.0 / sd))
            trace = guarded_trace(c) / sd
            total += trace - _ULPS * abs(trace)
    if not scaled or total <= 0:
        return 0.0
    floor = -sum(math.lgamma(len(c) + 1) for c, _ in scaled)
    best = max(_least_over_theta(scaled, total, tighten), floor)
    return float(min(best, 0.0) / _LN10 + 0.0)


def _least_over_theta(scaled: Sequence[tuple[Matrix, float]], total: float, tighten: bool) -> float:
    """Return the least of the bound's logarithm over a few theta around its minimum (it is convex in theta)."""
    best_u = _likely_theta(scaled, total)
    start = total / len(scaled)
    thetas = [u * start for u in (best_u, 0.85 * best_u, 1.18 * best_u)]
    sums = np.zeros(len(thetas))
    for c, scale in scaled:
        both = _sorted_fast(c, scale)
        sums += [_sorted_bound(*both, theta) for theta in thetas]
    best = float(min(sums - np.array(thetas) * total))
    may_matter = total >= _TIGHTEN_FROM_Z * math.sqrt(len(scaled))
    if tighten and may_matter and best / _LN10 > _TIGHTEN_ABOVE_LOG10:
        for u in (0.7 * best_u, best_u, 1.4 * best_u):
            theta = u * start
            best = min(best, sum(_tightened(c * scale, theta) for c, scale in scaled) - theta * total)
    return best


def _likely_theta(scaled: Sequence[tuple[Matrix, float]], total: float) -> float:
    """Return, in units of the mean trace, about where the bound over a few groups is least.

    Walks down a coarse grid from theta = mean trace, where a Gaussian statistic has its minimum, and refines by two
    parabolas.
    """
    chosen = scaled[:: max(1, len(scaled) // _GROUPS_FOR_THETA)][:_GROUPS_FOR_THETA]
    ordered = [_sorted_fast(*both) for both in chosen]
    start, scale = total / len(scaled), len(scaled) / len(chosen)

    @cache
    def bound(step: float) -> float:
        u = _STEP**step
        return float(scale * sum(_sorted_bound(*both, u * start) for both in ordered) - u * start * total)

    at = 0.0
    for direction in (-1.0, 1.0):
        while abs(at + direction) <= _MOST_STEPS and bound(at + direction) < bound(at):
            at += direction
    for width in (1.0, 0.4):
        left, middle, right = bound(at - width), bound(at), bound(at + width)
        bend = left - 2 * middle + right
        vertex = 0.5 * (left - right) / bend if bend > 0 else 0.0
        at += width * min(1.0, max(-1.0, vertex))
    return float(_STEP**at)


def _require_square(c: Matrix) -> None:
    if c.ndim != 2 or c.shape[0] != c.shape[1] or not len(c):
        raise InvalidInput(f"Agreement of units is a square matrix, not of shape {c.shape}.")
    if not np.isfinite(c).all():
        raise InvalidInput("Agreement of units holds NaN or infinity; leave such a tensor out and say so.")


@cache
def _deltas(n: int) -> NDArray[np.float64]:
    """δ_k = γ(k) - γ(k-1) with γ(k) = (k!)^(1/k) and γ(0) = 0."""
    k = np.arange(1, n + 1, dtype=np.float64)
    gamma = np.exp(np.cumsum(np.log(k)) / k)
    return np.diff(gamma, prepend=0.0)


def _sorted(c: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows, and columns as rows, each in descending order."""
    return _descending(c), _descending(c.T)


def _descending(c: NDArray[Any]) -> NDArray[Any]:
    ordered = np.negative(c, order="C")
    ordered.sort(axis=1)
    return np.asarray(np.negative(ordered, out=ordered))


def _sorted_fast(c: Matrix, scale: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a matrix times a scale, sorted; a large one in single precision, whose rounding `_sorted_bound` pays for."""
    return _sorted(
        np.multiply(c, scale, dtype=np.float32, casting="same_kind") if len(c) >= _SINGLE_FROM else c * scale
    )


def _sorted_bound(rows: NDArray[Any], columns: NDArray[Any], theta: float) -> float:
    n = len(rows)
    best = min(_row_products(rows, theta), _row_products(columns, theta)) - math.lgamma(n + 1)
    if rows.dtype == np.float64:
        return best
    # Most that single precision can have taken off: entries, products, exponentials (4 units in the last place) and a
    # sum of n positive terms, in each of n rows.
    largest = theta * float(max(np.abs(rows[:, 0]).max(), np.abs(rows[:, -1]).max()))
    return best + n * (8.0 * largest + n + 8.0) * float(np.finfo(np.float32).eps)


def _row_products(rows: NDArray[Any], theta: float) -> float:
    exponents = (rows - rows[:, :1]) * rows.dtype.type(theta)
    np.exp(exponents, out=exponents)
    sums = exponents @ _deltas(len(rows)).astype(rows.dtype, copy=False)
    return float(np.log(sums.astype(np.float64)).sum()) + theta * float(rows[:, 0].sum(dtype=np.float64))


def _tightened(c: Matrix, theta: float) -> float:
    """Return the bound after Sinkhorn scaling from either side, so that the two models may change places."""
    return min(_sinkhorn_bound(theta * c), _sinkhorn_bound(theta * c.T))


def _sinkhorn_bound(exponents: Matrix) -> float:
    """Return the bound after scaling rows and columns; rigorous for whatever scaling was reached."""
    a = np.zeros((len(exponents), 1))
    b = np.zeros((1, len(exponents)))
    for _ in range(_SINKHORN_STEPS):
        a = -_logsumexp(exponents + b, axis=1)
        b = -_logsumexp(exponents + a, axis=0)
    rows, columns = _sorted(exponents + a + b)
    return _sorted_bound(rows, columns, 1.0) - float(a.sum()) - float(b.sum())


def _logsumexp(x: Matrix, axis: int) -> Matrix:
    top = x.max(axis=axis, keepdims=True)
    return np.asarray(top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True)), dtype=np.float64)
