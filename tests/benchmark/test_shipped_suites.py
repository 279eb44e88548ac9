"""The items that come with the demo: structure that a reviewer can check by machine."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from dokja.benchmark.suite import Suite
from dokja.workflows.benchmark import read_suite

FOLDER = Path(__file__).parents[2] / "examples" / "demo" / "suites"
SUITES = {path.stem: read_suite(path) for path in sorted(FOLDER.glob("*.jsonl"))}
HANGUL = re.compile("[가-힣]")


def texts_of(suite: Suite) -> list[str]:
    return [text for item in suite.items for text in (item.prompt, *item.options) if text]


def test_there_are_enough_items_in_both_languages() -> None:
    count = Counter(dict.fromkeys(("ko", "en"), 0))
    for suite in SUITES.values():
        count[suite.language] += len(suite.items)
    assert sum(count.values()) >= 132
    assert min(count.values()) >= 60


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
class TestEverySuite:
    def test_is_named_like_its_file_and_free_to_use(self, suite: Suite) -> None:
        assert SUITES[suite.name] is suite
        assert suite.licence == "Apache-2.0"
        assert suite.custody == "public"

    def test_has_answers_spread_evenly_over_the_positions(self, suite: Suite) -> None:
        places = Counter(item.answer for item in suite.items)
        assert max(places.values()) - min(places.values()) <= 1
        assert len(places) == len(suite.items[0].options)

    def test_asks_nothing_twice(self, suite: Suite) -> None:
        asked = Counter((item.prompt, frozenset(item.options)) for item in suite.items)
        assert max(asked.values()) == 1
        prompts = Counter(item.prompt for item in suite.items if item.prompt)
        assert not prompts or max(prompts.values()) == 1

    def test_has_the_same_number_of_options_everywhere(self, suite: Suite) -> None:
        assert len({len(item.options) for item in suite.items}) == 1

    def test_is_written_in_its_language(self, suite: Suite) -> None:
        assert all(bool(HANGUL.search(text)) == (suite.language == "ko") for text in texts_of(suite))

    def test_is_typed_cleanly(self, suite: Suite) -> None:
        for text in texts_of(suite):
            assert text == unicodedata.normalize("NFC", text).strip()
            assert "  " not in text
        assert all(option[-1] in ".?" for item in suite.items for option in item.options)

    def test_does_not_give_the_answer_away_by_its_length(self, suite: Suite) -> None:
        def guess(longest: bool) -> float:
            pick = max if longest else min
            return sum(
                pick(range(len(item.options)), key=lambda n: len(item.options[n])) == item.answer
                for item in suite.items
            ) / len(suite.items)

        assert max(guess(True), guess(False)) < suite.chance + 0.25


def test_no_sentence_stands_in_two_suites() -> None:
    where: dict[str, set[str]] = {}
    for suite in SUITES.values():
        for item in suite.items:
            where.setdefault(item.prompt or item.options[item.answer], set()).add(suite.name)
    assert {text: names for text, names in where.items() if len(names) > 1} == {}
