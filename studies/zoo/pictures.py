"""Invented pictures: one coloured shape on a noisy ground, with the words that describe it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPES = ("circle", "square", "triangle", "cross")
COLOURS = ("red", "green", "blue", "yellow", "white")
SIZES = ("small", "large")
_RGB = np.array(
    [[1, 0.1, 0.1], [0.1, 0.8, 0.2], [0.1, 0.2, 1], [0.95, 0.9, 0.1], [1, 1, 1]], dtype=np.float32
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """A batch of pictures with their labels.

    Args:
        pixels: (n, 3, side, side), roughly in [-1, 1].
        shape: (n,) index into SHAPES.
        colour: (n,) index into COLOURS.
        size: (n,) index into SIZES.
    """

    pixels: NDArray[np.float32]
    shape: NDArray[np.int64]
    colour: NDArray[np.int64]
    size: NDArray[np.int64]

    @property
    def label(self) -> NDArray[np.int64]:
        """One class per combination of shape, colour and size; shape (n,)."""
        return (self.shape * len(COLOURS) + self.colour) * len(SIZES) + self.size


LABELS = len(SHAPES) * len(COLOURS) * len(SIZES)


def draw(seed: int, number: int, side: int) -> Pictures:
    """Draw `number` pictures of `side` x `side` pixels."""
    rng = np.random.default_rng(seed)
    shape, colour, size = (rng.integers(len(kind), size=number) for kind in (SHAPES, COLOURS, SIZES))
    radius = side * np.where(size == 0, 0.16, 0.32) * rng.uniform(0.9, 1.1, number)
    centre = rng.uniform(0.36, 0.64, (number, 2)) * side
    grid = np.arange(side, dtype=np.float32) + 0.5
    down = grid[None, :, None] - centre[:, 0, None, None]
    right = grid[None, None, :] - centre[:, 1, None, None]
    mask = _inside(shape[:, None, None], down, right, radius[:, None, None])
    ground = rng.uniform(-0.6, 0.0, (number, 3, 1, 1)) + rng.normal(0, 0.15, (number, 3, side, side))
    paint = _RGB[colour][:, :, None, None] + rng.normal(0, 0.05, (number, 3, side, side))
    pixels = np.where(mask[:, None], paint, ground).astype(np.float32)
    return Pictures(pixels, shape.astype(np.int64), colour.astype(np.int64), size.astype(np.int64))


def _inside(shape: NDArray, down: NDArray, right: NDArray, radius: NDArray) -> NDArray[np.bool_]:
    """Say which pixels each shape covers; all arguments broadcast to (n, side, side)."""
    far = np.maximum(abs(down), abs(right))
    circle = down**2 + right**2 < radius**2
    square = far < 0.85 * radius
    triangle = (down < 0.8 * radius) & (down > -radius) & (abs(right) < 0.55 * (down + radius))
    cross = (far < radius) & (np.minimum(abs(down), abs(right)) < 0.3 * radius)
    return np.select([shape == 0, shape == 1, shape == 2], [circle, square, triangle], cross)
