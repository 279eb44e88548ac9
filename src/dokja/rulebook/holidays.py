"""Public holidays of Korea, lunar and substitute days included, from the `holidays` package.

A rulebook may name its own holidays; where it names none, a clock in business days uses these. The package knows the
law as of its release: an ad-hoc holiday declared later must be named in the rulebook or by a deadline extension.
"""

from __future__ import annotations

from datetime import date

from dokja.errors import InvalidInput, Unavailable

# Substitute holidays in their present form began in 2014; before that the business days of a clock are not ours to say.
FIRST_YEAR, LAST_YEAR = 2014, 2050


def korean_holidays(first: date, last: date) -> frozenset[date]:
    """Return every public holiday from `first` to `last`, both included.

    Raises:
        InvalidInput: The span is empty or lies outside the years the calendar is known for.
        Unavailable: The `holidays` package is not installed.
    """
    if last < first or first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise InvalidInput(
            f"Korean holidays are known from {FIRST_YEAR} to {LAST_YEAR}, not from {first} to {last}."
        )
    try:
        import holidays
    except ImportError as error:
        raise Unavailable(
            "Korean holidays need the package `holidays`.",
            hint="Install dokja with its extra: pip install dokja[stage].",
        ) from error
    known = holidays.country_holidays("KR", years=range(first.year, last.year + 1))
    return frozenset(day for day in known if first <= day <= last)
