"""Many removals at once: which units each takes away, and what they take from a sum, without a row per unit where not needed.

Twenty suites of 5,000 items are 100,000 units. A removal is held as the units it takes, and the beginnings of one order
as that order: what they take from a sum is one running sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Units = NDArray[np.intp]

AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of units of one size.

    Args:
        units: (sets, size) what each takes away.
    """

    units: Units

    def taken(self, row: int) -> tuple[int, ...]:
        """Return which units one removal takes away."""
        return tuple(int(unit) for unit in self.units[row])

    def counts(self, size: int) -> Floats:
        """Return (sets, size) how often each of `size` units is left: once, or not at all."""
        counts = np.ones((len(self.units), size))
        counts[np.arange(len(self.units))[:, None], self.units] = 0.0
        return counts

    def sums(self, values: Floats, first: int) -> Floats:
        """Return what each removal takes from column sums.

        Args:
            values: (units, columns) of the units from `first` on; of others there are none.
            first: The unit of the first row.

        Returns:
            (sets, columns).
        """
        found = np.zeros((len(self.units), values.shape[1]))
        for column in self.units.T - first:
            inside = np.flatnonzero((column >= 0) & (column < len(values)))
            found[inside] += values[column[inside]]
        return found


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The beginnings of one order, from `shortest` units to `longest`.

    Args:
        order: (units,) in which order units are taken away.
        shortest: Length of the first beginning.
        longest: Length of the last.
    """

    order: Units
    shortest: int
    longest: int

    def taken(self, row: int) -> tuple[int, ...]:
        """Return which units one removal takes away."""
        return tuple(int(unit) for unit in self.order[: self.shortest + row])

    def counts(self, size: int) -> Floats:
        """Return (beginnings, size) how often each of `size` units is left: once, or not at all."""
        place = np.empty(size, dtype=np.intp)
        place[self.order] = np.arange(size)
        lengths = np.arange(self.shortest, self.longest + 1)
        return np.asarray(place[None, :] >= lengths[:, None], dtype=np.float64)

    def sums(self, values: Floats, first: int) -> Floats:
        """Return what each removal takes from column sums: (beginnings, columns); see `Sets.sums`."""
        found = np.zeros((self.longest - self.shortest + 1, values.shape[1]))
        own = self.order[: self.longest] - first
        inside = (own >= 0) & (own < len(values))
        before = own[: self.shortest]
        found[0] = values[before[inside[: self.shortest]]].sum(0)
        further = np.flatnonzero(inside[self.shortest :])
        found[1 + further] = values[own[self.shortest + further]]
        return np.cumsum(found, axis=0)


Removals = Sets | Prefixes


def sets_of(sets: Iterable[tuple[int, ...]]) -> Iterator[Sets]:
    """Yield sets of one size, some hundreds at a time."""
    waiting = iter(sets)
    while batch := list(islice(waiting, AT_ONCE)):
        yield Sets(np.array(batch, dtype=np.intp))


def prefixes_of(order: Units, shortest: int, longest: int) -> Iterator[Prefixes]:
    """Yield the beginnings of an order, some hundreds at a time."""
    for start in range(shortest, longest + 1, AT_ONCE):
        yield Prefixes(order, start, min(start + AT_ONCE - 1, longest))
