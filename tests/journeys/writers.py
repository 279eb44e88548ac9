"""Two officers at two machines: writers in processes of their own, each with the stage in hand from before.

A writer does what it is told with the stage as it last saw it, and answers with the events that were acknowledged, or
with the code of the refusal. Anything else that goes wrong is a crash, and is answered as one.
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dokja.errors import DokjaError
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.record.declaration import declaration_from_json
from dokja.record.events import AnyEvent
from dokja.signature import SigningKey
from dokja.workflows.appeal import Complaint, Hearing, answer_objection, object_to_decision
from dokja.workflows.close_stage import close_stage
from dokja.workflows.decide import look, propose, sign
from dokja.workflows.desk import Desk
from dokja.workflows.publish import Terms, publish_decision
from dokja.workflows.stage import Actor, Stage
from dokja.workflows.submit import Submission, submit
from tests.made_stage import draft

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.journeys.writers"])


@dataclass(frozen=True)
class Told:
    """What a writer is told to do.

    Args:
        act: Name of one of `ACTS`.
        at: RFC 3339 time in UTC.
        what: What the act needs.
    """

    act: str
    at: str
    what: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a writer did.

    Args:
        events: Id and digest of every event acknowledged.
        refused: Code of the refusal; empty when it was done.
        crash: The traceback of anything that is no refusal.
    """

    events: tuple[tuple[str, str], ...] = ()
    refused: str = ""
    crash: str = ""


class Writer:
    """One officer's process."""

    def __init__(self, folder: Path, stage: str) -> None:
        self._here, there = _CONTEXT.Pipe()
        self._process: BaseProcess = _CONTEXT.Process(target=_write, args=(there, folder, stage))
        self._process.start()
        there.close()

    def tell(self, told: Told) -> None:
        """Say what to do; `answer` waits until it is done."""
        self._here.send(told)

    def answer(self) -> Answer:
        """Return what was done."""
        answer: Answer = self._here.recv()
        return answer

    def end(self) -> None:
        """Let the process end."""
        self._here.close()
        self._process.join(10)
        assert self._process.exitcode == 0


def _write(told: Connection, folder: Path, name: str) -> None:
    with Desk(folder / "desk") as desk:
        stage = desk.stage(name)
        while True:
            try:
                step: Told = told.recv()
            except EOFError:
                return
            if step.act == "look_again":
                stage = desk.stage(name)
                told.send(Answer())
                continue
            try:
                events = ACTS[step.act](stage, folder, step.at, *step.what)
                told.send(Answer(tuple((event.id, event.digest()) for event in events)))
            except DokjaError as error:
                told.send(Answer(refused=error.code))
            except Exception:  # noqa: BLE001  -- whatever it is, the test shall read it
                told.send(Answer(crash=traceback.format_exc()))


def _submit(stage: Stage, folder: Path, at: str, team: str, model: int) -> Sequence[AnyEvent]:
    declared = declaration_from_json({"components": [{"name": "language_model", "origin": "own"}]}, "here")
    handed_in = Submission(team, team.title(), str(folder / f"{model}.safetensors"), declared)
    made = submit(stage, handed_in, Actor("office", at))
    before = stage.events[-2]
    new = before.kind == "team_registered" and before.payload.team == team and before.at == at
    return [before, made] if new else [made]


def _note(stage: Stage, folder: Path, at: str, kind: str, payload: dict[str, Any]) -> Sequence[AnyEvent]:
    return stage.record(Actor("office", at), [draft(kind, payload)])


def _mark(stage: Stage, folder: Path, at: str, rater: str, team: str, score: float) -> Sequence[AnyEvent]:
    """Mark a team, or correct the mark that this writer knows of."""
    seat, criterion = f"sealed-expert:{rater}", "experts-overall"
    weights = stage.history.weights.get(team, "sha256:" + "0" * 64)
    payload = {"rater": seat, "team": team, "criterion": criterion, "score": score, "weights": weights}
    old = stage.history.marks.get((seat, team, criterion))
    more = {"supersedes": old.id, "reason": "again"} if old else {}
    return stage.record(Actor("office", at), [draft("expert_score", payload, **more)])


def _take_back(stage: Stage, folder: Path, at: str, number: int) -> Sequence[AnyEvent]:
    """Retract an event that this writer believes to be in force."""
    standing = [*stage.history.standing]
    wrong = draft("retraction", {}, supersedes=standing[number % len(standing)], reason="recorded by mistake")
    return stage.record(Actor("office", at), [wrong])


def _find(stage: Stage, folder: Path, at: str, refuted: bool) -> Sequence[AnyEvent]:
    """Record what was found about every team's weights, all at once."""
    drafts = []
    for team, weights in stage.history.weights.items():
        verdict = Verdict.REFUTED if refuted and not drafts else Verdict.SUPPORTED
        finding = Finding(
            Claim("weights.independent_of"),
            verdict,
            Reason("test.made"),
            Evidence.REPLAYED,
            {"subject": weights},
        )
        drafts.append(draft("finding_recorded", {"team": team, "finding": finding.as_json()}))
    return stage.record(Actor("office", at), drafts)


def _decide(stage: Stage, folder: Path, at: str, number: int) -> Sequence[AnyEvent]:
    """Propose what the rules give on what this writer knows, and sign it."""
    return [sign(stage, propose(stage, look(stage, seed=None)), SigningKey(bytes([number]) * 32), at)]


def _publish(stage: Stage, folder: Path, at: str, reason: str) -> Sequence[AnyEvent]:
    event = publish_decision(stage, Actor("office", at), Terms(reason=reason)).event
    return [] if event is None else [event]


def _object(stage: Stage, folder: Path, at: str, team: str) -> Sequence[AnyEvent]:
    event = object_to_decision(stage, Complaint(team, "clerical_error", "Again."), Actor("office", at)).event
    return [] if event is None else [event]


def _answer(stage: Stage, folder: Path, at: str) -> Sequence[AnyEvent]:
    objections = [event.id for event in stage.history.standing.values() if event.kind == "objection"]
    hearing = Hearing(objections[-1] if objections else "objection-0", False, ("judge",), "No.", ())
    return answer_objection(stage, hearing, Actor("judge", at)).events


def _close(stage: Stage, folder: Path, at: str) -> Sequence[AnyEvent]:
    return [close_stage(stage, Actor("office", at))]


ACTS: dict[str, Callable[..., Sequence[AnyEvent]]] = {
    "submit": _submit,
    "note": _note,
    "mark": _mark,
    "take_back": _take_back,
    "find": _find,
    "decide": _decide,
    "publish": _publish,
    "object": _object,
    "answer": _answer,
    "close": _close,
}
