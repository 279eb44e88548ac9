"""Everything around the decision: days, appeals, publication, signatures, support, amendments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dokja.grammar.model import Model
from dokja.grammar.types import EXACT, Day, Figure, Line, Name, Whole
from dokja.grammar.unknown import OrNone, OrUnknown
from dokja.rulebook.terms import (
    AppealGround,
    Consent,
    DayKind,
    Disclosed,
    NotNegative,
    OnExit,
    Position,
    Positive,
    Profile,
    Text,
)


class Window(Model):
    """First and last day, both included."""

    opens: OrUnknown[Day]
    closes: OrUnknown[Day]


class Clock(Model):
    """The days of a stage, in the zone named.

    Args:
        frozen: The day the rulebook's digest is published.
        decision: The day the decision is announced.
        objection: Days in which a team may object.
        final: The day the decision becomes final.
        holidays: Days that are no business days besides Saturdays and Sundays.
    """

    timezone: Line
    frozen: OrUnknown[Day]
    submission: Window
    evaluation: Window
    decision: OrUnknown[Day]
    objection: Window
    final: OrUnknown[Day]
    holidays: tuple[Day, ...] = ()


class Appeals(Model):
    """Who may object, on what, for how long, and who hears it.

    Args:
        days: Length of the objection period, counted from the day after the decision.
        answer_days: Days in which an objection is answered.
        another_panel: Whether it is heard by people who did not take part in the decision.
    """

    days: OrUnknown[Positive]
    day_kind: OrUnknown[DayKind]
    grounds: OrUnknown[tuple[AppealGround, ...]]
    answer_days: OrUnknown[Positive]
    another_panel: OrUnknown[bool]


class Disclosure(Model):
    """To whom one kind of thing is shown."""

    field: Disclosed
    to: OrUnknown[tuple[Profile, ...]]


class Publication(Model):
    """What is disclosed to whom.

    Args:
        fields: One row per kind of thing; what is not listed is for the auditor alone.
        narrowest_interval_points: No release may confine a sealed score to an interval narrower than this.
        digits: Decimals to which means and best scores are rounded for everyone but the auditor; as computed where it
            is left out.
    """

    fields: OrUnknown[tuple[Disclosure, ...]]
    narrowest_interval_points: OrUnknown[Annotated[float, Field(ge=0), EXACT]]
    digits: OrNone[NotNegative] = None


class SigningRole(Model):
    """Signatories of one role; `at_least` of them must be among the signatures."""

    name: Line
    seats: Whole
    at_least: Whole = 0


class Signatures(Model):
    """k of n people sign the decision."""

    k: OrUnknown[Positive]
    n: OrUnknown[Whole]
    roles: OrUnknown[tuple[SigningRole, ...]]


class Support(Model):
    """What teams are given, by whom.

    Args:
        supplier: Id of the supplier.
        supplier_competes: Whether the supplier is itself a contestant.
        on_exit: What becomes of it when a team leaves.
    """

    id: Name
    title: Text
    units: OrUnknown[Figure]
    unit: Line
    supplier: OrUnknown[Line]
    supplier_competes: OrUnknown[bool]
    on_exit: OrUnknown[OnExit]


class AmendmentRule(Model):
    """What changing the rulebook after it was frozen takes; `notice_days` between notice and effect."""

    needs: OrUnknown[Consent]
    notice_days: OrUnknown[NotNegative]


class TeamPosition(Model):
    """What one team said of an amendment."""

    team: Line
    position: OrUnknown[Position]
    reason: Line = ""


class Amendment(Model):
    """How this version came out of the one before.

    Args:
        version: The version it made.
        replaces: Digest of the rulebook before; unknown where that was never published.
        notified: The day the teams were told.
        effective: The first day it applies.
        positions: Who consented or objected.
    """

    version: Whole
    replaces: OrUnknown[Line]
    notified: OrUnknown[Day]
    effective: OrUnknown[Day]
    reason: Text
    positions: OrUnknown[tuple[TeamPosition, ...]]
