"""Resampling, intervals and clustered errors against theory and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.stats.bootstrap import cluster_means, resample_counts
from dokja.stats.intervals import (
    clustered_standard_error,
    percentile_interval,
    wilson_interval,
)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 99))
def test_every_replicate_draws_as_many_units_as_there_are(units: int, replicates: int, seed: int) -> None:
    counts = resample_counts(np.random.default_rng(seed), units, replicates)
    assert counts.shape == (replicates, units)
    assert (counts.sum(1) == units).all()
    assert (counts == resample_counts(np.random.default_rng(seed), units, replicates)).all()


def test_counts_have_the_moments_of_a_multinomial() -> None:
    counts = resample_counts(np.random.default_rng(0), 20, 40_000)
    assert counts.mean() == 1.0
    assert counts.var() == pytest.approx(1 - 1 / 20, rel=0.02)


def test_means_of_clusters_are_means_of_the_members_drawn() -> None:
    sums, sizes = np.array([[3.0], [1.0]]), np.array([3.0, 2.0])
    means = cluster_means(np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), sums, sizes)
    assert means[:2, 0].tolist() == [1.0, 0.8]
    assert np.isnan(means[2, 0])


def test_the_bootstrap_error_of_a_clustered_mean_is_the_clustered_standard_error() -> None:
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(60), 4)
    scores = (rng.random(240) < 0.3 + 0.4 * rng.random(60)[clusters]).astype(float)
    counts = resample_counts(rng, 60, 20_000)
    sums = np.bincount(clusters, weights=scores)[:, None]
    drawn = cluster_means(counts, sums, np.full(60, 4.0))[:, 0]
    assert drawn.std() == pytest.approx(clustered_standard_error(scores, clusters), rel=0.03)


def test_every_item_its_own_cluster_is_the_ordinary_standard_error() -> None:
    scores = np.random.default_rng(1).random(50)
    assert clustered_standard_error(scores, np.arange(50)) == pytest.approx(scipy.stats.sem(scores))


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (10, 10), (81, 263)])
def test_wilson_is_scipys(successes: int, trials: int) -> None:
    expected = scipy.stats.binomtest(successes, trials).proportion_ci(method="wilson")
    found = wilson_interval(successes, trials)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_is_newcombes_published_interval() -> None:
    """Newcombe (1998), table I: 81 of 263 by method 3 is 0.2553 to 0.3662."""
    found = wilson_interval(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_the_percentile_interval_holds_its_share_and_refuses_nan() -> None:
    interval = percentile_interval(np.arange(1001.0), 0.9)
    assert (interval.low, interval.high) == pytest.approx((50.0, 950.0))
    for bad in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(InvalidInput):
            percentile_interval(bad)
