"""Recompute a whole store from its rows, and say what no longer fits: after a restore, a move, or a suspicion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from dokja import merkle
from dokja.canonical import digest_bytes, digest_json, parse_json
from dokja.errors import DokjaError, StoreDamaged
from dokja.progress import Progress, unheard
from dokja.record.events import Event, PersonalPayload
from dokja.signature import KeyRing
from dokja.signature.note import parse_head
from dokja.store import log
from dokja.store.events import Leaf, read_leaves
from dokja.store.schema import BLOBS, CHECKPOINTS, ERASURES, EVENTS, LEAVES, LOG_NODES, PERSONAL_PAYLOADS


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a store holds, recomputed.

    Args:
        size: Number of leaves of the log.
        root: Root of the log in hex digits, from what was recorded and not from stored hashes.
    """

    size: int
    root: str


def recompute(connection: sa.Connection, progress: Progress = unheard) -> Integrity:
    """Return the log's size and root, recomputed from everything that was recorded.

    Args:
        connection: To the store.
        progress: Told of each table looked at, rows done, and rows in all.

    Raises:
        StoreDamaged: A row does not fit the others; the sentence names the first.
    """
    leaves = list(read_leaves(connection))
    for place, leaf in enumerate(leaves):
        if leaf.place != place:
            raise StoreDamaged(f"The log has no leaf at place {place}.")
        progress(LEAVES.name, place, len(leaves))
        if _digest_of(leaf) != leaf.digest:
            raise StoreDamaged(f"What is recorded at place {place} is not what the log carries there.")
    root = _require_nodes(connection, leaves)
    for problem in (*_columns(connection), *_strays(connection), *_payloads(connection), *_files(connection)):
        raise StoreDamaged(problem)
    _require_checkpoints(connection, leaves, progress)
    KeyRing.replay((leaf.place, leaf.body) for leaf in leaves if leaf.kind == "key")
    return Integrity(len(leaves), root.hex())


def _digest_of(leaf: Leaf) -> str:
    if leaf.kind == "key":
        return digest_json("key_statement", leaf.body)
    if leaf.kind == "erasure":
        return digest_json("erasure", leaf.body)
    try:
        return Event.from_json(leaf.body).digest()
    except DokjaError:
        return ""


def _require_nodes(connection: sa.Connection, leaves: list[Leaf]) -> bytes:
    """Return the root; require that exactly the perfect subtrees of these leaves are stored."""
    nodes: dict[tuple[int, int], bytes] = {}
    for place, leaf in enumerate(leaves):
        for level, at, value in merkle.completed_nodes(
            place, log.leaf_of(leaf.digest), lambda *key: nodes[key]
        ):
            nodes[level, at] = value
    stored = {(row.level, row.position): bytes(row.hash) for row in connection.execute(sa.select(LOG_NODES))}
    if stored != nodes:
        wrong = min(key for key in stored.keys() | nodes.keys() if stored.get(key) != nodes.get(key))
        raise StoreDamaged(
            f"The log's stored node {wrong[1]} of level {wrong[0]} is not the one of its leaves."
        )
    return merkle.root_of(log.leaf_of(leaf.digest) for leaf in leaves)


def _columns(connection: sa.Connection) -> Iterator[str]:
    for row in connection.execute(sa.select(EVENTS).order_by(EVENTS.c.place)):
        event = Event.from_json(parse_json(row.body))
        said = (event.stage, event.id, event.kind, event.supersedes, event.personal)
        if said != (row.stage, row.id, row.kind, row.supersedes, row.personal):
            yield f"The columns of event {row.id!r} do not say what the event says."


def _strays(connection: sa.Connection) -> Iterator[str]:
    """Yield rows whose leaf is of another kind; a foreign key alone cannot tell."""
    for kind, table in (("event", "events"), ("key", "key_statements"), ("erasure", "erasures")):
        query = f"SELECT count(*) FROM {table} JOIN leaves USING (place) WHERE leaves.kind <> '{kind}'"  # noqa: S608
        if connection.execute(sa.text(query)).scalar():
            yield f"The table {table} holds rows that the log does not carry as {kind}."


def _payloads(connection: sa.Connection) -> Iterator[str]:
    erased = set(connection.execute(sa.select(ERASURES.c.event_place)).scalars())
    payloads = {row.event_place: row for row in connection.execute(sa.select(PERSONAL_PAYLOADS))}
    query = sa.select(EVENTS.c.place, EVENTS.c.id, EVENTS.c.personal)
    for place, event_id, digest in connection.execute(query.where(EVENTS.c.personal.is_not(None))):
        row = payloads.pop(place, None)
        if (row is None) != (place in erased):
            yield f"The personal payload of event {event_id!r} is missing without an erasure, or came back after one."
        elif row is not None:
            value = parse_json(row.body)
            known = (
                isinstance(value, dict) and PersonalPayload(bytes.fromhex(row.salt), value).digest() == digest
            )
            if not known:
                yield f"The personal payload of event {event_id!r} is not the one that was recorded."
    if payloads:
        yield f"{len(payloads)} personal payloads belong to no event."


def _files(connection: sa.Connection) -> Iterator[str]:
    for digest, body in connection.execute(sa.select(BLOBS.c.digest, BLOBS.c.body)):
        if digest_bytes(bytes(body)) != digest:
            yield f"The file kept under {digest} has other bytes."


def _require_checkpoints(connection: sa.Connection, leaves: list[Leaf], progress: Progress) -> None:
    notes = log.checkpoints(connection)
    for done, note in enumerate(notes):
        progress(CHECKPOINTS.name, done, len(notes))
        checkpoint = parse_head(note)
        root = merkle.root_of(log.leaf_of(leaf.digest) for leaf in leaves[: checkpoint.size])
        if checkpoint.size > len(leaves) or root != checkpoint.root:
            raise StoreDamaged(f"The log no longer begins with the {checkpoint.size} leaves it signed.")
