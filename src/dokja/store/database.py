"""Connections to the one database, SQLite or PostgreSQL: a reader sees one moment, a writer is alone.

- Every commit is on the disk before it returns (`synchronous=FULL`, `synchronous_commit=on`).
- Writers wait for each other: SQLite by BEGIN IMMEDIATE and a busy timeout, PostgreSQL by one advisory lock, taken
  before anything is read. So places in the log have no gaps and no order but that of commits.
- On SQLite the connections used here cannot drop a trigger or a table or edit the schema. Whoever opens the file with
  another program can; the signed checkpoints are there to show it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from dokja.errors import AppendOnly, DatabaseUnavailable, InvalidInput, StoreDamaged
from dokja.store.migrations import migrate
from dokja.store.schema import HEAD, PERSONAL_PAYLOADS, PROPOSALS, TABLES

_WAIT_SECONDS = 30
# Overwriting waits less: what was asked for is recorded by then, and overwriting can be done again.
_OVERWRITE_WAIT_SECONDS = 3
_WRITER_LOCK = 0x646F6B6A61  # "dokja"
_DELETED_FROM = PERSONAL_PAYLOADS.name, PROPOSALS.name
_DENIED = {
    getattr(sqlite3, name)
    for name in (
        "SQLITE_DROP_TRIGGER", "SQLITE_DROP_TABLE", "SQLITE_ALTER_TABLE", "SQLITE_ATTACH", "SQLITE_DETACH",
        "SQLITE_CREATE_TRIGGER", "SQLITE_CREATE_TEMP_TRIGGER", "SQLITE_DROP_TEMP_TRIGGER",
    )
}  # fmt: skip


class Database:
    """One database at one address, migrated to the tables of `schema`.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`.
        create: Whether an empty database is given its tables; otherwise it is refused.

    Raises:
        InvalidInput: Another kind of address.
        DatabaseUnavailable: It cannot be reached, is empty, or was not migrated to this version.
        StoreDamaged: Its refusals to change rows are gone.
    """

    def __init__(self, url: str, *, create: bool = False) -> None:
        self.url = url
        self._engine = _engine(url, guarded=True, may_create=create)
        if create and database_revision(url) is None:
            migrate_database(url)
        self._require_current()

    @property
    def is_sqlite(self) -> bool:
        """Return whether this is SQLite rather than PostgreSQL."""
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one moment of the database and changes nothing."""
        with _translated(), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield a connection that writes alone; what it wrote is on the disk when the block ends, or not at all."""
        with _translated(), self._engine.connect() as connection:
            connection = connection.execution_options(dokja_writes=True)
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"))
                yield connection

    def overwrite_deleted(self) -> bool:
        """Write the tables that rows are deleted from anew, so that what was deleted is in no byte of their files.

        Deleting leaves old bytes in pages that were split or merged before: on SQLite in spite of `secure_delete`, on
        PostgreSQL always.

        Returns:
            False where old bytes may still lie there: somebody else reads or records, or this role does not own the
            tables. Nothing is wrong with the database then, and it can be done later.
        """
        engine = _engine(self.url, guarded=False)
        try:
            connection = engine.raw_connection()
            try:
                raw: Any = connection.driver_connection
                return _overwrite_sqlite(raw) if self.is_sqlite else _overwrite_postgresql(raw)
            finally:
                connection.close()
        except (engine.dialect.loaded_dbapi.OperationalError, sa.exc.OperationalError):
            return False
        finally:
            engine.dispose()

    def _require_current(self) -> None:
        with self.reading() as connection:
            revision = _revision(connection)
            if revision != HEAD:
                raise DatabaseUnavailable(
                    f"The database has tables of revision {revision}, this dokja needs {HEAD}.",
                    hint="Back it up with the dokja that wrote it, or copy the database as it lies; then run: dokja store migrate",
                )
            missing = _expected_refusals(self.is_sqlite) - _refusals(connection, self.is_sqlite)
        if missing:
            raise StoreDamaged(
                f"The database no longer refuses changes: {', '.join(sorted(missing))} are gone."
            )


def migrate_database(url: str, revision: str = "head", *, down: bool = False) -> None:
    """Bring the tables of a database to a revision, with the rows in them, or change nothing.

    Raises:
        NotAllowed: Going down would lose rows.
        DatabaseUnavailable, InvalidInput: As for `Database`.
    """
    engine = _engine(url, guarded=False, may_create=True)
    try:
        with _translated(), engine.connect() as connection:
            connection = connection.execution_options(dokja_writes=True)
            with connection.begin():
                if engine.dialect.name != "sqlite":
                    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"))
                migrate(connection, revision, down=down)
    finally:
        engine.dispose()


def database_revision(url: str) -> str | None:
    """Return the revision the tables of a database are at; None when it has none."""
    engine = _engine(url, guarded=False)
    try:
        with _translated(), engine.connect() as connection:
            return _revision(connection)
    finally:
        engine.dispose()


def _engine(url: str, *, guarded: bool, may_create: bool = False) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise InvalidInput(f"{url!r} is not the address of a database.") from error
    kind = parsed.get_backend_name()
    if kind == "postgresql":
        return _postgresql(parsed.set(drivername="postgresql+psycopg"))
    if kind != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise InvalidInput(
            f"{parsed.render_as_string()} is neither sqlite:///FILE nor postgresql://USER@HOST/NAME."
        )
    _require_file(Path(parsed.database), may_create=may_create)
    # One connection is kept open: to open one anew for every event costs more than to record it.
    engine = sa.create_engine(
        parsed.set(drivername="sqlite+pysqlite"), poolclass=sa.QueuePool, pool_size=1, max_overflow=-1
    )
    event.listen(engine, "connect", _guarded_sqlite if guarded else _plain_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _require_file(path: Path, *, may_create: bool) -> None:
    """Require a SQLite file; a new one, and with it its write-ahead log, is its owner's alone: it holds personal data."""
    if path.exists():
        return
    if not may_create:
        raise DatabaseUnavailable(f"There is no database {path}.")
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise DatabaseUnavailable(f"The database {path} cannot be made: {error.strerror}.") from error


def _postgresql(url: sa.URL) -> sa.Engine:
    settings = f"-c synchronous_commit=on -c lock_timeout={_WAIT_SECONDS}s -c client_encoding=UTF8"
    try:
        return sa.create_engine(
            url, connect_args={"options": settings, "connect_timeout": _WAIT_SECONDS}, pool_pre_ping=True
        )
    except ModuleNotFoundError:
        raise DatabaseUnavailable(
            "PostgreSQL needs the psycopg package.", hint="Run: pip install 'dokja[stage,postgres]'"
        ) from None


def _plain_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    for setting in (
        f"busy_timeout={_WAIT_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
        "trusted_schema=OFF", "recursive_triggers=ON", "secure_delete=ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {setting}")


def _guarded_sqlite(connection: sqlite3.Connection, record: object) -> None:
    _plain_sqlite(connection, record)
    connection.set_authorizer(_authorize)


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    changes_settings = action == sqlite3.SQLITE_PRAGMA and second is not None and first != "table_info"
    return sqlite3.SQLITE_DENY if action in _DENIED or changes_settings else sqlite3.SQLITE_OK


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("dokja_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _overwrite_sqlite(raw: Any) -> bool:
    """Write the whole file anew and empty the write-ahead log; return whether nobody was reading old pages of it."""
    raw.execute(f"PRAGMA busy_timeout={_OVERWRITE_WAIT_SECONDS * 1000}")
    raw.execute("VACUUM")
    busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return bool(busy == 0)


def _overwrite_postgresql(raw: Any) -> bool:
    """Write the tables rows are deleted from anew; return whether nothing that was deleted was copied along."""
    raw.autocommit = True
    raw.execute(f"SET lock_timeout = '{_OVERWRITE_WAIT_SECONDS}s'")
    owned = "SELECT bool_and(pg_has_role(current_user, relowner, 'USAGE')) FROM pg_class WHERE oid = ANY(%s::regclass[])"
    if not raw.execute(owned, [list(_DELETED_FROM)]).fetchone()[0]:
        return False
    kept: list[str | None] = []
    raw.add_notice_handler(lambda notice: kept.append(notice.message_detail))
    for table in _DELETED_FROM:
        raw.execute(f"VACUUM (FULL, VERBOSE) {table}")
    # The detail begins with how many deleted rows were kept, because somebody still sees an earlier moment.
    counts = [detail for detail in kept if detail]
    return len(counts) == len(_DELETED_FROM) and all(re.match(r"0\D", count) for count in counts)


_NO_TEXT = "The database cannot be read: a row is no text."


@contextmanager
def _translated() -> Iterator[None]:
    """Turn a driver's errors into ours."""
    try:
        yield
    except sa.exc.IntegrityError as error:
        sentence = str(error.orig).splitlines()[0]
        raise AppendOnly(f"The database refused this: {sentence}.") from error
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError) as error:
        if str(error.orig).startswith("Could not decode"):
            raise StoreDamaged(_NO_TEXT) from error  # SQLite's sentence would quote the row, sealed or not
        raise DatabaseUnavailable(
            f"The database cannot be used: {str(error.orig).splitlines()[0]}."
        ) from error
    except sa.exc.DatabaseError as error:
        raise StoreDamaged(f"The database cannot be read: {str(error.orig).splitlines()[0]}.") from error
    except UnicodeDecodeError as error:
        raise StoreDamaged(_NO_TEXT) from error


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: Any = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _expected_refusals(is_sqlite: bool) -> set[str]:
    operations = ["insert", "update", "delete", *([] if is_sqlite else ["truncate"])]
    return {f"refuse_{operation}_{table.name}" for table in TABLES for operation in operations}


def _refusals(connection: sa.Connection, is_sqlite: bool) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'"
    )
    return set(connection.execute(sa.text(query)).scalars())
