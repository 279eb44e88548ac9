"""The base of every model of what people write: strict, frozen, nothing unknown, and every mistake at once.

A value comes from a JSON text or a TOML table that was parsed already; it is read in pydantic's JSON mode, in which a
list is a tuple, a text is an enum's word or a day, and nothing else is turned into anything. pydantic is imported with
this module, so that a command that reads nothing people wrote starts without it.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dokja.canonical import JSON
from dokja.grammar.mistakes import Mistake, mistakes_in

_M = TypeVar("_M", bound="Model")

DEEPEST = 32


class Model(BaseModel):
    """A table of what people write. Frozen, strict, extra keys forbidden, no number that is none."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True,
        ser_json_inf_nan="constants",
    )  # fmt: skip

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object, with exactly the fields that were given."""
        value: dict[str, JSON] = self.model_dump(mode="json", exclude_unset=True)
        return value


class Misread(ValueError):  # never leaves a reader: each turns it into its own error
    """A value that is no such model, with every mistake in it.

    Args:
        mistakes: At least one.
        error: pydantic's own report; None where the value has no JSON form at all.
    """

    def __init__(self, mistakes: tuple[Mistake, ...], error: ValidationError | None = None) -> None:
        super().__init__("; ".join(one.told for one in mistakes))
        self.mistakes = mistakes
        self.error = error


def read_model(model: type[_M], value: object, at: str = "") -> _M:
    """Return the model a parsed JSON value holds.

    Args:
        model: What it should be.
        value: As `parse_json` or `tomllib` gave it; days of TOML pass as they are written.
        at: Where it stands, put before every place.

    Raises:
        Misread: With one mistake for each thing that is wrong.
    """
    try:
        text = json.dumps(value, allow_nan=False, default=_spell_day, ensure_ascii=False)
        return model.model_validate_json(text)
    except ValidationError as error:
        raise Misread(mistakes_in(error, value, at), error) from None
    except (ValueError, TypeError, RecursionError) as error:
        told = "is nested too deeply" if isinstance(error, RecursionError) else "has no JSON form"
        raise Misread((Mistake.made(at, "no_json", told, detail=str(error)[:80]),)) from None


def _spell_day(value: object) -> str:
    """Return a day or time of TOML as text; whether it may stand there is for the model to say."""
    spelt: Any = getattr(value, "isoformat", None)
    if spelt is None:
        raise TypeError(f"{type(value).__name__} is no JSON value")
    return str(spelt())
