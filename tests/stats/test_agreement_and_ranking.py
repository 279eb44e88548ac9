"""Agreement and ranks against published worked examples and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.stats.agreement import Scale, kendall_w, krippendorff_alpha
from dokja.stats.ranking import kendall_tau_b, rank_probabilities, ranks

# Krippendorff (2011), section C: four observers, twelve units, missing marks (0 here).
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ],
    dtype=float,
)


@pytest.mark.parametrize(
    ("scale", "published"), [(Scale.NOMINAL, 0.743), (Scale.ORDINAL, 0.815), (Scale.INTERVAL, 0.849)]
)
def test_alpha_is_what_krippendorff_published(scale: Scale, published: float) -> None:
    assert krippendorff_alpha(PUBLISHED, PUBLISHED > 0, scale) == pytest.approx(published, abs=5e-4)


def test_alpha_ignores_things_one_rater_marked_and_refuses_what_says_nothing() -> None:
    alone = np.where(np.arange(12) == 11, 0.0, PUBLISHED)
    wide = np.hstack([alone, [[9.0], [0.0], [0.0], [0.0]]])
    expected = krippendorff_alpha(alone, alone > 0, Scale.INTERVAL)
    assert krippendorff_alpha(wide, wide > 0, Scale.INTERVAL) == pytest.approx(expected)
    with pytest.raises(InvalidInput):
        krippendorff_alpha(np.ones((3, 4)), np.ones((3, 4), dtype=bool), Scale.NOMINAL)
    with pytest.raises(InvalidInput):
        krippendorff_alpha(np.ones((3, 4)), np.eye(3, 4, dtype=bool), Scale.NOMINAL)


def test_concordance_matches_friedman_with_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        marks = rng.integers(1, 6, (9, 5)).astype(float)
        friedman = scipy.stats.friedmanchisquare(*marks.T).statistic
        assert kendall_w(marks) == pytest.approx(friedman / (9 * 4))
    assert kendall_w(np.tile([1.0, 2.0, 3.0], (4, 1))) == 1.0


values = st.lists(st.integers(0, 5), min_size=3, max_size=8)


@settings(max_examples=60, deadline=None)
@given(values, st.randoms(use_true_random=False))
def test_tau_b_is_scipys(one: list[int], random) -> None:
    other = [random.randint(0, 5) for _ in one]
    if len(set(one)) < 2 or len(set(other)) < 2:
        with pytest.raises(InvalidInput):
            kendall_tau_b(np.array(one, float), np.array(other, float))
        return
    assert kendall_tau_b(np.array(one, float), np.array(other, float)) == pytest.approx(
        scipy.stats.kendalltau(one, other).statistic
    )


@settings(max_examples=60, deadline=None)
@given(values)
def test_ranks_are_scipys_min_ranks_from_the_top(one: list[int]) -> None:
    assert (ranks(np.array(one, float)) == scipy.stats.rankdata([-x for x in one], method="min")).all()


def test_rank_probabilities_add_up_and_know_a_certain_order() -> None:
    shares = rank_probabilities(np.tile([3.0, 1.0, 2.0], (10, 1)))
    assert (shares == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]).all()
    assert rank_probabilities(np.random.default_rng(0).normal(size=(50, 4))).sum(1) == pytest.approx(1.0)
