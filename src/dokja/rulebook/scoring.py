"""Parts of the total and what they read: suites, comparators, normalisers, fault rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, TypeAlias

from dokja.rulebook.terms import UNKNOWN, Aggregation, Chooser, SuiteCustody, Text, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparator:
    """A target model that scores are compared with.

    Args:
        name: The model; unknown when a team's own target was never published.
        released: Day of its release.
        max_age_months: It may not be older than this on the day evaluation opens.
        target_share: The share of its performance that counts as reached, e.g. 0.95.
        per_team: Each team names its own; then `name` and `released` arrive with the team's declaration.
    """

    id: str
    name: str | Unknown
    chosen_by: Chooser | Unknown
    released: date | Unknown
    max_age_months: int | Unknown
    target_share: float | Unknown
    per_team: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One frozen set of items.

    Args:
        digest: Digest of the item file.
        items: Number of items.
    """

    id: str
    digest: str | Unknown = UNKNOWN
    items: int | Unknown = UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRule:
    """Benchmarks chosen by someone.

    Args:
        count: How many benchmarks it has, also where their names are unknown.
        repeats: How often each item is asked.
    """

    id: str
    title: Text
    chosen_by: Chooser | Unknown
    chooser: str = ""
    count: int | Unknown
    benchmarks: tuple[Benchmark, ...] | Unknown
    repeats: int | Unknown
    custody: SuiteCustody | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """points × value, the value being a share of the most that can be had (accuracy, or marks over the scale)."""

    kind: ClassVar[str] = "raw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment:
    """points × min(cap, attainment of the comparator)."""

    kind: ClassVar[str] = "attainment"
    comparator: str
    aggregation: Aggregation | Unknown
    cap_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMax:
    """Lowest team gets `floor_share` of the points, highest all of them, the rest in proportion."""

    kind: ClassVar[str] = "min_max"
    floor_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxScaled:
    """points × value / highest value."""

    kind: ClassVar[str] = "max_scaled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZScore:
    """points × (centre + spread × z), clipped to [0, 1]; z over the teams of the stage."""

    kind: ClassVar[str] = "z"
    centre_share: float
    spread_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """points × the share listed for the team's rank; tied teams share the mean of the ranks they cover."""

    kind: ClassVar[str] = "rank"
    shares: tuple[float, ...]


Normaliser: TypeAlias = Raw | Attainment | MinMax | MaxScaled | ZScore | Rank


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePart:
    """A part of the total: either a sum of parts, or a leaf that reads suites or a panel.

    Args:
        points: The most it can give.
        parts: Its parts; their points add up to `points`.
        suites: Ids of the suites a leaf reads; its raw value is the plain mean over their benchmarks.
        panel: Id of the panel a leaf reads.
        criteria: Ids of the criteria of that panel it reads; empty for all.
        normaliser: How the raw value becomes points; only on a leaf.
    """

    id: str
    title: Text
    points: float | Unknown
    parts: tuple[ScorePart, ...] = ()
    suites: tuple[str, ...] = ()
    panel: str = ""
    criteria: tuple[str, ...] = ()
    normaliser: Normaliser | Unknown | None = None

    def leaves(self) -> tuple[ScorePart, ...]:
        """Return the leaves under this part, in order; itself when it is one."""
        return tuple(leaf for part in self.parts for leaf in part.leaves()) if self.parts else (self,)

    def all_parts(self) -> tuple[ScorePart, ...]:
        """Return this part and every part under it, in order."""
        return (self, *(inner for part in self.parts for inner in part.all_parts()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a failing run means.

    Args:
        retries: How often a failing request is sent again.
        failing_answer: After that the item counts as wrong; it is never left out.
        empty_answer: An empty or null answer counts as wrong, and is counted and shown.
        publish: A run publishes nothing until completed = total.
    """

    retries: int | Unknown
    failing_answer: Literal["wrong"] | Unknown
    empty_answer: Literal["wrong"] | Unknown
    publish: Literal["complete_only"] | Unknown
