"""Points for thousands of resamples at once: the same arithmetic as `program.score`, in arrays.

A resample is counts: how often each passage of a benchmark and each rater of a panel was drawn. The same draw serves
every team and, for a panel that several parts read, every part: teams stay paired, and so do parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dokja.deciding.measurements import Leaf, Measurements, PanelLeaf, SuiteLeaf
from dokja.deciding.runs import BenchmarkTable
from dokja.deciding.score import DECIMALS, StageScores
from dokja.rulebook import (
    TOTAL,
    Aggregation,
    Attainment,
    Averaging,
    MaxScaled,
    MinMax,
    Normaliser,
    Rank,
    Raw,
    Rulebook,
    Unknown,
    ZScore,
)
from dokja.stats import normalisers, ratings
from dokja.stats.bootstrap import cluster_means, resample_counts

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Resamples:
    """Which units were drawn, and how often.

    Args:
        passages: Benchmark to (replicates, passages) counts.
        raters: Panel to (replicates, raters) counts, raters in `raters_of` order.
    """

    passages: Mapping[str, Floats]
    raters: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class LeafValues:
    """Raw values of one leaf.

    Args:
        teams: Teams with a result, the columns.
        values: (replicates, teams); NaN in replicates in which some team has none.
    """

    teams: tuple[str, ...]
    values: Floats


def raters_of(measurements: Measurements, panel: str) -> tuple[str, ...]:
    """Return everyone on a panel with a ballot that counts for some part, in order."""
    leaves = [
        leaf for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf) and leaf.panel == panel
    ]
    return tuple(sorted({rater for leaf in leaves for rater in leaf.raters()}))


def draw(measurements: Measurements, rng: np.random.Generator, replicates: int) -> Resamples:
    """Draw passages and raters with replacement, `replicates` times.

    Args:
        measurements: What was measured.
        rng: Source of randomness.
        replicates: Number of resamples, at least 1.
    """
    passages = {
        name: resample_counts(rng, max(table.passages) + 1, replicates)
        for name, table in measurements.tables.items()
    }
    panels = sorted({leaf.panel for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf)})
    raters = {
        panel: resample_counts(rng, len(raters_of(measurements, panel)), replicates) for panel in panels
    }
    return Resamples(passages, raters)


def as_measured(measurements: Measurements) -> Resamples:
    """Return the one resample in which every unit occurs once."""
    passages = {name: np.ones((1, max(table.passages) + 1)) for name, table in measurements.tables.items()}
    panels = {leaf.panel for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf)}
    return Resamples(passages, {panel: np.ones((1, len(raters_of(measurements, panel)))) for panel in panels})


def raw_values(
    measurements: Measurements, resamples: Resamples, averaging: Averaging | None = None
) -> dict[str, LeafValues]:
    """Return every leaf's raw values in every resample.

    Args:
        measurements: What was measured.
        resamples: What was drawn.
        averaging: An average to use for every panel instead of the rulebook's.
    """
    means = {
        name: _benchmark_means(table, resamples.passages[name]) for name, table in measurements.tables.items()
    }
    values: dict[str, LeafValues] = {}
    for name, leaf in measurements.leaves.items():
        if isinstance(leaf, SuiteLeaf):
            found = _suite_values(leaf, means)
        else:
            raters = raters_of(measurements, leaf.panel)
            found = _panel_values(leaf, raters, resamples.raters[leaf.panel], averaging or leaf.averaging)
        values[name] = LeafValues(leaf.teams, np.round(found, DECIMALS))
    return values


def shares(raw: LeafValues, normaliser: Normaliser) -> Floats:
    """Return a leaf's share of its points, (replicates, teams), under a normaliser.

    Args:
        raw: Its raw values; of an attainment, ratios already.
        normaliser: The rulebook's, or another to see what it would give.
    """
    values = raw.values
    match normaliser:
        case Raw():
            found = np.minimum(values, 1.0)
        case Attainment(cap_share=cap):
            found = np.minimum(values, cap)
        case MaxScaled():
            found = normalisers.max_scaled(values)
        case MinMax(floor_share=floor):
            found = normalisers.min_max(values, floor)
        case ZScore(centre_share=centre, spread_share=spread):
            found = normalisers.z_score(values, centre, spread)
        case Rank(shares=listed):
            found = normalisers.rank_share(values, np.array(listed))
    return np.where(np.isnan(values), np.nan, found)


def scored_leaves(measurements: Measurements, scores: StageScores) -> dict[str, Leaf]:
    """Return the leaves with only the teams that have points of them."""
    leaves: dict[str, Leaf] = {}
    for name, leaf in measurements.leaves.items():
        having = set(scores.points(name))
        if isinstance(leaf, SuiteLeaf):
            leaves[name] = replace(leaf, benchmarks={t: b for t, b in leaf.benchmarks.items() if t in having})
        else:
            ballots = {key: marks for key, marks in leaf.ballots.items() if key[1] in having}
            leaves[name] = replace(leaf, teams=tuple(t for t in leaf.teams if t in having), ballots=ballots)
        if not having:
            del leaves[name]
    return leaves


def points_by_part(
    rulebook: Rulebook,
    leaves: Mapping[str, Leaf],
    raw: Mapping[str, LeafValues],
    teams: tuple[str, ...],
    normaliser: Normaliser | None = None,
) -> dict[str, Floats]:
    """Return points of every part and the total, (replicates, teams).

    Args:
        rulebook: The rules.
        leaves: Every leaf of the rulebook.
        raw: Raw values of each; a leaf may have teams beyond `teams`, which still count as rivals.
        teams: The columns.
        normaliser: One to use for every leaf instead of the rulebook's.
    """
    found: dict[str, Floats] = {}
    for name, leaf in leaves.items():
        rule = leaf.part.normaliser if normaliser is None else normaliser
        assert isinstance(rule, Normaliser)
        columns = [raw[name].teams.index(team) for team in teams]
        found[name] = np.round(full_points(leaf) * shares(raw[name], rule)[:, columns], DECIMALS)
    for part in reversed([part for top in rulebook.parts for part in top.all_parts()]):
        if part.parts:
            found[part.id] = np.round(sum(found[inner.id] for inner in part.parts), DECIMALS)
    found[TOTAL] = np.round(sum(found[top.id] for top in rulebook.parts), DECIMALS)
    return found


def full_points(leaf: SuiteLeaf | PanelLeaf) -> float:
    """Return the most a leaf can give; measured leaves have known points."""
    assert not isinstance(leaf.part.points, Unknown)
    return float(leaf.part.points)


def _benchmark_means(table: BenchmarkTable, counts: Floats) -> dict[str, Floats]:
    passages = np.array(table.passages)
    values = np.array(table.values)
    sums = np.zeros((counts.shape[1], len(table.subjects)))
    np.add.at(sums, passages, values)
    means = cluster_means(counts, sums, np.bincount(passages).astype(np.float64))
    return {subject: means[:, column] for column, subject in enumerate(table.subjects)}


def _suite_values(leaf: SuiteLeaf, means: Mapping[str, Mapping[str, Floats]]) -> Floats:
    columns = []
    rule = leaf.part.normaliser
    for team, names in leaf.benchmarks.items():
        own = np.stack([means[name][team] for name in names])
        if isinstance(rule, Attainment):
            other = np.stack([means[name][leaf.comparator[team]] for name in names])
            columns.append(_attained(own, other, rule.aggregation, leaf.target_share))
        else:
            columns.append(own.mean(0))
    return _whole_rows(np.stack(columns, axis=1))


def _attained(own: Floats, other: Floats, aggregation: Aggregation | Unknown, target_share: float) -> Floats:
    """Return attainment of (benchmarks, replicates) scores; NaN where the comparator scored nothing."""
    if aggregation is Aggregation.RATIO_OF_MEANS:
        own, other = own.sum(0, keepdims=True), other.sum(0, keepdims=True)
    ratios = np.where(other > 0, own / np.where(other > 0, other, 1.0), np.nan)
    if aggregation is Aggregation.SHARE_REACHING:
        reached = np.where(np.isnan(ratios), np.nan, np.round(ratios, DECIMALS) >= target_share)
        return np.asarray(reached.mean(0))
    return np.asarray(ratios.mean(0))


def _panel_values(leaf: PanelLeaf, raters: tuple[str, ...], counts: Floats, averaging: Averaging) -> Floats:
    row = {rater: index for index, rater in enumerate(raters)}
    column = {team: index for index, team in enumerate(leaf.teams)}
    scored = np.zeros((len(raters), len(leaf.teams)), dtype=bool)
    marks = np.zeros((len(leaf.criteria), len(raters), len(leaf.teams)))
    for (rater, team), ballot in leaf.ballots.items():
        scored[row[rater], column[team]] = True
        marks[:, row[rater], column[team]] = ballot
    total = np.zeros((counts.shape[0], len(leaf.teams)))
    for own, (_, highest, weight) in zip(marks, leaf.criteria, strict=True):
        total += weight * np.clip(
            _averages(own, scored, counts, averaging, leaf.trim).values / highest, 0.0, 1.0
        )
    return _whole_rows(total / sum(weight for _, _, weight in leaf.criteria))


def _averages(
    marks: Floats, scored: NDArray[np.bool_], counts: Floats, averaging: Averaging, trim: int
) -> ratings.Averages:
    if averaging is Averaging.SEVERITY_ADJUSTED:
        return ratings.severity_adjusted(marks, scored, counts)
    if averaging is Averaging.TRIMMED:
        return ratings.trimmed_mean(marks, scored, counts, trim, trim)
    return ratings.mean(marks, scored, counts)


def _whole_rows(values: Floats) -> Floats:
    """Return the values with every row that lacks one made NaN throughout: such a replicate ranks nobody."""
    return np.where(np.isnan(values).any(1, keepdims=True), np.nan, values)
