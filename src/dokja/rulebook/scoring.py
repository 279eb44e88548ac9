"""Parts of the total and what they read: suites, comparators, fault rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dokja.grammar.model import Model
from dokja.grammar.types import EXACT, Day, Digest, Line, Name
from dokja.grammar.unknown import UNKNOWN, OrNone, OrUnknown, Unknown
from dokja.rulebook.normalisers import Normaliser, NormaliserByKind
from dokja.rulebook.terms import AboveZero, Chooser, NotNegative, Positive, SuiteCustody, Text


class Comparator(Model):
    """A target model that scores are compared with.

    Args:
        name: The model; unknown when a team's own target was never published.
        released: Day of its release.
        max_age_months: It may not be older than this on the day evaluation opens.
        target_share: The share of its performance that counts as reached, e.g. 0.95.
        per_team: Each team names its own; then `name` and `released` arrive with the team's declaration.
    """

    id: Name
    name: OrUnknown[Line]
    chosen_by: OrUnknown[Chooser]
    released: OrUnknown[Day]
    max_age_months: OrUnknown[Annotated[int, Field(ge=1, le=1200), EXACT]]
    target_share: OrUnknown[Annotated[float, Field(gt=0, le=2), EXACT]]
    per_team: bool = False


class Benchmark(Model):
    """One frozen set of items.

    Args:
        digest: Digest of the item file.
        items: Number of items.
    """

    id: Name
    digest: OrUnknown[Digest] = UNKNOWN
    items: OrUnknown[Positive] = UNKNOWN


class SuiteRule(Model):
    """Benchmarks chosen by someone.

    Args:
        count: How many benchmarks it has, also where their names are unknown.
        repeats: How often each item is asked.
    """

    id: Name
    title: Text
    chosen_by: OrUnknown[Chooser]
    chooser: Line = ""
    count: OrUnknown[Positive]
    benchmarks: OrUnknown[tuple[Benchmark, ...]]
    repeats: OrUnknown[Positive]
    custody: OrUnknown[SuiteCustody]


class ScorePart(Model):
    """A part of the total: either a sum of parts, or a leaf that reads suites or a panel.

    Args:
        points: The most it can give.
        parts: Its parts; their points add up to `points`.
        suites: Ids of the suites a leaf reads; its raw value is the plain mean over their benchmarks.
        panel: Id of the panel a leaf reads.
        criteria: Ids of the criteria of that panel it reads; empty for all.
        normaliser: How the raw value becomes points; only on a leaf.
    """

    id: Name
    title: Text
    points: OrUnknown[AboveZero]
    parts: tuple[ScorePart, ...] = ()
    suites: tuple[Line, ...] = ()
    panel: Line = ""
    criteria: tuple[Line, ...] = ()
    normaliser: OrNone[OrUnknown[NormaliserByKind]] = None

    def rule(self) -> Normaliser:
        """Return the normaliser of a leaf that was measured; what has none, or an unknown one, never is."""
        assert self.normaliser is not None
        assert not isinstance(self.normaliser, Unknown)
        return self.normaliser

    def leaves(self) -> tuple[ScorePart, ...]:
        """Return the leaves under this part, in order; itself when it is one."""
        return tuple(leaf for part in self.parts for leaf in part.leaves()) if self.parts else (self,)

    def all_parts(self) -> tuple[ScorePart, ...]:
        """Return this part and every part under it, in order."""
        return (self, *(inner for part in self.parts for inner in part.all_parts()))


class Faults(Model):
    """What a failing run means.

    Args:
        retries: How often a failing request is sent again.
        failing_answer: After that the item counts as wrong; it is never left out.
        empty_answer: An empty or null answer counts as wrong, and is counted and shown.
        publish: A run publishes nothing until completed = total.
    """

    retries: OrUnknown[NotNegative]
    failing_answer: OrUnknown[Literal["wrong"]]
    empty_answer: OrUnknown[Literal["wrong"]]
    publish: OrUnknown[Literal["complete_only"]]
