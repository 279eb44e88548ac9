"""Keys from the command line: a signature counts only while its key does."""

import json
from pathlib import Path

import pytest

from dokja.cli.main import main

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
