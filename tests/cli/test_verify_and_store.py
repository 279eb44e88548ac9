"""`dokja verify` and `dokja store` as people run them: exit status, words, JSON."""

import json
import sqlite3
from pathlib import Path

import pytest

from dokja.cli.main import main
from dokja.dossier import write_dossier
from tests.workflows.made_decision import LOG_KEY, Decided, decided_stage


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Decided:
    return decided_stage(tmp_path_factory.mktemp("decided"))


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_verify_says_what_holds_what_is_broken_and_what_it_cannot_read(
    decided: Decided, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "public.dossier"
    path.write_bytes(write_dossier(decided.dossier(public=True)))
    assert run("verify", path, "--log-key", LOG_KEY) == 0
    assert "none is broken" in capsys.readouterr().out
    assert run("verify", path, "--lang", "ko") == 0
    assert "깨진 항목은 없습니다" in capsys.readouterr().out

    path.write_bytes(path.read_bytes().replace(b"Team", b"Taem").replace(b"Haneul", b"Haneui"))
    assert run("verify", path, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    broken = {s["name"] for s in report["statements"] if s["standing"] == "BROKEN"}
    assert {"file.seal", "log.inclusion"} <= broken
    assert not report["intact"]

    path.write_bytes(b"{}")
    assert run("verify", path) == 3
    assert run("verify", tmp_path / "none") == 3
    assert run("verify", path, "--log-key", "nonsense") in (2, 3)


def test_store_is_checked_backed_up_restored_and_moved(
    decided: Decided, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, copy, moved = (
        decided.store.database.url,
        f"sqlite:///{tmp_path}/copy.db",
        f"sqlite:///{tmp_path}/moved.db",
    )
    assert run("store", "migrate", url) == 0
    assert run("store", "backup", url, tmp_path / "backup") == 0
    assert run("store", "restore", tmp_path / "backup", copy) == 0
    assert run("store", "move", copy, moved) == 0
    capsys.readouterr()
    roots = []
    for where in (url, copy, moved):
        assert run("store", "check", where, "--json") == 0
        roots.append(json.loads(capsys.readouterr().out)["root"])
    assert len(set(roots)) == 1
    assert run("store", "move", copy, moved) == 2
    assert run("store", "migrate", copy, "--down", "--to", "base") == 2
    assert run("store", "migrate", copy, "--down", "--to", "0001") == 0
    assert run("store", "check", copy) == 3


def test_a_damaged_store_ends_with_could_not_look(decided: Decided, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    assert run("store", "move", decided.store.database.url, f"sqlite:///{path}") == 0
    raw = sqlite3.connect(path, isolation_level=None)
    trigger = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'refuse_update_events'").fetchone()[0]
    raw.execute("DROP TRIGGER refuse_update_events")
    raw.execute("UPDATE events SET body = replace(body, 'Haneul', 'Haneui')")
    raw.execute(trigger)
    raw.close()
    assert run("store", "check", f"sqlite:///{path}") == 3
