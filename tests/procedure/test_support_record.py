"""The ledger is a function of the events in force: order does not matter, and a correction leaves no trace in it."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook
from dokja.errors import InvalidInput
from dokja.procedure.support import Bounds
from dokja.procedure.support_budget import Adds, Keeps, budget_standing, rule_standing
from dokja.procedure.support_record import read_support
from dokja.record.events import Event
from dokja.record.history import History
from tests.made_stage import made_rulebook, text

AT = "2025-08-18T00:00:00Z"
END = date(2025, 12, 31)

PROMISE = {
    "support": "nc-gpu", "team": "nc", "resource": "gpu", "what": "B200", "units": 512, "supplier": "naver-cloud",
    "first": "2025-08-18", "last": "2025-12-31",
}  # fmt: skip
DELIVERY = {
    "team": "nc", "support": "nc-gpu", "supplier": "naver-cloud", "promised": 512, "delivered": 512,
    "throughput_share": 1, "first": "2025-09-17",
}  # fmt: skip


def event(number: int, kind: str, payload: dict, **more) -> Event:
    return Event(f"e{number}", kind, "stage", AT, "office", payload, **more)


def teams() -> list[Event]:
    names = {"nc": "NC AI", "naver-cloud": "Naver Cloud"}
    return [
        event(900 + n, "team_registered", {"team": team, "name": name})
        for n, (team, name) in enumerate(names.items())
    ]


def figures(events: list[Event], end: date = END) -> list:
    record = read_support([History.of(events)])
    ledger = record.ledger
    found = [
        (p.id, p.units, p.supplier, s.delivered_share, s.late_days, s.stopped_days, s.conflict)
        for p in sorted(ledger.promises, key=lambda one: one.id)
        for s in [ledger.standing(p, end)]
    ]
    lines = sorted((s.name, s.promised_won, s.adds) for s in budget_standing(record))
    moved = ledger.moved_deadline("nc", end)
    return [found, lines, (moved.earliest, moved.latest)]


deliveries = st.lists(
    st.fixed_dictionaries(
        {
            "delivered": st.one_of(st.integers(0, 600), st.sampled_from(["all", "unknown"])),
            "throughput_share": st.one_of(st.sampled_from([0, 0.25, 0.5, 1]), st.just("unknown")),
            "first": st.dates(date(2025, 8, 1), END).map(str),
        }
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=50)
@given(deliveries, st.randoms(use_true_random=False))
def test_totals_do_not_depend_on_the_order_in_which_a_days_entries_were_recorded(
    rows: list[dict], shuffle: random.Random
) -> None:
    entries = [event(0, "support_promised", {**PROMISE, "budget_line": "gpu", "won": 7})]
    entries += [event(n, "support_delivered", {**DELIVERY, **row}) for n, row in enumerate(rows, start=1)]
    line = {"line": "gpu", "title": "GPU", "resource": "gpu", "year": 2025, "won": 100}
    entries.append(event(500, "budget_line", line))
    mixed = entries.copy()
    shuffle.shuffle(mixed)
    assert figures(teams() + mixed) == figures(teams() + entries)


@settings(deadline=None, max_examples=50)
@given(deliveries.filter(bool), deliveries.filter(bool), st.integers(1, 1000))
def test_a_correction_gives_what_recording_it_right_the_first_time_gives(
    wrong: list[dict], right: list[dict], units: int
) -> None:
    pairs = list(zip(wrong, right, strict=False))
    straight = [event(0, "support_promised", {**PROMISE, "units": units})]
    straight += [event(n, "support_delivered", {**DELIVERY, **one}) for n, (_, one) in enumerate(pairs, 1)]
    history = [event(0, "support_promised", PROMISE)]
    history += [event(n, "support_delivered", {**DELIVERY, **one}) for n, (one, _) in enumerate(pairs, 1)]
    corrected = {**PROMISE, "units": units}
    history.append(event(100, "support_promised", corrected, supersedes="e0", reason="misread"))
    history += [
        event(100 + n, "support_delivered", {**DELIVERY, **one}, supersedes=f"e{n}", reason="misread")
        for n, (_, one) in enumerate(pairs, 1)
    ]
    assert figures(teams() + history) == figures(teams() + straight)


def test_a_corrected_supplier_takes_its_deliveries_along() -> None:
    history = [
        event(0, "support_promised", PROMISE),
        event(1, "support_delivered", DELIVERY),
        event(2, "support_promised", {**PROMISE, "supplier": "skt"}, supersedes="e0", reason="wrong name"),
    ]
    record = read_support([History.of(teams() + history)])
    (promise,) = record.ledger.promises
    assert promise.supplier == "skt"
    assert not record.ledger.is_conflict(promise)
    assert len(record.ledger.deliveries) == 1


def test_a_delivery_as_it_was_recorded_before_there_were_promises_is_told_and_counted_nowhere() -> None:
    old = {"team": "nc", "support": "gpu", "supplier": "naver-cloud", "promised": 512, "delivered": 256}
    record = read_support([History.of([*teams(), event(0, "support_delivered", old)])])
    assert [(one.support, one.delivered) for one in record.statements] == [("gpu", "256")]
    assert record.ledger.stopped_days("nc", END) == Bounds(0.0, 0.0)


def test_a_supplier_the_rulebook_calls_a_contestant_is_one() -> None:
    row = rulebook.Support(
        id="gpu", title=text("gpu"), units=512.0, unit="B200", supplier="lender", supplier_competes=True,
        on_exit=rulebook.OnExit.RETURNED,
    )  # fmt: skip
    book = made_rulebook(support=(row,))
    lent = {**PROMISE, "supplier": "lender", "rule": "gpu"}
    entries = [
        event(0, "support_promised", lent),
        event(1, "support_promised", {**lent, "support": "more", "units": 1024}),
        event(2, "support_promised", {**lent, "support": "unsaid", "units": "unknown"}),
        event(3, "support_promised", {**lent, "support": "other", "supplier": "skt"}),
        event(4, "support_promised", {**lent, "support": "none", "rule": "no-row"}),
    ]
    record = read_support([History.of(teams() + entries)], [book])
    assert record.ledger.is_conflict(record.ledger.promise("nc-gpu"))
    kept = {one.promise.id: one.keeps for one in rule_standing(book, record.ledger.promises)}
    assert kept == {
        "nc-gpu": Keeps.AS_RULED, "more": Keeps.OTHER_UNITS, "unsaid": Keeps.UNKNOWN,
        "other": Keeps.OTHER_SUPPLIER, "none": Keeps.NO_SUCH_ROW,
    }  # fmt: skip


def test_a_budget_line_holds_only_where_every_cost_is_known() -> None:
    def line(name: str, won: object) -> dict:
        return {"line": name, "title": name, "resource": "gpu", "year": 2025, "won": won}

    def costs(name: str, line_of: str, **won) -> dict:
        return {**PROMISE, "support": name, "budget_line": line_of, **won}

    entries = [
        *(event(n, "budget_line", line(*one)) for n, one in enumerate(
            [("full", 10), ("short", 10), ("open", 10), ("over", 10), ("unset", "unknown")]
        )),
        event(10, "support_promised", costs("a", "full", won=10)),
        event(11, "support_promised", costs("b", "short", won=3)),
        event(12, "support_promised", costs("c", "open")),
        event(13, "support_promised", costs("d", "over", won=11)),
        event(14, "support_promised", costs("e", "over")),
        event(15, "support_promised", costs("f", "unset", won=1)),
        event(16, "support_promised", costs("g", "nowhere", won=1)),
    ]  # fmt: skip
    found = {one.name: one for one in budget_standing(read_support([History.of(teams() + entries)]))}
    assert {name: one.adds for name, one in found.items()} == {
        "full": Adds.WITHIN, "short": Adds.WITHIN, "open": Adds.UNKNOWN, "over": Adds.EXCEEDED,
        "unset": Adds.UNKNOWN, "nowhere": Adds.UNKNOWN,
    }  # fmt: skip
    assert (found["short"].left_won, found["open"].left_won) == (7, None)


@pytest.mark.parametrize(
    "entries",
    [
        [("support_promised", PROMISE), ("support_promised", PROMISE)],
        [("support_returned", {"team": "nc", "support": "nc-gpu", "day": "2026-01-20"})],
        [("naming_right", {"team": "nc", "name": "K-AI", "first": "2025-09-09", "last": "2025-09-08"})],
        [("budget_line", {"line": "a", "title": "a", "resource": "gpu", "year": 2025, "won": 1})] * 2,
    ],
)
def test_entries_that_contradict_one_another_are_refused(entries: list) -> None:
    with pytest.raises(InvalidInput):
        read_support([History.of(teams() + [event(n, *one) for n, one in enumerate(entries)])])


def test_a_ledger_spans_stages() -> None:
    first = [*teams(), event(0, "support_promised", PROMISE)]
    later = Event("e0", "support_delivered", "stage-2", AT, "office", DELIVERY)
    assert len(read_support([History.of(first), History.of([later])]).ledger.deliveries) == 1
