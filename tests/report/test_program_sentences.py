"""Every reason scores, gates and decisions give can be said in both languages with the figures it carries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dokja.deciding
import dokja.record.kinds
import dokja.sensitivity
from dokja.deciding.decision import decide
from dokja.deciding.independence import Outcome
from dokja.deciding.measurements import measure
from dokja.finding import Evidence, Reason, Verdict
from dokja.record.history import History
from dokja.record.terms import Exit
from dokja.report.words import LANGUAGES, say, sentences
from dokja.sensitivity.uncertainty import assess
from tests.made_stage import TEAMS, full_stage, made_rulebook, weights_of


def every_reason() -> list[Reason]:
    stage = full_stage(made_rulebook())
    stage.find(TEAMS[1], "weights.independent_of", Verdict.REFUTED, Evidence.MEASURED)
    stage.find(
        TEAMS[0], "licence.notices_shown", Verdict.INCONCLUSIVE, Evidence.MEASURED, weights_of("other")
    )
    stage.add("submission", {"team": TEAMS[2], "weights": weights_of("new"), "declaration": {}})
    stage.add("withdrawal", {"team": TEAMS[3]})
    decision = decide(stage.book, stage.history)
    measured = measure(stage.book, History.of(stage.events))
    reasons = [reason for one in decision.teams for gate in one.gates.values() for reason in gate.reasons]
    reasons += [result.reason for result in measured.without.values()]
    return [*reasons, *decision.remarks, *(aside[3] for aside in measured.set_aside)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_reasons_of_a_troubled_stage_are_said_with_their_figures(language) -> None:
    reasons = every_reason()
    assert len({reason.key for reason in reasons}) >= 8
    for reason in reasons:
        assert "{" not in say(reason.key, reason.figures, language)


def test_every_key_written_in_the_room_has_a_sentence() -> None:
    written = {
        key
        for room in (dokja.record.kinds, dokja.deciding, dokja.sensitivity)
        for path in Path(str(room.__file__)).parent.glob("*.py")
        for key in re.findall(r'"((?:score|gate|decision|replay)\.[a-z_]+)"', path.read_text("utf-8"))
    }
    assert len(written) > 40
    assert written <= set(sentences())


def test_every_outcome_and_every_way_to_leave_has_a_word() -> None:
    assert {f"outcome.{one.value}" for one in Outcome} | {f"exit.{one.value}" for one in Exit} <= set(
        sentences()
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_fragility_is_said_with_its_own_figures(language) -> None:
    stage = full_stage(made_rulebook())
    sure = assess(stage.book, stage.history, seed=1, replicates=50).as_json()
    for one in sure["fragility"]:
        key = "none" if one["fewest"] is None else "exact" if one["exact"] else "bound"
        assert say(f"fragility.{key}", one, language)
