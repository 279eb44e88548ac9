"""What may be said of a component, from the evidence: relation, verdict, reason. The table of the method page."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from dokja.anatomy.part import ComponentKind
from dokja.canonical import JSON
from dokja.finding import Reason, Verdict

# Family-wise error over everything tested in one run.
FAMILY_WISE_LOG10 = -6.0
# Below this effect nothing is called descent, however certain the agreement.
EFFECT_FLOOR = 0.03
# A component without a private group can borrow its neighbours' frame; descent is far above what that reaches.
RESIDUAL_EFFECT_FLOOR = 0.5
# From this share of its layers on a component is derived, below it partly derived.
_WHOLE_SHARE = 0.9


class Relation(StrEnum):
    """How two components are related, gravest first."""

    COPY = "copy"
    DERIVED = "derived"
    PARTLY_DERIVED = "partly_derived"
    LINKED = "linked"
    SHARED_INITIALISATION = "shared_initialisation"
    NO_LINK_FOUND = "no_link_found"
    UNTESTABLE = "untestable"

    @property
    def verdict(self) -> Verdict:
        """Of the claim `weights.independent_of`. Never SUPPORTED: silence supports nothing."""
        if self in (Relation.COPY, Relation.DERIVED, Relation.PARTLY_DERIVED):
            return Verdict.REFUTED
        return Verdict.NOT_EXAMINED if self is Relation.UNTESTABLE else Verdict.INCONCLUSIVE

    @property
    def gravity(self) -> int:
        """0 for the gravest."""
        return list(Relation).index(self)


@dataclass(frozen=True, slots=True)
class SeenShare:
    """What the exact arm saw of one pair of components.

    Args:
        kind: Of the suspect's component; `token_embedding.tied` for one that is the output head as well.
        is_private: Whether it rests on a group private to the component.
        log10_p: Family-wise: everything chosen and everything tested is paid for.
        effect: ρ.
        persistence: How the reference's learned directions persist, relative to those it was born with; None where
            that cannot be told.
        start_free: Agreement of gains and biases; None where there are none.
        mapped_share: Share of the suspect's layers (or MLPs) that agree.
        is_in_place: Whether layers come from layers of their own number.
        frame_log10_p: Family-wise bound of the residual frame, 0 when not tested.
        norm: Of the component, `rms` or `layer`; siblings reach further under the latter.
    """

    kind: str
    is_private: bool
    log10_p: float
    effect: float
    persistence: float | None
    start_free: float | None
    mapped_share: float
    is_in_place: bool
    frame_log10_p: float
    norm: str = "layer"


def judge(seen: SeenShare, figures: Mapping[str, JSON]) -> tuple[Relation, Reason]:
    """Return what may be said.

    Args:
        seen: The evidence.
        figures: For the sentence: names, figures.

    Assumes:
        The bound is valid for the whole run (`log10_p` is family-wise), and the range of same-seed siblings was
        measured for this kind of component (`sibling_range`).

    Source:
        docs/methods/lineage-exact.md, "What is said".
    """
    if seen.log10_p > FAMILY_WISE_LOG10 or seen.effect < EFFECT_FLOOR:
        if seen.is_private and seen.frame_log10_p <= FAMILY_WISE_LOG10:
            return Relation.LINKED, Reason("lineage.shared_frame", figures)
        if seen.log10_p <= FAMILY_WISE_LOG10:
            return Relation.LINKED, Reason("lineage.weak_link", figures)
        return Relation.NO_LINK_FOUND, Reason("lineage.no_link_found", figures)
    if not seen.is_private:
        return _judge_frame(seen, figures)
    if seen.is_in_place and _may_be_sibling(seen):
        return Relation.LINKED, Reason("lineage.linked", figures)
    if seen.mapped_share < _WHOLE_SHARE:
        return Relation.PARTLY_DERIVED, Reason("lineage.partly_derived", figures)
    if not seen.is_in_place:
        return Relation.DERIVED, Reason("lineage.derived_rearranged", figures)
    return Relation.DERIVED, Reason("lineage.derived", figures)


def sibling_effect(kind: str) -> float:
    """Return the largest effect that same-seed siblings were measured to reach in such a component.

    Args:
        kind: Of a component without a private group.

    Assumes:
        Components like those measured.

    Source:
        `sibling_range.toml`, measured by studies/siblings.
    """
    table = _sibling_table()
    return float(table.get(kind, table["default"])["effect"])


@dataclass(frozen=True, slots=True)
class SiblingRange:
    """What same-seed siblings reach in components with a private group; see `sibling_range.toml`."""

    persistence: float
    start_free_deficit: float
    least_effect: float


def sibling_range(norm: str = "layer") -> SiblingRange:
    """Return what siblings were measured to reach.

    Args:
        norm: Of the component; any other than `rms` has the wider range.

    Assumes:
        Components of the architectures, initialisers and lengths that were measured; not a test with a p-value.

    Source:
        docs/methods/lineage-exact.md, section "Siblings"; docs/methods/false-alarms.md, section "Siblings by seed".
    """
    table = _sibling_table()["private"]
    found = table.get(norm, table["layer"])
    return SiblingRange(**{name: float(value) for name, value in found.items()})


def _judge_frame(seen: SeenShare, figures: Mapping[str, JSON]) -> tuple[Relation, Reason]:
    range_ = max(RESIDUAL_EFFECT_FLOOR, sibling_effect(seen.kind))
    is_unknown = seen.kind == ComponentKind.OTHER
    if seen.effect <= range_ or (is_unknown and _starts_alone_agree(seen)):
        key = "lineage.linked_unknown" if is_unknown else "lineage.linked_frame"
        return Relation.LINKED, Reason(key, {**figures, "sibling_effect": range_})
    if is_unknown and seen.mapped_share < _WHOLE_SHARE:
        said: dict[str, JSON] = {**figures, "sibling_effect": range_, "share": seen.mapped_share}
        return Relation.PARTLY_DERIVED, Reason("lineage.partly_derived_unknown", said)
    return Relation.DERIVED, Reason("lineage.derived_frame", {**figures, "sibling_effect": range_})


def _starts_alone_agree(seen: SeenShare) -> bool:
    """Return whether gains and biases, which start alike whatever the seed, agree less than the weights do."""
    return seen.start_free is None or seen.effect - seen.start_free > sibling_range().start_free_deficit


def _may_be_sibling(seen: SeenShare) -> bool:
    """Return whether nothing that was learned sets the pair apart from models that share a seed only."""
    if seen.persistence is None or seen.start_free is None:
        return True
    range_ = sibling_range(seen.norm)
    return (
        seen.effect < range_.least_effect
        or seen.persistence <= range_.persistence
        or seen.effect - seen.start_free > range_.start_free_deficit
    )


@cache
def _sibling_table() -> Mapping[str, Any]:
    return tomllib.loads(files("dokja.lineage").joinpath("sibling_range.toml").read_text(encoding="utf-8"))
