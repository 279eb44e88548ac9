"""How long 10,000 joint resamples of a whole stage take, against a plain Python loop over the same resamples.

The stage is simulated: 5 teams, 13 benchmarks of 200 items in 100 passages, 10 experts on 3 criteria with recusals, 49
users. The loop draws units with `random.choices` and adds up scores with `sum`; it is timed on a few resamples of the
same stage in the same run, and its time per resample is what the ratio compares.

    python benchmarks/bootstrap.py
"""

from __future__ import annotations

import json
import random
import time

import numpy as np

from dokja.deciding.measurements import Measurements, PanelLeaf, SuiteLeaf
from dokja.deciding.runs import BenchmarkTable
from dokja.deciding.values import full_points
from dokja.rulebook import Averaging, MaxScaled, Raw, ScorePart, Text
from dokja.sensitivity.replicates import drawn_values, points_by_part
from dokja.stats.ranking import rank_probabilities

TEAMS = ("baram", "dalbit", "haneul", "mirae", "nuri")
BENCHMARKS, ITEMS, PASSAGES, EXPERTS, USERS = 13, 200, 100, 10, 49
REPLICATES, LOOPED = 10_000, 20


def simulated() -> Measurements:
    """Return a simulated stage of 20 + 35 + 25 points, as measured."""
    rng = np.random.default_rng(20260115)
    ability = rng.uniform(0.4, 0.8, len(TEAMS))
    passages = tuple(i * PASSAGES // ITEMS for i in range(ITEMS))
    names = tuple(f"b{n}" for n in range(BENCHMARKS))
    tables = {
        name: BenchmarkTable(
            name, TEAMS, passages, tuple(tuple(map(float, row)) for row in rng.random((ITEMS, 5)) < ability)
        )
        for name in names
    }
    leaves = {
        "common": SuiteLeaf(_leaf("common", 40, Raw()), dict.fromkeys(TEAMS, names), {}, 1.0),
        "expert": _panel(rng, "expert", 35, EXPERTS, 3, 10.0, ability, Averaging.TRIMMED),
        "user": _panel(rng, "user", 25, USERS, 1, 5.0, ability, Averaging.MEAN),
    }
    return Measurements(TEAMS, tables, leaves, {}, {}, ())


def _leaf(name: str, points: float, normaliser: Raw | MaxScaled) -> ScorePart:
    reads = {"suites": (name,)} if name == "common" else {"panel": name}
    return ScorePart(id=name, title=Text(ko=name, en=name), points=points, normaliser=normaliser, **reads)


def _panel(rng, name, points, raters, criteria, highest, ability, averaging) -> PanelLeaf:
    ballots = {
        (f"{name}{r}", team): tuple(float(m) for m in np.clip(np.round(highest * ability[t] + rng.normal(0, 1, criteria)), 1, highest))
        for r in range(raters)
        for t, team in enumerate(TEAMS)
        if (name, r % 5, t) != ("expert", 3, 2)
    }  # fmt: skip
    scales = tuple((f"c{n}", highest, 1.0) for n in range(criteria))
    trim = 1 if averaging is Averaging.TRIMMED else 0
    return PanelLeaf(_leaf(name, points, MaxScaled()), name, scales, averaging, trim, TEAMS, ballots)


def vectorised(measured: Measurements) -> np.ndarray:
    """Return totals of every resample, (replicates, teams)."""
    rulebook = _Parts(tuple(leaf.part for leaf in measured.leaves.values()))
    rng = np.random.default_rng(1)
    return points_by_part(rulebook, measured.leaves, drawn_values(measured, rng, REPLICATES), TEAMS)["total"]


class _Parts:
    """The one thing `points_by_part` reads of a rulebook."""

    def __init__(self, parts: tuple[ScorePart, ...]) -> None:
        self.parts = parts


def looped(measured: Measurements, replicates: int) -> list[dict[str, float]]:
    """Return totals of some resamples by drawing and adding up one at a time."""
    draws = random.Random(1)
    return [_one(measured, draws) for _ in range(replicates)]


def _one(measured: Measurements, draws: random.Random) -> dict[str, float]:
    totals = dict.fromkeys(TEAMS, 0.0)
    for leaf in measured.leaves.values():
        raw = _suites(measured, draws) if isinstance(leaf, SuiteLeaf) else _marks(leaf, draws)
        best = max(raw.values())
        for team, value in raw.items():
            scale = best if isinstance(leaf.part.normaliser, MaxScaled) else 1.0
            totals[team] += full_points(leaf) * value / scale
    return totals


def _suites(measured: Measurements, draws: random.Random) -> dict[str, float]:
    means = {team: [] for team in TEAMS}
    for table in measured.tables.values():
        members: dict[int, list[tuple[float, ...]]] = {}
        for passage, row in zip(table.passages, table.values, strict=True):
            members.setdefault(passage, []).append(row)
        rows = [row for passage in draws.choices(list(members), k=len(members)) for row in members[passage]]
        for column, team in enumerate(TEAMS):
            means[team].append(sum(row[column] for row in rows) / len(rows))
    return {team: sum(values) / len(values) for team, values in means.items()}


def _marks(leaf: PanelLeaf, draws: random.Random) -> dict[str, float]:
    raters = leaf.raters()
    drawn = list(enumerate(draws.choices(raters, k=len(raters))))
    shares = dict.fromkeys(TEAMS, 0.0)
    for index, (_, highest, _) in enumerate(leaf.criteria):
        marks = {
            (f"{rater}#{copy}", team): leaf.ballots[rater, team][index]
            for copy, rater in drawn
            for team in TEAMS
            if (rater, team) in leaf.ballots
        }
        for team in TEAMS:
            own = sorted(mark for (_, judged), mark in marks.items() if judged == team)
            kept = own[leaf.trim : len(own) - leaf.trim]
            shares[team] += sum(kept) / len(kept) / highest / len(leaf.criteria)
    return shares


def main() -> None:
    """Time both and print one JSON object."""
    measured = simulated()
    start = time.perf_counter()
    totals = vectorised(measured)
    rank_probabilities(totals)
    fast = time.perf_counter() - start
    start = time.perf_counter()
    loop = looped(measured, LOOPED)
    slow = (time.perf_counter() - start) / LOOPED * REPLICATES
    gap = max(
        abs(np.mean([one[team] for one in loop]) - np.nanmean(totals[:, t])) for t, team in enumerate(TEAMS)
    )
    figures = {
        "replicates": REPLICATES,
        "vectorised_seconds": round(fast, 3),
        "loop_seconds_extrapolated": round(slow, 1),
    }
    print(
        json.dumps(
            figures
            | {"looped": LOOPED, "ratio": round(slow / fast, 1), "largest_gap_of_means": round(float(gap), 3)}
        )
    )


if __name__ == "__main__":
    main()
