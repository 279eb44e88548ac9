"""Scores have errors, and attainment of a target is three different figures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dokja.benchmark.attainment import Aggregation, attainment, attainment_of_runs
from dokja.benchmark.runner import run
from dokja.benchmark.score import RunScore, score_run
from dokja.benchmark.suite import Scorer
from dokja.errors import InvalidInput
from tests.benchmark.small_suites import BrokenEngine, HashEngine, suite

SCORES = arrays.arrays(np.float64, 6, elements=st.floats(0.01, 1.0))


def card(column: str) -> np.ndarray:
    """Scores of the K-EXAONE model card's 24 rows without safety (LG AI Research, January 2026)."""
    with (Path(__file__).parent / "k_exaone_card.csv").open(encoding="utf-8") as file:
        return np.array([float(row[column]) for row in csv.DictReader(file)])


@pytest.mark.parametrize(
    ("comparator", "mean_of_ratios", "ratio_of_means", "reaching"),
    [
        ("gpt_oss_120b", 106.4, 103.8, 21),
        ("qwen3_235b_thinking_2507", 114.0, 105.3, 20),
        ("deepseek_v3_2", 92.0, 94.0, 15),
    ],
)
def test_the_published_card_gives_the_published_attainments(
    comparator: str, mean_of_ratios: float, ratio_of_means: float, reaching: int
) -> None:
    figures = {
        kind: float(attainment(card("k_exaone"), card(comparator), kind, mark=0.95)) for kind in Aggregation
    }
    assert round(100 * figures[Aggregation.MEAN_OF_RATIOS], 1) == mean_of_ratios
    assert round(100 * figures[Aggregation.RATIO_OF_MEANS], 1) == ratio_of_means
    assert figures[Aggregation.SHARE_REACHING] == pytest.approx(reaching / 24)


def test_the_comparator_and_the_aggregation_decide_whether_95_percent_is_reached() -> None:
    verdicts = {
        (name, kind): bool(attainment(card("k_exaone"), card(name), kind, mark=0.95) >= 0.95)
        for name in ("gpt_oss_120b", "deepseek_v3_2")
        for kind in (Aggregation.MEAN_OF_RATIOS, Aggregation.RATIO_OF_MEANS)
    }
    assert set(verdicts.values()) == {True, False}


@given(scores=SCORES, kind=st.sampled_from(Aggregation))
def test_a_model_attains_itself_exactly(scores: np.ndarray, kind: Aggregation) -> None:
    assert attainment(scores, scores, kind, mark=0.95) == pytest.approx(1.0)


@given(scores=SCORES, comparator=SCORES, kind=st.sampled_from(Aggregation), raised=st.integers(0, 5))
def test_a_better_score_never_lowers_attainment(
    scores: np.ndarray, comparator: np.ndarray, kind: Aggregation, raised: int
) -> None:
    better = scores.copy()
    better[raised] += 0.3
    before, after = (attainment(s, comparator, kind, mark=0.95) for s in (scores, better))
    assert after >= before - 1e-12


@given(scores=SCORES, comparator=SCORES, scale=st.floats(0.1, 100.0))
def test_points_or_shares_make_no_difference(
    scores: np.ndarray, comparator: np.ndarray, scale: float
) -> None:
    for kind in (Aggregation.MEAN_OF_RATIOS, Aggregation.RATIO_OF_MEANS):
        one = attainment(scores, comparator, kind, mark=0.95)
        assert attainment(scores * scale, comparator * scale, kind, mark=0.95) == pytest.approx(float(one))


@pytest.mark.parametrize(
    ("scores", "comparator"),
    [([], []), ([0.5], [0.0]), ([0.5], [-0.1]), ([-0.5], [0.5]), ([np.nan], [0.5]), ([0.5], [0.5, 0.5])],
)
@pytest.mark.parametrize("kind", Aggregation)
def test_what_has_no_ratio_is_refused(
    scores: list[float], comparator: list[float], kind: Aggregation
) -> None:
    with pytest.raises(InvalidInput):
        attainment(np.array(scores), np.array(comparator), kind, mark=0.95)


def credits_run(share_right: float, seed: int, n_items: int = 80) -> RunScore:
    """A run whose engine prefers the right option with a given probability, item by item (simulated)."""
    rng = np.random.default_rng(seed)
    asked = suite("letters", n_items)

    class Guesser(HashEngine):
        def loglikelihoods(self, prompt: str, options: object) -> list[float]:
            right = asked.items[len(self.asked)].answer
            self.asked.append(prompt)
            preferred = right if rng.random() < share_right else (right + 1) % 3
            return [0.0 if option == preferred else -1.0 for option in range(3)]

    return score_run(list(run(Guesser(), [asked], model="simulated")))


def test_the_interval_of_an_attainment_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        one, other = credits_run(0.6, seed), credits_run(0.8, 1000 + seed)
        found = attainment_of_runs(
            one,
            other,
            Aggregation.MEAN_OF_RATIOS,
            np.random.default_rng(seed),
            mark=0.95,
            replicates=400,
            level=0.9,
        )
        held += found.interval.low <= 0.75 <= found.interval.high
    assert held >= 47  # 54 of 60 expected; a binomial falls below about once in a hundred


def test_the_same_run_attains_itself_without_any_uncertainty() -> None:
    one = credits_run(0.6, 1)
    for kind in Aggregation:
        found = attainment_of_runs(one, one, kind, np.random.default_rng(0), mark=0.95, replicates=50)
        assert (found.value, found.interval.low, found.interval.high) == pytest.approx((1, 1, 1))


def test_runs_on_other_items_are_not_compared() -> None:
    one = credits_run(0.6, 1)
    with pytest.raises(InvalidInput):
        attainment_of_runs(
            one, credits_run(0.6, 1, 60), Aggregation.RATIO_OF_MEANS, np.random.default_rng(0), mark=0.95
        )


def test_the_interval_of_an_accuracy_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        (score,) = credits_run(0.7, seed).suites
        held += score.interval.low <= 0.7 <= score.interval.high
    assert held >= 52  # 57 of 60 expected; a binomial falls below about once in a hundred


def test_a_perfect_score_still_has_an_interval() -> None:
    (perfect,) = credits_run(1.0, 1).suites
    (hopeless,) = credits_run(0.0, 1).suites
    assert (perfect.accuracy, perfect.interval.high) == (1.0, 1.0)
    assert 0.9 < perfect.interval.low < 1.0
    assert 0.0 < hopeless.interval.high < 0.1


def test_repeats_are_averaged_before_anything_else() -> None:
    once = score_run(list(run(HashEngine(), [suite("letters", 8)], model="m")))
    thrice = score_run(list(run(HashEngine(), [suite("letters", 8, repeats=3)], model="m")))
    assert once.suites[0].items == thrice.suites[0].items
    assert once.suites[0].standard_error == thrice.suites[0].standard_error


def test_length_counts_only_where_the_suite_says_so() -> None:
    engine = BrokenEngine([-4.0, -3.0, -6.0])  # " yes" has 4 bytes, " no" 3, " perhaps" 8
    by_sum = score_run(list(run(engine, [suite("letters", 6)], model="m")))
    by_byte = score_run(list(run(engine, [suite("letters", 6, scorer=Scorer.PER_BYTE)], model="m")))
    assert [item.credit for item in by_sum.suites[0].items] == [0, 1, 0, 0, 1, 0]
    assert [item.credit for item in by_byte.suites[0].items] == [0, 0, 1, 0, 0, 1]


@settings(max_examples=20, deadline=None)
@given(n_items=st.integers(3, 30))
def test_chance_and_counts_are_those_of_the_suite(n_items: int) -> None:
    asked = suite("letters", n_items)
    (score,) = score_run(list(run(HashEngine(), [asked], model="m"))).suites
    assert score.chance == pytest.approx(asked.chance)
    assert len(score.items) == n_items
    assert score.n_clusters == len({item.cluster for item in asked.items})
