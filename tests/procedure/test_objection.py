"""Objections: for any calendar the last day is the last, nobody hears their own judgement, a replay is a decision."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dokja.cli
import dokja.procedure
import dokja.publishing
from dokja import rulebook as rb
from dokja.canonical import digest_json
from dokja.deciding.decision import decide
from dokja.errors import EventInvalid, InvalidInput, RulebookUnknown
from dokja.procedure.objection import (
    NoGround,
    barred_from_hearing,
    days_after,
    local_day,
    objections,
    period_of,
    why_not_admissible,
)
from dokja.publishing.correction import differences, no_longer_true
from dokja.publishing.release import statement_json, statements_of_decision
from dokja.record.events import Event
from dokja.record.history import History
from dokja.report.words import LANGUAGES, say, sentences
from dokja.rulebook import Disclosed
from tests.made_stage import TEAMS, Stage, full_stage, made_rulebook

DIGEST = digest_json("decision", {"made": 1})
ZONES = ("Asia/Seoul", "UTC", "America/New_York")
BOOK = made_rulebook()


def appealing(
    days: int = 10, kind: rb.DayKind = rb.DayKind.BUSINESS, holidays=(), zone: str = "Asia/Seoul"
) -> rb.Rulebook:
    appeals = rb.Appeals(
        days=days, day_kind=kind, grounds=tuple(rb.AppealGround), answer_days=5, another_panel=True
    )
    return rb.changed(
        BOOK, appeals=appeals, clock=rb.changed(BOOK.clock, holidays=tuple(holidays), timezone=zone)
    )


def release(announces: list[str], *, until: str = "", decision: str = DIGEST, statements=()) -> dict:
    return {
        "profile": "public", "team": "", "decision": decision, "announcement": True, "announces": announces,
        "fields": ["decision"], "statements": list(statements), "assumptions": [], "until": until, "to": [],
    }  # fmt: skip


def announced(book: rb.Rulebook, at: str, teams: list[str] | None = None) -> Stage:
    stage = Stage(book).open(TEAMS[:2] if teams is None else teams)
    stage.add("release", release(list(teams or TEAMS[:2])), at=at)
    return stage


def text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def objecting(book: rb.Rulebook, stage: Stage, at: str, team: str = TEAMS[0], **more):
    return why_not_admissible(book, stage.history, team, more.pop("ground", "clerical_error"), at, **more)


moments = st.integers(1_420_070_400, 2_366_841_600).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
offsets = st.lists(st.integers(0, 60), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    moments,
    st.integers(1, 25),
    st.sampled_from(rb.DayKind),
    offsets,
    st.sampled_from(ZONES),
    st.integers(0, 90),
)
def test_an_objection_after_the_last_day_is_refused_for_any_calendar(
    moment: datetime, days: int, kind: rb.DayKind, off: list[int], zone: str, later: int
) -> None:
    first = moment.astimezone(ZoneInfo(zone)).date()
    holidays = sorted({first + timedelta(days=one) for one in [*off, 400]})
    book = appealing(days, kind, holidays, zone)
    counted, last = 0, first
    while counted < days:
        last += timedelta(days=1)
        counts = kind is rb.DayKind.CALENDAR or (last.weekday() < 5 and last not in holidays)
        counted += counts
    day = first + timedelta(days=later)
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
    reason = objecting(book, announced(book, text_of(moment)), text_of(max(noon, moment)))
    if day > last:
        assert reason is not None
        assert reason.key == "objection.too_late"
        assert reason.figures["last_day"] == last.isoformat()
    else:
        assert reason is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 80)), max_size=4), st.integers(0, 80))
def test_a_period_that_has_passed_never_opens_again(extensions: list[tuple[int, int]], tried: int) -> None:
    start = datetime(2026, 1, 15, 3, tzinfo=UTC)
    book = appealing(10, rb.DayKind.CALENDAR)
    stage = announced(book, text_of(start))
    passed = False
    by_day = sorted(extensions)
    for day in range(tried + 1):
        now = text_of(start + timedelta(days=day))
        for _, until in [one for one in by_day if one[0] == day]:
            payload = {
                "deadline": "objection",
                "previous": now,
                "until": text_of(start + timedelta(days=until)),
            }
            stage.add("deadline_extended", payload, at=now)
        refused = objecting(book, stage, now) is not None
        assert refused or not passed, f"day {day} opened what had passed"
        passed = passed or refused


def test_korean_holidays_count_where_the_rulebook_names_none() -> None:
    book = appealing()
    assert days_after(book, date(2026, 2, 11), 3) == date(2026, 2, 19)  # New Year holidays 16-18 February
    assert local_day(book, "2026-01-15T15:00:00Z") == date(2026, 1, 16)
    with pytest.raises(InvalidInput, match="no time zone"):
        local_day(
            rb.changed(book, clock=rb.changed(book.clock, timezone="Asia/Atlantis")), "2026-01-15T15:00:00Z"
        )


def test_the_period_starts_when_the_embargo_ends_and_a_corrected_decision_opens_it_for_whom_it_changed() -> (
    None
):
    book, (one, other) = appealing(10, rb.DayKind.CALENDAR), TEAMS[:2]
    stage = Stage(book).open([one, other])
    first = stage.add(
        "release", release([one, other], until="2026-01-20T00:00:00Z"), at="2026-01-15T00:00:00Z"
    )
    assert period_of(book, stage.history, one).last == date(2026, 1, 30)  # type: ignore[union-attr]
    assert objecting(book, stage, "2026-01-19T00:00:00Z").key == "objection.not_announced"  # type: ignore[union-attr]
    stage.add(
        "release",
        release([one], decision=digest_json("decision", {"corrected": 1})),
        at="2026-02-10T00:00:00Z",
        supersedes=first.id,
        reason="upheld objection",
    )
    assert objecting(book, stage, "2026-02-12T00:00:00Z", one) is None
    assert objecting(book, stage, "2026-02-12T00:00:00Z", other).key == "objection.too_late"  # type: ignore[union-attr]


def test_taking_an_announcement_back_and_making_it_again_opens_no_second_period() -> None:
    book, (one, other) = appealing(10, rb.DayKind.CALENDAR), TEAMS[:2]
    stage = Stage(book).open([one, other])
    first = stage.add("release", release([one, other]), at="2026-01-15T00:00:00Z")
    stage.add("retraction", {}, at="2026-02-01T00:00:00Z", supersedes=first.id, reason="typed wrong")
    stage.add("release", release([one, other]), at="2026-02-02T00:00:00Z")
    assert period_of(book, stage.history, one).last == date(2026, 1, 25)  # type: ignore[union-attr]
    early = Stage(book).open([one, other])
    hidden = early.add("release", release([one], until="2026-01-20T00:00:00Z"), at="2026-01-15T00:00:00Z")
    early.add("retraction", {}, at="2026-01-16T00:00:00Z", supersedes=hidden.id, reason="too early")
    assert period_of(book, early.history, one) is None, "nobody heard it"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ground", NoGround)
def test_what_is_no_ground_is_answered_with_its_reason(ground: NoGround, language) -> None:
    book = appealing()
    reason = objecting(book, announced(book, "2026-01-15T00:00:00Z"), "2026-01-16T00:00:00Z", ground=ground)
    assert reason is not None
    assert len(say(reason.key, reason.figures, language)) > 30


def test_grounds_days_and_hearing_come_from_the_rulebook_and_are_never_invented() -> None:
    stage, at = announced(BOOK, "2026-01-15T00:00:00Z"), "2026-01-16T00:00:00Z"
    with pytest.raises(RulebookUnknown):
        objecting(BOOK, stage, at)
    one = rb.changed(BOOK.appeals, grounds=(rb.AppealGround.CLERICAL_ERROR,), day_kind=rb.DayKind.CALENDAR)
    book = rb.changed(BOOK, appeals=one)
    reason = objecting(book, announced(book, "2026-01-15T00:00:00Z"), at, ground="misreading_of_the_work")
    assert reason is not None
    assert reason.key == "objection.ground_not_listed"


def test_where_an_objection_stands_and_who_may_not_hear_it() -> None:
    book = appealing()
    stage = full_stage(book, seed=1, teams=TEAMS[:2], items=2)
    stage.add("release", release(TEAMS[:2]), at="2026-01-15T00:00:00Z")
    stage.add("decision_signed", {"decision": DIGEST, "signer": "chair", "key": "k", "signature": "s"})
    payload = {"team": TEAMS[0], "decision": DIGEST, "ground": "clerical_error", "text": "Look again."}
    made = stage.add("objection", payload, at="2026-01-16T00:00:00Z")
    (standing,) = objections(book, stage.history)
    assert (standing.received, standing.answer_by) == (date(2026, 1, 16), date(2026, 1, 23))
    assert "text" not in standing.as_json(with_text=False)
    barred = barred_from_hearing(stage.history, made)
    assert {"chair", "office", "experts:00", "experts:05", "users:03"} <= set(barred)
    assert "elder" not in barred
    for reason in barred.values():
        assert say(reason.key, reason.figures, "ko")


@st.composite
def corrections(draw: st.DrawFn) -> tuple[Stage, Event, Event]:
    stage = full_stage(appealing(), seed=draw(st.integers(0, 3)), teams=TEAMS[:3], items=3)
    kinds = ("expert_score", "user_rating", "run_result")
    old = draw(st.sampled_from([event for event in stage.events if event.kind in kinds]))
    payload = old.payload.as_json()
    if old.kind == "run_result":
        rows = payload["rows"]
        assert isinstance(rows, list)
        payload["rows"] = [[*row[:4], float(draw(st.booleans()))] for row in rows]
    else:
        payload["score"] = float(draw(st.integers(1, 5)))
    new = Event("fix", old.kind, old.stage, old.at, "judge", payload, supersedes=old.id, reason="upheld")
    return stage, old, new


@settings(max_examples=15, deadline=None)
@given(corrections())
def test_the_replay_of_an_upheld_correction_is_the_decision_on_the_corrected_history(
    case: tuple[Stage, Event, Event],
) -> None:
    stage, old, new = case
    corrected = [
        replace(event, payload=new.payload) if event.id == old.id else event for event in stage.events
    ]
    before, after = decide(stage.book, stage.history), decide(stage.book, History.of([*stage.events, new]))
    assert after.as_json() == decide(stage.book, History.of(corrected)).as_json()
    same = before.as_json() == after.as_json()
    assert not differences(before, before)
    assert not same or not differences(before, after)
    said = statements_of_decision(stage.book, before.said(), [Disclosed.TOTALS], release="r")
    payload = release([], statements=[statement_json(one) for one in said])
    out = Event("out", "release", stage.events[0].stage, old.at, "office", payload)
    wrong = no_longer_true(History.of([*stage.events, out]), before, after)
    moved = {one.team for one in differences(before, after) if "total" in one.points}
    assert {one.statement.teams[0] for one in wrong} == moved
    assert all(one.was_true for one in wrong)


def test_a_closed_stage_takes_corrections_and_what_lies_beside_the_result_only() -> None:
    book = appealing()
    stage = full_stage(book, seed=1, teams=TEAMS[:2], items=2)
    stage.add("stage_closed", {"decision": DIGEST})
    old = next(event for event in stage.events if event.kind == "user_rating")
    stage.add("user_rating", old.payload.as_json(), supersedes=old.id, reason="typed wrong")
    stage.add("release", release([]))
    History.of(stage.events)
    stage.add("withdrawal", {"team": TEAMS[0]})
    with pytest.raises(EventInvalid, match="after the stage was closed"):
        History.of(stage.events)


def test_every_key_said_after_a_decision_has_a_sentence() -> None:
    written: set[str] = set()
    for room in (dokja.procedure, dokja.publishing, dokja.cli):
        folder = Path(str(room.__file__)).parent
        for path in folder.rglob("*.py"):
            pattern = r'"((?:objection|publication|allegation)\.[a-z_.]+)"'
            written |= set(re.findall(pattern, path.read_text("utf-8")))
    assert len(written) > 20
    assert written <= set(sentences())


def test_an_objection_has_one_answer() -> None:
    book = appealing()
    stage = announced(book, "2026-01-15T00:00:00Z")
    payload = {"team": TEAMS[0], "decision": DIGEST, "ground": "clerical_error", "text": "Look again."}
    made = stage.add("objection", payload)
    answer = {"objection": made.id, "upheld": False, "heard_by": ["judge"], "text": "No."}
    stage.add("answer_to_objection", answer)
    History.of(stage.events)
    with pytest.raises(EventInvalid, match="a second time"):
        History.of([*stage.events, replace(stage.events[-1], id="again")])
    with pytest.raises(EventInvalid, match="no objection before it"):
        History.of([stage.events[0], stage.events[-1]])
