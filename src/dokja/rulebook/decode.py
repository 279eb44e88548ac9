"""From TOML or JSON to rulebook values, collecting every mistake instead of stopping at the first.

The classes of `schema` are the grammar: a field's type says what may stand there. A file is hostile until it has
passed: its size and depth are bounded, and no input ends in anything but a `Rulebook` or `RulebookInvalid`.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
import types
import typing
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from enum import EnumMeta, StrEnum
from functools import cache

from dokja.grammar.checks import Mistake, invalid, mistake
from dokja.rulebook.consistency import contradictions
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.terms import UNKNOWN, Unknown

MOST_BYTES = 1 << 20
_DEEPEST = 12
_LARGEST = 2**53
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class _Failed:
    """What stands in for a value that could not be read and may not be `UNKNOWN`."""


_FAILED = _Failed()


def parse_rulebook(data: bytes) -> Rulebook:
    """Return the rulebook a TOML file holds.

    Args:
        data: The file's bytes, UTF-8, at most `MOST_BYTES`.

    Raises:
        RulebookInvalid: With one mistake for each thing that is wrong.
    """
    if len(data) > MOST_BYTES:
        raise invalid([mistake("", "too_large", size_bytes=len(data), most_bytes=MOST_BYTES)])
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise invalid([mistake("", "not_toml", detail=str(error))]) from error
    return rulebook_from_json(table)


def rulebook_from_json(value: object) -> Rulebook:
    """Return the rulebook a table holds, as TOML gave it or as `Rulebook.canonical` wrote it.

    Raises:
        RulebookInvalid: With one mistake for each thing that is wrong.
    """
    mistakes: list[Mistake] = []
    rulebook = _table(Rulebook, value, "", 0, mistakes)
    if isinstance(rulebook, Rulebook):
        # Values that could not be read stand as UNKNOWN here, so that one reading shows both kinds of mistake.
        mistakes += contradictions(rulebook)
        if not mistakes:
            return rulebook
    raise invalid(mistakes)


@cache
def _hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind)


def _table(kind: type, value: object, at: str, depth: int, mistakes: list[Mistake]) -> object:
    """Return a dataclass of this kind, or `_FAILED`."""
    if not isinstance(value, dict):
        return _wrong(mistake(at, "expected_table"), mistakes)
    if depth > _DEEPEST:
        return _wrong(mistake(at, "too_deep", most=_DEEPEST), mistakes)
    known = {field.name: field for field in fields(kind)}
    tagged = isinstance(getattr(kind, "kind", None), str) and "kind" not in known
    misspelt: set[str] = set()
    for key in value:
        if key not in known and not (tagged and key == "kind"):
            # A field that is absent because it is misspelt is one mistake, not two.
            near = difflib.get_close_matches(key, [name for name in known if name not in value], n=1)
            misspelt.update(near)
            mistakes.append(_unknown_key(at, key, near, list(known)))
    read = {
        name: _field(
            kind, field, value, f"{at}.{name}".lstrip("."), depth, mistakes, misspelt=name in misspelt
        )
        for name, field in known.items()
    }
    return _FAILED if _FAILED in read.values() else kind(**read)


def _field(
    kind: type, field: Field, table: dict, at: str, depth: int, mistakes: list[Mistake], *, misspelt: bool
) -> object:
    """Return one field's value; `UNKNOWN` for a wrong one where that marker may stand, else `_FAILED`."""
    hint = _hints(kind)[field.name]
    if field.name not in table:
        if field.default is not MISSING:
            return field.default
        key = "normaliser_without_input" if ".normaliser." in f".{at}" else "missing"
        if not misspelt:
            mistakes.append(mistake(at, key, name=field.name))
        found: object = _FAILED
    else:
        found = _value(hint, table[field.name], at, depth, mistakes)
        if field.name == "id" and isinstance(found, str) and not _NAME.fullmatch(found):
            found = _wrong(mistake(at, "not_a_name", value=found[:80]), mistakes)
    return UNKNOWN if found is _FAILED and Unknown in typing.get_args(hint) else found


def _value(hint: object, value: object, at: str, depth: int, mistakes: list[Mistake]) -> object:
    """Return the value a type hint describes, or `_FAILED` with a mistake added."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    options = typing.get_args(hint) if union else (hint,)
    if isinstance(value, str) and value == "unknown":
        if Unknown in options:
            return UNKNOWN
        if hint is not str:
            return _wrong(mistake(at, "unknown_not_allowed"), mistakes)
    options = tuple(option for option in options if option not in (Unknown, type(None)))
    tables = [option for option in options if is_dataclass(option)]
    if len(tables) > 1:
        return _one_of_tables(tables, value, at, depth, mistakes)
    (only,) = options
    if is_dataclass(only):
        return _table(typing.cast("type", only), value, at, depth + 1, mistakes)
    if typing.get_origin(only) is tuple:
        return _list(typing.get_args(only)[0], value, at, depth, mistakes)
    return _scalar(only, value, at, mistakes)


def _one_of_tables(kinds: list, value: object, at: str, depth: int, mistakes: list[Mistake]) -> object:
    """Return a table whose `kind` says which class it is."""
    if not isinstance(value, dict):
        return _wrong(mistake(at, "expected_table"), mistakes)
    by_kind = {kind.kind: kind for kind in kinds}
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in by_kind:
        return _wrong(mistake(f"{at}.kind", "expected_choice", choices=", ".join(by_kind)), mistakes)
    return _table(by_kind[kind], value, at, depth + 1, mistakes)


def _list(hint: object, value: object, at: str, depth: int, mistakes: list[Mistake]) -> object:
    if not isinstance(value, (list, tuple)):
        return _wrong(mistake(at, "expected_list"), mistakes)
    read = tuple(
        _value(hint, inner, f"{at}.{_name_of(inner, i)}", depth, mistakes) for i, inner in enumerate(value)
    )
    return _FAILED if _FAILED in read else read


def _name_of(value: object, position: int) -> str:
    """Return how a list's element is called in a place: by its id where it has one."""
    names = [value.get(key) for key in ("id", "name", "field", "team")] if isinstance(value, dict) else []
    return next((name[:64] for name in names if isinstance(name, str)), str(position + 1))


def _scalar(hint: object, value: object, at: str, mistakes: list[Mistake]) -> object:
    if typing.get_origin(hint) is typing.Literal:
        allowed = typing.get_args(hint)
        if value in allowed and isinstance(value, str):
            return value
        return _wrong(mistake(at, "expected_choice", choices=", ".join(allowed)), mistakes)
    if isinstance(hint, EnumMeta):
        assert issubclass(hint, StrEnum)
        if isinstance(value, str) and value in {str(one) for one in hint}:
            return hint(value)
        return _wrong(mistake(at, "expected_choice", choices=", ".join(hint)), mistakes)
    if isinstance(value, str) and hint is str and not value.isprintable():
        return _wrong(mistake(at, "not_printable"), mistakes)
    read = _PLAIN[typing.cast("type", hint)](value)
    name = _EXPECTED[typing.cast("type", hint)]
    return _wrong(mistake(at, name), mistakes) if read is _FAILED else read


def _bool(value: object) -> object:
    return value if isinstance(value, bool) else _FAILED


def _int(value: object) -> object:
    good = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
    return value if good else _FAILED


def _float(value: object) -> object:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    good = good and math.isfinite(value) and abs(value) < _LARGEST  # type: ignore[arg-type]  # a number by now
    return float(value) if good else _FAILED  # type: ignore[arg-type]


def _text(value: object) -> object:
    return value if isinstance(value, str) else _FAILED


def _day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return _FAILED
    return value if isinstance(value, date) and not isinstance(value, datetime) else _FAILED


_PLAIN = {bool: _bool, int: _int, float: _float, str: _text, date: _day}
_EXPECTED = {
    bool: "expected_true_or_false",
    int: "expected_whole_number",
    float: "expected_number",
    str: "expected_text",
    date: "expected_day",
}


def _unknown_key(at: str, key: str, near: list[str], known: list[str]) -> Mistake:
    where = f"{at}.{key[:64]}".lstrip(".")
    if near:
        return mistake(where, "unknown_key_near", name=key[:64], near=near[0])
    return mistake(where, "unknown_key", name=key[:64], known=", ".join(known))


def _wrong(found: Mistake, mistakes: list[Mistake]) -> object:
    mistakes.append(found)
    return _FAILED
