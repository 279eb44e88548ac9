"""Experts and users who judge."""

from __future__ import annotations

from dataclasses import dataclass

from dokja.rulebook.terms import AfterRecusal, Averaging, BallotForm, PanelKind, Text, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One question of a rubric, marked from `lowest` to `highest`; `weight` within the panel's average."""

    id: str
    title: Text
    lowest: float | Unknown
    highest: float | Unknown
    weight: float | Unknown = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recusal:
    """When a rater steps back from a team, and what follows.

    Args:
        grounds: In the rulebook's own words, e.g. `affiliation`, `co_authorship`, `supplier_is_contestant`.
    """

    grounds: tuple[str, ...] | Unknown
    then: AfterRecusal | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """People who judge.

    Args:
        size: Seats.
        quorum: Fewest raters whose marks of one team make a result; below it the team has no result.
        trim_each_side: Marks dropped at each end, per team and criterion, when `averaging` is trimmed.
        blind: Whether names of models and teams are hidden.
        sealed: Whether marks are committed before the deadline and revealed after.
    """

    id: str
    kind: PanelKind
    title: Text
    size: int | Unknown
    quorum: int | Unknown
    ballot: BallotForm | Unknown
    averaging: Averaging | Unknown
    trim_each_side: int | Unknown = 0
    blind: bool | Unknown
    sealed: bool | Unknown
    recusal: Recusal
    criteria: tuple[Criterion, ...] | Unknown
