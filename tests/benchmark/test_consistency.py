"""Whatever is changed in a finished journal, the check says so."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dokja.benchmark.consistency import check_run
from dokja.benchmark.journal import Event, parse_journal, render_event
from dokja.benchmark.runner import run
from dokja.errors import InvalidInput, JournalInvalid
from dokja.finding import Verdict
from dokja.grammar.model import changed as altered
from dokja.report.words import LANGUAGES, say_reason
from tests.benchmark.small_suites import WEIGHTS, HashEngine, suite

SUITES = [suite("letters", 4, repeats=2), suite("words", 4)]
WHOLE: list[Event] = list(run(HashEngine(failing="Question 2:", times=2), SUITES, model="m"))


def changed(place: int, **fields: Any) -> list[Event]:
    events = copy.deepcopy(WHOLE)
    events[place].update(fields)
    return events


def places_of(kind: str) -> list[int]:
    return [place for place, event in enumerate(WHOLE) if event["event"] == kind]


def question_of(event: Event) -> tuple[Any, ...]:
    return tuple(event.get(key) for key in ("suite", "item", "repeat"))


OF_ONE_QUESTION = [
    (one, other)
    for one in range(1, len(WHOLE) - 1)
    for other in range(one + 1, len(WHOLE) - 1)
    if question_of(WHOLE[one]) == question_of(WHOLE[other])
]


def test_an_honest_run_adds_up_and_names_what_was_looked_at() -> None:
    finding = check_run(WHOLE, SUITES)
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.looked_at["subject"] == WEIGHTS
    assert finding.looked_at["suite.words"] == SUITES[1].digest()
    assert finding.reason.figures["faults"] == 1


@given(place=st.integers(1, len(WHOLE) - 2))
def test_a_missing_line_is_found(place: int) -> None:
    assert check_run(WHOLE[:place] + WHOLE[place + 1 :]).verdict is Verdict.REFUTED


@given(place=st.integers(0, len(WHOLE) - 1), later=st.integers(1, len(WHOLE)))
def test_a_repeated_line_is_found(place: int, later: int) -> None:
    assert check_run([*WHOLE[:later], WHOLE[place], *WHOLE[later:]]).verdict is Verdict.REFUTED


@given(pair=st.sampled_from(OF_ONE_QUESTION))
def test_lines_of_one_question_cannot_change_places(pair: tuple[int, int]) -> None:
    one, other = pair
    events = list(WHOLE)
    events[one], events[other] = events[other], events[one]
    assert check_run(events).verdict is Verdict.REFUTED


@settings(deadline=None)
@given(
    place=st.sampled_from(places_of("scored")), credit=st.sampled_from([0.0, 0.5, 1.0]), fault=st.booleans()
)
def test_a_score_that_does_not_follow_is_found(place: int, credit: float, fault: bool) -> None:
    event = WHOLE[place]
    assume((event["credit"], event["fault"]) != (credit, fault))
    assert check_run(changed(place, credit=credit, fault=fault)).verdict is Verdict.REFUTED


@given(place=st.sampled_from(places_of("answered")), option=st.integers(0, 2))
def test_a_likelihood_raised_until_its_option_wins_is_found(place: int, option: int) -> None:
    event = WHOLE[place]
    scored = next(
        later for later in WHOLE[place:] if later["event"] == "scored" and later["item"] == event["item"]
    )
    assume(scored["chosen"] != [option])
    values = event["log_likelihoods"]
    assert isinstance(values, list)
    forged = [*values]
    forged[option] = 0.0
    assert check_run(changed(place, log_likelihoods=forged)).verdict is Verdict.REFUTED


def test_a_forged_key_is_found_once_the_suite_is_at_hand() -> None:
    """An answer key moved to the chosen option, with its credit, adds up by itself; the suite gives it away."""
    place = next(n for n in places_of("scored") if (WHOLE[n]["credit"], WHOLE[n]["fault"]) == (0.0, False))
    asked = next(n for n in places_of("queued") if question_of(WHOLE[n]) == question_of(WHOLE[place]))
    chosen = WHOLE[place]["chosen"]
    assert isinstance(chosen, list)
    events = changed(place, credit=1.0)
    events[asked]["answer"] = chosen[0]
    assert check_run(events).verdict is Verdict.SUPPORTED
    finding = check_run(events, SUITES)
    assert finding.verdict is Verdict.REFUTED
    assert "not asked as the suite has it" in str(finding.reason.figures["first"])


def test_another_suite_of_the_same_name_is_found() -> None:
    other = altered(SUITES[0], reviewed="by somebody else")
    assert check_run(WHOLE, [other]).verdict is Verdict.REFUTED


def test_a_wrong_end_or_total_is_found() -> None:
    assert check_run(changed(len(WHOLE) - 1, faults=0)).verdict is Verdict.REFUTED
    assert check_run(changed(len(WHOLE) - 1, scored=1)).verdict is Verdict.REFUTED
    assert check_run(changed(0, total=3)).verdict is Verdict.REFUTED


def test_an_unfinished_run_is_not_examined() -> None:
    assert check_run(WHOLE[:-1]).verdict is Verdict.NOT_EXAMINED


@pytest.mark.parametrize("events", [WHOLE, WHOLE[:5], [*WHOLE, WHOLE[3]]], ids=["whole", "part", "forged"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_has_its_sentence(events: list[Event], language: Any) -> None:
    assert len(say_reason(check_run(events).reason, language)) > 20


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_single_changed_byte_is_refused_or_noticed(data: st.DataObject) -> None:
    """Free words (a failure's message, the model's name, an unknown weights digest) are the only exceptions."""
    raw = b"".join(map(render_event, WHOLE))
    place = data.draw(st.integers(0, len(raw) - 1))
    new = data.draw(st.integers(0, 255))
    assume(raw[place] != new)
    try:
        events, _ = parse_journal(raw[:place] + bytes([new]) + raw[place + 1 :])
    except (JournalInvalid, InvalidInput):
        return
    if not events:
        return
    free = {"message", "code", "model", "engine", "weights"}
    altered = [
        key
        for before, after in zip(WHOLE, events, strict=False)
        for key in before
        if before.get(key) != after.get(key)
    ]
    if len(events) == len(WHOLE) and (not altered or set(altered) <= free):
        return
    try:
        assert check_run(events, SUITES).verdict is not Verdict.SUPPORTED or _same_choice(events)
    except InvalidInput:
        return


def _same_choice(events: list[Event]) -> bool:
    """Whether only digits of likelihoods changed, and no choice with them: then every figure still follows."""
    return all(
        before == after or before["event"] == after["event"] == "answered"
        for before, after in zip(WHOLE, events, strict=True)
    )


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[]",
        b"3",
        b"not json",
        b'{"event":"dreamt"}',
        b'{"event":"closed","scored":1}',
        b'{"event":"closed","scored":-1,"faults":0}',
        b'{"event":"closed","scored":true,"faults":0}',
        b'{"event":"scored","suite":"s","item":"i","repeat":0,"chosen":[0],"credit":2,"fault":false}',
        b'{"event":"answered","suite":"s","item":"i","repeat":0,"log_likelihoods":[NaN]}',
        b'{"event":"answered","suite":"s","item":"i","repeat":0,"log_likelihoods":["-1"]}',
        b'{"event":"queued","suite":"s","item":"i","repeat":0,"cluster":"c","answer":0,"option_bytes":[0,1]}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_event_is_refused_by_its_number(line: bytes) -> None:
    with pytest.raises(JournalInvalid, match=r"run\.jsonl line 2"):
        parse_journal(render_event(WHOLE[0]) + line + b"\n", "run.jsonl")


def test_a_journal_begins_with_what_was_opened() -> None:
    with pytest.raises(JournalInvalid, match="begins with what was opened"):
        parse_journal(render_event(WHOLE[1]))
