"""How a leaf's value becomes points: one class for each kind of normaliser."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from dokja.grammar.model import Model
from dokja.grammar.types import Line
from dokja.grammar.unknown import OrUnknown
from dokja.rulebook.terms import AboveZero, Aggregation, Share, ShareBelowOne


class Raw(Model):
    """points × value, the value being a share of the most that can be had (accuracy, or marks over the scale)."""

    kind: Literal["raw"] = "raw"


class Attainment(Model):
    """points × min(cap, attainment of the comparator)."""

    kind: Literal["attainment"] = "attainment"
    comparator: Line
    aggregation: OrUnknown[Aggregation]
    cap_share: AboveZero = 1.0


class MinMax(Model):
    """Lowest team gets `floor_share` of the points, highest all of them, the rest in proportion."""

    kind: Literal["min_max"] = "min_max"
    floor_share: ShareBelowOne = 0.0


class MaxScaled(Model):
    """points × value / highest value."""

    kind: Literal["max_scaled"] = "max_scaled"


class ZScore(Model):
    """points × (centre + spread × z), clipped to [0, 1]; z over the teams of the stage."""

    kind: Literal["z"] = "z"
    centre_share: Share
    spread_share: AboveZero


class Rank(Model):
    """points × the share listed for the team's rank; tied teams share the mean of the ranks they cover."""

    kind: Literal["rank"] = "rank"
    shares: tuple[Share, ...]


Normaliser: TypeAlias = Raw | Attainment | MinMax | MaxScaled | ZScore | Rank
NormaliserByKind: TypeAlias = Annotated[Normaliser, Field(discriminator="kind")]
