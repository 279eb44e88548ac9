"""Every group of every pair of unrelated models: a Monte-Carlo p-value, which must be uniform, and the tail bound.

One file per first model of a pair is written as it is done, so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dokja.lineage.cells import Cell, make_cell
from dokja.lineage.sketch import Sketch
from dokja.lineage.units import UnitGroup, mlp_groups, residual_group, value_groups
from dokja.stats.permutation import log10_tail
from studies.false_alarms.models import COUNTS, independent, made

SEED = 20260402
DRAWS = 999
MANY_DRAWS = 200_000
_PIECE = 4_000


@dataclass(frozen=True, slots=True)
class Group:
    """One tested group: what is re-labelled, and in which layers of suspect and reference."""

    kind: str
    label: str
    suspect: UnitGroup
    reference: UnitGroup


def groups_of(suspect: Sketch, reference: Sketch) -> Iterator[Group]:
    """Yield every group that two models of one architecture have in common, every layer against every layer.

    Experts meet the expert of their number, heads the head of theirs; the residual dimensions are one group for each
    component.
    """
    for mine, theirs in zip(suspect.components, reference.components, strict=True):
        for find, kind in ((mlp_groups, "mlp_units"), (value_groups, "value_dims")):
            for s in find(mine):
                for r in find(theirs):
                    if (s.expert, s.head) == (r.expert, r.head):
                        sub = "" if s.expert is None and s.head is None else f"/{s.expert or s.head or 0}"
                        yield Group(kind, f"{kind} {s.layer}-{r.layer}{sub}", s, r)
        left, right = residual_group(mine), residual_group(theirs)
        if left is not None and right is not None:
            kind = "residual" if mlp_groups(mine) else mine.kind
            yield Group(kind, kind, left, right)


def exceeding(cell: Cell, draws: int, rng: np.random.Generator) -> int:
    """Return how many random re-labellings agree at least as well as the labels the models carry."""
    n = len(cell.c)
    seen = float(np.trace(cell.c))
    slack = 1e-9 * max(1.0, abs(seen))
    count = 0
    for start in range(0, draws, _PIECE):
        some = min(_PIECE, draws - start)
        orders = rng.permuted(np.tile(np.arange(n), (some, 1)), axis=1)
        count += int(np.count_nonzero(cell.c[np.arange(n), orders].sum(axis=1) >= seen - slack))
    return count


def calibrate_pair(
    suspect: Sketch, reference: Sketch, seed: tuple[int, ...], draws: int = DRAWS
) -> tuple[list[str], NDArray[np.float64]]:
    """Return the labels of all groups of a pair and, for each, (exceeding draws, z, effect, log10 bound)."""
    rng = np.random.default_rng([SEED, *seed])
    labels, rows = [], []
    for group in groups_of(suspect, reference):
        cell = make_cell(group.suspect, group.reference)
        if cell is None:
            continue
        labels.append(group.label)
        rows.append((exceeding(cell, draws, rng), cell.statistic.z, cell.statistic.rho, log10_tail(cell.c)))
    return labels, np.array(rows)


def calibrate(work: Path) -> None:
    """Calibrate all pairs of every architecture, one file per first model."""
    folder = work / "calibration"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (architecture, tinies) in enumerate(independent().items()):
        sketches = [made(tiny, work / "models") for tiny in tinies]
        for i in range(len(sketches) - 1):
            to = folder / f"{architecture}-{i:02d}.json"
            if to.exists():
                continue
            found = {}
            for j in range(i + 1, len(sketches)):
                labels, rows = calibrate_pair(sketches[i], sketches[j], (number, i, j))
                found[str(j)] = {
                    "exceed": [int(x) for x in rows[:, 0]],
                    "z": [round(float(x), 3) for x in rows[:, 1]],
                    "effect": [round(float(x), 4) for x in rows[:, 2]],
                    "bound": [round(float(x), 3) for x in rows[:, 3]],
                }
            _write(to, {"labels": labels, "pairs": found})
        print(f"calibrated {architecture}", flush=True)


def examine_extremes(work: Path, count: int = 60) -> None:
    """Draw many more re-labellings for the groups furthest out, where the bound has most to answer for."""
    furthest = sorted(every_group(work), key=lambda row: -row["z"])[:count]
    tinies = independent()
    rows = []
    for number, row in enumerate(furthest):
        members = tinies[row["architecture"]]
        pair = [made(members[row[side]], work / "models") for side in ("i", "j")]
        group = next(g for g in groups_of(*pair) if g.label == row["label"])
        cell = make_cell(group.suspect, group.reference)
        assert cell is not None
        rng = np.random.default_rng([SEED, 1, number])
        rows.append({**row, "draws": MANY_DRAWS, "exceed": exceeding(cell, MANY_DRAWS, rng)})
    _write(work / "extremes.json", rows)


def every_group(work: Path) -> list[dict[str, object]]:
    """Return one row per tested group of every pair."""
    rows = []
    for architecture in COUNTS:
        for path in sorted((work / "calibration").glob(f"{architecture}-*.json")):
            found = json.loads(path.read_text("utf-8"))
            i = int(path.stem.rsplit("-", 1)[1])
            for j, columns in found["pairs"].items():
                for at, label in enumerate(found["labels"]):
                    rows.append(
                        {"architecture": architecture, "i": i, "j": int(j), "label": label}
                        | {name: values[at] for name, values in columns.items()}
                    )
    return rows


def _write(to: Path, found: object) -> None:
    partial = to.with_suffix(".partial")
    partial.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
    partial.replace(to)
