"""Objections: what one may rest on, until when, who may hear it, and what became of it.

- The period starts the day after the decision was announced to the team, in the days the rulebook counts. It is
  extended only while it runs; once it has passed it never opens again. A corrected decision opens one anew for the
  teams whose outcome it changed, and for nobody else.
- What a rulebook does not list is no ground. Four things that are often brought forward are named and answered.
- Whoever marked, judged, voted on or signed the decision does not hear the objection, nor does whoever stepped back
  from the team or objected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import Event, those
from dokja.record.history import History, instant
from dokja.record.kinds.after import AnswerToObjection, DecisionSigned, Objection
from dokja.record.kinds.findings import FindingJudged
from dokja.record.kinds.frame import DeadlineExtended
from dokja.record.kinds.judging import Mark, PanelVote, UserPreference
from dokja.record.kinds.publication import Release
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

    event: Event[Objection]
    received: date
    answer_by: date
    answer: Event[AnswerToObjection] | None

    def as_json(self, *, with_text: bool) -> dict[str, JSON]:
        """Return where it stands as a JSON object; the words of both sides only where they may be shown."""
        made = self.event.payload
        answer = None if self.answer is None else self.answer.payload
        row: dict[str, JSON] = {
            "objection": self.event.id,
            "team": made.team,
            "ground": made.ground.value,
            "decision": made.decision,
            "received": self.received.isoformat(),
            "answer_by": self.answer_by.isoformat(),
            "answered": None if self.answer is None else self.answer.at[:10],
            "upheld": None if answer is None else answer.upheld,
        }
        if with_text:
            row["text"] = made.text
            row["evidence"] = [file.as_json() for file in made.evidence]
            row["answer"] = None if answer is None else answer.text
            row["heard_by"] = [] if answer is None else list(answer.heard_by)
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


def period_of(rulebook: Rulebook, history: History, team: str) -> Period | None:
    """Return when a team may object to the decision last announced to it; None before any announcement.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        team: Who would object.

    Raises:
        RulebookUnknown: The rulebook leaves the length of the period, or the kind of its days, unknown.
    """
    announced = [event for event in heard_announcements(history) if team in event.payload.announces]
    if not announced:
        return None
    # Announcing the same decision again opens nothing that its first announcement opened.
    decision = announced[-1].payload.decision
    release = next(event for event in announced if event.payload.decision == decision)
    visible_at = visible_from(release)
    day = local_day(rulebook, visible_at)
    last = days_after(rulebook, day, require_known(rulebook.appeals.days, "appeals.days"))
    closes = rulebook.clock.objection.closes
    if len(announced) == 1 and not isinstance(closes, Unknown):
        last = max(last, closes)
    last = extended(rulebook, history, EXTENDABLE, last)
    return Period(release.id, release.payload.decision, day, last, visible_at)


def extended(rulebook: Rulebook, history: History, deadline: str, last: date) -> date:
    """Return the last day of a period after every extension of it that was recorded while it ran.

    An extension recorded after the period has passed opens nothing again.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        deadline: What a `deadline_extended` event calls it.
        last: The last day before any extension.
    """
    for event in history.these(DeadlineExtended):
        if event.payload.deadline == deadline and local_day(rulebook, event.at) <= last:
            last = max(last, local_day(rulebook, event.payload.until))
    return last


def last_day_to_submit(rulebook: Rulebook, history: History) -> date | None:
    """Return the last day for submissions and applications; None where the rulebook does not say."""
    closes = rulebook.clock.submission.closes
    return None if isinstance(closes, Unknown) else extended(rulebook, history, SUBMISSION, closes)


def visible_from(release: Event[Release]) -> str:
    """Return the instant from which a release may be seen by all it is made to."""
    return release.payload.until or release.at


def heard_announcements(history: History) -> tuple[Event[Release], ...]:
    """Return every announcement of a decision, in the order of the log, taken back or not.

    What was announced was heard; only an announcement taken back while it was under embargo was not.
    """
    gone = history.gone
    return tuple(
        event
        for event in those(history.events, Release)
        if event.payload.announcement
        and (event.id not in gone or instant(gone[event.id].at) >= instant(visible_from(event)))
    )


def why_not_admissible(
    rulebook: Rulebook, history: History, team: str, ground: str, at: str, about: str = ""
) -> Reason | None:
    """Return why an objection may not be taken in; None when it may.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        team: Who objects.
        ground: An `AppealGround`, or a `NoGround`.
        at: When it comes in.
        about: The event objected to; empty for the decision as a whole.

    Raises:
        InvalidInput: No such team, ground or event.
        RulebookUnknown: The rulebook leaves grounds or days unknown.
    """
    if team not in history.teams:
        raise InvalidInput(f"The stage has no team {team!r}.", hint=f"Teams: {', '.join(history.teams)}.")
    if ground in list(NoGround):
        return Reason(f"objection.{ground}", {"team": team})
    if ground not in list(AppealGround):
        words = ", ".join([*AppealGround, *NoGround])
        raise InvalidInput(f"{ground!r} is no ground.", hint=f"Grounds, and what is none: {words}.")
    if ground not in require_known(rulebook.appeals.grounds, "appeals.grounds"):
        return Reason("objection.ground_not_listed", {"ground": ground})
    period = period_of(rulebook, history, team)
    if period is None or instant(at) < instant(period.visible_at):
        return Reason("objection.not_announced", {"team": team})
    received = local_day(rulebook, at)
    if received > period.last:
        return Reason(
            "objection.too_late",
            {"last_day": period.last.isoformat(), "received": received.isoformat(), "team": team},
        )
    return _why_not_about(history, team, ground, about, period)


def _why_not_about(history: History, team: str, ground: str, about: str, period: Period) -> Reason | None:
    if about:
        if about not in history.standing:
            raise InvalidInput(f"There is no event {about!r} in force.", hint="Name the event objected to.")
        said = history.standing[about].payload
        if getattr(said, "team", getattr(said, "subject", team)) != team:
            return Reason("objection.another_teams_score", {"team": team})
    for event in history.objections.values():
        made = event.payload
        same = made.team == team and made.ground == ground and made.about == about
        if same and made.decision == period.decision:
            return Reason("objection.twice", {"objection": event.id})
    return None


def objections(rulebook: Rulebook, history: History) -> tuple[ObjectionStanding, ...]:
    """Return where every objection stands, in the order of the log.

    Raises:
        RulebookUnknown: The rulebook does not say in how many days one is answered.
    """
    found = []
    for event in history.objections.values():
        received = local_day(rulebook, event.at)
        days = require_known(rulebook.appeals.answer_days, "appeals.answer_days")
        answer_by = days_after(rulebook, received, days)
        found.append(ObjectionStanding(event, received, answer_by, history.answers.get(event.id)))
    return tuple(found)


def barred_from_hearing(history: History, objection: Event[Objection]) -> dict[str, Reason]:
    """Return who may not hear an objection, each with the reason that names how the person took part.

    Events that were superseded count too: who once marked took part.

    Args:
        history: The stage's history.
        objection: The objection's event.
    """
    team = objection.payload.team
    barred: dict[str, Reason] = {}

    def bar(person: str, how: str) -> None:
        barred.setdefault(person, Reason(f"objection.heard_by_{how}", {"person": person}))

    for event in history.events:
        match event.payload:
            case DecisionSigned(signer=person):
                bar(person, "signer")
            case Mark(rater=person) | UserPreference(rater=person) | FindingJudged(rater=person):
                bar(person, "judge")
            case PanelVote(rater=person):
                bar(person, "voter")
    for rater, about in history.recused:
        if about == team:
            bar(rater, "recused")
    for rater, about, _ in history.conflicts:
        if about == team:
            bar(rater, "conflicted")
    bar(objection.by, "objector")
    return barred
