"""Does what the reference *learned* persist in the suspect, or only the start they may share?

A same-seed sibling shares the initial weights, which lie evenly over all directions, and learned by itself. Training
puts structure into few leading directions. In a descendant, the reference's leading directions persist at least as
well as its trailing ones; in a sibling they persist less, because there the reference's share is its own learning.
This is an effect size against measured siblings, never a p-value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.lineage.cells import Cell
from dokja.lineage.sketch import SketchedComponent
from dokja.lineage.units import pair_up

_LEADING_SHARE = 0.05
_LEAST_LEADING = 4
_MOST_GROUPS = 8
_MOST_UNITS = 256
_LEAST_VALUES = 16
_GAIN_SPREADS = 2.0
_WIDEST_DRAW = 0.5


@dataclass(frozen=True, slots=True)
class Persistence:
    """How the reference's directions persist in the suspect.

    Args:
        leading: Mean slope of the suspect on the reference along the reference's leading directions.
        trailing: The same along its trailing half.
        ratio: leading / trailing; 0 when nothing persists along the trailing ones.
    """

    leading: float
    trailing: float
    ratio: float


def persistence(cells: Sequence[Cell]) -> Persistence | None:
    """Return how the reference's leading and trailing directions persist, over a few of the cells.

    Args:
        cells: Groups that agree.

    Returns:
        None when there are too few units or features to tell directions apart.

    Assumes:
        Initial weights without preferred directions (independent entries). A calibrated quantity.

    Source:
        Measured on same-seed siblings and descendants, docs/methods/lineage-exact.md, section "Siblings".
    """
    step = max(1, len(cells) // _MOST_GROUPS)
    slopes = []
    for cell in list(cells)[::step][:_MOST_GROUPS]:
        pair = pair_up(cell.suspect, cell.reference)
        found = None if pair is None else _slopes(pair.a.astype(np.float64), pair.b.astype(np.float64))
        if found is not None:
            slopes.append(found)
    if not slopes:
        return None
    leading, trailing = (float(np.mean(values)) for values in zip(*slopes, strict=True))
    return Persistence(leading, trailing, leading / trailing if trailing > 0 else 0.0)


def start_free_agreement(
    suspect: SketchedComponent, reference: SketchedComponent, layer_of: Mapping[int, int] | None = None
) -> float | None:
    """Return the mean centred correlation of gains and biases, of all or of those that were surely learned.

    The lesser of the two counts. Gains start at one and biases mostly at zero, whatever the seed; but some biases are
    drawn (torch draws those of its own layers), and siblings share them until they were learned. Siblings by seed share their random start; gains and biases have none, so what agrees there was learned. It only
    ever holds a verdict back: agreement of gains is never evidence of descent by itself.

    Args:
        suspect: Its component.
        reference: Its counterpart.
        layer_of: Suspect layer to reference layer; None for their own numbers.

    Returns:
        None when no gain or learned bias varies in both.

    Assumes:
        Gains start constant, and biases are not drawn wider than ordinary initialisers do. A calibrated quantity.

    Source:
        Measured on same-seed siblings and descendants, docs/methods/lineage-exact.md, section "Siblings".
    """
    theirs = {b.place: b for b in reference.blocks if b.status == "ok" and len(b.shape) == 1}
    correlations, of_learned = [], []
    for block in suspect.blocks:
        layer = block.layer if layer_of is None or block.layer is None else layer_of.get(block.layer)
        other = theirs.get((block.role, layer, block.expert))
        if block.status != "ok" or other is None or not np.array_equal(block.row_keys, other.row_keys):
            continue
        a, b = (x.values[:, 0].astype(np.float64) for x in (block, other))
        both_learned = is_learned(a) and is_learned(b)
        a, b = a - a.mean(), b - b.mean()
        size = float(np.sqrt((a @ a) * (b @ b)))
        if size > 0 and len(a) >= _LEAST_VALUES:
            correlations.append(float(a @ b) / size)
            of_learned += correlations[-1:] if both_learned else []
    return min(float(np.mean(correlations)), float(np.mean(of_learned))) if of_learned else None


def is_learned(values: NDArray[np.float64]) -> bool:
    """Return whether a vector cannot be a drawn start: it lies around one as gains do, or spreads beyond any draw.

    Args:
        values: (n,) of a gain or a bias.

    Assumes:
        Drawn biases lie within 1/sqrt(inputs), with 16 inputs and more: a spread of 0.15 at most.

    Source:
        The initialisers of torch.nn.Linear, Conv2d and LSTM.
    """
    spread = values.std()
    return bool(values.mean() > _GAIN_SPREADS * spread or spread > _WIDEST_DRAW)


def _slopes(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return slopes of a on b along b's leading directions and along its trailing half.

    With b = U S Vᵀ the slope along direction i is u_iᵀ a v_i / s_i = u_iᵀ (a bᵀ) u_i / s_i².
    """
    a, b = a[:_MOST_UNITS], b[:_MOST_UNITS]
    small_side = (b @ b.T, a @ b.T) if len(b) <= b.shape[1] else (b.T @ b, b.T @ a)
    squared, u = np.linalg.eigh(small_side[0])
    squared, u = squared[::-1], u[:, ::-1]
    rank = int(np.count_nonzero(squared > squared[0] * 1e-10)) if len(squared) and squared[0] > 0 else 0
    leading = max(_LEAST_LEADING, round(_LEADING_SHARE * rank))
    if rank < 4 * leading:
        return None
    s = np.sqrt(squared[:rank])
    along = np.einsum("ij,ij->j", u[:, :rank], small_side[1] @ u[:, :rank]) / s
    half = rank // 2
    return float(along[:leading].sum() / s[:leading].sum()), float(along[half:].sum() / s[half:].sum())
