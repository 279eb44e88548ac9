"""Normalisers: what a rulebook says of each, what it makes of raw values, and which of its inputs contradict themselves.

Everything of a normaliser but its words stands here, once. `normalised` is one expression over an array whose last axis is
the teams: of fractions when a stage is decided, of floats when ten thousand resamples are (`dokja.stats.exact`). In it

- constants are made `alike(values, …)`, whole numbers may stand as they are, and nothing divides two whole numbers;
- a quotient is protected where its divisor may be 0, for both branches of `np.where` are reckoned;
- a team without a value has no column here; in a resample without one every share is overwritten by NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

import numpy as np
from pydantic import Field

from dokja.grammar.mistakes import Mistake
from dokja.grammar.model import Model
from dokja.grammar.types import Line
from dokja.grammar.unknown import OrUnknown, Unknown
from dokja.rulebook.mistakes import mistake
from dokja.rulebook.terms import AboveZero, Aggregation, Share, ShareBelowOne
from dokja.stats.exact import Values, alike, known, root, rounded
from dokja.stats.ratings import Averages

DECIMALS = 9
"""Every figure that is compared or published is rounded to these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a normaliser's own check may ask of the rulebook around it.

    Args:
        comparators: Ids of the comparators there are.
        panel: Whether its part reads a panel.
        entering: How many teams enter.
    """

    comparators: frozenset[str]
    panel: bool
    entering: int | Unknown


class NormaliserRule(Model):
    """What every normaliser can say; a new one overrides what differs.

    Attributes:
        relative: Whether it judges teams against each other, so that one team alone has no share.
        monotone: Whether a team that does worse never gains on another; a sum that ranks teams holds no other kind.
        shown: Whether every decision shows what this kind would give. What is shown is recorded with a decision, so a
            kind that begins to be shown changes what old decisions say of their uncertainty.
    """

    relative: ClassVar[bool] = False
    monotone: ClassVar[bool] = True
    shown: ClassVar[bool] = False

    def normalised(self, values: Values) -> Values:
        """Return the share of the points of each raw value.

        Args:
            values: (..., teams) raw values of at least 0; two teams or more where the rule is relative.
        """
        raise NotImplementedError

    def raw_values(self, own: Values, other: Values | None, target_share: float) -> Averages:
        """Return the raw value of what a team scored on its benchmarks: the plain mean.

        Args:
            own: (benchmarks, replicates) scores of the team.
            other: (benchmarks, replicates) scores of its comparator; None where the rule has none.
            target_share: Share of the comparator that counts as reached.

        Returns:
            (replicates,) values, and where there are any.
        """
        return Averages(own.sum(0) / len(own), np.asarray(known(own).all(0)))

    def compared_with(self) -> str:
        """Return the id of the comparator that raw values are measured against; empty when there is none."""
        return ""

    def unsettled(self, teams: int) -> str:
        """Return which input says nothing of so many teams, so that none has a result; empty when all is said."""
        return ""

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        """Yield what contradicts itself in the inputs.

        Args:
            at: Where the normaliser stands.
            around: What may be asked of the rest of the rulebook.
        """
        yield from ()

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        """Return a plain normaliser of this kind: what a decision shows beside the rulebook's, and what tests try.

        The argument is the most teams that any part has, at least 2 where the rule is relative.
        """
        raise NotImplementedError


class Raw(NormaliserRule):
    """points × value, the value being a share of the most that can be had (accuracy, or marks over the scale)."""

    kind: Literal["raw"] = "raw"
    shown: ClassVar[bool] = True

    def normalised(self, values: Values) -> Values:
        """Return the values, at most 1."""
        return np.asarray(np.minimum(values, 1))

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        return cls()


class Attainment(NormaliserRule):
    """points × min(cap, attainment of the comparator)."""

    kind: Literal["attainment"] = "attainment"
    comparator: Line
    aggregation: OrUnknown[Aggregation]
    cap_share: AboveZero = 1.0

    def normalised(self, values: Values) -> Values:
        """Return what is attained, at most the cap."""
        return np.asarray(np.minimum(values, alike(values, self.cap_share)))

    def raw_values(self, own: Values, other: Values | None, target_share: float) -> Averages:
        """Return how much of the comparator is attained; nothing where it scored nothing."""
        assert other is not None
        if self.aggregation is Aggregation.RATIO_OF_MEANS:
            own, other = own.sum(0, keepdims=True), other.sum(0, keepdims=True)
        ratios = own / np.where(other > 0, other, 1)
        if self.aggregation is Aggregation.SHARE_REACHING:
            reached = rounded(ratios, DECIMALS) >= alike(ratios, target_share)
            ratios = np.where(reached, alike(ratios, 1), alike(ratios, 0))
        defined = np.asarray(((other > 0) & known(own)).all(0))
        return Averages(np.where(defined, ratios.sum(0) / len(ratios), np.nan), defined)

    def compared_with(self) -> str:
        return self.comparator

    def unsettled(self, teams: int) -> str:
        return "aggregation" if isinstance(self.aggregation, Unknown) else ""

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        if self.comparator not in around.comparators:
            yield mistake(f"{at}.comparator", "no_such_comparator", name=self.comparator[:80])
        if around.panel:
            yield mistake(at, "attainment_of_panel")

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        return cls(comparator="target", aggregation=Aggregation.MEAN_OF_RATIOS)


class MinMax(NormaliserRule):
    """Lowest team gets `floor_share` of the points, highest all of them, the rest in proportion."""

    kind: Literal["min_max"] = "min_max"
    shown: ClassVar[bool] = True
    relative: ClassVar[bool] = True
    floor_share: ShareBelowOne = 0.0

    def normalised(self, values: Values) -> Values:
        """Return each value's place between the lowest and the highest; halfway when all are equal.

        Assumes:
            The lowest and highest of these teams are the ends of the scale; one outlier squeezes everyone else.

        Source:
            Min-max normalisation: OECD (2008), Handbook on Constructing Composite Indicators, §5.3.
        """
        low = values.min(-1, keepdims=True)
        width = values.max(-1, keepdims=True) - low
        place = np.where(width > 0, (values - low) / np.where(width > 0, width, 1), alike(values, 0.5))
        floor = alike(values, self.floor_share)
        return np.asarray(floor + (1 - floor) * place)

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        yield from _alone(self, at, around)

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        return cls()


class MaxScaled(NormaliserRule):
    """points × value / highest value."""

    kind: Literal["max_scaled"] = "max_scaled"
    shown: ClassVar[bool] = True
    relative: ClassVar[bool] = True

    def normalised(self, values: Values) -> Values:
        """Return each value as a share of the highest; 0 for all when the highest is 0.

        Assumes:
            Values are at least 0, on a scale whose 0 means nothing right.

        Source:
            Distance to a reference, the leader being the reference: OECD (2008), ibid., §5.4.
        """
        top = values.max(-1, keepdims=True)
        return np.where(top > 0, values / np.where(top > 0, top, 1), 0)

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        yield from _alone(self, at, around)

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        return cls()


class ZScore(NormaliserRule):
    """points × (centre + spread × z), clipped to [0, 1]; z over the teams of the stage."""

    kind: Literal["z"] = "z"
    shown: ClassVar[bool] = True
    relative: ClassVar[bool] = True
    monotone: ClassVar[bool] = False
    centre_share: Share
    spread_share: AboveZero

    def normalised(self, values: Values) -> Values:
        """Return centre + spread × z within [0, 1], z in the teams' own (population) standard deviations.

        All equal values have z = 0. Where a stage is decided, the standard deviation is the root of a fraction rounded
        down at the 30th decimal.

        Assumes:
            The teams compared are the whole population. Not monotone between teams: a team that does worse changes the
            spread and can so gain on another team (`tests/deciding/test_monotone.py` keeps an example).

        Source:
            Standardisation: OECD (2008), ibid., §5.2, shifted and scaled to shares.
        """
        teams = values.shape[-1]
        away = values - values.sum(-1, keepdims=True) / teams
        deviation = root((away * away).sum(-1, keepdims=True) / teams)
        # Values too close together for their squares to be told from 0 count as equal.
        highest, lowest = values.max(-1, keepdims=True), values.min(-1, keepdims=True)
        apart = (highest > lowest) & (deviation > 0)
        z = np.where(apart, away / np.where(apart, deviation, 1), 0)
        shares = alike(values, self.centre_share) + alike(values, self.spread_share) * z
        return np.asarray(np.minimum(np.maximum(shares, 0), 1))

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        yield from _alone(self, at, around)

    @classmethod
    def example(cls, _teams: int, /) -> Normaliser:
        """Return z centred at one half with a sixth per standard deviation: three of them cover the scale."""
        return cls(centre_share=0.5, spread_share=1 / 6)


class Rank(NormaliserRule):
    """points × the share listed for the team's rank; tied teams share the mean of the ranks they cover."""

    kind: Literal["rank"] = "rank"
    shown: ClassVar[bool] = True
    relative: ClassVar[bool] = True
    shares: tuple[Share, ...]

    def normalised(self, values: Values) -> Values:
        """Return the share listed for each value's rank.

        Args:
            values: (..., teams), no more teams than shares are listed.

        Assumes:
            Only the order means anything; how far apart teams are is lost.

        Source:
            Ranking: OECD (2008), ibid., §5.1, with ties sharing as in Kendall (1945).
        """
        above = (values[..., None, :] > values[..., :, None]).sum(-1)
        level = (values[..., None, :] == values[..., :, None]).sum(-1)
        upto = np.concatenate([alike(values, [0]), np.cumsum(alike(values, self.shares))])
        return np.asarray((upto[above + level] - upto[above]) / np.maximum(level, 1))

    def unsettled(self, teams: int) -> str:
        return "shares" if len(self.shares) < teams else ""

    def mistakes(self, at: str, around: Around) -> Iterator[Mistake]:
        shares = list(self.shares)
        if shares != sorted(shares, reverse=True):
            yield mistake(f"{at}.shares", "rank_shares_rise")
        if not isinstance(around.entering, Unknown) and len(shares) < around.entering:
            figures = {"listed": len(shares), "entering": around.entering}
            yield mistake(f"{at}.shares", "rank_shares_too_few", **figures)
        elif not shares:
            yield mistake(f"{at}.shares", "rank_shares_too_few", listed=0, entering=1)

    @classmethod
    def example(cls, teams: int, /) -> Normaliser:
        """Return shares that fall evenly from 1 to 0."""
        return cls(shares=tuple(1 - place / (teams - 1) for place in range(teams)))


Normaliser: TypeAlias = Raw | Attainment | MinMax | MaxScaled | ZScore | Rank
NormaliserByKind: TypeAlias = Annotated[Normaliser, Field(discriminator="kind")]

NORMALISERS: tuple[type[Normaliser], ...] = get_args(Normaliser)
"""Every kind there is, in the order in which a decision shows them."""


def alternatives(fewest: int, most: int) -> tuple[Normaliser, ...]:
    """Return one normaliser of each kind that can stand for every part's own; relative ones need two teams everywhere.

    An attainment's ratio is what the other normalisers then normalise.

    Args:
        fewest: Fewest teams that any part has.
        most: Most teams that any part has.
    """
    shown = [kind for kind in NORMALISERS if kind.shown and (fewest > 1 or not kind.relative)]
    return tuple(kind.example(most) for kind in shown)


def _alone(rule: Normaliser, at: str, around: Around) -> Iterator[Mistake]:
    if around.entering == 1:
        yield mistake(at, "relative_to_nobody", kind=rule.kind)
