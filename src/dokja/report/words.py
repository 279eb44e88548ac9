"""The one catalogue of sentences, Korean and English: keys and figures become words here, at the edge.

Sentences lie in `report/sentences/*.toml`, one file per room, as `["dotted.key"]` tables with `en` and `ko`.
Placeholders are `str.format` fields and are the same in both languages; a test checks it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias, get_args

from dokja.errors import InvalidInput
from dokja.finding import Reason

Language: TypeAlias = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def sentences() -> Mapping[str, Mapping[str, str]]:
    """Return every sentence by key: {key: {"en": ..., "ko": ...}}.

    Raises:
        InvalidInput: Two files give the same key; the catalogue is one.
    """
    catalogue: dict[str, Mapping[str, str]] = {}
    folder = files("dokja.report").joinpath("sentences")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        for key, words in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if key in catalogue:
                raise InvalidInput(f"The sentence {key!r} stands in two catalogue files.")
            catalogue[key] = words
    return catalogue


def say(key: str, figures: Mapping[str, object], language: Language) -> str:
    """Return the sentence of a key in one language, with its figures put in.

    Args:
        key: Key in the catalogue, e.g. `lineage.no_link_found`.
        figures: Values for the sentence's placeholders; more than it names is fine.
        language: `ko` or `en`.

    Raises:
        InvalidInput: No such sentence, or a figure the sentence needs is missing or of another type.
    """
    words = sentences().get(key)
    if words is None:
        raise InvalidInput(f"There is no sentence for {key!r} in the catalogue.")
    said = {name: printable(value) if isinstance(value, str) else value for name, value in figures.items()}
    if "component" in said:
        said["component"] = name_component(str(said["component"]), language)
    try:
        sentence = words[language].format_map(said)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise InvalidInput(f"The sentence {key!r} cannot be said with these figures: {error!r}.") from error
    return choose_particles(sentence) if language == "ko" else sentence


def printable(text: str) -> str:
    """Return text with control characters shown as escapes: a name in a file must not drive a reader's terminal.

    Line ends stay: what people write has several lines.
    """
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


def name_component(component: str, language: Language) -> str:
    """Return a component's name in words: `vision_encoder#2` is "비전 인코더 2"; an unknown one as it is."""
    kind, _, number = component.partition("#")
    words = sentences().get(f"component.{kind}")
    return component if words is None else f"{words[language]} {number}".strip()


def choose_particles(sentence: str) -> str:
    """Return a Korean sentence with 은(는), 이(가), 을(를), 와(과), (으)로 chosen by the sound before them.

    After a Hangul syllable or a digit the sound is known; after anything else both forms are left standing.
    """
    return _PARTICLE.sub(_chosen, sentence)


def _chosen(match: re.Match[str]) -> str:
    before, particle = match[1], match[2]
    closed, open_ = _FORMS[particle]
    final = _FINALS_OF_DIGITS[int(before)] if before.isdigit() else (ord(before) - 0xAC00) % 28
    # After ㄹ, 으로 becomes 로 as after a vowel.
    ends_open = final == 0 or (particle == "(으)로" and final == _RIEUL)
    return before + (open_ if ends_open else closed)


_FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
_RIEUL = 8
# 영 일 이 삼 사 오 육 칠 팔 구: index of the final consonant of each digit as it is read, 0 for none.
_FINALS_OF_DIGITS = (21, _RIEUL, 0, 16, 0, 0, 1, _RIEUL, _RIEUL, 0)
_PARTICLE = re.compile(r"([가-힣0-9])(은\(는\)|이\(가\)|을\(를\)|와\(과\)|\(으\)로)")


def say_reason(reason: Reason, language: Language) -> str:
    """Return a finding's reason as one sentence."""
    return say(reason.key, reason.figures, language)
