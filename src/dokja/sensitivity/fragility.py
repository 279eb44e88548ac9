"""Fragility: the fewest raters, ballots or items whose removal would change who advances.

Small numbers of removals are tried exhaustively, so a figure found there is exact. Beyond that, units are removed in
the order that most narrows the gap between a team inside and a team outside, and whatever turns out not to be needed
is put back; what that finds is an upper bound, and said to be one, with the number below which nothing can change.

Removing people does not make a panel inquorate here: that would change a gate by rule and not by what they judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from dokja.canonical import JSON
from dokja.deciding.decision import Decision
from dokja.deciding.measurements import Measurements, PanelLeaf, SuiteLeaf
from dokja.rulebook import TOTAL, Averaging, Rulebook
from dokja.sensitivity.removals import Removals, Sets, prefixes_of, sets_of
from dokja.sensitivity.replicates import (
    Floats,
    LeafValues,
    Resamples,
    as_measured,
    leaf_values,
    points_by_part,
    raters_of,
    raw_values,
)
from dokja.sensitivity.thresholds import passes

_NEVER_FIRST = 1e9


@dataclass(frozen=True, slots=True)
class Fragility:
    """How few removals would change who advances.

    Args:
        unit: raters, ballots or items.
        of: The panel, or the part whose items they are.
        units: How many there are.
        fewest: Fewest removals found that change it; None when no removal tried does.
        exact: Whether every smaller set was tried (every set at all, when `fewest` is None); otherwise `fewest` is an
            upper bound.
        at_least: No smaller number of removals changes it.
        removed: One such set.
        enters: Teams that would then advance and do not now.
        leaves: Teams that would then not advance.
    """

    unit: str
    of: str
    units: int
    fewest: int | None
    exact: bool
    at_least: int
    removed: tuple[str, ...]
    enters: tuple[str, ...]
    leaves: tuple[str, ...]

    def as_json(self) -> dict[str, JSON]:
        """Return a flat JSON object, one row of a table."""
        return {
            "unit": self.unit,
            "of": self.of,
            "units": self.units,
            "fewest": self.fewest,
            "exact": self.exact,
            "at_least": self.at_least,
            "removed": list(self.removed),
            "enters": list(self.enters),
            "leaves": list(self.leaves),
        }


@dataclass(frozen=True, slots=True)
class _Group:
    """Units of one kind, and what removing some of them makes of every part's points.

    Args:
        names: (units,) what each unit is called.
        points: (sets, units) counts to points by part, (sets, teams).
        without: Removals to the same points, to the last bits of a sum; where there are too many units for counts.
    """

    unit: str
    of: str
    names: tuple[str, ...]
    points: Callable[[Floats], dict[str, Floats]]
    without: Callable[[Removals], dict[str, Floats]] | None = None

    def left(self, removals: Removals) -> dict[str, Floats]:
        """Return points by part, (removals, teams), of what removals leave."""
        if self.without is not None:
            return self.without(removals)
        return self.points(removals.counts(len(self.names)))


def fragilities(
    rulebook: Rulebook,
    measurements: Measurements,
    decision: Decision,
    teams: tuple[str, ...],
    *,
    exhaustive: int = 20_000,
) -> tuple[Fragility, ...]:
    """Return the fragility of a decision to each panel's raters and ballots, and to each part's items.

    Args:
        rulebook: The rules.
        measurements: What was measured, only teams with points (`uncertainty.scored_leaves`).
        decision: What was decided on it.
        teams: Teams with a total.
        exhaustive: How many sets of one size are tried before an upper bound must do.
    """
    as_it_is = raw_values(measurements, as_measured(measurements))
    groups = _groups(rulebook, measurements, as_it_is, teams)
    return tuple(_search(group, rulebook, decision, teams, exhaustive) for group in groups)


def _groups(
    rulebook: Rulebook, measurements: Measurements, as_it_is: Mapping[str, LeafValues], teams: tuple[str, ...]
) -> Iterator[_Group]:
    panels = {leaf.panel: leaf for leaf in measurements.leaves.values() if isinstance(leaf, PanelLeaf)}
    for panel, leaf in panels.items():
        yield _raters("raters", rulebook, measurements, as_it_is, teams, panel)
        if leaf.averaging is not Averaging.SEVERITY_ADJUSTED:
            split = _one_ballot_each(measurements, panel)
            yield _raters("ballots", rulebook, split, as_it_is, teams, panel)
    for name, suite in measurements.leaves.items():
        if isinstance(suite, SuiteLeaf):
            yield _items(rulebook, measurements, as_it_is, teams, name, suite)


def _one_ballot_each(measurements: Measurements, panel: str) -> Measurements:
    """Return the same marks as if each ballot came from another rater: the same averages, removable one by one."""
    leaves = dict(measurements.leaves)
    for name, leaf in measurements.leaves.items():
        if isinstance(leaf, PanelLeaf) and leaf.panel == panel:
            ballots = {(f"{rater} on {team}", team): marks for (rater, team), marks in leaf.ballots.items()}
            leaves[name] = replace(leaf, ballots=ballots)
    return replace(measurements, leaves=leaves)


def _raters(
    unit: str,
    rulebook: Rulebook,
    measurements: Measurements,
    as_it_is: Mapping[str, LeafValues],
    teams: tuple[str, ...],
    panel: str,
) -> _Group:
    judged = {n: f for n, f in measurements.leaves.items() if isinstance(f, PanelLeaf) and f.panel == panel}
    only = replace(measurements, leaves=judged, tables={})

    def points(counts: Floats) -> dict[str, Floats]:
        return _with(
            rulebook, measurements, as_it_is, raw_values(only, Resamples({}, {panel: counts})), teams
        )

    return _Group(unit, panel, raters_of(measurements, panel), points)


def _items(
    rulebook: Rulebook,
    measurements: Measurements,
    as_it_is: Mapping[str, LeafValues],
    teams: tuple[str, ...],
    name: str,
    leaf: SuiteLeaf,
) -> _Group:
    read = sorted({benchmark for names in leaf.benchmarks.values() for benchmark in names})
    sizes = [len(measurements.tables[benchmark].values) for benchmark in read]
    tables = {
        b: replace(measurements.tables[b], passages=tuple(range(n))) for b, n in zip(read, sizes, strict=True)
    }
    only = replace(measurements, leaves={name: leaf}, tables=tables)
    cuts = np.cumsum(sizes)[:-1]

    def points(counts: Floats) -> dict[str, Floats]:
        by_benchmark = dict(zip(read, np.split(counts, cuts, axis=1), strict=True))
        return _with(rulebook, measurements, as_it_is, raw_values(only, Resamples(by_benchmark, {})), teams)

    values = {b: np.array(tables[b].values) for b in read}
    firsts = dict(zip(read, [0, *(int(cut) for cut in cuts)], strict=True))

    def without(removals: Removals) -> dict[str, Floats]:
        means = {b: _means_without(removals, values[b], firsts[b], tables[b].subjects) for b in read}
        return _with(rulebook, measurements, as_it_is, leaf_values(only, means, {}), teams)

    names = tuple(
        f"{benchmark} #{n}" for benchmark, size in zip(read, sizes, strict=True) for n in range(size)
    )
    return _Group("items", name, names, points, without)


def _means_without(
    removals: Removals, values: Floats, first: int, subjects: tuple[str, ...]
) -> dict[str, Floats]:
    """Return each subject's means over the items of a benchmark that removals leave; NaN where they leave none."""
    left = len(values) - removals.sums(np.ones((len(values), 1)), first)
    sums = values.sum(0) - removals.sums(values, first)
    means = np.where(left > 0, sums / np.where(left > 0, left, 1), np.nan)
    return {subject: means[:, column] for column, subject in enumerate(subjects)}


def _with(
    rulebook: Rulebook,
    measurements: Measurements,
    as_it_is: Mapping[str, LeafValues],
    changed: Mapping[str, LeafValues],
    teams: tuple[str, ...],
) -> dict[str, Floats]:
    """Return points by part where some leaves have new raw values and the others stay as they are."""
    rows = next(iter(changed.values())).values.shape[0]
    kept = {
        name: LeafValues(leaf.teams, np.repeat(leaf.values, rows, axis=0))
        for name, leaf in as_it_is.items()
        if name not in changed
    }
    return points_by_part(rulebook, measurements.leaves, {**kept, **changed}, teams)


def _search(
    group: _Group, rulebook: Rulebook, decision: Decision, teams: tuple[str, ...], exhaustive: int
) -> Fragility:
    size = len(group.names)
    now = _passing(group, rulebook, decision, teams, np.ones((1, size)))[0]
    tried = 0
    while tried + 1 < size and comb(size, tried + 1) <= exhaustive:
        tried += 1
        found = _first(group, rulebook, decision, teams, now, sets_of(combinations(range(size), tried)))
        if found is not None:
            return _told(group, teams, now, found, exact=True, at_least=tried)
    if tried == size - 1:
        return Fragility(group.unit, group.of, size, None, True, size, (), (), ())
    best: tuple[tuple[int, ...], NDArray[np.bool_]] | None = None
    for order in _orders(group, now):
        most = size - 1 if best is None else len(best[0]) - 1
        prefixes = prefixes_of(order, tried + 1, most)
        best = _first(group, rulebook, decision, teams, now, prefixes) or best
    if best is None:
        return Fragility(group.unit, group.of, size, None, False, tried + 1, (), (), ())
    best = _pruned(group, rulebook, decision, teams, now, best)
    return _told(group, teams, now, best, exact=len(best[0]) == tried + 1, at_least=tried + 1)


def _pruned(
    group: _Group,
    rulebook: Rulebook,
    decision: Decision,
    teams: tuple[str, ...],
    now: NDArray[np.bool_],
    found: tuple[tuple[int, ...], NDArray[np.bool_]],
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """Return a subset that still suffices and from which no single unit can be left out."""
    smaller: tuple[tuple[int, ...], NDArray[np.bool_]] | None = found
    while smaller is not None:
        found = smaller
        without = (found[0][:place] + found[0][place + 1 :] for place in reversed(range(len(found[0]))))
        if len(found[0]) == 1:
            break
        smaller = _first(group, rulebook, decision, teams, now, sets_of(without))
    return found


def _told(
    group: _Group,
    teams: tuple[str, ...],
    now: NDArray[np.bool_],
    found: tuple[tuple[int, ...], NDArray[np.bool_]],
    *,
    exact: bool,
    at_least: int,
) -> Fragility:
    removed, then = found
    enters = tuple(team for team, was, is_in in zip(teams, now, then, strict=True) if is_in and not was)
    leaves = tuple(team for team, was, is_in in zip(teams, now, then, strict=True) if was and not is_in)
    names = tuple(group.names[unit] for unit in removed)
    return Fragility(
        group.unit, group.of, len(group.names), len(removed), exact, at_least, names, enters, leaves
    )


def _passing(
    group: _Group, rulebook: Rulebook, decision: Decision, teams: tuple[str, ...], counts: Floats
) -> NDArray[np.bool_]:
    return passes(rulebook, decision, teams, group.points(counts))


def _first(
    group: _Group,
    rulebook: Rulebook,
    decision: Decision,
    teams: tuple[str, ...],
    now: NDArray[np.bool_],
    tried: Iterable[Removals],
) -> tuple[tuple[int, ...], NDArray[np.bool_]] | None:
    """Return the first removal that leaves every team a value and changes who passes."""
    for removals in tried:
        points = group.left(removals)
        whole = ~np.isnan(points[TOTAL]).any(1)
        then = passes(rulebook, decision, teams, points)
        for row in np.flatnonzero(whole & (then != now).any(1)):
            removed = removals.taken(int(row))
            # What is told was reckoned from what is left, not from what was taken away.
            counts = Sets(np.array([removed])).counts(len(group.names))
            again = _passing(group, rulebook, decision, teams, counts)[0]
            if (again != now).any():
                return removed, again
    return None


def _orders(group: _Group, now: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Yield, for each team inside and each outside, the units in the order that most narrows their gap."""
    alone = sets_of((unit,) for unit in range(len(group.names)))
    totals = np.concatenate([group.left(one)[TOTAL] for one in alone])
    totals = np.where(np.isnan(totals), _NEVER_FIRST, totals)
    for inside in np.flatnonzero(now):
        yield np.argsort(totals[:, inside], kind="stable")
        for outside in np.flatnonzero(~now):
            gap = totals[:, inside] - totals[:, outside]
            yield np.argsort(gap, kind="stable")
