"""Do the rows of a matrix lie in an order? Hidden units do not; classes, frequencies, gates and heads do."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from dokja.stats.permutation import equilibrate, rank_scores

_DRAWS = 199
_LAGS = (1, 2)
_BLOCKS = (2, 4, 8)
_MOST_FEATURES = 512


def shows_order(rows: NDArray[np.floating], rng: np.random.Generator) -> bool:
    """Return whether neighbouring rows, or rows of one block, are alike beyond every one of 199 re-orderings.

    Likeness is of rows and of their norms, at lags 1 and 2 and in 2, 4 and 8 blocks.

    Args:
        rows: (n, k) rows in their stored order, n at least 8.
        rng: Of the re-orderings.

    Assumes:
        Exchangeable rows are said to show an order with a probability of at most 1/200: what was seen and the draws
        are exchangeable then, and what was seen must be the one largest.

    Source:
        Besag and Clifford 1989 (Monte-Carlo tests); the statistics are von Neumann's serial products, by lag and block.
    """
    n = len(rows)
    features = equilibrate(rows[:, :_MOST_FEATURES])
    norms = rank_scores(np.linalg.norm(rows, axis=1))
    orders = np.vstack([np.arange(n), np.array([rng.permutation(n) for _ in range(_DRAWS)])])
    scores = np.hstack([_serial(features @ features.T, orders), _serial(norms @ norms.T, orders)])
    spread = scores.std(axis=0)
    z = (scores - scores.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    most = z.max(axis=1)
    return bool(most[0] > most[1:].max())


def _serial(gram: NDArray[np.float64], orders: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return (orders, statistics): summed likeness at each lag and inside each partition into blocks."""
    n = len(gram)
    columns = [gram[orders[:, :-lag], orders[:, lag:]].sum(axis=1) for lag in _LAGS]
    for blocks in _BLOCKS:
        edges = np.linspace(0, n, blocks + 1).astype(int)
        total = np.zeros(len(orders))
        for start, stop in itertools.pairwise(edges):
            inside = orders[:, start:stop]
            total += gram[inside[:, :, None], inside[:, None, :]].sum(axis=(1, 2))
        columns.append(total)
    return np.stack(columns, axis=1)
