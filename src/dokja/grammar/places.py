"""Places in what people write: from where pydantic stood to keys and ids, and which model describes a place.

pydantic puts the word of a union's member between the steps of a place. A walk along the model's own types knows a key
from such a word, and knows which other keys the table has.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel

from dokja.grammar.unknown import KNOWN, Unknown

Step: TypeAlias = int | str

_CALLED_BY = ("id", "name", "field", "team", "rater", "kind")
_LONGEST_STEP = 64


@dataclass(frozen=True, slots=True)
class Found:
    """Where pydantic stood.

    Args:
        path: Keys and positions that lead there from the whole value.
        table: The model one of whose fields the last step is; None where it is none's.
        ends_early: Whether the value has no such depth: a text or number stands where a list or table belongs.
    """

    path: tuple[Step, ...]
    table: type[BaseModel] | None
    ends_early: bool = False


def find(model: type[BaseModel], loc: Sequence[Step], value: object) -> Found:
    """Return where in a value pydantic stood.

    Args:
        model: What the whole value should be.
        loc: As pydantic's report gives it.
        value: What was read.
    """
    here: Any = model
    table: type[BaseModel] | None = None
    path: list[Step] = []
    for position, step in enumerate(loc):
        if step == KNOWN and _may_be_unknown(here):
            here = _bare(here)
            continue
        here, table, is_step = _descend(_bare(here), step, at(value, path), last=position == len(loc) - 1)
        if not is_step:
            continue
        if path and not isinstance(at(value, path), (Mapping, list, tuple)):
            return Found(tuple(path), None, ends_early=True)
        path.append(step)
    return Found(tuple(path), table)


def _descend(here: Any, step: Step, value: object, *, last: bool) -> tuple[Any, type[BaseModel] | None, bool]:
    """Return the type behind a step, the model it is a field of, and whether it is a step of the value at all."""
    if isinstance(here, type) and issubclass(here, BaseModel):
        return fields_of(here).get(str(step)), here, True
    if typing.get_origin(here) in (tuple, list) and isinstance(step, int):
        inner = typing.get_args(here)
        return inner[step] if step < len(inner) and inner[-1] is not Ellipsis else inner[0], None, True
    member = _member(here, step)
    if member is not None:
        return member, None, False
    # A type this walk does not know: a key of the value is a step; whatever else pydantic says stands between.
    if isinstance(step, int):
        return None, None, True
    return None, None, (isinstance(value, Mapping) and step in value) or (last and step.isidentifier())


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the type of every field of a table, by the key it is written under."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _bare(kind: Any) -> Any:
    """Return a type without what is said about it, and without `unknown` and None beside it."""
    while True:
        if typing.get_origin(kind) is Annotated:
            kind = typing.get_args(kind)[0]
            continue
        if typing.get_origin(kind) not in (typing.Union, types.UnionType):
            return kind
        left = [one for one in typing.get_args(kind) if one not in (Unknown, type(None))]
        if len(left) != 1:
            return kind
        kind = left[0]


def _may_be_unknown(kind: Any) -> bool:
    inner = typing.get_args(kind)
    return Unknown in inner or any(
        _may_be_unknown(one) for one in inner if typing.get_origin(one) is Annotated
    )


def _member(union: Any, tag: Step) -> type[BaseModel] | None:
    """Return the member of a union of tables that carries a tag."""
    for one in typing.get_args(union):
        kind = _bare(one)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            words = [word for of in fields_of(kind).values() for word in typing.get_args(of) if _is_word(of)]
            if tag in words:
                return kind
    return None


def _is_word(kind: Any) -> bool:
    return typing.get_origin(kind) is Literal


def at(value: object, path: Sequence[Step]) -> object:
    """Return what stands at a place of a value; None where there is nothing."""
    for step in path:
        if isinstance(value, (list, tuple)):
            value = value[step] if isinstance(step, int) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def called(path: Sequence[Step], value: object) -> Iterator[str]:
    """Yield the words of a place: a key as it is, an element of a list by its id."""
    for position, step in enumerate(path):
        if isinstance(step, str):
            yield step[:_LONGEST_STEP]
            continue
        element = at(value, path[: position + 1])
        names = [element.get(key) for key in _CALLED_BY] if isinstance(element, Mapping) else []
        yield next((name[:_LONGEST_STEP] for name in names if isinstance(name, str)), str(step + 1))
