"""Monte-Carlo re-labelling: uniform under independence, for calibration and for pictures of the null."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dokja.errors import InvalidInput

Matrix = NDArray[np.float64]


def monte_carlo_z(cs: Sequence[Matrix], draws: int, seed: int) -> NDArray[np.float64]:
    """Return the pooled z of the agreements under random re-labellings of every group.

    Args:
        cs: Double-centred agreements, one per independently labelled group.
        draws: Re-labellings to draw.
        seed: Of the generator; the same seed gives the same draws.

    Returns:
        (draws,) values of Σ_l T_l / sd_l / sqrt(L).

    Assumes:
        Re-labellings uniform and independent over groups; the matrices fixed.

    Source:
        Sampling the permutation distribution, Dwass 1957, Ann. Math. Statist. 28(1).
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(draws)
    groups = 0
    for c in cs:
        n = len(c)
        sd = math.sqrt(float(np.einsum("ij,ij->", c, c)) / (n - 1)) if n > 1 else 0.0
        if sd == 0:
            continue
        groups += 1
        index = np.arange(n)
        total += np.array([c[index, rng.permutation(n)].sum() for _ in range(draws)]) / sd
    return total / math.sqrt(groups) if groups else total


def monte_carlo_p_value(cs: Sequence[Matrix], draws: int, seed: int) -> float:
    """Return (1 + number of re-labellings that agree at least as well) / (draws + 1).

    Args:
        cs: Double-centred agreements, one per independently labelled group.
        draws: Re-labellings to draw, at least 1.
        seed: Of the generator.

    Raises:
        InvalidInput: No draw was asked for.

    Assumes:
        Re-labellings uniform and independent over groups. Ties within rounding count against rejection.

    Source:
        Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9(1), art. 39 (why one is added).
    """
    if draws < 1:
        raise InvalidInput("A Monte-Carlo p-value needs at least one draw.")
    return p_value_among(monte_carlo_z(cs, draws, seed), cs)


def p_value_among(null: NDArray[np.float64], cs: Sequence[Matrix]) -> float:
    """Return the p-value of what agreements show among draws that `monte_carlo_z` made of them.

    Args:
        null: (draws,) pooled z under re-labelling.
        cs: The agreements.

    Assumes:
        As `monte_carlo_p_value`.

    Source:
        The same.
    """
    seen = _pooled_z(cs)
    slack = 1e-9 * max(1.0, abs(seen))
    return float((1 + np.count_nonzero(null >= seen - slack)) / (len(null) + 1))


def _pooled_z(cs: Sequence[Matrix]) -> float:
    values = []
    for c in cs:
        sd = math.sqrt(float(np.einsum("ij,ij->", c, c)) / (len(c) - 1)) if len(c) > 1 else 0.0
        if sd > 0:
            values.append(float(np.trace(c)) / sd)
    return sum(values) / math.sqrt(len(values)) if values else 0.0
