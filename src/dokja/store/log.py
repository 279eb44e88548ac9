"""The transparency log in the database: append leaves, prove them, and sign the log's state.

A leaf is the 32 bytes of the digest of what was recorded. Every function takes a connection, so that a leaf and what it
stands for are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from dokja import merkle
from dokja.errors import InvalidInput, StoreDamaged
from dokja.signature import SigningKey
from dokja.signature.note import (
    Note,
    NoteKey,
    SignedHead,
    parse_head,
    parse_note,
    sign_head,
)
from dokja.store.schema import CHECKPOINTS, LEAVES, LOG_NODES


def leaf_of(digest: str) -> bytes:
    """Return the leaf hash of something recorded under a digest `sha256:<64 hex digits>`."""
    return merkle.leaf_hash(bytes.fromhex(digest.removeprefix("sha256:")))


def log_size(connection: sa.Connection) -> int:
    """Return the number of leaves."""
    last = connection.execute(sa.select(sa.func.max(LEAVES.c.place))).scalar()
    return 0 if last is None else int(last) + 1


def append_leaves(connection: sa.Connection, leaves: Sequence[tuple[str, str]]) -> int:
    """Append (kind, digest) leaves and the subtrees they complete; return the place of the first.

    The connection must be a writing one: places are given by the size read here.
    """
    first = log_size(connection)
    fresh: dict[tuple[int, int], bytes] = {}
    stored = _Nodes(connection)

    def node(level: int, position: int) -> bytes:
        return fresh.get((level, position)) or stored(level, position)

    for place, (_, digest) in enumerate(leaves, start=first):
        for level, position, value in merkle.completed_nodes(place, leaf_of(digest), node):
            fresh[level, position] = value
    if leaves:
        connection.execute(
            sa.insert(LEAVES),
            [{"place": p, "kind": kind, "digest": d} for p, (kind, d) in enumerate(leaves, start=first)],
        )
        connection.execute(
            sa.insert(LOG_NODES),
            [{"level": level, "position": at, "hash": value} for (level, at), value in fresh.items()],
        )
    return first


def log_root(connection: sa.Connection, size: int | None = None) -> bytes:
    """Return the root of the first `size` leaves (all of them by default), from O(log n) subtrees."""
    return merkle.root_at(log_size(connection) if size is None else size, _Nodes(connection))


def prove_inclusion(connection: sa.Connection, place: int, size: int) -> list[bytes]:
    """Return the proof that the leaf at a place is in the tree of the first `size` leaves."""
    _require_size(connection, size)
    return merkle.inclusion_proof(place, size, _Nodes(connection))


def prove_inclusions(connection: sa.Connection, places: Sequence[int], size: int) -> list[list[bytes]]:
    """Return the proofs of many places at once, reading the tree once."""
    _require_size(connection, size)
    rows = connection.execute(sa.select(LOG_NODES))
    nodes = {(row.level, row.position): bytes(row.hash) for row in rows}
    return [merkle.inclusion_proof(place, size, lambda *node: nodes[node]) for place in places]


def prove_consistency(connection: sa.Connection, old: int, new: int) -> list[bytes]:
    """Return the proof that the log of `old` leaves is a beginning of the log of `new` leaves."""
    _require_size(connection, new)
    return merkle.consistency_proof(old, new, _Nodes(connection))


def checkpoints(connection: sa.Connection) -> list[Note]:
    """Return every signed state of the log, oldest first."""
    notes = connection.execute(sa.select(CHECKPOINTS.c.note).order_by(CHECKPOINTS.c.number)).scalars()
    return [parse_note(note) for note in notes]


def append_checkpoint(connection: sa.Connection, origin: str, key: SigningKey) -> Note:
    """Sign the log's present state and keep the note; return the last one if nothing was appended since.

    Raises:
        StoreDamaged: The log is no longer consistent with what was signed before. A log signs one history only.
        InvalidInput: Earlier checkpoints were signed under another origin.
    """
    size, root = log_size(connection), log_root(connection)
    signed = checkpoints(connection)
    for note in signed:
        before = parse_head(note)
        if before.origin != origin:
            raise InvalidInput(f"This log has signed as {before.origin}, so it cannot sign as {origin}.")
        if before.size > size or log_root(connection, before.size) != before.root:
            raise StoreDamaged(f"The log no longer begins with the {before.size} leaves it signed before.")
    if signed and parse_head(signed[-1]).size == size and signed[-1].signed_by(NoteKey(origin, key.id)):
        return signed[-1]
    note = sign_head(SignedHead(origin, size, root), key)
    keep_checkpoint(connection, note)
    return note


def keep_checkpoint(connection: sa.Connection, note: Note) -> None:
    """Keep a signed state of this log, such as one that a witness has cosigned.

    Raises:
        StoreDamaged: It is not a state this log was ever in.
    """
    checkpoint = parse_head(note)
    _require_size(connection, checkpoint.size)
    if log_root(connection, checkpoint.size) != checkpoint.root:
        raise StoreDamaged(f"This checkpoint has another root than this log had at {checkpoint.size} leaves.")
    number = connection.execute(sa.select(sa.func.count()).select_from(CHECKPOINTS)).scalar_one()
    connection.execute(sa.insert(CHECKPOINTS).values(number=number, size=checkpoint.size, note=note.render()))


class _Nodes:
    """Perfect subtrees, read from the database when asked for."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def __call__(self, level: int, position: int) -> bytes:
        query = sa.select(LOG_NODES.c.hash).where(
            LOG_NODES.c.level == level, LOG_NODES.c.position == position
        )
        found = self._connection.execute(query).scalar()
        if found is None:
            raise StoreDamaged(f"The log's node {position} of level {level} is missing.")
        return bytes(found)


def _require_size(connection: sa.Connection, size: int) -> None:
    if size > log_size(connection):
        raise InvalidInput(f"The log has {log_size(connection)} leaves, not {size}.")
