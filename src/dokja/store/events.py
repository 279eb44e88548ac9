"""The store: append what happened, read it back, erase what identifies a person, and check that nothing was touched.

- An append is one transaction: the event, its personal payload, its leaf in the log. When it returns, it is on the disk.
- Recording the very same event again returns the place it already has, so that whoever got no answer can ask again.
- Erasing removes a personal payload and its salt, and records that as a leaf of its own. The event keeps the payload's
  digest, which without the salt tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, digest_json, parse_json
from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import AnyEvent, PersonalPayload
from dokja.signature import KeyRing, Signature, SigningKey
from dokja.signature.note import Note
from dokja.store import erasing, log
from dokja.store.blobs import Blobs
from dokja.store.database import Database
from dokja.store.erasing import Erasure, find_event
from dokja.store.proposals import Proposals
from dokja.store.recording import Recording, StoredEvent, append_events, json_object, key_ring, placed_events
from dokja.store.schema import ERASURES, EVENTS, KEY_STATEMENTS, LEAVES, PERSONAL_PAYLOADS


@dataclass(frozen=True, slots=True)
class Leaf:
    """One place of the log, with what lies there.

    Args:
        place: Its place, counted from 0.
        kind: `event`, `key` or `erasure`.
        digest: The digest the log carries.
        stage: Stage of an event; empty for the others.
        text: What was recorded, as canonical JSON: a stage's runs are too many to be held as values.
        signature_text: Signature given with an event, as canonical JSON; `null` for none.
    """

    place: int
    kind: str
    digest: str
    stage: str
    text: str = field(repr=False)
    signature_text: str = "null"

    @property
    def body(self) -> dict[str, JSON]:
        """Return what was recorded, read anew each time."""
        return json_object(self.text)

    @property
    def signature(self) -> JSON:
        """Return the signature given with an event, as JSON; None for none."""
        return parse_json(self.signature_text)


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
        self.proposals = Proposals(self.database)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def append(
        self, event: AnyEvent, *, personal: PersonalPayload | None = None, signature: Signature | None = None
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

        What a stage's rules say of them is for whoever holds the stage: see `recording`.

        Raises:
            EventInvalid, AppendOnly: As for `append`.
        """
        with self.database.writing() as connection:
            return append_events(connection, entries)

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """Yield a transaction that writes alone: what others recorded is seen, and nobody records in between.

        What it appended is on the disk when the block ends, or none of it.
        """
        with self.database.writing() as connection:
            yield Recording(connection)

    def events(self, stage: str, *, before: int | None = None) -> tuple[AnyEvent, ...]:
        """Return the events of a stage in the order of the log.

        Args:
            stage: Name of the stage.
            before: Only those at places before this one; all by default.
        """
        return tuple(event for place, event in self.placed_events(stage) if before is None or place < before)

    def placed_events(self, stage: str, *, since: int = 0) -> tuple[tuple[int, AnyEvent], ...]:
        """Return the events of a stage with their places, in the order of the log.

        Args:
            stage: Name of the stage.
            since: Only those at this place or later.
        """
        with self.database.reading() as connection:
            return tuple(placed_events(connection, stage, since))

    def read(self, stage: str) -> tuple[tuple[tuple[int, AnyEvent], ...], KeyRing, int]:
        """Return a stage's placed events, the key ring and the size of the log, all of one moment."""
        with self.database.reading() as connection:
            return tuple(placed_events(connection, stage, 0)), key_ring(connection), log.log_size(connection)

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
            place, event = find_event(connection, stage, event_id)
            row = connection.execute(
                sa.select(PERSONAL_PAYLOADS).where(PERSONAL_PAYLOADS.c.event_place == place)
            ).one_or_none()
            if row is not None:
                return PersonalPayload(bytes.fromhex(row.salt), json_object(row.body))
            if event.personal is None:
                raise InvalidInput(f"Event {event_id!r} never had a personal payload.")
            erasure = json_object(
                connection.execute(
                    sa.select(ERASURES.c.body).where(ERASURES.c.event_place == place)
                ).scalar_one()
            )
        raise NotAllowed(
            f"The personal payload of {event_id!r} was erased at {erasure['at']}: {erasure['reason']}"
        )

    def erase(
        self,
        stage: str,
        event_id: str,
        *,
        by: str,
        at: str,
        reason: str,
        sign: erasing.Signing | None = None,
        dry_run: bool = False,
    ) -> Erasure:
        """Remove the personal payload of an event for ever, record that, and return what was done.

        The event itself, the payload's digest and any signature stay, and every proof holds as before.

        Args:
            stage: Name of the stage.
            event_id: Id of the event.
            by: Actor's id of who asks for it.
            at: Now, RFC 3339 in UTC.
            reason: Why; it is in every dossier written afterwards, the public one too.
            sign: Signs the record.
            dry_run: Check everything and write nothing.

        Raises:
            AppendOnly: It was erased already.
            InvalidInput: There is no such event, it never had a personal payload, or no reason is given.
        """
        opened = self.database.reading() if dry_run else self.database.writing()
        with opened as connection:
            place, erasure = erasing.prepare(
                connection, stage, event_id, by=by, at=at, reason=reason, sign=sign
            )
            if dry_run:
                return erasure
            erasing.record(connection, place, erasure)
        return replace(erasure, overwritten=self.database.overwrite_deleted())

    def add_key_statement(self, signed: dict[str, JSON]) -> int:
        """Record an enrolment, rotation or revocation of a key and return its place in the log.

        Raises:
            KeyRefused, InvalidInput: It may not be accepted after what was recorded before.
        """
        with self.database.writing() as connection:
            ring, place = key_ring(connection), log.log_size(connection)
            ring.accept(place, signed)
            log.append_leaves(connection, [("key", digest_json("key_statement", signed))])
            connection.execute(
                sa.insert(KEY_STATEMENTS).values(place=place, body=canonical_bytes(signed).decode())
            )
        return place

    def key_ring(self) -> KeyRing:
        """Return every key ever enrolled, as the recorded statements make it."""
        with self.database.reading() as connection:
            return key_ring(connection)

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
        yield Leaf(
            row.place, row.kind, row.digest, row.stage or "", row.body or "{}", row.signature or "null"
        )
