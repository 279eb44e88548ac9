"""The types of what people write: identifiers, names, digests, times, days, texts, numbers, lists without repeats.

Each refuses with a mistake of its own, whose sentence is in the catalogue under `grammar.`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}"
NAME_PATTERN = r"[a-z0-9][a-z0-9_.-]{0,63}"
DIGEST_PATTERN = r"sha256:[0-9a-f]{64}"
INSTANT_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

LARGEST_EXACT = 2**53

_T = TypeVar("_T", bound=Hashable)
_V = TypeVar("_V")


class Written:
    """A text under a pattern, refused with one mistake of its own whatever is wrong with it.

    Args:
        pattern: What the whole text matches; RE2-like, as pydantic's own patterns.
        mistake: Type of the mistake, the last word of its key in the catalogue.
        told: The mistake in English, for exceptions.
        empty: Whether the empty text passes too.
        whole: Whether the whole text matches, rather than some of it.
    """

    def __init__(
        self, pattern: str, mistake: str, told: str, *, empty: bool = False, whole: bool = True
    ) -> None:
        self.pattern = f"^(?:{pattern}){'?' if empty else ''}$" if whole else pattern
        self.mistake, self.told = mistake, told

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=self.pattern, strict=True)
        return core_schema.custom_error_schema(
            text, custom_error_type=self.mistake, custom_error_message=self.told
        )


def _in_calendar(value: str) -> str:
    """Return an instant that exists in the calendar; the empty text stays as it is."""
    try:
        if value:
            datetime.fromisoformat(value[:19])
    except ValueError:
        raise PydanticCustomError("not_an_instant", _INSTANT_TOLD) from None
    return value


_INSTANT_TOLD = "is not an RFC 3339 time in UTC such as 2026-01-15T06:00:00Z"


def _day(value: object) -> date:
    """Return a calendar day; a text is one only in the one spelling, a day of TOML comes within two lists."""
    match value:
        case [[str(spelt)]]:
            value = spelt
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise PydanticCustomError("not_a_day", "is not a day such as 2026-01-15")


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError(
            "not_printable", "holds a line break or another character that cannot be printed"
        )
    return value


def _exact(value: float) -> float:
    """Return a number that is written in one way only: beyond 2^53 a double leaves whole numbers out."""
    if not abs(value) < LARGEST_EXACT:
        raise PydanticCustomError("beyond_exact", "is not within 2^53 of 0", {"most": LARGEST_EXACT})
    return value


def _unrepeated(values: tuple[_T, ...]) -> tuple[_T, ...]:
    if len(set(values)) != len(values):
        seen: set[_T] = set()
        twice = next(one for one in values if one in seen or seen.add(one))  # type: ignore[func-returns-value]
        raise PydanticCustomError(
            "named_twice", "names the same thing twice: {name}", {"name": str(twice)[:80]}
        )
    return values


Id: TypeAlias = Annotated[str, Written(ID_PATTERN, "not_an_id", "is not an identifier")]
"""An identifier: of an event, an actor, an item."""
IdOrEmpty: TypeAlias = Annotated[str, Written(ID_PATTERN, "not_an_id", "is not an identifier", empty=True)]
Name: TypeAlias = Annotated[
    str, Written(NAME_PATTERN, "not_a_name", "is not a short lower-case name (letters, digits, _ . -)")
]
"""A short lower-case name: of a team, a suite, a criterion, a part."""
Digest: TypeAlias = Annotated[str, Written(DIGEST_PATTERN, "not_a_digest", "is not a sha256 digest")]
"""A digest written `sha256:<64 hex digits>`."""
DigestOrEmpty: TypeAlias = Annotated[
    str, Written(DIGEST_PATTERN, "not_a_digest", "is not a sha256 digest", empty=True)
]
Instant: TypeAlias = Annotated[
    str, Written(INSTANT_PATTERN, "not_an_instant", _INSTANT_TOLD), AfterValidator(_in_calendar)
]
"""An RFC 3339 instant in UTC, ending in Z, that exists in the calendar; kept as it is written."""
InstantOrEmpty: TypeAlias = Annotated[
    str, Written(INSTANT_PATTERN, "not_an_instant", _INSTANT_TOLD, empty=True), AfterValidator(_in_calendar)
]
Text: TypeAlias = Annotated[str, Written(r"\S", "empty_text", "is not a text, or is empty", whole=False)]
"""A text that says something."""
Day: TypeAlias = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DAY.pattern}$"}),
]
"""A calendar day, written YYYY-MM-DD."""
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number; a boolean is none."""
Count: TypeAlias = Annotated[int, Field(ge=0)]
"""A whole number of things, zero or more."""
Line: TypeAlias = Annotated[
    str,
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"}),
]
"""A text of printable characters, on one line; it may be empty."""
EXACT = AfterValidator(_exact)
"""Added to a type of numbers of its own bounds: what canonical JSON writes exactly."""
Whole: TypeAlias = Annotated[int, EXACT]
"""A whole number that canonical JSON writes exactly."""
Figure: TypeAlias = Annotated[float, Field(allow_inf_nan=False), EXACT]
"""A finite number within 2^53 of 0."""
Listed: TypeAlias = Annotated[tuple[_T, ...], AfterValidator(_unrepeated)]
"""A list that names nothing twice."""
Some: TypeAlias = Annotated[tuple[_T, ...], Field(min_length=1), AfterValidator(_unrepeated)]
"""A list of at least one, that names nothing twice."""

AtLeastOne: TypeAlias = Annotated[tuple[_V, ...], Field(min_length=1)]
"""A list of at least one."""


def wrong(kind: str, told: str, **figures: Any) -> PydanticCustomError:
    """Return a mistake of a validator of our own, to be raised in it.

    Args:
        kind: Type of the mistake, the last word of its key in the catalogue.
        told: The mistake in English, with `{figures}`; the end of a sentence that begins with the place.
        **figures: What the sentence names.
    """
    return PydanticCustomError(kind, told, figures)
