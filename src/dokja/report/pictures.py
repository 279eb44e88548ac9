"""Pictures as inline SVG, drawn from numbers alone: the layer heat map and an effect against its null.

Colours carry nothing that is not also said by text or a number; each picture has a title for screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CELL, _LEFT, _TOP = 14, 44, 26
_WIDTH, _HEIGHT = 560, 190


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def draw_heat_map(
    strengths: NDArray[np.float64],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    path: Sequence[tuple[int, int]],
    title: str,
    axes: tuple[str, str],
) -> str:
    """Return a heat map of every suspect layer against every reference layer.

    Args:
        strengths: (n_rows, n_columns), z of each pair; NaN is drawn as "not tested".
        row_labels: (n_rows,) suspect layers.
        column_labels: (n_columns,) reference layers.
        path: Cells of the layer map, outlined.
        title: For screen readers and hovering.
        axes: Names of the row and column axes.
    """
    rows, columns = strengths.shape
    cell = max(4, min(_CELL, 640 // max(rows, columns, 1)))
    # One scale for every page: z of 0 is empty, 8 (the family-wise level) is half, 64 and more is full.
    filled = np.clip(np.log2(1 + np.maximum(np.nan_to_num(strengths), 0)) / 6, 0, 1)
    width, height = _LEFT + columns * cell + 8, _TOP + rows * cell + 24
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{_escape(title)}" font-size="10"><title>{_escape(title)}</title>'
        f'<text x="{_LEFT}" y="10">{_escape(axes[1])} →</text>'
        f'<text x="4" y="{_TOP + 8}" transform="rotate(90 4 {_TOP})">{_escape(axes[0])} →</text>'
    ]
    for row in range(rows):
        for column in range(columns):
            x, y = _LEFT + column * cell, _TOP + row * cell
            value = strengths[row, column]
            words = "—" if np.isnan(value) else f"z = {value:.1f}"
            opacity = 0.04 + 0.96 * float(filled[row, column])
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill="#1d4fa8" '
                f'fill-opacity="{opacity:.2f}"><title>{_escape(row_labels[row])} × '
                f"{_escape(column_labels[column])}: {words}</title></rect>"
            )
    step = max(1, round(24 / cell))
    for row in range(0, rows, step):
        y = _TOP + row * cell + cell * 0.75
        parts.append(f'<text x="{_LEFT - 5}" y="{y:.0f}" text-anchor="end">{_escape(row_labels[row])}</text>')
    for column in range(0, columns, step):
        x = _LEFT + column * cell + cell / 2
        parts.append(
            f'<text x="{x:.0f}" y="{_TOP - 4}" text-anchor="middle">{_escape(column_labels[column])}</text>'
        )
    for row, column in path:
        x, y = _LEFT + column * cell, _TOP + row * cell
        parts.append(
            f'<rect x="{x - 0.5}" y="{y - 0.5}" width="{cell}" height="{cell}" fill="none" '
            'stroke="#e07b00" stroke-width="1.5"/>'
        )
    return "".join(parts) + "</svg>"


def draw_against_null(
    null: Sequence[float], observed: float, controls: Sequence[tuple[str, float]], title: str, axis: str
) -> str:
    """Return a histogram of the null with the observed value and the controls marked.

    The axis is a signed square root, so that a z of 100 and a null of width 1 can both be seen.

    Args:
        null: (n_draws,) z under random re-labelling.
        observed: z that was seen.
        controls: (label, z) of the run's own controls.
        title: For screen readers.
        axis: Name of the axis.
    """
    squash = lambda z: float(np.sign(z) * np.sqrt(abs(z)))  # noqa: E731  # one expression, used only here
    marks = [("", squash(observed)), *((label, squash(z)) for label, z in controls)]
    low = min([-2.2, *(z for _, z in marks)]) - 0.2
    high = max([3.0, *(z for _, z in marks)]) + 0.4
    place = lambda z: 20 + (z - low) / (high - low) * (_WIDTH - 40)  # noqa: E731  # one expression, used only here
    counts, edges = np.histogram([squash(z) for z in null], bins=24)
    tallest = max(int(counts.max(initial=0)), 1)
    base = _HEIGHT - 34
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{_escape(title)}" font-size="11"><title>{_escape(title)}</title>'
    ]
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        bar = count / tallest * (base - 40)
        parts.append(
            f'<rect x="{place(left):.1f}" y="{base - bar:.1f}" width="{max(place(right) - place(left) - 0.5, 0.5):.1f}" '
            f'height="{bar:.1f}" fill="#8a93a3"/>'
        )
    parts.append(f'<line x1="20" x2="{_WIDTH - 20}" y1="{base}" y2="{base}" stroke="currentColor"/>')
    for z in (0, 4, 16, 64, 256):
        if low <= squash(z) <= high:
            parts.append(f'<text x="{place(squash(z)):.0f}" y="{base + 14}" text-anchor="middle">{z}</text>')
    parts.append(f'<text x="{_WIDTH / 2:.0f}" y="{_HEIGHT - 4}" text-anchor="middle">{_escape(axis)}</text>')
    for index, (label, z) in enumerate(marks):
        colour, y = ("#a8231d", 14) if index == 0 else ("#566074", 14 + 13 * index)
        words = f"z = {observed:.1f}" if index == 0 else label
        anchor = "end" if place(z) > _WIDTH * 0.7 else "start"
        parts.append(
            f'<line x1="{place(z):.1f}" x2="{place(z):.1f}" y1="{y + 3}" y2="{base}" stroke="{colour}" '
            f'stroke-width="2"/><text x="{place(z) + (-4 if anchor == "end" else 4):.1f}" y="{y}" '
            f'text-anchor="{anchor}">{_escape(words)}</text>'
        )
    return "".join(parts) + "</svg>"
