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
