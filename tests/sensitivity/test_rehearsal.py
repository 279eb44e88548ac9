"""A rehearsal is simulated throughout, reproducible, and shows what a rulebook does before it is frozen."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, RulebookUnknown
from dokja.record.history import History
from dokja.report.rehearsal import render_rehearsal
from dokja.report.words import LANGUAGES
from dokja.rulebook import Rulebook, parse_rulebook, rulebook_from_json
from dokja.sensitivity.rehearsal import Rehearsal, rehearse
from dokja.sensitivity.simulation import Assumptions, simulate_stage

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
TEMPLATE = tomllib.loads((EXAMPLES / "template.toml").read_text("utf-8"))


def small(**advance: Any) -> dict[str, Any]:
    """Return the template with few items, so that a simulated stage takes milliseconds."""
    table = copy.deepcopy(TEMPLATE)
    for suite in table["suites"]:
        suite["repeats"] = 1
        if suite["benchmarks"] != "unknown":
            for benchmark in suite["benchmarks"]:
                benchmark["items"] = 8
    table["panels"][1] |= {"size": 6, "quorum": 3}
    table["advance"] |= advance
    return table


def book(table: dict[str, Any]) -> Rulebook:
    return rulebook_from_json(table)


CALM = Assumptions(
    refuted_rate=0, inconclusive_rate=0, not_examined_rate=0, withdrawal_rate=0, recusal_rate=0, items=8
)


def test_the_same_seed_gives_the_same_rehearsal_and_another_seed_another() -> None:
    rulebook = book(small())
    first, again, other = (rehearse(rulebook, 3, seed, Assumptions(items=8)) for seed in (5, 5, 6))
    assert first.as_json() == again.as_json()
    assert first.gates != other.gates


def test_everything_simulated_says_so() -> None:
    events = simulate_stage(book(small()), Assumptions(items=8), np.random.default_rng(1))
    assert {event.by for event in events} == {"simulator"}
    names = [event.payload.name for event in events if event.kind == "team_registered"]
    assert all("모의" in name and "simulated" in name for name in names)
    rehearsal = rehearse(book(small()), 2, 1, Assumptions(items=8))
    assert rehearsal.as_json()["simulated"] is True
    assert "Simulated" in render_rehearsal(rehearsal, "en").splitlines()[0]
    assert "모의" in render_rehearsal(rehearsal, "ko").splitlines()[0]


def counts_add_up(rehearsal: Rehearsal) -> bool:
    per_gate = {sum(outcomes.values()) for outcomes in rehearsal.gates.values()}
    return sum(rehearsal.advancing.values()) == rehearsal.rounds and per_gate == {rehearsal.teams}


def test_counts_add_up_and_every_line_can_be_said() -> None:
    rehearsal = rehearse(book(small()), 6, 2, Assumptions(items=8, withdrawal_rate=0.3, refuted_rate=0.3))
    assert counts_add_up(rehearsal)
    assert rehearsal.teams == 6 * 5
    assert set(rehearsal.exits) >= {"independence", "withdrawal"}
    for language in LANGUAGES:
        assert len(render_rehearsal(rehearsal, language).splitlines()) > 8


def test_a_calm_stage_fills_its_places_where_nothing_stands_in_the_way() -> None:
    table = small()
    table["gates"][1]["points"] = 0
    rehearsal = rehearse(book(table), 4, 3, CALM)
    assert rehearsal.advancing == {4: 4}
    assert rehearsal.vacancies == {0: 4}
    assert rehearsal.exits == {"score": 4}


def test_a_threshold_nobody_reaches_is_seen_before_it_is_frozen() -> None:
    table = small()
    table["gates"][1]["points"] = 100
    rehearsal = rehearse(book(table), 3, 3, CALM)
    assert rehearsal.advancing == {0: 3}
    assert "threshold opened for none" in render_rehearsal(rehearsal, "en")


def test_a_gate_that_lets_everybody_pass_is_seen_too() -> None:
    table = small()
    table["gates"][1]["points"] = 0
    assert "threshold opened for every one" in render_rehearsal(rehearse(book(table), 2, 3, CALM), "en")


def test_independence_refuted_for_all_leaves_every_place_empty() -> None:
    refuted = Assumptions(
        refuted_rate=1, inconclusive_rate=0, not_examined_rate=0, withdrawal_rate=0, items=8
    )
    rehearsal = rehearse(book(small()), 2, 3, refuted)
    assert rehearsal.vacancies == {4: 2}
    assert rehearsal.gates["independence"] == {"fail": 10}


def test_a_vote_by_majority_can_be_rehearsed_with_one_applicant_and_with_none_selected() -> None:
    table = small()
    table |= {"parts": [], "suites": [], "comparators": [], "items": [], "points": "unknown"}
    jury = copy.deepcopy(table["panels"][0]) | {"id": "jury", "ballot": "approval", "criteria": []}
    jury |= {"averaging": "mean", "trim_each_side": 0}
    table["panels"] = [jury]
    words = {"ko": "과반", "en": "Majority"}
    table["gates"] = [
        {"kind": "panel_majority", "id": "majority", "title": words, "panel": "jury"}
        | {"more_than_share": 0.5, "majority_of": "size"}
    ]
    table["advance"] |= {"gate": "majority", "entering": "unknown", "places": 1, "ties": [{"rule": "lot"}]}
    one = Assumptions(teams=1, ability_spread=0.3, recusal_rate=0, withdrawal_rate=0)
    rehearsal = rehearse(book(table), 40, 4, one)
    assert set(rehearsal.advancing) == {0, 1}
    assert rehearsal.exits["not_selected"] == rehearsal.advancing[0]
    with pytest.raises(RulebookUnknown, match=r"advance\.entering"):
        rehearse(book(table), 1, 4)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("korea-*.toml")), ids=lambda path: path.name)
def test_rules_that_were_never_published_cannot_be_rehearsed(path: Path) -> None:
    with pytest.raises(RulebookUnknown, match="unknown"):
        rehearse(parse_rulebook(path.read_bytes()), 1, 0, Assumptions(teams=5))


def test_simulated_events_are_a_stage_like_any_other() -> None:
    rulebook = book(small())
    decision = decide(rulebook, History.of(simulate_stage(rulebook, CALM, np.random.default_rng(8))))
    assert len(decision.teams) == 5
    assert len(decision.scores.points()) == 5, "every team has a total"


@pytest.mark.parametrize(
    "wrong",
    [
        {"refuted_rate": 1.5},
        {"ability_mean": -0.1},
        {"items": 0},
        {"teams": -1},
        {"refuted_rate": 0.6, "not_examined_rate": 0.6},
    ],
)
def test_assumptions_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Assumptions(**wrong)


def test_a_rehearsal_of_no_stages_is_refused() -> None:
    with pytest.raises(InvalidInput):
        rehearse(book(small()), 0, 1)
