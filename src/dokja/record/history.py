"""What a stage's events say, sorted by what it is about; nothing computed yet.

Reading the history refuses what leaves two truths standing: the same thing recorded twice without naming the first, a
mark by someone who sits on no panel, a rulebook other than the one the stage runs under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from dokja.canonical import JSON
from dokja.errors import EventInvalid, NotAllowed
from dokja.finding import Finding
from dokja.record.closing import require_untouched_after_closing
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
from dokja.rulebook import Consent, Rulebook, require_known

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class AmendmentRead:
    """An amendment recorded after the stage opened, and whether it took effect.

    Args:
        event: Id of the event.
        rulebook: Digest it would put in force.
        effective: Whether it has the consent and the notice that the rulebook before it asks for.
        objecting: Teams that objected.
    """

    event: str
    rulebook: str
    effective: bool
    objecting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """A finding as it was recorded about a team.

    Args:
        event: Id of the event, to which the team replies.
        team: Whose submission it is about.
        finding: The finding itself.
        by_rater: Who judged, for a judged finding; empty for an examination's own.
        cites: Digests of what a judged finding cites.
    """

    event: str
    team: str
    finding: Finding
    by_rater: str = ""
    cites: tuple[str, ...] = ()


@dataclass(slots=True)
class History:
    """The events in force, sorted. Built by `read_history`; read-only from then on.

    Args:
        stage: Name of the stage; empty when nothing has happened.
        teams: Team to display name, in order of registration.
        weights: Team to digest of the weights it last submitted.
        declarations: Team to the declaration it last submitted.
        runs: (subject, benchmark) to the run's event.
        panel_of: Rater to panel.
        recused: (rater, team) pairs.
        marks: (rater, team, criterion) to the mark's event.
        preferences: Paired votes.
        votes: (rater, team) to approve, reject or abstain.
        eliminated: Team to the ground on which people eliminated it.
        chosen_benchmarks: (team, suite) to benchmarks.
        chosen_comparators: (team, comparator) to the payload naming subject and release.
        objections: Objections by their event.
        answers: Objection to its one answer.
        published: Published scores as they were recorded.
    """

    stage: str = ""
    opened_under: str = ""
    amendments: list[AmendmentRead] = field(default_factory=list)
    teams: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    declarations: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    runs: dict[tuple[str, str], Event] = field(default_factory=dict)
    panel_of: dict[str, str] = field(default_factory=dict)
    recused: set[tuple[str, str]] = field(default_factory=set)
    conflicts: list[tuple[str, str, str]] = field(default_factory=list)
    marks: dict[tuple[str, str, str], Event] = field(default_factory=dict)
    preferences: list[Event] = field(default_factory=list)
    votes: dict[tuple[str, str], str] = field(default_factory=dict)
    findings: list[RecordedFinding] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=dict)
    ties: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    eliminated: dict[str, str] = field(default_factory=dict)
    chosen_benchmarks: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    chosen_comparators: dict[tuple[str, str], Mapping[str, JSON]] = field(default_factory=dict)
    support: list[Mapping[str, JSON]] = field(default_factory=list)
    objections: dict[str, Event] = field(default_factory=dict)
    answers: dict[str, Event] = field(default_factory=dict)
    published: list[Event] = field(default_factory=list)
    official: list[Event] = field(default_factory=list)


def read_history(rulebook: Rulebook, events: Iterable[Event], *, counterfactual: bool = False) -> History:
    """Return what the events in force say.

    Args:
        rulebook: The rulebook to read them under.
        events: The whole history, in the order of the log.
        counterfactual: Ask what another rulebook would have given: the check that the stage runs under this one is
            left out, and whoever shows the result says so.

    Raises:
        EventInvalid: The history breaks its own rules.
        NotAllowed: The stage does not run under this rulebook.
    """
    standing = in_force(events)
    history = History()
    for event in standing:
        history.stage = event.stage
        reader = _READERS.get(event.kind)
        if reader is not None:
            reader(history, event)
    _require_panels(history)
    require_untouched_after_closing(standing)
    if not counterfactual:
        _read_amendments(rulebook, history, standing)
    return history


def _once(table: dict[_K, _V], key: _K, value: _V, event: Event, what: str) -> None:
    if key in table:
        raise EventInvalid(
            f"Event {event.id!r} records {what} a second time.",
            hint="To correct an event, name it in `supersedes` and give the reason.",
        )
    table[key] = value


def _text(event: Event, name: str) -> str:
    return str(event.payload[name])


def _texts(event: Event, name: str) -> tuple[str, ...]:
    value = event.payload[name]
    assert isinstance(value, list)
    return tuple(str(one) for one in value)


def _team(history: History, event: Event, name: str = "team") -> str:
    team = _text(event, name)
    if team not in history.teams:
        raise EventInvalid(f"Event {event.id!r} speaks of team {team!r}, which is not registered before it.")
    return team


def _read_opened(history: History, event: Event) -> None:
    if history.opened_under:
        raise EventInvalid(f"Event {event.id!r} opens the stage a second time.")
    history.opened_under = _text(event, "rulebook")


def _read_team(history: History, event: Event) -> None:
    _once(history.teams, _text(event, "team"), _text(event, "name"), event, f"team {_text(event, 'team')}")


def _read_submission(history: History, event: Event) -> None:
    declaration = event.payload["declaration"]
    assert isinstance(declaration, dict)
    history.weights[_team(history, event)] = _text(event, "weights")
    history.declarations[_team(history, event)] = declaration


def _read_benchmarks(history: History, event: Event) -> None:
    key = (_team(history, event), _text(event, "suite"))
    _once(history.chosen_benchmarks, key, _texts(event, "benchmarks"), event, f"the choice of {key[0]}")


def _read_comparator(history: History, event: Event) -> None:
    key = (_team(history, event), _text(event, "comparator"))
    _once(history.chosen_comparators, key, event.payload, event, f"the comparator of {key[0]}")


def _read_run(history: History, event: Event) -> None:
    key = (_text(event, "subject"), _text(event, "benchmark"))
    _once(history.runs, key, event, event, f"the run of {key[0]} on {key[1]}")


def _read_rater(history: History, event: Event) -> None:
    rater = _text(event, "rater")
    _once(history.panel_of, rater, _text(event, "panel"), event, f"rater {rater}")


def _read_conflict(history: History, event: Event) -> None:
    history.conflicts.append((_text(event, "rater"), _team(history, event), _text(event, "ground")))


def _read_recusal(history: History, event: Event) -> None:
    history.recused |= {(_text(event, "rater"), team) for team in _texts(event, "teams")}


def _read_mark(history: History, event: Event) -> None:
    key = (_text(event, "rater"), _team(history, event), _text(event, "criterion"))
    _once(history.marks, key, event, event, f"the mark of {key[0]} for {key[1]} on {key[2]}")


def _read_preference(history: History, event: Event) -> None:
    if _team(history, event, "first") == _team(history, event, "second"):
        raise EventInvalid(f"Event {event.id!r} compares a team with itself.")
    history.preferences.append(event)


def _read_vote(history: History, event: Event) -> None:
    key = (_text(event, "rater"), _team(history, event))
    _once(history.votes, key, _text(event, "choice"), event, f"the vote of {key[0]} on {key[1]}")


def _read_finding(history: History, event: Event) -> None:
    finding = Finding.from_json(event.payload["finding"])
    judged = event.kind is Kind.JUDGED_FINDING
    by_rater = _text(event, "rater") if judged else ""
    cites = _texts(event, "cites") if judged else ()
    history.findings.append(RecordedFinding(event.id, _team(history, event), finding, by_rater, cites))


def _read_reply(history: History, event: Event) -> None:
    history.replies.setdefault(_text(event, "to"), []).append(_text(event, "text"))


def _read_objection(history: History, event: Event) -> None:
    _team(history, event)
    history.objections[event.id] = event


def _read_answer(history: History, event: Event) -> None:
    objection = _text(event, "objection")
    if objection not in history.objections:
        raise EventInvalid(f"Event {event.id!r} answers {objection!r}, which is no objection before it.")
    _once(history.answers, objection, event, event, f"an answer to {objection}")


_READERS: Mapping[Kind, Callable[[History, Event], None]] = {
    Kind.STAGE_OPENED: _read_opened,
    Kind.TEAM_REGISTERED: _read_team,
    Kind.REENTRY_APPLICATION: _read_team,
    Kind.BENCHMARKS_CHOSEN: _read_benchmarks,
    Kind.COMPARATOR_CHOSEN: _read_comparator,
    Kind.SUBMISSION: _read_submission,
    Kind.WITHDRAWAL: lambda history, event: history.withdrawn.add(_team(history, event)),
    Kind.SUPPORT_PROMISED: lambda history, event: history.support.append(event.payload),
    Kind.SUPPORT_DELIVERED: lambda history, event: history.support.append(event.payload),
    Kind.RUN_RESULT: _read_run,
    Kind.RATER_REGISTERED: _read_rater,
    Kind.CONFLICT_DECLARED: _read_conflict,
    Kind.RECUSAL: _read_recusal,
    Kind.EXPERT_SCORE: _read_mark,
    Kind.USER_RATING: _read_mark,
    Kind.USER_PREFERENCE: _read_preference,
    Kind.PANEL_VOTE: _read_vote,
    Kind.FINDING_RECORDED: _read_finding,
    Kind.JUDGED_FINDING: _read_finding,
    Kind.TEAM_REPLY: _read_reply,
    Kind.OBJECTION: _read_objection,
    Kind.ANSWER_TO_OBJECTION: _read_answer,
    Kind.TIE_RESOLVED: lambda history, event: history.ties.append(
        (_text(event, "rule"), _texts(event, "order"))
    ),
    Kind.EXTRA_ELIMINATION: lambda history, event: history.eliminated.update(
        {_team(history, event): _text(event, "ground")}
    ),
    Kind.PUBLISHED_SCORE: lambda history, event: history.published.append(event),
    Kind.PUBLISHED_RANK: lambda history, event: history.published.append(event),
    Kind.OFFICIAL_OUTCOME: lambda history, event: history.official.append(event),
}


def _require_panels(history: History) -> None:
    judged = [rater for rater, _, _ in history.marks] + [rater for rater, _ in history.votes]
    judged += [str(event.payload["rater"]) for event in history.preferences]
    judged += [found.by_rater for found in history.findings if found.by_rater]
    stranger = next((rater for rater in judged if rater not in history.panel_of), None)
    if stranger is not None:
        raise EventInvalid(f"{stranger!r} judged a team and was never registered on a panel.")


def instant(text: str) -> datetime:
    """Return the instant an RFC 3339 time in UTC names."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


def _read_amendments(rulebook: Rulebook, history: History, standing: tuple[Event, ...]) -> None:
    """Follow the chain of amendments; require that it ends at this rulebook."""
    if not history.opened_under:
        raise NotAllowed("The stage was never opened: no event names the rulebook it runs under.")
    current = history.opened_under
    now = max(instant(event.at) for event in standing)
    for event in standing:
        if event.kind is not Kind.AMENDMENT:
            continue
        read = _amendment(rulebook, history, event, current, now)
        history.amendments.append(read)
        current = read.rulebook if read.effective else current
    if rulebook.digest() != current:
        raise NotAllowed(
            f"The stage runs under the rulebook {current}, not under {rulebook.digest()}.",
            hint="Give the rulebook in force, or ask for a comparison of two rulebooks.",
        )


def _amendment(
    rulebook: Rulebook, history: History, event: Event, current: str, now: datetime
) -> AmendmentRead:
    """Judge one amendment by the rule on amending of the rulebook given.

    That no version has loosened that rule for its own sake is for a comparison of the two rulebooks to show.
    """
    if _text(event, "previous") != current:
        raise EventInvalid(f"Event {event.id!r} amends a rulebook that was not in force.")
    positions = event.payload["positions"]
    assert isinstance(positions, list)
    said = {str(one["team"]): str(one["position"]) for one in positions if isinstance(one, dict)}
    consenting = sum(1 for team in history.teams if said.get(team) == "consents")
    needs = require_known(rulebook.amending.needs, "amending.needs")
    enough = {
        Consent.ALL: consenting == len(history.teams),
        Consent.MAJORITY: 2 * consenting > len(history.teams),
        Consent.NOTICE: True,
    }[needs]
    notice = timedelta(days=require_known(rulebook.amending.notice_days, "amending.notice_days"))
    effective_at = instant(_text(event, "effective_at"))
    in_time = instant(event.at) + notice <= effective_at <= now
    objecting = tuple(team for team, position in said.items() if position == "objects")
    return AmendmentRead(event.id, _text(event, "rulebook"), enough and in_time, objecting)
