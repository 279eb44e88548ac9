"""Uncertainty: a vectorised replicate is the plain score of the same resample; figures mean what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.deciding.decision import decide
from dokja.deciding.measurements import Measurements, PanelLeaf, measure
from dokja.deciding.runs import BenchmarkTable
from dokja.deciding.score import score_measurements
from dokja.errors import InvalidInput
from dokja.record.history import History
from dokja.sensitivity.replicates import (
    Resamples,
    as_measured,
    draw_passages,
    draw_raters,
    drawn_values,
    points_by_part,
    raters_of,
    raw_values,
)
from dokja.sensitivity.thresholds import passes
from dokja.sensitivity.uncertainty import assess
from tests.deciding.test_gate import LOT, ranked
from tests.made_stage import TEAMS, full_stage, made_rulebook, score_stage, weights_of, with_advance

EVERYONE = (rb.TieBreak(rule=rb.TieRule.ALL_ADVANCE),)
NORMALISERS = [
    rb.Raw(), rb.MinMax(floor_share=0.2), rb.MaxScaled(), rb.ZScore(centre_share=0.5, spread_share=0.2),
    rb.Rank(shares=(1.0, 0.8, 0.6, 0.4, 0.2)),
]  # fmt: skip


def with_averaging(book: rb.Rulebook, averaging: rb.Averaging) -> rb.Rulebook:
    return rb.changed(book, panels=(rb.changed(book.panels[0], averaging=averaging), book.panels[1]))


def draw(measurements: Measurements, rng: np.random.Generator, replicates: int) -> Resamples:
    """Return all draws at once, in the order in which they are drawn one at a time."""
    passages = {name: draw_passages(table, rng, replicates) for name, table in measurements.tables.items()}
    return Resamples(passages, draw_raters(measurements, rng, replicates))


def materialise(measurements: Measurements, resamples: Resamples, row: int) -> Measurements:
    """Return the resample written out: items and raters repeated as often as they were drawn."""
    tables = {}
    for name, table in measurements.tables.items():
        counts = resamples.passages[name][row].astype(int)
        drawn = [i for i, passage in enumerate(table.passages) for _ in range(counts[passage])]
        passages = tuple(table.passages[i] for i in drawn)
        tables[name] = BenchmarkTable(name, table.subjects, passages, tuple(table.values[i] for i in drawn))
    leaves = dict(measurements.leaves)
    for name, leaf in measurements.leaves.items():
        if isinstance(leaf, PanelLeaf):
            names = raters_of(measurements, leaf.panel)
            times = dict(zip(names, resamples.raters[leaf.panel][row].astype(int), strict=True))
            ballots = {
                (f"{rater}#{copy}", team): marks
                for (rater, team), marks in leaf.ballots.items()
                for copy in range(times[rater])
            }
            leaves[name] = replace(leaf, ballots=ballots)
    return replace(measurements, tables=tables, leaves=leaves)


@pytest.mark.parametrize("normaliser", NORMALISERS, ids=lambda n: n.kind)
@pytest.mark.parametrize("averaging", list(rb.Averaging))
def test_a_vectorised_replicate_is_the_plain_score_of_the_same_resample(
    normaliser: rb.Normaliser, averaging: rb.Averaging
) -> None:
    book = with_averaging(made_rulebook(normaliser), averaging)
    stage = full_stage(book, seed=3)
    history = History.of(stage.events)
    measurements = measure(book, history)
    resamples = draw(measurements, np.random.default_rng(7), 12)
    fast = points_by_part(book, measurements.leaves, raw_values(measurements, resamples), tuple(TEAMS))
    compared = 0
    for row in range(12):
        plain = score_measurements(book, materialise(measurements, resamples, row), history.weights)
        for part, values in fast.items():
            if not np.isnan(values[row]).any():
                assert plain.points(part) == pytest.approx(
                    dict(zip(TEAMS, values[row], strict=True)), abs=1e-7
                )
                compared += 1
    assert compared > 60


def test_values_drawn_a_benchmark_at_a_time_are_those_of_all_draws_at_once() -> None:
    measurements = measure(made_rulebook(), full_stage(made_rulebook(), seed=3).history)
    at_once = raw_values(measurements, draw(measurements, np.random.default_rng(7), 50))
    in_turn = drawn_values(measurements, np.random.default_rng(7), 50)
    assert at_once.keys() == in_turn.keys()
    for name, one in at_once.items():
        assert one.teams == in_turn[name].teams
        assert np.array_equal(one.values, in_turn[name].values, equal_nan=True)


def test_the_resample_with_every_unit_once_is_the_score_itself() -> None:
    stage = full_stage(made_rulebook())
    history = History.of(stage.events)
    measurements = measure(stage.book, history)
    raw = raw_values(measurements, as_measured(measurements))
    fast = points_by_part(stage.book, measurements.leaves, raw, tuple(TEAMS))
    scores = score_stage(stage.book, stage.history)
    for part in scores.parts:
        assert scores.points(part) == pytest.approx(dict(zip(TEAMS, fast[part][0], strict=True)), abs=1e-8)


def test_intervals_hold_the_scores_and_shares_are_shares() -> None:
    stage = full_stage(made_rulebook(rb.Raw()), seed=5)
    scores = score_stage(stage.book, stage.history)
    sure = assess(stage.book, stage.history, seed=1, replicates=600)
    assert {row.team for row in sure.teams} == set(TEAMS)
    for row in sure.teams:
        assert row.total.low <= scores.points()[row.team] + 3.0
        assert row.total.high >= scores.points()[row.team] - 3.0
        assert sum(row.rank_shares) == pytest.approx(1.0)
        assert row.pass_interval.low <= row.pass_share <= row.pass_interval.high
        assert row.rank_low <= row.rank_high
    assert [one.normaliser for one in sure.readings] == ["raw", "min_max", "max_scaled", "z", "rank"]


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    stage = full_stage(made_rulebook())
    one, again, other = (
        assess(stage.book, stage.history, seed, replicates=200).as_json() for seed in (1, 1, 2)
    )
    assert one == again
    assert one["teams"] != other["teams"]


def test_a_refuted_team_passes_in_no_resample_and_a_far_better_one_in_all() -> None:
    stage = full_stage(with_advance(made_rulebook(), places=4), seed=2)
    best = max(TEAMS, key=lambda team: score_stage(stage.book, stage.history).points()[team])
    shares = {row.team: row.pass_share for row in assess(stage.book, stage.history, 1, replicates=300).teams}
    assert shares[best] > 0.99
    stage.events = [e for e in stage.events if e.kind != "finding_recorded"]
    stage.independent(*(team for team in TEAMS if team != best))
    shares = {row.team: row.pass_share for row in assess(stage.book, stage.history, 1, replicates=300).teams}
    assert shares[best] == 0.0


def test_the_decided_passing_is_what_the_undrawn_sample_passes() -> None:
    for seed in range(6):
        stage = full_stage(made_rulebook(NORMALISERS[seed % 5]), seed)
        history = History.of(stage.events)
        measurements = measure(stage.book, history)
        raw = raw_values(measurements, as_measured(measurements))
        points = points_by_part(stage.book, measurements.leaves, raw, tuple(TEAMS))
        decision = decide(stage.book, stage.history)
        now = passes(stage.book, decision, tuple(TEAMS), points)[0]
        assert {team for team, through in zip(TEAMS, now, strict=True) if through} == set(decision.advancing)


def test_a_stage_without_totals_has_no_intervals_and_invents_none() -> None:
    stage = full_stage(made_rulebook())
    for team in TEAMS:
        stage.add("submission", {"team": team, "weights": weights_of("new"), "declaration": {}})
    sure = assess(stage.book, stage.history, seed=1, replicates=50)
    assert (sure.teams, sure.readings) == ((), ())


def test_a_part_with_one_team_alone_is_assessed_without_comparing_it_with_itself() -> None:
    """Only one team has marks of users, in a part that compares nobody: relative normalisers cannot stand for it."""
    book = made_rulebook(rb.Raw())
    book = rb.changed(book, parts=(*book.parts[:2], rb.changed(book.parts[2], normaliser=rb.Raw())))
    stage = full_stage(book)
    stage.events = [e for e in stage.events if e.kind != "user_rating" or e.payload.team == TEAMS[0]]
    sure = assess(book, stage.history, seed=1, replicates=50)
    assert [row.team for row in sure.teams] == [TEAMS[0]]
    assert [one.normaliser for one in sure.readings] == ["raw"]


@pytest.mark.parametrize("wrong", [{"replicates": 0}, {"concentration": 0.0}, {"level": 1.0}, {"seed": -1}])
def test_an_assessment_that_cannot_be_drawn_is_refused(wrong: dict) -> None:
    stage = full_stage(made_rulebook())
    with pytest.raises(InvalidInput):
        assess(stage.book, stage.history, **({"seed": 1} | wrong))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=5), st.integers(1, 4), st.sampled_from([LOT, EVERYONE])
)
def test_ties_pass_in_a_resample_whom_the_gate_passes_without_a_lot(
    scores: list[int], keep: int, steps
) -> None:
    stage = ranked(dict(zip("abcde", scores, strict=False)), keep=keep, ties=steps)
    history = History.of(stage.events)
    measurements = measure(stage.book, history)
    teams = tuple(history.teams)
    raw = raw_values(measurements, as_measured(measurements))
    points = points_by_part(stage.book, measurements.leaves, raw, teams)
    decision = decide(stage.book, stage.history)
    now = passes(stage.book, decision, teams, points)[0]
    assert tuple(team for team, through in zip(teams, now, strict=True) if through) == decision.advancing
