"""A mistake in a rulebook: where it stands, and why, as a message key with figures."""

from __future__ import annotations

from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.errors import RulebookInvalid
from dokja.finding import Reason


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; its sentence is `reason` put into words, with `at` among the figures.

    Args:
        at: Place in the rulebook, by ids rather than positions, e.g. `parts.benchmark.points`.
        reason: Message key under `rulebook.` and figures.
    """

    at: str
    reason: Reason


def mistake(at: str, key: str, **figures: JSON) -> Mistake:
    """Return a mistake at a place, with its key (without the leading `rulebook.`) and figures."""
    said = {name: _visible(value) if isinstance(value, str) else value for name, value in figures.items()}
    at = _visible(at)
    return Mistake(at, Reason(f"rulebook.{key}", {"at": at or "rulebook", **said}))


def _visible(text: str) -> str:
    """Return a text with every character that could steer a terminal or turn its line around written out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def invalid(mistakes: list[Mistake]) -> RulebookInvalid:
    """Return the one error that carries every mistake."""
    listed = [{"at": one.at, "key": one.reason.key, "figures": dict(one.reason.figures)} for one in mistakes]
    keys = "; ".join(f"{one.at or 'rulebook'}: {one.reason.key}" for one in mistakes)
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    return RulebookInvalid(f"The rulebook has {count} ({keys}).", mistakes=listed)


def reasons_in(error: RulebookInvalid) -> tuple[Reason, ...]:
    """Return the reasons an error of `invalid` carries, ready to be put into words."""
    listed = error.fields["mistakes"]
    assert isinstance(listed, list)
    return tuple(Reason(one["key"], one["figures"]) for one in listed)
