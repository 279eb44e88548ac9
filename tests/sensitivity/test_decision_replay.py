"""An objection with replay: before, after, what was corrected, and who heard it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dokja import rulebook as rb
from dokja.deciding.decision import decide, decision_digest
from dokja.errors import InvalidInput
from dokja.publishing.see import signed_body
from dokja.report.words import say
from dokja.sensitivity.replay import replay_objection
from tests.deciding.test_gate import LOT, ranked
from tests.made_stage import Stage


def objected(**appeals) -> tuple[Stage, str]:
    """Team c lost by one item that a clerk typed wrong, and objects."""
    stage = ranked({"a": 9, "b": 7, "c": 6}, ties=LOT)
    book = (
        rb.changed(stage.book, appeals=rb.changed(stage.book.appeals, **appeals)) if appeals else stage.book
    )
    again = Stage(book).open(["a", "b", "c"])
    again.events += [replace(e, id=f"r{e.id}") for e in stage.events if e.kind == "run_result"]
    signed = decision_digest(signed_body(book, decide(book, again.history).said(), None, bytes(16)))
    payload = {
        "team": "c",
        "decision": signed,
        "ground": "clerical_error",
        "text": "Items 7 and 8 were right.",
    }
    return again, again.add("objection", payload).id


def corrected(stage: Stage) -> None:
    run = next(e for e in stage.events if getattr(e.payload, "subject", None) == "c")
    rows = [[*row[:4], 1.0] if n < 8 else row for n, row in enumerate(run.payload.rows)]
    stage.add(
        "run_result", {**run.payload.as_json(), "rows": rows}, supersedes=run.id, reason="upheld objection"
    )


def test_an_upheld_objection_shows_before_and_after() -> None:
    stage, objection = objected(grounds=(rb.AppealGround.CLERICAL_ERROR,))
    corrected(stage)
    answer = {"objection": objection, "upheld": True, "heard_by": ["reviewer:1"], "text": "Typed wrong."}
    stage.add("answer_to_objection", answer)
    shown = replay_objection(stage.book, stage.history, objection)
    assert (shown.before.advancing, shown.after.advancing) == (("a", "b"), ("a", "c"))
    assert shown.outcomes == ("b", "c")
    assert {(one.team, one.before, one.after) for one in shown.scores} == {("c", 60.0, 80.0)}
    assert len(shown.corrections) == 1
    assert (shown.upheld, shown.remarks) == (True, ())
    assert [row["changed"] for row in shown.rows()] == [False, True, True]


def test_a_dismissed_objection_changes_nothing() -> None:
    stage, objection = objected(grounds=(rb.AppealGround.CLERICAL_ERROR,))
    answer = {
        "objection": objection,
        "upheld": False,
        "heard_by": ["reviewer:1"],
        "text": "The log says otherwise.",
    }
    stage.add("answer_to_objection", answer)
    shown = replay_objection(stage.book, stage.history, objection)
    assert (shown.upheld, shown.scores, shown.outcomes, shown.corrections) == (False, (), (), ())


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_hearing_by_the_same_people_and_a_ground_not_listed_are_remarked(language) -> None:
    stage, objection = objected(grounds=(rb.AppealGround.MISREADING_OF_THE_WORK,))
    assert [one.key for one in replay_objection(stage.book, stage.history, objection).remarks] == [
        "replay.ground_not_listed",
        "replay.not_answered",
    ]
    (expert,) = stage.panel("experts", 1)
    answer = {"objection": objection, "upheld": False, "heard_by": [expert], "text": "No."}
    stage.add("answer_to_objection", answer)
    remarks = replay_objection(stage.book, stage.history, objection).remarks
    assert [one.key for one in remarks] == ["replay.ground_not_listed", "replay.heard_by_the_same"]
    assert all(say(one.key, one.figures, language) for one in remarks)


def test_what_is_no_objection_cannot_be_replayed() -> None:
    stage, _ = objected()
    with pytest.raises(InvalidInput, match="No objection"):
        replay_objection(stage.book, stage.history, stage.events[0].id)
