"""Bootstrap by resampling units with replacement: counts of units first, then any statistic as a matrix product.

A replicate is held as a row of counts, how often each unit was drawn, never as a copy of the data. Ten thousand
replicates of a mean are then one matrix product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput
from dokja.stats.exact import Values

_DRAWS_AT_ONCE = 1 << 22


def resample_counts(rng: np.random.Generator, units: int, replicates: int) -> NDArray[np.float64]:
    """Draw, for each replicate, `units` units with replacement and count them.

    Args:
        rng: Source of randomness; the same state gives the same counts.
        units: Number of exchangeable units (passages, raters), at least 1.
        replicates: Number of replicates, at least 1.

    Returns:
        (replicates, units) counts; each row sums to `units`.

    Raises:
        InvalidInput: Nothing to draw from, or nothing to draw.

    Assumes:
        The units are exchangeable: whole clusters when members of a cluster resemble each other.

    Source:
        Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7(1), §2; with
        clusters as units: Davison & Hinkley (1997), Bootstrap Methods and their Application, §3.8.
    """
    if units < 1 or replicates < 1:
        raise InvalidInput("A bootstrap needs at least one unit and one replicate.")
    counts = np.empty((replicates, units))
    step = max(1, _DRAWS_AT_ONCE // units)
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        drawn = rng.integers(0, units, size=(rows, units))
        drawn += np.arange(0, rows * units, units)[:, None]
        counts[start : start + rows] = np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units)
    return counts


def cluster_means(counts: Values, sums: Values, sizes: Values) -> Values:
    """Return the mean over members of the drawn clusters, for each replicate and column.

    Args:
        counts: (replicates, clusters) how often each cluster was drawn; all floats, or all fractions.
        sums: (clusters, columns) sum of the members' values.
        sizes: (clusters,) number of members, each at least 1.

    Returns:
        (replicates, columns) ratio of the drawn sums to the drawn sizes; NaN where nothing was drawn.

    Assumes:
        The same cluster is drawn for every column, so that columns (teams) stay paired.

    Source:
        Ratio estimator under cluster sampling: Cochran (1977), Sampling Techniques, §9A.1.
    """
    drawn = (counts @ sizes)[:, None]
    return np.where(drawn > 0, (counts @ sums) / np.where(drawn > 0, drawn, 1), np.nan)
