"""An amendment is said place by place; nothing differs exactly when the digests are equal."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import RulebookInvalid
from dokja.program.amendment import Change, ChangeKind, changes
from dokja.program.rulebook import rulebook_from_json
from dokja.report.rulebook import render_change
from dokja.report.words import LANGUAGES

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
