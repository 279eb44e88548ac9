"""Points for thousands of resamples at once: the lines of `deciding.values`, with floats for fractions.

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
from dokja.deciding.score import StageScores
from dokja.deciding.values import benchmark_means, full_points, leaf_points, panel_values, suite_values
from dokja.rulebook import TOTAL, Averaging, Normaliser, Rulebook
from dokja.rulebook.normalisers import DECIMALS
from dokja.stats.bootstrap import resample_counts
from dokja.stats.exact import rounded
from dokja.stats.ratings import Averages

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


def draw_passages(table: BenchmarkTable, rng: np.random.Generator, replicates: int) -> Floats:
    """Draw a benchmark's passages with replacement: (replicates, passages) counts."""
    return resample_counts(rng, max(table.passages) + 1, replicates)


def draw_raters(measurements: Measurements, rng: np.random.Generator, replicates: int) -> dict[str, Floats]:
    """Draw every panel's raters with replacement: panel to (replicates, raters) counts."""
    panels = sorted({leaf.panel for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf)})
    return {panel: resample_counts(rng, len(raters_of(measurements, panel)), replicates) for panel in panels}


def drawn_values(
    measurements: Measurements, rng: np.random.Generator, replicates: int
) -> dict[str, LeafValues]:
    """Draw passages and raters with replacement, `replicates` times, and return every leaf's raw values.

    Passages are drawn benchmark by benchmark, then raters; no more than one benchmark's draws are held at once.

    Args:
        measurements: What was measured.
        rng: Source of randomness.
        replicates: Number of resamples, at least 1.
    """
    means = {
        name: benchmark_means(table, draw_passages(table, rng, replicates))
        for name, table in measurements.tables.items()
    }
    return leaf_values(measurements, means, draw_raters(measurements, rng, replicates))


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
        name: benchmark_means(table, resamples.passages[name]) for name, table in measurements.tables.items()
    }
    return leaf_values(measurements, means, resamples.raters, averaging)


def leaf_values(
    measurements: Measurements,
    means: Mapping[str, Mapping[str, Floats]],
    raters: Mapping[str, Floats],
    averaging: Averaging | None = None,
) -> dict[str, LeafValues]:
    """Return every leaf's raw values.

    Args:
        measurements: What was measured.
        means: Benchmark to subject to (replicates,) means.
        raters: Panel to (replicates, raters) counts, raters in `raters_of` order.
        averaging: An average to use for every panel instead of the rulebook's.
    """
    values: dict[str, LeafValues] = {}
    for name, leaf in measurements.leaves.items():
        if isinstance(leaf, SuiteLeaf):
            found = suite_values(leaf, means)
        else:
            found = panel_values(leaf, raters_of(measurements, leaf.panel), raters[leaf.panel], averaging)
        values[name] = LeafValues(leaf.teams, rounded(_whole_rows(found), DECIMALS))
    return values


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
        rule = leaf.part.rule() if normaliser is None else normaliser
        values, columns = raw[name].values, [raw[name].teams.index(team) for team in teams]
        points = leaf_points(full_points(leaf), rule, values)
        found[name] = np.where(np.isnan(values), np.nan, points)[:, columns]
    for part in reversed([part for top in rulebook.parts for part in top.all_parts()]):
        if part.parts:
            found[part.id] = _sum([found[inner.id] for inner in part.parts])
    found[TOTAL] = _sum([found[top.id] for top in rulebook.parts])
    return found


def _sum(parts: list[Floats]) -> Floats:
    return rounded(np.asarray(sum(parts)), DECIMALS)


def _whole_rows(found: Averages) -> Floats:
    """Return the values with every row that lacks one made NaN throughout: such a replicate ranks nobody."""
    return np.where(found.defined.all(1, keepdims=True), found.values, np.nan)
