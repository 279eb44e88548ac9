"""What a removal takes from a sum is what counting each unit that is left leaves out, whichever way it is held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.sensitivity.removals import AT_ONCE, Prefixes, Removals, prefixes_of, sets_of


@st.composite
def removals(draw: st.DrawFn) -> tuple[int, Removals]:
    """Some removals from a number of units: sets of one size, or the beginnings of an order."""
    size = draw(st.integers(2, 30))
    if draw(st.booleans()):
        order = np.array(draw(st.permutations(range(size))), dtype=np.intp)
        shortest, longest = sorted(draw(st.tuples(*[st.integers(1, size - 1)] * 2)))
        return size, Prefixes(order, shortest, longest)
    taken = draw(st.integers(1, size - 1))
    one = st.lists(st.integers(0, size - 1), min_size=taken, max_size=taken, unique=True).map(tuple)
    return size, next(sets_of(draw(st.lists(one, min_size=1, max_size=8))))


@given(removals(), st.data())
def test_what_is_taken_and_what_is_left_make_the_whole(
    case: tuple[int, Removals], data: st.DataObject
) -> None:
    size, removed = case
    first = data.draw(st.integers(0, size - 1))
    rows = data.draw(st.integers(1, size - first))
    values = (
        np.array(data.draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows)), float)[:, None] / 4
    )
    left = removed.counts(size)[:, first : first + rows] @ values
    assert np.array_equal(removed.sums(values, first) + left, np.broadcast_to(values.sum(0), left.shape))


@given(removals())
def test_what_a_removal_takes_is_what_is_not_counted(case: tuple[int, Removals]) -> None:
    size, removed = case
    for row, counts in enumerate(removed.counts(size)):
        assert sorted(removed.taken(row)) == list(np.flatnonzero(counts == 0))


@pytest.mark.parametrize("longest", [AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE])
def test_every_beginning_of_an_order_comes_once(longest: int) -> None:
    order = np.arange(longest + 1)
    lengths = [
        length for some in prefixes_of(order, 2, longest) for length in range(some.shortest, some.longest + 1)
    ]
    assert lengths == list(range(2, longest + 1))
