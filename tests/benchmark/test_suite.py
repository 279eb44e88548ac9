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
from dokja.grammar.mistakes import reasons_in
from dokja.report.words import say_reason
from tests.benchmark.small_suites import suite


def lines_of(n_items: int = 4) -> list[dict[str, Any]]:
    small = suite(n_items=n_items)
    items = [item.as_json() for item in small.items]
    return [small.header(), *items]


def text_of(lines: list[Any]) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(SuiteInvalid, match=r"items\.jsonl is refused: \d+ mistakes?\.") as caught:
        parse_suite(text, "items.jsonl")
    assert all(say_reason(reason, "ko") for reason in reasons_in(caught.value))
    return [say_reason(reason, "en") for reason in reasons_in(caught.value)]


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
        (0, {"language": "fr"}, ".language: one of these belongs here: ko, en."),
        (0, {"custody": "secret"}, ".custody: one of these belongs here: public, sealed, exposed."),
        (0, {"scorer": "summ"}, ".scorer: one of these belongs here: sum, per_byte; did you mean sum?"),
        (0, {"repeats": 0}, ".repeats: this is 0 and must be at least 1."),
        (0, {"repeats": True}, ".repeats: a whole number belongs here"),
        (0, {"prompt_template": "no hole"}, ".prompt_template: the text needs {prompt} exactly once."),
        (
            0,
            {"option_template": "{option}{option}"},
            ".option_template: the text needs {option} exactly once.",
        ),
        (0, {"title": {"en": "only"}}, ".title.ko: the field ko is missing."),
        (0, {"suite": "Not A Name"}, ".suite: 'Not A Name' is not a name"),
        (0, {"colour": "red"}, ".colour: there is no field colour; the fields here are suite, language"),
        (2, {"options": ["one"]}, ".options: 1 are listed and at least 2 are needed."),
        (2, {"options": ["same", "same "]}, ".options: same is named twice."),
        (2, {"options": ["one", ""]}, ".options.2: a text that says something belongs here."),
        (2, {"answer": 3}, ": the answer is option 3, counted from 0, and there are 3 options."),
        (2, {"answer": -1}, ".answer: this is -1 and must be at least 0."),
        (2, {"answer": 1.0}, ".answer: a whole number belongs here"),
        (2, {"id": "q0"}, ".id: q0 is named twice."),
        (2, {"cluster": ""}, ".cluster: a text that says something belongs here."),
        (2, {"prompt": None}, ".prompt: a text belongs here, in quotes."),
        (2, {"prompt": "?" * 20_001}, ".prompt: the text has more than 20,000 characters."),
    ],
)
def test_a_mistake_is_named_by_its_line(line: int, changes: dict[str, Any], words: str) -> None:
    lines = lines_of()
    lines[line] |= changes
    (told,) = mistakes_of(text_of(lines))
    assert told.startswith(f"items.jsonl:{line + 1}{words}")


def test_every_mistake_is_listed_at_once() -> None:
    lines = lines_of()
    lines[1]["answer"] = 9
    del lines[2]["prompt"]
    told = mistakes_of(text_of(lines) + "{broken\n")
    assert [sentence.split(": ")[0] for sentence in told] == [
        "items.jsonl:2",
        "items.jsonl:3.prompt",
        "items.jsonl:6",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "[]\n", '{"suite": "x"}\n'])
def test_what_is_no_suite_is_refused(text: str) -> None:
    with pytest.raises(SuiteInvalid):
        parse_suite(text)


def test_items_of_one_cluster_are_refused_because_the_error_would_be_unknown() -> None:
    assert mistakes_of(text_of(lines_of(2))) == [
        "items.jsonl: items in fewer than two clusters leave the error of a score unknown."
    ]


@given(text=st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse_suite(text)
