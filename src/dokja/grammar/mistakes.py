"""A mistake in what someone wrote: where it stands, and why, as a message key with figures. Loads nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from dokja.canonical import JSON
from dokja.errors import DokjaError
from dokja.finding import Reason

_NONE: Mapping[str, JSON] = MappingProxyType({})


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
    def made(
        cls,
        at: str,
        key: str,
        told: str = "",
        figures: Mapping[str, JSON] = _NONE,
        /,
        *,
        room: str = "grammar",
        whole: str = "",
    ) -> Self:
        """Return a mistake at a place, with its key (without the room before it) and figures.

        Args:
            at: Place; empty for the whole.
            key: Last word of the key in the catalogue.
            told: The end of an English sentence that begins with the place.
            figures: What the sentence names.
            room: First word of the key.
            whole: What the whole is called in a sentence; the room where it is left out.
        """
        at = visible(at)
        said = {name: visible(value) if isinstance(value, str) else value for name, value in figures.items()}
        where = f"{at} {told}" if told else f"{at or room}: {room}.{key}"
        return cls(at, Reason(f"{room}.{key}", {"at": at or whole or room, **said}), visible(where.strip()))

    def as_json(self) -> dict[str, JSON]:
        """Return it as an error's field carries it; `reasons_in` reads it back."""
        return {"at": self.at, "key": self.reason.key, "figures": dict(self.reason.figures)}


def visible(text: str) -> str:
    """Return a text with every character that could steer a terminal or turn its line around written out."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def reasons_in(error: DokjaError) -> tuple[Reason, ...]:
    """Return the reasons an error carries among its fields, ready to be put into words; none where it has none."""
    listed = error.fields.get("mistakes")
    if not isinstance(listed, (list, tuple)):
        return ()
    return tuple(
        Reason(one["key"], one["figures"]) for one in listed if isinstance(one, Mapping) and "figures" in one
    )
