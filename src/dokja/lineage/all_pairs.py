"""How much every MLP of a suspect agrees with every MLP of a reference, from a few large matrix products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dokja.lineage.units import Features, UnitGroup, common_columns, pair_up
from dokja.stats.permutation import cross_product, trace_statistic

Matrix = NDArray[np.float64]

# Beyond so many pairs of MLPs only experts of one number are compared.
_MOST_PAIRS = 1 << 18
_CHUNK = 64


def z_of_all_pairs(suspect: Sequence[UnitGroup], reference: Sequence[UnitGroup]) -> Matrix | None:
    """Return (suspect groups, reference groups) z, NaN where a pair was not compared, or None when none was.

    Args:
        suspect: MLP groups of the suspect.
        reference: MLP groups of the reference.

    Assumes:
        As `stats.permutation.trace_statistic`, for every pair by itself.

    Source:
        z = <A, B> sqrt(n - 1) / ||A Bᵀ||, and ||A Bᵀ||² = <AᵀA, BᵀB>, so that all pairs take a few matrix products.
    """
    whole = len(suspect) * len(reference) <= _MOST_PAIRS
    z = np.full((len(suspect), len(reference)), np.nan)
    for rows, columns in _classes(suspect, reference, whole):
        block = _z_block([suspect[i] for i in rows], [reference[j] for j in columns])
        if block is not None:
            z[np.ix_(rows, columns)] = block
    return None if np.isnan(z).all() else z


def _classes(
    suspect: Sequence[UnitGroup], reference: Sequence[UnitGroup], whole: bool
) -> list[tuple[list[int], list[int]]]:
    """Return index sets to compare all with all: everything, or expert by expert where that is too much."""
    if whole:
        return [(list(range(len(suspect))), list(range(len(reference))))]
    experts = sorted({g.expert for g in suspect if g.expert is not None})
    sets = [
        (
            [i for i, g in enumerate(suspect) if g.expert is None],
            [j for j, g in enumerate(reference) if g.expert is None],
        )
    ]
    for e in experts:
        sets.append(
            (
                [i for i, g in enumerate(suspect) if g.expert == e],
                [j for j, g in enumerate(reference) if g.expert in (e, None)],
            )
        )
    return [(rows, columns) for rows, columns in sets if rows and columns]


def _z_block(suspect: list[UnitGroup], reference: list[UnitGroup]) -> Matrix | None:
    """Return z of all pairs from two matrix products: traces from features, variances from their Grams."""
    suspect, reference = _on_common_places(suspect, reference)
    common = _uniform([*suspect, *reference])
    if common is None:
        return _z_pair_by_pair(suspect, reference)
    a = [_features(g, *common) for g in suspect]
    b = [_features(g, *common) for g in reference]
    n = len(a[0])
    traces, squared = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    for rows in _chunks(n):
        traces += _flat(x[rows] for x in a) @ _flat(x[rows] for x in b).T
    for columns in _chunks(a[0].shape[1]):
        squared += _flat(x[:, columns].T @ x for x in a) @ _flat(x[:, columns].T @ x for x in b).T
    sd = np.sqrt(np.maximum(squared, 0.0) / (n - 1))
    return np.where(sd > 1e-12, traces / np.where(sd > 1e-12, sd, 1.0), 0.0)


def _chunks(length: int) -> list[slice]:
    """Return slices in which sums are single precision; what is added up between them is double precision."""
    return [slice(start, start + _CHUNK) for start in range(0, length, _CHUNK)]


def _flat(pieces: Iterable[Features]) -> Features:
    return np.stack([piece.ravel() for piece in pieces])


def _on_common_places(
    suspect: list[UnitGroup], reference: list[UnitGroup]
) -> tuple[list[UnitGroup], list[UnitGroup]]:
    """Return both sides cut to the units and features they share, where each side was sampled in one way."""
    sides = (suspect, reference)
    if any(_uniform(side) is None for side in sides) or _uniform([suspect[0], reference[0]]) is not None:
        return suspect, reference
    units = np.intersect1d(suspect[0].unit_keys, reference[0].unit_keys, return_indices=True)
    columns = {
        slab.role: found
        for slab in suspect[0].slabs
        for other in reference[0].slabs
        if other.role == slab.role
        and (found := common_columns(slab.column_keys, other.column_keys)) is not None
    }
    if not len(units[0]) or not columns:
        return suspect, reference
    cut = [
        [_cut(g, units[1 + n], {r: c[n] for r, c in columns.items()}) for g in s] for n, s in enumerate(sides)
    ]
    return cut[0], cut[1]


def _cut(group: UnitGroup, units: NDArray[np.intp], columns: dict[str, NDArray[np.intp]]) -> UnitGroup:
    slabs = tuple(
        replace(
            slab,
            column_keys=np.arange(len(columns[slab.role])),
            values=slab.values[np.ix_(units, columns[slab.role])],
        )
        for slab in group.slabs
        if slab.role in columns
    )
    return replace(group, unit_keys=group.unit_keys[units], slabs=slabs)


def _z_pair_by_pair(suspect: list[UnitGroup], reference: list[UnitGroup]) -> Matrix:
    z = np.full((len(suspect), len(reference)), np.nan)
    for i, s in enumerate(suspect):
        for j, r in enumerate(reference):
            pair = pair_up(s, r)
            if pair is not None:
                z[i, j] = trace_statistic(cross_product(pair.a, pair.b), 1.0, 1.0).z
    return z


def _uniform(groups: list[UnitGroup]) -> tuple[NDArray[np.bool_], tuple[str, ...]] | None:
    """Return living units and common roles when all groups were sampled at the same places, else None."""
    first = groups[0]
    roles = tuple(slab.role for slab in first.slabs)
    alive = np.ones(len(first.unit_keys), dtype=bool)
    for g in groups:
        if tuple(slab.role for slab in g.slabs) != roles or not np.array_equal(g.unit_keys, first.unit_keys):
            return None
        if any(
            not np.array_equal(x.column_keys, y.column_keys)
            for x, y in zip(g.slabs, first.slabs, strict=True)
        ):
            return None
        alive &= g.living
    return (alive, roles) if np.count_nonzero(alive) >= max(8, len(alive) // 2) else None


def _features(group: UnitGroup, alive: NDArray[np.bool_], roles: tuple[str, ...]) -> Features:
    if alive.all() and roles == tuple(slab.role for slab in group.slabs):
        return group.features
    keep = group.unit_keys[alive]
    cut = UnitGroup(
        group.kind, group.layer, group.expert, group.head, keep,
        tuple(type(s)(s.role, s.column_keys, s.values[alive], s.is_gain) for s in group.slabs if s.role in roles),
        group.n_parameters,
    )  # fmt: skip
    return cut.features
