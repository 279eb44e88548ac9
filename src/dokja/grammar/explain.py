"""What pydantic found wrong, as mistakes of ours: a place by id rather than by position, a key of our own catalogue.

For a name or word that nobody knows, the known one that is nearest is named.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import core_schema

from dokja.canonical import JSON
from dokja.grammar.mistakes import Mistake
from dokja.grammar.places import Found, called, fields_of, find
from dokja.grammar.places import at as at_place

_MOST_SHOWN = 80
_UNKNOWN = "unknown"

# pydantic's type of mistake -> the last word of our key. Types of our own validators are words of the catalogue already.
_KEYS = {
    "missing": "missing",
    "extra_forbidden": "unknown_key",
    "bool_type": "expected_true_or_false",
    "bool_parsing": "expected_true_or_false",
    "int_type": "expected_whole_number",
    "int_from_float": "expected_whole_number",
    "int_parsing": "expected_whole_number",
    "int_parsing_size": "expected_whole_number",
    "float_type": "expected_number",
    "float_parsing": "expected_number",
    "finite_number": "expected_number",
    "string_type": "expected_text",
    "string_unicode": "expected_text",
    "date_type": "not_a_day",
    "model_type": "expected_table",
    "model_attributes_type": "expected_table",
    "dict_type": "expected_table",
    "tuple_type": "expected_list",
    "list_type": "expected_list",
    "too_short": "too_few",
    "too_long": "too_many",
    "enum": "expected_choice",
    "literal_error": "expected_choice",
    "union_tag_invalid": "expected_choice",
    "union_tag_not_found": "expected_choice",
    "greater_than_equal": "too_small",
    "greater_than": "not_above",
    "less_than_equal": "too_large_number",
    "less_than": "not_below",
    "json_invalid": "no_json",
}
_ANY_OTHER = "not_accepted"
_WORDS_OF_PYDANTIC = frozenset(typing.get_args(core_schema.ErrorType))

_TOLD = {
    "expected_true_or_false": "is not true or false",
    "expected_whole_number": "is not a whole number",
    "expected_number": "is not a number",
    "expected_text": "is not a text",
    "not_a_day": "is not a day such as 2026-01-15",
    "expected_table": "is not an object",
    "expected_list": "is not a list",
    "too_few": "lists too few",
    "too_many": "lists too many",
    "no_json": "has no JSON form",
}


def mistakes_in(
    error: ValidationError, model: type[BaseModel], value: object, at: str = ""
) -> tuple[Mistake, ...]:
    """Return what pydantic found wrong with a value, as mistakes of ours.

    Args:
        error: pydantic's report.
        model: What the value should be, to tell a table's known keys.
        value: What was read, to call places by their ids.
        at: Put before every place.
    """
    found = [
        (one, find(model, one["loc"], value)) for one in error.errors(include_url=False, include_input=False)
    ]
    misspelt = {
        (*where.path[:-1], near)
        for one, where in found
        if one["type"] == "extra_forbidden" and (near := _nearest_key(where, value))
    }
    mistakes: dict[tuple[str, str], Mistake] = {}
    for one, where in found:
        if one["type"] == "missing" and where.path in misspelt:
            continue  # a field that is absent because it is misspelt is one mistake, not two
        if one["type"] == "too_short" and _is_long_enough(one, at_place(value, where.path)):
            continue  # pydantic counts only elements without a mistake; theirs are told already
        mistake = _Reader(model, value, at).mistake(one, where)
        mistakes.setdefault((str(where.path), mistake.reason.key), mistake)
    return tuple(mistakes.values())


@dataclass(frozen=True, slots=True)
class _Reader:
    """What is needed to put one of pydantic's reports into our words."""

    model: type[BaseModel]
    value: object
    at: str

    def mistake(self, one: Any, where: Found) -> Mistake:
        """Return one mistake of pydantic's report as one of ours."""
        kind, figures = one["type"], dict(one.get("ctx", {}))
        wrote = at_place(self.value, where.path)
        if where.ends_early:
            return self._made(where, "expected_list", _TOLD["expected_list"])
        if kind == "extra_forbidden":
            return self._unknown_key(where)
        if kind == "missing":
            return self._made(where, "missing", "that is missing", name=str(where.path[-1]))
        if wrote == _UNKNOWN and kind in _KEYS:
            return self._made(where, "unknown_not_allowed", "may not be unknown")
        if kind in ("enum", "literal_error", "union_tag_invalid", "union_tag_not_found"):
            return self._choice(kind, figures, where, wrote)
        key = _KEYS.get(kind, _ANY_OTHER if kind in _WORDS_OF_PYDANTIC else kind)
        told = _TOLD.get(key, one["msg"].replace("Input", "").strip()) if kind in _KEYS else one["msg"]
        shown: dict[str, Any] = {
            name: inner
            for name, inner in figures.items()
            if isinstance(inner, (str, int, float)) and name != "error"
        }
        if key == _ANY_OTHER:
            shown["detail"] = told
        return self._made(where, key, told, **{"found": _shown(wrote), **shown})

    def _made(self, where: Found, key: str, told: str, /, *last: str, **figures: JSON) -> Mistake:
        place = ".".join(word for word in (self.at, *called(where.path, self.value), *last) if word)
        return Mistake.made(place, key, told, figures, whole=self.model.__name__.lower())

    def _unknown_key(self, where: Found) -> Mistake:
        name = str(where.path[-1])[:64]
        near = _nearest_key(where, self.value)
        if near:
            told = f"is not known; did you mean {near}?"
            return self._made(where, "unknown_key_near", told, name=name, near=near)
        known = ", ".join(fields_of(where.table)) if where.table else ""
        return self._made(where, "unknown_key", "that is not known", name=name, known=known)

    def _choice(self, kind: str, figures: Mapping[str, Any], where: Found, wrote: object) -> Mistake:
        choices = str(figures.get("expected") or figures.get("expected_tags") or "")
        choices = choices.replace("'", "").replace(" or ", ", ")
        last = []
        if kind.startswith("union"):
            if not isinstance(wrote, Mapping):
                return self._made(where, "expected_table", _TOLD["expected_table"])
            last = [str(figures.get("discriminator", "kind")).strip("'")]
            wrote = wrote.get(last[0])
            if wrote is None:
                return self._made(where, "missing", "that is missing", *last, name=last[0])
        near = _nearest(wrote[:_MOST_SHOWN], choices.split(", ")) if isinstance(wrote, str) else ""
        if near:
            told = f"is not one of {choices}; did you mean {near}?"
            return self._made(where, "expected_choice_near", told, *last, choices=choices, near=near)
        return self._made(where, "expected_choice", f"is not one of {choices}", *last, choices=choices)


def _is_long_enough(one: Any, wrote: object) -> bool:
    return isinstance(wrote, (list, tuple)) and len(wrote) >= one["ctx"]["min_length"]


def _nearest_key(where: Found, value: object) -> str:
    """Return the key that was meant: the nearest of the table's known ones that are not given; empty for none."""
    table = at_place(value, where.path[:-1])
    if where.table is None or not isinstance(table, Mapping):
        return ""
    return _nearest(str(where.path[-1])[:64], [name for name in fields_of(where.table) if name not in table])


def _nearest(name: str, known: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")


def _shown(wrote: object) -> str:
    """Return what was written, short enough for a sentence."""
    text = (
        wrote if isinstance(wrote, str) else "" if isinstance(wrote, (Mapping, list, tuple)) else repr(wrote)
    )
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
