"""What pictures need of a comparison: the null, the cells, the map. Values in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dokja.canonical import JSON
from dokja.lineage.cells import Cell, Pooled, Scan
from dokja.lineage.sketch import SketchedComponent
from dokja.stats.permutation import monte_carlo_z, p_value_among

_MOST_TENSORS = 64
_HISTOGRAM_BINS = 24


def null_picture(pooled: Pooled, draws: int, seed: int) -> JSON:
    """Return the histogram of pooled z under random re-labellings, beside what was seen.

    Args:
        pooled: What was seen.
        draws: Re-labellings to draw.
        seed: Of the draws.

    Assumes:
        As `stats.permutation.monte_carlo_z`.

    Source:
        The same.
    """
    null = monte_carlo_z(pooled.matrices, draws, seed)
    edges = np.linspace(min(-4.0, float(null.min())), max(4.0, float(null.max())), _HISTOGRAM_BINS + 1)
    return {
        "z": pooled.z,
        "draws": draws,
        "bin_edges": [float(e) for e in edges],
        "counts": [int(c) for c in np.histogram(null, edges)[0]],
        "monte_carlo_p_value": p_value_among(null, pooled.matrices),
    }


def cell_json(cell: Cell) -> JSON:
    """Return the figures of one cell, for pictures and --explain.

    Args:
        cell: One group against one group.

    Assumes:
        Nothing.

    Source:
        docs/methods/lineage-exact.md, "Extra keys of `dokja compare --json`".
    """
    s = cell.statistic
    return {
        "suspect": {"layer": cell.suspect.layer, "expert": cell.suspect.expert, "head": cell.suspect.head},
        "reference": {
            "layer": cell.reference.layer,
            "expert": cell.reference.expert,
            "head": cell.reference.head,
        },
        "group": cell.reference.kind,
        "tensors": list(cell.roles[:_MOST_TENSORS]),
        "n_units": s.n,
        "z": s.z,
        "effect": s.rho,
        "p_value_log10": cell.log10_p,
    }


def layers_json(scan: Scan, cells: Sequence[Cell]) -> JSON:
    """Return the map people look at; at most 128 layers a side, evenly taken.

    Args:
        scan: Every layer against every layer.
        cells: Those on the map.

    Assumes:
        Nothing.

    Source:
        docs/methods/lineage-exact.md, "Extra keys of `dokja compare --json`".
    """
    rows, columns = _subset(len(scan.suspect_layers)), _subset(len(scan.reference_layers))
    bounds = {
        (cell.suspect.layer or 0, cell.reference.layer or 0): cell.log10_p
        for cell in cells
        if cell.reference.head is None
    }
    return {
        "family": scan.layer_map.family,
        "log10_cost": scan.layer_map.log10_cost + scan.log10_expert_cost,
        "suspect_layers": [scan.suspect_layers[i] for i in rows],
        "reference_layers": [scan.reference_layers[j] for j in columns],
        "z": [[float(scan.z[i, j]) for j in columns] for i in rows],
        "p_value_log10": [
            [bounds.get((scan.suspect_layers[i], scan.reference_layers[j])) for j in columns] for i in rows
        ],
    }


def _subset(count: int, most: int = 128) -> list[int]:
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, most)).round())]


def coverage_by_role(suspect: SketchedComponent, cells: Sequence[Cell], frame: Cell | None) -> JSON:
    """Return for every role how many parameters it has, how many were sampled and how it was tested.

    Args:
        suspect: Its component.
        cells: Private groups that were tested.
        frame: The residual group, or None.

    Assumes:
        Nothing.

    Source:
        docs/methods/lineage-exact.md, "Extra keys of `dokja compare --json`".
    """
    private = {role.split("/")[0] for cell in cells for role in cell.roles}
    in_frame = {role.split("/")[0] for role in frame.roles} if frame else set()
    out: dict[str, JSON] = {}
    for block in suspect.blocks:
        entry = out.setdefault(block.role, {"parameters": 0, "sampled": 0, "how": "not_tested"})
        assert isinstance(entry, dict)
        entry["parameters"] = int(str(entry["parameters"])) + block.n_parameters
        if block.status == "ok":
            entry["sampled"] = int(str(entry["sampled"])) + int(block.values.size)
            if block.role in private:
                entry["how"] = "private"
            elif block.role in in_frame:
                entry["how"] = "frame"
    return out
