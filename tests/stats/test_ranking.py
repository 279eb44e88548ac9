"""Ranks against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.stats.ranking import rank_probabilities, ranks

values = st.lists(st.integers(0, 5), min_size=3, max_size=8)


@settings(max_examples=60, deadline=None)
@given(values)
def test_ranks_are_scipys_min_ranks_from_the_top(one: list[int]) -> None:
    assert (ranks(np.array(one, float)) == scipy.stats.rankdata([-x for x in one], method="min")).all()


def test_rank_probabilities_add_up_and_know_a_certain_order() -> None:
    shares = rank_probabilities(np.tile([3.0, 1.0, 2.0], (10, 1)))
    assert (shares == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]).all()
    assert rank_probabilities(np.random.default_rng(0).normal(size=(50, 4))).sum(1) == pytest.approx(1.0)
