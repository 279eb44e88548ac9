"""The one marker for what exists and was not published, and the type of a field that may hold it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Unknown(Enum):
    """The one marker for a rule that exists but was not published."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Literal[Unknown.UNKNOWN] = Unknown.UNKNOWN

_T = TypeVar("_T")


class _MayBeUnknown:
    """Passes `unknown` through and hands everything else to the field's own type, so that a mistake is told once."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = tuple(kind for kind in typing.get_args(source) if kind is not Unknown)
        inner = handler.generate_schema(typing.Union[known])  # noqa: UP007  # built from a tuple
        return core_schema.no_info_wrap_validator_function(
            _known_or_marker,
            inner,
            serialization=core_schema.wrap_serializer_function_ser_schema(_spell, schema=inner),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema["schema"])
        return {"anyOf": [inner, {"const": Unknown.UNKNOWN.value}]}


def _known_or_marker(value: Any, known: Callable[[Any], Any]) -> Any:
    return UNKNOWN if value is UNKNOWN or value == Unknown.UNKNOWN.value else known(value)


def _spell(value: Any, known: Callable[[Any], Any]) -> Any:
    return Unknown.UNKNOWN.value if value is UNKNOWN else known(value)


OrUnknown: TypeAlias = Annotated[_T | Unknown, _MayBeUnknown()]
"""A field that may be marked `unknown`: `OrUnknown[int]` holds a whole number or `UNKNOWN`."""
