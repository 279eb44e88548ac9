"""Are two components the same values, up to how they were stored? Transposition, sharding and names are gone by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dokja.anatomy.part import Axis
from dokja.lineage.sketch import Block, SketchedComponent

# Largest error, relative to the root mean square of the slice, that storing values in each type can leave.
# Half a step of the type for floating types; for block types, what rounding to their grid leaves on Gaussian weights
# (measured by tests/lineage/test_equality.py).
ROUNDING: dict[str, float] = {
    "F64": 1e-6, "F32": 1e-6, "F16": 1e-3, "BF16": 4e-3,
    "F8_E4M3": 4e-2, "F8_E5M2": 8e-2,
    "I8": 4e-2, "U8": 4e-2, "Q8_0": 1.5e-2, "Q6_K": 3e-2,
    "Q5_K": 6e-2, "Q5_0": 6e-2, "Q5_1": 6e-2,
    "Q4_K": 0.12, "Q4_0": 0.14, "Q4_1": 0.12,
}  # fmt: skip
# Sketches keep half precision.
_SKETCH_ROUNDING = 1e-3
_LEAST_VALUES = 16

Place = tuple[str, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Equality:
    """How much of a component is equal in place.

    Args:
        n_compared: Matrices compared.
        n_equal: Matrices equal up to rounding of the coarser stored type.
        worst_error: Largest relative error among them, 0 when there is none.
        dtypes: Stored types met, suspect's then reference's.
        coarse: Whether a type of 5 bits or fewer was involved, below whose step light training hides.
    """

    n_compared: int
    n_equal: int
    worst_error: float
    dtypes: tuple[str, str]
    coarse: bool

    @property
    def is_copy(self) -> bool:
        """Whether every matrix is equal; nothing compared is no copy."""
        return 0 < self.n_compared == self.n_equal


def compare_values(
    suspect: SketchedComponent,
    reference: SketchedComponent,
    layer_of: Mapping[int, int] | None = None,
    whole_errors: Mapping[Place, float] | None = None,
) -> Equality:
    """Return how many matrices of the suspect equal the reference's at the same place.

    Args:
        suspect: Whose matrices must all be found.
        reference: Where they are looked for; it may have more.
        layer_of: Suspect layer to reference layer, where names did not tell the order; None for their own numbers.
        whole_errors: Relative errors over all values, where they were streamed; sampled slices decide elsewhere.

    Assumes:
        Nothing. Constant matrices say nothing and are left out; gains and biases do not decide.

    Source:
        Relative Frobenius error against what rounding leaves, `tolerance`.
    """
    of_reference: dict[tuple[int | None, int | None], list[Block]] = {}
    for block in reference.blocks:
        if block.status == "ok" and len(block.shape) > 1:
            of_reference.setdefault((block.layer, block.expert), []).append(block)
    n_compared = n_equal = 0
    worst = 0.0
    types: tuple[set[str], set[str]] = (set(), set())
    for block in suspect.blocks:
        if block.status != "ok" or len(block.shape) < 2 or not tells(block):
            continue
        n_compared += 1
        layer = block.layer if layer_of is None or block.layer is None else layer_of.get(block.layer, -1)
        found = _nearest(block, of_reference.get((layer, block.expert), []), by_role=layer_of is None)
        if found is None:
            continue
        other, error = found
        error = (whole_errors or {}).get(block.place, error)
        types[0].add(block.dtype)
        types[1].add(other.dtype)
        if error <= tolerance(block.dtype, other.dtype):
            n_equal += 1
            worst = max(worst, error)
    coarse = any(ROUNDING.get(t, 0.0) >= ROUNDING["Q5_K"] for t in types[0] | types[1])
    dtypes = (", ".join(sorted(types[0])), ", ".join(sorted(types[1])))
    return Equality(n_compared, n_equal, worst, dtypes, coarse)


def tells(block: Block) -> bool:
    """Return whether equality of a matrix says anything: it is no handful of numbers, and no identity.

    Args:
        block: Of either model.

    Assumes:
        Nothing.

    Source:
        Matrices that hold at most one value in each row and column, an identity, a scaling or a permutation, are
        where many models start; a few coarse values agree by chance.
    """
    filled = block.values != 0
    is_sparse = filled.sum(axis=0).max(initial=0) <= 1 and filled.sum(axis=1).max(initial=0) <= 1
    return block.values.size >= _LEAST_VALUES and not is_sparse


def _nearest(block: Block, others: list[Block], *, by_role: bool) -> tuple[Block, float] | None:
    """Return the reference's matrix of that role and its error; of any role of that shape where names told nothing."""
    errors = [
        (o, e)
        for o in others
        if (o.role == block.role or not by_role) and (e := relative_error(block, o)) is not None
    ]
    return min(errors, key=lambda found: found[1], default=None)


def relative_error(block: Block, other: Block) -> float | None:
    """Return ‖s - r‖ / ‖r - mean r‖ on common rows and columns, or None when shapes differ or nothing is common.

    The size is what varies in r: values that all lie near one number agree to many digits in any two models.

    Args:
        block: The suspect's.
        other: The reference's.

    Assumes:
        Nothing.

    Source:
        A Frobenius error relative to the spread of the sampled slice.
    """
    same_tokens = Axis.TOKEN in block.axes
    if block.shape != other.shape and not (same_tokens and block.shape[1:] == other.shape[1:]):
        return None
    rows = np.intersect1d(block.row_keys, other.row_keys, return_indices=True)
    columns = np.intersect1d(block.column_keys, other.column_keys, return_indices=True)
    if not len(rows[0]) or not len(columns[0]):
        return None
    s = block.values[np.ix_(rows[1], columns[1])].astype(np.float64)
    r = other.values[np.ix_(rows[2], columns[2])].astype(np.float64)
    size = float(np.linalg.norm(r - r.mean()))
    return float(np.linalg.norm(s - r)) / size if size > 0 and s.any() else None


def tolerance(suspect: str, reference: str) -> float:
    """Return the largest relative error that storing the same values in two types can leave.

    Args:
        suspect: Its stored type.
        reference: Likewise.

    Assumes:
        Block types: weights near Gaussian.

    Source:
        `ROUNDING`, measured by tests/lineage/test_equality.py.
    """
    return ROUNDING.get(suspect, 1e-6) + ROUNDING.get(reference, 1e-6) + _SKETCH_ROUNDING
