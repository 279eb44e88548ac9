"""The support ledger: what was promised and delivered to whom, and the development clock that late delivery stops.

- A promise says how many units of what, from whom, from when to when. A delivery says what really ran. What counts on
  a day is units times throughput, never units alone: a slow GPU is a part of a GPU.
- On a day on which less than the promise runs, the team's development clock stands still for the missing share of that
  day. Shares add up to days, and days move the team's deadline: never earlier.
- What was not published stays unknown: every total is a `Bounds`, the best and the worst that what is known allows.
- A supplier that is itself a contestant is a conflict, shown wherever the promise is shown.
- On exit, what is to be returned is returned; data stays with the team.
- Totals are computed from the entries every time; nothing here is stored, and the order of entries does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dokja.errors import InvalidInput

_MOST_THROUGHPUT = 1.5
_MOST_DAYS = 3660


class Resource(StrEnum):
    """What is supported with."""

    GPU = "gpu"
    DATA = "data"
    TALENT = "talent"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A figure that lies between two bounds, both included; known where they meet."""

    low: float
    high: float

    @property
    def known(self) -> bool:
        """Return whether the figure is one number."""
        return math.isclose(self.low, self.high, abs_tol=1e-9)


UNKNOWN_SHARE = Bounds(0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a team was promised.

    Args:
        id: Unique in the ledger.
        team: To whom.
        resource: Which kind of support.
        what: In words, e.g. `B200`.
        units: How many; None when not published.
        supplier: Id of who delivers; a contestant's id when a contestant delivers.
        first: First day of the promise.
        last: Last day of it, included.
        throughput: The throughput agreed, in words; empty when not published.
        rule: Row of the rulebook's support table it follows; empty when it follows none.
        returned_on_exit: Whether a team that leaves gives it back; None leaves it to the kind: GPUs are given back.
        budget_line: Where it is paid from; empty when not published.
        won: What it costs, in won; None when not published.
        event: Id of the event that recorded it; empty outside a record.
    """

    id: str
    team: str
    resource: Resource
    what: str
    units: float | None
    supplier: str
    first: date
    last: date
    throughput: str = ""
    rule: str = ""
    returned_on_exit: bool | None = None
    budget_line: str = ""
    won: int | None = None
    event: str = ""

    def __post_init__(self) -> None:
        if self.units is not None and not (math.isfinite(self.units) and self.units > 0):
            raise InvalidInput(f"Promise {self.id!r} promises {self.units} units; it must be more than none.")
        if self.last < self.first:
            raise InvalidInput(f"Promise {self.id!r} ends before it begins.")
        if (self.last - self.first).days > _MOST_DAYS:
            raise InvalidInput(f"Promise {self.id!r} runs for more than ten years.")

    @property
    def goes_back(self) -> bool:
        """Return whether a team that leaves gives this back."""
        return self.resource is Resource.GPU if self.returned_on_exit is None else self.returned_on_exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What was really delivered under a promise, over a span of days.

    Args:
        promise: Id of the promise.
        units: How many ran; None when not published.
        complete: Whether every unit promised ran, however many that was; then `units` is None.
        throughput_share: Throughput of one unit over what was agreed, 0 to 1.5 (more than 1 counts as 1); None when
            not published.
        first: First day; None when not published.
        last: Last day, included; None while it goes on.
        measured_by: Who measured the throughput; empty when it is the supplier's own word.
        event: Id of the event that recorded it; empty outside a record.
    """

    promise: str
    units: float | None = None
    complete: bool = False
    throughput_share: float | None
    first: date | None
    last: date | None = None
    measured_by: str = ""
    event: str = ""

    def __post_init__(self) -> None:
        if self.units is not None and not (math.isfinite(self.units) and self.units >= 0):
            raise InvalidInput(
                f"A delivery under {self.promise!r} has {self.units} units; zero or more is expected."
            )
        if self.throughput_share is not None and not 0 <= self.throughput_share <= _MOST_THROUGHPUT:
            raise InvalidInput(
                f"A throughput share of {self.throughput_share} is not between 0 and {_MOST_THROUGHPUT}."
            )
        if self.last is not None and (self.first is None or self.last < self.first):
            raise InvalidInput(f"A delivery under {self.promise!r} ends before it begins.")

    def ran(self, promise: Promise, day: date) -> Bounds:
        """Return which share of the promise this delivery made up on a day, throughput counted in; may exceed 1."""
        if self.first is not None and (day < self.first or (self.last is not None and day > self.last)):
            return Bounds(0.0, 0.0)
        if self.complete:
            units = Bounds(1.0, 1.0)
        elif self.units == 0:
            units = Bounds(0.0, 0.0)
        elif self.units is None or promise.units is None:
            units = UNKNOWN_SHARE
        else:
            units = Bounds(self.units / promise.units, self.units / promise.units)
        speed = self.throughput_share
        slow, fast = (0.0, 1.0) if speed is None else (min(speed, 1.0), min(speed, 1.0))
        return Bounds(0.0 if self.first is None else units.low * slow, units.high * fast)


@dataclass(frozen=True, slots=True)
class Return:
    """What a team gave back; from that day on it no longer has it."""

    promise: str
    day: date
    event: str = ""


@dataclass(frozen=True, slots=True)
class SupportStanding:
    """How one promise stands at the end of a day.

    Args:
        promise: The promise.
        delivered_share: Share of the promised unit-days delivered so far; throughput counted in.
        late_days: Days, so far, on which less than the promise ran.
        stopped_days: Days' worth of work missing because of it.
        began: First day on which a delivery is recorded; None before.
        conflict: Whether the supplier is a contestant.
        returned: The day it was given back; None while it was not.
    """

    promise: Promise
    delivered_share: Bounds
    late_days: Bounds
    stopped_days: Bounds
    began: date | None
    conflict: bool
    returned: date | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Days in a row on which a team's clock stood still for the same share, because of the same promise."""

    promise: str
    first: date
    days: int
    missing: Bounds

    @property
    def last(self) -> date:
        """Return the last day of it."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def stopped(self) -> Bounds:
        """Return how many days the clock stood still."""
        return Bounds(self.days * self.missing.low, self.days * self.missing.high)


@dataclass(frozen=True, slots=True)
class MovedDeadline:
    """A team's deadline after the stops of its clock.

    Args:
        deadline: The deadline before any stop.
        earliest: The deadline by what is known for certain: this one holds.
        latest: The deadline if everything unknown turned out at its worst.
        stops: The stops up to `latest`.
        stopped: Days the clock stood still: the low bound up to `earliest`, the high bound up to `latest`.
    """

    deadline: date
    earliest: date
    latest: date
    stops: tuple[Stop, ...]
    stopped: Bounds


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every entry of the support ledger.

    Args:
        promises, deliveries, returns: The entries, in any order.
        contestants: Ids of everyone who competes.
    """

    promises: Sequence[Promise]
    deliveries: Sequence[Delivery]
    returns: Sequence[Return]
    contestants: Collection[str]

    def __post_init__(self) -> None:
        ids = [promise.id for promise in self.promises]
        twice = {one for one in ids if ids.count(one) > 1}
        if twice:
            raise InvalidInput(f"The ledger has two promises called {sorted(twice)[0]!r}.")
        named = {*(entry.promise for entry in self.deliveries), *(entry.promise for entry in self.returns)}
        if named - set(ids):
            raise InvalidInput(f"The ledger has no promise {min(named - set(ids))!r}.")
        given_back = [entry.promise for entry in self.returns]
        again = {one for one in given_back if given_back.count(one) > 1}
        if again:
            raise InvalidInput(f"What {min(again)!r} promised was returned twice.")

    def promise(self, name: str) -> Promise:
        """Return the promise of that id.

        Raises:
            InvalidInput: There is none.
        """
        found = next((one for one in self.promises if one.id == name), None)
        if found is None:
            raise InvalidInput(f"The ledger has no promise {name!r}.", hint="See: dokja support status")
        return found

    def ran_share(self, promise: Promise, day: date) -> Bounds:
        """Return the share of a promise that ran on a day, at most 1, throughput counted in."""
        ran = [entry.ran(promise, day) for entry in self.deliveries if entry.promise == promise.id]
        low, high = math.fsum(one.low for one in ran), math.fsum(one.high for one in ran)
        return Bounds(min(low, 1.0), min(high, 1.0))

    def standing(self, promise: Promise, today: date) -> SupportStanding:
        """Return how a promise stands at the end of a day."""
        returned = self._returned(promise)
        ends = [today, promise.last, *([] if returned is None else [returned - timedelta(days=1)])]
        shares = [self.ran_share(promise, day) for day in _days(promise.first, min(ends))]
        missing = [_missing(share) for share in shares]
        began = [d.first for d in self.deliveries if d.promise == promise.id and d.first is not None]
        return SupportStanding(
            promise=promise,
            delivered_share=Bounds(
                math.fsum(one.low for one in shares) / max(len(shares), 1),
                math.fsum(one.high for one in shares) / max(len(shares), 1),
            ),
            late_days=Bounds(sum(one.low > 0 for one in missing), sum(one.high > 0 for one in missing)),
            stopped_days=Bounds(
                math.fsum(one.low for one in missing), math.fsum(one.high for one in missing)
            ),
            began=min((day for day in began if day <= today), default=None),
            conflict=self.is_conflict(promise),
            returned=returned if returned is not None and returned <= today else None,
        )

    def is_conflict(self, promise: Promise) -> bool:
        """Return whether a team waits for someone it competes with; a team that supplies itself does not."""
        return promise.supplier in self.contestants and promise.supplier != promise.team

    def stops(self, team: str, until: date) -> tuple[Stop, ...]:
        """Return when a team's development clock stood still, up to a day, that day included.

        Where several promises are late on one day, the day counts once, by the most that is missing: a team waits
        for the last thing it needs, not for each thing in turn. Only GPUs stop the clock.
        """
        own = sorted(
            (p for p in self.promises if p.team == team and p.resource is Resource.GPU), key=lambda p: p.id
        )
        stops: list[Stop] = []
        for day in _days(min((p.first for p in own), default=until), until) if own else ():
            missing = {p.id: self._owed(p, day) for p in own}
            worst = max(missing, key=lambda name: (missing[name].high, missing[name].low))
            whole = Bounds(max(one.low for one in missing.values()), missing[worst].high)
            if whole.high <= 0:
                continue
            last = stops[-1] if stops else None
            if last and (last.promise, last.missing, last.last + timedelta(days=1)) == (worst, whole, day):
                stops[-1] = Stop(worst, last.first, last.days + 1, whole)
            else:
                stops.append(Stop(worst, day, 1, whole))
        return tuple(stops)

    def stopped_days(self, team: str, until: date) -> Bounds:
        """Return how many days a team's development clock has stood still up to a day, that day included."""
        stopped = [stop.stopped for stop in self.stops(team, until)]
        return Bounds(math.fsum(one.low for one in stopped), math.fsum(one.high for one in stopped))

    def moved_deadline(self, team: str, deadline: date) -> MovedDeadline:
        """Return a team's deadline after the stops of its clock: begun days count as whole ones.

        Days between the old and the new deadline may be late as well; they are counted until nothing moves.
        """
        earliest, latest = self._moved(team, deadline, "low"), self._moved(team, deadline, "high")
        return MovedDeadline(
            deadline,
            earliest,
            latest,
            self.stops(team, latest),
            Bounds(self.stopped_days(team, earliest).low, self.stopped_days(team, latest).high),
        )

    def to_return(self, team: str) -> tuple[Promise, ...]:
        """Return what a leaving team still has to give back."""
        return tuple(p for p in self.promises if p.team == team and p.goes_back and self._returned(p) is None)

    def kept(self, team: str) -> tuple[Promise, ...]:
        """Return what stays with a team that leaves: data and what was learnt."""
        return tuple(p for p in self.promises if p.team == team and not p.goes_back)

    def _returned(self, promise: Promise) -> date | None:
        return next((entry.day for entry in self.returns if entry.promise == promise.id), None)

    def _owed(self, promise: Promise, day: date) -> Bounds:
        """Return which share of a day's promise is missing; nothing outside its days or after it was returned."""
        returned = self._returned(promise)
        if (returned is not None and returned <= day) or not promise.first <= day <= promise.last:
            return Bounds(0.0, 0.0)
        return _missing(self.ran_share(promise, day))

    def _moved(self, team: str, deadline: date, bound: str) -> date:
        moved = deadline
        while True:
            stopped = getattr(self.stopped_days(team, moved), bound)
            again = deadline + timedelta(days=math.ceil(stopped - 1e-9))
            if again == moved:
                return moved
            moved = again


def _missing(ran: Bounds) -> Bounds:
    low, high = 1.0 - ran.high, 1.0 - ran.low
    return Bounds(low if low > 1e-12 else 0.0, high if high > 1e-12 else 0.0)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
