"""Migrations go up and down with data in them, and make exactly the tables the code uses."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dokja.errors import AppendOnly, DatabaseUnavailable, NotAllowed, StoreDamaged
from dokja.store import log
from dokja.store.database import Database, database_revision, migrate_database
from dokja.store.events import Store
from dokja.store.integrity import recompute
from dokja.store.schema import HEAD, METADATA
from tests.store.made import event


def plain_engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def test_the_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    engine = plain_engine(store.database.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
    engine.dispose()
    assert differences == []


def test_data_survives_every_revision_down_and_up_again(store: Store) -> None:
    url = store.database.url
    events = [event(n) for n in range(5)]
    for e in events:
        store.append(e)
    with store.database.reading() as connection:
        before = recompute(connection)
    store.close()
    for revision in ("0002", "0001"):
        migrate_database(url, revision, down=True)
        assert database_revision(url) == revision
        with pytest.raises(DatabaseUnavailable, match="revision"):
            Store(url)
    for revision in ("0002", HEAD):
        migrate_database(url, revision)
    again = Store(url)
    assert again.events("stage-1") == tuple(events)
    with again.database.reading() as connection:
        assert recompute(connection) == before
    again.append(event(9))
    again.close()


def test_going_down_never_loses_a_row(store: Store) -> None:
    store.append(event(1))
    store.blobs.put(b"minutes")
    for revision, lost in (("0001", "1 files"), ("base", "files")):
        with pytest.raises(NotAllowed, match=lost):
            migrate_database(store.database.url, revision, down=True)
    assert database_revision(store.database.url) == HEAD
    with store.database.reading() as connection:
        assert log.log_size(connection) == 1


def test_an_empty_database_goes_down_to_nothing(url: str) -> None:
    migrate_database(url)
    migrate_database(url, "base", down=True)
    assert database_revision(url) is None
    Store(url, create=True).close()


def test_the_refusals_are_part_of_every_revision(url: str) -> None:
    migrate_database(url)
    migrate_database(url, "0001", down=True)
    migrate_database(url)
    store = Store(url)
    store.append(event(1))
    with pytest.raises(AppendOnly), store.database.writing() as connection:
        connection.execute(sa.text("DELETE FROM events"))
    store.close()


def test_a_database_without_its_refusals_is_not_used(url: str) -> None:
    migrate_database(url)
    database = Database(url)
    engine = plain_engine(url)
    drop = "DROP TRIGGER refuse_update_events" + ("" if database.is_sqlite else " ON events")
    with engine.begin() as connection:
        connection.execute(sa.text(drop))
    engine.dispose()
    database.close()
    with pytest.raises(StoreDamaged, match="refuse_update_events"):
        Store(url)
