"""A store can be moved and restored, checked by its log's root; a damaged one is never passed on in silence."""

import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dokja.errors import (
    DatabaseUnavailable,
    InvalidInput,
    NotAllowed,
    StoreDamaged,
    Unavailable,
    UnreadableArtifact,
)
from dokja.store import log
from dokja.store.backup import backup_store, restore_store
from dokja.store.events import Store
from dokja.store.integrity import Integrity, recompute
from dokja.store.move import move_store
from tests.store.made import AT, LOG_KEY, ORIGIN, event, first_key, person
from tests.store.postgres import Server


def fill(store: Store) -> Integrity:
    """Record something of every kind and return the log's recomputed state."""
    store.add_key_statement(first_key())
    for n in range(9):
        personal = person(f"이름 {n}") if n % 3 == 0 else None
        store.append(event(n, personal=personal.digest() if personal else None), personal=personal)
    store.append(event(20, supersedes="e1"))
    store.checkpoint(ORIGIN, LOG_KEY)
    store.erase("stage-1", "e3", by="office", at=AT, reason="asked")
    store.blobs.put(bytes(range(256)))
    store.checkpoint(ORIGIN, LOG_KEY)
    with store.database.reading() as connection:
        found = recompute(connection)
        assert found.root == log.log_root(connection).hex()
    return found


def everything(store: Store) -> object:
    with store.database.reading() as connection:
        notes = [note.render() for note in log.checkpoints(connection)]
    return store.events("stage-1"), notes, store.personal_payload("stage-1", "e0"), list(store.key_ring())


@pytest.mark.parametrize("to", ["sqlite", "postgresql"])
def test_a_store_moves_in_either_direction_and_goes_on(
    store: Store, to: str, tmp_path: Path, postgres: Server
) -> None:
    before = fill(store)
    target = f"sqlite:///{tmp_path}/moved.db" if to == "sqlite" else postgres.fresh_database()
    assert move_store(store.database.url, target) == before
    moved = Store(target)
    assert everything(moved) == everything(store)
    with pytest.raises(NotAllowed, match="asked"):
        moved.personal_payload("stage-1", "e3")
    assert moved.append(event(99)) == before.size
    with moved.database.reading() as connection:
        assert recompute(connection).size == before.size + 1
    moved.close()
    with pytest.raises(NotAllowed, match="not empty"):
        move_store(store.database.url, target)


def test_a_backup_restores_into_either_database_with_the_same_root(
    store: Store, tmp_path: Path, postgres: Server
) -> None:
    before = fill(store)
    path = tmp_path / "backup.jsonl"
    assert backup_store(store.database.url, path) == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for target in (f"sqlite:///{tmp_path}/restored.db", postgres.fresh_database()):
        assert restore_store(path, target) == before
        restored = Store(target)
        assert everything(restored) == everything(store)
        restored.close()
        with pytest.raises(NotAllowed, match="not empty"):
            restore_store(path, target)
    with pytest.raises(InvalidInput, match="never overwritten"):
        backup_store(store.database.url, path)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("backup")
    store = Store(f"sqlite:///{folder}/store.db", create=True)
    fill(store)
    backup_store(store.database.url, folder / "backup")
    store.close()
    return (folder / "backup").read_bytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_or_cut_backup_restores_nothing(backup: bytes, tmp_path: Path, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(backup) - 1))
    changed = data.draw(
        st.sampled_from(
            [backup[:at], backup[:at] + bytes([backup[at] ^ 1]) + backup[at + 1 :], backup + b"{}\n"]
        )
    )
    (tmp_path / "changed").write_bytes(changed)
    target = tmp_path / "restored.db"
    with pytest.raises((UnreadableArtifact, StoreDamaged)):
        restore_store(tmp_path / "changed", f"sqlite:///{target}")
    empty = Store(f"sqlite:///{target}")
    assert empty.stages() == []
    empty.close()
    target.unlink()


DAMAGES: dict[str, str] = {
    "an event was rewritten": "UPDATE events SET body = replace(body, 'Team 2', 'Team X')",
    "a column was rewritten": "UPDATE events SET kind = 'withdrawal' WHERE id = 'e2'",
    "an event was removed": "DELETE FROM events WHERE id = 'e2'",
    "the last leaf was removed": "DELETE FROM leaves WHERE place = (SELECT max(place) FROM leaves)",
    "a digest was rewritten": "UPDATE leaves SET digest = 'sha256:' || substr(digest, 8, 63) || 'x' WHERE place = 1",
    "a tree node was rewritten": "UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 1 AND position = 0",
    "a tree node was removed": "DELETE FROM log_nodes WHERE level = 2",
    "a tree node was added": "INSERT INTO log_nodes VALUES (40, 0, zeroblob(32))",
    "a personal payload was rewritten": "UPDATE personal_payloads SET body = '{}'",
    "a personal payload was removed": "DELETE FROM personal_payloads",
    "a checkpoint was rewritten": "UPDATE checkpoints SET note = replace(note, char(10) || '1', char(10) || '0')",
    "a key statement was removed": "DELETE FROM key_statements",
    "a file was rewritten": "UPDATE blobs SET body = zeroblob(4)",
    "an erasure was removed": "DELETE FROM erasures",
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "store.db"
    store = Store(f"sqlite:///{path}", create=True)
    fill(store)
    store.close()
    return path


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_behind_the_databases_back_is_named(damage: str, filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    shutil.copy(filled, path)
    store = Store(f"sqlite:///{path}")
    tampered(path, lambda connection: connection.execute(damage))
    with store.database.reading() as connection, pytest.raises((StoreDamaged, UnreadableArtifact)):
        recompute(connection)
    with pytest.raises((StoreDamaged, UnreadableArtifact)):
        backup_store(store.database.url, tmp_path / "backup")
    assert not list(tmp_path.glob("backup*"))
    with pytest.raises((StoreDamaged, UnreadableArtifact)):
        move_store(store.database.url, f"sqlite:///{tmp_path}/moved.db")
    store.close()


def tampered(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change a database as somebody with the file and another program would: refusals off, change, refusals on."""
    connection = sqlite3.connect(path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    change(connection)
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()


def test_a_damaged_log_signs_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store(f"sqlite:///{path}", create=True)
    fill(store)
    tampered(path, lambda c: c.execute("UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 3"))
    store.append(event(50))
    with pytest.raises(StoreDamaged):
        store.checkpoint(ORIGIN, LOG_KEY)
    store.close()


def test_a_place_that_is_not_there_is_unavailable(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        backup_store(store.database.url, tmp_path / "none" / "backup")
    with pytest.raises(Unavailable):
        restore_store(tmp_path / "none", f"sqlite:///{tmp_path}/restored.db")
    with pytest.raises(DatabaseUnavailable):
        move_store(store.database.url, f"sqlite:///{tmp_path}/none/moved.db")
