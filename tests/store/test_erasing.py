"""Erasing: what identified a person is in no byte of the database's files afterwards, and every proof holds as before."""

import random
import string
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dokja.canonical import JSON
from dokja.errors import AppendOnly, InvalidInput, NotAllowed
from dokja.record.events import PersonalPayload
from dokja.store import erasing
from dokja.store.erasing import Erasure
from dokja.store.events import Store, read_leaves
from dokja.store.integrity import recompute
from dokja.store.proposals import Waiting
from dokja.store.recording import StoredEvent, append_events
from tests.store.made import AT, event

Holding = Callable[[Iterable[str]], set[str]]


@pytest.fixture
def holding(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Holding:
    """Which texts the database's own files hold: on PostgreSQL those of tables, not its write-ahead log."""

    def look(texts: Iterable[str]) -> set[str]:
        folder = tmp_path
        if url.startswith("postgresql"):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CHECKPOINT")
                found = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
                (mine,) = found.fetchone() or ("",)
            folder = request.getfixturevalue("postgres").tables / str(mine)
        held = b"\0".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
        return {text for text in texts if text.encode() in held}

    return look


def a_person(number: int, length: int = 20) -> tuple[StoredEvent, str]:
    """Return an event with a person, and a text that only the person's payload holds; no compression hides it."""
    text = f"PERSON-{number:05}-"
    filler = "".join(random.Random(number).choices(string.ascii_letters, k=length))
    personal = PersonalPayload(bytes(16), {"name": text + filler})
    return StoredEvent(event(number, personal=personal.digest()), personal), text


def come_and_go(store: Store, seed: int, turns: int = 160) -> tuple[dict[int, str], list[str]]:
    """Record and erase persons at random, overwriting nothing; return those who stay, by number, and the others."""
    drawn, present, gone, number = random.Random(seed), dict[int, str](), list[str](), 0
    with store.database.writing() as connection:
        for _ in range(turns):
            if drawn.random() < 0.5 or not present:
                number += 1
                entry, text = a_person(number, drawn.choice((20, 100, 400, 1500, 3000, 9000)))
                append_events(connection, [entry])
                present[number] = text
            else:
                one = drawn.choice(sorted(present))
                gone.append(present.pop(one))
                erasing.record(connection, *prepared(connection, one))
    return present, gone


def prepared(connection: sa.Connection, number: int) -> tuple[int, Erasure]:
    asked = {"by": "office", "at": AT, "reason": "asked"}
    return erasing.prepare(connection, "stage-1", f"e{number}", **asked, sign=None)


# With these seeds SQLite leaves the text of a deleted row in a page that was split before, in spite of secure_delete.
@pytest.mark.parametrize("seed", [20, 48])
def test_no_byte_of_an_erased_person_stays_whatever_came_and_went_around_it(
    store: Store, holding: Holding, seed: int
) -> None:
    present, gone = come_and_go(store, seed)
    last = sorted(present)[-1]
    gone.append(present.pop(last))
    assert store.erase("stage-1", f"e{last}", by="office", at=AT, reason="asked").overwritten
    assert holding(gone) == set()
    assert holding(present.values()) == set(present.values())
    with store.database.reading() as connection:
        assert recompute(connection).size == len(present) + 2 * len(gone)


def test_a_person_whose_event_waited_for_a_signature_is_erased_from_there_too(
    store: Store, holding: Holding
) -> None:
    waits = Waiting("", "stage-1", "event", {})
    entries = [a_person(number, 400) for number in range(8)]
    for entry, text in entries:
        body: dict[str, JSON] = {"event": entry.event.as_json(), "personal": {"name": text}}
        store.proposals.put(replace(waits, digest=entry.event.digest(), body=body))
    for entry, _ in entries[:6]:
        with store.recording() as recording:
            recording.append([entry])
            recording.take_draft(entry.event.digest())
    assert len(store.proposals.of("stage-1", "event")) == 2
    for number in (1, 3, 5):
        assert store.erase("stage-1", f"e{number}", by="office", at=AT, reason="asked").overwritten
    assert store.proposals.discard(entries[7][0].event.digest())
    held = holding(text for _, text in entries)
    assert [number for number, (_, text) in enumerate(entries) if text not in held] == [1, 3, 5, 7]


def test_what_waits_is_taken_once_and_a_proposed_decision_never(store: Store) -> None:
    for kind in ("event", "decision"):
        store.proposals.put(Waiting(f"sha256:{kind}", "stage-1", kind, {}))
    store.proposals.discard("sha256:event")
    for digest in ("sha256:event", "sha256:decision", "sha256:nothing"):
        with pytest.raises(InvalidInput, match="No event waits"), store.recording() as recording:
            recording.take_draft(digest)
    with pytest.raises(AppendOnly, match="deleted"), store.database.writing() as connection:
        connection.execute(sa.text("DELETE FROM proposals"))
    assert store.proposals.get("sha256:decision").kind == "decision"


def test_whoever_reads_an_earlier_moment_keeps_it_and_the_erasure_says_so(
    store: Store, holding: Holding
) -> None:
    entry, text = a_person(1)
    store.append_all([entry])
    other = Store(store.database.url)
    with other.database.reading() as connection:
        assert len(list(read_leaves(connection))) == 1
        assert not store.erase("stage-1", "e1", by="office", at=AT, reason="asked").overwritten
    other.close()
    with pytest.raises(NotAllowed, match="asked"):
        store.personal_payload("stage-1", "e1")
    assert store.database.overwrite_deleted()
    assert holding([text]) == set()


def test_a_trial_erases_nothing(store: Store) -> None:
    entry, _ = a_person(1)
    store.append_all([entry])
    tried = store.erase("stage-1", "e1", by="office", at=AT, reason="asked", dry_run=True)
    assert (tried.place, tried.fields, tried.overwritten) == (1, 1, False)
    assert store.personal_payload("stage-1", "e1") == entry.personal
    assert store.size() == 1


def test_a_reason_that_repeats_what_is_to_be_erased_is_refused_without_repeating_it(store: Store) -> None:
    personal = PersonalPayload(
        bytes(16), {"name": "홍길동", "at": {"office": ["한국대학교"]}, "initial": "A"}
    )
    store.append(event(1, personal=personal.digest()), personal=personal)
    for reason in ("홍길동 asked", "left 한국대학교"):
        with pytest.raises(InvalidInput, match="repeats") as refused:
            store.erase("stage-1", "e1", by="office", at=AT, reason=reason)
        assert not set("홍한") & set(str(refused.value.as_json()))
    for wrong in ({"by": "홍 길동"}, {"at": "yesterday"}):
        with pytest.raises(InvalidInput):
            store.erase("stage-1", "e1", **{"by": "office", "at": AT, "reason": "asked"} | wrong)
    assert store.erase("stage-1", "e1", by="office", at=AT, reason="A person asked").place == 1
