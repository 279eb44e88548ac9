"""A mistake in what someone wrote: where it stands, and why, as a message key with figures.

pydantic finds mistakes; here they get a place by id rather than by position, a key of our own catalogue, and, for a
name that nobody knows, the known one that is nearest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from dokja.canonical import JSON
from dokja.errors import DokjaError
from dokja.finding import Reason

if TYPE_CHECKING:
    from pydantic import ValidationError

_CALLED_BY = ("id", "name", "field", "team", "rater", "kind")
_MOST_SHOWN = 80

# pydantic's type of mistake -> the last word of our key. Types of our own validators are words of the catalogue already.
_KEYS = {
    "missing": "missing",
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
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; its sentence is `reason` put into words, with `at` among the figures.

    Args:
        at: Place, by ids rather than positions, e.g. `parts.benchmark.points`; empty for the whole.
        reason: Message key with figures.
        told: The mistake in English, for an exception's message.
    """

    at: str
    reason: Reason
    told: str = ""

    @classmethod
    def made(cls, at: str, key: str, told: str = "", /, *, room: str = "grammar", **figures: JSON) -> Self:
        """Return a mistake at a place, with its key (without the room before it) and figures."""
        at = visible(at)
        said = {name: visible(value) if isinstance(value, str) else value for name, value in figures.items()}
        where = f"{at} {told}" if told else f"{at or room}: {room}.{key}"
        return cls(at, Reason(f"{room}.{key}", {"at": at or room, **said}), visible(where.strip()))

    def as_json(self) -> dict[str, JSON]:
        """Return it as an error's field carries it; `reasons_in` reads it back."""
        return {"at": self.at, "key": self.reason.key, "figures": dict(self.reason.figures)}


def visible(text: str) -> str:
    """Return a text with every character that could steer a terminal or turn its line around written out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def reasons_in(error: DokjaError) -> tuple[Reason, ...]:
    """Return the reasons an error carries among its fields, ready to be put into words; none where it has none."""
    listed = error.fields.get("mistakes")
    if not isinstance(listed, list):
        return ()
    return tuple(
        Reason(one["key"], one["figures"]) for one in listed if isinstance(one, Mapping) and "figures" in one
    )


def mistakes_in(error: ValidationError, value: object, at: str = "") -> tuple[Mistake, ...]:
    """Return what pydantic found wrong with a value, as mistakes of ours.

    Args:
        error: pydantic's report.
        value: What was read, to call places by their ids.
        at: Put before every place.
    """
    found = error.errors(include_url=False, include_input=False)
    misspelt = {
        (*place, near)
        for one in found
        if one["type"] == "extra_forbidden"
        for place, near in [(one["loc"][:-1], _nearest(str(one["loc"][-1]), _left_out(found, one["loc"])))]
        if near
    }
    mistakes = []
    for one in found:
        if one["type"] == "missing" and one["loc"] in misspelt:
            continue  # a field that is absent because it is misspelt is one mistake, not two
        mistakes.append(_mistake(one, found, value, at))
    return tuple(mistakes)


def _left_out(found: Sequence[Any], loc: tuple[Any, ...]) -> list[str]:
    return [str(one["loc"][-1]) for one in found if one["type"] == "missing" and one["loc"][:-1] == loc[:-1]]


def _nearest(name: str, known: Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, n=1)), "")


def _mistake(one: Any, found: Sequence[Any], value: object, at: str) -> Mistake:
    kind, loc, figures = one["type"], one["loc"], dict(one.get("ctx", {}))
    place = ".".join(word for word in (at, *_called(loc, value)) if word)
    if kind == "extra_forbidden":
        name = str(loc[-1])[:64]
        near = _nearest(name, _left_out(found, loc))
        if near:
            return Mistake.made(
                place, "unknown_key_near", f"is not known; did you mean {near}?", name=name, near=near
            )
        return Mistake.made(place, "unknown_key", "that is not known", name=name)
    if kind == "missing":
        return Mistake.made(place, "missing", "that is missing", name=str(loc[-1]))
    if kind in ("enum", "literal_error", "union_tag_invalid", "union_tag_not_found"):
        choices = (
            str(figures.get("expected") or figures.get("expected_tags") or "")
            .replace("'", "")
            .replace(" or ", ", ")
        )
        if kind.startswith("union"):
            place = f"{place}.{str(figures.get('discriminator', 'kind')).strip(chr(39))}"
        wrote = _at(value, loc)
        near = _nearest(wrote, choices.split(", ")) if isinstance(wrote, str) else ""
        if near:
            told = f"is not one of {choices}; did you mean {near}?"
            return Mistake.made(place, "expected_choice_near", told, choices=choices, near=near)
        return Mistake.made(place, "expected_choice", f"is not one of {choices}", choices=choices)
    key = _KEYS.get(kind, kind)
    shown: dict[str, Any] = {
        name: inner
        for name, inner in figures.items()
        if isinstance(inner, (str, int, float)) and name != "error"
    }
    told = one["msg"] if kind not in _KEYS else _TOLD.get(key, one["msg"].replace("Input", "").strip())
    return Mistake.made(place, key, told, **shown)


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
}


def _called(loc: tuple[int | str, ...], value: object) -> Iterator[str]:
    """Yield the words of a place: a key as it is, an element of a list by its id; what pydantic puts between is left out."""
    here: object = value
    for position, step in enumerate(loc):
        if isinstance(step, int):
            here = here[step] if isinstance(here, (list, tuple)) and step < len(here) else None
            yield _name_of(here, step)
        elif isinstance(here, Mapping) and step in here:
            here = here[step]
            yield step[:64]
        elif position == len(loc) - 1 and not _is_tag(step):
            yield step[:64]


def _is_tag(step: str) -> bool:
    return not step.isidentifier() or step.startswith("function-")


def _name_of(value: object, position: int) -> str:
    names = [value.get(key) for key in _CALLED_BY] if isinstance(value, Mapping) else []
    return next((name[:64] for name in names if isinstance(name, str)), str(position + 1))


def _at(value: object, loc: tuple[int | str, ...]) -> object:
    here: object = value
    for step in loc:
        if (isinstance(step, int) and isinstance(here, (list, tuple)) and step < len(here)) or (
            isinstance(step, str) and isinstance(here, Mapping) and step in here
        ):
            here = here[step]  # type: ignore[index]  # one of the two by now
    return here[:_MOST_SHOWN] if isinstance(here, str) else here
