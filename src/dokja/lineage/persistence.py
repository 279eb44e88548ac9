"""Does what the reference *learned* persist in the suspect, or only the start they may share?

A same-seed sibling shares the initial weights, which lie evenly over all directions, and learned by itself. Training
puts structure into few leading directions. In a descendant, the reference's leading directions persist at least as
well as its trailing ones; in a sibling they persist less, because there the reference's share is its own learning.
This is an effect size against measured siblings, never a p-value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.lineage.evidence import Cell
from dokja.lineage.units import pair_up

_LEADING_SHARE = 0.05
_LEAST_LEADING = 4
_MOST_GROUPS = 8


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


def _slopes(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float] | None:
    u, s, vt = np.linalg.svd(b, full_matrices=False)
    rank = int(np.count_nonzero(s > s[0] * 1e-6)) if len(s) and s[0] > 0 else 0
    leading = max(_LEAST_LEADING, round(_LEADING_SHARE * rank))
    if rank < 4 * leading:
        return None
    along = np.einsum("ij,ij->j", u[:, :rank], a @ vt[:rank].T)
    half = rank // 2
    return float(along[:leading].sum() / s[:leading].sum()), float(along[half:].sum() / s[half:rank].sum())
