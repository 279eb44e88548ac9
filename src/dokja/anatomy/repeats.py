"""The repeated block of a network, found by the period of its tensors' shapes, without looking at any name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, ...]

_LONGEST_BLOCK = 4096
_SHORTEST_BLOCK = 3


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive tensors whose shapes repeat.

    Args:
        start: Index of the first tensor.
        period: Tensors in one block.
        n_blocks: How often the block occurs.
    """

    start: int
    period: int
    n_blocks: int

    def blocks(self) -> Iterator[range]:
        """Yield the indices of each block."""
        for number in range(self.n_blocks):
            first = self.start + number * self.period
            yield range(first, first + self.period)


def longest_run(shapes: Sequence[Shape]) -> Run | None:
    """Return the longest stretch that repeats a block at least twice, with the shortest period that explains it.

    A block has at least three tensors, two of them matrices. Fewer matrices of its shapes than one block has tensors
    may lie outside the run; more of them mean that shuffled tensors repeat by chance.
    """
    kinds = {shape: number for number, shape in enumerate(dict.fromkeys(shapes))}
    counts = Counter(shapes)
    ids = np.array([kinds[shape] for shape in shapes], dtype=np.int64)
    best: tuple[int, Run] | None = None
    for period in range(_SHORTEST_BLOCK, min(len(ids) // 2, _LONGEST_BLOCK) + 1):
        start, length = _longest_true(ids[:-period] == ids[period:])
        run = Run(start, period, (length + period) // period)
        covered = run.n_blocks * period
        if run.n_blocks >= 2 and (best is None or covered > best[0]) and _is_systematic(run, shapes, counts):
            best = (covered, run)
    return None if best is None else best[1]


def _is_systematic(run: Run, shapes: Sequence[Shape], counts: Counter[Shape]) -> bool:
    matrices = [shape for shape in shapes[run.start : run.start + run.period] if len(shape) >= 2]
    alike = sum(counts[shape] for shape in set(matrices))
    return len(matrices) >= 2 and alike - len(matrices) * run.n_blocks <= run.period


def _longest_true(flags: np.ndarray) -> tuple[int, int]:
    """Return (start, length) of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    if not edges.size:
        return 0, 0
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest] - starts[longest])


def residual_width(shapes: Sequence[Shape]) -> int:
    """Return the length found in most tensors of a block, then in most gains, then the smaller."""
    tensors = Counter(length for shape in shapes for length in set(shape))
    gains = Counter(shape[0] for shape in shapes if len(shape) == 1)
    return max(tensors, key=lambda length: (tensors[length], gains[length], -length)) if tensors else 0
