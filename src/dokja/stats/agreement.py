"""Agreement between raters beyond chance."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Scale(StrEnum):
    """What differences between two marks mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


def krippendorff_alpha(marks: Floats, marked: Bools, scale: Scale) -> float:
    """Return Krippendorff's alpha: 1 for perfect agreement, 0 for what chance gives, negative for less.

    Args:
        marks: (raters, things); ignored where `marked` is false.
        marked: (raters, things) who marked what.
        scale: What differences mean.

    Raises:
        InvalidInput: Shapes differ, nothing was marked twice, or every mark is the same, so that chance would agree too.

    Assumes:
        Raters are interchangeable and mark independently. A thing only one rater marked says nothing and is left out.

    Source:
        Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability, sections C and D (coincidence matrices).
    """
    if marks.shape != marked.shape or marks.ndim != 2:
        raise InvalidInput("Marks and who marked what are raters by things.")
    pairable = marked & (marked.sum(0) >= 2)
    if not pairable.any():
        raise InvalidInput("Agreement needs things that two raters marked.")
    values, index = np.unique(marks[pairable], return_inverse=True)
    if values.size < 2:
        raise InvalidInput("All marks are the same; whether raters agree beyond chance cannot be said.")
    things = np.nonzero(pairable)[1]
    counts = np.zeros((marks.shape[1], values.size))
    np.add.at(counts, (things, index), 1.0)
    counts = counts[counts.sum(1) > 0]
    coincidences = (counts.T / (counts.sum(1) - 1)) @ counts - np.diag(
        (counts / (counts.sum(1, keepdims=True) - 1)).sum(0)
    )
    margins = coincidences.sum(1)
    distance = _squared_distance(values, margins, scale)
    total = float(margins.sum())
    observed = float((coincidences * distance).sum())
    expected = float((np.outer(margins, margins) * distance).sum()) / (total - 1)
    return float(1.0 - observed / expected)


def _squared_distance(values: Floats, margins: Floats, scale: Scale) -> Floats:
    """Return squared differences between values, (values, values)."""
    if scale is Scale.NOMINAL:
        return 1.0 - np.eye(values.size)
    if scale is Scale.INTERVAL:
        return np.square(values[:, None] - values)
    upto = np.cumsum(margins)
    place = upto - margins / 2
    return np.square(place[:, None] - place)


def kendall_w(marks: Floats) -> float:
    """Return Kendall's coefficient of concordance: 1 when raters order things alike, 0 when not at all.

    Args:
        marks: (raters, things), complete, at least two of each.

    Raises:
        InvalidInput: Too few raters or things, or no rater tells anything apart.

    Assumes:
        Only each rater's order matters; ties take the mean of the ranks they cover, with the usual correction.

    Source:
        Kendall, M. G. & Babington Smith, B. (1939). The problem of m rankings. Ann. Math. Stat. 10(3), with ties as in
        Kendall (1962), Rank Correlation Methods, §6.10.
    """
    if marks.ndim != 2 or min(marks.shape) < 2:
        raise InvalidInput("Concordance needs at least two raters and two things.")
    raters, things = marks.shape
    below = (marks[:, None, :] < marks[:, :, None]).sum(2)
    level = (marks[:, None, :] == marks[:, :, None]).sum(2)
    placed = below + (level + 1) / 2
    spread = np.square(placed.sum(0) - raters * (things + 1) / 2).sum()
    ties = (np.square(level) - 1).sum()
    most = raters * raters * (things**3 - things) / 12 - raters * ties / 12
    if most <= 0:
        raise InvalidInput("No rater tells anything apart.")
    return float(spread / most)
