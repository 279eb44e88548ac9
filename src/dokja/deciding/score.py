"""Scores as a pure function of rulebook and events, in exact arithmetic.

A leaf of the rulebook has a raw value per team in [0, 1]: the plain mean over its benchmarks, or the weighted mean over
its criteria of the panel's average mark as a share of the highest mark. The normaliser makes it points; sums of parts
make the rest. A part that lacks one of its parts has no result, and so has a total: nothing missing counts as zero.

Raw values and shares are reckoned as fractions (`deciding.values`, `rulebook.normalisers`); what is compared or written
down is a figure: the nearest double, of raw values, points and totals rounded to 9 decimals. Equal values give equal
figures whatever the order of addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import fsum
from typing import TypeAlias

import numpy as np

from dokja.canonical import JSON
from dokja.deciding.measurements import Leaf, Measurements, NoResult, SuiteLeaf
from dokja.deciding.runs import BenchmarkTable
from dokja.deciding.values import benchmark_means, full_points, leaf_points, panel_values, suite_values
from dokja.finding import Reason
from dokja.rulebook import TOTAL, Rulebook, ScorePart, Unknown
from dokja.rulebook.normalisers import DECIMALS
from dokja.stats.exact import Values, rounded

Means: TypeAlias = Mapping[str, Mapping[str, Values]]
"""Benchmark to subject to (replicates,) means."""


@dataclass(frozen=True, slots=True)
class Points:
    """A score.

    Args:
        points: In [0, points of the part].
        raw: What the points were made of, at least 0 and above 1 only for an attainment; for a sum of parts, the
            share of its points.
    """

    points: float
    raw: float


@dataclass(frozen=True, slots=True)
class PartScore:
    """What one team got for one part.

    Args:
        team: Whose.
        part: Id of the part, or `total`.
        result: The points, or why there are none.
        weights: Digest of the weights that were scored; empty when none were submitted.
    """

    team: str
    part: str
    result: Points | NoResult
    weights: str

    def as_json(self) -> dict[str, JSON]:
        """Return a flat JSON object, one row of a table; `points` is null exactly when `reason` says why."""
        if isinstance(self.result, Points):
            figures: dict[str, JSON] = {"points": self.result.points, "raw": self.result.raw, "reason": None}
        else:
            reason = self.result.reason
            figures = {
                "points": None,
                "raw": None,
                "reason": {"key": reason.key, "figures": dict(reason.figures)},
            }
        return {"team": self.team, "part": self.part, **figures, "weights": self.weights}


@dataclass(frozen=True, slots=True)
class StageScores:
    """Every score of a stage.

    Args:
        teams: Teams, in order of registration.
        parts: Ids of the parts, top down, the total first.
        scores: (team, part) to score; every pair is there.
    """

    teams: tuple[str, ...]
    parts: tuple[str, ...]
    scores: Mapping[tuple[str, str], PartScore]

    def of(self, team: str, part: str = TOTAL) -> Points | NoResult:
        """Return what a team got for a part."""
        return self.scores[team, part].result

    def points(self, part: str = TOTAL) -> dict[str, float]:
        """Return the points of every team that has a result of this part."""
        found = {team: self.of(team, part) for team in self.teams}
        return {team: result.points for team, result in found.items() if isinstance(result, Points)}

    def rows(self) -> list[dict[str, JSON]]:
        """Return one flat row per team and part, for tables, CSV and JSON."""
        return [self.scores[team, part].as_json() for team in self.teams for part in self.parts]


def exact_means(measurements: Measurements) -> Means:
    """Return every benchmark's means as fractions: what takes longest of scoring, and what no panel changes."""
    return {
        name: benchmark_means(table, _once(_passages(table))) for name, table in measurements.tables.items()
    }


def score_measurements(
    rulebook: Rulebook, measurements: Measurements, weights: Mapping[str, str], means: Means | None = None
) -> StageScores:
    """Return every score for what was measured.

    Args:
        rulebook: The rulebook.
        measurements: From `measure`, or a resample or a variant of it.
        weights: Team to digest of the weights scored.
        means: From `exact_means` of the same tables; None computes them.
    """
    results: dict[tuple[str, str], Points | NoResult] = dict(measurements.without)
    means = exact_means(measurements) if means is None else means
    for leaf in measurements.leaves.values():
        for team, result in _leaf_points(leaf, _raw_values(leaf, means)).items():
            results[team, leaf.part.id] = result
    parts = [part for top in rulebook.parts for part in top.all_parts()]
    for part in reversed(parts):
        if part.parts:
            for team in measurements.teams:
                results[team, part.id] = _sum(team, part.parts, results)
    for team in measurements.teams:
        results[team, TOTAL] = _sum(team, rulebook.parts, results)
    names = (TOTAL, *(part.id for part in parts))
    scores = {
        (team, name): PartScore(team, name, results[team, name], weights.get(team, ""))
        for team in measurements.teams
        for name in names
    }
    return StageScores(measurements.teams, names, scores)


def _sum(
    team: str, parts: tuple[ScorePart, ...], results: Mapping[tuple[str, str], Points | NoResult]
) -> Points | NoResult:
    inner = [(part, results[team, part.id]) for part in parts]
    if not inner:
        return NoResult(Reason("score.nothing_scored"))
    for part, result in inner:
        if isinstance(result, NoResult):
            deeper = result.reason.figures.get("part") if result.reason.key == "score.part_missing" else None
            return NoResult(Reason("score.part_missing", {"part": deeper or part.id}))
    points = fsum(result.points for _, result in inner if isinstance(result, Points))
    out_of = fsum(part.points for part, _ in inner if not isinstance(part.points, Unknown))
    return Points(round(points, DECIMALS), round(points / out_of, DECIMALS))


def _once(units: int) -> Values:
    """Return the counts of the one reckoning that decides: every unit once, as fractions."""
    return np.full((1, units), Fraction(1), dtype=object)


def _passages(table: BenchmarkTable) -> int:
    return max(table.passages) + 1


def _raw_values(leaf: Leaf, means: Means) -> dict[str, Fraction | Reason]:
    """Return each team's raw value of a leaf, or why arithmetic gives none."""
    if isinstance(leaf, SuiteLeaf):
        why = Reason("score.comparator_zero")
        found = suite_values(leaf, means)
    else:
        why = Reason("score.unconnected", {"panel": leaf.panel})
        found = panel_values(leaf, leaf.raters(), _once(len(leaf.raters())))
    defined = found.defined[0]
    values = iter(rounded(found.values[0, defined], DECIMALS))
    return {team: next(values) if there else why for team, there in zip(leaf.teams, defined, strict=True)}


def _leaf_points(leaf: Leaf, raw: Mapping[str, Fraction | Reason]) -> dict[str, Points | NoResult]:
    """Return points for every team with a raw value; a relative normaliser needs two of them."""
    rule = leaf.part.rule()
    values = {team: value for team, value in raw.items() if not isinstance(value, Reason)}
    results: dict[str, Points | NoResult] = {
        team: NoResult(value) for team, value in raw.items() if isinstance(value, Reason)
    }
    if rule.relative and len(values) == 1:
        return results | {team: NoResult(Reason("score.nothing_to_compare")) for team in values}
    if values:
        points = leaf_points(full_points(leaf), rule, np.array([list(values.values())], dtype=object))
        for (team, value), own in zip(values.items(), points[0], strict=True):
            results[team] = Points(float(own), float(value))
    return results
