"""What units of answers and marks are worth: raw values and points of a leaf, for one reckoning or for many.

How often each unit was drawn says which: a row of fractions, all one, is the decision, exact; rows of floats are
resamples. The lines are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dokja.deciding.measurements import PanelLeaf, SuiteLeaf
from dokja.deciding.runs import BenchmarkTable
from dokja.rulebook import Averaging, Unknown
from dokja.rulebook.normalisers import DECIMALS, Normaliser
from dokja.stats.bootstrap import cluster_means
from dokja.stats.exact import Values, alike, figures, rounded, written
from dokja.stats.ratings import Averages, mean, severity_adjusted, trimmed_mean


def benchmark_means(table: BenchmarkTable, counts: Values) -> dict[str, Values]:
    """Return each subject's mean over the items drawn.

    Args:
        table: Everyone's scores on the same items.
        counts: (replicates, passages) how often each passage was drawn.

    Returns:
        Subject to (replicates,) means.
    """
    sums = np.zeros((counts.shape[1], len(table.subjects)), dtype=counts.dtype)
    np.add.at(sums, np.array(table.passages), written(counts, table.values))
    sizes = alike(counts, np.bincount(table.passages))
    means = cluster_means(counts, sums, sizes)
    return {subject: means[:, column] for column, subject in enumerate(table.subjects)}


def suite_values(leaf: SuiteLeaf, means: Mapping[str, Mapping[str, Values]]) -> Averages:
    """Return a leaf's raw values, (replicates, teams); a team has none where its comparator scored nothing.

    Args:
        leaf: The leaf.
        means: Benchmark to subject to (replicates,) means.
    """
    rule, columns = leaf.part.rule(), []
    for team, names in leaf.benchmarks.items():
        own = np.stack([means[name][team] for name in names])
        against = leaf.comparator.get(team)
        other = np.stack([means[name][against] for name in names]) if against else None
        columns.append(rule.raw_values(own, other, leaf.target_share))
    return Averages(
        np.stack([one.values for one in columns], axis=1), np.stack([one.defined for one in columns], axis=1)
    )


def panel_values(
    leaf: PanelLeaf, raters: Sequence[str], counts: Values, averaging: Averaging | None = None
) -> Averages:
    """Return a leaf's raw values, (replicates, teams); a team has none where a criterion gives it no average.

    Args:
        leaf: The leaf.
        raters: (raters,) names, the columns of the counts.
        counts: (replicates, raters) how often each rater was drawn.
        averaging: An average to use instead of the rulebook's.
    """
    row = {rater: index for index, rater in enumerate(raters)}
    column = {team: index for index, team in enumerate(leaf.teams)}
    scored = np.zeros((len(raters), len(leaf.teams)), dtype=bool)
    given = np.zeros((len(leaf.criteria), len(raters), len(leaf.teams)))
    for (rater, team), ballot in leaf.ballots.items():
        scored[row[rater], column[team]] = True
        given[:, row[rater], column[team]] = ballot
    average = _average(leaf, averaging or leaf.averaging)
    total: Values = np.zeros((counts.shape[0], len(leaf.teams)), dtype=counts.dtype)
    defined = np.ones(total.shape, dtype=bool)
    for marks, (_, highest, weight) in zip(written(counts, given), leaf.criteria, strict=True):
        found = average(marks, scored, counts)
        with np.errstate(invalid="ignore"):  # a team without marks has no share, and its sum is not defined
            share = np.minimum(np.maximum(found.values / written(counts, highest), 0), 1)
        total = total + written(counts, weight) * share
        defined &= found.defined
    whole = sum(written(counts, [weight for _, _, weight in leaf.criteria]))
    return Averages(total / whole, defined)


def leaf_points(full: float, rule: Normaliser, values: Values) -> Values:
    """Return points, (replicates, teams), rounded: the product of two figures, the most there is and the share.

    Args:
        full: The most the leaf can give.
        rule: The rulebook's normaliser, or another to see what it would give.
        values: (replicates, teams) raw values.
    """
    return rounded(alike(values, full) * figures(rule.normalised(values)), DECIMALS)


def full_points(leaf: SuiteLeaf | PanelLeaf) -> float:
    """Return the most a leaf can give; measured leaves have known points."""
    assert not isinstance(leaf.part.points, Unknown)
    return float(leaf.part.points)


def _average(
    leaf: PanelLeaf, averaging: Averaging
) -> Callable[[Values, NDArray[np.bool_], Values], Averages]:
    match averaging:
        case Averaging.MEAN:
            return mean
        case Averaging.TRIMMED:
            return partial(trimmed_mean, low=leaf.trim, high=leaf.trim)
        case Averaging.SEVERITY_ADJUSTED:
            return severity_adjusted
