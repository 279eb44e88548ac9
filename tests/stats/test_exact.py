"""Fractions where a comparison decides: constants, roots, figures and equations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.stats.exact import ROOT_DECIMALS, alike, figures, root, rounded, solve, written

FRACTIONS = np.array([Fraction(1)], dtype=object)
FLOATS = np.array([1.0])


def test_a_written_number_is_what_was_written_and_a_float_stays_one() -> None:
    assert written(FRACTIONS, 0.1) == Fraction(1, 10)
    assert written(FRACTIONS, [0.1, 0.2]).sum() == Fraction(3, 10)
    assert alike(FRACTIONS, 0.1) == Fraction(0.1)
    assert written(FLOATS, [0.1]).dtype == np.float64
    assert alike(FLOATS, 0.1) == 0.1
    assert isinstance(alike(FLOATS, 0.1), float)


@settings(max_examples=100, deadline=None)
@given(st.fractions(0, 1000, max_denominator=10**18))
def test_a_root_is_rounded_down_at_its_last_decimal(square: Fraction) -> None:
    found = root(np.array([square], dtype=object))[0]
    step = Fraction(1, 10**ROOT_DECIMALS)
    assert found**2 <= square < (found + step) ** 2


@settings(max_examples=200, deadline=None)
@given(st.fractions(0, 100))
def test_a_figure_is_the_nearest_double_and_rounds_as_python_rounds_it(value: Fraction) -> None:
    one = np.array([value], dtype=object)
    assert float(figures(one)[0]) == float(value)
    assert float(rounded(one, 9)[0]) == round(float(value), 9)


def test_a_float_among_fractions_is_noticed() -> None:
    with pytest.raises(TypeError):
        figures(np.array([Fraction(1, 2), 0.5], dtype=object))
    with pytest.raises(TypeError):
        rounded(FRACTIONS / 3 + 0.1, 9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_elimination_of_fractions_solves_what_lapack_solves(seed: int, singular: bool) -> None:
    rng = np.random.default_rng(seed)
    half = rng.integers(-5, 6, (2, 4, 3 if singular else 6)).astype(float)
    matrices, right = half @ half.transpose(0, 2, 1), rng.integers(-9, 10, (2, 4)).astype(float)
    floats, regular = solve(matrices, right)
    exact, exactly_regular = solve(alike(FRACTIONS, matrices), alike(FRACTIONS, right))
    assert (regular == exactly_regular).all()
    assert exact[regular].astype(float) == pytest.approx(floats[regular], rel=1e-6, abs=1e-6)
    for matrix, values, solution in zip(matrices[regular], right[regular], exact[regular], strict=True):
        assert (alike(FRACTIONS, matrix) @ solution == alike(FRACTIONS, values)).all()


def test_the_shortest_spelling_is_read_back() -> None:
    assert written(FRACTIONS, 1e-9) == Fraction(1, 10**9)
    assert written(FRACTIONS, 1 / 3) == Fraction("0.3333333333333333")
