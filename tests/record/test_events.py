"""Events: what they refuse, how they are corrected, what stays when personal data is erased."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import EventInvalid, InvalidInput
from dokja.record.events import Event, PersonalPayload
from dokja.record.payload import EVERYONE, KINDS
from tests.made_stage import standing_of

DIGEST = "sha256:" + "a" * 64
AT = "2026-01-05T00:00:00Z"


def event(name: str, kind: str = "withdrawal", payload: dict | None = None, **more) -> Event:
    return Event(
        name, kind, "stage-1", AT, "office", {"team": "haneul"} if payload is None else payload, **more
    )


def mark(name: str, score: float, **more) -> Event:
    payload = {"rater": "e1", "team": "haneul", "criterion": "plan", "score": score, "weights": DIGEST}
    return event(name, "expert_score", payload, **more)


def run_payload(**changes) -> dict:
    rows = [["i1", "p1", 0, "scored", 1.0], ["i2", "p1", 0, "failed", None]]
    payload = {"subject": "haneul", "benchmark": "math", "items": DIGEST, "engine": "own", "weights": DIGEST}
    return payload | {"completed": 2, "total": 2, "rows": rows} | changes


def test_every_kind_says_what_it_is_and_is_called_by_its_name() -> None:
    assert len(KINDS) >= 41
    for name, kind in KINDS.items():
        assert kind.kind == name
        assert (kind.__doc__ or "").strip(), name


def test_an_event_reads_back_from_its_json_with_the_same_digest() -> None:
    one = mark("e-1", 4, salt="00" * 16)
    assert Event.from_json(one.as_json()) == one
    assert Event.from_json(one.as_json()).digest() == one.digest()


@given(st.sampled_from(["id", "stage", "at", "by", "reason", "salt", "payload"]))
def test_changing_any_field_changes_the_digest(field: str) -> None:
    value = mark("e-1", 4, salt="00" * 16).as_json()
    changed = dict(value)
    changed[field] = {
        "id": "e-2", "stage": "stage-2", "at": "2026-01-06T00:00:00Z", "by": "other", "reason": "why",
        "salt": "01" * 16, "payload": {**value["payload"], "score": 5},
    }[field]  # fmt: skip
    assert Event.from_json(changed).digest() != Event.from_json(value).digest()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"completed": -1}, "greater than or equal to 0"),
        ({"rows": [["i1", "p1", 0, "scored", None]]}, "no score from 0 to 1"),
        ({"rows": [["i1", "p1", 0, "scored", True]]}, "no score from 0 to 1"),
        ({"rows": [["i1", "p1", 0, "failed", 0.0]]}, "was not scored and yet has a score"),
        (
            {"rows": [["i1", "p1", 0, "scored", 1], ["i1", "p1", 0, "scored", 0]]},
            "answers item i1, repeat 0, twice",
        ),
        ({"rows": [["i1", "p1", 0, "scored", 1], ["i1", "p2", 1, "scored", 0]]}, "two passages"),
        ({"weights": "sha256:abc"}, "sha256"),
        ({"guess": 1}, "guess that is not known"),
    ],
)
def test_a_run_that_contradicts_itself_is_refused_with_its_mistake(changes: dict, says: str) -> None:
    with pytest.raises(EventInvalid, match=says):
        event("r1", "run_result", run_payload(**changes))


def test_nan_is_never_a_score() -> None:
    with pytest.raises(InvalidInput):
        mark("e-1", float("nan"))


@pytest.mark.parametrize("at", ["2026-02-30T00:00:00Z", "2026-01-05", "2026-01-05T00:00:00+09:00", "", None])
def test_a_time_that_is_not_utc_or_not_in_the_calendar_is_refused(at: object) -> None:
    with pytest.raises(EventInvalid, match="time"):
        Event("e", "withdrawal", "stage-1", at, "office", {"team": "haneul"})  # type: ignore[arg-type]


def test_a_correction_needs_a_reason() -> None:
    with pytest.raises(EventInvalid, match="gives no reason"):
        mark("e-2", 5, supersedes="e-1", reason=" ")


def test_the_latest_of_a_chain_of_corrections_stands() -> None:
    chain = [
        mark("a", 1),
        mark("b", 2, supersedes="a", reason="typo"),
        mark("c", 3, supersedes="b", reason="again"),
    ]
    assert [e.id for e in standing_of(chain)] == ["c"]


def test_a_retraction_puts_nothing_in_its_place() -> None:
    history = [mark("a", 1), event("b", "retraction", {}, supersedes="a", reason="wrong team")]
    assert standing_of(history) == ()


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (mark("a", 2), "Two events have the id"),
        (mark("z", 2, supersedes="later", reason="r"), "did not come before"),
        (mark("z", 2, supersedes="a", reason="r"), "superseded already"),
        (event("z", supersedes="b", reason="r"), "cannot correct"),
        (Event("z", "withdrawal", "stage-2", AT, "office", {"team": "haneul"}), "belongs to stage"),
        (mark("z", 2, supersedes="z", reason="r"), "did not come before"),
    ],
)
def test_a_history_with_two_truths_is_refused(last: Event, says: str) -> None:
    with pytest.raises(EventInvalid, match=says):
        standing_of([mark("a", 1), mark("b", 1, supersedes="a", reason="typo"), last])


def test_erasing_a_personal_payload_leaves_the_event_and_its_digest() -> None:
    personal = PersonalPayload(b"0" * 16, {"name": "홍길동", "affiliation": "한빛대학교"})
    registered = event(
        "p", "rater_registered", {"rater": "e1", "panel": "experts"}, personal=personal.digest()
    )
    assert registered.personal == personal.digest()
    assert "홍길동" not in str(registered.as_json())
    assert PersonalPayload(b"1" * 16, personal.value).digest() != personal.digest()


def test_every_kind_and_every_field_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text("utf-8")
    rows = {row.split("|")[1].strip(): row for row in page.splitlines() if row.startswith("| `")}
    for name, kind in KINDS.items():
        assert rows[f"`{name}`"].split("|")[3].strip() == seen_by(name), name
        for field, info in kind.model_fields.items():
            said = field if info.is_required() else f"{field}?"
            assert f"`{said}`" in rows[f"`{name}`"], (name, said)
    assert all(f"| `{field}` |" in page for field in mark("e", 1).as_json())


def seen_by(name: str) -> str:
    """Whom the page says a kind is shown to."""
    special = {"release": "whom it is made to", "retraction": "as what it takes back"}
    disclosed = KINDS[name].disclosed
    shown = "the auditor" if disclosed is None else "everyone" if disclosed == EVERYONE else f"`{disclosed}`"
    return special.get(name, shown)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(mark("e", 1).as_json())), JSON_VALUES, st.booleans())
def test_whatever_stands_in_a_field_is_an_event_or_a_refusal(field: str, value: object, inside: bool) -> None:
    forged = event("r1", "run_result", run_payload()).as_json()
    if inside:
        forged["payload"] = {**forged["payload"], "rows": [value], field: value}
    else:
        forged[field] = value  # type: ignore[assignment]
    try:
        read = Event.from_json(forged)
    except InvalidInput:
        return
    assert Event.from_json(read.as_json()).digest() == read.digest()
