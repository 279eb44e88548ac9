"""Scores as a pure function of rulebook and events, in plain arithmetic.

A leaf of the rulebook has a raw value per team in [0, 1]: the plain mean over its benchmarks, or the weighted mean over
its criteria of the panel's average mark as a share of the highest mark. The normaliser makes it points; sums of parts
make the rest. A part that lacks one of its parts has no result, and so has a total: nothing missing counts as zero.

Raw values, points and totals are rounded to 9 decimals, so that equal scores are equal whatever the order of addition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, sqrt

from dokja.canonical import JSON
from dokja.deciding.averages import average
from dokja.deciding.measurements import RELATIVE, Measurements, NoResult, PanelLeaf, SuiteLeaf, measure
from dokja.deciding.runs import BenchmarkTable
from dokja.finding import Reason
from dokja.record.events import Event
from dokja.record.history import read_history
from dokja.rulebook import (
    TOTAL,
    Aggregation,
    Attainment,
    MaxScaled,
    MinMax,
    Rank,
    Raw,
    Rulebook,
    ScorePart,
    Unknown,
    ZScore,
)

DECIMALS = 9


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


def score_stage(rulebook: Rulebook, events: Iterable[Event], *, counterfactual: bool = False) -> StageScores:
    """Return every score the rulebook gives for these events.

    Args:
        rulebook: The rulebook in force.
        events: The whole history of the stage, in the order of the log.
        counterfactual: Score under a rulebook other than the one in force; whoever shows the result says so.

    Raises:
        EventInvalid: The history breaks its own rules.
        NotAllowed: The stage does not run under this rulebook.
    """
    history = read_history(rulebook, events, counterfactual=counterfactual)
    return score_measurements(rulebook, measure(rulebook, history), history.weights)


def score_measurements(
    rulebook: Rulebook, measurements: Measurements, weights: Mapping[str, str]
) -> StageScores:
    """Return every score for what was measured.

    Args:
        rulebook: The rulebook.
        measurements: From `measure`, or a resample or a variant of it.
        weights: Team to digest of the weights scored.
    """
    results: dict[tuple[str, str], Points | NoResult] = dict(measurements.without)
    for leaf in measurements.leaves.values():
        raw = raw_values(leaf, measurements.tables)
        for team, result in _leaf_points(leaf.part, raw).items():
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


def raw_values(
    leaf: SuiteLeaf | PanelLeaf, tables: Mapping[str, BenchmarkTable]
) -> dict[str, float | Reason]:
    """Return each team's raw value of a leaf, or why arithmetic gives none."""
    values = _suite_values(leaf, tables) if isinstance(leaf, SuiteLeaf) else _panel_values(leaf)
    return {
        team: value if isinstance(value, Reason) else round(value, DECIMALS) for team, value in values.items()
    }


def benchmark_score(table: BenchmarkTable, subject: str) -> float:
    """Return a subject's mean over the items of a benchmark."""
    column = table.subjects.index(subject)
    return fsum(row[column] for row in table.values) / len(table.values)


def _suite_values(leaf: SuiteLeaf, tables: Mapping[str, BenchmarkTable]) -> dict[str, float | Reason]:
    values: dict[str, float | Reason] = {}
    rule = leaf.part.normaliser
    for team, names in leaf.benchmarks.items():
        own = [benchmark_score(tables[name], team) for name in names]
        if isinstance(rule, Attainment):
            assert isinstance(rule.aggregation, Aggregation)
            other = [benchmark_score(tables[name], leaf.comparator[team]) for name in names]
            values[team] = attained(own, other, rule.aggregation, leaf.target_share)
        else:
            values[team] = fsum(own) / len(own)
    return values


def attained(
    own: list[float], other: list[float], aggregation: Aggregation, target_share: float
) -> float | Reason:
    """Return how much of a comparator's performance is attained, or why that cannot be said.

    Args:
        own: (benchmarks,) scores of the team.
        other: (benchmarks,) scores of the comparator.
        aggregation: How several benchmarks make one figure.
        target_share: Share that counts as reached, for the share of benchmarks reaching it.
    """
    if aggregation is Aggregation.RATIO_OF_MEANS:
        return fsum(own) / fsum(other) if fsum(other) > 0 else Reason("score.comparator_zero")
    if min(other) <= 0:
        return Reason("score.comparator_zero")
    ratios = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
    if aggregation is Aggregation.SHARE_REACHING:
        return sum(round(ratio, DECIMALS) >= target_share for ratio in ratios) / len(ratios)
    return fsum(ratios) / len(ratios)


def _panel_values(leaf: PanelLeaf) -> dict[str, float | Reason]:
    shares: dict[str, list[float]] = {team: [] for team in leaf.teams}
    for index, (_, highest, weight) in enumerate(leaf.criteria):
        marks = {key: ballot[index] for key, ballot in leaf.ballots.items()}
        for team, value in average(marks, leaf.teams, leaf.averaging, leaf.trim).items():
            shares[team].append(weight * min(max(value / highest, 0.0), 1.0))
    whole = fsum(weight for _, _, weight in leaf.criteria)
    complete = len(leaf.criteria)
    return {
        team: fsum(found) / whole
        if len(found) == complete
        else Reason("score.unconnected", {"panel": leaf.panel})
        for team, found in shares.items()
    }


def _leaf_points(part: ScorePart, raw: Mapping[str, float | Reason]) -> dict[str, Points | NoResult]:
    """Return points for every team with a raw value; a relative normaliser needs two of them."""
    assert not isinstance(part.points, Unknown)
    values = {team: value for team, value in raw.items() if not isinstance(value, Reason)}
    results: dict[str, Points | NoResult] = {
        team: NoResult(value) for team, value in raw.items() if isinstance(value, Reason)
    }
    if isinstance(part.normaliser, RELATIVE) and len(values) == 1:
        return results | {team: NoResult(Reason("score.nothing_to_compare")) for team in values}
    for team, share in _shares(part, values).items():
        results[team] = Points(round(part.points * share, DECIMALS), values[team])
    return results


def _shares(part: ScorePart, values: Mapping[str, float]) -> dict[str, float]:
    """Return each team's share of the points of a leaf: `dokja.stats.normalisers` says what each normaliser is."""
    low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
    match part.normaliser:
        case Raw():
            return dict(values)
        case Attainment(cap_share=cap):
            return {team: min(value, cap) for team, value in values.items()}
        case MaxScaled():
            return {team: value / high if high > 0 else 0.0 for team, value in values.items()}
        case MinMax(floor_share=floor):
            place = {
                team: (value - low) / (high - low) if high > low else 0.5 for team, value in values.items()
            }
            return {team: floor + (1 - floor) * share for team, share in place.items()}
        case ZScore(centre_share=centre, spread_share=spread):
            mean = fsum(values.values()) / max(len(values), 1)
            deviation = sqrt(fsum((value - mean) ** 2 for value in values.values()) / max(len(values), 1))
            z = {team: (value - mean) / deviation if high > low else 0.0 for team, value in values.items()}
            return {team: min(max(centre + spread * own, 0.0), 1.0) for team, own in z.items()}
        case Rank(shares=shares):
            return {team: _rank_share(value, list(values.values()), shares) for team, value in values.items()}
    raise AssertionError("An unknown normaliser has no result and never comes here.")


def _rank_share(value: float, values: list[float], shares: tuple[float, ...]) -> float:
    above, level = sum(other > value for other in values), sum(other == value for other in values)
    covered = shares[above : above + level]
    return fsum(covered) / level
