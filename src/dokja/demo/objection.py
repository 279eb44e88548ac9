"""Last part of the demo: an objection to one ballot, heard, upheld and corrected, with the stage replayed both ways."""

from __future__ import annotations

from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.demo.office import Closed, moment
from dokja.demo.panels import Mistyped
from dokja.demo.stage import Staged
from dokja.record.events import SIMULATOR
from dokja.record.history import read_history
from dokja.record.payloads import Kind
from dokja.sensitivity.replay import Replay, replay_objection
from dokja.workflows.desk import Actor, Draft


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
    closed: Closed

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


def hear_objection(staged: Staged, closed: Closed, mistyped: Mistyped) -> Heard:
    """Record an objection to the mistyped ballot, its answer and the correction; replay, and sign what results."""
    workshop, desk, clock = staged.workshop, staged.office.desk, staged.rulebook.clock
    with workshop.step("objection"):
        text = (
            f"평가위원 {mistyped.rater}의 채점표와 기록된 점수가 다릅니다. / "
            f"The sheet of {mistyped.rater} and the recorded mark differ."
        )
        payload: dict[str, JSON] = {"team": mistyped.team, "decision": closed.digest}
        payload |= {"ground": "clerical_error", "text": text}
        said = _record(staged, Draft(Kind.OBJECTION, payload), moment(clock.objection.opens, after_days=7))
        name = next(team.name for team in staged.teams if team.id == mistyped.team)
        workshop.tell("demo.objected", {"team": name, "text": text})
        answered = moment(clock.objection.opens, after_days=8)
        answer: dict[str, JSON] = {"objection": said, "upheld": True, "heard_by": ["hearing:1", "hearing:2"]}
        answer["text"] = "채점표를 확인하여 정정합니다. / The sheet was checked; the mark is corrected."
        _record(staged, Draft(Kind.ANSWER_TO_OBJECTION, answer), answered)
        history = read_history(staged.rulebook, desk.store.events(staged.name))
        wrong = history.marks[(mistyped.rater, mistyped.team, mistyped.criterion)]
        correction = Draft(
            Kind.EXPERT_SCORE,
            {**wrong.payload, "score": mistyped.meant},
            supersedes=wrong.id,
            reason=f"clerical error, objection {said}",
        )
        # The mark stays a simulated one, whoever corrects it.
        desk.record(staged.name, Actor(SIMULATOR, answered), [correction], staged.rulebook)
        replay = replay_objection(staged.rulebook, desk.store.events(staged.name), said)
        at = moment(clock.final, hour=5)
        again = staged.office.close(staged.name, staged.folder / "after-objection", at, staged.language)
    return Heard(mistyped, replay, again)


def _record(staged: Staged, happening: Draft, at: str) -> str:
    """Record one event as the office and return its id."""
    return staged.office.desk.record(staged.name, staged.office.actor(at), [happening], staged.rulebook)[0].id
