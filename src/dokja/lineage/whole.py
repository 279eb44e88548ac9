"""Every value of two components, streamed once in bounded pieces: how far apart are they, tensor by tensor?

The permutation test needs a sample only; this pass tells a copy from a descendant, and gives the raw agreement of
every tensor. It carries no p-value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from dokja.anatomy.part import Component, Part, load_part
from dokja.checkpoint.checkpoint import Checkpoint, FloatArray

_PIECE_BYTES = 8 << 20

Place = tuple[str, int | None, int | None]


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
    """
    of_reference = {(p.role, p.layer, p.expert): p for p in reference[1].parts}
    out = []
    for part in suspect[1].parts:
        layer = part.layer
        if layer is not None and layer_of is not None:
            if layer not in layer_of:
                continue
            layer = layer_of[layer]
        other = of_reference.get((part.role, layer, part.expert)) or of_reference.get(
            (part.role, layer, None)
        )
        if other is not None and other.shape == part.shape:
            out.append(_compare(suspect[0], part, reference[0], other))
    return tuple(out)


def _compare(checkpoint: Checkpoint, part: Part, other_checkpoint: Checkpoint, other: Part) -> WholePart:
    dot = own = theirs = 0.0
    count = 0
    with np.errstate(invalid="ignore", over="ignore"):
        for start, stop in _pieces(part, other):
            s = load_part(checkpoint, part, start, stop).ravel()
            r = load_part(other_checkpoint, other, start, stop).ravel()
            dot += _dot(s, r)
            own += _dot(s, s)
            theirs += _dot(r, r)
            count += s.size
    place = (part.role, part.layer, part.expert)
    if not np.isfinite([dot, own, theirs]).all():
        return WholePart(place, count, 0.0, float("inf"))
    size = float(np.sqrt(own * theirs))
    # ‖s - r‖² from three sums loses digits only below 1e-3 of ‖r‖, where every stored type has rounded already.
    apart = float(np.sqrt(max(own + theirs - 2.0 * dot, 0.0)))
    error = apart / float(np.sqrt(theirs)) if theirs > 0 else (0.0 if own == 0 else float("inf"))
    return WholePart(place, count, dot / size if size > 0 else 0.0, error)


def _dot(a: FloatArray, b: FloatArray) -> float:
    """Return a·b, float32 products by pieces of a row's length, float64 between them."""
    width = 1 << 14
    cut = len(a) // width * width
    blocks = np.einsum("ij,ij->i", a[:cut].reshape(-1, width), b[:cut].reshape(-1, width)) if cut else a[:0]
    return float(blocks.sum(dtype=np.float64)) + float(
        np.dot(a[cut:].astype(np.float64), b[cut:].astype(np.float64))
    )


def _pieces(*parts: Part) -> Iterator[tuple[int, int]]:
    """Yield row ranges of at most a few megabytes; transposed storage is read whole, once."""
    rows = parts[0].shape[0]
    width = int(np.prod(parts[0].shape[1:], dtype=np.int64))
    step = rows if any(p.source.transposed for p in parts) else max(1, _PIECE_BYTES // (4 * max(width, 1)))
    for start in range(0, rows, max(step, 1)):
        yield start, min(start + step, rows)
