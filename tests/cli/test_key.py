"""Keys from the command line: a signature counts only while its key does."""

import json
from pathlib import Path
from typing import Any

import pytest

from dokja.cli.main import main
from tests.signature.authenticator import SITE, Authenticator

RULEBOOK = str(Path(__file__).parents[2] / "examples" / "rulebooks" / "template.toml")
AT = "2027-04-0{}T00:00:00Z"


def run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    said = capsys.readouterr()
    assert ended.value.code == status, said.err
    return said.out if status == 0 else said.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    folder = tmp_path / "desk"
    run(capsys, "stage", "open", RULEBOOK, "--desk", str(folder), "--at", AT.format(1))
    for name in ("office", "chair", "later"):
        run(capsys, "key", "new", str(folder / f"{name}.key"))
    return folder


def enrol(
    capsys: pytest.CaptureFixture[str], desk: Path, person: str, role: str, *more: str, status: int = 0
) -> str:
    key = ["--key", str(desk / f"{person}.key"), "--desk", str(desk), "--at", AT.format(2)]
    return run(capsys, "key", "enrol", person, role, *key, *more, status=status)


def listed(capsys: pytest.CaptureFixture[str], desk: Path) -> dict[str, str]:
    rows = json.loads(run(capsys, "key", "list", "--desk", str(desk), "--json"))["keys"]
    return {row["key"]: row["ended"] for row in rows}


def test_an_organiser_enrols_others_and_nobody_enrols_themselves(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enrol(capsys, desk, "office", "organiser")
    refused = enrol(capsys, desk, "chair", "chair", status=2)
    assert "not_allowed" in refused
    enrol(capsys, desk, "chair", "chair", "--organiser", str(desk / "office.key"))
    assert len(listed(capsys, desk)) == 2


def test_a_rotated_and_a_revoked_key_no_longer_count(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrol(capsys, desk, "office", "organiser")
    enrol(capsys, desk, "chair", "chair", "--organiser", str(desk / "office.key"))
    files = ["--old", str(desk / "chair.key"), "--new", str(desk / "later.key")]
    run(capsys, "key", "rotate", *files, "--reason", "new card", "--desk", str(desk), "--at", AT.format(3))
    ended = listed(capsys, desk)
    assert sum(when != "–" for when in ended.values()) == 1
    fresh = json.loads((desk / "later.key").read_text())["key"]
    by = ["--by", str(desk / "office.key"), "--reason", "left", "--desk", str(desk), "--at", AT.format(4)]
    run(capsys, "key", "revoke", fresh, *by)
    assert sum(when != "–" for when in listed(capsys, desk).values()) == 2


def test_a_key_file_others_can_read_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "office.key").chmod(0o644)
    assert "can be read by others" in enrol(capsys, desk, "office", "organiser", status=2)
    run(capsys, "key", "new", str(desk / "chair.key"), status=2)


PHONE, CARD = Authenticator(61), Authenticator(62, edwards=True)


def asked(
    capsys: pytest.CaptureFixture[str], desk: Path, passkey: Authenticator, *about: str
) -> dict[str, Any]:
    """What `dokja key challenge` says for a passkey whose file has no answer yet."""
    file = desk / "asked.json"
    file.write_text(json.dumps({**passkey.file(), "id": "Y3JlZA"}), encoding="utf-8")
    said = run(capsys, "key", "challenge", *about, "--credential", str(file), "--at", AT.format(2), "--json")
    found: dict[str, Any] = json.loads(said)
    return found


def answered(desk: Path, passkey: Authenticator, challenge: dict[str, Any], name: str = "answer") -> str:
    """The passkey's file once a browser has answered what it was asked."""
    file = desk / f"{name}.json"
    file.write_text(
        json.dumps(passkey.file(challenge["at"], challenge["request"]["challenge"])), encoding="utf-8"
    )
    return str(file)


def test_a_passkey_is_asked_and_enrolled_and_hands_over(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    enrol(capsys, desk, "office", "organiser")
    office, where = ["--organiser", str(desk / "office.key")], ["--desk", str(desk)]
    challenge = asked(capsys, desk, PHONE, "enrol", "chair", "chair")
    assert challenge["request"] == {
        "challenge": challenge["request"]["challenge"], "rpId": SITE, "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": "Y3JlZA"}],
    }  # fmt: skip
    file = answered(desk, PHONE, challenge)
    said = run(capsys, "key", "enrol", "other", "chair", "--credential", file, *office, *where, status=2)
    assert "it signs something else" in said
    run(capsys, "key", "enrol", "chair", "chair", "--credential", file, *office, *where)
    assert PHONE.id in listed(capsys, desk)

    hand_over = ["rotate", PHONE.id, CARD.id, "--reason", "new card"]
    old = answered(desk, PHONE, asked(capsys, desk, PHONE, *hand_over), "old")
    new = answered(desk, CARD, asked(capsys, desk, CARD, *hand_over), "new")
    run(capsys, "key", "rotate", "--old", old, "--new", new, "--reason", "other words", *where, status=2)
    run(capsys, "key", "rotate", "--old", old, "--new", new, "--reason", "new card", *where)
    assert listed(capsys, desk)[PHONE.id] == AT.format(2)

    lost = answered(desk, CARD, asked(capsys, desk, CARD, "revoke", CARD.id, "--reason", "lost"), "lost")
    run(capsys, "key", "revoke", CARD.id, "--by", lost, "--reason", "lost", *where)
    assert listed(capsys, desk)[CARD.id] == AT.format(2)


def test_a_passkey_vouches_as_an_organiser(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--desk", str(desk)]
    first = answered(desk, PHONE, asked(capsys, desk, PHONE, "enrol", "office", "organiser"))
    run(capsys, "key", "enrol", "office", "organiser", "--credential", first, *where)
    chair = json.loads((desk / "chair.key").read_text())["key"]
    vouching = answered(desk, PHONE, asked(capsys, desk, PHONE, "enrol", "chair", "chair", chair))
    run(
        capsys,
        "key",
        "enrol",
        "chair",
        "chair",
        "--key",
        str(desk / "chair.key"),
        "--organiser",
        vouching,
        *where,
    )
    assert chair in listed(capsys, desk)


def test_what_a_passkey_cannot_be_asked_is_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = desk / "phone.json"
    file.write_text(json.dumps(PHONE.file()), encoding="utf-8")
    ask = ["key", "challenge", "--credential", str(file)]
    for about in (
        ["decision", "nonsense"], ["enrol", "chair"], ["enrol", "a", "b", "c"], ["rotate", PHONE.id, CARD.id], ["revoke", PHONE.id],
        ["revoke", "key", "--reason", "x"], ["decision", "sha256:" + "0" * 64, "--at", "noon"],
    ):  # fmt: skip
        assert "invalid" in run(capsys, *ask, *about, status=2)
    plain = run(capsys, *ask, "decision", "sha256:" + "0" * 64, "--at", AT.format(3)).splitlines()
    assert plain[1:] == [AT.format(3), PHONE.id]
    assert "no answer" in run(
        capsys, "key", "enrol", "a", "chair", "--credential", str(file), "--desk", str(desk), status=2
    )
    full = answered(desk, PHONE, asked(capsys, desk, PHONE, "enrol", "a", "chair"), "full")
    both = ["--credential", full, "--key", str(desk / "chair.key")]
    for given in ([], both):
        assert "either" in run(capsys, "key", "enrol", "a", "chair", *given, "--desk", str(desk), status=2)
