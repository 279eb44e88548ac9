"""A suite file is read strictly, and every mistake is named by its line."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.benchmark.suite import parse_suite
from dokja.errors import InvalidInput, SuiteInvalid
from tests.benchmark.small_suites import suite


def lines_of(n_items: int = 4) -> list[dict[str, Any]]:
    small = suite(n_items=n_items)
    items = [
        {"id": i.id, "prompt": i.prompt, "options": [*i.options], "answer": i.answer, "cluster": i.cluster}
        for i in small.items
    ]
    return [small.header(), *items]


def text_of(lines: list[Any]) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"


def test_what_is_written_is_read_back() -> None:
    assert parse_suite(text_of(lines_of(6))) == suite()


def test_the_digest_names_the_content_and_not_its_spacing() -> None:
    spaced = "\n\n".join(json.dumps(line, indent=None, separators=(" , ", " : ")) for line in lines_of(6))
    assert parse_suite(spaced).digest() == suite().digest()


@given(place=st.integers(0, 3), field=st.sampled_from(["prompt", "cluster", "id", "options", "answer"]))
def test_any_change_of_an_item_changes_the_digest(place: int, field: str) -> None:
    lines = lines_of()
    before = parse_suite(text_of(lines)).digest()
    value = lines[1 + place][field]
    lines[1 + place][field] = (
        (value + 1) % 3 if field == "answer" else [*value, "else"] if field == "options" else value + "!"
    )
    assert parse_suite(text_of(lines)).digest() != before


@pytest.mark.parametrize(
    ("line", "changes", "words"),
    [
        (0, {"language": "fr"}, "language is not ko or en"),
        (0, {"custody": "secret"}, "custody"),
        (0, {"scorer": "accuracy"}, "scorer"),
        (0, {"repeats": 0}, "repeats"),
        (0, {"repeats": True}, "repeats"),
        (0, {"prompt_template": "no hole"}, "prompt_template"),
        (0, {"option_template": "{option}{option}"}, "option_template"),
        (0, {"title": {"en": "only"}}, "title"),
        (0, {"suite": "Not A Name"}, "suite"),
        (0, {"colour": "red"}, "unknown field colour"),
        (2, {"options": ["one"]}, "options"),
        (2, {"options": ["same", "same "]}, "options"),
        (2, {"options": ["one", ""]}, "options"),
        (2, {"answer": 3}, "answer is option 3"),
        (2, {"answer": -1}, "answer"),
        (2, {"answer": 1.0}, "answer"),
        (2, {"id": "q0"}, "twice"),
        (2, {"cluster": ""}, "cluster"),
        (2, {"prompt": None}, "prompt"),
    ],
)
def test_a_mistake_is_named_by_its_line(line: int, changes: dict[str, Any], words: str) -> None:
    lines = lines_of()
    lines[line] |= changes
    with pytest.raises(SuiteInvalid, match=f"items.jsonl line {line + 1}: .*{words}"):
        parse_suite(text_of(lines), "items.jsonl")


def test_every_mistake_is_listed_at_once() -> None:
    lines = lines_of()
    lines[1]["answer"] = 9
    del lines[2]["prompt"]
    with pytest.raises(SuiteInvalid) as caught:
        parse_suite(text_of(lines) + "{broken\n", "items.jsonl")
    mistakes = caught.value.fields["mistakes"]
    assert isinstance(mistakes, list)
    assert [mistake.split(":")[0] for mistake in mistakes] == [f"items.jsonl line {n}" for n in (2, 3, 6)]


@pytest.mark.parametrize("text", ["", "\n\n", "[]\n", '{"suite": "x"}\n'])
def test_what_is_no_suite_is_refused(text: str) -> None:
    with pytest.raises(SuiteInvalid):
        parse_suite(text)


def test_items_of_one_cluster_are_refused_because_the_error_would_be_unknown() -> None:
    with pytest.raises(SuiteInvalid, match="fewer than two clusters"):
        parse_suite(text_of(lines_of(2)))


@given(text=st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse_suite(text)
