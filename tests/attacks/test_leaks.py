"""Secrets planted in a stage: no profile below the auditor sees them in any view, release, dossier, error or output."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dokja.dossier import read_dossier
from dokja.rulebook import Disclosed, Profile
from dokja.workflows.decide import read_proposal, write_dossiers
from dokja.workflows.desk import Desk
from dokja.workflows.stage import Actor
from tests.journeys.decided_desk import (
    ANNOUNCED,
    STAGE,
    TABLE,
    TEAMS,
    Office,
    appealing_rulebook,
    decided_office,
    made_office,
)
from tests.made_stage import draft

NAME, WORDS, SECRET_MARK = "홍길동 교수", "the experts whispered to us", 7.31
BELOW = [
    ("--profile", profile, *(("--team", "nuri") if profile is Profile.OWN_TEAM else ()))
    for profile in Profile
    if profile is not Profile.AUDITOR
]
EARLY = "2026-01-15T06:30:00Z"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = made_office(tmp_path_factory.mktemp("planted"))
    with Desk(office.desk) as desk:
        old = next(e for e in desk.store.events(STAGE) if e.kind == "expert_score")
        mark = {**old.payload.as_json(), "score": SECRET_MARK}
        seat = {"rater": "experts:secret", "panel": "experts"}
        desk.stage(STAGE).record(
            Actor("office", "2026-01-12T00:00:00Z"),
            [
                draft("expert_score", mark, supersedes=old.id, reason=WORDS),
                draft("rater_registered", seat, personal={"name": NAME}),
            ],
        )
    office.decide()
    text = office.file("words.txt", WORDS)
    assert office.dokja("stage", "publish", at=ANNOUNCED).status == 0
    object_ = ["stage", "object", "mirae", "--ground", "clerical_error", "--text", text]
    assert office.dokja(*object_, at=EARLY).status == 0
    file_ = ["allegation", "file", "mirae", "--reference", WORDS, "--basis", "code_likeness", "--text", text]
    assert office.dokja(*file_, at=EARLY).status == 1
    return office


@pytest.fixture
def office(planted: Office, tmp_path: Path) -> Office:
    shutil.copytree(planted.folder, tmp_path / "office")
    return replace(planted, folder=tmp_path / "office")


def scores_of(office: Office, teams: list[str]) -> dict[str, float]:
    rows = office.json("stage", "score")["scores"]
    return {f"{r['team']}.{r['part']}": r["points"] for r in rows if r["team"] in teams}


def secrets(office: Office, teams: list[str]) -> set[str]:
    """Every figure of these teams that is not also a published best score, every salt, name and word."""
    best = {}
    for name, points in scores_of(office, TEAMS).items():
        part = name.split(".")[1]
        best[part] = max(best.get(part, 0.0), points)
    figures = {str(points) for points in scores_of(office, teams).values() if points not in best.values()}
    long_figures = {figure for figure in figures if len(figure) > 6}
    assert len(long_figures) >= 2
    salts = {event.salt for event in office.events() if event.salt}
    assert len(salts) > 100
    return long_figures | salts | {NAME, WORDS, str(SECRET_MARK)}


def assert_nothing_leaks(text: str, hidden: set[str]) -> None:
    readable = text + json.dumps(text) + _unescaped(text)
    assert [one for one in sorted(hidden) if one in readable] == []


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)


@pytest.mark.parametrize("viewer", BELOW, ids=lambda viewer: viewer[-1])
def test_no_view_below_the_auditor_holds_a_planted_secret(office: Office, viewer: tuple[str, ...]) -> None:
    others = [team for team in TEAMS if team != viewer[-1]]
    said = office.dokja("publication", "preview", *viewer, at=EARLY)
    assert said.status == 0, said.err
    assert_nothing_leaks(said.out + said.err, secrets(office, others))
    for command in (["allegation", "status"], ["stage", "objections"]):
        told = office.dokja(*command, *(viewer if command[0] == "allegation" else ()), "--json", at=""
                            if command[0] == "stage" else EARLY)  # fmt: skip
        assert_nothing_leaks(told.out + told.err, secrets(office, TEAMS))


def test_the_auditor_sees_what_was_planted_so_the_search_can_find_it(office: Office) -> None:
    said = office.dokja("publication", "preview", "--profile", "auditor", at=EARLY)
    figures = [f"{points:.9g}"[:9] for points in scores_of(office, TEAMS).values()]
    assert all(figure in said.out for figure in figures)
    assert WORDS in said.out


def test_the_public_dossier_seals_marks_names_words_and_a_release_under_embargo(
    office: Office, tmp_path: Path
) -> None:
    release = [
        "publication",
        "release",
        "--field",
        "stage_means",
        "--digits",
        2,
        "--until",
        "2030-01-01T00:00:00Z",
    ]
    assert office.dokja(*release, "--to", "press:early", at=EARLY).status == 0
    digest = office.json("publication", "preview", "--by", "press:early", at=EARLY)["decision"]
    with Desk(office.desk) as desk:
        stage = desk.stage(STAGE)
        write_dossiers(stage, read_proposal(stage, digest), tmp_path / "out")
    public = tmp_path / "out" / f"{STAGE}.public.dossier.json"
    shown = [entry for entry in read_dossier(public.read_bytes()).dossier.record if entry.kind == "event"]
    open_salts = {str(dict(entry.body["event"])["salt"]) for entry in shown}  # type: ignore[call-overload]
    text = public.read_text("utf-8")
    assert_nothing_leaks(text, secrets(office, TEAMS) - open_salts)
    assert "press:early" not in text
    assert '"until":"2030' not in text
    auditor = tmp_path / "out" / f"{STAGE}.auditor.dossier.json"
    assert NAME in auditor.read_text("utf-8")


def test_a_refused_release_tells_the_office_intervals_and_no_score(tmp_path: Path) -> None:
    office = decided_office(tmp_path, appealing_rulebook(narrowest=60.0))
    for more in ([], ["--json"]):
        said = office.dokja("stage", "publish", *more, at=ANNOUNCED)
        assert said.status == 1
        hidden = secrets_without_words(office)
        assert_nothing_leaks(said.out + said.err, hidden)


def secrets_without_words(office: Office) -> set[str]:
    return secrets(office, TEAMS) - {NAME, WORDS, str(SECRET_MARK)}


def test_errors_name_no_secret(office: Office) -> None:
    hidden = secrets(office, TEAMS)
    text = office.file("again.txt", "again")
    attempts = [
        ["publication", "preview", "--profile", "own_team", "--team", "nobody"],
        ["publication", "release", "--field", "totals", "--of", "mirae"],
        ["publication", "release", "--field", "ranks"],
        ["publication", "release", "--field", "stage_means", "--supersedes", "expert_score-1"],
        ["stage", "publish"],
        ["stage", "close"],
        ["stage", "object", "mirae", "--ground", "clerical_error", "--text", text],
        ["stage", "answer", "objection-1", "--dismiss", "--heard-by", "experts:secret", "--text", text],
        ["allegation", "status", "allegation-0"],
    ]
    for attempt in attempts:
        for more in ([], ["--json"]):
            said = office.dokja(*attempt, *more, at=EARLY)
            assert said.status in (1, 2), attempt
            assert_nothing_leaks(said.out + said.err, hidden)


def test_what_commands_print_of_an_event_opens_no_sealed_digest(office: Office) -> None:
    text = office.file("more.txt", "the marks of run two were swapped")
    said = [
        office.dokja("publication", "release", "--field", "stage_means", "--digits", 1, "--json", at=EARLY),
        office.dokja(
            "stage", "object", "nuri", "--ground", "clerical_error", "--text", text, "--json", at=EARLY
        ),
        office.dokja("stage", "objections", "--json"),
    ]
    objection = next(event.id for event in office.events() if event.kind == "objection")
    answer = ["stage", "answer", objection, "--dismiss", "--heard-by", "elder", "--key", office.key("elder")]
    said.append(office.dokja(*answer, "--text", text, "--json", at=EARLY))
    assert [one.status for one in said] == [0, 0, 1, 0]
    salts = {event.salt for event in office.events() if event.salt}
    for one in said:
        assert_nothing_leaks(one.out + one.err, salts)


def test_a_field_that_is_not_granted_cannot_be_released_to_anyone(office: Office) -> None:
    ungranted = [field for field in Disclosed if Profile.PUBLIC not in TABLE.get(field, ())]
    for field in (Disclosed.TOTALS, Disclosed.PART_SCORES, Disclosed.RANKS):
        assert field in ungranted
        before = office.events()
        said = office.dokja("publication", "release", "--field", field, at=EARLY)
        assert said.status == 2
        assert office.events() == before


def test_the_log_of_early_access_and_the_words_of_an_objection_are_sealed(office: Office) -> None:
    for event in office.events():
        if event.kind in ("objection", "allegation", "release", "access", "expert_score"):
            assert event.salt, event.kind
