"""Events that wait for somebody's signature: a passkey, or a key at another machine, signs what will be recorded."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dokja.dossier import read_dossier
from dokja.errors import AppendOnly
from dokja.record.events import Event
from dokja.signature import Signature, SigningKey
from dokja.workflows.desk import Desk
from dokja.workflows.drafts import find_draft, sign_draft
from tests.journeys.decided_desk import ANNOUNCED, STAGE, TEAMS, Office, Said, made_office, run
from tests.signature.authenticator import Authenticator

PHONE, OTHER_PHONE = Authenticator(71), Authenticator(72, edwards=True)
ENROLLED, DRAFTED, SIGNED = "2026-01-03T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-13T09:00:00Z"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose expert `experts:00` signs with a phone."""
    office = made_office(tmp_path_factory.mktemp("waiting"))
    for person, role, phone in (("experts:00", "expert", PHONE), ("referee", "expert", OTHER_PHONE)):
        file = answered(office, phone, "enrol", person, role, at=ENROLLED)
        said = run(
            "key", "enrol", person, role, "--credential", file, "--organiser", office.key("office"),
            "--desk", office.desk,
        )  # fmt: skip
        assert said.status == 0, said.err
    return office


@pytest.fixture
def office(prepared: Office, tmp_path: Path) -> Office:
    shutil.copytree(prepared.folder, tmp_path / "office")
    return replace(prepared, folder=tmp_path / "office")


def answered(office: Office, phone: Authenticator, *about: object, at: str = SIGNED) -> Path:
    """Let a passkey answer what `dokja key challenge` asks of it; return its file."""
    bare = office.file("passkey.json", phone.file())
    asked = run("key", "challenge", *about, "--credential", bare, "--at", at, "--json").json
    return office.file("answered.json", phone.file(asked["at"], asked["request"]["challenge"]))


def drafted(office: Office, kind: str, payload: dict[str, Any], *more: object) -> str:
    """Let an event wait; return the digest that is signed."""
    file = office.file("payload.json", payload)
    kept = office.json("stage", "record", kind, file, "--draft", *more, at=DRAFTED)
    return str(kept["digest"])


def judged(office: Office, rater: str = "experts:00") -> dict[str, Any]:
    weights = next(e.payload.weights for e in office.events() if e.kind == "submission")
    logs = "sha256:" + "c" * 64
    finding = {
        "claim": "training.from_scratch", "about": "", "verdict": "INCONCLUSIVE", "evidence": "judged",
        "looked_at": {"subject": weights, "logs": logs}, "reason": {"key": "expert.judgement", "figures": {}},
    }  # fmt: skip
    return {"rater": rater, "team": TEAMS[0], "finding": finding, "cites": [logs]}


def sign(office: Office, digest: str, *signer: object, stage: str = STAGE) -> Said:
    return office.dokja("stage", "sign", digest, *signer, stage=stage)


def waiting(office: Office) -> list[str]:
    return [one["digest"] for one in office.json("stage", "drafts")["drafts"]]


def test_a_passkey_signs_a_judged_finding_and_the_dossier_shows_whose_it_is(
    office: Office, tmp_path: Path
) -> None:
    before = office.events()
    digest = drafted(office, "judged_finding", judged(office), "--by", "expert:00")
    assert office.events() == before
    assert waiting(office) == [digest]
    said = sign(office, digest, "--credential", answered(office, PHONE, "event", digest), "--json")
    assert said.status == 0, said.err
    recorded = office.events()[-1]
    assert (recorded.digest(), recorded.at, recorded.by) == (digest, DRAFTED, "expert:00")
    assert (said.json["signer"], said.json["key"]) == ("experts:00", PHONE.id)
    assert waiting(office) == []

    office.decide()
    out = tmp_path / "out"
    assert office.dokja("stage", "publish", "--out", out, at=ANNOUNCED).status == 0
    path = out / f"{STAGE}.auditor.dossier.json"
    report = run("verify", path, "--json").json
    assert report["intact"]
    stated = {one["name"]: one for one in report["statements"]}
    assert stated["events.signatures"]["standing"] == "HOLDS"
    record = read_dossier(path.read_bytes()).dossier.record
    given = {
        Event.from_json(entry.body["event"]).digest(): entry.body["signature"]
        for entry in record
        if entry.kind == "event" and entry.body["signature"] is not None
    }
    signature = Signature.from_json(given[digest])
    assert (signature.key, signature.at) == (PHONE.id, SIGNED)
    assert signature.signs("event", digest)


def test_an_event_is_recorded_once_however_often_it_is_signed(office: Office) -> None:
    digest = drafted(office, "withdrawal", {"team": "mirae"})
    assert sign(office, digest, "--key", office.key("chair")).status == 0
    size = len(office.events())
    again = sign(office, digest, "--key", office.key("office"))
    assert (again.status, "recorded already" in again.err) == (2, True), again.err
    assert office.dokja("stage", "drafts", "--discard", digest).status == 2
    assert len(office.events()) == size


def test_two_who_sign_at_once_record_it_once(office: Office) -> None:
    digest = drafted(office, "withdrawal", {"team": "mirae"})

    def try_to_sign(person: str) -> bool:
        with Desk(office.desk) as desk:
            stage = desk.stage(STAGE)
            found = find_draft(stage, digest)
            assert found is not None
            both_hold_it.wait()
            try:
                sign_draft(stage, found, SigningKey.load(office.key(person)), SIGNED)
            except AppendOnly:
                return False
            return True

    both_hold_it = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(try_to_sign, ("office", "chair"))) == [False, True]
    assert [event.digest() for event in office.events()].count(digest) == 1


def test_what_the_rules_no_longer_allow_is_refused_with_their_sentence_and_still_waits(
    office: Office,
) -> None:
    event = next(e for e in office.events() if e.kind == "recusal")
    correcting = ["--supersedes", event.id, "--reason", "another team was meant"]
    corrected = {"rater": event.payload.rater, "teams": ["nuri"]}
    digest = drafted(office, "recusal", corrected, *correcting)
    file = office.file("payload.json", corrected)
    assert office.dokja("stage", "record", "recusal", file, *correcting, at=DRAFTED).status == 0
    before = office.events()
    refused = sign(office, digest, "--key", office.key("chair"))
    assert (refused.status, "was superseded already" in refused.err) == (2, True), refused.err
    assert office.events() == before
    assert waiting(office) == [digest]
    impossible = office.file("payload.json", {"team": "nobody"})
    kept = office.dokja("stage", "record", "withdrawal", impossible, "--draft", at=DRAFTED)
    assert kept.status == 2, "what the rules refuse now is not kept"
    assert office.dokja("stage", "drafts", "--discard", digest).status == 0
    assert waiting(office) == []
    assert sign(office, digest, "--key", office.key("chair")).status == 2


def test_a_signature_that_does_not_count_records_nothing(office: Office, tmp_path: Path) -> None:
    digest = drafted(office, "judged_finding", judged(office))
    other = drafted(office, "withdrawal", {"team": "mirae"})
    run("key", "new", tmp_path / "stranger.key")
    size = len(office.events())
    for wrong, sentence in (
        (["--credential", answered(office, PHONE, "event", other)], "signs something else"),
        (["--key", office.key("chair")], "that expert's enrolled key"),
    ):
        said = sign(office, digest, *wrong)
        assert (said.status, sentence in said.err) == (2, True), said.err
    referee = answered(office, OTHER_PHONE, "event", digest)
    assert "that expert's enrolled key" in sign(office, digest, "--credential", referee).err
    as_decision = answered(office, PHONE, "decision", digest)
    assert "signs something else" in sign(office, digest, "--credential", as_decision).err
    late = answered(office, PHONE, "event", digest)
    assert sign(office, digest, "--credential", late, "--at", DRAFTED).status == 2
    assert "dokja key enrol" in sign(office, other, "--key", tmp_path / "stranger.key").err
    assert len(office.events()) == size
    assert sorted(waiting(office)) == sorted([digest, other])
    assert sign(office, digest, "--credential", answered(office, PHONE, "event", digest)).status == 0


def test_how_it_is_asked_for_is_said(office: Office) -> None:
    digest = drafted(office, "withdrawal", {"team": "mirae"})
    file = office.file("payload.json", {"team": "mirae"})
    key, chair = ["--key", office.key("office")], ["--key", office.key("chair")]
    record = ["stage", "record", "withdrawal", file, "--draft"]
    assert "no --key" in office.dokja(*record, *key, at=DRAFTED).err
    assert "one --key" in sign(office, digest, *key, *chair).err
    assert "no dossiers" in sign(office, digest, *key, "--out", office.folder).err
    assert "Nothing waits" in sign(office, "sha256:" + "0" * 64, *key).err
    decision = office.decide()
    assert office.dokja("stage", "drafts", "--discard", decision).status == 2
    assert office.dokja("stage", "publish", digest, at=ANNOUNCED).status == 2
    listed = office.dokja("stage", "drafts", "--lang", "ko").out
    assert digest in listed
    assert "서명 대상" in listed
    plain = office.dokja(*record, "--lang", "ko", at=DRAFTED).out
    assert "dokja key challenge event sha256:" in plain
    shown = office.dokja("stage", "drafts", "--json").out
    assert all(set(one["event"]) and "salt" not in one["event"] for one in json.loads(shown)["drafts"])


def test_what_identifies_a_person_waits_beside_the_event_and_is_erased_with_it(office: Office) -> None:
    conflict = {"rater": "experts:01", "team": "nuri", "ground": "a former employer"}
    persons = []
    for name in ("Who-signs-it", "Who-gives-it-up"):
        personal = office.file("person.json", {"name": name})
        persons.append(drafted(office, "conflict_declared", conflict, "--personal", personal))
    assert "Who" not in office.dokja("stage", "drafts", "--json").out
    assert sign(office, persons[0], "--key", office.key("chair")).status == 0
    discarded = office.json("stage", "drafts", "--discard", persons[1])
    assert discarded["overwritten"]
    assert b"Who-gives-it-up" not in held(office)
    assert b"Who-signs-it" in held(office)
    event = office.events()[-1]
    assert office.dokja("stage", "erase", event.id, "--reason", "asked", at=SIGNED).status == 0
    assert b"Who-signs-it" not in held(office)


def held(office: Office) -> bytes:
    return b"\0".join(file.read_bytes() for file in office.desk.rglob("*") if file.is_file())
