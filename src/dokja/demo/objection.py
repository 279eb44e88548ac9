"""Last part of the demo: an objection to one ballot, heard, upheld and corrected, with the stage replayed both ways."""

from __future__ import annotations

from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.demo.office import ClosedStage, moment
from dokja.demo.panels import Mistyped
from dokja.demo.stage import Staged
from dokja.record.events import SIMULATOR
from dokja.record.kinds.after import AnswerToObjection, Objection
from dokja.record.payload import Payload
from dokja.rulebook import AppealGround
from dokja.sensitivity.replay import Replay, replay_objection
from dokja.workflows.stage import Actor, Draft


@dataclass(frozen=True, slots=True)
class Heard:
    """An objection and what came of it.

    Args:
        mistyped: The ballot it is about.
        replay: The stage before and after.
        closed: The stage, decided and signed anew.
    """

    mistyped: Mistyped
    replay: Replay
    closed: ClosedStage

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        wrong = self.mistyped
        return {
            "objection": self.replay.objection,
            "team": self.replay.before.of(self.replay.team).name,
            "ground": self.replay.ground,
            "upheld": self.replay.upheld,
            "rater": wrong.rater,
            "criterion": wrong.criterion,
            "meant": wrong.meant,
            "typed": wrong.typed,
            "corrections": list(self.replay.corrections),
            "scores": [
                {
                    "team": self.replay.before.of(one.team).name,
                    "part": one.part,
                    "before": one.before,
                    "after": one.after,
                }
                for one in self.replay.scores
            ],
            "outcomes": [self.replay.before.of(team).name for team in self.replay.outcomes],
            "teams": list(self.replay.rows()),
            "closed": self.closed.as_json(),
        }


def hear_objection(staged: Staged, closed: ClosedStage, mistyped: Mistyped) -> Heard:
    """Record an objection to the mistyped ballot, its answer and the correction; replay, and sign what results."""
    workshop, clock = staged.workshop, staged.rulebook.clock
    with workshop.step("objection"):
        text = (
            f"평가위원 {mistyped.rater}의 채점표와 기록된 점수가 다릅니다. / "
            f"The sheet of {mistyped.rater} and the recorded mark differ."
        )
        objection = Objection(
            team=mistyped.team, decision=closed.digest, ground=AppealGround.CLERICAL_ERROR, text=text
        )
        said = _record(staged, objection, moment(clock.objection.opens, after_days=7))
        name = next(team.name for team in staged.teams if team.id == mistyped.team)
        workshop.tell("demo.objected", {"team": name, "text": text})
        answered = moment(clock.objection.opens, after_days=8)
        words = "채점표를 확인하여 정정합니다. / The sheet was checked; the mark is corrected."
        heard_by = ("hearing:1", "hearing:2")
        answer = AnswerToObjection(objection=said, upheld=True, heard_by=heard_by, text=words)
        _record(staged, answer, answered)
        stage = staged.held
        wrong = stage.history.marks[(mistyped.rater, mistyped.team, mistyped.criterion)]
        correction = Draft(
            wrong.payload.model_copy(update={"score": mistyped.meant}),
            supersedes=wrong.id,
            reason=f"clerical error, objection {said}",
        )
        # The mark stays a simulated one, whoever corrects it.
        stage.record(Actor(SIMULATOR, answered), [correction])
        replay = replay_objection(staged.rulebook, stage.history, said)
        at = moment(clock.final, hour=5)
        again = staged.office.close(staged.name, staged.folder / "after-objection", at, staged.language)
    return Heard(mistyped, replay, again)


def _record(staged: Staged, payload: Payload, at: str) -> str:
    """Record one event as the office and return its id."""
    return staged.held.record(staged.office.actor(at), [Draft(payload)])[0].id
