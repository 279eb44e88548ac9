"""Intervals: of a resampled value, of a proportion, of a mean of clustered items, of a paired difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Interval:
    """A range said to hold the value with the stated confidence.

    Args:
        low: Lower end, at most `high`.
        high: Upper end.
        level: Confidence in (0, 1).
    """

    low: float
    high: float
    level: float


def percentile_interval(values: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Return the percentile bootstrap interval of a replicated value.

    Args:
        values: (replicates,) finite values.
        level: Confidence in (0, 1).

    Raises:
        InvalidInput: No values, a value that is not finite, or a level outside (0, 1).

    Assumes:
        The estimator is roughly unbiased, and replicates are many against 2 / (1 - level).

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, §13.3.
    """
    _require_level(level)
    if values.size == 0 or not np.isfinite(values).all():
        raise InvalidInput("An interval needs values, all of them finite.")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of a proportion.

    Args:
        successes: 0 to `trials`.
        trials: At least 1.
        level: Confidence in (0, 1).

    Raises:
        InvalidInput: Counts that cannot be, or a level outside (0, 1).

    Assumes:
        Trials are independent with the same probability.

    Source:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, p. 209.
    """
    _require_level(level)
    if trials < 1 or not 0 <= successes <= trials:
        raise InvalidInput(f"{successes} successes in {trials} trials cannot be.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high, level)


def clustered_standard_error(scores: NDArray[np.float64], clusters: NDArray[np.int64]) -> float:
    """Return the standard error of a mean whose items come in clusters.

    Args:
        scores: (items,) values.
        clusters: (items,) index of each item's cluster; at least two different ones.

    Raises:
        InvalidInput: Shapes differ, or fewer than two clusters.

    Assumes:
        Clusters are independent; within a cluster any correlation is allowed.

    Source:
        Miller, E. (2024). Adding error bars to evals, arXiv 2411.00640, §2.2, with the factor C / (C - 1) for few
        clusters of Cameron & Miller (2015), J. Human Resources 50(2), §II.A.
    """
    if scores.shape != clusters.shape or scores.ndim != 1:
        raise InvalidInput("Each item has one score and one cluster.")
    _, index = np.unique(clusters, return_inverse=True)
    count = int(index.max(initial=-1)) + 1
    if count < 2:
        raise InvalidInput("One cluster says nothing of how clusters differ.")
    residual_sums = np.bincount(index, weights=scores - scores.mean())
    return float(math.sqrt(count / (count - 1) * np.square(residual_sums).sum()) / scores.size)


def _require_level(level: float) -> None:
    if not 0 < level < 1:
        raise InvalidInput(f"A confidence level lies between 0 and 1, not at {level}.")
