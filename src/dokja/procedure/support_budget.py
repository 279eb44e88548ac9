"""Whether what was promised adds up: against the budget lines, and against the rulebook's own support table.

A sum over promises whose cost was not published is a lower bound and is shown as one; it can prove that a line is
overdrawn, and can never prove that it is not. What is unknown is never counted as nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dokja.procedure.support import Promise
from dokja.procedure.support_record import BudgetLine, SupportRecord
from dokja.rulebook import Rulebook, Unknown


class Adds(StrEnum):
    """How a comparison of what was promised with what was set aside ends."""

    WITHIN = "within"
    EXCEEDED = "exceeded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class LineStanding:
    """How a budget line stands.

    Args:
        line: The line; None for promises that name a line nobody recorded.
        name: Its id.
        promised_won: Sum of the costs that are known.
        without_cost: Promises on this line whose cost was not published.
        adds: Whether the line holds.
    """

    line: BudgetLine | None
    name: str
    promised_won: int
    without_cost: tuple[str, ...]
    adds: Adds

    @property
    def left_won(self) -> int | None:
        """Return what is left; None where the line or a cost is unknown."""
        if self.line is None or self.line.won is None or self.without_cost:
            return None
        return self.line.won - self.promised_won


class Keeps(StrEnum):
    """Whether a promise is what the rulebook's support table says a team is given."""

    AS_RULED = "as_ruled"
    OTHER_UNITS = "other_units"
    OTHER_SUPPLIER = "other_supplier"
    NO_SUCH_ROW = "no_such_row"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RuleStanding:
    """A promise beside the row of the rulebook it follows; `ruled_units` is None where the rule does not say."""

    promise: Promise
    ruled_units: float | None
    keeps: Keeps


def budget_standing(record: SupportRecord) -> tuple[LineStanding, ...]:
    """Return how every budget line stands, those that promises name and nobody recorded last."""
    lines = {line.line: line for line in record.budget}
    named = dict.fromkeys([*lines, *(p.budget_line for p in record.ledger.promises if p.budget_line)])
    return tuple(_line(lines.get(name), name, record.ledger.promises) for name in named)


def _line(line: BudgetLine | None, name: str, promises: Sequence[Promise]) -> LineStanding:
    own = [promise for promise in promises if promise.budget_line == name]
    known = sum(promise.won for promise in own if promise.won is not None)
    without = tuple(sorted(promise.id for promise in own if promise.won is None))
    if line is None or line.won is None:
        adds = Adds.UNKNOWN
    elif known > line.won:
        adds = Adds.EXCEEDED
    else:
        adds = Adds.UNKNOWN if without else Adds.WITHIN
    return LineStanding(line, name, known, without, adds)


def rule_standing(rulebook: Rulebook, promises: Iterable[Promise]) -> tuple[RuleStanding, ...]:
    """Return every promise that names a row of the support table beside that row.

    Args:
        rulebook: Whose table says what one team is given.
        promises: The promises of the ledger.
    """
    rows = {row.id: row for row in rulebook.support}
    standings = []
    for promise in promises:
        if not promise.rule:
            continue
        row = rows.get(promise.rule)
        if row is None:
            standings.append(RuleStanding(promise, None, Keeps.NO_SUCH_ROW))
            continue
        units = None if isinstance(row.units, Unknown) else row.units
        if not isinstance(row.supplier, Unknown) and row.supplier != promise.supplier:
            keeps = Keeps.OTHER_SUPPLIER
        elif units is None or promise.units is None:
            keeps = Keeps.UNKNOWN
        else:
            keeps = Keeps.AS_RULED if units == promise.units else Keeps.OTHER_UNITS
        standings.append(RuleStanding(promise, units, keeps))
    return tuple(standings)
