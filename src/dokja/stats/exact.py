"""One expression for two kinds of numbers: fractions, where a comparison decides, and floats, for thousands of resamples.

An array holds either float64 or, as objects, `fractions.Fraction`. Sums, products, quotients and comparisons are written
once and mean the same for both; what numpy does not do alike for both is here: constants, roots, roundings, equations.
A float that slips into an expression over fractions would make it inexact in silence; whatever writes a figure down
looks, and raises TypeError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import isqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[Any]
"""float64 throughout, or `Fraction` throughout."""

ROOT_DECIMALS = 30

_SINGULAR = 1e-9


def are_fractions(values: Values) -> bool:
    """Return whether an array holds fractions.

    Assumes:
        An array of objects holds fractions alone.

    Source:
        The convention of this module.
    """
    return bool(values.dtype == object)


def alike(values: Values, number: Any) -> Any:
    """Return a figure or constant, or several, of the kind an array holds.

    Args:
        values: What it will be reckoned with.
        number: A number, or an array-like of numbers; each is the double it is, exactly.

    Assumes:
        A constant in an expression over fractions is a fraction, and in one over floats a float.

    Source:
        The convention of this module.
    """
    return _of_kind(values, number, Fraction)


def written(values: Values, numbers: Any) -> Any:
    """Return what somebody wrote, of the kind an array holds: as a fraction, 0.1 is one tenth and not its double.

    Args:
        values: What it will be reckoned with.
        numbers: A mark, an answer's score, a scale's end; or an array-like of them.

    Assumes:
        The shortest decimal that reads back as this double is what was written; so it is up to 15 digits.

    Source:
        Steele & White (1990), How to print floating-point numbers accurately: the spelling Python's `repr` gives.
    """
    return _of_kind(values, numbers, _spelled)


@lru_cache(maxsize=4096)
def _spelled(value: float) -> Fraction:
    return Fraction(repr(value))


def _of_kind(values: Values, numbers: Any, read: Callable[[float], Fraction]) -> Any:
    plain = np.asarray(numbers, dtype=np.float64)
    if not are_fractions(values):
        return plain if plain.ndim else float(plain)
    found = np.array([read(one) for one in plain.ravel().tolist()], dtype=object).reshape(plain.shape)
    return found if plain.ndim else found.item()


def known(values: Values) -> NDArray[np.bool_]:
    """Return where there is a number: a float may be NaN, a fraction never.

    Assumes:
        NaN marks what has no value.

    Source:
        The convention of this module.
    """
    return np.ones(values.shape, dtype=bool) if are_fractions(values) else ~np.isnan(values)


def figures(values: Values) -> Values:
    """Return values as figures that can be written down: fractions become the nearest double, floats are one already.

    Assumes:
        What is written down is a double, as JSON keeps it; two equal fractions become one figure.

    Source:
        IEEE 754-2019, §4.3.1, round to nearest, ties to even, which Python's division of whole numbers is held to.
    """
    return _each(values, lambda one: Fraction(float(one))) if are_fractions(values) else values


def rounded(values: Values, decimals: int) -> Values:
    """Return figures rounded to a number of decimals; NaN stays NaN.

    Fractions become the nearest double first and then the nearest decimal: what lies halfway between two decimals falls
    to the side its double is on, as it always has in what was signed.

    Assumes:
        Of floats the rounding is numpy's, which may err where a value lies within its last bits of a half.

    Source:
        David Gay (1990), Correctly rounded binary-decimal conversions, which Python's `round` is.
    """
    if not are_fractions(values):
        return np.asarray(np.round(values, decimals))
    return _each(values, lambda one: Fraction(round(float(one), decimals)))


def root(values: Values) -> Values:
    """Return square roots; of fractions rounded down at the 30th decimal, so that it is a fraction everywhere the same.

    Args:
        values: At least 0.

    Assumes:
        What is made of a root is rounded far above the 30th decimal.

    Source:
        Integer square root, `math.isqrt`, of the radicand scaled by 10^60.
    """
    if not are_fractions(values):
        return np.asarray(np.sqrt(values))
    scale = 10**ROOT_DECIMALS
    return _each(values, lambda one: Fraction(isqrt(int(one * scale * scale)), scale))


def solve(matrices: Values, right: Values) -> tuple[Values, NDArray[np.bool_]]:
    """Solve symmetric positive semidefinite systems: one equation, by elimination of fractions or by LAPACK on floats.

    Args:
        matrices: (replicates, n, n).
        right: (replicates, n).

    Returns:
        (replicates, n) solutions, and (replicates,) whether the system has one solution; where it does not, the first
        means nothing.

    Assumes:
        Fractions are singular when a pivot is zero; floats when an eigenvalue is below 1e-9 of the largest.

    Source:
        Golub & Van Loan (2013), Matrix Computations, §3.2 (elimination) and §8.1 (eigenvalues of symmetric matrices).
    """
    if are_fractions(matrices):
        found = [_eliminated(rows, values) for rows, values in zip(matrices, right, strict=True)]
        regular = np.array([one is not None for one in found], dtype=bool)
        solutions = np.zeros(right.shape, dtype=object)
        for index, one in enumerate(found):
            if one is not None:
                solutions[index] = one
        return solutions, regular
    eigenvalues = np.linalg.eigvalsh(matrices)
    regular = eigenvalues[:, 0] > _SINGULAR * np.maximum(eigenvalues[:, -1], 1.0)
    usable = np.where(regular[:, None, None], matrices, np.eye(matrices.shape[-1]))
    return np.linalg.solve(usable, right[:, :, None])[:, :, 0], regular


def _each(values: Values, change: Callable[[Fraction], Fraction]) -> Values:
    """Return every fraction changed; a float among them was a constant not made alike, or a quotient of whole numbers."""
    found = values.ravel().tolist()
    if not all(isinstance(one, (Fraction, int)) for one in found):
        raise TypeError("A float stands among fractions.")
    return np.array([change(Fraction(one)) for one in found], dtype=object).reshape(values.shape)


def _eliminated(matrix: Values, right: Values) -> list[Fraction] | None:
    """Return the solution of one system of fractions, None when it has not exactly one."""
    rows: list[list[Fraction]] = [
        [Fraction(one) for one in (*row, value)] for row, value in zip(matrix, right, strict=True)
    ]
    size = len(rows)
    for column in range(size):
        pivot = next((index for index in range(column, size) if rows[index][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for index in range(column + 1, size):
            factor = rows[index][column] / rows[column][column]
            rows[index] = [a - factor * b for a, b in zip(rows[index], rows[column], strict=True)]
    solution = [Fraction(0)] * size
    for index in reversed(range(size)):
        known = _dot(rows[index][index + 1 : size], solution[index + 1 :])
        solution[index] = (rows[index][size] - known) / rows[index][index]
    return solution


def _dot(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))
