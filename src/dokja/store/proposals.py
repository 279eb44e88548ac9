"""What waits for signatures: decisions proposed, and events drafted for somebody else to sign. Outside the log.

A decision that was once proposed stays, since one that was signed is read from its proposal for ever after. An event
stays until it is signed: it is then recorded and deleted here in one transaction, so that what identifies a person lies
in one place. Nothing here is recorded: a decision's signature, or an event, becomes a leaf of the log when it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput
from dokja.store.database import Database
from dokja.store.schema import PROPOSALS


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for signatures.

    Args:
        digest: What is signed.
        stage: Name of the stage.
        kind: `decision` or `event`.
        body: Everything needed to record it once it is signed, as JSON.
    """

    digest: str
    stage: str
    kind: str
    body: dict[str, JSON]


class Proposals:
    """What waits for signatures in a store.

    Args:
        database: The store's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, waiting: Waiting) -> None:
        """Keep something that waits; the same twice is kept once."""
        with self._database.writing() as connection:
            known = connection.execute(
                sa.select(PROPOSALS.c.digest).where(PROPOSALS.c.digest == waiting.digest)
            )
            if known.first() is None:
                body = canonical_bytes(waiting.body).decode()
                row = {"digest": waiting.digest, "stage": waiting.stage, "kind": waiting.kind, "body": body}
                connection.execute(sa.insert(PROPOSALS), [row])

    def get(self, digest: str) -> Waiting:
        """Return what waits under a digest.

        Raises:
            InvalidInput: Nothing does.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(PROPOSALS).where(PROPOSALS.c.digest == digest)).one_or_none()
        if row is None:
            raise InvalidInput(
                f"Nothing waits under {digest!r}.",
                hint="Propose a decision with dokja stage decide, or an event with dokja stage record --draft.",
            )
        return Waiting(row.digest, row.stage, row.kind, _object(row.body))

    def of(self, stage: str, kind: str) -> tuple[Waiting, ...]:
        """Return the decisions that ever waited in a stage, or the events that wait in it now."""
        query = sa.select(PROPOSALS).where(PROPOSALS.c.stage == stage, PROPOSALS.c.kind == kind)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(PROPOSALS.c.digest)).all()
        return tuple(Waiting(row.digest, row.stage, row.kind, _object(row.body)) for row in rows)

    def discard(self, digest: str) -> bool:
        """Delete an event that waits and overwrite it; return whether it is in no byte of the database's files any more.

        Raises:
            InvalidInput: No event waits under this digest.
        """
        with self._database.writing() as connection:
            take_event(connection, digest)
        return self._database.overwrite_deleted()


def take_event(connection: sa.Connection, digest: str) -> None:
    """Delete an event that waits: it is being recorded, or nobody is to sign it any more.

    Raises:
        InvalidInput: No event waits under this digest, or no longer.
    """
    waits = sa.delete(PROPOSALS).where(PROPOSALS.c.digest == digest, PROPOSALS.c.kind == "event")
    if connection.execute(waits).rowcount != 1:
        raise InvalidInput(f"No event waits under {digest!r}.", hint="See what does: dokja stage drafts")


def _object(text: str) -> dict[str, JSON]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
