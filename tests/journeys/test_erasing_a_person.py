"""A person asks to be forgotten, through commands alone: before the decision, after closing, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dokja.dossier import read_dossier
from dokja.workflows.desk import Desk
from tests.journeys.decided_desk import ANNOUNCED, STAGE, Office, Said, made_office, run
from tests.store.postgres import Server, private_server

NAME, HOME = "Hong-Gil-Dong-of-the-tests", "University-of-nowhere"
ASKED, CLOSED = "2026-01-14T00:00:00Z", "2026-03-02T00:00:00Z"
REASON = ["--reason", "request under the privacy act"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with private_server() as running:
        yield running


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("erasing"))


@pytest.fixture
def office(prepared: Office, tmp_path: Path) -> Office:
    shutil.copytree(prepared.folder, tmp_path / "office")
    return replace(prepared, folder=tmp_path / "office")


def seat(office: Office, *more: object, name: str = NAME, at: str = "2026-01-13T00:00:00Z") -> str:
    """Record an expert's conflict with what identifies them beside it, and return the event's id."""
    rater = next(e.payload.rater for e in office.events() if e.kind == "rater_registered")
    payload = office.file("conflict.json", {"rater": rater, "team": "nuri", "ground": "a former employer"})
    personal = office.file("person.json", {"name": name, "work": {"at": [HOME]}})
    said = office.json("stage", "record", "conflict_declared", payload, "--personal", personal, *more, at=at)
    personal.unlink()
    return str(said["events"][0]["id"])


def erase(office: Office, event: str, *more: object, at: str = ASKED) -> Said:
    return office.dokja("stage", "erase", event, *REASON, *more, at=at)


def bytes_of(office: Office, *more: Path) -> bytes:
    files = [file for folder in (office.desk, *more) for file in folder.rglob("*") if file.is_file()]
    return b"\0".join(file.read_bytes() for file in files)


def verified(path: Path) -> dict[str, Any]:
    return dict(run("verify", path, "--json").json)


def dossiers_without_the_person(office: Office, folder: Path, digest: str) -> None:
    """Write both dossiers: nothing in them is broken, and neither holds a word of the person."""
    signed = office.dokja("stage", "publish", digest, "--out", folder, at=ANNOUNCED)
    assert signed.status == 0, signed.err
    for profile in ("public", "auditor"):
        path = folder / f"{STAGE}.{profile}.dossier.json"
        assert verified(path)["intact"]
        record = read_dossier(path.read_bytes()).dossier.record
        assert [e.body["erasure"]["by"] for e in record if e.kind == "erasure"] == ["office"]
        assert NAME.encode() not in path.read_bytes()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_an_erased_person_is_nowhere_and_the_stage_is_decided_and_verified(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = ""
    if database == "postgresql":
        store = request.getfixturevalue("server").fresh_database()
    office = made_office(tmp_path, store=store)
    event = seat(office)
    before = office.dokja("stage", "status", "--json").out
    url = store or f"sqlite:///{office.desk}/store.db"
    root = run("store", "check", url, "--json").json["root"]

    done = erase(office, event, "--key", office.key("office"), "--json")
    assert done.status == 0, done.err
    told = done.json
    assert (told["erased"], told["event"], told["fields"], told["overwritten"]) == (True, event, 2, True)
    assert told["by"] == "office"
    assert told["signature"]["at"] == ASKED
    assert not any(word in done.out + done.err for word in (NAME, HOME))

    if store:
        with psycopg.connect(store, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        held = b"\0".join(
            f.read_bytes() for f in request.getfixturevalue("server").tables.rglob("*") if f.is_file()
        )
    else:
        held = bytes_of(office)
    assert not any(word.encode() in held for word in (NAME, HOME))
    after = run("store", "check", url, "--json").json
    assert after["root"] != root, "the erasure is a leaf of the log"
    assert office.dokja("stage", "status", "--json").out == before
    run("store", "backup", url, tmp_path / "backup")
    run("store", "restore", tmp_path / "backup", f"sqlite:///{tmp_path}/again.db")
    assert run("store", "check", f"sqlite:///{tmp_path}/again.db", "--json").json == after
    assert all(NAME.encode() not in (tmp_path / name).read_bytes() for name in ("backup", "again.db"))
    assert run("store", "overwrite", url).status == 0
    dossiers_without_the_person(office, tmp_path / "out", office.decide())


def test_what_cannot_be_erased_is_said_in_a_sentence(office: Office) -> None:
    event = seat(office)
    bare = office.events()[0].id
    for wrong, sentence in ((bare, "never had a personal payload"), ("nobody", "no event 'nobody'")):
        said = erase(office, wrong)
        assert (said.status, sentence in said.err) == (2, True), said.err
    repeating = office.dokja("stage", "erase", event, "--reason", f"{NAME} asked", at=ASKED)
    assert repeating.status == 2
    assert NAME not in repeating.err
    assert office.dokja("stage", "erase", event, "--reason", " ", at=ASKED).status == 2
    assert erase(office, event, at="yesterday").status == 2
    assert erase(office, event).status == 0
    again = erase(office, event)
    assert (again.status, "erased already" in again.err) == (2, True), again.err


def test_a_trial_erases_nothing_and_says_what_would_be_erased(office: Office) -> None:
    event = seat(office)
    size = len(office.events())
    tried = erase(office, event, "--dry-run")
    assert (tried.status, "Nothing was erased" in tried.out) == (0, True)
    assert NAME.encode() in bytes_of(office)
    assert not erase(office, event, "--dry-run", "--json").json["erased"]
    assert len(office.events()) == size
    assert erase(office, event).status == 0


def test_a_key_that_does_not_count_signs_no_erasure(office: Office, tmp_path: Path) -> None:
    event = seat(office)
    run("key", "new", tmp_path / "stranger.key")
    refused = erase(office, event, "--key", tmp_path / "stranger.key")
    assert (refused.status, "dokja key enrol" in refused.err) == (2, True), refused.err
    assert NAME.encode() in bytes_of(office)


def test_it_is_said_in_korean_which_part_of_a_correction_is_still_there(office: Office) -> None:
    first = seat(office)
    second = seat(office, "--supersedes", first, "--reason", "the ground was wrong", name="Another-name")
    said = erase(office, first, "--lang", "ko")
    assert said.status == 0, said.err
    assert "파기했습니다" in said.out
    assert second in said.out
    assert b"Another-name" in bytes_of(office)
    assert erase(office, second, "--json").json["left"] == []
    assert b"Another-name" not in bytes_of(office)


def test_a_person_is_forgotten_after_the_stage_is_closed_too(tmp_path: Path) -> None:
    office = made_office(tmp_path)
    event = seat(office)
    digest = office.decide()
    office.dokja("stage", "publish", "--out", tmp_path / "early", at=ANNOUNCED)
    assert office.dokja("stage", "close", at=CLOSED).status == 0
    assert NAME.encode() in bytes_of(office, tmp_path / "early"), "the auditor's dossier of before holds it"
    events = office.events()
    assert erase(office, event, at="2026-03-03T00:00:00Z").status == 0
    assert office.events() == events
    assert NAME.encode() not in bytes_of(office)
    with Desk(office.desk) as desk:
        assert desk.stage().history.closed
    late = tmp_path / "late"
    signed = office.dokja("stage", "export", "--profile", "auditor", "--out", late, at="2026-03-04T00:00:00Z")
    assert signed.status == 0, signed.err
    assert NAME.encode() not in bytes_of(office, late)
    for path in (tmp_path / "early").glob("*.json"):
        assert verified(path)["intact"], "what was signed before holds as before"
    assert digest in {e.payload.decision for e in events if e.kind == "decision_signed"}
