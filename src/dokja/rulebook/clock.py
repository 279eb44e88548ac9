"""Days of a stage: business days, months, and the length of a window. Whole days; nothing here reads a clock."""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, timedelta

from dokja.errors import InvalidInput


def is_business_day(day: date, holidays: Collection[date]) -> bool:
    """Return whether a day is neither Saturday, Sunday nor one of the holidays named."""
    return day.weekday() < 5 and day not in holidays


def business_days_between(first: date, last: date, holidays: Collection[date]) -> int:
    """Return how many business days lie from `first` to `last`, both included; 0 when `last` is earlier."""
    days = (last - first).days + 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    count = 5 * weeks + sum((first.weekday() + offset) % 7 < 5 for offset in range(rest))
    return count - sum(first <= day <= last and day.weekday() < 5 for day in set(holidays))


def last_day(after: date, days: int, holidays: Collection[date] | None) -> date:
    """Return the last day of a period that starts the day after `after`.

    Args:
        after: The day of the decision, or whatever starts the clock.
        days: Length of the period, at least 1.
        holidays: Days that do not count besides weekends; None where every calendar day counts.

    Raises:
        InvalidInput: The period has no day, or ends beyond the calendar.
    """
    if days < 1:
        raise InvalidInput(f"A period of {days} days has no last day.")
    try:
        if holidays is None:
            return after + timedelta(days=days)
        off = set(holidays)
        day = after
        while days:
            day += timedelta(days=1)
            days -= is_business_day(day, off)
    except OverflowError as error:
        raise InvalidInput("The period ends beyond the calendar.") from error
    return day


def months_after(day: date, months: int) -> date:
    """Return the same day of the month so many months later, or that month's last day; 9999-12-31 at the latest."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
