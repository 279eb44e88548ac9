"""An amendment is said place by place; nothing differs exactly when the digests are equal."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.canonical import digest_json
from dokja.deciding.decision import decide
from dokja.errors import RulebookInvalid
from dokja.record.history import History
from dokja.report.rulebook import render_change, render_outcome_change
from dokja.report.words import LANGUAGES, say_reason
from dokja.rulebook import AtLeast, Rulebook, Text, rulebook_from_json
from dokja.rulebook import changed as with_rules
from dokja.sensitivity.amendment import Change, ChangeKind, changes, outcome_changes, succession_remarks
from tests.made_stage import full_stage, made_rulebook

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
TEMPLATE = tomllib.loads((EXAMPLES / "template.toml").read_text("utf-8"))
RULEBOOKS = [
    rulebook_from_json(tomllib.loads(path.read_text("utf-8"))) for path in sorted(EXAMPLES.glob("*.toml"))
]


def changed(*edits: tuple[list[Any], Any]) -> tuple[Change, ...]:
    table = copy.deepcopy(TEMPLATE)
    for path, value in edits:
        holder: Any = table
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = copy.deepcopy(value)
    return changes(rulebook_from_json(TEMPLATE), rulebook_from_json(table))


def test_points_that_move_are_two_changes_by_name() -> None:
    found = changed((["parts", 1, "points"], 30), (["parts", 2, "points"], 30))
    assert [(change.at, change.kind, change.before, change.after) for change in found] == [
        ("parts.expert.points", ChangeKind.CHANGED, 35, 30),
        ("parts.user.points", ChangeKind.CHANGED, 25, 30),
    ]
    assert render_change(found[0], "en") == "parts.expert.points: points changes from 35 to 30."
    assert render_change(found[0], "ko") == "parts.expert.points: 점수 변경. 35 → 30"


def test_a_value_that_becomes_unknown_is_said_to_be_unpublished() -> None:
    (found,) = changed((["appeals", "another_panel"], "unknown"))
    assert render_change(found, "en").endswith("from yes to not published.")


def test_another_normaliser_shows_each_input_that_comes_and_goes() -> None:
    found = changed((["parts", 2, "normaliser"], {"kind": "min_max", "floor_share": 0.5}))
    assert [(change.at, change.kind) for change in found] == [
        ("parts.user.normaliser.kind", ChangeKind.CHANGED),
        ("parts.user.normaliser.floor_share", ChangeKind.ADDED),
    ]


def test_a_new_gate_is_one_change_and_the_list_that_names_it_another() -> None:
    gate = {
        "kind": "at_least",
        "id": "expert_floor",
        "title": {"ko": "하한", "en": "Floor"},
        "reads": "expert",
        "points": 20,
    }
    found = changed(
        (["gates"], [*TEMPLATE["gates"], gate]),
        (["gates", 3, "gates"], ["best_four", "threshold", "independence", "expert_floor"]),
    )
    assert [change.at for change in found] == ["gates.advance.gates", "gates.expert_floor"]


def test_order_alone_is_a_change() -> None:
    (found,) = changed((["parts"], TEMPLATE["parts"][::-1]))
    assert (found.at, found.field) == ("parts", "order")
    assert found.after == ["user", "expert", "benchmark"]


@pytest.mark.parametrize("old", RULEBOOKS, ids=lambda rulebook: rulebook.id)
@pytest.mark.parametrize("new", RULEBOOKS, ids=lambda rulebook: rulebook.id)
def test_nothing_differs_exactly_when_the_digests_are_equal(old: Any, new: Any) -> None:
    found = changes(old, new)
    assert (not found) == (old.digest() == new.digest())
    for language in LANGUAGES:
        assert all(render_change(change, language) for change in found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_valid_edit_is_seen(data: st.DataObject) -> None:
    table = copy.deepcopy(TEMPLATE)
    holder: Any = table
    while True:
        key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[key], (dict, list)) or not holder[key]:
            break
        holder = holder[key]
    holder[key] = data.draw(st.sampled_from(["unknown", "other", 1, 2, 0.5, True, "2027-05-29", [], "mean"]))
    old = rulebook_from_json(TEMPLATE)
    try:
        new = rulebook_from_json(table)
    except RulebookInvalid:
        return
    assert bool(changes(old, new)) == (old.digest() != new.digest())


# -- whose outcome would have been another ----------------------------------------------------------------------


def edited(**parts: Any) -> Rulebook:
    """Return the made-up stage's rulebook with some of its fields replaced."""
    return with_rules(made_rulebook(), **parts)


def with_floor(points: float) -> Rulebook:
    gates = tuple(
        with_rules(gate, points=points) if isinstance(gate, AtLeast) else gate
        for gate in made_rulebook().gates
    )
    return edited(gates=gates)


EVENTS = tuple(full_stage(made_rulebook()).events)


def test_the_same_rules_change_no_outcome() -> None:
    assert outcome_changes(made_rulebook(), made_rulebook(), History.of(EVENTS)) == ()


def test_a_threshold_out_of_reach_closes_the_stage_for_everybody_who_advanced() -> None:
    old, new = made_rulebook(), with_floor(100.0)
    advancing = set(decide(old, History.of(EVENTS)).advancing)
    found = {change.team: change for change in outcome_changes(old, new, History.of(EVENTS))}
    assert advancing <= set(found)
    for team in advancing:
        assert found[team].before.advances
        assert not found[team].after.advances
        assert "score" in found[team].after.exits
        for language in LANGUAGES:
            assert team in render_outcome_change(found[team], language)


def test_an_amendment_and_its_reverse_change_the_same_teams_the_other_way() -> None:
    old, new = made_rulebook(), with_floor(55.0)
    there = [(one.team, one.before, one.after) for one in outcome_changes(old, new, History.of(EVENTS))]
    back = [(one.team, one.after, one.before) for one in outcome_changes(new, old, History.of(EVENTS))]
    assert there == back


def test_a_title_changes_the_digest_and_nobody_s_outcome() -> None:
    renamed = edited(title=Text(ko="다른 이름", en="Another name"))
    assert {change.at for change in changes(made_rulebook(), renamed)} == {"title.en", "title.ko"}
    assert outcome_changes(made_rulebook(), renamed, History.of(EVENTS)) == ()


def succeeding(**amendment: Any) -> list[str]:
    """Return what is remarked of the template's second version when its amendment says something else."""
    table = copy.deepcopy(TEMPLATE)
    row = {"version": 2, "replaces": rulebook_from_json(TEMPLATE).digest(), "positions": []}
    row |= {"notified": "unknown", "effective": "unknown", "reason": {"ko": "까닭", "en": "why"}}
    table |= {"version": 2, "amendments": [row | amendment]}
    found = succession_remarks(rulebook_from_json(TEMPLATE), rulebook_from_json(table))
    assert all(say_reason(reason, language) for reason in found for language in LANGUAGES)
    return [reason.key.removeprefix("rulebook.diff.") for reason in found]


def test_the_next_version_names_the_digest_of_the_one_before() -> None:
    assert succeeding() == []
    assert succeeding(replaces="unknown") == ["replaces_unknown"]
    assert succeeding(replaces=digest_json("rulebook", {})) == ["replaces_other"]


def test_two_stages_or_two_files_of_one_version_are_not_an_amendment() -> None:
    old, other = RULEBOOKS[0], RULEBOOKS[1]
    assert [one.key for one in succession_remarks(old, other)] == ["rulebook.diff.other_stage"]
    assert [one.key for one in succession_remarks(old, old)] == ["rulebook.diff.not_next_version"]
