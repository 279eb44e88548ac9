"""The published facts of 2025 to 2027 as rulebooks and events, without a line of code.

Everything below comes from `examples/rulebooks`: what was published, with its sources. Marks were sealed, so outcomes
are read as announced and every test that could only be passed by inventing a score asserts that there is none.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from dokja.deciding.decision import decide
from dokja.deciding.measurements import NoResult
from dokja.errors import RulebookUnknown
from dokja.publishing.disclosure import Confinement, confine
from dokja.publishing.known import scoreboard_of, statements_of
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.terms import Exit
from dokja.rulebook import (
    UNKNOWN,
    Independence,
    KeepTop,
    PanelMajority,
    Rulebook,
    SingleApplicant,
    Vacancy,
    parse_rulebook,
    require_known,
)
from tests.made_stage import score_stage

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
CALL_DOCUMENTS = "korea-2025-07-call-documents"
CALL_PRESENTATIONS = "korea-2025-08-call-presentations"
STAGE_1 = "korea-2026-01-stage1"
REENTRY = "korea-2026-02-reentry"
STAGE_2 = "korea-2026-08-stage2"
FINAL = "korea-2027-02-final"
DECIDED = (CALL_DOCUMENTS, CALL_PRESENTATIONS, STAGE_1, REENTRY)


def rules(name: str) -> Rulebook:
    return parse_rulebook((EXAMPLES / f"{name}.toml").read_bytes())


def history(name: str) -> tuple[Event, ...]:
    lines = (EXAMPLES / f"{name}.events.jsonl").read_text("utf-8").splitlines()
    return tuple(Event.from_json(json.loads(line)) for line in lines)


class Announced(NamedTuple):
    """What was announced of a stage, as it stands in its history."""

    exits: dict[str, str]
    vacancies: int
    sources: list[str]

    def advancing(self) -> tuple[str, ...]:
        return tuple(team for team, exit_ in self.exits.items() if not exit_)


def announced(name: str) -> Announced:
    (outcome,) = [event.payload for event in history(name) if event.kind == "official_outcome"]
    for row in outcome.outcomes:
        assert row.advances is not bool(row.exit), "who leaves, leaves by some way"
    return Announced(
        {row.team: str(row.exit) for row in outcome.outcomes}, outcome.vacancies, list(outcome.cites)
    )


def entered(name: str) -> set[str]:
    kinds = ("team_registered", "reentry_application")
    return {str(event.payload.team) for event in history(name) if event.kind in kinds}


def exits(name: str) -> dict[str, str]:
    return {team: exit_ for team, exit_ in announced(name).exits.items() if exit_}


@pytest.mark.parametrize("name", DECIDED)
def test_where_marks_are_sealed_no_score_is_invented(name: str) -> None:
    scores = score_stage(rules(name), History.of(history(name)), counterfactual=True)
    assert set(scores.teams) == entered(name)
    assert scores.points() == {}
    assert all(isinstance(score.result, NoResult) for score in scores.scores.values())


def test_the_call_goes_from_fifteen_to_ten_to_five() -> None:
    assert [len(entered(CALL_DOCUMENTS)), len(announced(CALL_DOCUMENTS).advancing())] == [15, 10]
    assert set(announced(CALL_DOCUMENTS).advancing()) == entered(CALL_PRESENTATIONS)
    assert set(announced(CALL_PRESENTATIONS).advancing()) == {"naver-cloud", "upstage", "skt", "nc-ai", "lg"}
    assert set(exits(CALL_PRESENTATIONS)) == {"kakao", "kt", "motif", "konan", "kaist"}
    assert [part.points for part in rules(CALL_PRESENTATIONS).parts] == [40, 30, 30]


def test_stage_one_has_forty_thirty_five_and_twenty_five_points() -> None:
    rulebook = rules(STAGE_1)
    assert {part.id: part.points for part in rulebook.parts} == {"benchmark": 40, "expert": 35, "user": 25}
    assert [part.points for part in rulebook.part("benchmark").parts] == [10, 20, 10]
    assert (rulebook.panel("experts").size, rulebook.panel("users").size) == (10, 49)
    assert rulebook.panel("users").blind is False
    assert rulebook.appeals.days == 10


def test_stage_one_planned_five_to_four_and_ended_five_to_three_with_two_kinds_of_exit() -> None:
    rulebook, reading = rules(STAGE_1), announced(STAGE_1)
    assert entered(STAGE_1) == set(announced(CALL_PRESENTATIONS).advancing())
    assert (rulebook.advance.entering, rulebook.advance.places) == (5, 4)
    assert set(reading.advancing()) == {"lg", "skt", "upstage"}
    assert exits(STAGE_1) == {"nc-ai": Exit.SCORE, "naver-cloud": Exit.INDEPENDENCE}
    assert reading.vacancies == 1
    assert rulebook.advance.vacancy is Vacancy.REENTRY
    assert reading.sources


def test_independence_is_a_gate_of_its_own_and_no_part_of_the_score() -> None:
    rulebook = rules(STAGE_1)
    (gate,) = [one for one in rulebook.gates if isinstance(one, Independence)]
    assert {rulebook.item(name).aspect for name in gate.items} == {"technical", "policy", "ethical"}
    assert not {"independence", *gate.items} & {part.id for top in rulebook.parts for part in top.all_parts()}


def test_a_relative_cut_and_an_absolute_threshold_stand_side_by_side_the_threshold_unpublished() -> None:
    rulebook = rules(STAGE_1)
    keep, threshold = rulebook.gate("best_four"), rulebook.gate("threshold")
    assert isinstance(keep, KeepTop)
    assert keep.keep == 4
    with pytest.raises(RulebookUnknown, match=r"leaves gates\.threshold\.points unknown"):
        require_known(threshold.points, "gates.threshold.points")  # type: ignore[union-attr]


def test_published_parts_of_the_first_team_and_of_the_mean_add_up() -> None:
    said = {
        (event.payload.of, event.payload.part): float(str(event.payload.points))
        for event in history(STAGE_1)
        if event.kind == "published_score"
    }
    for of in ("team", "mean"):
        parts = sum(said[of, part] for part in ("benchmark", "expert", "user"))
        assert abs(parts - said[of, "total"]) <= 0.05 + 1e-9, "rounded to one decimal"
    assert said["highest", "national"] + said["highest", "common"] + said[
        "highest", "individual"
    ] == pytest.approx(33.6), "the first team's 33.6 of 40 is the highest of each sub-part"


def test_a_supplier_of_gpus_was_a_contestant() -> None:
    suppliers = {one.supplier for one in rules(STAGE_1).support if one.supplier_competes is True}
    assert suppliers == {"skt", "naver-cloud"}
    assert suppliers <= entered(STAGE_1)
    assert {one.id: one.on_exit for one in rules(STAGE_1).support} == {
        "gpu-skt": "returned",
        "gpu-naver": "returned",
        "data": "kept",
    }


def test_reentry_needs_a_majority_may_select_none_and_judges_one_applicant_the_same_way() -> None:
    rulebook = rules(REENTRY)
    majority = rulebook.gate("majority")
    assert isinstance(majority, PanelMajority)
    assert majority.more_than_share == 0.5
    assert majority.majority_of is UNKNOWN
    assert rulebook.advance.none_selected_allowed is True
    assert rulebook.advance.single_applicant is SingleApplicant.SAME_WAY
    assert rulebook.advance.places == announced(STAGE_1).vacancies


def test_reentry_had_two_applicants_and_selected_one() -> None:
    assert entered(REENTRY) == {"motif", "trillion"}
    assert announced(REENTRY).advancing() == ("motif",)
    assert exits(REENTRY) == {"trillion": Exit.NOT_SELECTED}
    assert announced(REENTRY).vacancies == 0


def test_stage_two_is_entered_by_the_three_and_the_one_and_nothing_was_announced_of_it() -> None:
    advancing = {*announced(STAGE_1).advancing(), *announced(REENTRY).advancing()}
    assert entered(STAGE_2) == advancing == {"lg", "skt", "upstage", "motif"}
    assert (rules(STAGE_2).advance.entering, rules(STAGE_2).advance.places) == (4, 3)
    assert not [event for event in history(STAGE_2) if event.kind == "official_outcome"]


def test_two_are_planned_at_the_end() -> None:
    final = rules(FINAL).advance
    assert (final.entering, final.places, final.final) == (rules(STAGE_2).advance.places, 2, True)


def sealed_intervals(name: str) -> tuple[Confinement, ...]:
    return confine(
        scoreboard_of(rules(name), sorted(entered(name))), statements_of(History.of(history(name)))
    )


def test_published_figures_leave_an_interval_for_each_sealed_total_and_no_more() -> None:
    found = {(one.team, one.part): one for one in sealed_intervals(STAGE_1)}
    first, last = found["lg", "total"], found["nc-ai", "total"]
    assert first.low == pytest.approx(90.15)
    assert first.high == pytest.approx(90.25)
    # Four others share 5 × 79.7 - 90.2 = 308.3 points, so the last of them has 77.1 at most.
    assert last.high == pytest.approx(77.15, abs=0.02)
    assert last.width > 10
    sealed = [one for one in found.values() if one.part == "total" and one.team != "lg"]
    assert all(one.width > 10 for one in sealed), "no total but the first team's is given away"
    with pytest.raises(RulebookUnknown):
        sealed_intervals(REENTRY)


@pytest.mark.parametrize("name", DECIDED)
def test_replaying_with_sealed_marks_opens_no_gate_and_contradicts_no_announcement(name: str) -> None:
    decision = decide(rules(name), History.of(history(name)), counterfactual=True)
    assert decision.advancing == ()
    assert all(one.missing for one in decision.teams)
    said = {
        str(remark.figures["team"]): remark.key for remark in decision.remarks if "team" in remark.figures
    }
    assert set(said) == entered(name)
    # One published rank decides a cut by itself: the lowest of five is not among the best four.
    agreeing = {team for team, key in said.items() if key == "decision.official_agrees"}
    assert agreeing == ({"nc-ai"} if name == STAGE_1 else set())
    assert set(said.values()) - {"decision.official_agrees"} == {"decision.official_not_recomputed"}
