"""The exact statistic between two components: every layer against every layer, then the chosen map, paid for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dokja.lineage.all_pairs import z_of_all_pairs
from dokja.lineage.layer_map import LayerMap, find_layer_map
from dokja.lineage.units import LEAST_UNITS, Features, UnitGroup, pair_up, sampled_alike
from dokja.stats.permutation import (
    TraceStatistic,
    cross_product,
    log10_pooled_tail,
    log10_tail,
    trace_statistic,
)

Matrix = NDArray[np.float64]

# Cells this far out get a tail bound of their own; below, the bound is not worth computing and is stated as 1.
_WORTH_A_BOUND = 4.0
_LEAST_EXPERTS = 2


@dataclass(frozen=True)
class Cell:
    """Agreement of one suspect group with one reference group.

    Args:
        suspect, reference: The two groups.
        c: (n, n) double-centred agreement, scaled so that its null standard deviation is 1.
        statistic: Trace, z, effect, efficiency.
        norms: ‖A‖ ‖B‖, what the trace would be at an effect of 1.
        roles: Slabs it rests on.
    """

    suspect: UnitGroup
    reference: UnitGroup
    c: Matrix
    statistic: TraceStatistic
    norms: float
    roles: tuple[str, ...]

    @property
    def place(self) -> tuple[int | None, int | None, int | None]:
        """Reference layer, expert and head: what is re-labelled independently."""
        return self.reference.layer, self.reference.expert, self.reference.head

    @cached_property
    def log10_p(self) -> float:
        """Tail bound; 0 (no evidence) where z is too small for a bound to be worth its computation."""
        return log10_tail(self.c) if self.statistic.z >= _WORTH_A_BOUND else 0.0


@dataclass(frozen=True)
class Pooled:
    """One statistic over independently labelled reference groups.

    Args:
        z: Pooled z, (Σ z_l) / sqrt(L).
        rho: Σ T / Σ ‖A‖‖B‖ over all cells.
        k_eff: Mean efficiency of the cells.
        matrices: One matrix per reference group.
    """

    z: float
    rho: float
    k_eff: float
    matrices: tuple[Matrix, ...]

    @cached_property
    def log10_p(self) -> float:
        """Upper bound, not yet paid for any choice."""
        return log10_pooled_tail(self.matrices) if self.matrices else 0.0


@dataclass(frozen=True, slots=True)
class Scan:
    """Every suspect layer against every reference layer.

    Args:
        suspect_layers, reference_layers: Layer numbers of rows and columns.
        z: (L_s, L_r).
        layer_map: The map chosen from it, in positions of `z`.
        experts: (suspect layer, suspect expert) to reference expert, where experts were matched by looking.
        log10_expert_cost: Decades to pay for that matching.
        n_cells: Pairs of MLPs looked at.
    """

    suspect_layers: tuple[int, ...]
    reference_layers: tuple[int, ...]
    z: Matrix
    layer_map: LayerMap
    experts: dict[tuple[int, int], int]
    log10_expert_cost: float
    n_cells: int


def make_cell(suspect: UnitGroup, reference: UnitGroup) -> Cell | None:
    """Return the agreement of two groups, or None when they have too little in common.

    Args:
        suspect: Group of the suspect.
        reference: Group of the reference.

    Assumes:
        As `stats.permutation.trace_statistic`.

    Source:
        The same.
    """
    if (
        suspect.kind == "residual"
        and len(suspect.unit_keys) >= LEAST_UNITS
        and sampled_alike(suspect, reference)
    ):
        # Every part of a model side by side would be gigabytes for a deep one; agreement adds up over slabs.
        slabs: Iterable[tuple[Features, Features]] = zip(
            suspect.slab_features(), reference.slab_features(), strict=True
        )
        roles = tuple(slab.role for slab in suspect.slabs)
    else:
        pair = pair_up(suspect, reference)
        if pair is None:
            return None
        slabs, roles = [(pair.a, pair.b)], pair.roles
    c: Matrix = np.zeros((0, 0))
    squared_a = squared_b = 0.0
    for a, b in slabs:
        c = c + cross_product(a, b) if c.size else cross_product(a, b)
        squared_a, squared_b = squared_a + _squared(a), squared_b + _squared(b)
    norms = math.sqrt(squared_a), math.sqrt(squared_b)
    statistic = trace_statistic(c, *norms)
    sd = math.sqrt(statistic.variance)
    if sd > 0:
        c /= sd
    return Cell(suspect, reference, c, statistic, norms[0] * norms[1], roles)


def pool(cells: Sequence[Cell]) -> Pooled:
    """Return the pooled statistic of cells; those of one reference group share its one re-labelling.

    Assumes:
        The re-labellings of different reference groups (layers, experts, heads) are independent and uniform, given
        the labelling of the residual dimensions. The suspect may be anything.

    Source:
        `stats.permutation.log10_pooled_tail`; sums of independent statistics over their standard deviations.
    """
    by_place: dict[tuple[int | None, int | None, int | None], list[Cell]] = {}
    for cell in cells:
        by_place.setdefault(cell.place, []).append(cell)
    matrices: list[Matrix] = []
    for same in by_place.values():
        sizes = {len(cell.c) for cell in same}
        if len(same) == 1:
            matrices.append(same[0].c)
        elif len(sizes) == 1:
            matrices.append(np.sum([cell.c for cell in same], axis=0))
        else:  # the units in common differ: keep the first, a choice made without looking at agreement
            matrices.append(same[0].c)
    norms = sum(cell.norms for cell in cells)
    zs = [_z(c) for c in matrices]
    return Pooled(
        z=float(sum(zs) / math.sqrt(len(zs))) if zs else 0.0,
        rho=float(sum(cell.statistic.trace for cell in cells) / norms) if norms > 0 else 0.0,
        k_eff=float(np.mean([cell.statistic.k_eff for cell in cells])) if cells else 0.0,
        matrices=tuple(matrices),
    )


def scan_layers(
    suspect: Sequence[UnitGroup], reference: Sequence[UnitGroup], *, match_experts: bool
) -> Scan | None:
    """Return z of every suspect layer against every reference layer, and the map it suggests.

    Args:
        suspect: MLP groups of the suspect.
        reference: MLP groups of the reference.
        match_experts: Whether to look for each suspect expert's best reference expert, and pay for it; otherwise
            experts are compared by number.

    Returns:
        None when there are no experts to match, or no two groups have units and features in common.

    Assumes:
        As `all_pairs.z_of_all_pairs`; what is chosen by looking is paid for.

    Source:
        docs/methods/lineage-exact.md, "Paying for looking".
    """
    routed = [g for g in suspect if g.expert is not None and g.expert >= 0]
    widest = max(sum(1 for g in reference if g.layer == r.layer and g.expert is not None) for r in reference)
    if match_experts and (not routed or widest < _LEAST_EXPERTS):
        return None
    z = z_of_all_pairs(suspect, reference)
    if z is None:
        return None
    rows, columns = _layers(suspect), _layers(reference)
    n_cells = int(np.count_nonzero(~np.isnan(z)))
    if not match_experts:
        by_number = _by_layer(z, suspect, reference, rows, columns)
        return Scan(rows, columns, by_number, find_layer_map(by_number), {}, 0.0, n_cells)
    best, experts = _best_experts(z, suspect, reference, rows, columns)
    cost = len(routed) * math.log10(widest)
    return Scan(rows, columns, best, find_layer_map(best), experts, cost, n_cells)


def mapped_cells(scan: Scan, suspect: Sequence[UnitGroup], reference: Sequence[UnitGroup]) -> list[Cell]:
    """Return the cells of every MLP on the scan's layer map, experts by number or as they were matched.

    Assumes:
        As `make_cell`.

    Source:
        The same.
    """
    of_reference = {(g.layer, g.expert): g for g in reference}
    layer_of = {scan.suspect_layers[s]: scan.reference_layers[r] for s, r in scan.layer_map.pairs}
    cells = []
    for group in suspect:
        layer = -1 if group.layer is None else group.layer
        if layer not in layer_of:
            continue
        target = _target(group, layer_of[layer], scan, of_reference)
        cell = make_cell(group, target) if target is not None else None
        if cell is not None:
            cells.append(cell)
    return cells


def _target(
    group: UnitGroup,
    layer: int,
    scan: Scan,
    of_reference: dict[tuple[int | None, int | None], UnitGroup],
) -> UnitGroup | None:
    at = None if layer == -1 else layer
    if group.layer is not None and group.expert is not None:
        matched = scan.experts.get((group.layer, group.expert))
        if matched is not None:
            return of_reference.get((at, matched))
    return of_reference.get((at, group.expert)) or of_reference.get((at, None))


def _layers(groups: Sequence[UnitGroup]) -> tuple[int, ...]:
    return tuple(sorted({-1 if g.layer is None else g.layer for g in groups}))


def _by_layer(
    z: Matrix,
    suspect: Sequence[UnitGroup],
    reference: Sequence[UnitGroup],
    rows: tuple[int, ...],
    columns: tuple[int, ...],
) -> Matrix:
    """Return (L_s, L_r) z of layers, experts paired by number, or all with the one dense MLP."""
    out = np.zeros((len(rows), len(columns)))
    for i, s in enumerate(rows):
        mine = [k for k, g in enumerate(suspect) if (-1 if g.layer is None else g.layer) == s]
        for j, r in enumerate(columns):
            theirs = {
                g.expert: k for k, g in enumerate(reference) if (-1 if g.layer is None else g.layer) == r
            }
            experts = {k: e if (e := suspect[k].expert) in theirs else None for k in mine}
            cells = [z[k, theirs[e]] for k, e in experts.items() if e in theirs]
            known = [value for value in cells if not np.isnan(value)]
            out[i, j] = sum(known) / math.sqrt(len(known)) if known else 0.0
    return out


def _best_experts(
    z: Matrix,
    suspect: Sequence[UnitGroup],
    reference: Sequence[UnitGroup],
    rows: tuple[int, ...],
    columns: tuple[int, ...],
) -> tuple[Matrix, dict[tuple[int, int], int]]:
    """Return (L_s, L_r) z with every suspect expert on its best reference MLP of the layer, and those choices."""
    known = np.where(np.isnan(z), -np.inf, z)
    out = np.zeros((len(rows), len(columns)))
    choice: dict[tuple[int, int, int], int] = {}
    for i, s in enumerate(rows):
        mine = [k for k, g in enumerate(suspect) if (-1 if g.layer is None else g.layer) == s]
        for j, r in enumerate(columns):
            theirs = [k for k, g in enumerate(reference) if (-1 if g.layer is None else g.layer) == r]
            total = 0.0
            for k in mine:
                at = max(theirs, key=lambda t, k=k: known[k, t])  # type: ignore[misc]
                total += max(float(known[k, at]), 0.0)
                expert, matched = suspect[k].expert, reference[at].expert
                if expert is not None and matched is not None:
                    choice[(s, expert, r)] = matched
            out[i, j] = total / math.sqrt(len(mine)) if mine else 0.0
    # Best-of-many is biased upwards: what noise alone would reach is taken off before a map is chosen.
    out -= np.median(out)
    best = {s: columns[int(out[i].argmax())] for i, s in enumerate(rows)} if len(columns) else {}
    return out, {(s, e): m for (s, e, r), m in choice.items() if best.get(s) == r}


def _squared(x: Features) -> float:
    return float(np.einsum("ij,ij->i", x, x).sum(dtype=np.float64))


def _z(c: Matrix) -> float:
    sd = math.sqrt(float(np.einsum("ij,ij->", c, c)) / (len(c) - 1)) if len(c) > 1 else 0.0
    return float(np.trace(c)) / sd if sd > 0 else 0.0
