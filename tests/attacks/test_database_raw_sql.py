"""Somebody with a connection to the database tries to change what was recorded. The database itself refuses."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from dokja import merkle
from dokja.errors import StoreDamaged
from dokja.signature import SigningKey
from dokja.signature.note import NoteKey, parse_head
from dokja.store import log
from dokja.store.events import Store
from dokja.store.integrity import recompute
from dokja.store.proposals import Waiting
from dokja.store.recording import StoredEvent
from tests.store.made import AT, LOG_KEY, ORIGIN, event, first_key, person
from tests.store.postgres import Server, private_server

# Each must fail on both databases.
ATTACKS = {
    "rewrite an event": "UPDATE events SET body = '{}' WHERE id = 'e1'",
    "rewrite nothing much": "UPDATE events SET signature = signature",
    "remove an event": "DELETE FROM events WHERE id = 'e1'",
    "remove everything": "DELETE FROM events",
    "rewrite a leaf": "UPDATE leaves SET kind = 'key'",
    "remove the last leaf": "DELETE FROM leaves WHERE place = (SELECT max(place) FROM leaves)",
    "append a leaf with a gap": "INSERT INTO leaves VALUES (999, 'event', 'sha256:' || '{hex}')",
    "insert a leaf in the past": "INSERT INTO leaves VALUES (-1, 'event', 'sha256:' || '{hex}')",
    "insert over a leaf": "INSERT INTO leaves VALUES (0, 'event', 'sha256:' || '{hex}')",
    "insert a leaf of no kind": "INSERT INTO leaves VALUES ({next}, 'other', 'sha256:' || '{hex}')",
    "upsert over an event": "INSERT INTO events (place, stage, id, kind, body) VALUES (1, 'stage-1', 'e1', 'x', '{{}}') "
    "ON CONFLICT (place) DO UPDATE SET body = excluded.body",
    "upsert in silence": "INSERT INTO events (place, stage, id, kind, body) VALUES (1, 'stage-1', 'e1', 'x', '{{}}') "
    "ON CONFLICT DO NOTHING",
    "a second event with the id": "INSERT INTO events (place, stage, id, kind, body) VALUES (0, 'stage-1', 'e1', 'x', '{{}}')",
    "a second correction": "INSERT INTO events (place, stage, id, kind, supersedes, body) "
    "VALUES (0, 'stage-1', 'new', 'x', 'e1', '{{}}')",
    "an event without a leaf": "INSERT INTO events (place, stage, id, kind, body) VALUES (777, 'stage-1', 'n', 'x', '{{}}')",
    "erase a person without a record": "DELETE FROM personal_payloads",
    "rewrite a person": "UPDATE personal_payloads SET body = '{{}}'",
    "give an event a person later": "INSERT INTO personal_payloads VALUES (1, '00', '{{}}')",
    "bring an erased person back": "INSERT INTO personal_payloads VALUES (4, '00', '{{}}')",
    "record an erasure of nothing": "INSERT INTO erasures VALUES (1, 1, '{{}}')",
    "rewrite an erasure": "UPDATE erasures SET body = '{{}}'",
    "remove an erasure": "DELETE FROM erasures",
    "rewrite a key statement": "UPDATE key_statements SET body = '{{}}'",
    "remove a key statement": "DELETE FROM key_statements",
    "rewrite a tree node": "UPDATE log_nodes SET level = level + 1",
    "remove a tree node": "DELETE FROM log_nodes",
    "rewrite a checkpoint": "UPDATE checkpoints SET note = 'x'",
    "remove a checkpoint": "DELETE FROM checkpoints",
    "rewrite a file": "UPDATE blobs SET digest = 'x'",
    "remove a file": "DELETE FROM blobs",
    "rewrite what people may sign": "UPDATE proposals SET body = '{{}}'",
    "make a proposed decision one that may go": "UPDATE proposals SET kind = 'event'",
    "remove a proposed decision": "DELETE FROM proposals WHERE kind = 'decision'",
    "remove whatever waits": "DELETE FROM proposals",
}
ON_SQLITE = {
    "replace an event": "INSERT OR REPLACE INTO events (place, stage, id, kind, body) VALUES (1, 'stage-1', 'e1', 'x', '{{}}')",
    "replace by id": "REPLACE INTO events (place, stage, id, kind, body) VALUES (0, 'stage-1', 'e1', 'x', '{{}}')",
    "replace a leaf": "INSERT OR REPLACE INTO leaves VALUES (0, 'event', 'sha256:' || '{hex}')",
    "replace a node": "INSERT OR REPLACE INTO log_nodes VALUES (0, 0, zeroblob(32))",
    "replace a checkpoint": "INSERT OR REPLACE INTO checkpoints VALUES (0, 1, 'x')",
    "replace a file": "INSERT OR REPLACE INTO blobs SELECT digest, zeroblob(1) FROM blobs",
    "replace a person": "INSERT OR REPLACE INTO personal_payloads VALUES (3, '00', '{{}}')",
    "replace an erasure": "INSERT OR REPLACE INTO erasures SELECT place, event_place, '' FROM erasures",
    "replace a proposed decision": "INSERT OR REPLACE INTO proposals SELECT digest, stage, 'event', body FROM proposals",
    "update or replace": "UPDATE OR REPLACE events SET id = 'e2' WHERE id = 'e1'",
    "update or ignore": "UPDATE OR IGNORE events SET body = '{{}}'",
}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE events CASCADE",
    "truncate the log": "TRUNCATE leaves, log_nodes, checkpoints CASCADE",
    "truncate what waits": "TRUNCATE proposals",
    "truncate people": "TRUNCATE personal_payloads",
    "play a replica": "SET session_replication_role = replica; DELETE FROM events",
    "play a replica and truncate": "SET session_replication_role = replica; TRUNCATE blobs",
    "merge": "MERGE INTO events USING (SELECT 'e1' AS id) s ON events.id = s.id WHEN MATCHED THEN DELETE",
    "write through a common table": "WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone",
}


def fill(store: Store) -> None:
    """Key at 0, events e1..e4 at 1..4 (persons at 3 and 4), the second erased, a file, a checkpoint, a correction, a proposal."""
    store.add_key_statement(first_key())
    for n in range(1, 5):
        personal = person(str(n)) if n > 2 else None
        store.append(event(n, personal=personal.digest() if personal else None), personal=personal)
    store.erase("stage-1", "e4", by="office", at=AT, reason="asked")
    store.append(event(6, supersedes="e1"))
    store.blobs.put(b"minutes")
    store.proposals.put(Waiting("sha256:" + "d" * 64, "stage-1", "decision", {}))
    store.checkpoint(ORIGIN, LOG_KEY)


def spelt(attack: str) -> str:
    return attack.replace("{{}}", "{}").replace("{hex}", "f" * 64).replace("{next}", "7")


@pytest.fixture(scope="module")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("attacked") / "store.db"
    store = Store(f"sqlite:///{path}", create=True)
    fill(store)
    yield path
    with store.database.reading() as connection:
        assert recompute(connection).size == 7
    assert len(store.events("stage-1")) == 5
    store.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with private_server() as running:
        yield running


@pytest.fixture(scope="module")
def postgres_url(server: Server) -> Iterator[str]:
    url = server.fresh_database()
    store = Store(url, create=True)
    fill(store)
    yield url
    with store.database.reading() as connection:
        assert recompute(connection).size == 7
    store.close()


@pytest.mark.parametrize("attack", [*ATTACKS.values(), *ON_SQLITE.values()], ids=[*ATTACKS, *ON_SQLITE])
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_sqlite_refuses(attack: str, recursive: str, sqlite_file: Path) -> None:
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as raw:
        raw.execute(f"PRAGMA recursive_triggers = {recursive}")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("PRAGMA foreign_keys = OFF")
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(spelt(attack))


@pytest.mark.parametrize(
    "attack", [*ATTACKS.values(), *ON_POSTGRESQL.values()], ids=[*ATTACKS, *ON_POSTGRESQL]
)
def test_postgresql_refuses_even_the_superuser(attack: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as raw, pytest.raises(psycopg.errors.IntegrityError):
        raw.execute(spelt(attack))


@pytest.mark.parametrize(
    "trick",
    [
        "PRAGMA writable_schema = ON", "PRAGMA recursive_triggers = OFF", "PRAGMA foreign_keys = OFF",
        "PRAGMA ignore_check_constraints = ON", "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF",
        "DROP TRIGGER refuse_update_events", "DROP TABLE events", "ALTER TABLE events RENAME TO old",
        "ATTACH ':memory:' AS other",
    ],
)  # fmt: skip
def test_our_own_connections_cannot_be_talked_into_it(trick: str, sqlite_file: Path) -> None:
    store = Store(f"sqlite:///{sqlite_file}")
    with (
        pytest.raises(StoreDamaged, match="not authorized"),
        store.database.writing() as connection,
    ):
        connection.exec_driver_sql(trick)
    store.close()


def test_a_history_rewritten_whole_is_shown_by_what_was_signed_and_kept_elsewhere(tmp_path: Path) -> None:
    """Whoever has the file can take the refusals away and rewrite every hash; a signed checkpoint cannot be rewritten."""
    honest = Store(f"sqlite:///{tmp_path / 'honest.db'}", create=True)
    honest.append_all([StoredEvent(event(n)) for n in range(5)])
    kept_elsewhere = parse_head(honest.checkpoint(ORIGIN, LOG_KEY))

    forged = Store(f"sqlite:///{tmp_path / 'forged.db'}", create=True)
    forged.append_all([StoredEvent(event(n, payload={"team": f"x{n}", "name": "Forged"})) for n in range(6)])
    forged.checkpoint(ORIGIN, SigningKey(b"another key of the forger's own..."[:32]))
    with forged.database.reading() as connection:
        recompute(connection)  # in itself it fits together
        proof = log.prove_consistency(connection, 5, 6)
        root = log.log_root(connection)
        assert not merkle.verify_consistency(5, 6, proof, kept_elsewhere.root, root)
        assert not log.checkpoints(connection)[0].signed_by(NoteKey(ORIGIN, LOG_KEY.id))
    for store in (honest, forged):
        store.close()


def test_a_checkpoint_of_another_history_is_not_kept(tmp_path: Path) -> None:
    stores = [Store(f"sqlite:///{tmp_path / name}.db", create=True) for name in ("one", "other")]
    for number, store in enumerate(stores):
        store.append(event(number))
    note = stores[0].checkpoint(ORIGIN, LOG_KEY)
    with pytest.raises(StoreDamaged, match="another root"), stores[1].database.writing() as connection:
        log.keep_checkpoint(connection, note)
    for store in stores:
        store.close()
