"""Rosters only grow by versions, and business days know Seollal, Chuseok and their substitutes."""

from datetime import date, timedelta

import pytest

from dokja.errors import InvalidInput
from dokja.record.roster import MemberRole, RosterMember, RosterVersion, changes_between, roster_on
from dokja.rulebook.clock import last_day
from dokja.rulebook.holidays import korean_holidays

LG, UNI, ELICE = (
    RosterMember("LG AI Research", MemberRole.LEAD),
    RosterMember("A university", MemberRole.UNIVERSITY),
    RosterMember("Elice", MemberRole.PARTICIPANT),
)
FIRST = RosterVersion("lg", 1, date(2025, 8, 4), frozenset({LG, UNI}))
SECOND = RosterVersion("lg", 2, date(2026, 2, 25), frozenset({LG, UNI, ELICE}), "joins for stage 2")


def test_the_roster_of_a_stage_is_the_version_in_effect_on_its_day() -> None:
    versions = [FIRST, SECOND]
    assert roster_on(versions, date(2025, 8, 3)) is None
    assert roster_on(versions, date(2026, 1, 15)) == FIRST
    assert roster_on(versions, date(2026, 2, 25)) == SECOND
    (change,) = changes_between(versions, date(2026, 1, 15), date(2026, 8, 1))
    assert (change.joined, change.left, change.lead_changed) == ((ELICE,), (), False)
    assert changes_between(versions, date(2026, 2, 25), date(2026, 8, 1)) == ()


def test_a_roster_without_one_lead_a_reason_or_an_order_is_refused() -> None:
    with pytest.raises(InvalidInput, match="exactly one lead"):
        RosterVersion("lg", 1, date(2025, 8, 4), frozenset({UNI}))
    with pytest.raises(InvalidInput, match="gives no reason"):
        RosterVersion("lg", 2, date(2026, 2, 25), frozenset({LG}))
    with pytest.raises(InvalidInput, match="missing"):
        roster_on([SECOND], date(2026, 3, 1))
    with pytest.raises(InvalidInput, match="before the one it replaces"):
        roster_on(
            [FIRST, RosterVersion("lg", 2, date(2025, 1, 1), frozenset({LG}), "back in time")],
            date(2026, 3, 1),
        )


def test_ten_business_days_from_the_decision_of_january_2026_skip_weekends_only() -> None:
    decision = date(2026, 1, 15)
    off = korean_holidays(decision, decision + timedelta(days=40))
    assert last_day(decision, 10, off) == date(2026, 1, 29)


def test_ten_business_days_over_seollal_2026_skip_its_three_days() -> None:
    decision = date(2026, 2, 12)
    off = korean_holidays(decision, decision + timedelta(days=40))
    assert {date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18)} <= off
    assert last_day(decision, 3, off) == date(2026, 2, 20)


def test_a_substitute_holiday_counts() -> None:
    assert date(2026, 3, 2) in korean_holidays(
        date(2026, 3, 1), date(2026, 3, 31)
    )  # 1 March 2026 is a Sunday


def test_years_nobody_knows_are_refused() -> None:
    with pytest.raises(InvalidInput, match="known from"):
        korean_holidays(date(1999, 1, 1), date(1999, 12, 31))
