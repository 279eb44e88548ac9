"""Everything around the decision: days, appeals, publication, signatures, support, amendments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dokja.rulebook.terms import (
    AppealGround,
    Consent,
    DayKind,
    Disclosed,
    OnExit,
    Position,
    Profile,
    Text,
    Unknown,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """First and last day, both included."""

    opens: date | Unknown
    closes: date | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The days of a stage, in the zone named.

    Args:
        frozen: The day the rulebook's digest is published.
        decision: The day the decision is announced.
        objection: Days in which a team may object.
        final: The day the decision becomes final.
        holidays: Days that are no business days besides Saturdays and Sundays.
    """

    timezone: str
    frozen: date | Unknown
    submission: Window
    evaluation: Window
    decision: date | Unknown
    objection: Window
    final: date | Unknown
    holidays: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeals:
    """Who may object, on what, for how long, and who hears it.

    Args:
        days: Length of the objection period, counted from the day after the decision.
        answer_days: Days in which an objection is answered.
        another_panel: Whether it is heard by people who did not take part in the decision.
    """

    days: int | Unknown
    day_kind: DayKind | Unknown
    grounds: tuple[AppealGround, ...] | Unknown
    answer_days: int | Unknown
    another_panel: bool | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """To whom one kind of thing is shown."""

    field: Disclosed
    to: tuple[Profile, ...] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What is disclosed to whom.

    Args:
        fields: One row per kind of thing; what is not listed is for the auditor alone.
        narrowest_interval_points: No release may confine a sealed score to an interval narrower than this.
        digits: Decimals to which means and best scores are rounded for everyone but the auditor; as computed where it
            is left out.
    """

    fields: tuple[Disclosure, ...] | Unknown
    narrowest_interval_points: float | Unknown
    digits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRole:
    """Signatories of one role; `at_least` of them must be among the signatures."""

    name: str
    seats: int
    at_least: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """k of n people sign the decision."""

    k: int | Unknown
    n: int | Unknown
    roles: tuple[SigningRole, ...] | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What teams are given, by whom.

    Args:
        supplier: Id of the supplier.
        supplier_competes: Whether the supplier is itself a contestant.
        on_exit: What becomes of it when a team leaves.
    """

    id: str
    title: Text
    units: float | Unknown
    unit: str
    supplier: str | Unknown
    supplier_competes: bool | Unknown
    on_exit: OnExit | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendmentRule:
    """What changing the rulebook after it was frozen takes; `notice_days` between notice and effect."""

    needs: Consent | Unknown
    notice_days: int | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPosition:
    """What one team said of an amendment."""

    team: str
    position: Position | Unknown
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """How this version came out of the one before.

    Args:
        version: The version it made.
        replaces: Digest of the rulebook before; unknown where that was never published.
        notified: The day the teams were told.
        effective: The first day it applies.
        positions: Who consented or objected.
    """

    version: int
    replaces: str | Unknown
    notified: date | Unknown
    effective: date | Unknown
    reason: Text
    positions: tuple[TeamPosition, ...] | Unknown
