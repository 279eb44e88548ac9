"""From TOML or JSON to a rulebook, with every mistake at once instead of the first.

The models of `schema` are the grammar. A file is hostile until it has passed: its size and depth are bounded, and no
input ends in anything but a `Rulebook` or `RulebookInvalid`.
"""

from __future__ import annotations

import tomllib

from dokja.grammar.mistakes import Mistake
from dokja.grammar.model import DEEPEST, read_mended, too_deep
from dokja.rulebook.consistency import contradictions
from dokja.rulebook.mistakes import invalid
from dokja.rulebook.schema import Rulebook

MOST_BYTES = 1 << 20


def parse_rulebook(data: bytes) -> Rulebook:
    """Return the rulebook a TOML file holds.

    Args:
        data: The file's bytes, UTF-8, at most `MOST_BYTES`.

    Raises:
        RulebookInvalid: With one mistake for each thing that is wrong.
    """
    if len(data) > MOST_BYTES:
        raise invalid([_whole("too_large", size_bytes=len(data), most_bytes=MOST_BYTES)])
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise invalid([_whole("not_toml", detail=str(error))]) from error
    return rulebook_from_json(table)


def rulebook_from_json(value: object) -> Rulebook:
    """Return the rulebook a table holds, as TOML gave it or as `Rulebook.canonical` wrote it.

    Raises:
        RulebookInvalid: With one mistake for each thing that is wrong.
    """
    if too_deep(value):
        raise invalid([_whole("too_deep", most=DEEPEST)])
    # Values that could not be read stand as UNKNOWN here, so that one reading shows both kinds of mistake.
    rulebook, mistakes = read_mended(Rulebook, value)
    found = [*mistakes, *(contradictions(rulebook) if rulebook else ())]
    if rulebook is None or found:
        raise invalid(found)
    return rulebook


def _whole(key: str, **figures: int | str) -> Mistake:
    return Mistake.made("", key, "", figures, whole="rulebook")
