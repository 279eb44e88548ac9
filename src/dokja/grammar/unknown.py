"""The one marker for what exists and was not published, and the types of fields that may hold it or be left out."""

from __future__ import annotations

import typing
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Unknown(Enum):
    """The one marker for a rule that exists but was not published."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN

_T = TypeVar("_T")


class _Unreadable:
    """What stands for a value that could not be read while the rest is looked at; no field takes its spelling."""

    spelt: Final = {"": {"": "unreadable"}}


UNREADABLE = _Unreadable()
MENDING: Final = {"unreadable": "unknown"}
"""Context of a reading in which `UNREADABLE` stands as UNKNOWN wherever UNKNOWN may stand."""


class _MayBeUnknown:
    """Takes `unknown` for the marker and hands everything else to the field's own type, so a mistake is told once.

    A union by tag, as pydantic then reads on in the text it was given; behind a validator function a list is no tuple.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(_without(source, Unknown))
        marker = core_schema.with_info_plain_validator_function(
            _marker, metadata={"pydantic_js_functions": [lambda *_: {"const": Unknown.UNKNOWN.value}]}
        )
        return core_schema.tagged_union_schema(
            {KNOWN: inner, _MARKED: marker},
            _which,
            serialization=core_schema.wrap_serializer_function_ser_schema(_spell, schema=inner),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        # A text field takes the word for a text of its own too, so that more than one of both may fit.
        return {"anyOf": handler(schema)["oneOf"]}


class _MayBeLeftOut:
    """Hands everything written to the field's own type: a field is left out by not writing it, never by a null."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(_without(source, type(None)))
        return core_schema.json_or_python_schema(
            json_schema=inner,
            python_schema=core_schema.nullable_schema(inner),
            serialization=core_schema.wrap_serializer_function_ser_schema(_spell_given, schema=inner),
        )


KNOWN: Final = "(known)"
"""What pydantic puts into a place behind a field that may be unknown; it is no key."""
_MARKED: Final = "(unknown)"


def _without(source: Any, left_out: type) -> Any:
    kept = tuple(kind for kind in typing.get_args(source) if kind is not left_out)
    return typing.Union[kept]  # noqa: UP007  # built from a tuple


def _which(value: Any) -> str:
    return _MARKED if value in (UNKNOWN, Unknown.UNKNOWN.value, UNREADABLE.spelt) else KNOWN


def _marker(value: Any, info: ValidationInfo) -> Unknown:
    if value == UNREADABLE.spelt and info.context is not MENDING:
        raise PydanticCustomError("not_accepted", "is not accepted", {"detail": "not accepted"})
    return UNKNOWN


def _spell(value: Any, known: Callable[[Any], Any]) -> Any:
    return Unknown.UNKNOWN.value if value is UNKNOWN else known(value)


def _spell_given(value: Any, known: Callable[[Any], Any]) -> Any:
    return None if value is None else known(value)


OrUnknown: TypeAlias = Annotated[_T | Unknown, _MayBeUnknown()]
"""A field that may be marked `unknown`: `OrUnknown[int]` holds a whole number or `UNKNOWN`."""
OrNone: TypeAlias = Annotated[_T | None, _MayBeLeftOut()]
"""A field that may be left out and is None then: `OrNone[int] = None`."""
