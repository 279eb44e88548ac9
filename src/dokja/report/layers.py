"""Layer maps as runs a person can read."""

from __future__ import annotations

from collections.abc import Sequence


def layer_runs(layer_map: Sequence[Sequence[int]]) -> str:
    """Return a layer map as runs, e.g. `0-19 ← 0-19, 20-39 ← 10-29`."""
    runs: list[list[int]] = []
    for mine, theirs in layer_map:
        if runs and mine == runs[-1][1] + 1 and theirs - mine == runs[-1][2] - runs[-1][0]:
            runs[-1][1] = mine
        else:
            runs.append([mine, mine, theirs])
    return ", ".join(f"{a} ← {r}" if a == b else f"{a}-{b} ← {r}-{r + b - a}" for a, b, r in runs)
