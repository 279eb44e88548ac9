"""Every value of two components, streamed once in bounded pieces: how far apart are they, tensor by tensor?

The permutation test needs a sample only; this pass tells a copy from a descendant, and gives the raw agreement of
every tensor. It carries no p-value.

    parts -> ranges of rows -> a few threads, each: read, decode, three sums in pieces that stay in the processor's cache
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Component, Part, load_part
from dokja.checkpoint.checkpoint import Checkpoint
from dokja.encodings.encoding import FloatArray

# Two decoded pieces and their stored bytes fit the cache of one core.
_PIECE_VALUES = 1 << 17
# What one thread takes at a time.
_TASK_VALUES = 1 << 23
# While one waits for the disk or for Python, another computes. Sums are added in order: the result is the same.
_THREADS = 4
# Values whose products are summed in single precision; sums of these are added in double precision.
_RUN = 1 << 13

Place = tuple[str, int | None, int | None]
Matched = tuple[Part, Part]


@dataclass(frozen=True, slots=True)
class WholePart:
    """Agreement of one part over all its values.

    Args:
        place: Role, layer and expert of the suspect's part.
        n_values: Values compared.
        cosine: Uncentred, in [-1, 1]; 0 when a side is all zero or not finite.
        relative_error: ‖s - r‖ / ‖r‖; infinity when a side is not finite.
    """

    place: Place
    n_values: int
    cosine: float
    relative_error: float


def compare_whole(
    suspect: tuple[Checkpoint, Component],
    reference: tuple[Checkpoint, Component],
    layer_of: Mapping[int, int] | None,
) -> tuple[WholePart, ...]:
    """Return the agreement of every part that both have in one shape, each stored byte read once.

    Args:
        suspect: Its checkpoint and component.
        reference: Likewise.
        layer_of: Suspect layer to reference layer; None for every layer with the one of its number.

    Raises:
        UnreadableArtifact: A stored tensor is not what its header says.

    Assumes:
        Nothing: a description of all values, not a test.

    Source:
        Uncentred cosine and relative Frobenius error. ‖s‖², ‖r‖² and ‖s - r‖² are summed in single precision over
        runs of 8192 values and in double precision over runs; s·r follows from the three.
    """
    matched = list(_matched(suspect[1], reference[1], layer_of))
    tasks = [
        (number, start, stop)
        for number, parts in enumerate(matched)
        for start, stop in _ranges(*parts, _TASK_VALUES)
    ]

    def sums_of(task: tuple[int, int, int]) -> NDArray[np.float64]:
        number, start, stop = task
        return _sums(suspect[0], reference[0], matched[number], start, stop)

    sums = np.zeros((len(matched), 3))
    with ThreadPoolExecutor(_THREADS) as threads:
        for (number, _, _), found in zip(tasks, threads.map(sums_of, tasks), strict=True):
            sums[number] += found
    return tuple(_agreement(part, *map(float, row)) for (part, _), row in zip(matched, sums, strict=True))


def _matched(
    suspect: Component, reference: Component, layer_of: Mapping[int, int] | None
) -> Iterator[Matched]:
    """Yield parts that hold the same place and have one shape."""
    of_reference = {(p.role, p.layer, p.expert): p for p in reference.parts}
    for part in suspect.parts:
        layer = part.layer
        if layer is not None and layer_of is not None:
            if layer not in layer_of:
                continue
            layer = layer_of[layer]
        other = of_reference.get((part.role, layer, part.expert)) or of_reference.get(
            (part.role, layer, None)
        )
        if other is not None and other.shape == part.shape:
            yield part, other


def _ranges(
    part: Part, other: Part, values: int, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, int]]:
    """Yield row ranges of at most so many values; transposed storage is read whole, once."""
    stop = part.shape[0] if stop is None else stop
    width = int(np.prod(part.shape[1:], dtype=np.int64))
    whole = part.source.transposed or other.source.transposed
    step = max(1, stop - start) if whole else max(1, values // max(width, 1))
    for first in range(start, stop, step):
        yield first, min(first + step, stop)


def _sums(
    suspect: Checkpoint, reference: Checkpoint, parts: Matched, start: int, stop: int
) -> NDArray[np.float64]:
    """Return ‖s‖², ‖r‖² and ‖s - r‖² over a range of rows."""
    total = np.zeros(3)
    with np.errstate(invalid="ignore", over="ignore"):
        for first, last in _ranges(*parts, _PIECE_VALUES, start, stop):
            s = load_part(suspect, parts[0], first, last).ravel()
            r = load_part(reference, parts[1], first, last).ravel()
            total[0] += _squares(s)
            total[1] += _squares(r)
            total[2] += _squares(np.subtract(s, r, out=s))
    return total


def _squares(x: FloatArray) -> float:
    cut = len(x) // _RUN * _RUN
    runs = x[:cut].reshape(-1, _RUN)
    rest = x[cut:].astype(np.float64)
    # A batch of inner products: one call of the BLAS per run, none so long that it would start threads of its own.
    inner = np.matmul(runs[:, None, :], runs[:, :, None])
    return float(inner.sum(dtype=np.float64)) + float(rest @ rest)


def _agreement(part: Part, own: float, theirs: float, apart: float) -> WholePart:
    place = (part.role, part.layer, part.expert)
    count = int(np.prod(part.shape, dtype=np.int64))
    if not np.isfinite([own, theirs, apart]).all():
        return WholePart(place, count, 0.0, float("inf"))
    size = float(np.sqrt(own * theirs))
    cosine = (own + theirs - apart) / 2 / size if size > 0 else 0.0
    error = float(np.sqrt(apart / theirs)) if theirs > 0 else (0.0 if own == 0 else float("inf"))
    return WholePart(place, count, min(1.0, max(-1.0, cosine)), error)
