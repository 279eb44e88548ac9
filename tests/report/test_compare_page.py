"""The page of a comparison, looked at in a real Chromium: both languages, a phone, the keyboard, print, no network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from dokja.report.compare_page import render_compare_page
from dokja.workflows.compare import Comparison, compare

ZOO = Path(__file__).parents[1] / "fixtures" / "zoo"
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = compare(Comparison(str(ZOO / "A_dus_trained"), (str(ZOO / "A"), str(ZOO / "B"))))
    result["suspect"]["name"] = "<script>alert(1)</script>"
    path = tmp_path_factory.mktemp("page") / "compare.html"
    path.write_text(render_compare_page(result, "ko"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield opened
        opened.close()


def test_the_page_shows_one_language_at_a_time_and_the_keyboard_changes_it(
    page_file: Path, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.locator(".in-ko h1").is_visible()
    assert not page.locator(".in-en h1").is_visible()
    page.focus("#show-ko")
    page.keyboard.press("ArrowRight")
    assert page.locator(".in-en h1").is_visible()
    assert "shares a descent" in page.locator(".in-en .lead").inner_text()


def test_a_name_from_a_submission_is_text_and_nothing_runs_or_is_fetched(
    page_file: Path, browser: Browser
) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert said == []
    assert asked == [page_file.as_uri()]
    assert "<script>alert(1)</script>" in page.locator(".in-ko h1").inner_text()


def test_the_page_fits_a_phone_and_prints_without_controls(page_file: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.emulate_media(media="print")
    assert not page.locator(".language").is_visible()
    assert page.locator(".in-ko h1").is_visible()


def test_every_picture_says_in_words_what_it_shows(page_file: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    pictures = page.locator(".in-ko svg")
    assert pictures.count() >= 4
    assert all(pictures.nth(i).get_attribute("aria-label") for i in range(pictures.count()))
    outlined = page.locator(".in-ko svg").first.locator("rect[stroke]")
    assert outlined.count() == 6, "the layer map of four layers scaled up to six"
