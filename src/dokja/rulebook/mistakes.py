"""Mistakes of a rulebook: what contradicts itself, and the one error that carries every mistake."""

from __future__ import annotations

from collections.abc import Sequence

from dokja.canonical import JSON
from dokja.errors import RulebookInvalid
from dokja.grammar.mistakes import Mistake


def mistake(at: str, key: str, /, **figures: JSON) -> Mistake:
    """Return a mistake at a place, with its key (without the leading `rulebook.`) and figures."""
    return Mistake.made(at, key, "", figures, room="rulebook")


def invalid(mistakes: Sequence[Mistake]) -> RulebookInvalid:
    """Return the one error that carries every mistake."""
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    places = list(dict.fromkeys(one.at or "the file as a whole" for one in mistakes))
    more = f" and {len(places) - _MOST_PLACES} more places" if len(places) > _MOST_PLACES else ""
    where = ", ".join(places[:_MOST_PLACES])
    return RulebookInvalid(
        f"The rulebook has {count}, at {where}{more}.", mistakes=[one.as_json() for one in mistakes]
    )


_MOST_PLACES = 5
