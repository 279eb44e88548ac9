"""Ranks with ties, and how stable they are across replicates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput


def ranks(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return competition ranks, 1 for the highest; equal values share the better rank (1, 2, 2, 4).

    Args:
        values: (..., things), finite.

    Assumes:
        Values are compared exactly: round them first where rounding errors could tell equals apart.

    Source:
        Standard competition ranking, `scipy.stats.rankdata(method="min")` from the top.
    """
    above: NDArray[np.int64] = (values[..., None, :] > values[..., :, None]).sum(-1)
    return above + 1


def rank_probabilities(replicated: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how often each thing came at each rank.

    Args:
        replicated: (replicates, things), finite.

    Returns:
        (things, things): row a thing, column rank 1 first; each row sums to 1.

    Assumes:
        Replicates are draws from the joint distribution of the values, not of each by itself.

    Source:
        Rank-probability matrix: Goldstein & Spiegelhalter (1996), JRSS A 159(3), §5.
    """
    count, things = replicated.shape
    if count == 0:
        raise InvalidInput("No replicate, no rank.")
    placed = ranks(replicated)
    shares: NDArray[np.float64] = (
        np.stack([(placed == rank).sum(0) for rank in range(1, things + 1)], axis=1) / count
    )
    return shares


def kendall_tau_b(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Kendall's tau-b between two scorings of the same things, ties allowed.

    Args:
        one: (things,) values; not all equal.
        other: (things,) values; not all equal.

    Raises:
        InvalidInput: Shapes differ, or one side tells nothing apart.

    Assumes:
        Only the order of the values means anything.

    Source:
        Kendall, M. G. (1945). The treatment of ties in ranking problems. Biometrika 33(3), eq. for tau-b.
    """
    if one.shape != other.shape or one.ndim != 1:
        raise InvalidInput("A rank correlation needs two scorings of the same things.")
    upper = np.triu_indices(one.size, 1)
    first = np.sign(one[:, None] - one)[upper]
    second = np.sign(other[:, None] - other)[upper]
    if not first.any() or not second.any():
        raise InvalidInput("A scoring that tells nothing apart has no rank correlation.")
    return float((first * second).sum() / np.sqrt(np.square(first).sum() * np.square(second).sum()))
