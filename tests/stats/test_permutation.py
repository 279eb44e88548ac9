"""Exact permutation tests: bounds never below the truth, and nothing that a symmetric change can move."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dokja.errors import InvalidInput
from dokja.stats.permutation import (
    cross_product,
    double_centre,
    equilibrate,
    log10_factorial,
    log10_pooled_tail,
    log10_sign_tail,
    log10_tail,
    log10_wreath_tail,
    log_mgf_bound,
    log_permanent,
    monte_carlo_p_value,
    monte_carlo_z,
    rank_scores,
    sign_statistic,
    trace_statistic,
)

_S8 = np.array(list(itertools.permutations(range(8))))
_S5 = np.array(list(itertools.permutations(range(5))))


def _all_traces(c, permutations):
    return c[np.arange(len(c)), permutations].sum(axis=1)


def _pair(n, k, rho, seed):
    rng = np.random.default_rng(seed)
    reference = rng.standard_normal((n, k))
    suspect = rho * reference + math.sqrt(1 - rho**2) * rng.standard_normal((n, k))
    return equilibrate(suspect), equilibrate(reference)


def _statistic(a, b):
    return trace_statistic(cross_product(a, b), float(np.linalg.norm(a)), float(np.linalg.norm(b)))


_SHAPES_OF_C = {
    "gaussian": lambda rng: rng.standard_normal((8, 8)),
    "heavy tails": lambda rng: rng.standard_t(2, (8, 8)),
    "near the diagonal": lambda rng: rng.standard_normal((8, 8)) + 3 * np.eye(8),
    "skewed": lambda rng: np.exp(1.5 * rng.standard_normal((8, 8))),
    "ties": lambda rng: rng.choice([-1.0, 1.0], (8, 8)),
    "rank one": lambda rng: np.outer(rng.standard_normal(8), rng.standard_normal(8)),
}


@pytest.mark.parametrize("shape", _SHAPES_OF_C)
def test_the_bound_is_never_below_the_exact_tail_over_all_permutations_of_eight(shape):
    rng = np.random.default_rng(len(shape))
    for _ in range(12):
        c = double_centre(_SHAPES_OF_C[shape](rng))
        traces = _all_traces(c, _S8)
        for level in (0.5, 0.1, 1e-2, 1e-3, 0.0):
            # The tail bound answers for the trace it sees, so put a permutation of that level on the diagonal.
            at = _S8[np.argsort(-traces, kind="stable")[int(level * len(_S8))]]
            moved = c[:, at]
            exact = math.log10(np.mean(traces >= np.trace(moved) - 1e-9))
            assert log10_tail(moved) >= exact - 1e-9


def test_the_pooled_bound_is_never_below_the_exact_tail_of_two_groups():
    rng = np.random.default_rng(5)
    for _ in range(15):
        cs = [double_centre(rng.standard_normal((5, 5)) + 0.7 * np.eye(5)) for _ in range(2)]
        sds = [math.sqrt((c**2).sum() / 4) for c in cs]
        first, second = (_all_traces(c, _S5) / sd for c, sd in zip(cs, sds, strict=True))
        seen = sum(np.trace(c) / sd for c, sd in zip(cs, sds, strict=True))
        exact = np.mean(first[:, None] + second[None, :] >= seen - 1e-9)
        assert log10_pooled_tail(cs) >= math.log10(exact) - 1e-9


def test_tightening_never_loosens_and_both_bounds_are_one_at_a_constant_matrix():
    c = double_centre(np.random.default_rng(0).standard_t(2, (20, 20)))
    for theta in (0.01, 0.1, 1.0):
        assert log_mgf_bound(c, theta, tighten=True) <= log_mgf_bound(c, theta) + 1e-12
    assert log_mgf_bound(np.zeros((9, 9)), 1.0) == pytest.approx(0.0, abs=1e-9)


def test_the_log_mgf_bound_is_above_the_exact_one():
    rng = np.random.default_rng(2)
    for _ in range(20):
        c = rng.standard_normal((6, 6))
        for theta in (0.2, 1.0, 4.0):
            exact = log_permanent(theta * c) - math.lgamma(7)
            assert log_mgf_bound(c, theta, tighten=True) >= exact - 1e-9


def test_the_identity_reaches_the_floor_of_one_over_n_factorial():
    a, _ = _pair(12, 400, 0.0, 1)
    assert log10_tail(cross_product(a, a)) == pytest.approx(-log10_factorial(12), abs=1.5)
    assert log10_tail(cross_product(a, a)) >= -log10_factorial(12)


@pytest.mark.parametrize(
    ("n", "z", "published"),
    [(256, 6, -6.3), (256, 8, -11.6), (256, 10, -18.4), (1024, 8, -12.6), (1024, 30, -184)],
)
def test_the_price_of_rigour_at_moderate_z_is_the_tabulated_one(n, z, published):
    rng = np.random.default_rng(n + z)
    c = double_centre(rng.standard_normal((n, n)))
    sd = math.sqrt((c**2).sum() / (n - 1))
    # Raise the diagonal, keep it centred, until T stands exactly z standard deviations out.
    for _ in range(20):
        c += double_centre(np.eye(n)) * (z * sd - np.trace(c)) / (n - 1)
        sd = math.sqrt((c**2).sum() / (n - 1))
    assert log10_tail(c) == pytest.approx(published, rel=0.06, abs=0.4)


def test_mean_and_variance_over_all_permutations_are_exact():
    c = double_centre(np.random.default_rng(3).standard_t(3, (8, 8)))
    traces = _all_traces(c, _S8)
    statistic = trace_statistic(c, 1.0, 1.0)
    assert traces.mean() == pytest.approx(0.0, abs=1e-10)
    assert traces.var() == pytest.approx(statistic.variance)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 30), st.integers(1, 40))
def test_relabelling_both_models_alike_changes_nothing(seed, n, k):
    rng = np.random.default_rng(seed)
    suspect, reference, pi = rng.standard_normal((n, k)), rng.standard_normal((n, k)), rng.permutation(n)
    before = cross_product(equilibrate(suspect), equilibrate(reference))
    after = cross_product(equilibrate(suspect[pi]), equilibrate(reference[pi]))
    assert np.allclose(before[np.ix_(pi, pi)], after, atol=1e-5)
    assert log10_tail(after) == pytest.approx(log10_tail(before), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(
        np.float64, (9, 4), elements=st.floats(-100, 100, allow_subnormal=False).map(lambda x: round(x, 3))
    ),
    hnp.arrays(np.float64, 4, elements=st.floats(1e-6, 1e6)),
)
def test_scaling_a_column_changes_nothing(features, scale):
    assert np.allclose(equilibrate(features), equilibrate(features * scale), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_suspect_and_reference_may_change_places(seed, rho):
    a, b = _pair(16, 12, rho, seed)
    forth, back = _statistic(a, b), _statistic(b, a)
    assert forth.z == pytest.approx(back.z, abs=1e-4)
    assert log10_tail(cross_product(a, b)) == pytest.approx(log10_tail(cross_product(b, a)), abs=1e-3)


def test_z_is_effect_times_information():
    s = _statistic(*_pair(64, 30, 0.4, 7))
    assert s.z == pytest.approx(s.rho * math.sqrt((s.n - 1) * s.k_eff))
    assert s.detectable_rho(s.z) == pytest.approx(s.rho)


def test_monte_carlo_p_values_are_uniform_under_independence_and_the_bound_is_above_them():
    p_values, bounds = [], []
    for seed in range(150):
        a, b = _pair(40, 20, 0.0, seed)
        c = cross_product(a, b)
        p_values.append(monte_carlo_p_value([c], 199, seed))
        bounds.append(10 ** log10_tail(c))
    distance = np.max(np.abs(np.sort(p_values) - (np.arange(150) + 0.5) / 150))
    assert distance < 1.63 / math.sqrt(150)  # Kolmogorov-Smirnov at 1 %
    assert np.mean(np.array(bounds) < 0.05) <= 0.05
    assert all(bound >= p - 0.1 for bound, p in zip(bounds, p_values, strict=True))


def test_monte_carlo_null_has_mean_zero_and_unit_spread_over_pooled_groups():
    cs = [cross_product(*_pair(30, 10, 0.5, seed)) for seed in range(4)]
    null = monte_carlo_z(cs, 3000, 0)
    assert abs(null.mean()) < 0.08
    assert null.std() == pytest.approx(1.0, abs=0.06)
    assert np.array_equal(null, monte_carlo_z(cs, 3000, 0))


def test_outlier_units_at_the_same_place_do_not_make_strangers_kin():
    rng = np.random.default_rng(11)
    a, b = rng.standard_normal((200, 64)), rng.standard_normal((200, 64))
    a[:3] *= 30
    b[:3] *= 30
    assert log10_tail(cross_product(equilibrate(a), equilibrate(b))) > -3


def test_outlier_units_do_not_hide_kinship():
    rng = np.random.default_rng(12)
    reference = rng.standard_normal((200, 64))
    suspect = 0.4 * reference + rng.standard_normal((200, 64))
    suspect[:3] *= 30
    reference[5:8] *= 30
    assert log10_tail(cross_product(equilibrate(suspect), equilibrate(reference))) < -12


def test_one_unit_constants_and_zeros_show_nothing():
    for features in (np.ones((1, 4)), np.ones((6, 4)), np.zeros((6, 4)), np.full((6, 1), 0.1)):
        x = equilibrate(features)
        c = cross_product(x, x)
        assert not x.any()
        assert _statistic(x, x).z == 0.0
        assert log10_tail(c) == 0.0
        assert monte_carlo_p_value([c], 10, 0) == 1.0


def test_an_all_zero_unit_stays_zero_and_is_not_blown_up_out_of_rounding():
    x = np.random.default_rng(0).standard_normal((10, 5))
    x[4] = 0.0
    assert np.isfinite(equilibrate(x)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(bad):
    x = np.ones((4, 4))
    x[1, 2] = bad
    for refuse in (equilibrate, log10_tail, lambda v: sign_statistic(v, v)):
        with pytest.raises(InvalidInput):
            refuse(x)


def test_unequal_features_are_refused():
    with pytest.raises(InvalidInput):
        cross_product(np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(InvalidInput):
        log10_tail(np.ones((4, 3)))
    with pytest.raises(InvalidInput):
        monte_carlo_p_value([np.eye(3)], 0, 0)


def test_ranks_ignore_every_increasing_change_of_scale():
    x = np.array([0.3, -2.0, 0.3, 5.0, 1.0])
    assert np.allclose(rank_scores(x), rank_scores(np.exp(x)))
    assert not rank_scores(np.ones(5)).any()


def test_the_sign_bound_is_never_below_the_exact_tail():
    rng = np.random.default_rng(6)
    signs = np.array(list(itertools.product([-1, 1], repeat=10)))
    for _ in range(40):
        x = rng.standard_t(3, 10) + rng.choice([0, 1])
        exact = np.mean(signs @ np.abs(x) >= x.sum() - 1e-12)
        assert log10_sign_tail(x) >= math.log10(exact) - 1e-9


def test_sign_agreement_is_found_in_kin_and_not_in_strangers():
    rng = np.random.default_rng(8)
    reference = rng.standard_normal((256, 30))
    assert sign_statistic(reference, reference).log10_p == pytest.approx(-256 * math.log10(2), rel=0.05)
    assert sign_statistic(rng.standard_normal((256, 30)), reference).log10_p > -2
    assert sign_statistic(np.zeros((4, 2)), np.zeros((4, 2))).log10_p == 0.0


def test_the_permanent_is_the_sum_over_all_permutations():
    x = np.random.default_rng(9).uniform(0.1, 2, (5, 5))
    exact = np.prod(x[np.arange(5), _S5], axis=1).sum()
    assert log_permanent(np.log(x)) == pytest.approx(math.log(exact))
    with pytest.raises(InvalidInput):
        log_permanent(np.zeros((17, 17)))


def test_the_bound_over_heads_is_never_below_the_exact_tail_of_the_wreath_product():
    rng = np.random.default_rng(10)
    inner = list(itertools.permutations(range(3)))
    for lift in (0.0, 1.0, 3.0):
        kv, q = rng.standard_normal((2, 2)), rng.standard_normal((2, 2, 3, 3))
        kv += lift * np.eye(2)
        q[0, 0] += lift * np.eye(3)
        q[1, 1] += lift * np.eye(3)
        totals = [
            sum(kv[g, o[g]] + q[g, o[g], np.arange(3), i[g]].sum() for g in range(2))
            for o in itertools.permutations(range(2))
            for i in itertools.product(inner, repeat=2)
        ]
        seen = np.trace(kv) + np.einsum("ggqq->", q)
        exact = np.mean(np.array(totals) >= seen - 1e-9)
        assert log10_wreath_tail([(kv, q)]) >= math.log10(exact) - 1e-9


def test_heads_in_place_reach_the_floor_of_their_group():
    kv, q = 50 * np.eye(2), np.zeros((2, 2, 3, 3))
    q[0, 0] = q[1, 1] = 50 * np.eye(3)
    assert log10_wreath_tail([(kv, q)] * 4) == pytest.approx(-4 * math.log10(72), rel=0.05)
