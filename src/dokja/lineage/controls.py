"""Controls run through the same code as the comparison: strangers made by re-labelling, kin made by drift."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dokja.lineage.cells import Cell, Matrix, make_cell
from dokja.lineage.units import Slab, UnitGroup
from dokja.stats.permutation import log10_pooled_tail

# A training schedule's kappa = Σ learning rate × weight decay: what decoupled decay leaves of the start is e^-kappa.
DEFAULT_KAPPA = 1.0
_LARGEST_KAPPA = 12.0
_GROUPS_FOR_POWER = 3
_CONTROL_LAYERS = 8


@dataclass(frozen=True, slots=True)
class Power:
    """What would have been seen.

    Args:
        kappa: The declared schedule.
        power: Probability of p <= threshold for a descendant that drifted by `kappa`, in [0, 1].
        detectable_kappa: Largest drift still seen with even odds; 0 when not even the reference itself would be.
        detectable_rho: Effect at that drift; infinity when none.
    """

    kappa: float
    power: float
    detectable_kappa: float
    detectable_rho: float


def few_layers(
    mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup]
) -> tuple[list[UnitGroup], list[UnitGroup]]:
    """Return the groups of a few layers, evenly taken from those that both sides have; all where they are few.

    Controls say whether the code tells strangers from kin, for which a few layers are as good as all.

    Args:
        mine: Groups of the suspect.
        theirs: Groups of the reference.

    Assumes:
        Nothing: layers are chosen by number, before looking.

    Source:
        docs/methods/lineage-exact.md, "What is said".
    """
    common = sorted(
        {g.layer for g in mine if g.layer is not None} & {g.layer for g in theirs if g.layer is not None}
    )
    if len(common) <= _CONTROL_LAYERS:
        return list(mine), list(theirs)
    chosen = {common[i * len(common) // _CONTROL_LAYERS] for i in range(_CONTROL_LAYERS)}
    return [g for g in mine if g.layer in chosen], [g for g in theirs if g.layer in chosen]


def relabelled(groups: Sequence[UnitGroup], seed: int) -> list[UnitGroup]:
    """Return the groups with the units of each under random labels: strangers by construction.

    Assumes:
        Nothing: labels are drawn uniformly.

    Source:
        The null hypothesis itself, made.
    """
    rng = np.random.default_rng([seed, 1])
    out = []
    for group in groups:
        order = rng.permutation(len(group.unit_keys))
        slabs = tuple(replace(slab, values=slab.values[order]) for slab in group.slabs)
        out.append(replace(group, slabs=slabs))
    return out


def drifted(groups: Sequence[UnitGroup], kappa: float, seed: int) -> list[UnitGroup]:
    """Return the groups after a synthetic drift: shrunk by e^-kappa, noise added up to their old spread.

    Args:
        groups: Of the reference.
        kappa: Drift, at least 0; infinity leaves noise alone.
        seed: Of the noise.

    Assumes:
        A simulation, named so wherever it is shown: decoupled weight decay shrinks what was there by e^-kappa and
        gradients put unrelated values of equal variance in its place.

    Source:
        AdamW's decoupled decay, Loshchilov and Hutter 2019 (arXiv 1711.05101), as a stationary process.
    """
    rng = np.random.default_rng([seed, 2])
    keep = math.exp(-kappa)
    fresh = math.sqrt(1.0 - keep**2)
    return [replace(g, slabs=tuple(_drift(slab, keep, fresh, rng) for slab in g.slabs)) for g in groups]


def power_at(reference: Sequence[UnitGroup], kappa: float, needed_log10_p: float, seed: int) -> Power:
    """Return what a comparison with this reference would have seen.

    A few groups stand for all: the bound's logarithm is additive over groups, so it is scaled by their number.

    Args:
        reference: Groups the test would use.
        kappa: Declared drift.
        needed_log10_p: Bound that must be reached, after everything it pays for.
        seed: Of the noise.

    Assumes:
        The synthetic drift of `drifted`; the noise's agreement is normal about its mean; chosen groups stand for all.

    Source:
        A simulation, docs/methods/lineage-exact.md.
    """
    step = max(1, len(reference) // _GROUPS_FOR_POWER)
    chosen = list(reference)[::step][:_GROUPS_FOR_POWER]
    itself = [make_cell(g, g) for g in chosen]
    noise = [make_cell(n, g) for n, g in zip(drifted(chosen, math.inf, seed), chosen, strict=True)]
    pairs = [
        (_raw(s), _raw(n)) for s, n in zip(itself, noise, strict=True) if s is not None and n is not None
    ]
    if not pairs:
        return Power(kappa, 0.0, 0.0, math.inf)
    scale = len(reference) / len(pairs)

    def seen(k: float) -> float:
        return scale * log10_pooled_tail([_mix(s, n, k) for s, n in pairs], tighten=False)

    if seen(0.0) > needed_log10_p:
        return Power(kappa, 0.0, 0.0, math.inf)
    low, high = 0.0, _LARGEST_KAPPA
    for _ in range(7):
        middle = (low + high) / 2
        low, high = (middle, high) if seen(middle) <= needed_log10_p else (low, middle)
    margin = _z(pairs, kappa, scale) - _z(pairs, low, scale)
    return Power(kappa, 0.5 * math.erfc(-margin / math.sqrt(2.0)), low, math.exp(-low))


def _drift(slab: Slab, keep: float, fresh: float, rng: np.random.Generator) -> Slab:
    spread = float(slab.values.std())
    noise = rng.standard_normal(slab.values.shape, dtype=np.float32)
    centre = float(slab.values.mean()) if slab.is_gain else 0.0
    values = centre + keep * (slab.values - centre) + np.float32(fresh * spread) * noise
    return replace(slab, values=values.astype(np.float32))


def _raw(cell: Cell) -> Matrix:
    return cell.c * math.sqrt(cell.statistic.variance)


def _mix(itself: Matrix, noise: Matrix, kappa: float) -> Matrix:
    keep = math.exp(-kappa)
    return keep * itself + math.sqrt(1.0 - keep**2) * noise


def _z(pairs: Sequence[tuple[Matrix, Matrix]], kappa: float, scale: float) -> float:
    """Return the expected pooled z over all groups at a drift (the noise's own agreement is left out)."""
    total = 0.0
    for itself, noise in pairs:
        c = _mix(itself, noise, kappa)
        sd = math.sqrt(float((c**2).sum()) / max(len(c) - 1, 1))
        total += math.exp(-kappa) * float(np.trace(itself)) / sd if sd > 0 else 0.0
    return total / math.sqrt(len(pairs)) * math.sqrt(scale)
