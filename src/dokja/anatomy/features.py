"""Features of units: the group's axis first, everything else flattened behind it, read a bounded piece at a time.

Feature f of a unit is entry (repeat, offset inside the unit, position j on the part's other axis) with
f = (repeat · unit + offset) · rest + j. Reading few features of a *down* or *output* matrix reads few rows; reading
few features of a *gate* or *value* matrix still reads every row of the range, since rows are what lies together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.groups import Group, GroupMember
from dokja.anatomy.part import Part, load_part
from dokja.checkpoint.checkpoint import Checkpoint
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput

_FLOAT_BYTES = 4
_ROW_PIECE_BYTES = 1 << 25


def unit_features(
    checkpoint: Checkpoint, group: Group, member: GroupMember, columns: NDArray[np.intp] | None = None
) -> FloatArray:
    """Return the features of every unit of a group in one member.

    Args:
        checkpoint: Where the weights are.
        group: The group.
        member: One of its members.
        columns: (k,) feature numbers in [0, member.n_features), in any order; None for all.

    Returns:
        (n_units, k) features.

    Raises:
        InvalidInput: A feature number outside the range.
    """
    wanted = np.arange(member.n_features) if columns is None else np.asarray(columns, dtype=np.intp)
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < member.n_features:
        raise InvalidInput(f"{member.part.role} has features 0 to {member.n_features - 1} only.")
    if member.stack:
        return np.stack([_flat_entries(checkpoint, part, wanted) for part in member.stack])
    rest = member.n_features // (member.unit * member.repeats)
    inner, position = np.divmod(wanted, rest)
    repeat, offset = np.divmod(inner, member.unit)
    read = _from_rows if member.axis == 0 else _from_columns
    return read(checkpoint, group, member, _Places(repeat, offset, position, rest))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each wanted feature lies: (k,) repeat, (k,) offset inside the unit, (k,) position on the other axis."""

    repeat: NDArray[np.intp]
    offset: NDArray[np.intp]
    position: NDArray[np.intp]
    rest: int


def feature_blocks(
    checkpoint: Checkpoint, group: Group, member: GroupMember, max_bytes: int
) -> Iterator[tuple[NDArray[np.intp], FloatArray]]:
    """Yield all features of a member as (feature numbers, (n_units, k_block) features), every feature once.

    Args:
        checkpoint: Where the weights are.
        group: The group.
        member: One of its members.
        max_bytes: Upper bound of one yielded block; at least one feature (or, on a labelled column axis, one stored
            row) is always yielded. A gate-like member larger than this is read once per block.
    """
    width = max(1, max_bytes // (_FLOAT_BYTES * group.n_units))
    rest = member.n_features // (member.unit * member.repeats)
    if member.axis == 1 and not member.stack:
        rows = max(1, width // (member.unit * member.repeats))
        for start in range(0, rest, rows):
            position = np.arange(start, min(start + rows, rest))
            columns = (np.arange(member.unit * member.repeats)[:, None] * rest + position).ravel()
            yield columns, unit_features(checkpoint, group, member, columns)
        return
    for start in range(0, member.n_features, width):
        columns = np.arange(start, min(start + width, member.n_features))
        yield columns, unit_features(checkpoint, group, member, columns)


def relabel(values: FloatArray, group: Group, member: GroupMember, order: NDArray[np.intp]) -> FloatArray:
    """Return a part with its units re-labelled: unit i of the result is unit order[i] of `values`.

    Args:
        values: The part of a member without a stack, canonical axis order.
        group: The group.
        member: The member the part belongs to.
        order: (n_units,) a permutation.
    """
    moved = np.moveaxis(values, member.axis, 0).copy()
    window = moved[member.start : member.stop]
    units = window.reshape(member.repeats, group.n_units, member.unit, *window.shape[1:])
    moved[member.start : member.stop] = units[:, order].reshape(window.shape)
    return np.ascontiguousarray(np.moveaxis(moved, 0, member.axis))


def _from_rows(checkpoint: Checkpoint, group: Group, member: GroupMember, places: _Places) -> FloatArray:
    """Features of a part whose first axis is labelled, read in pieces of whole units."""
    part, unit = member.part, member.unit
    result = np.empty((group.n_units, places.position.size), dtype=np.float32)
    whole = part.source.transposed
    n_piece = group.n_units if whole else max(1, _ROW_PIECE_BYTES // (_FLOAT_BYTES * unit * places.rest))
    for repeat in np.unique(places.repeat):
        features = np.flatnonzero(places.repeat == repeat)
        base = member.start + int(repeat) * group.n_units * unit
        for first in range(0, group.n_units, n_piece):
            last = min(first + n_piece, group.n_units)
            rows = load_part(checkpoint, part, base + first * unit, base + last * unit)
            units = rows.reshape(last - first, unit, places.rest)
            result[first:last, features] = units[:, places.offset[features], places.position[features]]
    return result


def _from_columns(checkpoint: Checkpoint, group: Group, member: GroupMember, places: _Places) -> FloatArray:
    """Features of a part whose second axis is labelled, reading only the rows that hold them."""
    result = np.empty((group.n_units, places.position.size), dtype=np.float32)
    for start, stop in _runs(np.unique(places.position), member.part):
        rows = load_part(checkpoint, member.part, start, stop)[:, member.start : member.stop]
        units = rows.reshape(stop - start, member.repeats, group.n_units, member.unit)
        features = np.flatnonzero((places.position >= start) & (places.position < stop))
        at = places.position[features] - start
        result[:, features] = units[at, places.repeat[features], :, places.offset[features]].T
    return result


def _runs(rows: NDArray[np.intp], part: Part) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring rows, cut where they would be too large to hold."""
    if not rows.size:
        return
    if part.source.transposed:
        yield int(rows[0]), int(rows[-1]) + 1
        return
    longest = max(1, _ROW_PIECE_BYTES // (_FLOAT_BYTES * part.shape[1]))
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    for run in np.split(rows, breaks):
        for start in range(int(run[0]), int(run[-1]) + 1, longest):
            yield start, min(start + longest, int(run[-1]) + 1)


def _flat_entries(checkpoint: Checkpoint, part: Part, wanted: NDArray[np.intp]) -> FloatArray:
    width = int(np.prod(part.shape[1:], dtype=np.int64))
    row, column = np.divmod(wanted, width)
    result = np.empty(wanted.shape, dtype=np.float32)
    for start, stop in _runs(np.unique(row), part) if len(part.shape) > 1 else [(0, part.shape[0])]:
        block = load_part(checkpoint, part, start, stop).reshape(stop - start, width)
        here = np.flatnonzero((row >= start) & (row < stop))
        result[here] = block[row[here] - start, column[here]]
    return result
