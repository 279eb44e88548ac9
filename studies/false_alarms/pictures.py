"""Two pictures for the method page, as plain SVG: p-values against uniform ones, detection against drift."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT, MARGIN = 560, 360, 52
COLOURS = ("#0b5fa5", "#b3541e", "#2e7d32", "#6a3d9a", "#8a6d00", "#555555")
_POINTS = 120


def quantiles(p_values: np.ndarray) -> str:
    """Return p-values against what uniform ones would be, both as -log10, down to the least they can be."""
    ordered = np.sort(p_values)
    at = np.unique(np.geomspace(1, len(ordered), _POINTS).astype(int)) - 1
    expected = -np.log10((at + 0.5) / len(ordered))
    seen = -np.log10(ordered[at])
    top = float(np.ceil(seen.max()))
    expected, seen = expected[expected <= top], seen[expected <= top]
    shapes = [_line([(0, 0), (top, top)], top, top, "#888888", dashed=True)]
    shapes += [
        f'<circle cx="{_x(e, top):.1f}" cy="{_y(s, top):.1f}" r="2.4" fill="{COLOURS[0]}"/>'
        for e, s in zip(expected, seen, strict=True)
    ]
    title = f"Monte-Carlo p-values of {len(p_values):,} groups of unrelated models"
    return _frame(title, "expected −log10 p", "seen −log10 p", top, top, shapes)


def detection(drift: dict[str, Sequence[dict[str, Any]]]) -> str:
    """Return the share of detections of the main component against drift, one line per reference."""
    largest = max(row["kappa"] for rows in drift.values() for row in rows)
    shapes = []
    for number, (name, rows) in enumerate(drift.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = []
        for row in rows:
            main = next(
                found
                for kind, found in row["components"].items()
                if kind in ("language_model", "vision_encoder")
            )
            share = main["detected"] / row["draws"]
            # Lines that coincide are set apart by a hair, inwards from 0 and 1.
            points.append((row["kappa"], share - 0.012 * number * (2.0 * share - 1.0)))
        shapes.append(_line(points, largest, 1.0, colour))
        y = MARGIN + 16 * number + 60
        shapes.append(f'<text x="{MARGIN + 12}" y="{y}" fill="{colour}" font-size="12">{escape(name)}</text>')
    title = "Share of synthetic descendants that were seen (simulated drift)"
    return _frame(title, "drift κ", "share seen", largest, 1.0, shapes)


def _x(value: float, top: float) -> float:
    return MARGIN + value / top * (WIDTH - MARGIN - 20)


def _y(value: float, top: float) -> float:
    return HEIGHT - MARGIN - value / top * (HEIGHT - MARGIN - 44)


def _line(
    points: Sequence[tuple[float, float]], right: float, top: float, colour: str, *, dashed: bool = False
) -> str:
    path = " ".join(f"{_x(x, right):.1f},{_y(y, top):.1f}" for x, y in points)
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dash}/>'


def _frame(title: str, across: str, up: str, right: float, top: float, shapes: Sequence[str]) -> str:
    ticks = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _x(share * right, right), _y(share * top, top)
        ticks.append(
            f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{share * right:g}</text>'
            f'<text x="{MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{share * top:g}</text>'
            f'<line x1="{MARGIN}" y1="{y:.1f}" x2="{WIDTH - 20}" y2="{y:.1f}" stroke="#e6e6e6"/>'
        )
    middle = (HEIGHT - MARGIN + 44) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"',
            ' font-family="sans-serif" font-size="12" fill="#222222">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{MARGIN}" y="24" font-size="14">{escape(title)}</text>',
            *ticks,
            *shapes,
            f'<text x="{(WIDTH + MARGIN) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
            f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
            "</svg>",
            "",
        ]
    )
