"""Scores: a pure function of rulebook and events; every way of having no result is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dokja import rulebook as rb
from dokja.deciding.measurements import NoResult
from dokja.deciding.score import Points
from dokja.errors import EventInvalid, NotAllowed
from dokja.record.history import History
from tests.made_stage import TEAMS, Stage, full_stage, leaf, made_rulebook, score_stage, weights_of


def only(normaliser: rb.Normaliser | rb.Unknown, **changes) -> rb.Rulebook:
    """A rulebook whose total is one leaf of two benchmarks."""
    return made_rulebook(parts=(leaf("national", 100, normaliser, suites=("nat",)),), **changes)


def run_both(stage: Stage, scores: dict[str, tuple[list, list]]) -> Stage:
    for team, (first, second) in scores.items():
        stage.run(team, "nat-0", first)
        stage.run(team, "nat-1", second)
    return stage


def why(scores, team: str, part: str = "total") -> str:
    result = scores.of(team, part)
    assert isinstance(result, NoResult)
    return result.reason.key


def test_raw_points_are_the_mean_over_benchmarks_not_over_items() -> None:
    stage = run_both(Stage(only(rb.Raw())).open(["haneul"]), {"haneul": ([1, 1, 1, 0], [0, 1])})
    assert score_stage(stage.book, stage.history).of("haneul") == Points(62.5, 0.625)


def test_a_failing_answer_counts_as_wrong_and_is_not_left_out() -> None:
    stage = run_both(Stage(only(rb.Raw())).open(["haneul"]), {"haneul": ([1, 1, None, None], [1, 1])})
    assert score_stage(stage.book, stage.history).of("haneul") == Points(75.0, 0.75)


@pytest.mark.parametrize(
    ("normaliser", "points"),
    [
        (rb.MaxScaled(), [100.0, 50.0, 25.0]),
        (rb.MinMax(), [100.0, 33.333333333, 0.0]),
        (rb.MinMax(floor_share=0.4), [100.0, 60.0, 40.0]),
        (rb.Rank(shares=(1.0, 0.8, 0.5)), [100.0, 80.0, 50.0]),
        (rb.ZScore(centre_share=0.5, spread_share=0.1), [63.363062096, 47.327387581, 39.309550323]),
    ],
)
def test_relative_normalisers_give_what_was_worked_out_by_hand(
    normaliser: rb.Normaliser, points: list[float]
) -> None:
    scores = {"a": ([1, 1, 1, 1], [1, 1, 1, 1]), "b": ([1, 1, 0, 0],) * 2, "c": ([1, 0, 0, 0],) * 2}
    stage = run_both(Stage(only(normaliser)).open(list(scores)), scores)
    found = score_stage(stage.book, stage.history).points()
    assert [found[team] for team in scores] == pytest.approx(points, abs=1e-9)


def test_tied_teams_share_the_mean_of_the_ranks_they_cover() -> None:
    scores = {"a": ([1, 0], [1, 0]), "b": ([0, 1], [1, 0]), "c": ([0, 0], [0, 0])}
    stage = run_both(Stage(only(rb.Rank(shares=(1.0, 0.6, 0.2)))).open(list(scores)), scores)
    assert score_stage(stage.book, stage.history).points() == {"a": 80.0, "b": 80.0, "c": 20.0}


def test_the_published_card_attains_92_to_106_percent_with_comparator_and_aggregation() -> None:
    """K-EXAONE's card (24 rows without safety) against DeepSeek-V3.2 and gpt-oss-120b."""
    own = [83.8, 79.1, 13.6, 76.3, 92.8, 86.8, 25.9, 80.7, 29.0, 49.4, 78.6, 60.4, 73.5, 67.3, 89.7, 53.5, 52.3, 67.3,
           61.8, 83.9, 90.9, 86.8, 85.7, 90.5]  # fmt: skip
    deepseek = [85.0, 82.4, 25.1, 78.3, 93.1, 90.2, 27.9, 79.4, 46.4, 73.1, 77.9, 66.0, 85.8, 62.5, 92.6, 65.0, 57.7,
                72.1, 62.7, 86.3, 90.6, 87.9, 88.0, 90.0]  # fmt: skip
    gpt_oss = [80.7, 80.1, 14.9, 75.6, 92.5, 84.9, 35.4, 81.9, 18.7, 62.4, 69.1, 60.5, 60.3, 69.5, 89.5, 50.7, 29.9,
               62.4, 54.3, 74.6, 91.6, 82.2, 83.8, 93.6]  # fmt: skip

    def attained(other: list[float], how: rb.Aggregation) -> float:
        rule = rb.Attainment(comparator="target", aggregation=how)
        columns = (np.array(scores)[:, None] for scores in (own, other))
        return float(rule.raw_values(*columns, target_share=0.95).values[0])

    readings = {
        (name, how): attained(other, how)
        for name, other in (("deepseek", deepseek), ("gpt_oss", gpt_oss))
        for how in rb.Aggregation
    }
    assert readings["deepseek", rb.Aggregation.MEAN_OF_RATIOS] == pytest.approx(0.920, abs=5e-4)
    assert readings["deepseek", rb.Aggregation.RATIO_OF_MEANS] == pytest.approx(0.940, abs=5e-4)
    assert readings["deepseek", rb.Aggregation.SHARE_REACHING] == 15 / 24
    assert readings["gpt_oss", rb.Aggregation.MEAN_OF_RATIOS] == pytest.approx(1.064, abs=5e-4)
    assert readings["gpt_oss", rb.Aggregation.RATIO_OF_MEANS] == pytest.approx(1.038, abs=5e-4)
    assert readings["gpt_oss", rb.Aggregation.SHARE_REACHING] == 21 / 24


def test_a_whole_stage_adds_up_and_every_score_names_the_weights_scored() -> None:
    stage = full_stage(made_rulebook())
    scores = score_stage(stage.book, stage.history)
    for team in TEAMS:
        inner = [scores.points(part)[team] for part in ("national", "common", "individual", "expert", "user")]
        assert scores.points()[team] == pytest.approx(sum(inner), abs=1e-8)
        assert all(row["weights"] == weights_of(team) for row in scores.rows() if row["team"] == team)
    assert max(scores.points("user").values()) == 25.0


def test_the_order_of_unrelated_events_does_not_matter() -> None:
    stage = full_stage(made_rulebook())
    runs = [event for event in stage.events if event.kind == "run_result"]
    others = [event for event in stage.events if event.kind != "run_result"]
    assert score_stage(stage.book, History.of([*others, *reversed(runs)])) == score_stage(
        stage.book, stage.history
    )


@pytest.mark.parametrize(
    ("break_it", "key"),
    [
        (lambda s: s.run("haneul", "nat-0", [1, 1], completed=1), "score.run_incomplete"),
        (lambda s: s.run("haneul", "nat-0", [1, 1], total=3), "score.run_incomplete"),
        (lambda s: s.run("haneul", "nat-0", []), "score.run_incomplete"),
        (lambda s: s.run("haneul", "nat-0", [1, 1], weights=weights_of("other")), "score.run_other_weights"),
        (lambda s: None, "score.run_missing"),
    ],
)
def test_a_run_that_does_not_count_gives_no_result_and_never_a_number(break_it, key: str) -> None:
    stage = Stage(only(rb.Raw())).open(["haneul", "nuri"])
    break_it(stage)
    stage.run("haneul", "nat-1", [1, 1])
    run_both(stage, {"nuri": ([1, 0], [1, 0])})
    scores = score_stage(stage.book, stage.history)
    assert why(scores, "haneul", "national") == key
    assert why(scores, "haneul") == "score.part_missing"
    assert scores.of("nuri") == Points(50.0, 0.5)


def test_items_other_than_the_frozen_ones_give_no_result() -> None:
    frozen = rb.changed(
        made_rulebook().suites[0], count=1, benchmarks=(rb.Benchmark(id="nat-0", digest=weights_of("x")),)
    )
    stage = Stage(only(rb.Raw(), suites=(frozen,))).open(["haneul"])
    stage.run("haneul", "nat-0", [1, 1])
    assert why(score_stage(stage.book, stage.history), "haneul", "national") == "score.other_items"


def test_withdrawal_and_a_missing_submission_are_no_results_and_do_not_distort_the_others() -> None:
    scores = {"a": ([1, 1], [1, 1]), "b": ([1, 0], [1, 0]), "c": ([0, 0], [0, 0])}
    stage = run_both(Stage(only(rb.MinMax())).open(list(scores)), scores)
    stage.add("team_registered", {"team": "d", "name": "D"})
    stage.add("withdrawal", {"team": "c"})
    found = score_stage(stage.book, stage.history)
    assert why(found, "c", "national") == "score.withdrawn"
    assert why(found, "d", "national") == "score.no_submission"
    assert found.points() == {"a": 100.0, "b": 0.0}


def test_one_team_alone_has_a_raw_score_and_no_relative_one() -> None:
    for normaliser, expected in ((rb.Raw(), True), (rb.MinMax(), False), (rb.Rank(shares=(1.0,)), False)):
        stage = run_both(Stage(only(normaliser)).open(["a"]), {"a": ([1, 0], [1, 0])})
        scores = score_stage(stage.book, stage.history)
        assert isinstance(scores.of("a"), Points) is expected
        if not expected:
            assert why(scores, "a", "national") == "score.nothing_to_compare"


def test_an_unknown_rule_gives_no_result_and_names_the_rule() -> None:
    stage = run_both(Stage(only(rb.UNKNOWN)).open(["a", "b"]), {"a": ([1], [1]), "b": ([1], [0])})
    result = score_stage(stage.book, stage.history).of("a", "national")
    assert isinstance(result, NoResult)
    assert result.reason.figures == {"at": "parts.national.normaliser"}


def test_an_empty_panel_and_one_below_quorum_give_no_result() -> None:
    book = made_rulebook(parts=(leaf("expert", 100, rb.Raw(), panel="experts"),))
    stage = Stage(book).open(["a", "b"])
    for rater in stage.panel("experts", 4):
        for number in range(3):
            stage.mark(rater, "b", f"experts-c{number}", 8)
    scores = score_stage(book, stage.history)
    assert why(scores, "a", "expert") == "score.panel_empty"
    assert why(scores, "b", "expert") == "score.below_quorum"


def test_a_recused_expert_is_left_out_of_that_team_only() -> None:
    book = made_rulebook(parts=(leaf("expert", 100, rb.Raw(), panel="experts", criteria=("experts-c0",)),))
    stage = Stage(book).open(["a", "b"])
    for number, rater in enumerate(stage.panel("experts", 6)):
        for team in ("a", "b"):
            stage.mark(rater, team, "experts-c0", 10 if number == 0 else 5 + (number == 1))
    before = score_stage(book, stage.history)
    stage.add("recusal", {"rater": "experts:00", "teams": ["a"]})
    after = score_stage(book, stage.history)
    assert before.points()["a"] == pytest.approx(52.5)
    assert after.points()["a"] == pytest.approx(50.0)
    assert after.of("b") == before.of("b")


def test_a_corrected_mark_counts_once_and_a_second_mark_without_correction_is_refused() -> None:
    stage = full_stage(made_rulebook())
    first = next(e for e in stage.events if e.kind == "expert_score")
    before = score_stage(stage.book, stage.history)
    with pytest.raises(EventInvalid, match="a second time"):
        score_stage(stage.book, History.of([*stage.events, replace(first, id="again")]))
    higher = {**first.payload.as_json(), "score": 10}
    corrected = replace(first, id="better", payload=higher, supersedes=first.id, reason="read the wrong row")
    after = score_stage(stage.book, History.of([*stage.events, corrected]))
    assert after.points("expert")[str(first.payload.team)] >= before.points("expert")[str(first.payload.team)]


def test_marks_off_the_scale_and_marks_by_strangers_are_refused() -> None:
    stage = full_stage(made_rulebook())
    wild = Stage(stage.book, [e for e in stage.events if e.kind != "expert_score"])
    wild.mark("experts:00", "dalbit", "experts-c0", 11)
    with pytest.raises(EventInvalid, match="outside 1 to 10"):
        score_stage(stage.book, wild.history)
    stranger = Stage(stage.book, list(stage.events))
    stranger.mark("nobody", "dalbit", "experts-c0", 5)
    with pytest.raises(EventInvalid, match="never registered"):
        score_stage(stage.book, stranger.history)


def test_marks_about_other_weights_are_set_aside() -> None:
    stage = full_stage(made_rulebook())
    stage.add("submission", {"team": "dalbit", "weights": weights_of("new"), "declaration": {}})
    scores = score_stage(stage.book, stage.history)
    assert why(scores, "dalbit", "expert") == "score.panel_empty"
    assert why(scores, "dalbit", "national") == "score.run_other_weights"


def test_a_comparator_too_old_or_not_run_gives_no_result() -> None:
    stage = full_stage(made_rulebook())
    chosen = next(e for e in stage.events if e.kind == "comparator_chosen" and e.payload.team == "dalbit")
    old = replace(
        chosen,
        id="old",
        payload={**chosen.payload.as_json(), "released": "2025-06-01"},
        supersedes=chosen.id,
        reason="r",
    )
    assert (
        why(score_stage(stage.book, History.of([*stage.events, old])), "dalbit", "individual")
        == "score.comparator_too_old"
    )
    without = [
        e for e in stage.events if getattr(e.payload, "subject", None) != "target-dalbit" or e is chosen
    ]
    assert (
        why(score_stage(stage.book, History.of(without)), "dalbit", "individual")
        == "score.comparator_missing"
    )


def test_runs_that_answer_different_items_are_refused() -> None:
    stage = run_both(Stage(only(rb.Raw())).open(["a"]), {"a": ([1, 0], [1, 0])})
    stage.add("team_registered", {"team": "b", "name": "B"})
    stage.add("submission", {"team": "b", "weights": weights_of("b"), "declaration": {}})
    run_both(stage, {"b": ([1, 0, 1], [1, 0])})
    with pytest.raises(EventInvalid, match="different items"):
        score_stage(stage.book, stage.history)


def test_a_rulebook_other_than_the_frozen_one_is_refused_unless_asked_as_a_comparison() -> None:
    stage = full_stage(made_rulebook())
    other = made_rulebook(rb.MinMax())
    with pytest.raises(NotAllowed, match="runs under"):
        score_stage(other, stage.history)
    assert score_stage(other, stage.history, counterfactual=True) != score_stage(stage.book, stage.history)


def test_an_amendment_takes_effect_with_consent_and_not_without() -> None:
    stage = full_stage(made_rulebook())
    amended = made_rulebook(rb.MinMax(), version=2)

    def amend(consenting: int) -> list:
        positions = [
            {"team": team, "position": "consents" if n < consenting else "objects", "reason": ""}
            for n, team in enumerate(TEAMS)
        ]
        payload = {
            "previous": stage.book.digest(),
            "rulebook": amended.digest(),
            "effective_at": "2026-01-05T00:00:00Z",
        }
        return [*stage.events, Stage(stage.book).add("amendment", payload | {"positions": positions})]

    def renamed(events: list) -> History:
        return History.of([*events[:-1], replace(events[-1], id="amendment")])

    assert score_stage(amended, renamed(amend(3))).points()
    with pytest.raises(NotAllowed):
        score_stage(amended, renamed(amend(2)))
    assert score_stage(stage.book, renamed(amend(2))) == score_stage(stage.book, stage.history)
