"""How sure a decision is: intervals, the share of resamples in which each team passes, and what other rules would do.

- Resampled, jointly: passages of items, experts, users. Not resampled: findings, votes of a panel majority, the rules.
- A resample in which some team has no value for a part (all its raters recused, a comparator that scored nothing) ranks
  nobody; such resamples are counted and left out, never filled in.
- In a resample a tie at the cut-off passes nobody who is not clearly inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dokja.canonical import JSON
from dokja.deciding.decision import Decision, decide_scored
from dokja.deciding.measurements import Measurements, measure
from dokja.deciding.score import exact_means, score_measurements
from dokja.deciding.values import full_points
from dokja.errors import InvalidInput
from dokja.record.amending import read_amendments
from dokja.record.history import History
from dokja.rulebook import TOTAL, Rulebook
from dokja.rulebook.normalisers import DECIMALS, alternatives
from dokja.sensitivity.alternatives import AverageReading, average_readings
from dokja.sensitivity.fragility import Fragility, fragilities
from dokja.sensitivity.replicates import (
    Floats,
    as_measured,
    drawn_values,
    points_by_part,
    raw_values,
    scored_leaves,
)
from dokja.sensitivity.thresholds import passes
from dokja.stats.intervals import Interval, percentile_interval, wilson_interval
from dokja.stats.ranking import rank_probabilities, ranks

_SHOWN_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class TeamUncertainty:
    """How sure one team's place is.

    Args:
        team: Its id.
        total: Interval on its total.
        parts: Interval on each part.
        rank_low: Best rank in the middle `level` of resamples.
        rank_high: Worst rank there.
        rank_shares: Share of resamples at rank 1, 2, ...
        pass_share: Share of resamples in which the deciding gate opens.
        pass_interval: Monte Carlo interval on that share: what more resamples could still move it to.
        pass_share_of_weights: Share of weightings around the rulebook's in which the deciding gate opens.
    """

    team: str
    total: Interval
    parts: Mapping[str, Interval]
    rank_low: int
    rank_high: int
    rank_shares: tuple[float, ...]
    pass_share: float
    pass_interval: Interval
    pass_share_of_weights: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one normaliser, used for every leaf, would give."""

    normaliser: str
    totals: Mapping[str, float]
    passing: tuple[str, ...]
    changes_outcome: bool


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How sure a decision is.

    Args:
        seed: Reproduces every figure.
        replicates: Resamples drawn, and weightings drawn.
        left_out: Resamples that ranked nobody.
        concentration: Of the Dirichlet distribution weights are drawn from: larger is closer to the rulebook's.
        level: Confidence of every interval.
        teams: One row per team with a total; none when no total could be resampled.
        readings: What each normaliser would give.
        averages: What each average of each panel would give.
        fragility: How few removals would change who advances.
    """

    seed: int
    replicates: int
    left_out: int
    concentration: float
    level: float
    teams: tuple[TeamUncertainty, ...]
    readings: tuple[Reading, ...]
    averages: tuple[AverageReading, ...]
    fragility: tuple[Fragility, ...]

    def as_json(self) -> dict[str, JSON]:
        """Return a JSON object; shares and points rounded to 6 decimals."""
        return {
            "seed": self.seed,
            "replicates": self.replicates,
            "left_out": self.left_out,
            "concentration": self.concentration,
            "level": self.level,
            "teams": list(self.rows()),
            "readings": [
                {
                    "normaliser": one.normaliser,
                    "totals": {team: _shown(value) for team, value in one.totals.items()},
                    "passing": list(one.passing),
                    "changes_outcome": one.changes_outcome,
                }
                for one in self.readings
            ],
            "averages": [one.as_json() for one in self.averages],
            "fragility": [one.as_json() for one in self.fragility],
        }

    def rows(self) -> list[dict[str, JSON]]:
        """Return one row per team, for tables, CSV and JSON."""
        return [
            {
                "team": one.team,
                "total_low": _shown(one.total.low),
                "total_high": _shown(one.total.high),
                "parts": {name: [_shown(part.low), _shown(part.high)] for name, part in one.parts.items()},
                "rank_low": one.rank_low,
                "rank_high": one.rank_high,
                "rank_shares": [_shown(share) for share in one.rank_shares],
                "pass_share": _shown(one.pass_share),
                "pass_low": _shown(one.pass_interval.low),
                "pass_high": _shown(one.pass_interval.high),
                "pass_share_of_weights": _shown(one.pass_share_of_weights),
            }
            for one in self.teams
        ]


def _shown(value: float) -> float:
    return round(value, _SHOWN_DECIMALS)


def assess(
    rulebook: Rulebook,
    history: History,
    seed: int,
    *,
    replicates: int = 10_000,
    level: float = 0.95,
    concentration: float = 100.0,
    counterfactual: bool = False,
) -> Uncertainty:
    """Return how sure the decision is.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        seed: Of every random draw.
        replicates: Resamples, and weightings.
        level: Confidence of the intervals.
        concentration: Of the weights; at 100 a part of 40 points has a standard deviation of about 5.
        counterfactual: Apply a rulebook other than the one in force.

    Raises:
        InvalidInput: A seed below 0, no replicates, a concentration of 0 or less, or a level outside (0, 1).
        EventInvalid: The history breaks its own rules.
        NotAllowed: The stage does not run under this rulebook.
    """
    if seed < 0 or replicates < 1 or concentration <= 0 or not 0 < level < 1:
        raise InvalidInput(
            "An assessment needs a seed from 0, replicates, a positive concentration, a level in (0, 1)."
        )
    if not counterfactual:
        read_amendments(rulebook, history)
    measurements = measure(rulebook, history)
    means = exact_means(measurements)
    scores = score_measurements(rulebook, measurements, history.weights, means)
    decision = decide_scored(rulebook, history, scores, counterfactual=counterfactual)
    leaves = scored_leaves(measurements, scores)
    teams = tuple(scores.points())
    if not teams or len(leaves) < len(rulebook.leaves()):
        return Uncertainty(seed, replicates, 0, concentration, level, (), (), (), ())
    measured = replace(measurements, leaves=leaves)
    rng = np.random.default_rng(seed)
    part_points = points_by_part(rulebook, leaves, drawn_values(measured, rng, replicates), teams)
    whole = ~np.isnan(part_points[TOTAL]).any(1)
    kept = {name: values[whole] for name, values in part_points.items()}
    weighted = _weighted_totals(rulebook, measured, teams, rng, concentration, replicates)
    rows: tuple[TeamUncertainty, ...] = ()
    if whole.any():
        rows = _team_rows(rulebook, decision, teams, kept, weighted, level)
    return Uncertainty(
        seed,
        replicates,
        int((~whole).sum()),
        concentration,
        level,
        rows,
        _readings(rulebook, measured, teams, decision),
        average_readings(rulebook, history, measurements, decision, means),
        fragilities(rulebook, measured, decision, teams),
    )


def _weighted_totals(
    rulebook: Rulebook,
    measured: Measurements,
    teams: tuple[str, ...],
    rng: np.random.Generator,
    concentration: float,
    draws: int,
) -> dict[str, Floats]:
    """Return totals under weights drawn around the rulebook's; the parts themselves stay as they are."""
    base = points_by_part(rulebook, measured.leaves, raw_values(measured, as_measured(measured)), teams)
    names = list(measured.leaves)
    full = np.array([full_points(measured.leaves[name]) for name in names])
    share = np.stack([base[name][0] / points for name, points in zip(names, full, strict=True)])
    weights = rng.dirichlet(concentration * full / full.sum(), size=draws) * full.sum()
    totals = {name: np.repeat(values, draws, axis=0) for name, values in base.items()}
    return totals | {TOTAL: np.round(weights @ share, DECIMALS)}


def _team_rows(
    rulebook: Rulebook,
    decision: Decision,
    teams: tuple[str, ...],
    kept: Mapping[str, Floats],
    weighted: Mapping[str, Floats],
    level: float,
) -> tuple[TeamUncertainty, ...]:
    passing = passes(rulebook, decision, teams, kept)
    under_weights = passes(rulebook, decision, teams, weighted).mean(0)
    places = ranks(kept[TOTAL])
    placed = rank_probabilities(kept[TOTAL])
    rows = []
    for column, team in enumerate(teams):
        low, high = np.quantile(places[:, column], [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        successes, trials = int(passing[:, column].sum()), passing.shape[0]
        rows.append(
            TeamUncertainty(
                team,
                percentile_interval(kept[TOTAL][:, column], level),
                {
                    name: percentile_interval(values[:, column], level)
                    for name, values in kept.items()
                    if name != TOTAL
                },
                int(low),
                int(high),
                tuple(float(share) for share in placed[column]),
                successes / trials,
                wilson_interval(successes, trials, level),
                float(under_weights[column]),
            )
        )
    return tuple(rows)


def _readings(
    rulebook: Rulebook, measured: Measurements, teams: tuple[str, ...], decision: Decision
) -> tuple[Reading, ...]:
    raw = raw_values(measured, as_measured(measured))
    now = passes(rulebook, decision, teams, points_by_part(rulebook, measured.leaves, raw, teams))
    readings = []
    sizes = [len(leaf.teams) for leaf in measured.leaves.values()]
    for normaliser in alternatives(min(sizes), max(sizes)):
        found = points_by_part(rulebook, measured.leaves, raw, teams, normaliser)
        passing = passes(rulebook, decision, teams, found)
        readings.append(
            Reading(
                normaliser.kind,
                {team: float(total) for team, total in zip(teams, found[TOTAL][0], strict=True)},
                tuple(team for team, opens in zip(teams, passing[0], strict=True) if opens),
                bool((passing != now).any()),
            )
        )
    return tuple(readings)
