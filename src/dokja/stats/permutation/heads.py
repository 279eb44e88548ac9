"""Re-labelling heads: key/value groups among themselves, and query heads inside each group."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

_MOST_GROUPS = 16
_GRID = np.geomspace(0.05, 20.0, 24)


def log_permanent(log_entries: NDArray[np.float64]) -> float:
    """Return the logarithm of the permanent of a matrix of positive entries given by their logarithms.

    Args:
        log_entries: (n, n), n at most 16; -inf stands for 0.

    Raises:
        InvalidInput: Not square, or too large to be summed exactly.

    Assumes:
        Entries positive or zero.

    Source:
        Dynamic programming over subsets of columns: Ryser's 2^n n cost, but only positive terms, so nothing cancels.
    """
    n = len(log_entries)
    if log_entries.shape != (n, n) or not 0 < n <= _MOST_GROUPS:
        raise InvalidInput(f"A permanent is summed exactly up to {_MOST_GROUPS} × {_MOST_GROUPS}.")
    subsets = np.arange(1 << n)
    sizes = np.array([int(s).bit_count() for s in subsets])
    log_sum = np.full(1 << n, -np.inf)
    log_sum[0] = 0.0
    for row in range(n):
        to = subsets[sizes == row + 1]
        terms = np.stack(
            [np.where(to >> j & 1, log_sum[to & ~(1 << j)] + log_entries[row, j], -np.inf) for j in range(n)]
        )
        log_sum[to] = np.logaddexp.reduce(terms, axis=0)
    return float(log_sum[-1])


def log10_wreath_tail(layers: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> float:
    """Return log10 of an upper bound on the probability that heads agree so well in place, pooled over layers.

    Args:
        layers: Per independently labelled reference layer: (G, G) agreement of key/value groups, and (G, G, Q, Q)
            agreement of query head q of suspect group g with query head r of reference group h.

    Returns:
        At most 0, at least -Σ log10(G! Q!^G).

    Assumes:
        Uniform over the wreath product S_Q wr S_G per layer, independent over layers.

    Source:
        E exp(θT) = per_{g,h}[exp(θ kv_gh) per(exp(θ q_gh)) / Q!] / G!, Chernoff with one common θ.
    """
    total = sum(float(np.trace(kv)) + float(np.einsum("ggqq->", q)) for kv, q in layers)
    if total <= 0 or not layers:
        return 0.0
    spread = sum(
        float((kv**2).sum() / len(kv)) + float((q**2).sum() / q.shape[0] / q.shape[2]) for kv, q in layers
    )
    floor = -sum(math.lgamma(len(kv) + 1) + len(kv) * math.lgamma(q.shape[2] + 1) for kv, q in layers)
    best = 0.0
    for u in _GRID:
        theta = float(u) * total / spread
        best = min(best, sum(_log_mgf(kv, q, theta) for kv, q in layers) - theta * total)
    return max(best, floor) / math.log(10.0) + 0.0


def _log_mgf(kv: NDArray[np.float64], q: NDArray[np.float64], theta: float) -> float:
    groups, heads = len(kv), q.shape[2]
    inner = np.array(
        [
            [
                theta * kv[g, h] + log_permanent(theta * q[g, h]) - math.lgamma(heads + 1)
                for h in range(groups)
            ]
            for g in range(groups)
        ]
    )
    return log_permanent(inner) - math.lgamma(groups + 1)
