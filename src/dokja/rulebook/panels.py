"""Experts and users who judge."""

from __future__ import annotations

from dokja.grammar.model import Model
from dokja.grammar.types import Figure, Line, Name
from dokja.grammar.unknown import OrUnknown
from dokja.rulebook.terms import (
    AboveZero,
    AfterRecusal,
    Averaging,
    BallotForm,
    NotNegative,
    PanelKind,
    Positive,
    Text,
)


class Criterion(Model):
    """One question of a rubric, marked from `lowest` to `highest`; `weight` within the panel's average."""

    id: Name
    title: Text
    lowest: OrUnknown[Figure]
    highest: OrUnknown[Figure]
    weight: OrUnknown[AboveZero] = 1.0


class Recusal(Model):
    """When a rater steps back from a team, and what follows.

    Args:
        grounds: In the rulebook's own words, e.g. `affiliation`, `co_authorship`, `supplier_is_contestant`.
    """

    grounds: OrUnknown[tuple[Line, ...]]
    then: OrUnknown[AfterRecusal]


class Panel(Model):
    """People who judge.

    Args:
        size: Seats.
        quorum: Fewest raters whose marks of one team make a result; below it the team has no result.
        trim_each_side: Marks dropped at each end, per team and criterion, when `averaging` is trimmed.
        blind: Whether names of models and teams are hidden.
        sealed: Whether marks are committed before the deadline and revealed after.
    """

    id: Name
    kind: PanelKind
    title: Text
    size: OrUnknown[Positive]
    quorum: OrUnknown[Positive]
    ballot: OrUnknown[BallotForm]
    averaging: OrUnknown[Averaging]
    trim_each_side: OrUnknown[NotNegative] = 0
    blind: OrUnknown[bool]
    sealed: OrUnknown[bool]
    recusal: Recusal
    criteria: OrUnknown[tuple[Criterion, ...]]
