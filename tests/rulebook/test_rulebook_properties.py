"""Any rulebook is read back as it was written; any damage is refused with sentences, never a traceback."""

import copy
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import RulebookInvalid
from dokja.report.rulebook import render_rulebook
from dokja.report.words import LANGUAGES, say_reason
from dokja.rulebook import (
    Rulebook,
    parse_rulebook,
    reasons_in,
    rulebook_from_json,
    unknown_places,
)

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "rulebooks").glob("*.toml"))
TEXTS = [path.read_bytes() for path in EXAMPLES]
TABLES = [rulebook_from_json(tomllib.loads(text.decode())).canonical() for text in TEXTS]

Table = dict[str, Any]


def require_refused_or_sound(
    value: Any, read: Callable[[Any], Rulebook] = rulebook_from_json
) -> Rulebook | None:
    """Return the rulebook, having checked that it survives; or None, having read every sentence against it."""
    try:
        rulebook = read(value)
    except RulebookInvalid as error:
        reasons = reasons_in(error)
        assert reasons
        for language in LANGUAGES:
            assert all(say_reason(reason, language) for reason in reasons)
        return None
    assert rulebook_from_json(rulebook.canonical()) == rulebook
    for language in LANGUAGES:
        assert rulebook.digest() in render_rulebook(rulebook, language)
    return rulebook


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


WORDS = st.sampled_from(
    [
        "unknown",
        "",
        "total",
        "total ",
        "experts",
        "best_four",
        "2026-01-15",
        "raw",
        "사용자",
        "\x00",
        "a" * 300,
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.just("kind"), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> Table:
    table = copy.deepcopy(draw(st.sampled_from(TABLES)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(places(table))))
        how = draw(st.sampled_from(["set", "delete", "borrow", "repeat", "misspell", "unknown"]))
        if how == "delete":
            del holder[key]
        elif how == "set":
            holder[key] = draw(VALUES)
        elif how == "unknown":
            holder[key] = "unknown"
        elif how == "borrow":
            other, place = draw(st.sampled_from(list(places(copy.deepcopy(table)))))
            holder[key] = other[place]
        elif how == "repeat" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif isinstance(holder, dict):
            holder[f"{key}s"] = holder.pop(key)
    return table


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_a_damaged_rulebook_is_refused_with_sentences_or_still_sound(table: Table) -> None:
    require_refused_or_sound(table)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_damaged_text_is_refused_with_sentences_or_still_sound(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(at, min(len(text), at + 40)))
    broken = text[:at] + data.draw(st.binary(max_size=6)) + text[end:]
    require_refused_or_sound(broken, parse_rulebook)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_anything_that_is_no_rulebook_is_refused(value: object) -> None:
    assert require_refused_or_sound(value) is None


def text(name: str) -> dict[str, str]:
    return {"ko": f"이름 {name}", "en": name}


NORMALISERS = st.one_of(
    st.just({"kind": "raw"}),
    st.just({"kind": "max_scaled"}),
    st.floats(0, 0.99).map(lambda floor: {"kind": "min_max", "floor_share": floor}),
    st.tuples(st.floats(0, 1), st.floats(0.01, 1)).map(
        lambda pair: {"kind": "z", "centre_share": pair[0], "spread_share": pair[1]}
    ),
    st.lists(st.floats(0, 1), min_size=9, max_size=9).map(
        lambda shares: {"kind": "rank", "shares": sorted(shares, reverse=True)}
    ),
    st.just("unknown"),
)


@st.composite
def leaves(draw: st.DrawFn, name: str, panels: list[str]) -> Table:
    return {
        "id": name,
        "title": text(name),
        "points": draw(st.integers(1, 60)),
        "panel": draw(st.sampled_from(panels)),
        "normaliser": draw(NORMALISERS),
    }


@st.composite
def part_trees(draw: st.DrawFn, panels: list[str]) -> list[Table]:
    parts = []
    for i in range(draw(st.integers(1, 4))):
        children = [draw(leaves(f"p{i}-{j}", panels)) for j in range(draw(st.integers(0, 3)))]
        if children:
            points = sum(child["points"] for child in children)
            parts.append({"id": f"p{i}", "title": text(f"p{i}"), "points": points, "parts": children})
        else:
            parts.append(draw(leaves(f"p{i}", panels)))
    return parts


@st.composite
def panels_of_people(draw: st.DrawFn, name: str) -> Table:
    size = draw(st.integers(3, 60))
    quorum = draw(st.integers(3, size))
    averaging = draw(st.sampled_from(["mean", "trimmed", "severity_adjusted", "unknown"]))
    return {
        "id": name,
        "kind": draw(st.sampled_from(["experts", "users"])),
        "title": text(name),
        "size": size,
        "quorum": quorum,
        "ballot": draw(st.sampled_from(["rating", "unknown"])),
        "averaging": averaging,
        "trim_each_side": draw(st.integers(1, (quorum - 1) // 2)) if averaging == "trimmed" else 0,
        "blind": draw(st.booleans()),
        "sealed": draw(st.booleans()),
        "recusal": {"grounds": ["affiliation"], "then": "average_of_rest"},
        "criteria": [{"id": "c", "title": text("c"), "lowest": 1, "highest": draw(st.integers(2, 100))}],
    }


@st.composite
def valid_tables(draw: st.DrawFn) -> Table:
    panels = [draw(panels_of_people(name)) for name in ("x", "y")[: draw(st.integers(1, 2))]]
    parts = draw(part_trees([panel["id"] for panel in panels]))
    points = sum(part["points"] for part in parts)
    entering = draw(st.integers(2, 9))
    places = draw(st.integers(1, entering))
    readable = ["total", *(part["id"] for part in parts)]
    reads = draw(st.sampled_from(readable))
    for leaf in (
        leaf for part in parts if reads in ("total", part["id"]) for leaf in part.get("parts", [part])
    ):
        if leaf["normaliser"] != "unknown" and leaf["normaliser"]["kind"] == "z":
            leaf["normaliser"] = {"kind": "raw"}  # a z-score may be a threshold, never a rank
    gates: list[Table] = [
        {
            "kind": "keep_top",
            "id": "g0",
            "title": text("g0"),
            "reads": reads,
            "keep": places,
        },
        {
            "kind": "at_least",
            "id": "g1",
            "title": text("g1"),
            "reads": "total",
            "points": draw(st.integers(0, points)),
        },
    ]
    kind = draw(st.sampled_from(["all_of", "any_of"]))
    gates.append({"kind": kind, "id": "g", "title": text("g"), "gates": ["g0", "g1"]})
    table = copy.deepcopy(next(one for one in TABLES if one["id"] == "template-stage"))
    assert isinstance(table, dict)
    k, n = sorted((draw(st.integers(1, 9)), draw(st.integers(1, 9))))
    table |= {"panels": panels, "parts": parts, "points": points, "gates": gates, "items": [], "suites": []}
    table |= {"comparators": [], "signatures": {"k": k, "n": n, "roles": [{"name": "office", "seats": n}]}}
    advance = table["advance"]
    assert isinstance(advance, dict)
    advance |= {"gate": "g", "entering": entering, "places": places}
    advance["ties"] = [{"rule": "higher", "reads": parts[0]["id"]}, {"rule": "lot"}]
    publication = table["publication"]
    assert isinstance(publication, dict)
    publication["narrowest_interval_points"] = draw(st.floats(0, points))
    return table


@settings(max_examples=150, deadline=None)
@given(valid_tables())
def test_a_valid_rulebook_is_accepted_and_survives(table: Table) -> None:
    rulebook = require_refused_or_sound(table)
    assert rulebook is not None
    assert rulebook.points == sum(leaf.points for leaf in rulebook.leaves())  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TABLES), st.data())
def test_what_is_marked_unknown_is_found_by_its_place(table: Table, data: st.DataObject) -> None:
    table = copy.deepcopy(table)
    numbers = [
        (holder, key) for holder, key in places(table) if key in ("points", "days", "size", "places", "k")
    ]
    holder, key = data.draw(st.sampled_from(numbers))
    before = len(list(unknown_places(table)))
    known = holder[key] != "unknown"
    holder[key] = "unknown"
    assert len(list(unknown_places(table))) == before + known
