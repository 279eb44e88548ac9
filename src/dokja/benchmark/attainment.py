"""Attainment: how much of a target model's scores a model reaches, and how sure that is.

"95 % of the latest global model" is not one number. Ratios can be averaged over suites, averages can be divided, or
the suites that reach the mark can be counted; a rulebook names one, and a report shows all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dokja.benchmark.score import RunScore, SuiteScore
from dokja.errors import InvalidInput
from dokja.stats.bootstrap import cluster_means, resample_counts
from dokja.stats.intervals import Interval, percentile_interval

FloatVector = NDArray[np.float64]


class Aggregation(StrEnum):
    """How ratios over several suites become one figure."""

    MEAN_OF_RATIOS = "mean_of_ratios"
    RATIO_OF_MEANS = "ratio_of_means"
    SHARE_REACHING = "share_reaching"


@dataclass(frozen=True, slots=True)
class Attainment:
    """How much of the comparator's scores is reached.

    Args:
        aggregation: How the suites were put together.
        value: 1 is as much as the comparator; for `share_reaching` the share of suites at or above the mark.
        interval: Interval of the value, from resampling items both models answered.
    """

    aggregation: Aggregation
    value: float
    interval: Interval


def attainment(
    scores: FloatVector, comparator: FloatVector, aggregation: Aggregation, *, mark: float
) -> FloatVector:
    """Return the attainment of suite scores, for one set of them or many.

    Args:
        scores: (..., suites) scores of the model, at least 0.
        comparator: (..., suites) scores of the comparator on the same suites.
        aggregation: How suites are put together.
        mark: Ratio from which a suite counts as reached, for `share_reaching`; published scores of one decimal
            are compared after rounding to nine digits, so that 95.0 / 100.0 reaches 0.95.

    Returns:
        (...) attainment.

    Raises:
        InvalidInput: Shapes differ, no suites, a score that is negative or not finite, or a comparator without
            any score to reach.
    """
    scores, comparator = np.asarray(scores, dtype=np.float64), np.asarray(comparator, dtype=np.float64)
    if scores.shape != comparator.shape or scores.ndim == 0 or scores.shape[-1] == 0:
        raise InvalidInput("Attainment needs scores of both models on the same suites.")
    if not (np.isfinite(scores).all() and np.isfinite(comparator).all() and (scores >= 0).all()):
        raise InvalidInput("Attainment needs finite scores of at least 0.")
    if aggregation is Aggregation.RATIO_OF_MEANS:
        below = comparator.mean(axis=-1)
        _require_something_to_reach(below)
        ratio: FloatVector = scores.mean(axis=-1) / below
        return ratio
    _require_something_to_reach(comparator)
    ratios = scores / comparator
    reached = np.round(ratios, 9) >= mark if aggregation is Aggregation.SHARE_REACHING else ratios
    share: FloatVector = reached.mean(axis=-1, dtype=np.float64)
    return share


def _require_something_to_reach(scores: FloatVector) -> None:
    if not (scores > 0).all():
        raise InvalidInput(
            "The comparator scores nothing on a suite, so no ratio to it can be said.",
            hint="Leave the suite out of the rule, or name a comparator that can do it.",
        )


def attainment_of_runs(
    run: RunScore,
    comparator: RunScore,
    aggregation: Aggregation,
    rng: np.random.Generator,
    *,
    mark: float,
    replicates: int = 10_000,
    level: float = 0.95,
) -> Attainment:
    """Return the attainment of one run against another on the same suites, with a paired bootstrap interval.

    Clusters of items are drawn with replacement within each suite, the same for both models.

    Args:
        run: Of the model.
        comparator: Of the target model, measured here on the same items.
        aggregation: How suites are put together.
        rng: Source of the draws.
        mark: See `attainment`.
        replicates: Number of draws.
        level: Confidence in (0, 1).

    Raises:
        InvalidInput: Other suites or items, or a comparator that scores nothing, in the data or in a draw.
    """
    pairs = _paired(run, comparator)
    value = attainment(
        np.array([suite.accuracy for suite, _ in pairs]),
        np.array([other.accuracy for _, other in pairs]),
        aggregation,
        mark=mark,
    )
    draws = np.stack([_draws(suite, other, rng, replicates) for suite, other in pairs], axis=-1)
    replicated = attainment(draws[:, 0], draws[:, 1], aggregation, mark=mark)
    return Attainment(aggregation, float(value), percentile_interval(replicated, level))


def _paired(run: RunScore, comparator: RunScore) -> Sequence[tuple[SuiteScore, SuiteScore]]:
    others = {suite.suite: suite for suite in comparator.suites}
    if {suite.suite for suite in run.suites} != set(others):
        raise InvalidInput("The two runs are not on the same suites.")
    pairs = [(suite, others[suite.suite]) for suite in run.suites]
    for suite, other in pairs:
        if suite.digest != other.digest or [i.item for i in suite.items] != [i.item for i in other.items]:
            raise InvalidInput(f"The two runs were not asked the same items of {suite.suite}.")
    return pairs


def _draws(
    suite: SuiteScore, other: SuiteScore, rng: np.random.Generator, replicates: int
) -> NDArray[np.float64]:
    """Return (replicates, 2) accuracies of both models over the same drawn clusters."""
    _, index = np.unique([item.cluster for item in suite.items], return_inverse=True)
    sums = np.stack(
        [np.bincount(index, [item.credit for item in side.items]) for side in (suite, other)], axis=-1
    ).astype(np.float64)
    counts = resample_counts(rng, suite.n_clusters, replicates)
    return cluster_means(counts, sums, np.bincount(index).astype(np.float64))
