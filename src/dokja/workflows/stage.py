"""A stage in hand: its history, rulebook and keys, read once; and the one way to record what happens in it.

- Whoever holds a stage asks its history, never the store. Recording lets the history grow by what was recorded, and by
  what others recorded meanwhile.
- What a command wants to record is a `Draft`. Drafts are made, and checked by the rules, inside the transaction that
  writes them, over everything recorded by then. A check that fails leaves nothing.
- A draft of an event gets its id, salt and signature here. An id is drawn, not counted, so that many can record at once.
- An event may wait for somebody's signature outside the log: see `workflows/drafts.py`. It is recorded the same way.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from dokja.canonical import JSON, parse_json
from dokja.errors import EventInvalid, InvalidInput, NotAllowed
from dokja.grammar.model import Misread, read_model
from dokja.publishing.see import is_salted
from dokja.record.amending import read_amendments
from dokja.record.events import AnyEvent, Event, PersonalPayload
from dokja.record.history import History
from dokja.record.kinds.frame import Amended, StageOpened
from dokja.record.payload import Payload
from dokja.report.words import say_reason
from dokja.rulebook import Rulebook, rulebook_from_json
from dokja.signature import KeyRing, Signature, SigningKey
from dokja.store.recording import DOMAIN, Recording, StoredEvent

if TYPE_CHECKING:
    from dokja.workflows.desk import Desk

_P = TypeVar("_P", bound=Payload)
_SALT_BYTES = 16
_ID_BYTES = 5


@dataclass(frozen=True, slots=True)
class Actor:
    """Who records, and when.

    Args:
        id: An actor's id such as `office` or `expert:e3`, never a person's name.
        at: RFC 3339 time in UTC.
        key: The actor's key, to sign the event; None records it unsigned.
    """

    id: str
    at: str
    key: SigningKey | None = None


def acting(desk: Desk, actor: Actor) -> Actor:
    """Return an actor with an id: the one given, the person the key was enrolled for, or the office.

    Raises:
        NotAllowed: The key was never enrolled.
    """
    person = ""
    if actor.key is not None:
        ring = desk.store.key_ring()
        if actor.key.id not in ring:
            raise NotAllowed(
                f"The key {actor.key.id} was never enrolled: what it signs would not count, for ever.",
                hint="Enrol it first: dokja key enrol",
            )
        person = ring[actor.key.id].person
    return replace(actor, id=actor.id or person or "office")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be recorded.

    Args:
        payload: What happened.
        id: Unique in its stage; empty to be given one.
        supersedes: Id of the event it corrects; None when it corrects nothing.
        reason: Why, where it corrects something.
        personal: What identifies a person, kept apart and erasable.
    """

    payload: Payload
    id: str = ""
    supersedes: str | None = None
    reason: str = ""
    personal: Mapping[str, JSON] | None = None


def read_payload(kind: type[_P], value: object) -> _P:
    """Return what an event of a kind is to say.

    Raises:
        EventInvalid: With every mistake in it.
    """
    try:
        return read_model(kind, value)
    except Misread as error:
        raise EventInvalid(
            f"This is no {kind.kind}: {error}.", mistakes=[one.as_json() for one in error.mistakes]
        ) from None


class Stage:
    """One stage of a desk, in hand. Made by `Desk.stage`; use as a context manager, or let it go.

    Args:
        desk: The desk it is held at.
        name: Its name.
        opening: The rulebook it is about to be opened under; None for a stage that is open.
    """

    def __init__(self, desk: Desk, name: str, opening: Rulebook | None = None) -> None:
        self.desk, self.name, self._opening = desk, name, opening
        placed, self.ring, self.place = desk.store.read(name)
        self.places = {event.id: place for place, event in placed}
        self.history = History.of(event for _, event in placed)
        self._kept: dict[str, Rulebook] = {}
        self._in_force: tuple[object, Rulebook] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the stage go; nothing is left to be written."""

    @property
    def events(self) -> Sequence[AnyEvent]:
        """Every event of the stage, in the order of the log."""
        return self.history.events

    @property
    def rulebook(self) -> Rulebook:
        """The rulebook in force.

        Raises:
            InvalidInput: It was not kept in this store.
        """
        if self._opening is not None and self.history.opened is None:
            return self._opening
        amended = self.history.these(Amended)
        latest = self.history.latest()
        # Without amendments the rulebook stays; with them, time passing may put one in force.
        seen = (self.history.opened, len(self.history.events) if amended else 0, latest.at if latest else "")
        if self._in_force is None or self._in_force[0] != seen:
            self._in_force = (seen, self._find_rulebook(amended))
        return self._in_force[1]

    def _find_rulebook(self, amended: Sequence[Event[Amended]]) -> Rulebook:
        opened = self.history.these(StageOpened)
        files = [event.payload.file for event in opened] + [event.payload.file for event in amended]
        for file in reversed(files):
            if not file:
                continue
            if file not in self._kept:
                self._kept[file] = rulebook_from_json(parse_json(self.desk.store.blobs.get(file)))
            try:
                read_amendments(self._kept[file], self.history)
            except NotAllowed:
                continue
            return self._kept[file]
        raise InvalidInput(f"The rulebook in force in stage {self.name!r} was not kept in this store.")

    def record(self, actor: Actor, drafts: Drafts, *, dry_run: bool = False) -> list[AnyEvent]:
        """Record what happened, all of it or nothing, and return the events.

        Args:
            actor: Who records, and when.
            drafts: What happened, in order; or what makes the drafts of the stage as it is when they are written.
            dry_run: Whether everything is checked and nothing written.

        Raises:
            EventInvalid, NotAllowed, AppendOnly, InvalidInput: The rules, or whoever makes the drafts, refuse.
        """
        return self.record_entries(lambda stage: stage.entries(actor, _made(drafts, stage)), dry_run=dry_run)

    def record_entries(
        self, make: Callable[[Stage], Sequence[StoredEvent]], *, dry_run: bool = False, drafted: str = ""
    ) -> list[AnyEvent]:
        """Record events that have their ids, salts and signatures, all of them or nothing, and return them.

        Args:
            make: Makes them for the stage as it is when they are written.
            dry_run: Whether everything is checked and nothing written.
            drafted: Digest under which the event waited for its signature until now; empty when it did not.

        Raises:
            EventInvalid, NotAllowed, AppendOnly, InvalidInput: The rules, or whoever makes the events, refuse.
        """
        entries = make(self)
        if dry_run:
            self._require(self.history.copy(), entries)
            return [entry.event for entry in entries]
        known = len(self.history.events)
        try:
            with self.desk.store.recording() as recording:
                if self._catch_up(recording):
                    known = len(self.history.events)
                    entries = make(self)
                self._require(self.history, entries)
                places = recording.append(entries)
                if drafted:
                    recording.take_draft(drafted)
                size = recording.size()
        except BaseException:
            # What was let into the history is not recorded, and what was refused half-way left it in pieces.
            self.history = History.of(self.history.events[:known])
            raise
        self.places |= {entry.event.id: place for place, entry in zip(places, entries, strict=True)}
        self.place = size
        return [entry.event for entry in entries]

    def after(self, events: Sequence[AnyEvent]) -> History:
        """Return what the history would be with further events; the stage stays as it is."""
        return self.history.followed_by(events)

    def _catch_up(self, recording: Recording) -> bool:
        """Let the history grow by what others recorded; return whether there was anything."""
        size = recording.size()
        if size == self.place:
            return False
        fresh = recording.placed_events(self.name, since=self.place)
        self.ring, self.place = recording.key_ring(), size
        self.places |= {event.id: place for place, event in fresh}
        self.history.extend(event for _, event in fresh)
        return True

    def entries(self, actor: Actor, drafts: Sequence[Draft]) -> list[StoredEvent]:
        """Return drafts as events with ids, salts and, where the actor has a key, signatures. Nothing is recorded."""
        taken: set[str] = set()
        entries = []
        for draft in drafts:
            personal = None
            if draft.personal is not None:
                personal = PersonalPayload(self.desk.random(_SALT_BYTES), draft.personal)
            kind = type(draft.payload)
            event = Event(
                id=draft.id or self._new_id(kind.kind, taken),
                kind=kind.kind,
                stage=self.name,
                at=actor.at,
                by=actor.id,
                payload=draft.payload,
                supersedes=draft.supersedes,
                reason=draft.reason,
                personal=None if personal is None else personal.digest(),
                salt=self.desk.random(_SALT_BYTES).hex() if is_salted(kind) else "",
            )
            signature = None if actor.key is None else actor.key.sign(DOMAIN, event.digest(), actor.at)
            entries.append(StoredEvent(event, personal, signature))
        return entries

    def _new_id(self, kind: str, taken: set[str]) -> str:
        """Return an id that no event of the stage has: the kind, and letters drawn at random."""
        while True:
            drawn = base64.b32encode(self.desk.random(_ID_BYTES)).decode().lower()
            if f"{kind}-{drawn}" not in self.history.by_id and drawn not in taken:
                taken.add(drawn)
                return f"{kind}-{drawn}"

    def _require(self, history: History, entries: Sequence[StoredEvent]) -> None:
        """Require what the rules ask of events, letting the history grow by each."""
        if not entries:
            return
        rulebook = self.rulebook
        for entry in entries:
            history.add(entry.event)
            entry.event.payload.check(entry.event, rulebook, history)
        history.require_whole()


Drafts: TypeAlias = "Sequence[Draft] | Callable[[Stage], Sequence[Draft]]"


def _made(drafts: Drafts, stage: Stage) -> Sequence[Draft]:
    return drafts(stage) if callable(drafts) else drafts


def require_counts(ring: KeyRing, signature: Signature, domain: str, value: object, place: int) -> None:
    """Require that a signature counts.

    Args:
        ring: Every key ever enrolled.
        signature: The signature.
        domain: What the value is, e.g. `event`.
        value: What is signed.
        place: Where in the log the signature will lie.

    Raises:
        NotAllowed: It does not; the sentence says why.
    """
    reason = ring.refusal(signature, domain, value, place)
    if reason is not None:
        unknown = reason.key == "signature.unknown_key"
        raise NotAllowed(
            say_reason(reason, "en"),
            hint="Enrol it with: dokja key enrol" if unknown else "Sign anew, with a key that is in force.",
            reason=reason.key,
            figures=reason.figures,
        )


def told(event: AnyEvent) -> dict[str, JSON]:
    """Return an event as commands tell it: without its salt, which would open what its digest seals."""
    return {name: value for name, value in event.as_json().items() if name != "salt"}
