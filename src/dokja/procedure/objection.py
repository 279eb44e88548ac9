"""Objections: what one may rest on, until when, who may hear it, and what became of it.

- The period starts the day after the decision was announced to the team, in the days the rulebook counts. It is
  extended only while it runs; once it has passed it never opens again. A corrected decision opens one anew for the
  teams whose outcome it changed, and for nobody else.
- What a rulebook does not list is no ground. Four things that are often brought forward are named and answered.
- Whoever marked, judged, voted on or signed the decision does not hear the objection, nor does whoever stepped back
  from the team or objected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import Event, in_force
from dokja.record.history import History, instant
from dokja.record.payloads import Kind
from dokja.rulebook import AppealGround, DayKind, Rulebook, Unknown, require_known
from dokja.rulebook.clock import last_day
from dokja.rulebook.holidays import korean_holidays

EXTENDABLE = "objection"
"""What a `deadline_extended` event calls the objection period."""
SUBMISSION = "submission"
"""What a `deadline_extended` event calls the days for submissions and applications."""
_CALENDAR_SPAN = timedelta(days=400)


class NoGround(StrEnum):
    """What is brought forward and is no ground, each with a reason of its own."""

    DISAGREEMENT_WITH_A_JUDGEMENT = "disagreement_with_a_judgement"
    NEW_MATERIAL = "new_material"
    ANOTHER_TEAMS_SCORE = "another_teams_score"
    THE_RULES_THEMSELVES = "the_rules_themselves"


@dataclass(frozen=True, slots=True)
class Period:
    """The days in which a team may object.

    Args:
        release: The announcement that opened it.
        decision: Digest of the decision announced.
        announced: The day it was announced, in the stage's zone; an objection may come on that day already.
        last: The last day.
        visible_at: The instant from which the team could see the decision.
    """

    release: str
    decision: str
    announced: date
    last: date
    visible_at: str


@dataclass(frozen=True, slots=True)
class ObjectionStanding:
    """Where an objection stands.

    Args:
        event: The objection.
        received: The day it came in.
        answer_by: The last day for the answer.
        answer: The answer's event; None while there is none.
    """

    event: Event
    received: date
    answer_by: date
    answer: Event | None

    def as_json(self, *, with_text: bool) -> dict[str, JSON]:
        """Return where it stands as a JSON object; the words of both sides only where they may be shown."""
        payload = self.event.payload
        row: dict[str, JSON] = {
            "objection": self.event.id,
            "team": payload["team"],
            "ground": payload["ground"],
            "decision": payload["decision"],
            "received": self.received.isoformat(),
            "answer_by": self.answer_by.isoformat(),
            "answered": None if self.answer is None else self.answer.at[:10],
            "upheld": None if self.answer is None else self.answer.payload["upheld"],
        }
        if with_text:
            row["text"] = payload["text"]
            row["evidence"] = payload.get("evidence", [])
            row["answer"] = None if self.answer is None else self.answer.payload["text"]
            row["heard_by"] = [] if self.answer is None else self.answer.payload["heard_by"]
        return row


def local_day(rulebook: Rulebook, at: str) -> date:
    """Return the calendar day of an instant in the stage's zone.

    Raises:
        InvalidInput: The zone is not one this machine knows.
    """
    try:
        return instant(at).astimezone(ZoneInfo(rulebook.clock.timezone)).date()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(f"There is no time zone {rulebook.clock.timezone!r}.") from error


def days_after(rulebook: Rulebook, day: date, days: int) -> date:
    """Return the last day of a period after a day, in the days the rulebook counts.

    Business days leave out the holidays the rulebook names, or Korea's public holidays where it names none.

    Raises:
        RulebookUnknown: The rulebook does not say which days count.
    """
    if require_known(rulebook.appeals.day_kind, "appeals.day_kind") is DayKind.CALENDAR:
        return last_day(day, days, None)
    named = rulebook.clock.holidays
    return last_day(day, days, named or korean_holidays(day, day + _CALENDAR_SPAN + timedelta(days=2 * days)))


def period_of(rulebook: Rulebook, events: Sequence[Event], team: str) -> Period | None:
    """Return when a team may object to the decision last announced to it; None before any announcement.

    Args:
        rulebook: The rulebook in force.
        events: The whole history of the stage, in the order of the log.
        team: Who would object.

    Raises:
        RulebookUnknown: The rulebook leaves the length of the period, or the kind of its days, unknown.
    """
    announced = [event for event in heard_announcements(events) if _announces(event, team)]
    if not announced:
        return None
    # Announcing the same decision again opens nothing that its first announcement opened.
    decision = announced[-1].payload["decision"]
    release = next(event for event in announced if event.payload["decision"] == decision)
    visible_at = visible_from(release)
    day = local_day(rulebook, visible_at)
    last = days_after(rulebook, day, require_known(rulebook.appeals.days, "appeals.days"))
    closes = rulebook.clock.objection.closes
    if len(announced) == 1 and not isinstance(closes, Unknown):
        last = max(last, closes)
    last = extended(rulebook, events, EXTENDABLE, last)
    return Period(release.id, str(release.payload["decision"]), day, last, visible_at)


def extended(rulebook: Rulebook, events: Sequence[Event], deadline: str, last: date) -> date:
    """Return the last day of a period after every extension of it that was recorded while it ran.

    An extension recorded after the period has passed opens nothing again.

    Args:
        rulebook: The rulebook in force.
        events: The whole history of the stage, in the order of the log.
        deadline: What a `deadline_extended` event calls it.
        last: The last day before any extension.
    """
    for event in in_force(events):
        extends = event.kind is Kind.DEADLINE_EXTENDED and event.payload["deadline"] == deadline
        if extends and local_day(rulebook, event.at) <= last:
            last = max(last, local_day(rulebook, str(event.payload["until"])))
    return last


def last_day_to_submit(rulebook: Rulebook, events: Sequence[Event]) -> date | None:
    """Return the last day for submissions and applications; None where the rulebook does not say."""
    closes = rulebook.clock.submission.closes
    return None if isinstance(closes, Unknown) else extended(rulebook, events, SUBMISSION, closes)


def visible_from(release: Event) -> str:
    """Return the instant from which a release may be seen by all it is made to."""
    return str(release.payload["until"]) or release.at


def heard_announcements(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return every announcement of a decision, in the order of the log, taken back or not.

    What was announced was heard; only an announcement taken back while it was under embargo was not.
    """
    gone_at = {event.supersedes: event.at for event in events if event.supersedes is not None}
    return tuple(
        event
        for event in events
        if event.kind is Kind.RELEASE
        and event.payload["announcement"]
        and (event.id not in gone_at or instant(gone_at[event.id]) >= instant(visible_from(event)))
    )


def _announces(event: Event, team: str) -> bool:
    names = event.payload["announces"]
    return isinstance(names, list) and team in names


def why_not_admissible(
    rulebook: Rulebook, events: Sequence[Event], team: str, ground: str, at: str, about: str = ""
) -> Reason | None:
    """Return why an objection may not be taken in; None when it may.

    Args:
        rulebook: The rulebook in force.
        events: The whole history of the stage.
        team: Who objects.
        ground: An `AppealGround`, or a `NoGround`.
        at: When it comes in.
        about: The event objected to; empty for the decision as a whole.

    Raises:
        InvalidInput: No such team, ground or event.
        RulebookUnknown: The rulebook leaves grounds or days unknown.
    """
    standing = in_force(events)
    _require_team(standing, team)
    if ground in list(NoGround):
        return Reason(f"objection.{ground}", {"team": team})
    if ground not in list(AppealGround):
        words = ", ".join([*AppealGround, *NoGround])
        raise InvalidInput(f"{ground!r} is no ground.", hint=f"Grounds, and what is none: {words}.")
    if ground not in require_known(rulebook.appeals.grounds, "appeals.grounds"):
        return Reason("objection.ground_not_listed", {"ground": ground})
    period = period_of(rulebook, events, team)
    if period is None or instant(at) < instant(period.visible_at):
        return Reason("objection.not_announced", {"team": team})
    received = local_day(rulebook, at)
    if received > period.last:
        return Reason(
            "objection.too_late",
            {"last_day": period.last.isoformat(), "received": received.isoformat(), "team": team},
        )
    return _why_not_about(standing, team, ground, about, period)


def _why_not_about(
    standing: Iterable[Event], team: str, ground: str, about: str, period: Period
) -> Reason | None:
    by_id = {event.id: event for event in standing}
    if about:
        if about not in by_id:
            raise InvalidInput(f"There is no event {about!r} in force.", hint="Name the event objected to.")
        subject = by_id[about].payload.get("team", by_id[about].payload.get("subject", team))
        if subject != team:
            return Reason("objection.another_teams_score", {"team": team})
    for event in by_id.values():
        if event.kind is not Kind.OBJECTION or event.payload["team"] != team:
            continue
        same = event.payload["ground"] == ground and event.payload.get("about", "") == about
        if same and event.payload["decision"] == period.decision:
            return Reason("objection.twice", {"objection": event.id})
    return None


def _require_team(standing: Iterable[Event], team: str) -> None:
    registering = (Kind.TEAM_REGISTERED, Kind.REENTRY_APPLICATION)
    known = [str(event.payload["team"]) for event in standing if event.kind in registering]
    if team not in known:
        raise InvalidInput(f"The stage has no team {team!r}.", hint=f"Teams: {', '.join(known)}.")


def objections(rulebook: Rulebook, events: Sequence[Event]) -> tuple[ObjectionStanding, ...]:
    """Return where every objection stands, in the order of the log.

    Raises:
        RulebookUnknown: The rulebook does not say in how many days one is answered.
    """
    standing = in_force(events)
    answers = {str(e.payload["objection"]): e for e in standing if e.kind is Kind.ANSWER_TO_OBJECTION}
    found = []
    for event in standing:
        if event.kind is Kind.OBJECTION:
            received = local_day(rulebook, event.at)
            days = require_known(rulebook.appeals.answer_days, "appeals.answer_days")
            found.append(
                ObjectionStanding(
                    event, received, days_after(rulebook, received, days), answers.get(event.id)
                )
            )
    return tuple(found)


def barred_from_hearing(history: History, events: Sequence[Event], objection: Event) -> dict[str, Reason]:
    """Return who may not hear an objection, each with the reason that names how the person took part.

    Args:
        history: The stage's history.
        events: The same events, in the order of the log, superseded ones included: who once marked took part.
        objection: The objection's event.
    """
    team = str(objection.payload["team"])
    barred: dict[str, Reason] = {}

    def bar(person: str, how: str) -> None:
        barred.setdefault(person, Reason(f"objection.heard_by_{how}", {"person": person}))

    for event in events:
        if event.kind is Kind.DECISION_SIGNED:
            bar(str(event.payload["signer"]), "signer")
        elif event.kind in (Kind.EXPERT_SCORE, Kind.USER_RATING, Kind.USER_PREFERENCE, Kind.JUDGED_FINDING):
            bar(str(event.payload["rater"]), "judge")
        elif event.kind is Kind.PANEL_VOTE:
            bar(str(event.payload["rater"]), "voter")
    for rater, about in history.recused:
        if about == team:
            bar(rater, "recused")
    for rater, about, _ in history.conflicts:
        if about == team:
            bar(rater, "conflicted")
    bar(objection.by, "objector")
    return barred
