"""A stage's history as a value: what its events say, sorted by what it is about; nothing computed yet.

It is read once and then grows by one event at a time, at a cost that does not depend on its length. Growing refuses
what would leave two truths standing: the same thing recorded twice without naming the first, a mark by someone who
sits on no panel, anything new after the stage was closed. What an event does to the history, its own kind says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Self, TypeVar

from dokja.canonical import JSON
from dokja.errors import EventInvalid
from dokja.record.events import RETRACTION, AnyEvent, Event, require_next
from dokja.record.finding import RecordedFinding
from dokja.record.kinds.after import AnswerToObjection, Objection
from dokja.record.kinds.entry import ComparatorChosen
from dokja.record.kinds.frame import StageClosed, StageOpened
from dokja.record.kinds.judging import Mark, RunResult
from dokja.record.payload import Payload

_K = TypeVar("_K")
_V = TypeVar("_V")
_P = TypeVar("_P", bound=Payload)


@dataclass(slots=True)
class History:
    """The events of a stage, and what those in force say. Made by `of`, grown by `add`; read-only for everyone else.

    Args:
        events: Every event, in the order of the log.
        by_id: Id to event.
        gone: Id of an event that was corrected or taken back to the event that did so.
        standing: Id to event, of those in force, in the order of the log. A correction stands at its own place.
        opened: The event that opened the stage.
        closed: The event that closed it.
        teams: Team to display name, in order of registration.
        weights: Team to digest of the weights it last submitted.
        declarations: Team to the declaration it last submitted.
        withdrawn: Teams that left of their own will.
        runs: (subject, benchmark) to the run.
        panel_of: Rater to panel.
        strangers: Who judged and sits on no panel yet; empty between two recordings.
        recused: (rater, team) to the key of the reason why what the rater says of the team does not count.
        conflicts: (rater, team, ground).
        marks: (rater, team, criterion) to the mark.
        votes: (rater, team) to approve, reject or abstain.
        findings: Findings in force by their events' ids.
        replies: Event of a finding to the replies to it.
        ties: (rule, order) of each tie that was resolved.
        eliminated: Team to the ground on which people eliminated it.
        chosen_benchmarks: (team, suite) to benchmarks.
        chosen_comparators: (team, comparator) to what names subject and release.
        objections: Objections by their event.
        answers: Objection to its one answer.
    """

    events: list[AnyEvent] = field(default_factory=list)
    by_id: dict[str, AnyEvent] = field(default_factory=dict)
    gone: dict[str, AnyEvent] = field(default_factory=dict)
    standing: dict[str, AnyEvent] = field(default_factory=dict)
    _of_kind: dict[type[Payload], dict[str, AnyEvent]] = field(default_factory=dict)
    _latest: AnyEvent | None = None

    opened: Event[StageOpened] | None = None
    closed: Event[StageClosed] | None = None
    teams: dict[str, str] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    declarations: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    runs: dict[tuple[str, str], Event[RunResult]] = field(default_factory=dict)
    panel_of: dict[str, str] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    recused: dict[tuple[str, str], str] = field(default_factory=dict)
    conflicts: list[tuple[str, str, str]] = field(default_factory=list)
    marks: dict[tuple[str, str, str], Event[Mark]] = field(default_factory=dict)
    votes: dict[tuple[str, str], str] = field(default_factory=dict)
    findings: dict[str, RecordedFinding] = field(default_factory=dict)
    replies: dict[str, list[str]] = field(default_factory=dict)
    ties: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    eliminated: dict[str, str] = field(default_factory=dict)
    chosen_benchmarks: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    chosen_comparators: dict[tuple[str, str], ComparatorChosen] = field(default_factory=dict)
    objections: dict[str, Event[Objection]] = field(default_factory=dict)
    answers: dict[str, Event[AnswerToObjection]] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Iterable[AnyEvent]) -> Self:
        """Return the history that events make, in the order of the log.

        Raises:
            EventInvalid: It breaks its own rules.
        """
        history = cls()
        for event in events:
            history._enter(event)
        history._read_anew()
        history.require_whole()
        return history

    def copy(self) -> Self:
        """Return a history that grows apart from this one."""
        made = type(self)()
        for one in fields(self):
            value = getattr(self, one.name)
            setattr(made, one.name, value.copy() if hasattr(value, "copy") else value)
        made._of_kind = {kind: dict(events) for kind, events in self._of_kind.items()}
        made.replies = {to: list(texts) for to, texts in self.replies.items()}
        return made

    def followed_by(self, events: Iterable[AnyEvent]) -> Self:
        """Return the history with further events; this one stays as it is.

        Raises:
            EventInvalid: They may not follow.
        """
        made = self.copy()
        made.extend(events)
        return made

    def extend(self, events: Iterable[AnyEvent]) -> None:
        """Let events follow, all of them.

        Raises:
            EventInvalid: They may not follow; the history is then no longer to be used.
        """
        for event in events:
            self.add(event)
        self.require_whole()

    def add(self, event: AnyEvent) -> None:
        """Let an event follow.

        Raises:
            EventInvalid: It may not follow; the history is then no longer to be used.
        """
        old = self._enter(event)
        if old is None:
            self._take(event)
        elif old.payload.undo(old, self):
            self._of_kind[type(old.payload)].pop(old.id)
            if event.kind != RETRACTION:
                self._take(event)
        else:
            self._read_anew()

    def require_whole(self) -> None:
        """Require that nobody judged without sitting on a panel.

        Raises:
            EventInvalid: Somebody did.
        """
        if self.strangers:
            raise EventInvalid(f"{min(self.strangers)!r} judged a team and was never registered on a panel.")

    # What events do, in the words of their kinds.

    def once(self, table: dict[_K, _V], key: _K, value: _V, event: AnyEvent, what: str) -> None:
        """Put something into a table that may hold it once.

        Raises:
            EventInvalid: It is there already.
        """
        if key in table:
            raise EventInvalid(
                f"Event {event.id!r} records {what} a second time.",
                hint="To correct an event, name it in `supersedes` and give the reason.",
            )
        table[key] = value

    def registered(self, event: AnyEvent, team: str) -> str:
        """Return a team after requiring that it is registered.

        Raises:
            EventInvalid: It is not.
        """
        if team not in self.teams:
            raise EventInvalid(
                f"Event {event.id!r} speaks of team {team!r}, which is not registered before it."
            )
        return team

    def judged(self, rater: str) -> None:
        """Take note that someone judged, who must sit on a panel."""
        if rater not in self.panel_of:
            self.strangers.add(rater)

    # What is asked of a history.

    def these(self, kind: type[_P]) -> list[Event[_P]]:
        """Return the events in force of a kind, or of the kinds below a class, in the order of the log."""
        found = [events for each, events in self._of_kind.items() if events and issubclass(each, kind)]
        if len(found) < 2:
            return [event for events in found for event in events.values()]
        wanted = {event_id for events in found for event_id in events}
        return [event for event_id, event in self.standing.items() if event_id in wanted]

    @property
    def stage(self) -> str:
        """Name of the stage; empty when nothing has happened."""
        return self.events[0].stage if self.events else ""

    def latest(self) -> AnyEvent | None:
        """Return the event in force with the latest time; None when there is none."""
        if self._latest is None:
            self._latest = max(self.standing.values(), key=_time, default=None)
        return self._latest

    # How it is read.

    def _enter(self, event: AnyEvent) -> AnyEvent | None:
        """Let an event be in the history and return what it corrects or takes back; None when nothing."""
        old = require_next(event, self.by_id, self.gone.keys())
        if old is not None and old.payload.for_good:
            raise EventInvalid(
                f"Event {event.id!r} would correct or take back {old.id!r} ({old.kind}), which stands for good.",
                hint=f"What follows from it is changed by an event of its own, if at all; see: {old.payload.by_hand}",
            )
        self.events.append(event)
        self.by_id[event.id] = event
        if old is not None:
            self.gone[old.id] = event
            del self.standing[old.id]
            if old is self._latest:
                self._latest = None
        if event.kind != RETRACTION:
            self.standing[event.id] = event
            if self._latest is not None and _time(self._latest) < _time(event):
                self._latest = event
        return old

    def _take(self, event: AnyEvent) -> None:
        """Let an event in force say what it says."""
        kind = event.payload
        new = event.supersedes is None and not kind.after_closing and not isinstance(kind, StageClosed)
        if self.closed is not None and new:
            raise EventInvalid(
                f"Event {event.id!r} ({event.kind}) comes after the stage was closed by {self.closed.id!r}.",
                hint="A closed stage takes corrections only: name the event to correct, and give the reason.",
            )
        kind.apply(event, self)
        self._of_kind.setdefault(type(kind), {})[event.id] = event

    def _read_anew(self) -> None:
        """Read everything in force from the start."""
        kept = (self.events, self.by_id, self.gone, self.standing)
        empty = type(self)()
        for one in fields(self):
            setattr(self, one.name, getattr(empty, one.name))
        self.events, self.by_id, self.gone, self.standing = kept
        for event in self.standing.values():
            self._take(event)


def _time(event: AnyEvent) -> str:
    """Return the time of an event to the second, as a text that sorts as times do."""
    return event.at[:19]


def instant(text: str) -> datetime:
    """Return the instant an RFC 3339 time in UTC names."""
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
