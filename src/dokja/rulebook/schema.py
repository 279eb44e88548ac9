"""What a rulebook says: frozen values, one class per table of the TOML file.

A rulebook is data. Nothing here computes a score; `read` reads these values, `consistency` refuses those that
contradict each other, `deciding.score` and `deciding.gate` apply them. A field typed `OrUnknown[X]` may hold the marker
`UNKNOWN`: the rule exists but was not published. Reading it with `require_known` where a value is needed is refused
with a sentence; it never becomes a default. Durations are in days or months as named, shares are in [0, 1], points
are points of the total.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import Field

from dokja.canonical import JSON, digest_json
from dokja.grammar.model import Model
from dokja.grammar.types import Name
from dokja.grammar.unknown import OrNone, OrUnknown
from dokja.rulebook.conduct import (
    Amendment,
    AmendmentRule,
    Appeals,
    Clock,
    Publication,
    Signatures,
    Support,
)
from dokja.rulebook.deciding import Advance, Gate, GateByKind, IndependenceCriterion
from dokja.rulebook.panels import Panel
from dokja.rulebook.scoring import Comparator, Faults, ScorePart, SuiteRule
from dokja.rulebook.terms import AboveZero, Positive, Source, Text


class Rulebook(Model):
    """The rules of one stage, as `parse_rulebook` reads them from TOML.

    Args:
        form: `dokja/rulebook/1`; written under the key `schema`.
        id: Stable name of the stage, e.g. `korea-2026-stage1`.
        version: 1 for the first; an amendment adds one.
    """

    form: Literal["dokja/rulebook/1"] = Field(alias="schema")
    id: Name
    version: Positive
    title: Text
    points: OrUnknown[AboveZero]
    clock: Clock
    parts: tuple[ScorePart, ...] = ()
    suites: tuple[SuiteRule, ...] = ()
    comparators: tuple[Comparator, ...] = ()
    faults: OrNone[Faults] = None
    panels: tuple[Panel, ...] = ()
    items: tuple[IndependenceCriterion, ...] = ()
    gates: tuple[GateByKind, ...]
    advance: Advance
    appeals: Appeals
    publication: Publication
    signatures: Signatures
    amending: AmendmentRule
    support: tuple[Support, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    sources: tuple[Source, ...] = ()

    def canonical(self) -> dict[str, JSON]:
        """Return the JSON object that is hashed; `rulebook_from_json` reads it back."""
        value: dict[str, JSON] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return value

    def digest(self) -> str:
        """Return the digest by which events, decisions and dossiers name this rulebook."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        # Asked whenever it is asked which rulebook is in force; a rulebook never changes.
        return digest_json("rulebook", self.canonical())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, which has a digest of its own."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__.pop("_digest", None)
        return made

    def part(self, part_id: str) -> ScorePart:
        """Return the part of that id, at any depth; KeyError when there is none."""
        return {part.id: part for top in self.parts for part in top.all_parts()}[part_id]

    def leaves(self) -> tuple[ScorePart, ...]:
        """Return every leaf, in order."""
        return tuple(leaf for part in self.parts for leaf in part.leaves())

    def suite(self, suite_id: str) -> SuiteRule:
        """Return the suite of that id; KeyError when there is none."""
        return {suite.id: suite for suite in self.suites}[suite_id]

    def comparator(self, comparator_id: str) -> Comparator:
        """Return the comparator of that id; KeyError when there is none."""
        return {comparator.id: comparator for comparator in self.comparators}[comparator_id]

    def panel(self, panel_id: str) -> Panel:
        """Return the panel of that id; KeyError when there is none."""
        return {panel.id: panel for panel in self.panels}[panel_id]

    def item(self, item_id: str) -> IndependenceCriterion:
        """Return the independence item of that id; KeyError when there is none."""
        return {item.id: item for item in self.items}[item_id]

    def gate(self, gate_id: str) -> Gate:
        """Return the gate of that id; KeyError when there is none."""
        return {gate.id: gate for gate in self.gates}[gate_id]
