"""Whoever is late may not come back with an earlier time: the order of the log, not the date written, decides."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import NotAllowed
from dokja.record.events import Event
from dokja.record.history import History
from dokja.workflows.submit import require_not_backdated

START = datetime(2026, 1, 1, tzinfo=UTC)
times = st.integers(0, 365 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))


def written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def extended(number: int, at: datetime) -> Event:
    payload = {"deadline": "submission", "previous": written(at), "until": written(at)}
    return Event(f"e{number}", "deadline_extended", "stage", written(at), "office", payload)


@given(st.lists(times, min_size=1, max_size=6), times)
def test_an_earlier_time_than_any_recorded_is_refused_and_no_other(
    recorded: list[datetime], at: datetime
) -> None:
    events = [extended(number, one) for number, one in enumerate(recorded)]
    if at < max(recorded):
        with pytest.raises(NotAllowed, match="lies before"):
            require_not_backdated(History.of(events), written(at))
    else:
        require_not_backdated(History.of(events), written(at))


def test_a_stage_without_events_takes_any_time() -> None:
    require_not_backdated(History(), "2026-01-01T00:00:00Z")
