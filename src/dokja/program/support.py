"""The support ledger: what was promised and delivered to whom, and the development clock that late delivery stops.

- A promise says how many units of what, from whom, from when to when, at what throughput. A delivery says what really
  ran. What counts on a day is units times throughput, never units alone: a slow GPU is a part of a GPU.
- On a day on which less than the agreed share of the promise is delivered, the team's development clock stands still
  for the missing share of that day. Shares add up to days, and days move the team's deadline: never earlier.
- A supplier that is itself a contestant is a conflict, shown wherever the promise is shown.
- On exit, what is to be returned is returned; data stays with the team.
- Totals are computed from the entries every time; nothing here is stored.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dokja.errors import InvalidInput


class Resource(StrEnum):
    """What is supported with."""

    GPU = "gpu"
    DATA = "data"
    TALENT = "talent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a team was promised.

    Args:
        id: Unique in the ledger.
        team: To whom.
        resource: Which kind of support.
        what: In words, e.g. `B200`.
        units: How many.
        supplier: Id of who delivers; a contestant's id when a contestant delivers.
        first: First day of the promise.
        last: Last day of it, included.
        budget_line: Where it is paid from; empty when not published.
        won: What it costs, in won; None when not published.
    """

    id: str
    team: str
    resource: Resource
    what: str
    units: float
    supplier: str
    first: date
    last: date
    budget_line: str = ""
    won: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.units) and self.units > 0):
            raise InvalidInput(f"Promise {self.id!r} promises {self.units} units; it must be more than none.")
        if self.last < self.first:
            raise InvalidInput(f"Promise {self.id!r} ends before it begins.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What was really delivered under a promise, over a span of days.

    Args:
        promise: Id of the promise.
        units: How many ran.
        throughput_share: Measured throughput of one unit over what was agreed, 0 to 1 (more counts as 1).
        first: First day.
        last: Last day, included; None while it goes on.
        measured_by: Who measured the throughput; empty when it is the supplier's own word.
    """

    promise: str
    units: float
    throughput_share: float
    first: date
    last: date | None = None
    measured_by: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.units) and self.units >= 0):
            raise InvalidInput(
                f"A delivery under {self.promise!r} has {self.units} units; zero or more is expected."
            )
        if not 0 <= self.throughput_share <= 1.5:
            raise InvalidInput(f"A throughput share of {self.throughput_share} is not between 0 and 1.5.")
        if self.last is not None and self.last < self.first:
            raise InvalidInput(f"A delivery under {self.promise!r} ends before it begins.")


@dataclass(frozen=True, slots=True)
class Return:
    """What a team gave back on a day, usually on exit."""

    promise: str
    day: date


@dataclass(frozen=True, slots=True)
class Standing:
    """How one promise stands on a day.

    Args:
        promise: The promise.
        delivered_share: Share of the promised unit-days delivered so far, 0 to 1; throughput counted in.
        late_days: Days, so far, on which less than the agreed share ran.
        stopped_days: Days the team's clock stood still because of it, shares of days added up.
        conflict: Whether the supplier is a contestant.
        returned: Whether it was given back.
    """

    promise: Promise
    delivered_share: float
    late_days: int
    stopped_days: float
    conflict: bool
    returned: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every entry of the support ledger, in the order recorded.

    Args:
        promises, deliveries, returns: The entries.
        contestants: Ids of every team that competes.
        enough_share: Deliveries of at least this share of a promise do not stop the clock.
    """

    promises: Sequence[Promise]
    deliveries: Sequence[Delivery]
    returns: Sequence[Return]
    contestants: Collection[str]
    enough_share: float = 1.0

    def __post_init__(self) -> None:
        ids = [promise.id for promise in self.promises]
        twice = {one for one in ids if ids.count(one) > 1}
        if twice:
            raise InvalidInput(f"The ledger has two promises called {sorted(twice)[0]!r}.")
        named = {*(entry.promise for entry in self.deliveries), *(entry.promise for entry in self.returns)}
        if named - set(ids):
            raise InvalidInput(f"The ledger has no promise {min(named - set(ids))!r}.")
        if not 0 < self.enough_share <= 1:
            raise InvalidInput(
                f"A share of {self.enough_share} cannot be enough; it lies above 0 and at most at 1."
            )

    def ran_share(self, promise: Promise, day: date) -> float:
        """Return the share of a promise that ran on a day, 0 to 1, throughput counted in."""
        ran = sum(
            delivery.units * min(delivery.throughput_share, 1.0)
            for delivery in self.deliveries
            if delivery.promise == promise.id
            and delivery.first <= day
            and (delivery.last is None or day <= delivery.last)
        )
        return min(ran / promise.units, 1.0)

    def standing(self, promise: Promise, today: date) -> Standing:
        """Return how a promise stands at the end of a day."""
        given_back = [entry.day for entry in self.returns if entry.promise == promise.id]
        end = min([today, promise.last, *(day - timedelta(days=1) for day in given_back)])
        shares = [self.ran_share(promise, day) for day in _days(promise.first, end)]
        late = [share for share in shares if share < self.enough_share - 1e-12]
        return Standing(
            promise=promise,
            delivered_share=sum(shares) / len(shares) if shares else 0.0,
            late_days=len(late),
            stopped_days=sum(1 - share for share in late),
            conflict=promise.supplier in self.contestants,
            returned=bool(given_back),
        )

    def stopped_days(self, team: str, today: date) -> float:
        """Return how many days a team's development clock has stood still.

        Where several promises are late on one day, the day counts once, by the most that is missing: a team waits
        for the last thing it needs, not for each thing in turn. Only GPUs stop the clock.
        """
        own = [p for p in self.promises if p.team == team and p.resource is Resource.GPU]
        if not own:
            return 0.0
        stopped = 0.0
        for day in _days(min(p.first for p in own), today):
            missing = [
                1 - share for p in own if (share := self._owed_share(p, day)) < self.enough_share - 1e-12
            ]
            stopped += max(missing, default=0.0)
        return stopped

    def _owed_share(self, promise: Promise, day: date) -> float:
        given_back = any(entry.promise == promise.id and entry.day <= day for entry in self.returns)
        if given_back or not promise.first <= day <= promise.last:
            return 1.0
        return self.ran_share(promise, day)

    def moved_deadline(self, team: str, deadline: date) -> date:
        """Return a team's deadline after the stops of its clock: whole days, begun days counted, never earlier.

        Days between the old and the new deadline may be late as well; they are counted until nothing moves.
        """
        moved = deadline
        while True:
            again = deadline + timedelta(days=math.ceil(self.stopped_days(team, moved) - 1e-9))
            if again == moved:
                return moved
            moved = again

    def to_return(self, team: str) -> tuple[Promise, ...]:
        """Return what a leaving team still has to give back: GPUs. Data and what was learnt stay with it."""
        gone = {entry.promise for entry in self.returns}
        return tuple(
            p for p in self.promises if p.team == team and p.resource is Resource.GPU and p.id not in gone
        )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
