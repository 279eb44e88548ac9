"""The one catalogue of sentences, Korean and English: keys and figures become words here, at the edge.

Sentences lie in `report/sentences/*.toml`, one file per room, as `["dotted.key"]` tables with `en` and `ko`.
Placeholders are `str.format` fields and are the same in both languages; a test checks it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
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
    try:
        return words[language].format_map(dict(figures))
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise InvalidInput(f"The sentence {key!r} cannot be said with these figures: {error!r}.") from error


def say_reason(reason: Reason, language: Language) -> str:
    """Return a finding's reason as one sentence."""
    return say(reason.key, reason.figures, language)


def placeholders(sentence: str) -> frozenset[str]:
    """Return the names of the figures a sentence needs."""
    return frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name)
