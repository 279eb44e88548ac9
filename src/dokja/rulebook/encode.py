"""From rulebook values to JSON: one way, without knowing any class by name."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum

from dokja.canonical import JSON
from dokja.rulebook.terms import Unknown


def as_json(value: object) -> JSON:
    """Return a rulebook value as JSON.

    A table of several kinds carries `kind`; an absent optional table is left out; a day is `YYYY-MM-DD`.
    """
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return [as_json(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        kind = getattr(value, "kind", None) if "kind" not in {field.name for field in fields(value)} else None
        table: dict[str, JSON] = {"kind": kind} if isinstance(kind, str) else {}
        for field in fields(value):
            inner = getattr(value, field.name)
            if inner is not None:
                table[field.name] = as_json(inner)
        return table
    assert isinstance(value, (bool, int, float, str))
    return value
