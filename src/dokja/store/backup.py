"""Back up a store into one file, and restore it into any empty database, checked by recomputing the log's root.

The file is lines of canonical JSON: a head, one line per row, and a foot with the log's size, its root and the digest of
all lines before. It holds personal payloads, so only its owner can read it, and it must not outlive their erasure.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput, StoreDamaged, Unavailable, UnreadableArtifact
from dokja.progress import Progress, unheard
from dokja.store.database import Database
from dokja.store.integrity import Integrity, recompute
from dokja.store.move import insert_rows, require_empty, rows_of
from dokja.store.schema import HEAD, TABLES

_FORMAT = "dokja/backup/1"
_MOST_LINE_BYTES = 256 << 20


def backup_store(url: str, path: Path, progress: Progress = unheard) -> Integrity:
    """Write everything to a new file and return the state of the log it holds.

    Args:
        url: Address of the store.
        path: The file.
        progress: Told of each table, rows done, and rows in all.

    Raises:
        InvalidInput: The file exists.
        StoreDamaged: The store's rows do not give its log; a backup of that would hide it.
    """
    if path.exists():
        raise InvalidInput(f"{path} exists already; a backup is never overwritten.")
    database, unfinished = Database(url), path.with_name(path.name + ".unfinished")
    try:
        with database.reading() as connection:
            found = recompute(connection, progress)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                _write(file, connection, found, progress)
                file.flush()
                os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise Unavailable(f"The backup cannot be written: {error.strerror}.") from error
    finally:
        database.close()
        unfinished.unlink(missing_ok=True)
    return found


def restore_store(path: Path, url: str, progress: Progress = unheard) -> Integrity:
    """Fill an empty database from a backup, all of it or nothing, and return the log's recomputed state.

    Args:
        path: The backup.
        url: Address of the database.
        progress: Told of each table recomputed, rows done, and rows in all.

    Raises:
        UnreadableArtifact: The file is not a backup, is cut short, or was changed.
        NotAllowed: The database is not empty.
        StoreDamaged: What was restored does not give the root the backup names.
    """
    database = Database(url, create=True)
    try:
        with path.open("rb") as file, database.writing() as connection:
            require_empty(connection)
            expected = _require_intact(file)
            file.seek(0)
            _fill(file, connection)
            found = recompute(connection, progress)
            if found != expected:
                raise StoreDamaged(
                    f"The restored log has the root {found.root}, the backup names {expected.root}."
                )
            return found
    except OSError as error:
        raise Unavailable(f"The backup {path} cannot be read: {error.strerror}.") from error
    finally:
        database.close()


def _write(file: BinaryIO, connection: sa.Connection, found: Integrity, progress: Progress) -> None:
    state = hashlib.sha256()

    def line(value: Mapping[str, object]) -> None:
        encoded = canonical_bytes(value) + b"\n"
        state.update(encoded)
        file.write(encoded)

    line({"format": _FORMAT, "revision": HEAD})
    for table in TABLES:
        for row in rows_of(connection, table, progress):
            line({"table": table.name, "row": {name: _encoded(value) for name, value in row.items()}})
    line({"size": found.size, "root": found.root, "lines": "sha256:" + state.hexdigest()})


def _require_intact(file: BinaryIO) -> Integrity:
    """Return the state of the log the foot names; require that the file is whole and every line as it was written."""
    state, last = hashlib.sha256(), b""
    while line := file.readline(_MOST_LINE_BYTES):
        state.update(last)
        last = line
    try:
        foot = parse_json(last)
    except InvalidInput:
        foot = None
    if not isinstance(foot, dict) or set(foot) != {"size", "root", "lines"} or not last.endswith(b"\n"):
        raise UnreadableArtifact("The backup has no foot: it is cut short, or is no backup.")
    size, root = foot["size"], foot["root"]
    if (
        foot["lines"] != "sha256:" + state.hexdigest()
        or not isinstance(size, int)
        or not isinstance(root, str)
    ):
        raise UnreadableArtifact("The backup was changed: its lines have another digest than its foot says.")
    return Integrity(size, root)


def _fill(file: BinaryIO, connection: sa.Connection) -> None:
    """Insert the rows of a backup that is known to be whole."""
    if parse_json(file.readline()) != {"format": _FORMAT, "revision": HEAD}:
        raise UnreadableArtifact(f"This is not a backup {_FORMAT} of tables at revision {HEAD}.")
    rows = groupby(map(_row, file), key=lambda row: row[0])
    tables = {table.name: table for table in TABLES}
    for name, of_table in rows:
        if name in tables:
            insert_rows(connection, tables[name], (row for _, row in of_table))


def _row(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return (table, row) of a line; the foot belongs to no table."""
    value = parse_json(line)
    if not isinstance(value, dict) or not isinstance(value.get("row"), dict):
        return "", {}
    row = value["row"]
    assert isinstance(row, dict)
    return str(value["table"]), {name: _decoded(inner) for name, inner in row.items()}


def _encoded(value: object) -> object:
    return {"hex": bytes(value).hex()} if isinstance(value, (bytes, memoryview)) else value


def _decoded(value: JSON) -> object:
    return bytes.fromhex(str(value["hex"])) if isinstance(value, dict) else value
