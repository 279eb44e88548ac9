"""Everything the exact arm sees of one component against one counterpart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dokja.canonical import JSON
from dokja.finding import Reason
from dokja.lineage.cells import (
    Cell,
    Pooled,
    Scan,
    make_cell,
    mapped_cells,
    pool,
    scan_layers,
)
from dokja.lineage.controls import Power, drifted, few_layers, power_at, relabelled
from dokja.lineage.detail import cell_json, coverage_by_role, layers_json, null_picture
from dokja.lineage.persistence import Persistence, persistence, start_free_agreement
from dokja.lineage.relation import FAMILY_WISE_LOG10
from dokja.lineage.sketch import SketchedComponent
from dokja.lineage.units import UnitGroup, mlp_groups, residual_group, value_groups


@dataclass(frozen=True, slots=True)
class Control:
    """A control: its own pooled z, effect and bound, through the same code, over a few layers."""

    log10_p: float
    z: float
    effect: float
    n_groups: int

    def as_json(self) -> dict[str, JSON]:
        """Return its figures."""
        return {
            "p_value_log10": self.log10_p,
            "z": self.z,
            "effect": self.effect,
            "n_groups": self.n_groups,
        }


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """What was seen of one component against one counterpart.

    Args:
        log10_p: Bound after paying for the layer map; None when nothing could be tested.
        z, effect: Pooled z and ρ over the layers that agree (over all on the map when none stands out).
        is_private: Whether it rests on a private group.
        is_in_place: Whether layers come from layers of their own number.
        mapped_share: Share of the suspect's MLPs that agree by themselves.
        layer_pairs: (suspect layer, reference layer) that agree.
        frame_log10_p, frame_z, frame_effect: The residual dimensions, as one joint statistic.
        persistence: How what the reference learned persists; None where nothing agrees or it cannot be told.
        start_free: Agreement of gains and biases, which start alike whatever the seed; None where there are none.
        power: What would have been seen.
        negative, positive: Controls.
        coverage_share: Share of the component's parameters in tensors that were tested.
        gain_cosine: Raw cosine of norm gains, which means nothing.
        widths_differ: Whether units or residual dimensions differ in number.
        untestable: Why nothing could be tested, or None.
        skipped: Tensors left out, with why.
        detail: What pictures need; documented in docs/methods/lineage-exact.md.
        order_unknown: Whether names did not tell the order of layers, so that a shuffled map counts as in place.
    """

    log10_p: float | None
    z: float
    effect: float
    is_private: bool
    is_in_place: bool
    mapped_share: float
    layer_pairs: tuple[tuple[int, int], ...]
    frame_log10_p: float
    frame_z: float
    frame_effect: float
    persistence: Persistence | None
    start_free: float | None
    power: Power
    negative: Control | None
    positive: Control | None
    coverage_share: float
    gain_cosine: float | None
    widths_differ: bool
    untestable: Reason | None
    skipped: tuple[tuple[str, str], ...]
    detail: dict[str, JSON]
    order_unknown: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass of the test: the same code for the suspect and for both controls."""

    scan: Scan | None
    cells: list[Cell]
    pooled: Pooled
    log10_p: float


def gather(
    suspect: SketchedComponent,
    reference: SketchedComponent,
    needed_log10_p: float,
    kappa: float,
    seed: int,
    draws: int,
) -> PairEvidence:
    """Return everything seen of a pair of components.

    Args:
        suspect: The suspect's component.
        reference: Its counterpart.
        needed_log10_p: Bound at which a link is called, for the power statement.
        kappa: Declared drift, for the same.
        seed: Of controls and draws.
        draws: Monte-Carlo re-labellings.

    Assumes:
        The reference's units are exchangeable; nothing of the suspect.

    Source:
        docs/methods/lineage-exact.md.
    """
    mine, theirs = _private(suspect), _private(reference)
    run = _private_run(mine, theirs)
    frame = _frame(suspect, reference, run.scan if run else None)
    is_private = run is not None and bool(run.cells)
    if not is_private:
        run = _frame_run(frame)
        mine, theirs = _frame_groups(suspect, reference)
    skipped = _skipped(suspect, reference)
    if run is None or not run.cells:
        return _nothing(suspect, reference, kappa, skipped)
    if not is_private and _only_gains(run.cells):
        return _nothing(suspect, reference, kappa, skipped, Reason("lineage.norm_gains_only"))
    pairs, share, in_place = _agreement(run, suspect, needed_log10_p)
    pooled = _pool_of(run, pairs)
    again = _private_run if is_private else _frame_again
    used = [cell.reference for cell in run.cells]
    mine, theirs = few_layers(mine, theirs)
    negative = _control(again(relabelled(mine, seed), theirs))
    positive = _control(again(drifted(theirs, kappa, seed), theirs))
    cost = run.scan.layer_map.log10_cost if run.scan else 0.0
    return PairEvidence(
        log10_p=run.log10_p,
        z=pooled.z,
        effect=pooled.rho,
        is_private=is_private,
        is_in_place=in_place,
        mapped_share=share,
        layer_pairs=pairs,
        frame_log10_p=frame.log10_p if frame else 0.0,
        frame_z=frame.statistic.z if frame else 0.0,
        frame_effect=frame.statistic.rho if frame else 0.0,
        persistence=persistence(_agreeing(run, pairs)) if run.log10_p <= needed_log10_p else None,
        start_free=start_free_agreement(suspect, reference, dict(pairs) or None),
        power=power_at(_unique(used), kappa, needed_log10_p - cost, seed),
        negative=negative,
        positive=positive,
        coverage_share=_coverage(suspect, run.cells, frame),
        gain_cosine=_gain_cosine(suspect, reference),
        widths_differ=_widths_differ(suspect, reference),
        untestable=None,
        skipped=skipped,
        detail=_detail(run, frame, suspect, draws, seed),
    )


def _private(component: SketchedComponent) -> list[UnitGroup]:
    return [*mlp_groups(component), *value_groups(component)]


def _private_run(mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup]) -> _Run | None:
    """Run with experts by number, and where that shows nothing with experts matched by looking.

    The second look is paid for by the matching it searched, and both looks by a factor of two.
    """
    first = _one_run(mine, theirs, match_experts=False)
    if first is None or first.log10_p <= FAMILY_WISE_LOG10:
        return first
    second = _one_run(mine, theirs, match_experts=True)
    if second is None:
        return first
    if second.log10_p < first.log10_p and second.log10_p <= FAMILY_WISE_LOG10:
        return replace(second, log10_p=second.log10_p + math.log10(2.0))
    return replace(first, log10_p=min(0.0, first.log10_p + math.log10(2.0)))


def _one_run(mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup], *, match_experts: bool) -> _Run | None:
    """Scan all layers by their MLPs, then pool MLPs and value heads along the chosen map."""
    mlps, other_mlps = [g for g in mine if g.head is None], [g for g in theirs if g.head is None]
    scan = scan_layers(mlps, other_mlps, match_experts=match_experts) if mlps and other_mlps else None
    if match_experts and scan is None:
        return None
    cells = [
        *(mapped_cells(scan, mlps, other_mlps) if scan else []),
        *_head_cells(mine, theirs, _layer_of(scan)),
    ]
    if not cells:
        return None
    pooled = pool(cells)
    cost = (scan.layer_map.log10_cost + scan.log10_expert_cost) if scan else 0.0
    return _Run(scan, cells, pooled, min(0.0, pooled.log10_p + cost))


def _head_cells(
    mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup], layer_of: dict[int, int] | None
) -> list[Cell]:
    """Return the cells of value heads, by number inside the layers that are mapped to each other."""
    heads = {(g.layer, g.head): g for g in theirs if g.head is not None}
    cells = []
    for group in mine:
        if group.head is None or group.layer is None:
            continue
        layer = group.layer if layer_of is None else layer_of.get(group.layer)
        target = heads.get((layer, group.head))
        cell = make_cell(group, target) if target is not None else None
        if cell is not None:
            cells.append(cell)
    return cells


def _layer_of(scan: Scan | None) -> dict[int, int] | None:
    if scan is None:
        return None
    return {scan.suspect_layers[s]: scan.reference_layers[r] for s, r in scan.layer_map.pairs}


def _frame(suspect: SketchedComponent, reference: SketchedComponent, scan: Scan | None) -> Cell | None:
    """Return the joint statistic of the residual dimensions, layers paired by the map (by number without one)."""
    layer_of = _layer_of(scan)
    mine, theirs = residual_group(suspect, layer_of), residual_group(reference)
    if mine is None or theirs is None or suspect.residual != reference.residual:
        return None
    return make_cell(mine, theirs)


def _frame_groups(
    suspect: SketchedComponent, reference: SketchedComponent
) -> tuple[list[UnitGroup], list[UnitGroup]]:
    mine, theirs = residual_group(suspect), residual_group(reference)
    return ([mine] if mine else []), ([theirs] if theirs else [])


def _frame_run(frame: Cell | None) -> _Run | None:
    if frame is None:
        return None
    pooled = pool([frame])
    return _Run(None, [frame], pooled, pooled.log10_p)


def _frame_again(mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup]) -> _Run | None:
    return _frame_run(make_cell(mine[0], theirs[0]) if mine and theirs else None)


def _agreement(
    run: _Run, suspect: SketchedComponent, needed_log10_p: float
) -> tuple[tuple[tuple[int, int], ...], float, bool]:
    """Return layers that agree by themselves, their share of the suspect's layers, and whether all are in place."""
    if run.scan is None:
        return (), 1.0, True
    family = math.log10(max(1, run.scan.n_cells)) - (FAMILY_WISE_LOG10 - needed_log10_p)
    mlps = [cell for cell in run.cells if cell.reference.head is None]
    agreeing = [cell for cell in mlps if cell.log10_p + family <= FAMILY_WISE_LOG10]
    if not agreeing:
        agreeing = mlps
    pairs = sorted({_layers(cell) for cell in agreeing})
    n_mlps = max(1, len(mlp_groups(suspect)))
    same_experts = all(not run.scan.experts or e == m for (_, e), m in run.scan.experts.items())
    same_kind = all((c.suspect.expert is None) == (c.reference.expert is None) for c in agreeing)
    in_place = all(s == r for s, r in pairs) and same_experts and same_kind
    return tuple(pairs), len(agreeing) / n_mlps, in_place


def _layers(cell: Cell) -> tuple[int, int]:
    return cell.suspect.layer or 0, cell.reference.layer or 0


def _pool_of(run: _Run, pairs: tuple[tuple[int, int], ...]) -> Pooled:
    """Return the pooled statistic of the MLPs that agree: the effect is theirs, not diluted by new layers."""
    agreeing = _agreeing(run, pairs)
    return run.pooled if len(agreeing) == len(run.cells) else pool(agreeing)


def _agreeing(run: _Run, pairs: tuple[tuple[int, int], ...]) -> list[Cell]:
    on_map = set(pairs)
    mlps = [c for c in run.cells if c.reference.head is None and _layers(c) in on_map]
    return mlps if mlps and run.scan is not None else run.cells


def _unique(groups: Sequence[UnitGroup]) -> list[UnitGroup]:
    return list({(g.layer, g.expert, g.head): g for g in groups}.values())


def _control(run: _Run | None) -> Control | None:
    return None if run is None else Control(run.log10_p, run.pooled.z, run.pooled.rho, len(run.cells))


def _only_gains(cells: Sequence[Cell]) -> bool:
    return all(slab.is_gain for cell in cells for slab in cell.suspect.slabs if slab.role in cell.roles)


def _widths_differ(suspect: SketchedComponent, reference: SketchedComponent) -> bool:
    if suspect.residual != reference.residual:
        return True
    widths = [
        {b.shape for b in c.blocks if b.role in ("mlp.down", "projector.down")} for c in (suspect, reference)
    ]
    return bool(widths[0]) and bool(widths[1]) and not (widths[0] & widths[1])


def _nothing(
    suspect: SketchedComponent,
    reference: SketchedComponent,
    kappa: float,
    skipped: tuple[tuple[str, str], ...],
    reason: Reason | None = None,
) -> PairEvidence:
    if reason is None:
        bad = [name for name, why in skipped if why == "not_finite"]
        if bad:
            reason = Reason("lineage.not_finite", {"count": len(bad)})
        elif _widths_differ(suspect, reference):
            reason = Reason(
                "lineage.widths_differ", {"width": suspect.residual, "reference_width": reference.residual}
            )
        else:
            reason = Reason("lineage.no_group")
    return PairEvidence(
        None, 0.0, 0.0, False, True, 0.0, (), 0.0, 0.0, 0.0, None, None, Power(kappa, 0.0, 0.0, math.inf), None, None, 0.0,
        _gain_cosine(suspect, reference), _widths_differ(suspect, reference), reason, skipped, {},
    )  # fmt: skip


def _skipped(*components: SketchedComponent) -> tuple[tuple[str, str], ...]:
    """Return parts left out, once each, with why."""
    found: dict[str, str] = {}
    for component in components:
        for block in component.blocks:
            if block.status != "ok":
                name = ".".join(str(p) for p in (block.role, block.layer, block.expert) if p is not None)
                found.setdefault(name, block.status)
    return tuple(sorted(found.items()))


def _coverage(suspect: SketchedComponent, cells: Sequence[Cell], frame: Cell | None) -> float:
    """Return the share of parameters that lie in tensors of which a slice was tested."""
    private = {
        (role.split("/")[0], cell.suspect.layer, cell.suspect.expert) for cell in cells for role in cell.roles
    }
    in_frame = {role.split("/")[0] for role in frame.roles} if frame else set()
    tested = sum(
        block.n_parameters
        for block in suspect.blocks
        if block.status == "ok" and (block.place in private or block.role in in_frame)
    )
    return tested / suspect.n_parameters if suspect.n_parameters else 0.0


def _gain_cosine(suspect: SketchedComponent, reference: SketchedComponent) -> float | None:
    """Return the mean raw cosine of norm gains at the same place: shown only to say that it means nothing."""
    theirs = {b.place: b for b in reference.blocks if b.role.startswith("norm.")}
    cosines = []
    for block in suspect.blocks:
        other = theirs.get(block.place)
        if other is None or block.role.endswith(".bias") or block.values.shape != other.values.shape:
            continue
        a, b = block.values.ravel().astype(np.float64), other.values.ravel().astype(np.float64)
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        if size > 0:
            cosines.append(float(a @ b) / size)
    return float(np.mean(cosines)) if cosines else None


def _detail(
    run: _Run, frame: Cell | None, suspect: SketchedComponent, draws: int, seed: int
) -> dict[str, JSON]:
    roles: list[JSON] = [*sorted({role.split("/")[0] for cell in run.cells for role in cell.roles})]
    detail: dict[str, JSON] = {
        "null": null_picture(run.pooled, draws, seed),
        "groups": [cell_json(cell) for cell in run.cells],
        "k_eff": run.pooled.k_eff,
        "tested_roles": roles,
        "coverage_by_role": coverage_by_role(suspect, run.cells, frame),
    }
    if run.scan is not None:
        detail["layers"] = layers_json(run.scan, run.cells)
    if frame is not None:
        s = frame.statistic
        detail["frame"] = {"z": s.z, "effect": s.rho, "p_value_log10": frame.log10_p, "n": s.n}
    return detail
