"""Business days and months, against counting one day at a time."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.rulebook.clock import business_days_between, is_business_day, last_day, months_after

DAYS = st.dates(date(2025, 1, 1), date(2028, 1, 1))
HOLIDAYS = st.sets(DAYS, max_size=20) | st.just(set())


@given(DAYS, st.integers(-5, 60), HOLIDAYS)
def test_business_days_between_counts_as_one_does_on_a_calendar(
    first: date, length: int, holidays: set[date]
) -> None:
    last = first + timedelta(days=length)
    counted = sum(is_business_day(first + timedelta(days=offset), holidays) for offset in range(length + 1))
    assert business_days_between(first, last, holidays) == counted


@given(DAYS, st.integers(1, 40), HOLIDAYS)
def test_a_period_of_business_days_holds_exactly_so_many(after: date, days: int, holidays: set[date]) -> None:
    last = last_day(after, days, holidays)
    assert is_business_day(last, holidays)
    assert business_days_between(after + timedelta(days=1), last, holidays) == days


def test_ten_business_days_after_the_decision_of_january_2026_skip_weekends_only() -> None:
    assert last_day(date(2026, 1, 15), 10, set()) == date(2026, 1, 29)
    assert last_day(date(2026, 1, 15), 10, None) == date(2026, 1, 25)
    assert last_day(date(2026, 2, 13), 5, {date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18)}) == date(
        2026, 2, 25
    )


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 7, 5), 6, date(2026, 1, 5)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(9999, 12, 1), 1200, date.max),
    ],
)
def test_months_after_keeps_the_day_or_the_last_of_the_month(day: date, months: int, expected: date) -> None:
    assert months_after(day, months) == expected


def test_a_period_without_days_or_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput):
        last_day(date(2026, 1, 1), 0, None)
    with pytest.raises(InvalidInput):
        last_day(date.max, 1, set())
    with pytest.raises(InvalidInput):
        last_day(date(9999, 12, 30), 10**20, None)
