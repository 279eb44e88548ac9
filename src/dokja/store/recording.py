"""Record events: the one transaction in which a stage's rules are asked and its events are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, digest_canonical, parse_json
from dokja.errors import AppendOnly, EventInvalid, InvalidInput, NotAllowed
from dokja.record.events import AnyEvent, Event, PersonalPayload, require_next
from dokja.signature import KeyRing, Signature
from dokja.store import log
from dokja.store.proposals import take_event
from dokja.store.schema import EVENTS, KEY_STATEMENTS, PERSONAL_PAYLOADS

DOMAIN = "event"
"""Under which domain an event's digest is signed."""

_IDS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event on its way into the store, with what lies beside it.

    Args:
        event: What happened.
        personal: What identifies a person; its digest is the event's `personal`.
        signature: Signature of whoever recorded it, over the event's digest, domain `DOMAIN`.
        body: The event's canonical bytes, made here.
        digest: Its digest, made here.
    """

    event: AnyEvent
    personal: PersonalPayload | None = None
    signature: Signature | None = None
    body: bytes = field(init=False, repr=False, compare=False)
    digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Spelt once: a run of thousands of rows takes longer to spell than to write.
        object.__setattr__(self, "body", canonical_bytes(self.event.as_json()))
        object.__setattr__(self, "digest", digest_canonical("event", [self.body]))
        if self.event.personal != (None if self.personal is None else self.personal.digest()):
            raise EventInvalid(
                f"Event {self.event.id!r} names another personal payload than the one given with it."
            )
        if self.signature is not None and not self.signature.signs(DOMAIN, self.digest):
            raise NotAllowed(f"The signature given with event {self.event.id!r} is not a signature of it.")


class Recording:
    """A transaction that writes alone, while it lasts."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """Return how many leaves the log has: the place the next one takes."""
        return log.log_size(self._connection)

    def placed_events(self, stage: str, *, since: int = 0) -> tuple[tuple[int, AnyEvent], ...]:
        """Return the events of a stage at a place or later, with their places."""
        return tuple(placed_events(self._connection, stage, since))

    def key_ring(self) -> KeyRing:
        """Return every key ever enrolled."""
        return key_ring(self._connection)

    def append(self, entries: Sequence[StoredEvent]) -> list[int]:
        """Append events and return their places in the log.

        Raises:
            EventInvalid, AppendOnly: As for `Store.append`.
        """
        return append_events(self._connection, entries)

    def take_draft(self, digest: str) -> None:
        """Delete an event that waited for its signature and is recorded now.

        Raises:
            InvalidInput: No event waits under this digest, or no longer.
        """
        take_event(self._connection, digest)


def append_events(connection: sa.Connection, entries: Sequence[StoredEvent]) -> list[int]:
    """Append events, or find the places they have, and return their places in the log."""
    places = _recorded_places(connection, entries)
    fresh = [entry for entry, place in zip(entries, places, strict=True) if place is None]
    _require_history(connection, fresh)
    first = log.append_leaves(connection, [("event", entry.digest) for entry in fresh])
    rows = [_event_row(place, entry) for place, entry in enumerate(fresh, start=first)]
    payloads = [
        _payload_row(place, entry.personal)
        for place, entry in enumerate(fresh, start=first)
        if entry.personal
    ]
    if rows:
        connection.execute(sa.insert(EVENTS), rows)
    if payloads:
        connection.execute(sa.insert(PERSONAL_PAYLOADS), payloads)
    next_place = iter(range(first, first + len(fresh)))
    return [next(next_place) if place is None else place for place in places]


def placed_events(connection: sa.Connection, stage: str, since: int) -> Iterator[tuple[int, AnyEvent]]:
    """Yield the events of a stage at a place or later, with their places, in the order of the log."""
    query = sa.select(EVENTS.c.place, EVENTS.c.body).where(EVENTS.c.stage == stage, EVENTS.c.place >= since)
    for place, body in connection.execute(query.order_by(EVENTS.c.place)):
        yield place, Event.from_json(parse_json(body))


def _recorded_places(connection: sa.Connection, entries: Sequence[StoredEvent]) -> list[int | None]:
    """Return, for each event, the place it already has; refuse another event under the same id."""
    recorded: dict[tuple[str, str], tuple[int, str]] = {}
    for start in range(0, len(entries), _IDS_AT_ONCE):
        ids = [(entry.event.stage, entry.event.id) for entry in entries[start : start + _IDS_AT_ONCE]]
        query = sa.select(EVENTS.c.stage, EVENTS.c.id, EVENTS.c.place, EVENTS.c.body)
        for row in connection.execute(query.where(sa.tuple_(EVENTS.c.stage, EVENTS.c.id).in_(ids))):
            recorded[row.stage, row.id] = (row.place, row.body)
    places: list[int | None] = []
    for entry in entries:
        place, body = recorded.get((entry.event.stage, entry.event.id), (None, ""))
        if place is not None and body != entry.body.decode():
            raise AppendOnly(
                f"Another event with the id {entry.event.id!r} was recorded in {entry.event.stage}."
            )
        places.append(place)
    return places


def _require_history(connection: sa.Connection, entries: Iterable[StoredEvent]) -> None:
    """Require that events may follow what is recorded, reading only what they name."""
    histories: dict[str, dict[str, AnyEvent]] = {}
    superseded: dict[str, set[str]] = {}
    for event in (entry.event for entry in entries):
        history, gone = histories.setdefault(event.stage, {}), superseded.setdefault(event.stage, set())
        if event.supersedes is not None and event.supersedes not in history:
            in_stage = EVENTS.c.stage == event.stage
            old = connection.execute(
                sa.select(EVENTS.c.body).where(in_stage, EVENTS.c.id == event.supersedes)
            ).scalar()
            if old is not None:
                history[event.supersedes] = Event.from_json(parse_json(old))
            if connection.execute(
                sa.select(EVENTS.c.id).where(in_stage, EVENTS.c.supersedes == event.supersedes)
            ).first():
                gone.add(event.supersedes)
        require_next(event, history, gone)
        history[event.id] = event
        if event.supersedes is not None:
            gone.add(event.supersedes)


def key_ring(connection: sa.Connection) -> KeyRing:
    """Return every key ever enrolled, as the recorded statements make it."""
    rows = connection.execute(sa.select(KEY_STATEMENTS).order_by(KEY_STATEMENTS.c.place))
    return KeyRing.replay((row.place, json_object(row.body)) for row in rows)


def _event_row(place: int, entry: StoredEvent) -> dict[str, Any]:
    event, signature = entry.event, entry.signature
    return {
        "place": place,
        "stage": event.stage,
        "id": event.id,
        "kind": event.kind,
        "supersedes": event.supersedes,
        "personal": event.personal,
        "body": entry.body.decode(),
        "signature": None if signature is None else canonical_bytes(signature.as_json()).decode(),
    }


def _payload_row(place: int, personal: PersonalPayload) -> dict[str, Any]:
    body = canonical_bytes(dict(personal.value)).decode()
    return {"event_place": place, "salt": personal.salt.hex(), "body": body}


def json_object(text: str) -> dict[str, JSON]:
    """Return the JSON object of a row."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
