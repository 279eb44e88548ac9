"""Independence items, gates, ties, and how a stage ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from dokja.finding import Evidence
from dokja.rulebook.terms import (
    Aspect,
    MajorityOf,
    SingleApplicant,
    Text,
    TieRule,
    Unknown,
    Vacancy,
    WhenInconclusive,
)

TOTAL = "total"
"""What a gate or a tie-break reads when it reads the sum of all parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndependenceCriterion:
    """One item of independence: every claim must be SUPPORTED, by evidence of the required level.

    Args:
        claims: Names of claims, e.g. `weights.independent_of`.
        per_component: Whether the claims must hold of every declared component.
        evidence: The least evidence that counts.
        judged_allowed: Whether a signed expert finding that cites evidence satisfies it ("judged, not replayed").
        when_inconclusive: Whether an inconclusive finding leaves evidence insufficient or passes with conditions.
    """

    id: str
    aspect: Aspect
    title: Text
    claims: tuple[str, ...] | Unknown
    per_component: bool = False
    evidence: Evidence | Unknown
    judged_allowed: bool | Unknown
    when_inconclusive: WhenInconclusive | Unknown = WhenInconclusive.INSUFFICIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepTop:
    """The best `keep` teams pass; the rest leave by score.

    Args:
        reads: `total`, the id of a part, or of a panel_majority gate (then by approvals).
    """

    kind: ClassVar[str] = "keep_top"
    id: str
    title: Text
    reads: str
    keep: int | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLeast:
    """Teams with at least so many points of what it reads pass."""

    kind: ClassVar[str] = "at_least"
    id: str
    title: Text
    reads: str
    points: float | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """Teams whose named independence items all hold pass; beside the score, never part of it."""

    kind: ClassVar[str] = "independence"
    id: str
    title: Text
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelMajority:
    """Teams that more than `more_than_share` of the panel approves pass."""

    kind: ClassVar[str] = "panel_majority"
    id: str
    title: Text
    panel: str
    more_than_share: float | Unknown
    majority_of: MajorityOf | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """Teams that pass every one of the named gates pass."""

    kind: ClassVar[str] = "all_of"
    id: str
    title: Text
    gates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """Teams that pass at least one of the named gates pass."""

    kind: ClassVar[str] = "any_of"
    id: str
    title: Text
    gates: tuple[str, ...]


Gate: TypeAlias = KeepTop | AtLeast | Independence | PanelMajority | AllOf | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class TieBreak:
    """One step of resolving a tie at a cut-off; `reads` names a part (`higher`) or a panel (`panel_majority`)."""

    rule: TieRule
    reads: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
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

    gate: str
    entering: int | Unknown
    places: int | Unknown
    fewer_allowed: bool | Unknown
    extra_eliminations: tuple[str, ...] | Unknown
    vacancy: Vacancy | Unknown
    none_selected_allowed: bool | Unknown
    single_applicant: SingleApplicant | Unknown
    final: bool = False
    eliminated_may_apply: bool | None = None
    ties: tuple[TieBreak, ...] | Unknown
