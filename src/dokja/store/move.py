"""Move a store from one database to another, SQLite to PostgreSQL or back, with one root before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import sqlalchemy as sa

from dokja.errors import NotAllowed, StoreDamaged
from dokja.progress import Progress, unheard
from dokja.store.database import Database
from dokja.store.integrity import Integrity, recompute
from dokja.store.schema import LEAVES, TABLES

_ROWS_AT_ONCE = 500


def move_store(source: str, target: str, progress: Progress = unheard) -> Integrity:
    """Copy everything into an empty database and recompute the log there; the source is left as it is.

    Args:
        source: Address of the store.
        target: Address of a database that is empty or has only empty tables.
        progress: Told of each table, rows done, and rows in all.

    Raises:
        NotAllowed: The target holds something.
        StoreDamaged: The source's rows do not give its log; nothing was copied.
    """
    old, new = Database(source), Database(target, create=True)
    try:
        # The writer's lock on the source: nothing may be appended to it while it is copied.
        with old.writing() as reading, new.writing() as writing:
            before = recompute(reading, progress)
            require_empty(writing)
            for table in TABLES:
                insert_rows(writing, table, rows_of(reading, table, progress))
            after = recompute(writing, progress)
            if after != before:
                raise StoreDamaged(f"The copy's log has the root {after.root}, the source's {before.root}.")
            return after
    finally:
        old.close()
        new.close()


def require_empty(connection: sa.Connection) -> None:
    """Require that a database holds no rows.

    Raises:
        NotAllowed: It does.
    """
    for table in TABLES:
        if connection.execute(sa.select(sa.literal(1)).select_from(table)).first() is not None:
            raise NotAllowed(
                f"The target database is not empty: {table.name} has rows.", hint="Give an empty one."
            )


def rows_of(
    connection: sa.Connection, table: sa.Table, progress: Progress = unheard
) -> Iterator[Mapping[str, Any]]:
    """Yield a table's rows in the order of its key."""
    total = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    query = sa.select(table).order_by(*table.primary_key.columns)
    found = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
    for done, row in enumerate(found):
        progress(table.name, done, total)
        yield dict(row._mapping)


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows a few at a time; leaves one by one, for each must find the one before it in place."""
    remaining, at_once = iter(rows), 1 if table is LEAVES else _ROWS_AT_ONCE
    while batch := [dict(row) for row in islice(remaining, at_once)]:
        connection.execute(sa.insert(table), batch)
