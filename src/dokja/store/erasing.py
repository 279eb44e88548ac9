"""Erase what identifies a person in one event, and record who did so, when and why.

- The payload and its salt are deleted in the transaction that records the erasure, a leaf of its own. The event, the
  payload's digest and every signature and proof stay; without the salt the digest tells nothing.
- Nobody's agreement in the stage is asked: an erasure is no event, changes no score and is possible after a stage is
  closed.
- Afterwards the database's files are written anew. What was copied out of them before is beyond reach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, digest_json, parse_json
from dokja.errors import AppendOnly, InvalidInput
from dokja.grammar.types import ID_PATTERN
from dokja.record.events import AnyEvent, Event
from dokja.signature import KeyRing, Signature
from dokja.signature.key import instant
from dokja.store import log
from dokja.store.recording import json_object, key_ring
from dokja.store.schema import ERASURES, EVENTS, PERSONAL_PAYLOADS

DOMAIN = "erasure"
"""Under which domain an erasure's digest is taken and its statement is signed."""

Signing: TypeAlias = Callable[[dict[str, JSON], KeyRing, int], Signature]
"""What signs an erasure, given what is stated, every key ever enrolled, and the place it will have in the log."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased, or would be, without a word of it.

    Args:
        event: The event it was beside.
        body: What the log carries: `at`, `by`, `event` and `personal` (digests), `reason`, and `signature` where one
            was given, over the others under the domain `erasure`.
        fields: How many fields the payload had.
        place: Place of the record in the log, or the one it would have.
        overwritten: Whether it is in no byte of the database's own files any more; False before it was erased.
    """

    event: AnyEvent
    body: dict[str, JSON]
    fields: int
    place: int
    overwritten: bool = False


def prepare(
    connection: sa.Connection,
    stage: str,
    event_id: str,
    *,
    by: str,
    at: str,
    reason: str,
    sign: Signing | None,
) -> tuple[int, Erasure]:
    """Return the event's place and the erasure as it would be recorded; nothing is written.

    Raises:
        AppendOnly: It was erased already.
        InvalidInput: There is no such event, it never had a personal payload, or who, when or why is missing.
    """
    if not reason.strip() or not re.fullmatch(ID_PATTERN, by):
        raise InvalidInput("An erasure says who asks for it, as an actor's id, and why.")
    instant(at)
    place, event = find_event(connection, stage, event_id)
    if event.personal is None:
        raise InvalidInput(
            f"Event {event_id!r} never had a personal payload.",
            hint="What an event itself says is never erased.",
        )
    payload = connection.execute(
        sa.select(PERSONAL_PAYLOADS.c.body).where(PERSONAL_PAYLOADS.c.event_place == place)
    ).scalar()
    if payload is None:
        raise AppendOnly(
            f"The personal payload of {event_id!r} was erased already.", hint="Nothing is left to do."
        )
    personal = json_object(payload)
    if any(text.strip() in reason for text in _texts(personal)):
        raise InvalidInput(
            "The reason repeats something of what is to be erased, and a reason is kept and published for ever.",
            hint="Say why without naming or describing the person.",
        )
    body: dict[str, JSON] = {
        "at": at, "by": by, "event": event.digest(), "personal": event.personal, "reason": reason,
    }  # fmt: skip
    last = log.log_size(connection)
    if sign is not None:
        body["signature"] = sign(dict(body), key_ring(connection), last).as_json()
    return place, Erasure(event, body, len(personal), last)


def record(connection: sa.Connection, event_place: int, erasure: Erasure) -> None:
    """Record a prepared erasure and delete the payload."""
    body = erasure.body
    place = log.append_leaves(connection, [("erasure", digest_json(DOMAIN, body))])
    row = {"place": place, "event_place": event_place, "body": canonical_bytes(body).decode()}
    connection.execute(sa.insert(ERASURES), [row])
    connection.execute(sa.delete(PERSONAL_PAYLOADS).where(PERSONAL_PAYLOADS.c.event_place == event_place))


def find_event(connection: sa.Connection, stage: str, event_id: str) -> tuple[int, AnyEvent]:
    """Return an event with its place.

    Raises:
        InvalidInput: There is none.
    """
    row = connection.execute(
        sa.select(EVENTS.c.place, EVENTS.c.body).where(EVENTS.c.stage == stage, EVENTS.c.id == event_id)
    ).one_or_none()
    if row is None:
        raise InvalidInput(f"There is no event {event_id!r} in stage {stage!r}.")
    return row.place, Event.from_json(parse_json(row.body))


def _texts(value: JSON) -> Iterator[str]:
    """Yield every text of a value that is long enough to tell something."""
    if isinstance(value, str) and len(value.strip()) > 1:
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
