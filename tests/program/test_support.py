"""The support ledger counts what really ran, and a late GPU moves the deadline of the team that waited."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.program.support import Delivery, Ledger, Promise, Resource, Return

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
    assert standing.late_days == 30
    assert standing.delivered_share == pytest.approx(0.5)
    assert standing.conflict
    assert ledger.moved_deadline("nc", date(2025, 12, 15)) == date(2025, 12, 15) + timedelta(days=30)


def test_units_that_run_at_half_speed_count_half() -> None:
    slow = [
        on_time(throughput_share=0.5, last=START + timedelta(days=9)),
        on_time(first=START + timedelta(days=10)),
    ]
    ledger = Ledger([promise()], slow, [], CONTESTANTS)
    assert ledger.stopped_days("nc", START + timedelta(days=40)) == pytest.approx(5.0)


def test_a_delivery_on_time_moves_nothing_and_nobody_elses_clock_stops() -> None:
    ledger = Ledger([promise()], [on_time()], [], CONTESTANTS)
    assert ledger.moved_deadline("nc", date(2025, 12, 15)) == date(2025, 12, 15)
    late = Ledger([promise()], [], [], CONTESTANTS)
    assert late.moved_deadline("skt", date(2025, 12, 15)) == date(2025, 12, 15)


def test_two_late_promises_stop_one_day_once() -> None:
    ledger = Ledger([promise(), promise(id="second", supplier="skt")], [], [], CONTESTANTS)
    assert ledger.stopped_days("nc", START + timedelta(days=9)) == pytest.approx(10.0)


def test_a_team_that_leaves_returns_gpus_and_keeps_data() -> None:
    data = promise(id="nc-data", resource=Resource.DATA, what="joint corpus", supplier="office")
    ledger = Ledger([promise(), data], [on_time()], [], CONTESTANTS)
    assert [one.id for one in ledger.to_return("nc")] == ["nc-gpu"]
    after = Ledger(
        [promise(), data], [on_time()], [Return("nc-gpu", START + timedelta(days=100))], CONTESTANTS
    )
    assert after.to_return("nc") == ()
    assert after.standing(promise(), START + timedelta(days=119)).returned


spans = st.tuples(st.integers(0, 80), st.integers(0, 40), st.floats(0, 2000), st.floats(0, 1))


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
    assert deadline <= after.moved_deadline("nc", deadline) <= before.moved_deadline("nc", deadline)
    assert 0 <= before.standing(promise(), deadline).delivered_share <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: promise(units=0.0),
        lambda: promise(units=float("nan")),
        lambda: promise(last=START - timedelta(days=1)),
        lambda: on_time(throughput_share=-0.1),
        lambda: Ledger([], [on_time()], [], ()),
        lambda: Ledger([promise(), promise()], [], [], ()),
        lambda: Ledger([promise()], [], [], (), enough_share=0.0),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput):
        wrong()  # type: ignore[operator]
