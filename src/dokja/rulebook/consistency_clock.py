"""Contradictions among the days of a stage: an impossible clock is refused before anyone waits for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dokja.grammar.mistakes import Mistake
from dokja.grammar.unknown import Unknown
from dokja.rulebook.clock import business_days_between
from dokja.rulebook.mistakes import mistake
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.terms import DayKind

_ZONE = re.compile(r"[A-Za-z_]+(/[A-Za-z0-9_+-]+)*")


def clock_mistakes(rulebook: Rulebook) -> Iterator[Mistake]:
    """Yield every pair of days in the wrong order, and periods of the wrong length."""
    clock = rulebook.clock
    if not _is_zone(clock.timezone):
        yield mistake("clock.timezone", "not_a_zone", value=clock.timezone[:80])
    yield from _order(rulebook)
    yield from _objection_length(rulebook)
    yield from _appeals(rulebook)
    for one in rulebook.amendments:
        notice = rulebook.amending.notice_days
        if isinstance(one.notified, Unknown) or isinstance(one.effective, Unknown):
            continue
        given = (one.effective - one.notified).days
        least = 0 if isinstance(notice, Unknown) else notice
        if given < least:
            yield mistake(f"amendments.{one.version}.effective", "notice_too_short", given=given, least=least)


def _is_zone(name: str) -> bool:
    """Whether there is such a time zone; every day of the stage hangs on it."""
    # A machine without any zones cannot tell, and says so when a day is asked for.
    return _ZONE.fullmatch(name) is not None and (_is_known(name) or not _is_known("Asia/Seoul"))


def _is_known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True


def _order(rulebook: Rulebook) -> Iterator[Mistake]:
    """Each chain names days that may not come in another order; only neighbours that are known are compared."""
    clock = rulebook.clock
    days: dict[str, date | Unknown] = {
        "frozen": clock.frozen,
        "submission.opens": clock.submission.opens,
        "submission.closes": clock.submission.closes,
        "evaluation.opens": clock.evaluation.opens,
        "evaluation.closes": clock.evaluation.closes,
        "decision": clock.decision,
        "objection.opens": clock.objection.opens,
        "objection.closes": clock.objection.closes,
        "final": clock.final,
    }
    chains = (
        ("frozen", "submission.opens", "submission.closes", "evaluation.closes"),
        ("submission.opens", "evaluation.opens", "evaluation.closes", "decision"),
        ("decision", "objection.opens", "objection.closes", "final"),
    )
    told: set[tuple[str, str]] = set()
    for chain in chains:
        known = [name for name in chain if not isinstance(days[name], Unknown)]
        wrong = [(a, b) for a, b in combinations(known, 2) if days[a] > days[b]]  # type: ignore[operator]
        for earlier, later in wrong:
            neighbours = known.index(later) - known.index(earlier) == 1
            if (neighbours or len(wrong) == 1) and (earlier, later) not in told:
                told.add((earlier, later))
                yield mistake(
                    f"clock.{later}",
                    "clock_impossible",
                    later=later,
                    later_day=str(days[later]),
                    earlier=earlier,
                    earlier_day=str(days[earlier]),
                )


def _objection_length(rulebook: Rulebook) -> Iterator[Mistake]:
    opens, closes = rulebook.clock.objection.opens, rulebook.clock.objection.closes
    days, kind = rulebook.appeals.days, rulebook.appeals.day_kind
    if isinstance(opens, Unknown) or isinstance(closes, Unknown) or closes < opens:
        return
    if isinstance(days, Unknown) or isinstance(kind, Unknown):
        return
    if kind is DayKind.BUSINESS:
        open_days = business_days_between(opens, closes, rulebook.clock.holidays)
    else:
        open_days = (closes - opens).days + 1
    if open_days != days:
        yield mistake("clock.objection", "objection_length", open_days=open_days, days=days, kind=str(kind))


def _appeals(rulebook: Rulebook) -> Iterator[Mistake]:
    if rulebook.appeals.grounds == ():
        yield mistake("appeals.grounds", "no_grounds")
