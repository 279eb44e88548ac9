"""Which matrices make one MLP when neither names nor order say so: units that are strong in one are strong in all.

In a trained gated MLP the norms of a unit's gate row, up row and down column go together, because weight decay and
gradients balance them. In freshly initialised weights they do not, and then nothing is paired.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.repeats import Shape
from dokja.anatomy.wiring import Item, Told
from dokja.checkpoint.checkpoint import Checkpoint

_N_UNITS = 1024
_N_ROWS = 256
# Rank correlations of unrelated units scatter by 1/sqrt(units); a pair must stand this far out.
_MIN_Z = 6.0


def paired_mlps(checkpoint: Checkpoint, items: Sequence[Item], residual: int) -> list[list[Told]]:
    """Return (gate, up, down) of every MLP whose matrices can be matched; an empty list when none can.

    Gate and up are told apart by file order alone, which a group of interchangeable units does not depend on.

    Args:
        checkpoint: Where the weights are; a sample of each MLP matrix is read.
        items: (name, shape) of the tensors, in any order.
        residual: Width of the residual stream.
    """
    hidden = _hidden_width(items, residual)
    writers = [name for name, shape in items if shape == (hidden, residual)]
    readers = [name for name, shape in items if shape == (residual, hidden)]
    if not hidden or len(writers) != 2 * len(readers):
        return []
    up = np.stack(
        [_ranks(np.linalg.norm(checkpoint.read(name, 0, min(hidden, _N_UNITS)), axis=1)) for name in writers]
    )
    down = np.stack(
        [
            _ranks(np.linalg.norm(checkpoint.read(name, 0, min(residual, _N_ROWS))[:, :_N_UNITS], axis=0))
            for name in readers
        ]
    )
    z = down @ up.T * np.sqrt(up.shape[1])
    best = np.argsort(-z, axis=1)[:, :2]
    told = []
    for row, (reader, pair) in enumerate(zip(readers, best, strict=True)):
        mutual = all(int(np.argmax(z[:, column])) == row for column in pair)
        if not mutual or z[row, pair].min() < _MIN_Z:
            continue
        gate, other = (writers[column] for column in sorted(pair))
        told.append([Told(gate, "mlp.gate"), Told(other, "mlp.up"), Told(reader, "mlp.down")])
    return told


def _hidden_width(items: Sequence[Item], residual: int) -> int:
    counts: dict[int, list[int]] = {}
    for _, shape in items:
        width = _width_beside(shape, residual)
        if width:
            counts.setdefault(width, [0, 0])[shape[0] == residual] += 1
    return max((width for width, (reads, writes) in counts.items() if reads == 2 * writes > 0), default=0)


def _width_beside(shape: Shape, residual: int) -> int:
    if len(shape) != 2 or residual not in shape or shape[0] == shape[1]:
        return 0
    return shape[1] if shape[0] == residual else shape[0]


def _ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Centred ranks of unit length, so that a dot product is a rank correlation."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(np.float64)
    ranks -= ranks.mean()
    length = np.linalg.norm(ranks)
    return ranks / length if length else ranks
