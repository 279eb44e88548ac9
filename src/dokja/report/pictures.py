"""Pictures as inline SVG, drawn from numbers alone: the layer heat map and an effect against its null.

Colours carry nothing that is not also said by text or a number; each picture has a title for screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dokja.report.page import render_picture

_LEFT, _TOP = 44, 26
_WIDTH, _HEIGHT = 560, 190
_BASE = _HEIGHT - 34


def draw_heat_map(
    strengths: NDArray[np.float64],
    labels: tuple[Sequence[str], Sequence[str]],
    path: Sequence[tuple[int, int]],
    title: str,
    axes: tuple[str, str],
) -> str:
    """Return a heat map of every suspect layer against every reference layer.

    Args:
        strengths: (n_rows, n_columns), z of each pair; NaN is drawn as "not tested".
        labels: Names of the rows (suspect layers) and of the columns (reference layers).
        path: (row, column) cells of the layer map, outlined.
        title: For screen readers and hovering.
        axes: Names of the row and column axes.
    """
    rows, columns = strengths.shape
    cell = max(4, min(30, 480 // max(rows, columns, 1)))
    x = [_LEFT + column * cell for column in range(columns)]
    y = [_TOP + row * cell for row in range(rows)]
    # One scale for every page: z of 0 is empty, 8 (about the family-wise level) is half, 64 and more is full.
    filled = np.clip(np.log2(1 + np.maximum(np.nan_to_num(strengths), 0)) / 6, 0, 1)
    step = max(1, round(22 / cell))
    return render_picture(
        "heat_map.svg.jinja",
        width=max(_LEFT + columns * cell + 8, 160),
        height=_TOP + rows * cell + 8,
        left=_LEFT,
        top=_TOP,
        cell=cell,
        title=title,
        axes=axes,
        cells=[
            (
                x[j],
                y[i],
                f"{0.04 + 0.96 * filled[i, j]:.2f}",
                f"{labels[0][i]} × {labels[1][j]}: {_z(strengths[i, j])}",
            )
            for i in range(rows)
            for j in range(columns)
        ],
        row_ticks=[(round(y[i] + 0.75 * cell), labels[0][i]) for i in range(0, rows, step)],
        column_ticks=[(round(x[j] + cell / 2), labels[1][j]) for j in range(0, columns, step)],
        outlined=[(x[j], y[i]) for i, j in path],
    )


def _z(value: float) -> str:
    return "—" if np.isnan(value) else f"z = {value:.1f}"


def draw_against_null(
    null: tuple[Sequence[float], Sequence[int]],
    observed: float,
    controls: Sequence[tuple[str, float]],
    title: str,
    axis: str,
) -> str:
    """Return a histogram of the null with the observed value and the run's controls marked.

    The axis is a signed square root, so that a z of 100 and a null of width 1 can both be seen.

    Args:
        null: (n_bins + 1,) edges in z and (n_bins,) counts, under random re-labelling.
        observed: z that was seen.
        controls: (label, z) of each control.
        title: For screen readers.
        axis: Name of the axis.
    """
    edges, counts = null
    marks = [(f"z = {observed:.1f}", observed), *controls]
    spread = [*edges, *(z for _, z in marks), -4.0, 9.0]
    low, high = _root(min(spread)) - 0.2, _root(max(spread)) + 0.4

    def place(root: float) -> float:
        return round(20 + (root - low) / (high - low) * (_WIDTH - 40), 1)

    top = _BASE - 14 * len(marks) - 8
    heights = [count / max(*counts, 1) * top for count in counts]
    bounds = [place(_root(edge)) for edge in edges]
    return render_picture(
        "against_null.svg.jinja",
        width=_WIDTH,
        height=_HEIGHT,
        base=_BASE,
        title=title,
        axis=axis,
        bars=[
            (left, round(_BASE - bar, 1), max(round(right - left - 0.5, 1), 0.5), round(bar, 1))
            for bar, left, right in zip(heights, bounds[:-1], bounds[1:], strict=True)
        ],
        ticks=[(place(_root(z)), z) for z in (0, 4, 16, 64, 256) if low <= _root(z) <= high],
        marks=[
            (place(_root(z)), 14 + 14 * row, words, row == 0, place(_root(z)) > _WIDTH * 0.55)
            for row, (words, z) in enumerate(marks)
        ],
    )


def _root(z: float) -> float:
    return float(np.sign(z) * np.sqrt(abs(z)))
