"""The JSON Schema that editors and forms are given accepts what the reader accepts and refuses what it can see."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dokja.grammar.json_schema import render_json_schema
from dokja.rulebook import Rulebook
from tests.rulebook.test_rulebook import MISTAKES, edited

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.toml"))
RULEBOOKS = [path for path in EXAMPLES if path.name != "cast.toml"]
SCHEMA: dict[str, Any] = render_json_schema(Rulebook, "dokja rulebook")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# What stands at one place alone, and no relation among places.
SEEN_BY_A_SCHEMA = {
    "expected_table", "expected_list", "expected_choice", "expected_choice_near", "expected_number", "expected_text",
    "expected_true_or_false", "not_printable", "not_a_name", "not_a_digest", "not_a_day", "unknown_not_allowed",
    "missing", "unknown_key", "unknown_key_near", "too_small", "not_above", "not_below", "too_large_number",
}  # fmt: skip


def as_an_editor_sees(table: object) -> Any:
    """Return what a TOML editor hands to a schema: days and times as texts."""
    return json.loads(json.dumps(table, default=lambda day: day.isoformat()))


def is_beyond_a_schema(key: str, edits: list[tuple[str, Any]]) -> bool:
    """Return whether JSON cannot tell: a day written as text, a day that no calendar has, NaN, another script's marks."""
    written = [value for _, value in edits]
    spelt = any(hasattr(value, "isoformat") for value in written) and key == "expected_text"
    unseen = any(value == "2027-02-30" or value != value or value == float("inf") for value in written)
    return spelt or unseen or any("\u202e" in value for value in written if isinstance(value, str))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "dokja rulebook"
    assert "$id" not in SCHEMA


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.name)
def test_every_example_fits_the_schema(path: Path) -> None:
    table = as_an_editor_sees(tomllib.loads(path.read_text("utf-8")))
    assert [error.message for error in VALIDATOR.iter_errors(table)] == []


SEEN = [
    (key, edits) for key, edits in MISTAKES if key in SEEN_BY_A_SCHEMA and not is_beyond_a_schema(key, edits)
]


@pytest.mark.parametrize(("key", "edits"), SEEN, ids=[f"{i}-{key}" for i, (key, _) in enumerate(SEEN)])
def test_a_mistake_at_one_place_is_refused_by_the_schema_too(key: str, edits: list[tuple[str, Any]]) -> None:
    assert not VALIDATOR.is_valid(as_an_editor_sees(edited(*edits)))


def test_every_table_and_word_is_described_by_its_docstring() -> None:
    assert [name for name, table in SCHEMA["$defs"].items() if not table.get("description")] == []
    assert SCHEMA["$defs"]["Panel"]["properties"]["quorum"]["description"].startswith("Fewest raters")
    assert "Args:" not in json.dumps(SCHEMA)


def test_a_table_of_several_kinds_says_its_kind_is_needed() -> None:
    assert "kind" in SCHEMA["$defs"]["KeepTop"]["required"]
    assert SCHEMA["$defs"]["KeepTop"]["properties"]["kind"] == {"const": "keep_top", "type": "string"}


def test_the_command_prints_the_schema() -> None:
    run = [sys.executable, "-m", "dokja", "rulebook", "schema"]
    assert json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout) == SCHEMA
