"""What is recorded is there, in order, once; it can be corrected and, where it names a person, forgotten."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from dokja import merkle
from dokja.errors import AppendOnly, DatabaseUnavailable, EventInvalid, InvalidInput, KeyRefused, NotAllowed
from dokja.signature.note import NoteKey, parse_head
from dokja.store import log
from dokja.store.events import Store, read_leaves
from dokja.store.recording import StoredEvent
from tests.made_stage import standing_of
from tests.store.made import AT, LOG_KEY, OFFICE, ORIGIN, event, first_key, person


def test_events_come_back_as_they_were_in_the_order_of_the_log(store: Store) -> None:
    events = [event(n, stage=f"stage-{n % 2}") for n in range(7)]
    assert store.append_all([StoredEvent(e) for e in events[:3]]) == [0, 1, 2]
    assert [store.append(e) for e in events[3:]] == [3, 4, 5, 6]
    assert store.events("stage-0") == tuple(events[::2])
    assert store.events("stage-1", before=4) == (events[1], events[3])
    assert store.stages() == ["stage-0", "stage-1"]
    assert store.events("stage-9") == ()


def test_the_log_carries_the_digest_of_every_event(store: Store) -> None:
    events = [event(n) for n in range(11)]
    for e in events:
        store.append(e)
    with store.database.reading() as connection:
        assert log.log_size(connection) == 11
        root = merkle.root_of(log.leaf_of(e.digest()) for e in events)
        assert log.log_root(connection) == root
        for place, e in enumerate(events):
            proof = log.prove_inclusion(connection, place, 11)
            assert merkle.verify_inclusion(log.leaf_of(e.digest()), place, 11, proof, root)
        old = log.log_root(connection, 6)
        assert merkle.verify_consistency(6, 11, log.prove_consistency(connection, 6, 11), old, root)
        with pytest.raises(InvalidInput):
            log.prove_inclusion(connection, 3, 12)


def test_recording_the_same_event_again_changes_nothing(store: Store) -> None:
    assert store.append(event(1)) == store.append(event(1)) == 0
    assert store.append_all([StoredEvent(event(2)), StoredEvent(event(1)), StoredEvent(event(3))]) == [
        1,
        0,
        2,
    ]
    with pytest.raises(AppendOnly, match="Another event"):
        store.append(event(1, at="2026-01-16T06:00:00Z"))
    assert store.append(event(1, stage="stage-2")) == 3


def test_a_correction_is_a_new_event_and_is_made_once(store: Store) -> None:
    store.append(event(1))
    store.append(event(2, supersedes="e1"))
    assert [e.id for e in standing_of(store.events("stage-1"))] == ["e2"]
    for wrong in (
        event(3, supersedes="e1"),
        event(3, supersedes="e9"),
        event(3, stage="stage-2", supersedes="e2"),
    ):
        with pytest.raises(EventInvalid):
            store.append(wrong)
    assert len(store.events("stage-1")) == 2


def test_a_batch_is_recorded_whole_or_not_at_all(store: Store) -> None:
    with pytest.raises(EventInvalid):
        store.append_all(
            [StoredEvent(event(1)), StoredEvent(event(2)), StoredEvent(event(3, supersedes="e9"))]
        )
    assert store.events("stage-1") == ()
    with store.database.reading() as connection:
        assert log.log_size(connection) == 0


def test_an_erased_person_is_gone_and_every_digest_and_signature_stays(store: Store, tmp_path: Path) -> None:
    personal = person()
    registered = event(1, personal=personal.digest())
    signature = OFFICE.sign("event", registered.digest(), AT)
    store.append(registered, personal=personal, signature=signature)
    assert store.personal_payload("stage-1", "e1") == personal
    with store.database.reading() as connection:
        root = log.log_root(connection)
    assert store.erase("stage-1", "e1", by="office", at=AT, reason="request under the privacy act").place == 1
    with pytest.raises(NotAllowed, match="request under the privacy act"):
        store.personal_payload("stage-1", "e1")
    with pytest.raises(AppendOnly, match="already"):
        store.erase("stage-1", "e1", by="office", at=AT, reason="again")
    assert store.events("stage-1") == (registered,)
    with store.database.reading() as connection:
        assert log.log_root(connection, 1) == root
        leaves = list(read_leaves(connection))
    assert [leaf.kind for leaf in leaves] == ["event", "erasure"]
    assert leaves[0].signature == signature.as_json()
    assert leaves[1].body["personal"] == personal.digest()
    for file in tmp_path.iterdir():
        assert "홍길동".encode() not in file.read_bytes(), file


def test_only_what_has_a_personal_payload_can_be_erased(store: Store) -> None:
    store.append(event(1))
    for wrong in ("e1", "e2"):
        with pytest.raises(InvalidInput):
            store.erase("stage-1", wrong, by="office", at=AT, reason="asked")
    with pytest.raises(InvalidInput, match="why"):
        store.erase("stage-1", "e1", by="office", at=AT, reason=" ")


def test_an_event_with_the_wrong_person_or_signature_beside_it_is_refused(store: Store) -> None:
    with pytest.raises(EventInvalid):
        store.append(event(1), personal=person())
    with pytest.raises(EventInvalid):
        store.append(event(1, personal=person("김").digest()), personal=person("이"))
    with pytest.raises(NotAllowed):
        store.append(event(1), signature=OFFICE.sign("event", event(2).digest(), AT))


def test_keys_lie_in_the_same_log_and_are_refused_there(store: Store) -> None:
    store.append(event(1))
    assert store.add_key_statement(first_key()) == 1
    assert store.key_ring()[OFFICE.id].place == 1
    with pytest.raises(KeyRefused):
        store.add_key_statement(first_key())


def test_a_checkpoint_is_signed_once_per_state_and_never_over_another_history(store: Store) -> None:
    store.append(event(1))
    note = store.checkpoint(ORIGIN, LOG_KEY)
    assert note.signed_by(NoteKey(ORIGIN, LOG_KEY.id))
    assert store.checkpoint(ORIGIN, LOG_KEY) == note
    store.append(event(2))
    assert parse_head(store.checkpoint(ORIGIN, LOG_KEY)).size == 2
    with pytest.raises(InvalidInput, match="signed as"):
        store.checkpoint("other.example/log", LOG_KEY)
    with store.database.reading() as connection:
        assert len(log.checkpoints(connection)) == 2


def test_files_are_kept_by_their_digest(store: Store) -> None:
    digest = store.blobs.put(b"minutes of the meeting")
    assert store.blobs.put(b"minutes of the meeting") == digest
    assert store.blobs.get(digest) == b"minutes of the meeting"
    with pytest.raises(InvalidInput):
        store.blobs.get("sha256:" + "0" * 64)


def test_many_writers_at_once_leave_one_history_without_gaps(store: Store) -> None:
    def write(writer: int) -> list[int]:
        own = Store(store.database.url)
        try:
            return [own.append(event(writer * 100 + n)) for n in range(12)]
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        places = [place for batch in pool.map(write, range(4)) for place in batch]
    assert sorted(places) == list(range(48))
    with store.database.reading() as connection:
        digests = [leaf.digest for leaf in read_leaves(connection)]
        assert log.log_root(connection) == merkle.root_of(map(log.leaf_of, digests))
    for e, place in zip(store.events("stage-1"), sorted(places), strict=True):
        assert e.digest() == digests[place]


def test_a_database_that_is_empty_or_elsewhere_is_unavailable(url: str, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"revision None|no database"):
        Store(url)
    for wrong in ("sqlite://", "mysql://host/name", "nonsense"):
        with pytest.raises(InvalidInput):
            Store(wrong)
    for away in (f"sqlite:///{tmp_path}/none/store.db", f"postgresql://postgres@/x?host={tmp_path}"):
        with pytest.raises(DatabaseUnavailable):
            Store(away)


def test_a_reader_sees_one_moment(store: Store) -> None:
    store.append(event(1))
    with store.database.reading() as connection:
        before = connection.execute(sa.text("SELECT count(*) FROM events")).scalar()
        store.append(event(2))
        assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar() == before == 1


def test_a_new_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = Store(f"sqlite:///{path}", create=True)
    store.append(event(1))
    with store.database.reading():
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    store.close()
