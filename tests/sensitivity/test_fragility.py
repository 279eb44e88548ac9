"""Fragility: the fewest removals that change who advances, exact where said to be exact; averages side by side."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from dokja import rulebook as rb
from dokja.deciding.decision import decide, decide_scored
from dokja.deciding.measurements import Measurements, PanelLeaf, measure
from dokja.deciding.score import score_measurements
from dokja.record.history import History
from dokja.sensitivity.alternatives import average_readings
from dokja.sensitivity.fragility import Fragility, fragilities
from dokja.sensitivity.replicates import scored_leaves
from tests.deciding.test_gate import LOT, ranked
from tests.made_stage import TEAMS, Stage, full_stage, leaf, made_rulebook, with_advance


def fragile(stage: Stage, exhaustive: int = 20_000) -> dict[tuple[str, str], Fragility]:
    history = History.of(stage.events)
    measurements = measure(stage.book, history)
    scores = score_measurements(stage.book, measurements, history.weights)
    decision = decide_scored(stage.book, history, scores)
    measured = replace(measurements, leaves=scored_leaves(measurements, scores))
    found = fragilities(stage.book, measured, decision, tuple(scores.points()), exhaustive=exhaustive)
    return {(one.unit, one.of): one for one in found}


def without_raters(measurements: Measurements, removed: tuple[str, ...]) -> Measurements:
    leaves = dict(measurements.leaves)
    for name, one in measurements.leaves.items():
        if isinstance(one, PanelLeaf):
            leaves[name] = replace(one, ballots={k: v for k, v in one.ballots.items() if k[0] not in removed})
    return replace(measurements, leaves=leaves)


def panel_stage(averaging: rb.Averaging, seed: int) -> Stage:
    """Ten experts who hardly tell five teams apart, two of them recused from one team; the best two pass."""
    book = made_rulebook(
        parts=(leaf("expert", 100, rb.Raw(), panel="experts", criteria=("experts-c0",)),), items=()
    )
    panel = rb.changed(book.panels[0], averaging=averaging, quorum=3)
    book = rb.changed(book, gates=(rb.changed(book.gates[0], keep=2),), panels=(panel,))
    stage = Stage(with_advance(book, gate="keep", places=2, ties=rb.UNKNOWN)).open(TEAMS)
    rng = np.random.default_rng(seed)
    for number, rater in enumerate(stage.panel("experts", 10)):
        for team, mark in zip(TEAMS, rng.uniform(5, 8, 5), strict=True):
            if (number, team) in ((0, TEAMS[0]), (1, TEAMS[0])):
                stage.add("recusal", {"rater": rater, "teams": [team]})
            else:
                stage.mark(rater, team, "experts-c0", float(mark))
    return stage


@pytest.mark.parametrize("averaging", list(rb.Averaging))
@pytest.mark.parametrize("seed", [1, 4])
def test_the_fewest_raters_are_what_trying_every_set_by_plain_scoring_finds(
    averaging: rb.Averaging, seed: int
) -> None:
    stage = panel_stage(averaging, seed)
    told = fragile(stage)["raters", "experts"]
    assert told.exact
    history = History.of(stage.events)
    measurements = measure(stage.book, history)
    now = decide(stage.book, stage.history).advancing
    raters = sorted({rater for rater, _ in measurements.leaves["expert"].ballots})  # type: ignore[union-attr]

    def changes(removed: tuple[str, ...]) -> bool:
        left = without_raters(measurements, removed)
        scores = score_measurements(stage.book, left, history.weights)
        return len(scores.points()) == 5 and decide_scored(stage.book, history, scores).advancing != now

    assert told.fewest is not None
    assert changes(told.removed)
    for size in range(1, min(told.fewest, 4)):
        assert not any(changes(removed) for removed in combinations(raters, size))


def test_an_upper_bound_is_never_below_the_exact_number_and_is_said_to_be_a_bound() -> None:
    for seed in (1, 4, 6):
        stage = panel_stage(rb.Averaging.MEAN, seed)
        exact, bound = (fragile(stage, limit)["raters", "experts"] for limit in (20_000, 0))
        assert exact.fewest is not None
        assert bound.fewest is None or bound.fewest >= exact.fewest
        assert bound.at_least == 1
        assert bound.exact is (bound.fewest == 1)


def test_the_items_that_decide_are_counted_and_named() -> None:
    stage = ranked({"a": 9, "b": 7, "c": 4}, ties=LOT)
    told = fragile(stage)["items", "national"]
    assert (told.fewest, told.exact, told.units) == (3, True, 10)
    close = fragile(ranked({"a": 9, "b": 7, "c": 6}, ties=LOT))["items", "national"]
    assert (close.fewest, close.removed, close.leaves) == (1, ("nat-0 #6",), ("b",))


def test_single_ballots_are_removable_one_by_one() -> None:
    stage = full_stage(made_rulebook(), seed=1)
    told = fragile(stage)
    assert told["ballots", "users"].units == 60
    assert told["raters", "users"].units == 12
    ballots, raters = told["ballots", "experts"], told["raters", "experts"]
    if raters.fewest and ballots.fewest and ballots.exact:
        assert ballots.fewest <= raters.fewest * len(TEAMS)


def test_the_three_averages_stand_side_by_side_and_say_whether_another_would_change_the_gate() -> None:
    """One strategic expert lifts a team over another: the mean keeps it in, the trimmed mean does not."""
    book = panel_stage(rb.Averaging.MEAN, 1).book
    stage = Stage(with_advance(rb.changed(book, gates=(rb.changed(book.gates[0], keep=1),)), places=1)).open(
        ["a", "b"]
    )
    for number, rater in enumerate(stage.panel("experts", 10)):
        for criterion in range(3):
            stage.mark(rater, "a", f"experts-c{criterion}", 10 if number == 0 else 6)
            stage.mark(rater, "b", f"experts-c{criterion}", 2 if number == 0 else 6.2)
    history = History.of(stage.events)
    decision = decide(stage.book, stage.history)
    shown = {
        one.averaging: one
        for one in average_readings(stage.book, history, measure(stage.book, history), decision)
    }
    assert decision.advancing == ("a",)
    assert shown[rb.Averaging.MEAN].rulebook_names
    assert not shown[rb.Averaging.MEAN].changes_outcome
    assert shown[rb.Averaging.TRIMMED].changes_outcome
    assert shown[rb.Averaging.TRIMMED].advancing == ("b",)
    assert not shown[rb.Averaging.SEVERITY_ADJUSTED].changes_outcome
