"""The log's own operator shows different people different histories, or forgets a part of one."""

from pathlib import Path

import pytest

from dokja import merkle
from dokja.errors import StoreDamaged
from dokja.signature import SigningKey
from dokja.signature.note import Note, NoteKey, SignedHead, cosign, parse_head, sign_head
from dokja.store import log
from dokja.store.backup import backup_store, restore_store
from dokja.store.events import Store
from dokja.store.recording import StoredEvent
from tests.store.made import LOG_KEY, ORIGIN, event

LOG = NoteKey(ORIGIN, LOG_KEY.id)


def opened(folder: Path, name: str) -> Store:
    return Store(f"sqlite:///{folder / name}.db", create=True)


def continues(store: Store, kept: Note, now: Note) -> bool:
    """Return whether a store can show somebody who kept a checkpoint that the present one continues it."""
    old, new = parse_head(kept), parse_head(now)
    with store.database.reading() as connection:
        proof = log.prove_consistency(connection, old.size, new.size)
    return kept.signed_by(LOG) and merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)


def test_two_histories_for_two_people_cannot_both_be_continued(tmp_path: Path) -> None:
    shown_to_a, shown_to_b = opened(tmp_path, "a"), opened(tmp_path, "b")
    for store, name in ((shown_to_a, "Honest"), (shown_to_b, "Changed")):
        store.append_all([StoredEvent(event(1)), StoredEvent(event(2, payload={"team": "t2", "name": name}))])
    kept_by_a, kept_by_b = shown_to_a.checkpoint(ORIGIN, LOG_KEY), shown_to_b.checkpoint(ORIGIN, LOG_KEY)
    assert parse_head(kept_by_a).size == parse_head(kept_by_b).size
    for store in (shown_to_a, shown_to_b):
        store.append(event(3))
        now = store.checkpoint(ORIGIN, LOG_KEY)
        assert continues(store, kept_by_a, now) == (store is shown_to_a)
        assert continues(store, kept_by_b, now) == (store is shown_to_b)
        store.close()


def test_a_log_set_back_to_an_old_backup_and_continued_otherwise_is_shown(tmp_path: Path) -> None:
    store = opened(tmp_path, "store")
    store.append(event(1))
    before = store.checkpoint(ORIGIN, LOG_KEY)
    backup_store(store.database.url, tmp_path / "backup")
    store.append(event(2))
    kept = store.checkpoint(ORIGIN, LOG_KEY)
    store.close()

    restore_store(tmp_path / "backup", f"sqlite:///{tmp_path / 'restored'}.db")
    set_back = Store(f"sqlite:///{tmp_path / 'restored'}.db")
    set_back.append_all([StoredEvent(event(7)), StoredEvent(event(8))])
    now = set_back.checkpoint(ORIGIN, LOG_KEY)
    assert continues(set_back, before, now)
    assert not continues(set_back, kept, now)
    with pytest.raises(StoreDamaged), set_back.database.writing() as connection:
        log.keep_checkpoint(connection, kept)
    set_back.close()


def test_a_checkpoint_cosigned_by_a_witness_is_kept_and_neither_signature_hides_the_other(
    tmp_path: Path,
) -> None:
    witness = SigningKey(bytes([8]) * 32)
    store = opened(tmp_path, "store")
    store.append(event(1))
    cosigned = cosign(
        store.checkpoint(ORIGIN, LOG_KEY), "witness.example", witness, unix_seconds=1_768_456_800
    )
    with store.database.writing() as connection:
        log.keep_checkpoint(connection, cosigned)
    with store.database.reading() as connection:
        kept = log.checkpoints(connection)[-1]
    assert kept.signed_by(LOG)
    assert kept.signed_by(NoteKey("witness.example", witness.id, cosigner=True))
    store.close()


def test_a_cosignature_alone_does_not_make_a_checkpoint_the_logs(tmp_path: Path) -> None:
    impostor, witness = SigningKey(bytes([9]) * 32), SigningKey(bytes([8]) * 32)
    forged = cosign(
        sign_head(SignedHead(ORIGIN, 1, bytes(32)), impostor),
        "witness.example",
        witness,
        unix_seconds=1,
    )
    assert not forged.signed_by(LOG)
    assert forged.signed_by(NoteKey("witness.example", witness.id, cosigner=True))
