"""The support ledger counts what really ran, and a late GPU moves the deadline of the team that waited."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.procedure.support import Bounds, Delivery, Ledger, Promise, Resource, Return

START = date(2025, 8, 18)
CONTESTANTS = ("naver", "nc", "skt")


def promise(**changed: object) -> Promise:
    told = {
        "id": "nc-gpu",
        "team": "nc",
        "resource": Resource.GPU,
        "what": "H100",
        "units": 1024.0,
        "supplier": "naver",
        "first": START,
        "last": START + timedelta(days=119),
    }
    return Promise(**{**told, **changed})  # type: ignore[arg-type]


def on_time(**changed: object) -> Delivery:
    told = {"promise": "nc-gpu", "units": 1024.0, "throughput_share": 1.0, "first": START}
    return Delivery(**{**told, **changed})  # type: ignore[arg-type]


def test_gpus_a_month_late_from_a_rival_move_the_deadline_a_month_and_show_the_conflict() -> None:
    ledger = Ledger([promise()], [on_time(first=START + timedelta(days=30))], [], CONTESTANTS)
    standing = ledger.standing(promise(), START + timedelta(days=59))
    assert standing.late_days == Bounds(30, 30)
    assert standing.delivered_share == Bounds(0.5, 0.5)
    assert standing.began == START + timedelta(days=30)
    assert standing.conflict
    moved = ledger.moved_deadline("nc", date(2025, 12, 15))
    assert moved.earliest == moved.latest == date(2025, 12, 15) + timedelta(days=30)
    assert [(stop.first, stop.days, stop.missing) for stop in moved.stops] == [(START, 30, Bounds(1.0, 1.0))]


def test_units_that_run_at_half_speed_count_half() -> None:
    slow = [
        on_time(throughput_share=0.5, last=START + timedelta(days=9)),
        on_time(first=START + timedelta(days=10)),
    ]
    ledger = Ledger([promise()], slow, [], CONTESTANTS)
    assert ledger.stopped_days("nc", START + timedelta(days=40)) == Bounds(5.0, 5.0)


def test_a_delivery_on_time_moves_nothing_and_nobody_elses_clock_stops() -> None:
    ledger = Ledger([promise()], [on_time()], [], CONTESTANTS)
    assert ledger.moved_deadline("nc", date(2025, 12, 15)).latest == date(2025, 12, 15)
    late = Ledger([promise()], [], [], CONTESTANTS)
    assert late.moved_deadline("skt", date(2025, 12, 15)).latest == date(2025, 12, 15)


def test_two_late_promises_stop_one_day_once() -> None:
    ledger = Ledger([promise(), promise(id="second", supplier="skt")], [], [], CONTESTANTS)
    assert ledger.stopped_days("nc", START + timedelta(days=9)) == Bounds(10.0, 10.0)


def test_a_team_that_leaves_returns_gpus_and_keeps_data() -> None:
    data = promise(id="nc-data", resource=Resource.DATA, what="joint corpus", supplier="office")
    ledger = Ledger([promise(), data], [on_time()], [], CONTESTANTS)
    assert [one.id for one in ledger.to_return("nc")] == ["nc-gpu"]
    after = Ledger(
        [promise(), data], [on_time()], [Return("nc-gpu", START + timedelta(days=100))], CONTESTANTS
    )
    assert after.to_return("nc") == ()
    assert after.standing(promise(), START + timedelta(days=119)).returned == START + timedelta(days=100)
    assert [one.id for one in after.kept("nc")] == ["nc-data"]


def test_a_team_that_supplies_itself_is_no_conflict() -> None:
    own = promise(id="own", supplier="nc")
    assert not Ledger([own], [], [], CONTESTANTS).is_conflict(own)


def test_what_was_not_published_is_neither_everything_nor_nothing() -> None:
    day = START + timedelta(days=9)
    speed = Ledger([promise()], [on_time(throughput_share=None)], [], CONTESTANTS)
    assert speed.stopped_days("nc", day) == Bounds(0.0, 10.0)
    units = Ledger([promise(units=None)], [on_time(throughput_share=0.5)], [], CONTESTANTS)
    assert units.stopped_days("nc", day) == Bounds(5.0, 10.0)
    whole = Ledger([promise(units=None)], [on_time(units=None, complete=True)], [], CONTESTANTS)
    assert whole.stopped_days("nc", day) == Bounds(0.0, 0.0)
    undated = Ledger([promise()], [on_time(units=256.0, first=None)], [], CONTESTANTS)
    assert undated.stopped_days("nc", day) == Bounds(7.5, 10.0)


spans = st.tuples(st.integers(0, 80), st.integers(0, 40), st.floats(0, 2000), st.floats(0, 1))


@settings(deadline=None, max_examples=50)
@given(st.lists(spans, max_size=5), spans, st.integers(60, 119))
def test_delivering_more_never_moves_the_deadline_later(
    rows: list[tuple[int, int, float, float]], extra: tuple[int, int, float, float], day: int
) -> None:
    def delivery(row: tuple[int, int, float, float]) -> Delivery:
        begin = START + timedelta(days=row[0])
        return on_time(
            units=row[2], throughput_share=row[3], first=begin, last=begin + timedelta(days=row[1])
        )

    deadline = START + timedelta(days=day)
    before = Ledger([promise()], [delivery(row) for row in rows], [], CONTESTANTS)
    after = Ledger([promise()], [delivery(row) for row in (*rows, extra)], [], CONTESTANTS)
    less, more = before.moved_deadline("nc", deadline), after.moved_deadline("nc", deadline)
    assert deadline <= more.earliest <= less.earliest
    assert more.latest <= less.latest
    share = before.standing(promise(), deadline).delivered_share
    assert 0 <= share.low <= share.high <= 1


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(spans, st.booleans(), st.booleans(), st.floats(0, 2000), st.floats(0, 1)), max_size=4)
)
def test_whatever_the_unknown_turns_out_to_be_lies_within_the_bounds(rows: list) -> None:
    unknown, known = [], []
    for (begin, length, units, speed), no_units, no_speed, true_units, true_speed in rows:
        span = {"first": START + timedelta(days=begin), "last": START + timedelta(days=begin + length)}
        unknown.append(
            on_time(units=None if no_units else units, throughput_share=None if no_speed else speed, **span)
        )
        known.append(
            on_time(
                units=min(true_units, 1024.0) if no_units else units,
                throughput_share=true_speed if no_speed else speed,
                **span,
            )
        )
    deadline = START + timedelta(days=119)
    told = Ledger([promise()], unknown, [], CONTESTANTS).moved_deadline("nc", deadline)
    true = Ledger([promise()], known, [], CONTESTANTS).moved_deadline("nc", deadline)
    assert told.earliest <= true.earliest == true.latest <= told.latest
    assert sum(stop.stopped.high for stop in told.stops) == pytest.approx(told.stopped.high)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: promise(units=0.0),
        lambda: promise(units=float("nan")),
        lambda: promise(last=START - timedelta(days=1)),
        lambda: on_time(throughput_share=-0.1),
        lambda: Ledger([], [on_time()], [], ()),
        lambda: Ledger([promise(), promise()], [], [], ()),
        lambda: Ledger([promise()], [], [Return("nc-gpu", START), Return("nc-gpu", START)], ()),
        lambda: on_time(first=None, last=START),
        lambda: promise(last=START + timedelta(days=9999)),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        wrong()  # type: ignore[operator]
