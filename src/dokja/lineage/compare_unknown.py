"""Everything the exact arm sees of a component of unknown wiring: copies of matrices, and rows as hidden units."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dokja.canonical import JSON
from dokja.finding import Reason
from dokja.lineage.cells import Cell, Pooled, make_cell
from dokja.lineage.compare_components import Control, PairEvidence
from dokja.lineage.controls import Power, drifted, power_at, relabelled
from dokja.lineage.detail import cell_json, null_picture
from dokja.lineage.equality import ROUNDING, Equality, Place, relative_error, tells, tolerance
from dokja.lineage.persistence import is_learned
from dokja.lineage.sketch import Block, SketchedComponent
from dokja.lineage.units import UnitGroup
from dokja.lineage.unknown_wiring import OutputGroups, align, output_groups

_LEAST_VALUES = 16
_LEAST_EQUAL = 2


@dataclass(frozen=True, slots=True)
class _Run:
    cells: list[Cell]
    pooled: Pooled
    log10_p: float


def gather_unknown(
    suspect: SketchedComponent,
    reference: SketchedComponent,
    needed_log10_p: float,
    kappa: float,
    seed: int,
    draws: int,
) -> PairEvidence:
    """Return everything seen of a pair of components of unknown wiring.

    Args:
        suspect: The suspect's component.
        reference: Its counterpart.
        needed_log10_p: Bound at which a link is called, for the power statement.
        kappa: Declared drift, for the same.
        seed: Of controls and draws.
        draws: Monte-Carlo re-labellings.

    Assumes:
        As `unknown_wiring.output_groups`.

    Source:
        docs/methods/unknown-architectures.md.
    """
    found = output_groups(suspect, reference, seed)
    skipped = _skipped(suspect, reference)
    run = _run(found.suspect, found.reference, found.log10_cost)
    if run is None:
        return _nothing(suspect, found, kappa, skipped)
    negative = _run(relabelled(found.suspect, seed), found.reference, found.log10_cost)
    positive = _run(drifted(found.reference, kappa, seed), found.reference, found.log10_cost)
    return PairEvidence(
        log10_p=run.log10_p,
        z=run.pooled.z,
        effect=run.pooled.rho,
        is_private=False,
        is_in_place=True,
        mapped_share=_share(_matrices(suspect), found.matched.keys()),
        layer_pairs=(),
        frame_log10_p=0.0,
        frame_z=0.0,
        frame_effect=0.0,
        persistence=None,
        start_free=_vector_agreement(suspect, reference),
        power=power_at(found.reference, kappa, needed_log10_p - found.log10_cost, seed),
        negative=_control(negative),
        positive=_control(positive),
        coverage_share=_share(suspect.blocks, found.tested),
        gain_cosine=None,
        widths_differ=False,
        untestable=None,
        skipped=skipped,
        detail=_detail(run, found, suspect, draws, seed),
    )


def compare_values_anywhere(
    suspect: SketchedComponent,
    reference: SketchedComponent,
    whole_errors: Mapping[Place, float] | None = None,
) -> Equality:
    """Return how many matrices of the suspect equal some matrix of the reference, wherever it stands.

    Args:
        suspect: Whose matrices must all be found.
        reference: Where they are looked for; it may have more.
        whole_errors: Relative errors over all values of matrices in one place, where they were streamed.

    Assumes:
        Nothing. Constant matrices say nothing and are left out; vectors do not decide. Names are not looked at.

    Source:
        docs/methods/unknown-architectures.md.
    """
    candidates = [b for b in reference.blocks if b.status == "ok" and len(b.shape) > 1]
    wanted = [b for b in suspect.blocks if b.status == "ok" and len(b.shape) > 1 and tells(b)]
    n_equal, worst = 0, 0.0
    types: tuple[set[str], set[str]] = (set(), set())
    for block in wanted:
        found = _nearest(block, candidates)
        if found is None:
            continue
        other, error = found
        error = (
            max(error, (whole_errors or {}).get(block.place, 0.0)) if other.place == block.place else error
        )
        types[0].add(block.dtype)
        types[1].add(other.dtype)
        if error <= tolerance(block.dtype, other.dtype):
            n_equal += 1
            worst = max(worst, error)
    coarse = any(ROUNDING.get(t, 0.0) >= ROUNDING["Q5_K"] for t in types[0] | types[1])
    return Equality(
        len(wanted), n_equal, worst, (", ".join(sorted(types[0])), ", ".join(sorted(types[1]))), coarse
    )


def _nearest(block: Block, candidates: Sequence[Block]) -> tuple[Block, float] | None:
    errors = [(o, e) for o in candidates if (e := relative_error(block, o)) is not None]
    return min(errors, key=lambda found: found[1], default=None)


def _run(mine: Sequence[UnitGroup], theirs: Sequence[UnitGroup], cost: float) -> _Run | None:
    pairs = (make_cell(s, r) for s, r in zip(mine, theirs, strict=True))
    cells = [cell for cell in pairs if cell is not None]
    if not cells:
        return None
    matrices = tuple(cell.c for cell in cells)
    norms = sum(cell.norms for cell in cells)
    pooled = Pooled(
        z=sum(cell.statistic.z for cell in cells) / math.sqrt(len(cells)),
        rho=sum(cell.statistic.trace for cell in cells) / norms if norms > 0 else 0.0,
        k_eff=float(np.mean([cell.statistic.k_eff for cell in cells])),
        matrices=matrices,
    )
    return _Run(cells, pooled, min(0.0, pooled.log10_p + cost))


def _vector_agreement(suspect: SketchedComponent, reference: SketchedComponent) -> float | None:
    """Return how vectors agree, aligned by length and order: the mean centred correlation, of all or of learned ones.

    The lesser of the two counts. Gains start at one whatever the seed; biases often start random (torch draws those of
    its linear, convolution and recurrent layers), and siblings by seed share them until they were learned. Where no
    vector was, nothing is known. Equal vectors are left out beside others: a table of constants agrees in every model
    of its kind. Where two and more are all equal, they agree.
    """
    mine, theirs = (
        [b for b in c.blocks if b.status == "ok" and len(b.shape) == 1 and b.shape[0] >= _LEAST_VALUES]
        for c in (suspect, reference)
    )
    correlations: list[float] = []
    of_learned: list[float] = []
    n_equal = 0
    for i, j in align([b.shape for b in mine], [b.shape for b in theirs]):
        a, b = mine[i], theirs[j]
        if not np.array_equal(a.row_keys, b.row_keys):
            continue
        if np.array_equal(a.values, b.values):
            n_equal += 1
            continue
        x, y = (v.values[:, 0].astype(np.float64) for v in (a, b))
        if x.std() == 0 or y.std() == 0:
            continue
        found = float(np.corrcoef(x, y)[0, 1])
        correlations.append(found)
        if is_learned(x) and is_learned(y):
            of_learned.append(found)
    if not correlations:
        return 1.0 if n_equal >= _LEAST_EQUAL else None
    return min(float(np.mean(correlations)), float(np.mean(of_learned))) if of_learned else None


def _control(run: _Run | None) -> Control | None:
    return None if run is None else Control(run.log10_p, run.pooled.z, run.pooled.rho, len(run.cells))


def _share(blocks: Sequence[Block], numbers: Collection[int]) -> float:
    """Return the share of the blocks' parameters that lie in parts of those numbers."""
    total = sum(b.n_parameters for b in blocks)
    return sum(b.n_parameters for b in blocks if b.layer in numbers) / total if total else 0.0


def _matrices(component: SketchedComponent) -> list[Block]:
    return [b for b in component.blocks if len(b.shape) > 1]


def _skipped(*components: SketchedComponent) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for component in components:
        for block in component.blocks:
            if block.status != "ok":
                found.setdefault(f"{block.role}.{block.layer}", block.status)
    return tuple(sorted(found.items()))


def _detail(
    run: _Run, found: OutputGroups, suspect: SketchedComponent, draws: int, seed: int
) -> dict[str, JSON]:
    roles: list[JSON] = [*sorted({role.split("/")[0] for cell in run.cells for role in cell.roles})]
    return {
        "null": null_picture(run.pooled, draws, seed),
        "groups": [cell_json(cell) for cell in run.cells],
        "k_eff": run.pooled.k_eff,
        "tested_roles": roles,
        "coverage_by_role": _coverage_by_role(suspect, found.tested),
        "matched": [[s, r] for s, r in found.matched.items()],
        "left_out_for_order": [*found.ordered],
    }


def _coverage_by_role(suspect: SketchedComponent, tested: Collection[int]) -> JSON:
    out: dict[str, JSON] = {}
    for role in sorted({b.role.split("/")[0] for b in suspect.blocks}):
        of_role = [b for b in suspect.blocks if b.role.split("/")[0] == role]
        out[role] = {
            "parameters": sum(b.n_parameters for b in of_role),
            "sampled": sum(int(b.values.size) for b in of_role if b.status == "ok"),
            "how": "output_units" if any(b.layer in tested for b in of_role) else "not_tested",
        }
    return out


def _nothing(
    suspect: SketchedComponent, found: OutputGroups, kappa: float, skipped: tuple[tuple[str, str], ...]
) -> PairEvidence:
    key = "lineage.unknown_ordered" if found.ordered else "lineage.unknown_no_group"
    return PairEvidence(
        log10_p=None,
        z=0.0,
        effect=0.0,
        is_private=False,
        is_in_place=True,
        mapped_share=_share(_matrices(suspect), found.matched.keys()),
        layer_pairs=(),
        frame_log10_p=0.0,
        frame_z=0.0,
        frame_effect=0.0,
        persistence=None,
        start_free=None,
        power=Power(kappa, 0.0, 0.0, math.inf),
        negative=None,
        positive=None,
        coverage_share=0.0,
        gain_cosine=None,
        widths_differ=False,
        untestable=Reason(key),
        skipped=skipped,
        detail={},
    )
