"""What waits for signatures: decisions proposed, and events drafted for somebody else to sign. Outside the log.

What was once proposed stays, since a decision that was signed is read from its proposal for ever after. Nothing here is
recorded: an event that is signed, or a decision's signature, becomes a leaf of the log when it is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput
from dokja.store.database import Database
from dokja.store.schema import PROPOSALS, WAITING_SIGNATURES


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
            raise InvalidInput(f"There is no proposal {digest!r}.", hint="Make one with: dokja stage decide")
        return Waiting(row.digest, row.stage, row.kind, _object(row.body))

    def of(self, stage: str, kind: str) -> tuple[Waiting, ...]:
        """Return everything of a kind that ever waited in a stage."""
        query = sa.select(PROPOSALS).where(PROPOSALS.c.stage == stage, PROPOSALS.c.kind == kind)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(PROPOSALS.c.digest)).all()
        return tuple(Waiting(row.digest, row.stage, row.kind, _object(row.body)) for row in rows)

    def sign(self, digest: str, signer: str, signature: dict[str, JSON]) -> None:
        """Keep a signature that is not recorded yet; a second one of the same signer changes nothing.

        Raises:
            InvalidInput: Nothing waits under this digest.
        """
        self.get(digest)
        with self._database.writing() as connection:
            known = sa.select(WAITING_SIGNATURES.c.digest).where(
                WAITING_SIGNATURES.c.digest == digest, WAITING_SIGNATURES.c.signer == signer
            )
            if connection.execute(known).first() is None:
                body = canonical_bytes(signature).decode()
                connection.execute(
                    sa.insert(WAITING_SIGNATURES), [{"digest": digest, "signer": signer, "body": body}]
                )

    def signatures(self, digest: str) -> dict[str, dict[str, JSON]]:
        """Return signer to signature, of everything that waits under a digest."""
        query = sa.select(WAITING_SIGNATURES).where(WAITING_SIGNATURES.c.digest == digest)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(WAITING_SIGNATURES.c.signer)).all()
        return {row.signer: _object(row.body) for row in rows}


def _object(text: str) -> dict[str, JSON]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
