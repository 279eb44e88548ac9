"""Which suspect layer comes from which reference layer, and what choosing that by looking costs.

A map chosen from the data is paid for: the bound on its probability is multiplied by the number of maps it was
chosen among. The families, cheapest first:

    in_place   every layer from the layer of its own number: one map, chosen before looking
    runs       one or two runs of consecutive layers (cut in depth at either end, depth up-scaled)
    ordered    any non-decreasing map with gaps (layers dropped, repeated)
    any        any map at all (layers shuffled)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Family = Literal["in_place", "runs", "ordered", "any"]
N_FAMILIES = 4

# A layer joins a map only where its own z is above this; pure noise seldom is.
_WORTH = 3.5
# A costlier family must explain this much more than a cheaper one to be preferred.
_BETTER = 1.02


@dataclass(frozen=True, slots=True)
class LayerMap:
    """A map from suspect layers to reference layers.

    Args:
        family: Among which maps it was chosen.
        pairs: (suspect layer, reference layer), in order of the suspect; unmapped layers are absent.
        log10_cost: Decades to add to the bound: log10 of the number of maps in the family, and of the families.
        score: Σ (z - threshold) over the pairs.
    """

    family: Family
    pairs: tuple[tuple[int, int], ...]
    log10_cost: float
    score: float

    @property
    def is_in_place(self) -> bool:
        """Whether every mapped layer comes from the layer of its own number."""
        return all(s == r for s, r in self.pairs)


def find_layer_map(z: NDArray[np.float64]) -> LayerMap:
    """Return the cheapest map that explains nearly as much as the best.

    Args:
        z: (L_s, L_r) agreement of every suspect layer with every reference layer.

    Returns:
        The map; the in-place map of all common layers when nothing stands out.

    Assumes:
        Nothing: whatever map is chosen, its bound is valid after `log10_cost` has been added (a union bound).

    Source:
        Needleman and Wunsch 1970 for the ordered map.
    """
    gain = z - _WORTH
    candidates = [_in_place(gain), _runs(gain), _ordered(gain), _any(gain)]
    best = max(candidate.score for candidate in candidates)
    if best <= 0:
        common = min(z.shape)
        return LayerMap("in_place", tuple((i, i) for i in range(common)), math.log10(N_FAMILIES), 0.0)
    return next(candidate for candidate in candidates if candidate.score * _BETTER >= best)


def log10_map_count(family: Family, n_suspect: int, n_reference: int) -> float:
    """Return log10 of how many maps a family holds between so many layers.

    Args:
        family: Which.
        n_suspect: Suspect layers.
        n_reference: Reference layers.

    Assumes:
        Nothing: every map a family could hold is counted, some more than once.

    Source:
        Counting; Vandermonde's identity for ordered maps.
    """
    if family == "in_place":
        return 0.0
    if family == "runs":
        # Each run: first and last suspect layer, and the shift.
        return 2.0 * math.log10(n_suspect**2 * (n_suspect + n_reference))
    if family == "ordered":
        # Subsets of suspect layers times non-decreasing maps of them; Vandermonde sums it to one binomial at most.
        total = sum(math.comb(n_suspect, k) * math.comb(k + n_reference - 1, k) for k in range(n_suspect + 1))
        return math.log10(total)
    return n_suspect * math.log10(n_reference + 1)


def _made(family: Family, pairs: list[tuple[int, int]], gain: NDArray[np.float64]) -> LayerMap:
    cost = log10_map_count(family, *gain.shape) + math.log10(N_FAMILIES)
    return LayerMap(family, tuple(pairs), cost, float(sum(gain[s, r] for s, r in pairs)))


def _in_place(gain: NDArray[np.float64]) -> LayerMap:
    """All common layers, chosen before looking; layers that lost their agreement weigh it down, as they must."""
    diagonal = np.diagonal(gain)
    return LayerMap(
        "in_place",
        tuple((i, i) for i in range(len(diagonal))),
        math.log10(N_FAMILIES),
        float(np.maximum(diagonal, 0.0).sum()),
    )


def _runs(gain: NDArray[np.float64]) -> LayerMap:
    n_s = len(gain)
    best_from, best_upto = _best_run_starting(gain), _best_run_ending(gain)
    best: tuple[float, list[tuple[int, int]]] = (0.0, [])
    for split in range(n_s + 1):
        first = best_upto[split - 1] if split else (0.0, [])
        second = best_from[split] if split < n_s else (0.0, [])
        if first[0] + second[0] > best[0]:
            best = (first[0] + second[0], [*first[1], *second[1]])
    return _made("runs", best[1], gain)


def _best_run_ending(gain: NDArray[np.float64]) -> list[tuple[float, list[tuple[int, int]]]]:
    """Return, for every suspect layer, the best diagonal run that ends at it or before."""
    n_s, n_r = gain.shape
    score = np.zeros((n_s, n_r))
    length = np.zeros((n_s, n_r), dtype=int)
    out: list[tuple[float, list[tuple[int, int]]]] = []
    best: tuple[float, list[tuple[int, int]]] = (0.0, [])
    for s in range(n_s):
        for r in range(n_r):
            before = score[s - 1, r - 1] if s and r else 0.0
            score[s, r] = gain[s, r] + max(before, 0.0)
            length[s, r] = 1 + (length[s - 1, r - 1] if before > 0 else 0)
            if score[s, r] > best[0]:
                n = int(length[s, r])
                best = (float(score[s, r]), [(s - i, r - i) for i in range(n - 1, -1, -1)])
        out.append(best)
    return out


def _best_run_starting(gain: NDArray[np.float64]) -> list[tuple[float, list[tuple[int, int]]]]:
    """Return, for every suspect layer, the best diagonal run that starts at it or later."""
    n_s, n_r = gain.shape
    mirrored = _best_run_ending(gain[::-1, ::-1])
    turned = [(score, [(n_s - 1 - s, n_r - 1 - r) for s, r in reversed(run)]) for score, run in mirrored]
    return turned[::-1]


def _ordered(gain: NDArray[np.float64]) -> LayerMap:
    n_s, n_r = gain.shape
    score = np.zeros((n_s + 1, n_r + 1))
    for s in range(1, n_s + 1):
        for r in range(1, n_r + 1):
            score[s, r] = max(score[s - 1, r], score[s, r - 1], score[s - 1, r] + gain[s - 1, r - 1])
    pairs: list[tuple[int, int]] = []
    s, r = n_s, n_r
    while s and r:
        if score[s, r] == score[s, r - 1]:
            r -= 1
        elif score[s, r] == score[s - 1, r]:
            s -= 1
        else:
            s -= 1
            pairs.append((s, r - 1))
    return _made("ordered", pairs[::-1], gain)


def _any(gain: NDArray[np.float64]) -> LayerMap:
    if not gain.shape[1]:
        return _made("any", [], gain)
    choice = gain.argmax(axis=1)
    return _made("any", [(s, int(r)) for s, r in enumerate(choice) if gain[s, r] > 0], gain)
