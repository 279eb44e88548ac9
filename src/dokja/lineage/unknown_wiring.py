"""The exact statistic where the wiring is unknown: rows of matrices as hidden units, whatever feeds them.

Three things could tie or fix the labels of rows, and each is met:

    matrices of one height may share their labels (a residual stream): one re-labelling for all of that height;
    columns may carry the labels of rows (a square or recurrent matrix): half of the units is re-labelled, and only
        columns of the other half are features;
    rows may have a meaning or an order (classes, gates, frequencies): tables are told by their shape, gates move
        together, and a matrix of the reference whose rows show an order is left out, which is paid for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Axis
from dokja.lineage.row_order import shows_order
from dokja.lineage.sampling import DEFAULT_SEED, Keys, lowest_hashes
from dokja.lineage.sketch import Block, SketchedComponent
from dokja.lineage.units import LEAST_UNITS, Slab, UnitGroup

# More rows than this are taken four quarters at a time: a smaller group of re-labellings, which is right for gates
# and fused pairs that nobody named as well as for plain rows.
_LEAST_QUARTERED = 256
# Leaving matrices out for their order is a choice made by looking. Each choice has a weight, the weights of all
# choices add up to one, and the bound pays for the weight of the one made: a union bound.
_LOG10_LEFT_OUT = math.log10(5.0)
_LOG10_KEPT = math.log10(1.25)
_MOST_ALIGNED = 2000


@dataclass(frozen=True, slots=True)
class OutputGroups:
    """Groups of both sides, and what choosing them costs.

    Args:
        suspect, reference: One group per number of units, in the same order.
        matched: Suspect part to reference part, by number: aligned by shape and order alone.
        tested: Numbers of the suspect's parts the groups rest on.
        ordered: Numbers of the reference's parts left out because their rows show an order.
        log10_cost: Decades to add to the bound.
    """

    suspect: tuple[UnitGroup, ...]
    reference: tuple[UnitGroup, ...]
    matched: Mapping[int, int]
    tested: frozenset[int]
    ordered: tuple[int, ...]
    log10_cost: float


@dataclass(frozen=True, slots=True)
class _Matched:
    """A matrix of the reference with its counterpart, cut to units and features."""

    suspect: Block
    reference: Block
    blocks: int

    @property
    def width(self) -> int:
        return self.reference.shape[0] // self.blocks


def output_groups(suspect: SketchedComponent, reference: SketchedComponent, seed: int) -> OutputGroups:
    """Return the groups of units that two components of unknown wiring are compared on.

    Args:
        suspect: The suspect's component.
        reference: Its counterpart; its roles alone decide what is tested.
        seed: Of the draws that look for an order.

    Assumes:
        Rows of the reference's matrices that are kept are hidden units without a meaning, initialised alike; different
        numbers of units are different labellings; columns share the labels of rows only in whole, repeated blocks.
        Nothing of the suspect.

    Source:
        docs/methods/unknown-architectures.md.
    """
    mine, theirs = _matrices(suspect), _matrices(reference)
    aligned = align([b.shape for b in mine], [b.shape for b in theirs])
    pairs = [
        _Matched(mine[i], theirs[j], _blocks(theirs[j]))
        for i, j in aligned
        if theirs[j].role != "table" and mine[i].status == theirs[j].status == "ok"
    ]
    moving = {pair.width: _moving_half(pair.width) for pair in pairs}
    rng = np.random.default_rng([seed, 7])
    slabs: dict[int, list[tuple[Keys, Slab, Slab]]] = {}
    tested: list[int] = []
    ordered: list[int] = []
    for number, pair in enumerate(pairs):
        found = _slabs(pair, number, moving)
        if found is None:
            continue
        if shows_order(found[2].values, rng):
            ordered.append(_number(pair.reference))
            continue
        tested.append(_number(pair.suspect))
        slabs.setdefault(pair.width, []).append(found)
    groups = [both for width in sorted(slabs) if (both := _groups(slabs[width])) is not None]
    return OutputGroups(
        suspect=tuple(g for g, _ in groups),
        reference=tuple(g for _, g in groups),
        matched={_number(mine[i]): _number(theirs[j]) for i, j in aligned},
        tested=frozenset(tested),
        ordered=tuple(ordered),
        log10_cost=_LOG10_LEFT_OUT * len(ordered) + _LOG10_KEPT * len(tested),
    )


def align(suspect: Sequence[tuple[int, ...]], reference: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Return a longest common subsequence of two sequences of shapes, as positions; the last one where several are.

    Args:
        suspect: Shapes in order.
        reference: Likewise.

    Returns:
        Increasing pairs. Beyond 2000 matrices on a side, the first of each shape with the first, and so on.

    Assumes:
        Nothing: no value is looked at, so the alignment costs nothing.

    Source:
        Wagner and Fischer 1974.
    """
    if max(len(suspect), len(reference)) > _MOST_ALIGNED:
        return _in_turn(suspect, reference)
    n, m = len(suspect), len(reference)
    length = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n):
        above, row = length[i], length[i + 1]
        for j in range(m):
            same = suspect[i] == reference[j]
            row[j + 1] = above[j] + 1 if same else max(above[j + 1], row[j])
    pairs = []
    i, j = n, m
    while i and j:
        if suspect[i - 1] == reference[j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif length[i - 1][j] >= length[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _in_turn(
    suspect: Sequence[tuple[int, ...]], reference: Sequence[tuple[int, ...]]
) -> list[tuple[int, int]]:
    places: dict[tuple[int, ...], list[int]] = {}
    for j, shape in reversed(list(enumerate(reference))):
        places.setdefault(shape, []).append(j)
    return [(i, places[shape].pop()) for i, shape in enumerate(suspect) if places.get(shape)]


def _matrices(component: SketchedComponent) -> list[Block]:
    return [b for b in component.blocks if b.axes == (Axis.OUTPUT_UNIT, Axis.INPUT_UNIT)]


def _number(block: Block) -> int:
    return block.layer or 0


def _suffix(block: Block, kind: str) -> int:
    name, _, number = block.role.partition("/")
    return int(number) if name == kind and number.isdecimal() and int(number) > 0 else 1


def _blocks(block: Block) -> int:
    """Return how many blocks of rows carry one labelling: gates, or quarters of a tall matrix."""
    gates, rows = _suffix(block, "recurrent"), block.shape[0]
    if gates > 1:
        return gates if rows % gates == 0 else 1
    return 4 if rows >= _LEAST_QUARTERED and rows % 4 == 0 else 1


def _moving_half(width: int) -> NDArray[np.bool_]:
    """Return which units are re-labelled; the same half for every matrix and every model."""
    moving = np.zeros(width, dtype=bool)
    moving[lowest_hashes(DEFAULT_SEED, "moving_half", width, width // 2)] = True
    return moving


def _slabs(
    pair: _Matched, number: int, moving: Mapping[int, NDArray[np.bool_]]
) -> tuple[Keys, Slab, Slab] | None:
    """Return unit keys and the features of both sides on what both have; None when there is too little."""
    s, r = pair.suspect, pair.reference
    channels, kernel = r.shape[1], _suffix(r, "convolution")
    columns = np.intersect1d(s.column_keys, r.column_keys)
    columns = columns[_fixed(columns // kernel, channels // kernel, moving)]
    rows = np.intersect1d(s.row_keys, r.row_keys)
    units, counts = np.unique(rows % pair.width, return_counts=True)
    units = units[(counts == pair.blocks) & moving[pair.width][units]]
    if len(units) < LEAST_UNITS or not len(columns):
        return None
    keys = np.concatenate([block * r.shape[1] + columns for block in range(pair.blocks)])
    name = f"{r.role.partition('/')[0]}/{number}"
    return units, *(Slab(name, keys, _features(b, units, columns, pair)) for b in (s, r))


def _fixed(
    channel: NDArray[np.int64], n_channels: int, moving: Mapping[int, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Return which columns no re-labelling can touch: channels that hold no moving unit, blocked or interleaved."""
    fixed = np.ones(len(channel), dtype=bool)
    for width, moves in moving.items():
        if n_channels % width == 0:
            fixed &= ~moves[channel % width] & ~moves[channel // (n_channels // width)]
    return fixed


def _features(
    block: Block, units: NDArray[np.int64], columns: NDArray[np.int64], pair: _Matched
) -> NDArray[np.float32]:
    """Return (units, blocks × columns): the rows of a unit in every block, side by side."""
    at_columns = np.searchsorted(block.column_keys, columns)
    at_rows = [np.searchsorted(block.row_keys, units + b * pair.width) for b in range(pair.blocks)]
    return np.hstack([block.values[np.ix_(rows, at_columns)] for rows in at_rows])


def _groups(found: Sequence[tuple[Keys, Slab, Slab]]) -> tuple[UnitGroup, UnitGroup] | None:
    """Return both groups of one number of units, on the units that all their matrices have."""
    keys = found[0][0]
    for units, _, _ in found[1:]:
        keys = np.intersect1d(keys, units)
    if len(keys) < LEAST_UNITS:
        return None
    sides = ([(units, mine) for units, mine, _ in found], [(units, theirs) for units, _, theirs in found])
    first, second = (_group(keys, side) for side in sides)
    return first, second


def _group(keys: Keys, found: Sequence[tuple[Keys, Slab]]) -> UnitGroup:
    slabs = tuple(
        Slab(slab.role, slab.column_keys, slab.values[np.searchsorted(units, keys)]) for units, slab in found
    )
    return UnitGroup("output_units", None, None, None, keys, slabs, 0)
