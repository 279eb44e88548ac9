"""Independence items, gates, ties, and how a stage ends."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from dokja.finding import Evidence
from dokja.grammar.model import Model
from dokja.grammar.types import Figure, Line, Name
from dokja.grammar.unknown import OrNone, OrUnknown
from dokja.rulebook.terms import (
    Aspect,
    MajorityOf,
    Positive,
    ShareBelowOne,
    SingleApplicant,
    Text,
    TieRule,
    Vacancy,
    WhenInconclusive,
)

TOTAL = "total"
"""What a gate or a tie-break reads when it reads the sum of all parts."""


class IndependenceCriterion(Model):
    """One item of independence: every claim must be SUPPORTED, by evidence of the required level.

    Args:
        claims: Names of claims, e.g. `weights.independent_of`.
        per_component: Whether the claims must hold of every declared component.
        evidence: The least evidence that counts.
        judged_allowed: Whether a signed expert finding that cites evidence satisfies it ("judged, not replayed").
        when_inconclusive: Whether an inconclusive finding leaves evidence insufficient or passes with conditions.
    """

    id: Name
    aspect: Aspect
    title: Text
    claims: OrUnknown[tuple[Line, ...]]
    per_component: bool = False
    evidence: OrUnknown[Evidence]
    judged_allowed: OrUnknown[bool]
    when_inconclusive: OrUnknown[WhenInconclusive] = WhenInconclusive.INSUFFICIENT


class KeepTop(Model):
    """The best `keep` teams pass; the rest leave by score.

    Args:
        reads: `total`, the id of a part, or of a panel_majority gate (then by approvals).
    """

    kind: Literal["keep_top"] = "keep_top"
    id: Name
    title: Text
    reads: Line
    keep: OrUnknown[Positive]


class AtLeast(Model):
    """Teams with at least so many points of what it reads pass."""

    kind: Literal["at_least"] = "at_least"
    id: Name
    title: Text
    reads: Line
    points: OrUnknown[Figure]


class Independence(Model):
    """Teams whose named independence items all hold pass; beside the score, never part of it."""

    kind: Literal["independence"] = "independence"
    id: Name
    title: Text
    items: tuple[Line, ...]


class PanelMajority(Model):
    """Teams that more than `more_than_share` of the panel approves pass."""

    kind: Literal["panel_majority"] = "panel_majority"
    id: Name
    title: Text
    panel: Line
    more_than_share: OrUnknown[ShareBelowOne]
    majority_of: OrUnknown[MajorityOf]


class AllOf(Model):
    """Teams that pass every one of the named gates pass."""

    kind: Literal["all_of"] = "all_of"
    id: Name
    title: Text
    gates: tuple[Line, ...]


class AnyOf(Model):
    """Teams that pass at least one of the named gates pass."""

    kind: Literal["any_of"] = "any_of"
    id: Name
    title: Text
    gates: tuple[Line, ...]


Gate: TypeAlias = KeepTop | AtLeast | Independence | PanelMajority | AllOf | AnyOf
GateByKind: TypeAlias = Annotated[Gate, Field(discriminator="kind")]


class TieBreak(Model):
    """One step of resolving a tie at a cut-off; `reads` names a part (`higher`) or a panel (`panel_majority`)."""

    rule: TieRule
    reads: Line = ""


class Advance(Model):
    """How the stage ends.

    Args:
        gate: Id of the gate that decides.
        entering: Teams expected to enter.
        places: Teams planned to advance.
        fewer_allowed: Whether fewer than `places` may advance because further teams fail the gate.
        extra_eliminations: Grounds on which people may eliminate a team that passed the gate; empty for none.
        vacancy: What happens to a place nobody takes.
        none_selected_allowed: Whether the stage may end with nobody advancing.
        single_applicant: How one applicant alone is treated.
        eliminated_may_apply: For a re-entry round, whether a team that left the stage before may apply; it may where
            the rulebook says nothing.
        final: Whether this is the final selection.
    """

    gate: Line
    entering: OrUnknown[Positive]
    places: OrUnknown[Positive]
    fewer_allowed: OrUnknown[bool]
    extra_eliminations: OrUnknown[tuple[Line, ...]]
    vacancy: OrUnknown[Vacancy]
    none_selected_allowed: OrUnknown[bool]
    single_applicant: OrUnknown[SingleApplicant]
    final: bool = False
    eliminated_may_apply: OrNone[bool] = None
    ties: OrUnknown[tuple[TieBreak, ...]]
