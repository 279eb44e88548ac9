"""What a team declares of the model it hands in: whose it is, and of each component where it came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.grammar.model import Misread, Model, read_model
from dokja.grammar.types import Text, wrong
from dokja.grammar.unknown import OrNone


class Origin(StrEnum):
    """Whose weights a component was made from."""

    OWN = "own"
    OWN_PARENT = "own_parent"
    THIRD_PARTY = "third_party"


class DeclaredComponent(Model):
    """One component, as `dokja inspect` names it.

    Args:
        name: Its name, e.g. `language_model`.
        origin: Whose weights it was made from.
        initialised: How its weights began, in the team's own words.
        frozen: Whether training left it as it was.
        source: Where weights of others came from.
        licence: Licence of those weights, an SPDX expression.
        notice: The notice that has to be shown.
    """

    name: Text
    origin: Origin
    initialised: OrNone[str] = None
    frozen: OrNone[bool] = None
    source: OrNone[str] = None
    licence: OrNone[str] = None
    notice: OrNone[str] = None


def _named_once(components: tuple[DeclaredComponent, ...]) -> tuple[DeclaredComponent, ...]:
    names = [component.name for component in components]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise wrong("named_twice", "names the same thing twice: {name}", name=twice[:80])
    return components


Components: TypeAlias = Annotated[
    tuple[DeclaredComponent, ...], Field(min_length=1), AfterValidator(_named_once)
]


class Declaration(Model):
    """What a team declares of its model.

    Args:
        owners: Whose weights count as the team's own, spelt as in the library of references.
        components: Every component, at least one.
    """

    owners: tuple[Text, ...] = ()
    components: Components


def declaration_from_json(value: JSON, where: str) -> Declaration:
    """Return the declaration a table holds; `Declaration.as_json` gives back exactly what was written.

    Args:
        value: As a TOML or JSON file gave it.
        where: What it is called in the error's sentence: a file's name, or whose declaration it is.

    Raises:
        InvalidInput: With one mistake for each thing that is wrong.
    """
    try:
        return read_model(Declaration, value)
    except Misread as misread:
        count = len(misread.mistakes)
        raise InvalidInput(
            f"{where} is refused: {'1 mistake' if count == 1 else f'{count} mistakes'}.",
            hint="Correct every mistake listed and submit again; nothing was recorded.",
            mistakes=[one.as_json() for one in misread.mistakes],
        ) from None
