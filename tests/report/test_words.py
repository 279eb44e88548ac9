"""Every sentence exists in Korean and English and asks for the same figures in both."""

import re
from pathlib import Path
from string import Formatter

import pytest

from dokja.errors import InvalidInput
from dokja.report.words import LANGUAGES, choose_particles, name_component, say, sentences

SOURCE = Path(__file__).parents[2] / "src" / "dokja"


def placeholders(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name)


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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("모델은(는) 언어와(과) 인코더을(를)", "모델은 언어와 인코더를"),
        ("사본이(가) 서울(으)로 부산(으)로", "사본이 서울로 부산으로"),
        ("3은(는) 2을(를) 7(으)로", "3은 2를 7로"),
        ("GLM은(는) 그대로", "GLM은(는) 그대로"),
    ],
)
def test_korean_particles_follow_the_sound_before_them(written: str, said: str) -> None:
    assert choose_particles(written) == said


def test_a_component_is_called_by_its_name_in_both_languages() -> None:
    assert name_component("vision_encoder#2", "ko") == "비전 인코더 2"
    assert name_component("vision_encoder", "en") == "vision encoder"
    assert name_component("something_else", "ko") == "something_else"
