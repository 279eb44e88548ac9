"""Read, check, compare and rehearse rulebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import parse_json
from dokja.errors import InvalidInput, RulebookInvalid
from dokja.finding import Reason
from dokja.progress import Progress, unheard
from dokja.record.events import AnyEvent, Event
from dokja.record.history import History
from dokja.rulebook import MOST_BYTES, Rulebook, parse_rulebook, reasons_in, require_openable
from dokja.sensitivity.amendment import Change, OutcomeChange, changes, outcome_changes, succession_remarks
from dokja.sensitivity.rehearsal import Rehearsal, rehearse
from dokja.sensitivity.simulation import Assumptions


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
        RulebookInvalid: The rulebook has mistakes; the error carries each of them.
    """
    try:
        return parse_rulebook(_read(path))
    except RulebookInvalid as error:
        raise RulebookInvalid(
            f"{path.name} is refused. {error.message}", mistakes=error.fields["mistakes"]
        ) from error


def read_openable_rulebook(path: Path) -> Rulebook:
    """Return the rulebook a file holds, refusing one that leaves unknown what a stage needs.

    Raises:
        InvalidInput: There is no such file, or it cannot be opened.
        RulebookInvalid: It has mistakes, or unknowns that a stage would need; the error carries each of them.
    """
    rulebook = read_rulebook(path)
    try:
        require_openable(rulebook)
    except RulebookInvalid as error:
        raise RulebookInvalid(
            f"{path.name} cannot open a stage. {error.message}", mistakes=error.fields["mistakes"]
        ) from error
    return rulebook


def check_rulebook(path: Path, *, to_open: bool = False) -> Checked:
    """Return the rulebook a file holds, or every mistake in it.

    Args:
        path: The file.
        to_open: Count as a mistake whatever is unknown and a stage cannot be opened without.

    Raises:
        InvalidInput: There is no such file, or it cannot be opened.
    """
    try:
        rulebook = parse_rulebook(_read(path))
        if to_open:
            require_openable(rulebook)
    except RulebookInvalid as error:
        return Checked(None, reasons_in(error))
    return Checked(rulebook, ())


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """What lies between two rulebooks.

    Args:
        changes: Every place where they differ.
        outcomes: Teams whose outcome would have been another; None when no events were given.
        remarks: Why the new one is not, by its own words, the next version of the old one.
    """

    changes: tuple[Change, ...]
    outcomes: tuple[OutcomeChange, ...] | None
    remarks: tuple[Reason, ...]


def diff_rulebooks(old: Rulebook, new: Rulebook, events: Path | None = None) -> RuleDifference:
    """Return where two rulebooks differ and, for the events of a stage, whose outcome would have been another.

    Args:
        old: The rulebook before.
        new: The rulebook after.
        events: A file of events, one JSON object a line; None to compare the rules alone.

    Raises:
        InvalidInput: The events cannot be read; the sentence names the line.
    """
    found = None if events is None else outcome_changes(old, new, History.of(read_events(events)))
    remarks = succession_remarks(old, new) if old != new else ()
    return RuleDifference(changes(old, new), found, remarks)


def read_events(path: Path) -> tuple[AnyEvent, ...]:
    """Return the events of a file, one JSON object a line, in the order of the file.

    Raises:
        InvalidInput: There is no such file, or a line is not an event; the sentence names the line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidInput(f"The events {str(path)!r} cannot be opened: {error.strerror}.") from error
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(Event.from_json(parse_json(line)))
        except InvalidInput as error:
            raise type(error)(f"Line {number} of {path.name}: {error.message}", hint=error.hint) from error
    return tuple(events)


def rehearse_rulebook(
    path: Path,
    rounds: int,
    seed: int,
    assumptions: Assumptions | None = None,
    progress: Progress = unheard,
) -> Rehearsal:
    """Return how often simulated stages under a rulebook end in each way.

    Args:
        path: The rulebook's file.
        rounds: Simulated stages.
        seed: Seed that reproduces them.
        assumptions: What to assume of teams and raters; the defaults when None.
        progress: Told of the rulebook, stages simulated, and rounds.

    Raises:
        RulebookInvalid: The rulebook has mistakes.
        RulebookUnknown: It leaves something unknown that a stage cannot be simulated without.
    """
    return rehearse(read_rulebook(path), rounds, seed, assumptions, progress)


def _read(path: Path) -> bytes:
    """Return a file's bytes, never more than a rulebook may have by much; the parser refuses the rest."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"The rulebook {str(path)!r} cannot be opened: {error.strerror}.") from error
