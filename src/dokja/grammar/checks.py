"""Checks of the fields of a payload: each returns what is wrong with a value as the end of a sentence ("is not ...").

A schema maps a field's name to a check; a name ending in `?` may be left out. An empty string means nothing is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

Check = Callable[[object], str]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def is_id(value: object) -> str:
    """Check an identifier: of an event, an actor, an item."""
    return "" if isinstance(value, str) and _ID.fullmatch(value) else "is not an identifier"


def is_name(value: object) -> str:
    """Check a short lower-case name: of a team, a suite, a criterion, a part."""
    good = isinstance(value, str) and _NAME.fullmatch(value)
    return "" if good else "is not a short lower-case name (letters, digits, _ . -)"


def is_digest(value: object) -> str:
    """Check a digest written `sha256:<64 hex digits>`."""
    return "" if isinstance(value, str) and _DIGEST.fullmatch(value) else "is not a sha256 digest"


def is_time(value: object) -> str:
    """Check an RFC 3339 instant in UTC, ending in Z, that exists in the calendar."""
    wrong = "is not an RFC 3339 time in UTC such as 2026-01-15T06:00:00Z"
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return wrong
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return wrong
    return ""


def is_day(value: object) -> str:
    """Check a calendar day written YYYY-MM-DD."""
    try:
        good = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        good = False
    return "" if good else "is not a day such as 2026-01-15"


def is_string(value: object) -> str:
    """Check a text that may be empty."""
    return "" if isinstance(value, str) else "is not a text"


def is_text(value: object) -> str:
    """Check a text that says something."""
    return "" if isinstance(value, str) and value.strip() else "is not a text, or is empty"


def is_number(value: object) -> str:
    """Check a number. Booleans are not numbers; NaN never reaches here, canonical JSON refuses it."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if good else "is not a number"


def is_count(value: object) -> str:
    """Check a whole number of things, zero or more."""
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return "" if good else "is not a whole number, zero or more"


def is_bool(value: object) -> str:
    """Check true or false."""
    return "" if isinstance(value, bool) else "is not true or false"


def is_object(value: object) -> str:
    """Check a JSON object of any content."""
    return "" if isinstance(value, dict) else "is not an object"


def one_of(*allowed: str) -> Check:
    """Return a check for membership in a closed list of words."""
    return lambda value: "" if value in allowed else f"is not one of {', '.join(allowed)}"


def or_unknown(check: Check, *words: str) -> Check:
    """Return a check that also passes "unknown", for what was not published, and any further words named."""
    return lambda value: "" if value in ("unknown", *words) else check(value)


def or_empty(check: Check) -> Check:
    """Return a check that also passes the empty text, for what does not apply."""
    return lambda value: "" if value == "" else check(value)


def list_of(check: Check, *, at_least: int = 0) -> Check:
    """Return a check for a list of such values, without repeats where they are texts."""

    def checked(value: object) -> str:
        if not isinstance(value, list) or len(value) < at_least:
            return f"is not a list of at least {at_least}" if at_least else "is not a list"
        wrong = next((f"holds {inner!r}, which {check(inner)}" for inner in value if check(inner)), "")
        if not wrong and all(isinstance(inner, str) for inner in value) and len(set(value)) != len(value):
            return "names the same thing twice"
        return wrong

    return checked


def record(schema: Mapping[str, Check]) -> Check:
    """Return a check for an object with exactly these fields."""

    def checked(value: object) -> str:
        if not isinstance(value, dict):
            return "is not an object"
        return next((f"has a field {problem}" for problem in problems(schema, value)), "")

    return checked


def problems(schema: Mapping[str, Check], payload: Mapping[str, object]) -> list[str]:
    """Return what is wrong with a payload, one sentence's end per mistake; empty when nothing is."""
    known = {field.rstrip("?"): (check, not field.endswith("?")) for field, check in schema.items()}
    found = [f"{field} that is not known" for field in sorted(set(payload) - set(known))]
    for field, (check, needed) in known.items():
        if field not in payload:
            if needed:
                found.append(f"{field} that is missing")
        elif wrong := check(payload[field]):
            found.append(f"{field} that {wrong}")
    return found
