"""Scores have errors, and attainment of a target is three different figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dokja.benchmark.runner import run
from dokja.benchmark.score import RunScore, score_run
from dokja.benchmark.suite import Scorer
from tests.benchmark.small_suites import BrokenEngine, HashEngine, suite

SCORES = arrays.arrays(np.float64, 6, elements=st.floats(0.01, 1.0))


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
