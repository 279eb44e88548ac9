"""Synthetic relatives made on sketches, and named so: carried through a drift, or with some layers new.

A drift turns W into e^-kappa W + sqrt(1 - e^-2kappa) N, N independent with the spread of W's slice; a new layer is
such noise altogether.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace

import numpy as np

from dokja.lineage.sketch import Block, Sketch, from_half_precision, half_precision


def drifted(sketch: Sketch, kappa: float, rng: np.random.Generator) -> Sketch:
    """Return the sketch of a model carried through a drift; gains and biases drift about their mean."""
    return _each(sketch, lambda block: _mixed(block, math.exp(-kappa), rng))


def renewed(sketch: Sketch, layers: Collection[int], kappa: float, rng: np.random.Generator) -> Sketch:
    """Return the sketch of a model whose named layers are new and whose others drifted."""
    return _each(sketch, lambda block: _mixed(block, 0.0 if block.layer in layers else math.exp(-kappa), rng))


def _each(sketch: Sketch, change: Callable[[Block], Block]) -> Sketch:
    components = tuple(replace(c, blocks=tuple(change(b) for b in c.blocks)) for c in sketch.components)
    return replace(sketch, components=components)


def _mixed(block: Block, keep: float, rng: np.random.Generator) -> Block:
    if block.status != "ok":
        return block
    centre = block.values.mean() if len(block.shape) == 1 else 0.0
    spread = block.values.std()
    noise = rng.standard_normal(block.values.shape)
    values = centre + keep * (block.values - centre) + math.sqrt(1.0 - keep**2) * spread * noise
    return replace(block, values=from_half_precision(*half_precision(values.astype(np.float32))))
