"""Every sentence exists in Korean and English and asks for the same figures in both."""

import re
from pathlib import Path

import pytest

from dokja.errors import InvalidInput
from dokja.report.words import LANGUAGES, placeholders, say, sentences

SOURCE = Path(__file__).parents[2] / "src" / "dokja"


def test_every_sentence_is_said_in_both_languages_with_the_same_figures() -> None:
    for key, words in sentences().items():
        assert set(words) == set(LANGUAGES), key
        assert placeholders(words["ko"]) == placeholders(words["en"]), key
        if re.search("[a-zA-Z]", re.sub(r"{.*?}", "", words["en"])):
            assert re.search("[가-힣]", words["ko"]), f"{key} has no Korean in its Korean sentence"


def test_every_reason_written_in_the_source_has_a_sentence() -> None:
    written = {
        key
        for path in SOURCE.rglob("*.py")
        for key in re.findall(r'Reason\(\s*"([a-z0-9_.]+)"', path.read_text("utf-8"))
    }
    assert written - set(sentences()) == set()


def test_a_missing_sentence_or_figure_is_an_error_not_an_empty_string() -> None:
    with pytest.raises(InvalidInput, match="no sentence"):
        say("no.such_key", {}, "en")
    needy = next(key for key, words in sentences().items() if placeholders(words["en"]))
    with pytest.raises(InvalidInput, match="cannot be said"):
        say(needy, {}, "ko")
