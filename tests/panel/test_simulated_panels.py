"""Simulated panels have the bias they were given, are labelled, and show what each average makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from dokja.errors import InvalidInput
from dokja.panel.ballots import BallotFile, parse_ballots_csv
from dokja.panel.simulate import Simulation, simulate_approvals, simulate_marks
from dokja.stats.ratings import mean, severity_adjusted, trimmed_mean

QUALITY = {"baram": 0.8, "dalbit": 0.7, "haneul": 0.6, "mirae": 0.5, "nuri": 0.4}


def experts(**changes) -> Simulation:
    made = {
        "panel": "experts",
        "raters": 10,
        "quality": QUALITY,
        "criteria": ("plan",),
        "lowest": 1.0,
        "highest": 10.0,
    }
    return Simulation(**(made | {"step": 0.5, "severity": 1.0, "noise": 0.7} | changes))


def averages(file: BallotFile) -> dict[str, dict[str, float]]:
    """Return each average of the one criterion's marks, by team."""
    marks = {(b.values["rater"], b.values["team"]): b.values["score"] for b in file.ballots}
    raters, teams = (sorted({key[place] for key in marks}) for place in (0, 1))
    scored = np.array([[(rater, team) in marks for team in teams] for rater in raters])
    scores = np.array([[float(marks.get((rater, team), 0.0)) for team in teams] for rater in raters])
    return {
        rule.__name__: dict(
            zip(teams, rule(scores, scored, np.ones((1, len(raters)))).values[0].tolist(), strict=True)
        )
        for rule in (mean, trimmed_mean, severity_adjusted)
    }


def test_the_same_seed_gives_the_same_ballots_and_every_file_is_labelled_simulated() -> None:
    one, again = (simulate_marks(experts(), np.random.default_rng(3)) for _ in range(2))
    assert one == again
    assert one.simulated
    assert parse_ballots_csv(one.render_csv().encode()) == one


def test_marks_lie_on_the_scale() -> None:
    file = simulate_marks(experts(noise=20.0), np.random.default_rng(0))
    marks = {ballot.values["score"] for ballot in file.ballots}
    assert min(marks) == 1.0
    assert max(marks) == 10.0
    assert all((mark * 2).is_integer() for mark in marks)


def test_without_noise_the_averages_are_the_truth() -> None:
    exact = simulate_marks(experts(severity=0.0, noise=0.0, step=0.001), np.random.default_rng(0))
    for values in averages(exact).values():
        assert values == pytest.approx({team: 1 + 9 * share for team, share in QUALITY.items()}, abs=1e-3)


def test_a_brand_lifts_its_own_team_by_what_it_was_given() -> None:
    plain, branded = (
        averages(simulate_marks(experts(raters=200, brand=brand), np.random.default_rng(1)))["mean"]
        for brand in ({}, {"nuri": 1.0})
    )
    assert branded["nuri"] - plain["nuri"] == pytest.approx(1.0, abs=0.05)
    assert branded["baram"] == plain["baram"]


def test_one_strategic_rater_moves_the_mean_more_than_the_trimmed_mean() -> None:
    honest = averages(simulate_marks(experts(severity=0.0), np.random.default_rng(2)))
    bought = averages(simulate_marks(experts(severity=0.0, strategic={0: "nuri"}), np.random.default_rng(2)))
    gained = {name: bought[name]["nuri"] - honest[name]["nuri"] for name in ("mean", "trimmed_mean")}
    assert gained["mean"] > 0.3
    assert gained["mean"] > 2 * abs(gained["trimmed_mean"])


def test_severity_adjustment_helps_where_the_severe_recuse() -> None:
    """Mean error over simulated panels in which every rater skips one team."""
    holes = frozenset((number, list(QUALITY)[number % 5]) for number in range(10))
    truth = np.array([1 + 9 * share for share in QUALITY.values()])
    truth = truth - truth.mean()
    errors = {"mean": [], "severity_adjusted": []}
    for seed in range(60):
        file = simulate_marks(
            experts(severity=2.0, noise=0.3, recused=holes, step=0.01), np.random.default_rng(seed)
        )
        by_name = averages(file)
        for name, found in errors.items():
            values = np.array([by_name[name][team] for team in QUALITY])
            found.append(np.square(values - values.mean() - truth).mean())
    assert np.mean(errors["severity_adjusted"]) < 0.5 * np.mean(errors["mean"])


def test_simulated_votes_follow_their_probability() -> None:
    votes = simulate_approvals("panel", 400, {"a": 0.9, "b": 0.2}, np.random.default_rng(0))
    share = sum(b.values == {**b.values, "team": "a", "choice": "approve"} for b in votes.ballots) / 400
    assert votes.simulated
    assert share == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize(
    "wrong", [{"raters": 0}, {"quality": {"a": 1.5}}, {"brand": {"stranger": 1.0}}, {"step": 0.0}]
)
def test_a_simulation_that_cannot_be_is_refused(wrong: dict) -> None:
    with pytest.raises(InvalidInput):
        experts(**wrong)
