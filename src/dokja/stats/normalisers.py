"""Relative normalisers: raw scores of several teams to shares of the full points, in [0, 1].

Every function takes (..., teams) finite scores and normalises along the last axis. Teams are judged against each other:
a team's share moves when a rival's score does. Two equal scores always get equal shares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

Scores = NDArray[np.float64]


def min_max(scores: Scores, floor_share: float = 0.0) -> Scores:
    """Return `floor_share` for the lowest, 1 for the highest, the rest in proportion; halfway when all are equal.

    Assumes:
        The lowest and highest of these teams are the ends of the scale; one outlier squeezes everyone else together.

    Source:
        Min-max normalisation: OECD (2008), Handbook on Constructing Composite Indicators, §5.3.
    """
    _require_two(scores)
    low = scores.min(-1, keepdims=True)
    width = scores.max(-1, keepdims=True) - low
    place = np.where(width > 0, (scores - low) / np.where(width > 0, width, 1.0), 0.5)
    shares: Scores = floor_share + (1.0 - floor_share) * place
    return shares


def max_scaled(scores: Scores) -> Scores:
    """Return each score as a share of the highest; 0 for all when the highest is 0.

    Assumes:
        Scores are at least 0, on a scale whose 0 means nothing right.

    Source:
        Distance to a reference, the leader being the reference: OECD (2008), ibid., §5.4.
    """
    _require_two(scores)
    top = scores.max(-1, keepdims=True)
    return np.where(top > 0, scores / np.where(top > 0, top, 1.0), 0.0)


def z_score(scores: Scores, centre_share: float, spread_share: float) -> Scores:
    """Return centre + spread × z within [0, 1], z in the teams' own (population) standard deviations.

    All equal scores have z = 0.

    Assumes:
        The teams compared are the whole population. Not monotone between teams: a team that does worse changes the
        spread and can so gain on another team (`tests/deciding/test_monotone.py` keeps an example).

    Source:
        Standardisation: OECD (2008), ibid., §5.2, shifted and scaled to shares.
    """
    _require_two(scores)
    apart = np.ptp(scores, axis=-1, keepdims=True) > 0
    spread = np.where(apart, scores.std(-1, keepdims=True), 1.0)
    z = np.where(apart, (scores - scores.mean(-1, keepdims=True)) / spread, 0.0)
    return np.clip(centre_share + spread_share * z, 0.0, 1.0)


def rank_share(scores: Scores, shares: NDArray[np.float64]) -> Scores:
    """Return the share listed for each team's rank; tied teams share the mean of the ranks they cover.

    Args:
        scores: (..., teams).
        shares: (at least teams,) share for the first, second, ... rank.

    Raises:
        InvalidInput: One team alone, or fewer shares than teams.

    Assumes:
        Only the order means anything; how far apart teams are is lost.

    Source:
        Ranking: OECD (2008), ibid., §5.1, with ties sharing as in Kendall (1945).
    """
    _require_two(scores)
    if shares.size < scores.shape[-1]:
        raise InvalidInput(f"{shares.size} ranks are listed for {scores.shape[-1]} teams.")
    above = (scores[..., None, :] > scores[..., :, None]).sum(-1)
    level = (scores[..., None, :] == scores[..., :, None]).sum(-1)
    upto = np.concatenate([[0.0], np.cumsum(shares)])
    shared: Scores = (upto[above + level] - upto[above]) / level
    return shared


def _require_two(scores: Scores) -> None:
    if scores.shape[-1] < 2:
        raise InvalidInput("One team cannot be compared with itself.")
