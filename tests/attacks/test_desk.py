"""A desk that somebody damaged, and names that would drive a terminal: refused or shown, in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dokja.errors import InvalidInput, StoreDamaged, UnreadableArtifact
from dokja.report.words import say
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import open_stage
from dokja.workflows.stage import Actor
from tests.journeys.decided_desk import made_office
from tests.made_stage import made_rulebook


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    Desk.create(tmp_path / "desk", origin="programme.example/log").store.close()
    return tmp_path / "desk"


@pytest.mark.parametrize(
    "settings",
    [b"\xff\xfe[[[", b"", b"store = 3\norigin = []\n", b'origin = "a"b"\n'],
    ids=["no text", "empty", "other types", "no TOML"],
)
def test_damaged_settings_are_named_and_not_guessed(desk: Path, settings: bytes) -> None:
    (desk / "desk.toml").write_bytes(settings)
    with pytest.raises(UnreadableArtifact, match=re.escape("desk.toml")):
        Desk(desk)


@pytest.mark.parametrize("origin", ['a"b', "a\nb", "a b", "", "a+b", "a\\b", "\x1b[31m"])
def test_a_log_whose_name_would_break_its_desk_is_refused_before_anything_is_made(
    tmp_path: Path, origin: str
) -> None:
    with pytest.raises(InvalidInput):
        Desk.create(tmp_path / "new", origin=origin)
    assert not (tmp_path / "new").exists()


def test_a_name_cannot_drive_the_terminal_of_whoever_reads_a_sentence() -> None:
    hostile = "x\x1b[2J\x07\u202e"
    said = say("lineage.no_counterpart", {"component": "lm_head", "reference": hostile, "kind": "x"}, "en")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", said)


def test_a_row_that_is_no_text_is_a_damaged_store(desk: Path) -> None:
    with Desk(desk) as opened:
        open_stage(opened, made_rulebook(), Actor("bystander", "2026-01-05T00:00:00Z"), "stage")
    for file in desk.glob("store.db*"):
        file.write_bytes(file.read_bytes().replace(b'"bystander"', b'"bystande\xff"'))
    with pytest.raises(StoreDamaged), Desk(desk) as opened:
        opened.store.events("stage")


@pytest.mark.parametrize("score", [1e308, -1, 10.01])
def test_a_mark_outside_its_scale_is_refused_and_the_stage_stays_readable(
    tmp_path: Path, score: float
) -> None:
    office = made_office(tmp_path)
    first = next(event for event in office.events() if event.kind == "expert_score")
    marked = office.file("mark.json", {**first.payload.as_json(), "score": score})
    said = office.dokja(
        "stage", "record", "expert_score", marked, "--supersedes", first.id, "--reason", "typo"
    )
    assert said.status == 2, said.err
    assert office.dokja("stage", "score").status == 0
