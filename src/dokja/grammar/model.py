"""The base of every model of what people write: strict, frozen, nothing unknown, and every mistake at once.

A value comes from a JSON text or a TOML table that was parsed already; it is read in pydantic's JSON mode, in which a
list is a tuple, a text is an enum's word or a day, and nothing else is turned into anything. pydantic is imported with
this module, so that a command that reads nothing people wrote starts without it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, time
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dokja.canonical import JSON
from dokja.grammar.explain import mistakes_in
from dokja.grammar.mistakes import Mistake
from dokja.grammar.places import Step, find
from dokja.grammar.places import at as at_place
from dokja.grammar.unknown import MENDING, UNREADABLE

_M = TypeVar("_M", bound="Model")

DEEPEST = 32
"""How deep tables and lists of what people write may lie in one another."""


class Model(BaseModel):
    """A table of what people write. Frozen, strict, extra keys forbidden, no number that is none."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True,
        ser_json_inf_nan="constants",
    )  # fmt: skip

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object, with exactly the fields that were given."""
        value: dict[str, JSON] = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return value


def changed(model: _M, **changes: Any) -> _M:
    """Return a model with some fields changed, read again: no change makes a table that could not have been written.

    Args:
        model: What it was.
        **changes: New values by the key they are written under.

    Raises:
        pydantic.ValidationError: A value has no business in its field.
    """
    keys = {field.alias or name: name for name, field in type(model).model_fields.items()}
    given = {key: getattr(model, name) for key, name in keys.items() if name in model.model_fields_set}
    return type(model)(**(given | changes))


class Misread(ValueError):  # never leaves a reader: each turns it into its own error
    """A value that is no such model, with every mistake in it.

    Args:
        mistakes: At least one.
        error: pydantic's own report; None where the value has no JSON form at all.
    """

    def __init__(self, mistakes: tuple[Mistake, ...], error: ValidationError | None = None) -> None:
        super().__init__("; ".join(one.told for one in mistakes))
        self.mistakes = mistakes
        self.error = error


def read_model(model: type[_M], value: object, at: str = "") -> _M:
    """Return the model a parsed JSON value holds.

    Args:
        model: What it should be.
        value: As `parse_json` or `tomllib` gave it; days of TOML pass as they are written.
        at: Where it stands, put before every place.

    Raises:
        Misread: With one mistake for each thing that is wrong.
    """
    try:
        # A number that is none passes into the text: the model refuses it where it stands, and the rest is read on.
        text = _spell(value)
        read = model.model_validate_json(text)
        if "NaN" in text or "Infinity" in text:
            json.dumps(value, allow_nan=False, default=_spell_day)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise Misread((_no_json(model, value, at, str(error)),)) from None
        raise Misread(mistakes_in(error, model, value, at), error) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise Misread((_no_json(model, value, at, str(error)),)) from None
    return read


def read_mended(model: type[_M], value: object) -> tuple[_M | None, tuple[Mistake, ...]]:
    """Return the model a value holds with every mistake in it; what cannot be read stands as UNKNOWN where that may.

    So contradictions can be looked for in what could be read. The model is None where a mistake leaves no whole, and is
    never to be used for anything else where there are mistakes.

    Args:
        model: What it should be.
        value: As `parse_json` or `tomllib` gave it.
    """
    try:
        return read_model(model, value), ()
    except Misread as misread:
        mended = None if misread.error is None else _mended(model, value, misread.error)
        return mended, misread.mistakes


def _mended(model: type[_M], value: object, error: ValidationError) -> _M | None:
    """Mark every unreadable place, from the innermost outwards, until it is one that may be unknown."""
    value = _copied(value)
    for _ in range(DEEPEST):
        for path, is_unknown_key in _to_mark(model, value, error):
            if not path:
                return None
            _mark(at_place(value, path[:-1]), path[-1], delete=is_unknown_key)
        try:
            return model.model_validate_json(_spell(value), context=MENDING)
        except ValidationError as left:
            error = left
    return None


def _copied(value: object) -> object:
    """Return tables and lists that may be written into; what lies in them is never changed."""
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _mark(holder: Any, step: Step, *, delete: bool) -> None:
    if delete:
        holder.pop(step, None)
    elif holder is not UNREADABLE and holder is not None:
        holder[step] = UNREADABLE


def _to_mark(
    model: type[Model], value: object, error: ValidationError
) -> list[tuple[tuple[Step, ...], bool]]:
    """Return the places of a report, the widest first, and whether each is a key nobody knows.

    Where a mark stands already and was refused, the table or list around it is the place.
    """
    places: dict[tuple[Step, ...], bool] = {}
    for one in error.errors(include_url=False, include_input=False):
        path = find(model, one["loc"], value).path
        marked = next((n for n in range(1, len(path) + 1) if at_place(value, path[:n]) is UNREADABLE), None)
        if marked is None:
            places.setdefault(path, one["type"] == "extra_forbidden")
        else:
            places[path[: marked - 1]] = False
    return sorted(places.items(), key=lambda place: len(place[0]))


def too_deep(value: object, most: int = DEEPEST) -> bool:
    """Return whether tables and lists lie deeper in one another than allowed; looks no deeper than that."""
    layer = [value]
    for _ in range(most + 1):
        layer = [inner for one in layer for inner in _inside(one)]
        if not layer:
            return False
    return True


def _inside(value: object) -> Collection[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _no_json(model: type[Model], value: object, at: str, detail: str) -> Mistake:
    whole = model.__name__.lower()
    if too_deep(value):
        return Mistake.made(at, "too_deep", "is nested too deeply", {"most": DEEPEST}, whole=whole)
    return Mistake.made(
        at, "no_json", "has no JSON form", {"detail": detail.splitlines()[0][:80]}, whole=whole
    )


def _spell(value: object) -> str:
    return _ENCODER.encode(value)


def _spell_day(value: object) -> object:
    """Return what a day or time of TOML is in JSON: nothing that a text, a list or a table takes for its own."""
    if value is UNREADABLE:
        return UNREADABLE.spelt
    if isinstance(value, (date, time)):
        return [[value.isoformat()]]
    raise TypeError(f"{type(value).__name__} is no JSON value")


_ENCODER = json.JSONEncoder(default=_spell_day, ensure_ascii=False)
