"""Letters show exactly what their reader's view holds, in plain words that brand nobody."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.deciding.decided import Decided
from dokja.deciding.decision import decide
from dokja.deciding.independence import Outcome
from dokja.errors import NotAllowed
from dokja.finding import Evidence, Verdict
from dokja.procedure.support_budget import Adds, Keeps
from dokja.publishing.principal import PUBLIC, principal_of
from dokja.publishing.see import see
from dokja.record.roster import MemberRole
from dokja.record.terms import Exit
from dokja.report.document import Document, Table
from dokja.report.letter_blocks import Facts
from dokja.report.letters import (
    Head,
    ObjectionReceived,
    acknowledgement,
    decision_notice,
    feedback_letter,
    publication_notice,
)
from dokja.report.words import LANGUAGES, sentences
from dokja.rulebook import Disclosed, Profile
from tests.made_stage import TEAMS, full_stage, made_rulebook, weights_of, with_advance

BOOK = with_advance(made_rulebook(), vacancy=rb.Vacancy.REENTRY, extra_eliminations=("late",))
HEADS = {language: Head("2026-17", date(2026, 1, 15), "", language) for language in LANGUAGES}
STIGMA = {
    "ko": ["탈락", "낙오", "낙제", "퇴출", "패배", "실패", "부적격", "꼴찌", "최하위", "불합격", "떨어졌", "부족한 팀", "반증"],
    "en": ["eliminat", "loser", "lost", "fail", "reject", "inferior", "worst", "disqualif", "unfit", "dropped", "refuted"],
}  # fmt: skip


def troubled_outcome() -> Decided:
    """A stage in which every team leaves in another way."""
    stage = full_stage(BOOK, teams=TEAMS, items=3)
    stage.find(TEAMS[0], "weights.independent_of", Verdict.REFUTED, Evidence.MEASURED)
    stage.add("withdrawal", {"team": TEAMS[1]})
    stage.add("extra_elimination", {"team": TEAMS[2], "ground": "late", "cites": ["log"]})
    stage.add("submission", {"team": TEAMS[3], "weights": weights_of("new"), "declaration": {}})
    return decide(BOOK, stage.history).said()


DECIDED = troubled_outcome()
OUTCOME = DECIDED.as_json()
EXITS = {way for row in OUTCOME["teams"] for way in row["exits"]}


def book_showing(fields: frozenset[Disclosed], to: Profile = Profile.OWN_TEAM) -> rb.Rulebook:
    rows = tuple(rb.Disclosure(field=field, to=(to,)) for field in sorted(fields))
    return rb.changed(BOOK, publication=rb.Publication(fields=rows, narrowest_interval_points=0.0))


def facts_for(team: str, fields: frozenset[Disclosed] = frozenset(Disclosed), **more) -> Facts:
    book = book_showing(fields)
    view = see(principal_of(Profile.OWN_TEAM, team), book).decision(DECIDED, None).as_json()
    return Facts(book, view, "sha256:" + "a" * 64, **more)


def words_of(document: Document) -> str:
    said = [document.title, document.addressee]
    for block in document.blocks:
        if isinstance(block, Table):
            said += [block.caption, *block.header, *[cell for row in block.rows for cell in row]]
        else:
            said.append(block.text)
    return "\n".join(said)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("fields", [frozenset(Disclosed), frozenset({Disclosed.DECISION, Disclosed.REASONS})])
def test_no_letter_brands_a_team(team: str, language, fields: frozenset[Disclosed]) -> None:
    facts = facts_for(team, fields, returns=["B200"], keeps=["말뭉치"])
    for letter in (
        feedback_letter(HEADS[language], facts, team),
        decision_notice(HEADS[language], facts, team),
    ):
        words = words_of(letter).lower()
        assert [word for word in STIGMA[language] if word in words] == []


def test_the_stage_of_these_tests_ends_in_several_ways() -> None:
    assert {Exit.INDEPENDENCE, Exit.WITHDRAWAL, Exit.EXTRA} <= EXITS


def test_no_sentence_of_the_letters_holds_a_branding_word() -> None:
    own = {key: words for key, words in sentences().items() if key.startswith("letters.")}
    assert len(own) > 100
    guilty = [
        (key, word)
        for key, words in own.items()
        for language in LANGUAGES
        for word in STIGMA[language]
        if word in words[language].lower()
    ]
    assert guilty == []


def test_every_way_to_leave_has_words_of_its_own_in_letters() -> None:
    assert {f"letters.exit.{way.value}" for way in Exit} <= set(sentences())
    assert {f"letters.ground.{ground.value}" for ground in rb.AppealGround} <= set(sentences())


def test_every_word_of_a_closed_list_can_be_said() -> None:
    lists = {
        "letters.gate": [outcome.value for outcome in Outcome],
        "letters.verdict": [verdict.value for verdict in Verdict],
        "roster.role": [role.value for role in MemberRole],
        "support.budget": [adds.value for adds in Adds],
        "support.rule": [keeps.value for keeps in Keeps],
    }
    needed = {f"{prefix}.{word}" for prefix, words in lists.items() for word in words}
    assert needed <= set(sentences())


@settings(max_examples=40, deadline=None)
@given(st.frozensets(st.sampled_from(Disclosed)), st.sampled_from(TEAMS), st.sampled_from(LANGUAGES))
def test_a_letter_holds_a_score_only_where_the_rulebook_shows_it(
    fields: frozenset[Disclosed], team: str, language
) -> None:
    words = words_of(feedback_letter(HEADS[language], facts_for(team, fields), team))
    public_figures = {f"{p:.2f}" for p in _means().values()} if Disclosed.STAGE_MEANS in fields else set()
    for score in OUTCOME["scores"]:
        if score["points"] is None:
            continue
        shown = f"{score['points']:.2f}"
        field = Disclosed.TOTALS if score["part"] == "total" else Disclosed.PART_SCORES
        if score["team"] == team and field in fields:
            assert shown in words
        elif shown not in public_figures and not _own_figure(shown, team, fields):
            assert not re.search(rf"(?<![\d.]){re.escape(shown)}(?!\d)", words)


def _means() -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for score in OUTCOME["scores"]:
        if score["points"] is not None:
            found.setdefault(score["part"], []).append(score["points"])
    return {part: sum(points) / len(points) for part, points in found.items()}


def _own_figure(shown: str, team: str, fields: frozenset[Disclosed]) -> bool:
    """Whether the same figure is the team's own, of a part it may see; then it is not another's."""
    return any(
        f"{score['points']:.2f}" == shown
        for score in OUTCOME["scores"]
        if score["team"] == team and score["points"] is not None
        and (Disclosed.TOTALS if score["part"] == "total" else Disclosed.PART_SCORES) in fields
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_feedback_letter_says_strengths_next_steps_and_the_last_day(language) -> None:
    team = TEAMS[4]
    facts = facts_for(
        team, objection_last=date(2026, 1, 29), returns=["B200 (512)"], keeps=["corpus"], simulated=7
    )
    words = words_of(feedback_letter(HEADS[language], facts, team))
    assert "2026-01-29" in words
    assert "B200 (512)" in words
    assert "corpus" in words
    assert {"ko": "모의 자료", "en": "SIMULATED"}[language] in words
    assert {"ko": "강점 영역", "en": "stood out"}[language] in words


def test_people_who_were_given_nothing_simulated_are_not_told_so() -> None:
    words = words_of(feedback_letter(HEADS["en"], facts_for(TEAMS[0]), TEAMS[0]))
    assert "SIMULATED" not in words


def test_strong_parts_have_at_least_the_share_of_the_total() -> None:
    team = TEAMS[4]
    words = words_of(feedback_letter(HEADS["en"], facts_for(team), team))
    points = {s["part"]: s["points"] for s in OUTCOME["scores"] if s["team"] == team}
    share = points["total"] / 100
    strong = re.search(r"stood out.*: (.*)\.", words)
    weak = re.search(r"most to gain.*: (.*)\.", words)
    for leaf in BOOK.leaves():
        where = strong if points[leaf.id] / leaf.points >= share else weak
        assert where is not None
        assert leaf.id in where[1]


def test_a_notice_before_the_announcement_says_that_it_is_a_draft() -> None:
    book = book_showing(frozenset({Disclosed.DECISION}), Profile.PUBLIC)
    facts = Facts(book, see(PUBLIC, book).decision(DECIDED, None).as_json(), "sha256:" + "a" * 64)
    said = {"of": "mean", "part": "total", "teams": list(TEAMS), "points": 61.3, "half_unit": 0.05}
    draft = words_of(publication_notice(HEADS["ko"], facts, [], announced=False))
    told = words_of(publication_notice(HEADS["ko"], facts, [said], announced=True))
    assert "초안" in draft
    assert "공개된 수치가 없습니다" in draft
    assert "초안" not in told
    assert "\n61.3\n" in told
    whole = words_of(publication_notice(HEADS["ko"], facts, [{**said, "points": 61.0}], announced=True))
    assert "\n61.0\n" in whole


def test_a_letter_about_a_team_the_decision_does_not_know_is_refused() -> None:
    with pytest.raises(NotAllowed):
        feedback_letter(HEADS["ko"], facts_for(TEAMS[0]), "nobody")


def test_an_acknowledgement_says_who_hears_it_and_until_when() -> None:
    came = ObjectionReceived(
        "objection-9", TEAMS[0], "clerical_error", date(2026, 1, 16), date(2026, 1, 23), True
    )
    words = words_of(acknowledgement(HEADS["ko"], BOOK, came, "가람"))
    for part in (
        "objection-9",
        "2026-01-16",
        "2026-01-23",
        "집계·기재 오류",
        "참여하지 않은 사람들",
        "가람 팀",
    ):
        assert part in words
