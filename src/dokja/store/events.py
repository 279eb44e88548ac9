"""The store: append what happened, read it back, erase what identifies a person, and check that nothing was touched.

- An append is one transaction: the event, its personal payload, its leaf in the log. When it returns, it is on the disk.
- Recording the very same event again returns the place it already has, so that whoever got no answer can ask again.
- Erasing removes a personal payload and its salt, and records that as a leaf of its own. The event keeps the payload's
  digest, which without the salt tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, digest_json, parse_json
from dokja.errors import AppendOnly, EventInvalid, InvalidInput, NotAllowed
from dokja.record.events import Event, PersonalPayload, require_next
from dokja.signature import KeyRing, Signature, SigningKey
from dokja.signature.note import Note
from dokja.store import log
from dokja.store.blobs import Blobs
from dokja.store.database import Database
from dokja.store.schema import ERASURES, EVENTS, KEY_STATEMENTS, LEAVES, PERSONAL_PAYLOADS

_IDS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event on its way into the store, with what lies beside it.

    Args:
        event: What happened.
        personal: What identifies a person; its digest is the event's `personal`.
        signature: Signature of whoever recorded it, over the event's digest, domain `event`.
    """

    event: Event
    personal: PersonalPayload | None = None
    signature: Signature | None = None

    def __post_init__(self) -> None:
        if self.event.personal != (None if self.personal is None else self.personal.digest()):
            raise EventInvalid(
                f"Event {self.event.id!r} names another personal payload than the one given with it."
            )
        if self.signature is not None and not self.signature.signs("event", self.event.digest()):
            raise NotAllowed(f"The signature given with event {self.event.id!r} is not a signature of it.")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place of the log, with what lies there.

    Args:
        place: Its place, counted from 0.
        kind: `event`, `key` or `erasure`.
        digest: The digest the log carries.
        stage: Stage of an event; empty for the others.
        body: What was recorded, as JSON.
        signature: Signature given with an event, as JSON; None for none.
    """

    place: int
    kind: str
    digest: str
    stage: str
    body: dict[str, JSON]
    signature: JSON = None


class Store:
    """Everything recorded, in one database.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.
        create: Whether an empty database is given its tables.

    Raises:
        InvalidInput, DatabaseUnavailable, StoreDamaged: As for `Database`.
    """

    def __init__(self, url: str, *, create: bool = False) -> None:
        self.database = Database(url, create=create)
        self.blobs = Blobs(self.database)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def append(
        self, event: Event, *, personal: PersonalPayload | None = None, signature: Signature | None = None
    ) -> int:
        """Record one event and return its place in the log.

        Raises:
            EventInvalid: It may not follow what was recorded, or its personal payload is another one.
            AppendOnly: Another event has this id, or its predecessor was superseded already.
            NotAllowed: The signature is not one of this event.
        """
        return self.append_all([StoredEvent(event, personal, signature)])[0]

    def append_all(self, entries: Sequence[StoredEvent]) -> list[int]:
        """Record events, all of them or none, and return their places in the log.

        Raises:
            EventInvalid, AppendOnly: As for `append`.
        """
        with self.database.writing() as connection:
            places = _recorded_places(connection, entries)
            fresh = [entry for entry, place in zip(entries, places, strict=True) if place is None]
            _require_history(connection, fresh)
            first = log.append_leaves(connection, [("event", entry.event.digest()) for entry in fresh])
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

    def events(self, stage: str, *, before: int | None = None) -> tuple[Event, ...]:
        """Return the events of a stage in the order of the log.

        Args:
            stage: Name of the stage.
            before: Only those at places before this one; all by default.
        """
        query = sa.select(EVENTS.c.body).where(EVENTS.c.stage == stage).order_by(EVENTS.c.place)
        if before is not None:
            query = query.where(EVENTS.c.place < before)
        with self.database.reading() as connection:
            return tuple(Event.from_json(parse_json(body)) for body in connection.execute(query).scalars())

    def placed_events(self, stage: str) -> tuple[tuple[int, Event], ...]:
        """Return the events of a stage with their places, in the order of the log."""
        query = (
            sa.select(EVENTS.c.place, EVENTS.c.body).where(EVENTS.c.stage == stage).order_by(EVENTS.c.place)
        )
        with self.database.reading() as connection:
            return tuple(
                (row.place, Event.from_json(parse_json(row.body))) for row in connection.execute(query)
            )

    def size(self) -> int:
        """Return how many leaves the log has: the place the next one takes."""
        with self.database.reading() as connection:
            return log.log_size(connection)

    def stages(self) -> list[str]:
        """Return the names of the stages in the order of their first events."""
        query = sa.select(EVENTS.c.stage).group_by(EVENTS.c.stage).order_by(sa.func.min(EVENTS.c.place))
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def personal_payload(self, stage: str, event_id: str) -> PersonalPayload:
        """Return what identifies a person in an event.

        Raises:
            NotAllowed: It was erased; the sentence says when and why.
            InvalidInput: There is no such event, or it never had one.
        """
        with self.database.reading() as connection:
            place, event = _find_event(connection, stage, event_id)
            row = connection.execute(
                sa.select(PERSONAL_PAYLOADS).where(PERSONAL_PAYLOADS.c.event_place == place)
            ).one_or_none()
            if row is not None:
                return PersonalPayload(bytes.fromhex(row.salt), _object(row.body))
            if event.personal is None:
                raise InvalidInput(f"Event {event_id!r} never had a personal payload.")
            erasure = _object(
                connection.execute(
                    sa.select(ERASURES.c.body).where(ERASURES.c.event_place == place)
                ).scalar_one()
            )
        raise NotAllowed(
            f"The personal payload of {event_id!r} was erased at {erasure['at']}: {erasure['reason']}"
        )

    def erase(self, stage: str, event_id: str, *, by: str, at: str, reason: str) -> int:
        """Remove the personal payload of an event for ever and return the place of the record of that.

        The event itself, the payload's digest and any signature stay, and every proof holds as before.

        Raises:
            AppendOnly: It was erased already.
            InvalidInput: There is no such event, it never had a personal payload, or no reason is given.
        """
        if not reason.strip() or not by.strip():
            raise InvalidInput("An erasure says who asks for it and why.")
        with self.database.writing() as connection:
            place, event = _find_event(connection, stage, event_id)
            if event.personal is None:
                raise InvalidInput(f"Event {event_id!r} never had a personal payload.")
            if connection.execute(sa.select(ERASURES).where(ERASURES.c.event_place == place)).first():
                raise AppendOnly(
                    f"The personal payload of {event_id!r} was erased already.", hint="Nothing is left to do."
                )
            body: dict[str, JSON] = {
                "at": at, "by": by, "event": event.digest(), "personal": event.personal, "reason": reason,
            }  # fmt: skip
            erased_at = log.append_leaves(connection, [("erasure", digest_json("erasure", body))])
            connection.execute(
                sa.insert(ERASURES).values(
                    place=erased_at, event_place=place, body=canonical_bytes(body).decode()
                )
            )
            connection.execute(sa.delete(PERSONAL_PAYLOADS).where(PERSONAL_PAYLOADS.c.event_place == place))
        self.database.forget_free_pages()
        return erased_at

    def add_key_statement(self, signed: dict[str, JSON]) -> int:
        """Record an enrolment, rotation or revocation of a key and return its place in the log.

        Raises:
            KeyRefused, InvalidInput: It may not be accepted after what was recorded before.
        """
        with self.database.writing() as connection:
            ring, place = _key_ring(connection), log.log_size(connection)
            ring.accept(place, signed)
            log.append_leaves(connection, [("key", digest_json("key_statement", signed))])
            connection.execute(
                sa.insert(KEY_STATEMENTS).values(place=place, body=canonical_bytes(signed).decode())
            )
        return place

    def key_ring(self) -> KeyRing:
        """Return every key ever enrolled, as the recorded statements make it."""
        with self.database.reading() as connection:
            return _key_ring(connection)

    def checkpoint(self, origin: str, key: SigningKey) -> Note:
        """Sign the log's present state and keep the note.

        Args:
            origin: Name of the log, e.g. `programme.example/log`; the same for ever.
            key: The log's key.

        Raises:
            StoreDamaged: The log contradicts what it signed before.
        """
        with self.database.writing() as connection:
            return log.append_checkpoint(connection, origin, key)


def read_leaves(connection: sa.Connection) -> Iterator[Leaf]:
    """Yield every place of the log with what lies there, in order."""
    query = (
        sa.select(
            LEAVES, EVENTS.c.stage, EVENTS.c.signature,
            sa.func.coalesce(EVENTS.c.body, KEY_STATEMENTS.c.body, ERASURES.c.body).label("body"),
        )
        .select_from(LEAVES)
        .outerjoin(EVENTS, EVENTS.c.place == LEAVES.c.place)
        .outerjoin(KEY_STATEMENTS, KEY_STATEMENTS.c.place == LEAVES.c.place)
        .outerjoin(ERASURES, ERASURES.c.place == LEAVES.c.place)
        .order_by(LEAVES.c.place)
    )  # fmt: skip
    for row in connection.execute(query):
        signature = None if row.signature is None else parse_json(row.signature)
        yield Leaf(row.place, row.kind, row.digest, row.stage or "", _object(row.body or "{}"), signature)


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
        if place is not None and body != canonical_bytes(entry.event.as_json()).decode():
            raise AppendOnly(
                f"Another event with the id {entry.event.id!r} was recorded in {entry.event.stage}."
            )
        places.append(place)
    return places


def _require_history(connection: sa.Connection, entries: Iterable[StoredEvent]) -> None:
    """Require that events may follow what is recorded, reading only what they name."""
    history: dict[str, Event] = {}
    gone: set[str] = set()
    for event in (entry.event for entry in entries):
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
        require_next(event, {key: e for key, e in history.items() if e.stage == event.stage}, gone)
        history[event.id] = event
        if event.supersedes is not None:
            gone.add(event.supersedes)


def _find_event(connection: sa.Connection, stage: str, event_id: str) -> tuple[int, Event]:
    row = connection.execute(
        sa.select(EVENTS.c.place, EVENTS.c.body).where(EVENTS.c.stage == stage, EVENTS.c.id == event_id)
    ).one_or_none()
    if row is None:
        raise InvalidInput(f"There is no event {event_id!r} in stage {stage!r}.")
    return row.place, Event.from_json(parse_json(row.body))


def _key_ring(connection: sa.Connection) -> KeyRing:
    rows = connection.execute(sa.select(KEY_STATEMENTS).order_by(KEY_STATEMENTS.c.place))
    return KeyRing.replay((row.place, _object(row.body)) for row in rows)


def _event_row(place: int, entry: StoredEvent) -> dict[str, Any]:
    event, signature = entry.event, entry.signature
    return {
        "place": place,
        "stage": event.stage,
        "id": event.id,
        "kind": event.kind.value,
        "supersedes": event.supersedes,
        "personal": event.personal,
        "body": canonical_bytes(event.as_json()).decode(),
        "signature": None if signature is None else canonical_bytes(signature.as_json()).decode(),
    }


def _payload_row(place: int, personal: PersonalPayload) -> dict[str, Any]:
    body = canonical_bytes(dict(personal.value)).decode()
    return {"event_place": place, "salt": personal.salt.hex(), "body": body}


def _object(text: str) -> dict[str, JSON]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
