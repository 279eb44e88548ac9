"""How often the percentile bootstrap interval of a panel's or a benchmark's mean holds the truth.

Simulated raters (normal marks) and simulated passages of four right-or-wrong items whose difficulty varies by passage.
Prints one JSON row per case; `docs/methods/uncertainty.md` quotes them.

    python studies/interval_coverage.py
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from dokja.stats.bootstrap import cluster_means, resample_counts
from dokja.stats.ratings import mean, trimmed_mean

STAGES, REPLICATES, LEVEL = 1_000, 1_000, 0.95


def raters(size: int, trim: int) -> Callable[[np.random.Generator], bool]:
    """Return one trial: does the interval of a panel's average hold the average of all such raters?"""

    def trial(rng: np.random.Generator) -> bool:
        marks = rng.normal(0.0, 1.0, (size, 1))
        counts = resample_counts(rng, size, REPLICATES)
        everyone = np.ones((size, 1), dtype=bool)
        found = trimmed_mean(marks, everyone, counts, trim, trim) if trim else mean(marks, everyone, counts)
        return holds(found.values[:, 0], 0.0)

    return trial


def passages(size: int) -> Callable[[np.random.Generator], bool]:
    """Return one trial: does the interval of a benchmark's mean hold the mean over all such passages?"""

    def trial(rng: np.random.Generator) -> bool:
        difficulty = rng.beta(2.0, 2.0, size)
        sums = (rng.random((size, 4)) < difficulty[:, None]).sum(1, keepdims=True).astype(float)
        counts = resample_counts(rng, size, REPLICATES)
        return holds(cluster_means(counts, sums, np.full(size, 4.0))[:, 0], 0.5)

    return trial


def holds(values: np.ndarray, truth: float) -> bool:
    """Return whether the middle of the replicates holds the truth."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return bool(low <= truth <= high)


def main() -> None:
    """Print the coverage of each case."""
    rng = np.random.default_rng(20260115)
    cases = {f"{n} raters, mean": raters(n, 0) for n in (5, 10, 49)}
    cases |= {f"{n} raters, one dropped at each end": raters(n, 1) for n in (10, 49)}
    cases |= {f"{n} passages of 4 items": passages(n) for n in (10, 30, 100)}
    for name, trial in cases.items():
        covered = sum(trial(rng) for _ in range(STAGES)) / STAGES
        print(json.dumps({"case": name, "level": LEVEL, "coverage": covered, "stages": STAGES}))


if __name__ == "__main__":
    main()
