"""What people write is read strictly, and every mistake is told once, by its place, in words that exist."""

import ast
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from dokja.grammar import explain
from dokja.grammar.mistakes import Mistake, reasons_in
from dokja.grammar.model import DEEPEST, Misread, Model, changed, read_mended, read_model, too_deep
from dokja.grammar.types import Day, Digest, Id, Instant, Line, Listed, Name, Number, Some, Text, Whole
from dokja.grammar.unknown import UNKNOWN, UNREADABLE, OrNone, OrUnknown
from dokja.report.words import LANGUAGES, say_reason, sentences
from tests.report.test_words import placeholders

SOURCE = Path(__file__).parents[2] / "src" / "dokja"


class Dog(Model):
    """A dog."""

    kind: Literal["dog"] = "dog"
    id: Name
    age: OrUnknown[Whole]
    colour: OrNone[Line] = None


class Cat(Model):
    """A cat."""

    kind: Literal["cat"] = "cat"
    id: Name
    lives: Annotated[int, Field(ge=0, le=9)] = 9


class House(Model):
    """Who lives there.

    Args:
        rent: In won.
        born: The day it was built.
    """

    title: Text
    rent: OrUnknown[Number]
    born: OrUnknown[Day] = UNKNOWN
    pets: OrUnknown[tuple[Annotated[Dog | Cat, Field(discriminator="kind")], ...]] = ()
    days: Listed[Day] = ()
    owners: Some[Name] = ("me",)
    key: OrNone[Digest] = None
    seen: OrNone[Instant] = None
    by: OrNone[Id] = None


SOUND: dict[str, Any] = {"title": "집", "rent": 3, "pets": [{"kind": "dog", "id": "rex", "age": 4}]}


def told(value: object, model: type[Model] = House) -> list[tuple[str, str]]:
    try:
        read_model(model, value)
    except Misread as misread:
        for one in misread.mistakes:
            for language in LANGUAGES:
                assert say_reason(one.reason, language).startswith(one.at or "house")
        return [(one.at, one.reason.key.removeprefix("grammar.")) for one in misread.mistakes]
    return []


def test_a_sound_value_is_read_and_written_back_as_it_was() -> None:
    house = read_model(House, SOUND)
    assert house.rent == 3.0
    assert house.as_json() == SOUND
    assert read_model(House, {**SOUND, "rent": "unknown"}).rent is UNKNOWN
    assert read_model(House, {**SOUND, "born": date(1999, 1, 2)}).born == date(1999, 1, 2)


@pytest.mark.parametrize(
    ("changes", "mistakes"),
    [
        ({"rnet": 3, "rent": ...}, [("rnet", "unknown_key_near")]),
        ({"zzz": 3}, [("zzz", "unknown_key")]),
        ({"rent": "3"}, [("rent", "expected_number")]),
        ({"rent": True}, [("rent", "expected_number")]),
        ({"rent": float("nan")}, [("rent", "expected_number")]),
        ({"title": " "}, [("title", "empty_text")]),
        ({"title": None}, [("title", "empty_text")]),
        ({"born": "1999-1-2"}, [("born", "not_a_day")]),
        ({"born": None}, [("born", "not_a_day")]),
        ({"pets": [{"kind": "dgo", "id": "rex"}]}, [("pets.rex.kind", "expected_choice_near")]),
        ({"pets": [{"kind": "fish", "id": "rex"}]}, [("pets.rex.kind", "expected_choice")]),
        ({"pets": [{"id": "rex"}]}, [("pets.rex.kind", "missing")]),
        ({"pets": ["rex"]}, [("pets.1", "expected_table")]),
        ({"pets": "rex"}, [("pets", "expected_list")]),
        ({"pets": [{"kind": "dog", "id": "Rex!", "age": 4}]}, [("pets.Rex!.id", "not_a_name")]),
        ({"pets": [{"kind": "dog", "id": "rex", "age": 4.0}]}, [("pets.rex.age", "expected_whole_number")]),
        ({"pets": [{"kind": "dog", "id": "rex", "age": 2**60}]}, [("pets.rex.age", "beyond_exact")]),
        ({"pets": [{"kind": "dog", "id": "rex", "age": 1, "colour": "a\nb"}]}, [("pets.rex.colour", "not_printable")]),
        ({"pets": [{"kind": "dog", "id": "dog", "age": 1, "dog": 1}]}, [("pets.dog.dog", "unknown_key")]),
        ({"pets": [{"kind": "cat", "id": "tom", "lives": "unknown"}]}, [("pets.tom.lives", "unknown_not_allowed")]),
        ({"pets": [{"kind": "cat", "id": "tom", "lives": 10}]}, [("pets.tom.lives", "too_large_number")]),
        ({"days": ["2026-01-01", "2026-01-01"]}, [("days", "named_twice")]),
        ({"owners": []}, [("owners", "too_few")]),
        ({"owners": ["A!"]}, [("owners.1", "not_a_name")]),
        ({"key": "md5:1"}, [("key", "not_a_digest")]),
        ({"seen": "2026-01-01"}, [("seen", "not_an_instant")]),
        ({"seen": "2026-02-30T00:00:00Z"}, [("seen", "not_an_instant")]),
        ({"by": "?"}, [("by", "not_an_id")]),
        ({"key": UNREADABLE.spelt}, [("key", "not_a_digest")]),
        ({"rent": UNREADABLE.spelt}, [("rent", "not_accepted")]),
        ({"title": date(2026, 1, 1)}, [("title", "empty_text")]),
        ({"days": date(2026, 1, 1)}, [("days", "expected_list")]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_with_its_place(
    changes: dict[str, Any], mistakes: list[tuple[str, str]]
) -> None:
    value = {key: one for key, one in {**SOUND, **changes}.items() if one is not ...}
    assert told(value) == mistakes


def test_all_mistakes_are_told_at_once_and_what_can_be_read_stands() -> None:
    value = {**SOUND, "rent": "much", "pets": [{"kind": "dog", "id": "rex"}, {"kind": "fish"}], "titel": "x"}
    house, mistakes = read_mended(House, value)
    assert [one.at for one in mistakes] == ["rent", "pets.rex.age", "pets.fish.kind", "titel"]
    assert house is not None
    assert house.rent is UNKNOWN
    assert house.pets is UNKNOWN
    assert house.title == "집"
    assert read_mended(House, {**value, "title": 3})[0] is None
    as_tuples = {**value, "pets": tuple(value["pets"])}
    assert read_mended(House, as_tuples) == (house, mistakes)
    assert isinstance(as_tuples["pets"], tuple)
    assert read_mended(House, SOUND) == (read_model(House, SOUND), ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6) | st.just("unknown"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*House.model_fields, "kind", "id", "age", "(known)", ""]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(JSON | st.dictionaries(st.sampled_from([*House.model_fields, "x"]), JSON, max_size=6))
def test_anything_is_read_or_told_in_both_languages_and_mending_never_hides_a_mistake(value: object) -> None:
    mistakes = told(value)
    mended, again = read_mended(House, value)
    assert [(one.at, one.reason.key.removeprefix("grammar.")) for one in again] == mistakes
    if not mistakes:
        assert isinstance(mended, House)
        assert read_model(House, mended.as_json()) == mended


def test_depth_has_a_bottom_and_it_is_found_without_descending() -> None:
    value: list[Any] = []
    inner = value
    for _ in range(100_000):
        inner.append([])
        inner = inner[0]
    assert too_deep(value)
    assert told({**SOUND, "pets": value}) == [("", "too_deep")]
    assert not too_deep({"a": [[1]]}, 3)
    assert too_deep({"a": [[1]]}, 2)
    assert DEEPEST > 30


def test_a_change_that_could_not_have_been_written_is_refused() -> None:
    house = read_model(House, SOUND)
    assert changed(house, rent=4.0) == read_model(House, {**SOUND, "rent": 4})
    assert changed(house, rent=4.0).as_json() == {**SOUND, "rent": 4.0}
    assert changed(house, key=None) == house
    for wrong in ({"rent": "much"}, {"rnet": 3}, {"pets": [1]}):
        with pytest.raises(ValidationError):
            changed(house, **wrong)


def keys_written() -> set[str]:
    """Return the last word of every key the source can make: in tables, types, validators and readers."""
    found = {*explain._KEYS.values(), explain._ANY_OTHER}
    made = {"Written": 1, "wrong": 0, "PydanticCustomError": 0, "_made": 1, "_whole": 0}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = 1 if ast.unparse(node.func) == "Mistake.made" else made.get(name)
            if name == "_made" and path.name != "explain.py":
                continue
            room = any(one.arg == "room" for one in node.keywords)
            if place is None or room or len(node.args) <= place:
                continue
            word = node.args[place]
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                found.add(word.value)
    return found


def test_every_mistake_that_can_be_told_has_a_sentence_and_every_sentence_can_be_told() -> None:
    said = {key.removeprefix("grammar.") for key in sentences() if key.startswith("grammar.")}
    written = keys_written()
    assert {"not_a_digest", "named_twice", "expected_choice_near", "too_large"} <= written
    assert written - said == set()
    assert said - written == set()


def test_every_sentence_begins_with_its_place() -> None:
    for key, words in sentences().items():
        if key.startswith("grammar."):
            assert all(words[language].startswith("{at}: ") for language in LANGUAGES)
            assert "at" in placeholders(words["en"])


def test_a_mistake_is_carried_by_an_error_and_read_back() -> None:
    from dokja.errors import InvalidInput

    mistake = Mistake.made("a.b", "missing", "that is missing", {"name": "b\x1b"})
    (reason,) = reasons_in(InvalidInput("no", mistakes=[mistake.as_json()]))
    assert reason == mistake.reason
    assert say_reason(reason, "en") == "a.b: the field b\\x1b is missing."
    assert reasons_in(InvalidInput("no", mistakes=["a sentence"])) == ()
    assert reasons_in(InvalidInput("no")) == ()
