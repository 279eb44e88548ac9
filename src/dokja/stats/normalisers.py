"""Normalisers: raw scores of several teams to shares of the full points, in [0, 1].

Every function takes (..., teams) finite scores and normalises along the last axis. `raw` and `attainment` judge each
team by itself; the others judge teams against each other, so a team's share moves when a rival's score does. Two
equal scores always get equal shares; when nothing tells the teams apart, relative normalisers give each 0.5 (max_scaled
gives each the same share it would give the maximum).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

Scores = NDArray[np.float64]

_SQRT_HALF = math.sqrt(0.5)
_erf = np.vectorize(math.erf, otypes=[np.float64])


def raw(scores: Scores) -> Scores:
    """Return the scores themselves: a share of correct answers is a share of the points.

    Assumes:
        Scores lie in [0, 1].
    """
    return scores


def attainment(scores: Scores, comparator: Scores, cap: float) -> Scores:
    """Return each score as a share of a comparator's, at most `cap`.

    Args:
        scores: (..., teams) in [0, 1].
        comparator: Broadcastable to `scores`; greater than 0.
        cap: Largest share that counts, greater than 0; 1.0 where nothing is gained by surpassing the comparator.

    Raises:
        InvalidInput: A comparator of 0 or less, of which nothing is a share.
    """
    if (comparator <= 0).any():
        raise InvalidInput("A comparator that scored nothing cannot be attained.")
    capped: Scores = np.minimum(scores / comparator, cap)
    return capped


def min_max(scores: Scores) -> Scores:
    """Return 0 for the lowest, 1 for the highest, the rest in proportion; 0.5 for all when all are equal."""
    _require_two(scores)
    low = scores.min(-1, keepdims=True)
    width = scores.max(-1, keepdims=True) - low
    return np.where(width > 0, (scores - low) / np.where(width > 0, width, 1.0), 0.5)


def max_scaled(scores: Scores) -> Scores:
    """Return each score as a share of the highest; 0 for all when the highest is 0.

    Assumes:
        Scores are at least 0.
    """
    _require_two(scores)
    top = scores.max(-1, keepdims=True)
    return np.where(top > 0, scores / np.where(top > 0, top, 1.0), 0.0)


def z_score(scores: Scores) -> Scores:
    """Return Φ(z), z being the distance from the teams' mean in their (population) standard deviations.

    Assumes:
        The teams compared are the whole population. Not monotone between teams: a team that does worse shrinks the
        spread and can so gain on another team, which is why a rulebook that ranks teams may not use it.
    """
    _require_two(scores)
    spread = scores.std(-1, keepdims=True)
    told_apart = np.ptp(scores, axis=-1, keepdims=True) > 0
    z = np.where(
        told_apart, (scores - scores.mean(-1, keepdims=True)) / np.where(told_apart, spread, 1.0), 0.0
    )
    shares: Scores = 0.5 * (1.0 + _erf(z * _SQRT_HALF))
    return shares


def rank_share(scores: Scores) -> Scores:
    """Return the share of the other teams that a team beats, ties counting one half."""
    _require_two(scores)
    beaten = (scores[..., :, None] > scores[..., None, :]).sum(-1)
    level = (scores[..., :, None] == scores[..., None, :]).sum(-1) - 1
    shares: Scores = (beaten + 0.5 * level) / (scores.shape[-1] - 1)
    return shares


def _require_two(scores: Scores) -> None:
    if scores.shape[-1] < 2:
        raise InvalidInput("One team cannot be compared with itself.")
