"""Where a rulebook says `unknown`, and which of those a stage cannot be opened with.

Only three kinds of unknown may stand in a stage that opens: what a team names itself in an event (its own target model
and benchmarks), what was given in support, and what is on record of earlier amendments. Everything else decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from dokja.canonical import JSON
from dokja.grammar.mistakes import Mistake
from dokja.rulebook.mistakes import invalid, mistake
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.terms import Averaging, Chooser

_UNKNOWN = "unknown"


def unknown_places(value: JSON, at: str = "") -> Iterator[str]:
    """Yield every place of a canonical rulebook that is marked unknown, by ids where there are any."""
    if value == _UNKNOWN:
        yield at
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from unknown_places(inner, f"{at}.{name}".lstrip("."))
    elif isinstance(value, list):
        for position, inner in enumerate(value, start=1):
            place = inner.get("id", position) if isinstance(inner, dict) else position
            yield from unknown_places(inner, f"{at}.{place}")


def needed_to_open(rulebook: Rulebook) -> tuple[Mistake, ...]:
    """Return one mistake for each unknown that a stage cannot be opened with."""
    supplied = set(_supplied_later(rulebook))
    return tuple(
        mistake(place, "unknown_needed")
        for place in unknown_places(rulebook.canonical())
        if place not in supplied and not place.startswith(("support.", "amendments."))
    )


def require_openable(rulebook: Rulebook) -> None:
    """Require that a stage can be opened under a rulebook.

    Raises:
        RulebookInvalid: With one mistake for each unknown that the stage would need.
    """
    missing = needed_to_open(rulebook)
    if missing:
        raise invalid(list(missing))


def _supplied_later(rulebook: Rulebook) -> Iterator[str]:
    for comparator in rulebook.comparators:
        if comparator.per_team:
            yield from (f"comparators.{comparator.id}.name", f"comparators.{comparator.id}.released")
    for suite in rulebook.suites:
        if suite.chosen_by is Chooser.TEAM:
            yield f"suites.{suite.id}.benchmarks"
    for panel in rulebook.panels:
        if panel.averaging in (Averaging.MEAN, Averaging.SEVERITY_ADJUSTED):
            yield f"panels.{panel.id}.trim_each_side"
