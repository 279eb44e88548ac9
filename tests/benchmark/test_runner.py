"""A run asks everything once, survives being cut off anywhere, and counts what fails."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.benchmark.journal import Event, parse_journal, render_event
from dokja.benchmark.runner import run
from dokja.benchmark.score import score_run
from dokja.errors import InvalidInput, JournalInvalid, NotAllowed
from dokja.grammar.model import changed
from tests.benchmark.small_suites import BrokenEngine, HashEngine, suite

SUITES = [suite("letters", 5, repeats=2), suite("words", 4)]
WHOLE: list[Event] = list(run(HashEngine(), SUITES, model="m"))


def test_every_question_is_asked_once() -> None:
    engine = HashEngine()
    events = list(run(engine, SUITES, model="m"))
    assert Counter(event["event"] for event in events) == {
        "opened": 1,
        "queued": 14,
        "answered": 14,
        "scored": 14,
        "closed": 1,
    }
    assert len(engine.asked) == 14


@given(cut=st.integers(0, len(WHOLE)))
def test_a_run_cut_off_anywhere_ends_as_if_it_never_was(cut: int) -> None:
    engine = HashEngine()
    past = WHOLE[:cut]
    assert past + list(run(engine, SUITES, past, model="m")) == WHOLE
    answered = sum(event["event"] == "answered" for event in past)
    assert len(engine.asked) == 14 - answered


@given(cut=st.integers(0, sum(map(len, map(render_event, WHOLE)))))
def test_a_journal_cut_off_at_any_byte_resumes(cut: int) -> None:
    data = b"".join(map(render_event, WHOLE))[:cut]
    past, end = parse_journal(data)
    assert data[:end] == b"".join(map(render_event, past))
    assert past == WHOLE[: len(past)]


def test_a_finished_run_has_nothing_left_to_do() -> None:
    engine = HashEngine()
    assert list(run(engine, SUITES, WHOLE, model="m")) == []
    assert engine.asked == []


def test_what_fails_once_is_asked_again() -> None:
    engine = HashEngine(failing="Question 1:", times=1)
    events = list(run(engine, [suite("words", 4)], model="m"))
    assert sum(event["event"] == "failed" for event in events) == 1
    assert score_run(events).faults == 0


def test_what_keeps_failing_is_a_fault_that_scores_nothing_and_is_shown() -> None:
    engine = HashEngine(failing="Question 1:")
    score = score_run(list(run(engine, [suite("words", 4)], model="m", attempts=3)))
    (words,) = score.suites
    assert engine.asked.count("Question 1:") == 3
    assert (words.faults, score.faults) == (1, 1)
    assert [item.credit for item in words.items if item.item == "q1"] == [0.0]
    assert len(words.items) == 4


def test_a_failure_before_the_cut_counts_towards_the_attempts() -> None:
    events = list(run(HashEngine(failing="Question 1:"), [suite("words", 4)], model="m", attempts=3))
    cut = next(place for place, event in enumerate(events) if event["event"] == "failed") + 1
    engine = HashEngine(failing="Question 1:")
    resumed = list(run(engine, [suite("words", 4)], events[:cut], model="m", attempts=3))
    assert events[:cut] + resumed == events
    assert engine.asked.count("Question 1:") == 2


@pytest.mark.parametrize("values", [[], [-1.0], [-1.0, math.nan, -2.0], [-1.0, -math.inf, -2.0], [0.0] * 4])
def test_an_answer_that_is_no_answer_is_a_fault(values: list[float]) -> None:
    (score,) = score_run(list(run(BrokenEngine(values), [suite("words", 4)], model="m"))).suites
    assert (score.accuracy, score.faults) == (0.0, 4)


def test_a_tie_shares_the_credit_so_that_no_position_is_favoured() -> None:
    (score,) = score_run(list(run(BrokenEngine([-1.0] * 3), [suite("words", 6)], model="m"))).suites
    assert [item.credit for item in score.items] == pytest.approx([1 / 3] * 6)
    assert score.accuracy == pytest.approx(score.chance)


@pytest.mark.parametrize("other", ["engine", "suite", "model", "weights"])
def test_a_journal_of_another_run_is_not_continued(other: str) -> None:
    engine = HashEngine()
    if other == "engine":
        engine.name = "another"
    if other == "weights":
        engine.weights_digest = "sha256:" + "b" * 64
    suites = [changed(SUITES[0], reviewed="edited"), SUITES[1]] if other == "suite" else SUITES
    with pytest.raises(NotAllowed, match="another run"):
        list(run(engine, suites, WHOLE[:4], model="x" if other == "model" else "m"))


def test_impossible_runs_are_refused() -> None:
    with pytest.raises(InvalidInput):
        list(run(HashEngine(), []))
    with pytest.raises(InvalidInput):
        list(run(HashEngine(), [suite(), suite()]))
    with pytest.raises(InvalidInput):
        list(run(HashEngine(), [suite()], attempts=0))


def test_nothing_is_published_before_everything_is_scored() -> None:
    for cut in range(1, len(WHOLE)):
        with pytest.raises(NotAllowed, match="unfinished"):
            score_run(WHOLE[:cut])
    with pytest.raises(JournalInvalid):
        score_run([])
    assert score_run(WHOLE).suites
