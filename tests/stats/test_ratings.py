"""Averages of raters: against numpy, scipy and brute force, in floats and in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.stats.exact import written
from dokja.stats.ratings import mean, severity_adjusted, trimmed_mean

seeds = st.integers(0, 10_000)
RULES = (mean, trimmed_mean, severity_adjusted)
ONCE = np.ones((1, 8))
FRACTIONS = np.array([Fraction(1)], dtype=object)


def marks(seed: int, raters: int = 8, teams: int = 4, missing: int = 3):
    rng = np.random.default_rng(seed)
    scored = np.ones((raters, teams), dtype=bool)
    for _ in range(missing):
        scored[rng.integers(raters), rng.integers(teams)] = False
    return rng.uniform(1, 10, (raters, teams)), scored


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_rater_drawn_twice_is_two_raters(seed: int) -> None:
    scores, scored = marks(seed)
    counts = np.random.default_rng(seed).integers(0, 4, (1, 8)).astype(float)
    doubled = np.repeat(np.arange(8), counts[0].astype(int))
    for rule in RULES:
        one = rule(scores, scored, counts)
        other = rule(scores[doubled], scored[doubled], np.ones((1, doubled.size)))
        assert (one.defined == other.defined).all()
        assert one.values[one.defined] == pytest.approx(other.values[other.defined], abs=1e-9)
        assert np.isnan(one.values[~one.defined]).all()


def test_the_trimmed_mean_is_scipys_where_the_drop_is_a_share() -> None:
    scores, scored = marks(1, raters=10, missing=0)
    expected = scipy.stats.trim_mean(scores, 0.1)
    assert trimmed_mean(scores, scored, np.ones((1, 10))).values[0] == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(seeds)
@example(34)  # the recusals leave one rater without a single mark
def test_severity_adjustment_is_the_least_squares_fit_over_those_who_marked(seed: int) -> None:
    scores, scored = marks(seed, missing=6)
    fitted = severity_adjusted(scores, scored, np.ones((1, 8)))
    scores, scored = scores[scored.any(1)], scored[scored.any(1)]
    rows, (raters, teams) = int(scored.sum()), scored.shape
    r, t = np.nonzero(scored)
    design = np.zeros((rows + 1, teams + raters))
    design[np.arange(rows), t] = 1
    design[np.arange(rows), teams + r] = 1
    design[rows, teams:] = 1e3 * scored.any(1)  # whoever marked nobody has no severity
    solution = np.linalg.lstsq(design, np.append(scores[scored], 0.0), rcond=None)[0]
    assert fitted.values[0] == pytest.approx(solution[:4], abs=1e-6)


@given(seeds)
def test_a_rater_who_marked_nobody_changes_no_adjusted_average(seed: int) -> None:
    scores, scored = marks(seed, missing=6)
    idle = np.vstack([scores, np.full((1, 4), 9.0)]), np.vstack([scored, np.zeros((1, 4), dtype=bool)])
    before = severity_adjusted(scores, scored, np.ones((1, 8)))
    after = severity_adjusted(*idle, np.ones((1, 9)))
    assert after.values == pytest.approx(before.values, nan_ok=True)


def test_severity_adjustment_without_holes_is_the_mean() -> None:
    scores, scored = marks(3, missing=0)
    assert severity_adjusted(scores, scored, np.ones((1, 8))).values[0] == pytest.approx(scores.mean(0))


def test_severity_adjustment_recovers_what_recusals_hide() -> None:
    """The severe rater alone skipped the second team: the mean lifts it, the fit does not."""
    team, severity = np.array([5.0, 5.0, 6.0]), np.array([-2.0, 0.0, 0.5])
    scores = team + severity[:, None]
    scored = np.ones((3, 3), dtype=bool)
    scored[0, 1] = False
    adjusted = severity_adjusted(scores, scored, np.ones((1, 3))).values[0]
    assert adjusted == pytest.approx(team + severity.mean())
    assert mean(scores, scored, np.ones((1, 3))).values[0][1] > adjusted[1] + 0.5


def test_raters_who_share_no_team_give_no_adjusted_average() -> None:
    scored = np.array([[True, False], [False, True]])
    result = severity_adjusted(np.ones((2, 2)), scored, np.ones((1, 2)))
    assert not result.defined.any()
    assert not severity_adjusted(
        written(FRACTIONS, np.ones((2, 2))), scored, written(FRACTIONS, np.ones((1, 2)))
    ).defined.any()


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from(RULES))
def test_fractions_and_floats_agree_and_fractions_stay_fractions(seed: int, rule) -> None:
    scores, scored = marks(seed, missing=8)
    scores = scores.round(1)
    fast = rule(scores, scored, ONCE)
    exact = rule(written(FRACTIONS, scores), scored, written(FRACTIONS, ONCE))
    assert (exact.defined == fast.defined).all()
    found = exact.values[exact.defined].tolist()
    assert all(isinstance(one, Fraction) for one in found)
    assert [float(one) for one in found] == pytest.approx(fast.values[fast.defined], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(10, 100), min_size=1, max_size=7), st.integers(0, 3))
def test_the_trimmed_mean_is_what_crossing_out_marks_leaves(given: list[int], drop: int) -> None:
    """Cross out the lowest and the highest that still stand, `drop` times each, and average the rest."""
    left = [Fraction(mark, 10) for mark in given]
    for _ in range(drop):
        for end in (min, max):
            if left:
                left.remove(end(left))
    column = written(FRACTIONS, [[mark / 10] for mark in given])
    once = written(FRACTIONS, np.ones((1, len(given))))
    found = trimmed_mean(column, np.ones((len(given), 1), dtype=bool), once, drop, drop)
    assert found.defined[0, 0] == bool(left)
    assert not left or found.values[0, 0] == sum(left) / len(left)


def test_exact_averages_do_not_depend_on_the_order_of_the_raters() -> None:
    """Three marks whose sum in doubles depends on the order: 0.1 + 0.2 + 0.3."""
    for rule in (mean, severity_adjusted):
        found = {
            rule(
                written(FRACTIONS, [[a], [b], [c]]),
                np.ones((3, 1), bool),
                written(FRACTIONS, np.ones((1, 3))),
            ).values[0, 0]
            for a, b, c in permutations((0.1, 0.2, 0.3))
        }
        assert found == {Fraction(1, 5)}


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(RULES))
def test_a_lower_mark_never_lifts_its_team_nor_its_lead(seed: int, rule) -> None:
    scores, scored = marks(seed)
    rng = np.random.default_rng(seed + 1)
    r, t = rng.choice(np.argwhere(scored))
    before = rule(scores, scored, np.ones((1, 8))).values[0]
    scores[r, t] -= rng.uniform(0, 9)
    after = rule(scores, scored, np.ones((1, 8))).values[0]
    assert after[t] <= before[t] + 1e-9
    assert (after[t] - after <= before[t] - before + 1e-9).all()


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput):
        mean(np.ones((2, 2)), np.ones((2, 2), dtype=bool), np.ones((1, 3)))
    with pytest.raises(InvalidInput):
        mean(np.full((2, 2), np.nan), np.ones((2, 2), dtype=bool), np.ones((1, 2)))
