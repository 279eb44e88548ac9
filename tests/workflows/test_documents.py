"""Documents of a real desk say the same in every form, and nothing that their reader may not see."""

from __future__ import annotations

import io
import re
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfReader

from dokja import rulebook as rb
from dokja.errors import InvalidInput, NotAllowed
from dokja.report.document import Document, Table, render_document
from dokja.rulebook import Profile
from dokja.workflows.decide import look, propose
from dokja.workflows.desk import Desk
from dokja.workflows.documents import Asked, Letter, make_document
from dokja.workflows.publish import Terms, publish_decision
from dokja.workflows.stage import Actor
from tests.made_stage import TEAMS, made_gates, text
from tests.workflows.made_desk import ANNOUNCED, add, made_desk

LATER = "2026-01-16T00:00:00Z"
DAY = date(2026, 1, 16)
SECRET = "PLANTED-SECRET"


def asked(letter: Letter, **more) -> Asked:
    return Asked(**{"letter": letter, "at": LATER, "issued": DAY, "language": "ko", **more})


def words_of(document: Document) -> str:
    said = [document.title, document.number, document.addressee]
    for block in document.blocks:
        if isinstance(block, Table):
            said += [block.caption, *block.header, *[cell for row in block.rows for cell in row]]
        else:
            said.append(block.text)
    return "\n".join(said)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = made_desk(tmp_path_factory.mktemp("desk") / "desk")
    for role in ("conflict", "recusal"):
        name = f"{SECRET}-{role}"
        add(made, "rater_registered", {"rater": name, "panel": "experts"})
    add(made, "conflict_declared", {"rater": f"{SECRET}-conflict", "team": TEAMS[0], "ground": SECRET})
    for team in TEAMS[:2]:
        add(made, "recusal", {"rater": f"{SECRET}-recusal", "teams": [team]})
    promise = {
        "support": "gpu", "team": TEAMS[0], "resource": "gpu", "what": "B200", "units": 512, "supplier": TEAMS[1],
        "first": "2025-08-18", "last": "2025-12-31",
    }  # fmt: skip
    add(made, "support_promised", promise)
    with made:
        yield made


def own_points(desk: Desk, team: str) -> list[str]:
    rows = look(desk.stage(), seed=None).decision.scores.rows()
    return [f"{row['points']:.2f}" for row in rows if row["team"] == team and row["points"] is not None]


def holds(words: str, figure: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", words) is not None


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("letter", [Letter.DECISION, Letter.MINUTES, Letter.PUBLICATION, Letter.FEEDBACK])
def test_no_document_holds_a_planted_secret_or_another_teams_score(
    desk: Desk, letter: Letter, language: str
) -> None:
    team = TEAMS[0] if letter is Letter.FEEDBACK else ""
    words = words_of(make_document(desk.stage(), asked(letter, team=team, language=language)))
    public = words_of(make_document(desk.stage(), asked(Letter.PUBLICATION)))
    assert SECRET not in words
    others = set(own_points(desk, TEAMS[1])) - set(own_points(desk, TEAMS[0])) if team else set()
    for figure in others or set(own_points(desk, TEAMS[1])):
        if not holds(public, figure):
            assert not holds(words, figure), figure


def test_the_feedback_letter_holds_every_score_of_its_own_team_and_the_last_day_to_object(desk: Desk) -> None:
    words = words_of(make_document(desk.stage(), asked(Letter.FEEDBACK, team=TEAMS[0])))
    assert all(holds(words, figure) for figure in own_points(desk, TEAMS[0]))
    assert "2026-01-29" in words  # ten business days after 15 January 2026
    assert "모의 자료" in words


def test_minutes_for_the_auditor_name_who_stepped_back_and_those_for_the_panel_count_them(desk: Desk) -> None:
    panel = words_of(make_document(desk.stage(), asked(Letter.MINUTES)))
    auditor = words_of(make_document(desk.stage(), asked(Letter.MINUTES, profile=Profile.AUDITOR)))
    assert "chair" in panel
    assert f"{SECRET}-recusal" in auditor
    assert f"{SECRET}-conflict" in auditor
    people = {rater for rater, _ in desk.stage().history.recused}
    assert f"기록된 제척·기피·회피: {len(people)}건" in panel
    assert "상정 안건" in panel


@pytest.mark.parametrize("letter", [Letter.FEEDBACK, Letter.MINUTES])
def test_every_form_says_the_same_words(desk: Desk, letter: Letter) -> None:
    from hwpx import HwpxDocument

    team = TEAMS[0] if letter is Letter.FEEDBACK else ""
    made = make_document(desk.stage(), asked(letter, team=team))
    html = render_document(made, "html").decode()
    opened = HwpxDocument.open(io.BytesIO(render_document(made, "hwpx")))
    assert opened.validate().ok
    hwpx = opened.export_text()
    pages = PdfReader(io.BytesIO(render_document(made, "pdf"))).pages
    pdf = re.sub(r"\s", "", "".join(page.extract_text() for page in pages))
    for said in words_of(made).splitlines():
        for word in said.split():
            assert word in hwpx
            assert word in html
            assert word in pdf


def test_nothing_is_told_of_a_decision_that_nobody_signed(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", signed=False) as desk:
        for letter in (Letter.DECISION, Letter.PUBLICATION):
            with pytest.raises(NotAllowed, match="signed"):
                make_document(desk.stage(), asked(letter))


def test_a_signed_decision_that_was_not_announced_gives_a_draft(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", announced=False) as desk:
        assert "초안" in words_of(make_document(desk.stage(), asked(Letter.PUBLICATION)))


def test_under_an_embargo_only_who_is_named_draws_up_a_document_and_it_is_recorded(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", announced=False) as desk:
        terms = Terms(until="2026-01-20T00:00:00Z", to=("press",))
        publish_decision(desk.stage(), Actor("office", ANNOUNCED), terms)
        with pytest.raises(NotAllowed, match="embargo"):
            make_document(desk.stage(), asked(Letter.PUBLICATION))
        with pytest.raises(NotAllowed, match="may not look"):
            make_document(desk.stage(), asked(Letter.PUBLICATION, by="rival"))
        make_document(desk.stage(), asked(Letter.PUBLICATION, by="press"))
        seen = [e for e in desk.store.events(desk.require_stage("")) if e.kind == "access"]
        assert [event.by for event in seen] == ["press"]


def test_what_is_missing_to_write_to_someone_is_asked_for(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="one team"):
        make_document(desk.stage(), asked(Letter.FEEDBACK))
    with pytest.raises(InvalidInput, match="no objection"):
        make_document(desk.stage(), asked(Letter.ACKNOWLEDGEMENT, objection="objection-1"))
    with pytest.raises(InvalidInput, match="panel or the auditor"):
        make_document(desk.stage(), asked(Letter.MINUTES, profile=Profile.PUBLIC))


def test_minutes_list_a_proposal_that_nobody_signed(tmp_path: Path) -> None:
    with made_desk(tmp_path / "desk", signed=False) as desk:
        digest = propose(desk.stage(), look(desk.stage(), seed=None)).digest
        words = words_of(make_document(desk.stage(), asked(Letter.MINUTES)))
        assert digest in words
        assert "서명 없음" in words
        assert "아직 서명한 사람이 없습니다" in words


def test_a_team_that_does_not_go_on_reads_what_goes_back_what_stays_and_that_it_may_apply_again(
    tmp_path: Path,
) -> None:
    keep_one = rb.KeepTop(id="keep", title=text("keep"), reads="total", keep=1)
    gates = tuple(keep_one if gate.id == "keep" else gate for gate in made_gates())
    with made_desk(tmp_path / "desk", gates=gates) as desk:
        left = next(one.team for one in look(desk.stage(), seed=None).decision.teams if not one.advances)
        promise = {
            "support": "gpu", "team": left, "resource": "gpu", "what": "B200", "units": 512, "supplier": "lender",
            "first": "2025-08-18", "last": "2026-12-31",
        }  # fmt: skip
        add(desk, "support_promised", promise)
        corpus = {"support": "data", "resource": "data", "what": "말뭉치", "units": "unknown"}
        add(desk, "support_promised", {**promise, **corpus})
        words = words_of(make_document(desk.stage(), asked(Letter.FEEDBACK, team=left)))
        for said in ("반납 대상: B200 (512개)", "계속 활용하는 지원: 말뭉치", "추가 공모", "점수 기준"):
            assert said in words
        stayed = next(one.team for one in look(desk.stage(), seed=None).decision.teams if one.advances)
        assert "반납" not in words_of(make_document(desk.stage(), asked(Letter.FEEDBACK, team=stayed)))
