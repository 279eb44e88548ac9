"""`dokja document` and `dokja stage export` write files; a letter is read on a phone without scrolling sideways."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dokja.cli.main import app
from dokja.errors import InvalidInput
from tests.made_stage import TEAMS
from tests.workflows.made_desk import made_desk

PHONE_WIDTH = 360
AT = ("--at", "2026-01-16T00:00:00Z", "--issued", "2026-01-16")


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("office") / "desk"
    made_desk(folder).store.close()
    return folder


def run(desk: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--desk", str(desk)], standalone_mode=False)


def test_a_feedback_letter_is_written_in_the_form_and_language_asked_for(desk: Path, tmp_path: Path) -> None:
    for form, begins in (("html", b"<!doctype html>"), ("hwpx", b"PK")):
        file = tmp_path / f"letter.{form}"
        told = ("document", "feedback", "--team", TEAMS[0], "--format", form, "-o", file, "--lang", "ko", *AT)
        result = run(desk, *told, "--json")
        assert result.exit_code == 0, result.exception
        assert json.loads(result.stdout)["title"] == "평가 결과 및 의견 안내"
        assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize("letter", ["decision", "minutes", "publication"])
def test_every_document_has_a_command(desk: Path, tmp_path: Path, letter: str) -> None:
    result = run(desk, "document", letter, "-o", tmp_path / "x.html", "--number", "2026-17", *AT)
    assert result.exit_code == 0, result.exception
    assert "2026-17" in (tmp_path / "x.html").read_text("utf-8")


def test_an_objection_that_is_not_there_cannot_be_acknowledged(desk: Path, tmp_path: Path) -> None:
    told = ("document", "acknowledgement", "--objection", "none", "-o", tmp_path / "x.html")
    assert isinstance(run(desk, *told).exception, InvalidInput)
    assert not (tmp_path / "x.html").exists()


def test_a_stage_is_exported_for_a_profile(desk: Path, tmp_path: Path) -> None:
    told = ("stage", "export", "--profile", "own_team", "--team", TEAMS[0], "--format", "json")
    result = run(desk, *told, "-o", tmp_path / "out", "--at", "2026-01-16T00:00:00Z", "--json")
    assert result.exit_code == 0, result.exception
    assert "scores.json" in json.loads(result.stdout)["files"]
    scores = json.loads((tmp_path / "out" / "scores.json").read_text("utf-8"))
    assert {row["team"] for row in scores} == {TEAMS[0]}


def test_a_letter_fits_a_phone(desk: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    file = tmp_path / "letter.html"
    run(desk, "document", "minutes", "-o", file, "--lang", "ko", *AT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": PHONE_WIDTH, "height": 740})
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
        assert page.locator("strong").first.inner_text().startswith("모의 자료")
        assert page.locator("h1").count() == 1
        browser.close()
