"""Every `map` gives the same results in the same order, in this process or in several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.compute.map import InProcesses, Map, in_process
from dokja.errors import InvalidInput


def reciprocal(number: int) -> float:
    if number == 0:
        raise InvalidInput("Nothing is one divided by zero.")
    return 1 / number


MAPS: list[Map] = [in_process, InProcesses(2)]


@settings(max_examples=4, deadline=None)
@given(work=st.lists(st.integers(1, 1000), max_size=20))
def test_processes_give_what_this_process_gives(work: list[int]) -> None:
    one, other = ([*each(reciprocal, work)] for each in MAPS)
    assert one == other == [reciprocal(number) for number in work]


@pytest.mark.parametrize("each", MAPS, ids=["in_process", "in_processes"])
def test_an_error_ends_the_work_and_reaches_the_caller_as_itself(each: Map) -> None:
    results = each(reciprocal, [2, 0, 4])
    assert next(results) == 0.5
    with pytest.raises(InvalidInput, match="divided by zero"):
        next(results)


def test_work_is_taken_only_a_little_ahead_of_what_is_read() -> None:
    taken: list[int] = []

    def work() -> Iterator[int]:
        for number in range(1, 1000):
            taken.append(number)
            yield number

    results = InProcesses(1)(reciprocal, work())
    assert next(results) == 1.0
    assert len(taken) < 10
    results.close()  # type: ignore[attr-defined]  # a generator, as every map of ours


def test_no_processes_is_refused() -> None:
    with pytest.raises(InvalidInput):
        InProcesses(0)
