"""Read, check and compare rulebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dokja.errors import InvalidInput, RulebookInvalid
from dokja.finding import Reason
from dokja.program.amendment import Change, changes
from dokja.program.rulebook import MOST_BYTES, Rulebook, parse_rulebook, reasons_in
from dokja.report.words import say_reason


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a rulebook file gave: the rulebook, or every mistake in it.

    Args:
        rulebook: None exactly when there are mistakes.
        mistakes: One reason per mistake.
    """

    rulebook: Rulebook | None
    mistakes: tuple[Reason, ...]


def read_rulebook(path: Path) -> Rulebook:
    """Return the rulebook a file holds.

    Raises:
        InvalidInput: There is no such file, or it cannot be opened.
        RulebookInvalid: The rulebook has mistakes; the message says each of them.
    """
    try:
        return parse_rulebook(_read(path))
    except RulebookInvalid as error:
        sentences = " ".join(say_reason(reason, "en") for reason in reasons_in(error))
        raise RulebookInvalid(
            f"{path.name} is refused. {sentences}", mistakes=error.fields["mistakes"]
        ) from error


def check_rulebook(path: Path) -> Checked:
    """Return the rulebook a file holds, or every mistake in it.

    Raises:
        InvalidInput: There is no such file, or it cannot be opened.
    """
    try:
        return Checked(parse_rulebook(_read(path)), ())
    except RulebookInvalid as error:
        return Checked(None, reasons_in(error))


def diff_rulebooks(old: Rulebook, new: Rulebook) -> tuple[Change, ...]:
    """Return every place where two rulebooks differ."""
    return changes(old, new)


def _read(path: Path) -> bytes:
    """Return a file's bytes, never more than a rulebook may have by much; the parser refuses the rest."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"The rulebook {str(path)!r} cannot be opened: {error.strerror}.") from error
