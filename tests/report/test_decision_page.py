"""The page of a decision, looked at in a real Chromium: what it says, how it reads, and what it never does."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from dokja import rulebook as rb
from dokja.canonical import digest_json
from dokja.deciding.decision import decide
from dokja.finding import Evidence, Verdict
from dokja.grammar.model import changed
from dokja.record.events import Event
from dokja.record.history import History
from dokja.report.decision_page import render_decision_page
from dokja.sensitivity.uncertainty import assess
from tests.made_stage import (
    TEAMS,
    Stage,
    full_stage,
    made_finding,
    made_rulebook,
    weights_of,
    with_advance,
)

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BALLOTS = {"expert_score", "user_rating", "rater_registered"}
HOSTILE = "<script>alert(1)</script>"
REPLACED = "\u202eirab\u0007"
LABELS = {"ko": "모의 평가표", "en": "simulated ballots"}
REPLICATES = 300


def simulated(events: list[Event]) -> list[Event]:
    return [replace(event, by="simulator") if event.kind in BALLOTS else event for event in events]


def rendered(book: rb.Rulebook, events: list[Event], replicates: int | None = REPLICATES) -> str:
    uncertainty = None if replicates is None else assess(book, History.of(events), 7, replicates=replicates)
    return render_decision_page(book, decide(book, History.of(events)), uncertainty, History.of(events), "ko")


@pytest.fixture(scope="module")
def whole_stage() -> tuple[rb.Rulebook, list[Event]]:
    """Five teams: one leaves by score, one by independence with its reply, one rests on judgement."""
    book = made_rulebook()
    stage = full_stage(book)
    refuted = stage.find("nuri", "weights.independent_of", Verdict.REFUTED, Evidence.MEASURED)
    stage.add("team_reply", {"team": "nuri", "to": refuted.id, "text": f"We trained it. {HOSTILE}"})
    judged = made_finding("baram", "weights.independent_of", Verdict.SUPPORTED, Evidence.JUDGED)
    payload = {
        "team": "baram",
        "rater": "experts:02",
        "finding": judged.as_json(),
        "cites": [digest_json("e", 1)],
    }
    stage.add("judged_finding", payload)
    stage.add("conflict_declared", {"rater": "experts:03", "team": "nuri", "ground": "co_authorship"})
    support = {"team": "nuri", "support": "gpu", "supplier": "baram", "promised": 8, "delivered": 8}
    stage.add("support_delivered", support)
    events = [
        replace(event, payload=changed(event.payload, name=HOSTILE))
        if event.kind == "team_registered" and event.payload.team == "dalbit"
        else event
        for event in stage.events
    ]
    return book, events


@pytest.fixture(scope="module")
def page_file(whole_stage: tuple[rb.Rulebook, list[Event]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    book, events = whole_stage
    path = tmp_path_factory.mktemp("page") / "decision.html"
    path.write_text(rendered(book, simulated(events)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def shown(page_file: Path, browser: Browser) -> Page:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    return page


def body(shown: Page, language: str) -> str:
    shown.check(f"#show-{language}")
    return shown.locator(f".in-{language}").inner_text()


def test_one_sentence_on_top_says_who_advances_who_leaves_how_and_what_stays_vacant(shown: Page) -> None:
    body(shown, "en")
    lead = shown.locator(".in-en .lead").inner_text()
    assert lead == (
        f"Of 5 teams, these advance: Baram, {HOSTILE}, Haneul; "
        "these 2 leave: Mirae (by score), Nuri (by independence); 1 place stays vacant. "
        "The rulebook on vacant places: re-entry."
    )
    body(shown, "ko")
    lead = shown.locator(".in-ko .lead").inner_text()
    assert "Mirae (점수에 따른 탈락), Nuri (독자성에 따른 탈락) 2개 팀은 진출하지 못하며" in lead
    assert "1자리가 공석으로 남습니다." in lead


def test_the_keyboard_changes_the_language(page_file: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    assert page.locator(".in-ko h1").is_visible()
    page.focus("#show-ko")
    page.keyboard.press("ArrowRight")
    assert page.locator(".in-en h1").is_visible()
    assert not page.locator(".in-ko h1").is_visible()


def test_nothing_runs_nothing_is_fetched_and_a_hostile_name_is_text(
    page_file: Path, browser: Browser
) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert said == []
    assert asked == [page_file.as_uri()]
    assert page.locator("script, a[href^='javascript'], svg [href], svg [style], svg style").count() == 0
    assert page.locator(".in-ko h2", has_text=HOSTILE).count() == 1
    assert page.locator(".in-ko .reply", has_text=HOSTILE).count() == 1


def test_it_fits_a_phone_and_prints_without_controls(page_file: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(page_file.as_uri())
    for language in ("ko", "en"):
        page.check(f"#show-{language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        widths = page.locator(f".in-{language} svg").evaluate_all(
            "s => s.map(e => e.getBoundingClientRect().width)"
        )
        assert widths
        assert max(widths) <= 360
    page.emulate_media(media="print")
    assert not page.locator(".language").is_visible()
    assert page.locator(".in-en .banner").is_visible()


def test_charts_take_the_colour_of_the_page_in_the_dark(page_file: Path, browser: Browser) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(page_file.as_uri())
    colours = page.locator(".in-ko svg text").evaluate_all(
        "t => [...new Set(t.map(e => getComputedStyle(e).fill))]"
    )
    assert colours == [page.evaluate("getComputedStyle(document.body).color")]


def numbers(words: str) -> set[str]:
    return set(re.findall(r"\d+\.\d+%?", words))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_chart_has_words_and_a_table_with_the_same_figures(shown: Page, language: str) -> None:
    body(shown, language)
    charts = shown.locator(f".in-{language} figure")
    assert charts.count() == 3
    for place in range(3):
        chart = charts.nth(place)
        svg = chart.locator("svg")
        assert svg.get_attribute("role") == "img"
        assert svg.get_attribute("aria-label") == svg.locator("title").text_content()
        assert LABELS[language] in str(svg.get_attribute("aria-label"))
        drawn = numbers(" ".join(t for t in texts(svg)))
        beside = numbers(chart.locator("table").inner_text() + chart.locator("figcaption").inner_text())
        assert drawn
        assert drawn <= beside


def texts(svg: Locator) -> list[str]:
    return svg.locator("text").evaluate_all("t => t.map(e => e.textContent)")


def test_figures_made_of_simulated_ballots_say_so_and_the_others_do_not(shown: Page) -> None:
    for language, label in LABELS.items():
        body(shown, language)
        whole = shown.locator(f".in-{language}")
        assert label.lower() in whole.locator(".banner").inner_text().lower()
        header = whole.locator("table").first.locator("thead th.number")
        assert all(label in words for words in header.all_inner_texts())
        team = whole.locator("section").first
        rows = team.locator("table").first.locator("tbody th").all_inner_texts()
        assert [label in row for row in rows] == [False, False, False, False, True, True]
        assert (
            label
            in whole.locator(
                "h2", has_text="결정을 바꿀" if language == "ko" else "change the decision"
            ).inner_text()
        )
        assert all(label in words for words in whole.locator("figcaption").all_inner_texts())


def test_without_simulated_events_nothing_is_called_simulated(
    whole_stage: tuple[rb.Rulebook, list[Event]],
) -> None:
    html = rendered(*whole_stage, replicates=None)
    assert 'class="banner"' not in html
    assert not any(word in html[html.index("<main") :].lower() for word in ("simulated", "모의"))


def test_one_simulated_rater_is_enough_for_the_banner(whole_stage: tuple[rb.Rulebook, list[Event]]) -> None:
    book, events = whole_stage
    first = next(event for event in events if event.kind == "expert_score")
    one = [replace(event, by="simulator") if event is first else event for event in events]
    assert 'class="banner"' in rendered(book, one, replicates=None)
    # Corrected by a person, it no longer stands, and nothing that counts is simulated.
    corrected = replace(first, id="corrected", supersedes=first.id, reason="a person marked it")
    assert 'class="banner"' not in rendered(book, [*one, corrected], replicates=None)


def test_simulated_runs_mark_the_parts_that_read_them(
    whole_stage: tuple[rb.Rulebook, list[Event]], browser: Browser
) -> None:
    book, events = whole_stage
    made = [
        replace(event, by="simulator")
        if event.kind == "run_result" and str(event.payload.benchmark).startswith("com-")
        else event
        for event in events
    ]
    page = browser.new_page()
    page.set_content(rendered(book, made, replicates=None))
    page.check("#show-en")
    rows = page.locator(".in-en section").first.locator("table").first.locator("tbody th").all_inner_texts()
    assert page.locator(".in-en .finding .label").count() == 0
    assert [row for row in rows if "simulated records" in row] == [
        "benchmark simulated records", "common simulated records",
    ]  # fmt: skip


def test_a_simulated_finding_says_so_and_so_does_the_gate_of_that_team_alone(
    whole_stage: tuple[rb.Rulebook, list[Event]], browser: Browser
) -> None:
    book, events = whole_stage
    made = [replace(event, by="simulator") if event.kind == "judged_finding" else event for event in events]
    page = browser.new_page()
    page.set_content(rendered(book, made, replicates=None))
    page.check("#show-en")
    assert page.locator(".in-en .finding .label").all_inner_texts() == ["simulated finding"]
    marked = page.locator(".in-en section", has=page.locator("th .label", has_text="simulated records"))
    assert marked.locator("h2").all_inner_texts() == ["Baram"]


def test_findings_stand_with_their_evidence_digests_and_the_team_s_reply(shown: Page) -> None:
    words = body(shown, "en")
    nuri = shown.locator(".in-en section", has=shown.locator("h2", has_text="Nuri"))
    refuted = nuri.locator(".finding", has_text="refuted")
    assert "measured on the artefact" in refuted.inner_text()
    assert f"The team's reply\nWe trained it. {HOSTILE}" in refuted.inner_text()
    assert weights_of("nuri") in refuted.inner_text()
    assert "only findings open that gate" in nuri.inner_text()
    baram = shown.locator(".in-en section", has=shown.locator("h2", has_text="Baram"))
    judged = baram.locator(".finding", has_text="judged by experts:02").inner_text()
    assert "judged, not replayed" in judged
    assert digest_json("e", 1) in judged
    assert "experts:03 declared a conflict of interest with Nuri (co_authorship) and did not recuse." in words
    assert "Baram supplies other teams and is itself a contestant." in words


def test_what_would_change_it_is_said_exactly_or_as_a_bound(
    shown: Page, whole_stage: tuple[rb.Rulebook, list[Event]]
) -> None:
    book, events = whole_stage
    uncertainty = assess(book, History.of(events), 7, replicates=REPLICATES)
    body(shown, "en")
    rows = (
        shown.locator(".in-en table", has_text="whose removal would change")
        .locator("tbody tr")
        .all_inner_texts()
    )
    assert len(rows) == len(uncertainty.fragility)
    for found, row in zip(uncertainty.fragility, rows, strict=True):
        assert found.of in row
        if found.fewest is not None:
            assert f"\t{found.fewest}\t" in row
            assert ("exact" if found.exact else f"upper bound: at least {found.at_least}") in row
    averages = shown.locator(".in-en table", has_text="Other averages").locator("tbody tr")
    assert averages.count() == len(uncertainty.averages)
    normalisers = shown.locator(".in-en table", has_text="Other normalisers").locator("tbody tr")
    said = [words.endswith("the same teams") for words in normalisers.all_inner_texts()]
    assert said == [not reading.changes_outcome for reading in uncertainty.readings]


def test_it_says_who_signs_that_people_decide_and_how_to_reproduce_it(
    shown: Page, whole_stage: tuple[rb.Rulebook, list[Event]]
) -> None:
    words = body(shown, "en")
    assert "2 of 3 people must sign." in words
    assert "People decide. The program computes, shows and checks; it does not sign." in words
    assert whole_stage[0].digest() in words
    assert "seed\n7\n" in words
    assert f"replicates\n{REPLICATES}\n" in words
    korean = body(shown, "ko")
    assert "3명 가운데 2명이 서명해야 합니다." in korean
    assert "결정은 사람이 합니다." in korean


def test_the_same_decision_gives_the_same_bytes(
    page_file: Path, whole_stage: tuple[rb.Rulebook, list[Event]]
) -> None:
    book, events = whole_stage
    assert rendered(book, simulated(events)) == page_file.read_text("utf-8")


def _withdrawal() -> tuple[rb.Rulebook, list[Event]]:
    stage = full_stage(made_rulebook())
    stage.add("withdrawal", {"team": "dalbit"})
    return stage.book, stage.events


def _no_result() -> tuple[rb.Rulebook, list[Event]]:
    stage = full_stage(made_rulebook())
    without = [
        event for event in stage.events
        if not (event.kind == "run_result" and event.payload.subject == "haneul")
    ]  # fmt: skip
    return stage.book, without


def _tie() -> tuple[rb.Rulebook, list[Event]]:
    book = rb.changed(
        made_rulebook(rb.Raw()),
        parts=(rb.changed(made_rulebook().parts[0].parts[0], points=100.0),),
        gates=(rb.KeepTop(id="all", title=rb.Text(ko="상위", en="best"), reads="total", keep=1),),
        items=(),
    )
    book = with_advance(book, places=1, ties=(rb.TieBreak(rule=rb.TieRule.LOT),))
    stage = Stage(book).open(["baram", "nuri"])
    for team in ("baram", "nuri"):
        for name in ("nat-0", "nat-1"):
            stage.run(team, name, [1.0, 0.0, 1.0, 0.0])
    return book, stage.events


def _empty() -> tuple[rb.Rulebook, list[Event]]:
    book = made_rulebook()
    return book, Stage(book).open([]).events


def _one_team() -> tuple[rb.Rulebook, list[Event]]:
    book = made_rulebook(rb.Raw())
    parts = (book.parts[0], book.parts[1], rb.changed(book.parts[2], normaliser=rb.Raw()))
    book = with_advance(rb.changed(book, parts=parts), places=1)
    return book, full_stage(book, teams=["baram"]).events


def _nothing_happened() -> tuple[rb.Rulebook, list[Event]]:
    book = made_rulebook()
    return book, Stage(book).open(TEAMS).events


def _same_and_invisible_names() -> tuple[rb.Rulebook, list[Event]]:
    stage = full_stage(made_rulebook())
    names = {"baram": REPLACED, "dalbit": "irab", "haneul": "가" * 200, "mirae": "a" * 200}
    return stage.book, [
        replace(event, payload=changed(event.payload, name=names[event.payload.team]))
        if event.kind == "team_registered" and event.payload.team in names
        else event
        for event in stage.events
    ]


OUTCOMES = [
    (_withdrawal, "Dalbit (by withdrawal)", 3),
    (_no_result, "not advancing: Haneul (without a result), Mirae (not decided yet)", 3),
    (_tie, "not settled, and so not advancing: Baram (an unresolved tie), Nuri", 3),
    (_empty, "Of 0 teams, none advances", 0),
    (_one_team, "Of 1 team, Baram advances.", 3),
    (
        _nothing_happened,
        "not settled, and so not advancing: Baram (independence not established, without a result)",
        0,
    ),
    (_same_and_invisible_names, "irab (baram), irab (dalbit)", 3),
]


@pytest.mark.parametrize(("made", "said", "charts"), OUTCOMES, ids=[made.__name__ for made, _, _ in OUTCOMES])
def test_every_way_a_stage_can_end_is_shown_without_a_raw_missing_value(
    made, said: str, charts: int, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.set_content(rendered(*made(), replicates=100))
    page.check("#show-en")
    words = page.locator(".in-en").inner_text()
    assert complaints == []
    assert said in page.locator(".in-en .lead").inner_text()
    assert page.locator(".in-en svg").count() == charts
    assert not re.search(r"\b(nan|None|null|inf|NoResult)\b", words)
    assert not re.search(r"–(?! \(| ?[\d.]| no result)", words), "a dash without its reason"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_resamples_it_says_that_they_were_not_computed(
    whole_stage: tuple[rb.Rulebook, list[Event]], browser: Browser
) -> None:
    page = browser.new_page()
    page.set_content(rendered(*whole_stage, replicates=None))
    page.check("#show-en")
    words = page.locator(".in-en").inner_text()
    assert "– (not computed for this page)" in words
    assert page.locator(".in-en svg").count() == 1
