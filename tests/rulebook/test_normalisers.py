"""What every normaliser keeps to, whichever kinds there are: a new one is held to it without being listed here."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.report.words import LANGUAGES, say
from dokja.rulebook.normalisers import NORMALISERS, Around, NormaliserRule, alternatives
from dokja.stats.exact import Values, alike, figures

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "rulebook.md").read_text("utf-8")
MOST = 6
EXACT = np.array([Fraction(1)], dtype=object)
AROUND = Around(comparators=frozenset({"target"}), panel=False, entering=MOST)


def name_of(kind: type) -> str:
    return str(kind.model_fields["kind"].default)


every_kind = pytest.mark.parametrize("kind", NORMALISERS, ids=name_of)
raw = st.lists(st.integers(0, 10**9).map(lambda n: n / 10**9), min_size=2, max_size=MOST)
coarse = st.lists(st.integers(0, 4).map(lambda n: n / 4), min_size=2, max_size=MOST)
values_of_teams = raw | coarse


def exact(rule: NormaliserRule, values: list[float]) -> list[Fraction]:
    shares = rule.normalised(alike(EXACT, values))
    figures(shares)  # raises where a float slipped in
    return [Fraction(share) for share in shares]


@every_kind
def test_a_kind_has_a_word_in_both_languages_and_a_line_in_the_reference(kind) -> None:
    assert len({name_of(other) for other in NORMALISERS}) == len(NORMALISERS)
    assert all(say(f"rulebook.value.{name_of(kind)}", {}, language) for language in LANGUAGES)
    assert f"| `{name_of(kind)}` |" in PAGE


@every_kind
def test_its_own_example_contradicts_nothing(kind) -> None:
    assert list(kind.example(MOST).mistakes("here", AROUND)) == []


@every_kind
@settings(max_examples=60, deadline=None)
@given(values=values_of_teams)
def test_fractions_and_floats_agree_and_shares_are_shares(kind, values: list[float]) -> None:
    rule = kind.example(MOST)
    shares = exact(rule, values)
    assert all(0 <= share <= 1 for share in shares)
    assert [float(share) for share in shares] == pytest.approx(rule.normalised(np.array(values)), abs=1e-9)


@every_kind
@settings(max_examples=40, deadline=None)
@given(values=values_of_teams)
def test_a_better_value_never_has_a_lower_share_and_equal_values_have_equal_shares(kind, values) -> None:
    shares = exact(kind.example(MOST), values)
    for one, own in zip(values, shares, strict=True):
        for other, share in zip(values, shares, strict=True):
            assert one != other or own == share
            assert one <= other or own >= share


@every_kind
@settings(max_examples=40, deadline=None)
@given(values=values_of_teams, data=st.data())
def test_the_order_of_the_teams_does_not_matter(kind, values: list[float], data) -> None:
    rule, order = kind.example(MOST), data.draw(st.permutations(range(len(values))))
    shares = exact(rule, values)
    assert exact(rule, [values[place] for place in order]) == [shares[place] for place in order]


@every_kind
@settings(max_examples=30, deadline=None)
@example(rows=[[0.0, 1.3176621500121792e-274]])
@given(
    rows=st.integers(2, MOST).flatmap(
        lambda n: st.lists(st.lists(st.floats(0, 1), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_many_resamples_at_once_are_each_by_itself(kind, rows: list[list[float]]) -> None:
    rule = kind.example(MOST)
    together = rule.normalised(np.array(rows))
    assert (together == np.array([rule.normalised(np.array(row)) for row in rows])).all()
    assert (rule.normalised(np.array([rows]))[0] == together).all()


@every_kind
def test_a_resample_in_which_nobody_has_a_value_disturbs_no_other(kind) -> None:
    rule = kind.example(MOST)
    rows = np.array([[0.2, 0.4, 0.9], [np.nan] * 3])
    assert (rule.normalised(rows)[0] == rule.normalised(rows[:1])[0]).all()


@every_kind
@settings(max_examples=60, deadline=None)
@given(values=values_of_teams, data=st.data())
def test_a_kind_is_relative_and_monotone_as_it_says(kind, values: list[float], data) -> None:
    """A rival moves a share only where the rule is relative; doing worse never gains on a rival where it is monotone."""
    rule = kind.example(MOST)
    team = data.draw(st.integers(0, len(values) - 1))
    worse = [
        data.draw(st.integers(0, 100)) / 100 * v if place == team else v for place, v in enumerate(values)
    ]
    before, after = exact(rule, values), exact(rule, worse)
    for place in range(len(values)):
        assert kind.relative or place == team or after[place] == before[place]
        assert not kind.monotone or after[team] - after[place] <= before[team] - before[place]


@pytest.mark.parametrize(
    "rule", [rb.MinMax(floor_share=0.3), rb.MaxScaled(), rb.Rank(shares=(1.0, 0.7, 0.4, 0.2, 0.1, 0.0))]
)
@settings(max_examples=40, deadline=None)
@given(values=values_of_teams, by=st.integers(1, 9))
def test_another_unit_of_measurement_changes_no_share(
    rule: rb.Normaliser, values: list[float], by: int
) -> None:
    plain: Values = alike(EXACT, values)
    assert (rule.normalised(plain * Fraction(by, 7)) == rule.normalised(plain)).all()


@settings(max_examples=40, deadline=None)
@given(values=values_of_teams, by=st.integers(1, 9))
def test_another_unit_changes_z_only_beyond_the_decimals_of_the_root(values: list[float], by: int) -> None:
    rule, plain = rb.ZScore(centre_share=0.5, spread_share=0.2), alike(EXACT, values)
    away = rule.normalised(plain * Fraction(by, 7)) - rule.normalised(plain)
    assert all(abs(one) < Fraction(1, 10**18) for one in away)


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.integers(0, 3), min_size=2, max_size=5))
def test_a_rank_is_the_mean_over_every_way_to_break_its_ties(values: list[int]) -> None:
    listed = (1.0, 0.7, 0.4, 0.2, 0.1)
    orders = [
        o for o in permutations(range(len(values))) if all(values[a] >= values[b] for a, b in pairwise(o))
    ]
    expected = [
        sum(Fraction(listed[order.index(team)]) for order in orders) / len(orders)
        for team in range(len(values))
    ]
    assert exact(rb.Rank(shares=listed), [value / 4 for value in values]) == expected


def test_points_of_one_third_each_add_up_to_one_whole() -> None:
    assert sum(exact(rb.Rank(shares=(1.0, 0.0, 0.0)), [0.5, 0.5, 0.5])) == 1


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=5),
    how=st.sampled_from(list(rb.Aggregation)),
)
def test_attainment_agrees_in_fractions_and_floats_and_needs_a_comparator_that_scored(scores, how) -> None:
    rule = rb.Attainment(comparator="target", aggregation=how)
    own, other = (np.array(column)[:, None] / 20 for column in zip(*scores, strict=True))
    fast = rule.raw_values(own, other, 0.95)
    found = rule.raw_values(alike(EXACT, own), alike(EXACT, other), 0.95)
    scored = [theirs > 0 for _, theirs in scores]
    assert (
        fast.defined[0]
        == found.defined[0]
        == (any(scored) if how is rb.Aggregation.RATIO_OF_MEANS else all(scored))
    )
    if found.defined[0]:
        assert float(found.values[0]) == pytest.approx(fast.values[0], abs=1e-9)


def test_relative_alternatives_are_shown_only_where_every_part_has_two_teams() -> None:
    assert [rule.kind for rule in alternatives(2, 5)] == ["raw", "min_max", "max_scaled", "z", "rank"]
    assert [rule.kind for rule in alternatives(1, 5)] == ["raw"]
