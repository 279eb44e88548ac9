"""Replay of an objection: the stage as it stood when a team objected, and as it stands with what was corrected since.

Nothing is edited. Both sides are decided anew from the same append-only history, cut at the objection and whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.deciding.decision import Decision, decide
from dokja.deciding.score import Points
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.kinds.after import AnswerToObjection, Objection
from dokja.rulebook import Rulebook, Unknown


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A score that differs between two decisions; None where there was no result."""

    team: str
    part: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What an objection changed.

    Args:
        objection: Its event.
        team: Who objected.
        ground: On what.
        upheld: Whether it was upheld; None while it is not answered.
        before: The decision on everything before the objection.
        after: The decision on everything there is now.
        scores: Every score that differs.
        outcomes: Teams whose outcome, or way of leaving, differs.
        corrections: Events since the objection that correct or retract an earlier one.
        remarks: Where the hearing itself departs from the rulebook.
    """

    objection: str
    team: str
    ground: str
    upheld: bool | None
    before: Decision
    after: Decision
    scores: tuple[ScoreChange, ...]
    outcomes: tuple[str, ...]
    corrections: tuple[str, ...]
    remarks: tuple[Reason, ...]

    def rows(self) -> list[dict[str, JSON]]:
        """Return one row per team: outcome and ways of leaving before and after."""
        rows: list[dict[str, JSON]] = []
        for one in self.before.teams:
            then = self.after.of(one.team)
            row: dict[str, JSON] = {"team": one.team, "outcome_before": one.outcome.value}
            row |= {"outcome_after": then.outcome.value, "changed": one.team in self.outcomes}
            row |= {"exits_before": ", ".join(one.exits), "exits_after": ", ".join(then.exits)}
            rows.append(row)
        return rows


def replay_objection(rulebook: Rulebook, history: History, objection: str) -> Replay:
    """Return what changed between an objection and now.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        objection: Id of the objection's event.

    Raises:
        InvalidInput: There is no such objection in force.
        EventInvalid: The history breaks its own rules.
        NotAllowed: The stage does not run under this rulebook.
    """
    made = history.objections.get(objection)
    if made is None:
        raise InvalidInput(f"No objection {objection!r} is in force.")
    place = history.events.index(made)
    before, after = decide(rulebook, History.of(history.events[:place])), decide(rulebook, history)
    answer = history.answers.get(objection)
    return Replay(
        objection,
        made.payload.team,
        made.payload.ground.value,
        None if answer is None else answer.payload.upheld,
        before,
        after,
        _score_changes(before, after),
        tuple(one.team for one in before.teams if (one.outcome, one.exits) != _end(after, one.team)),
        tuple(event.id for event in history.events[place:] if event.supersedes is not None),
        _remarks(rulebook, history, made, answer),
    )


def _end(decision: Decision, team: str) -> tuple[object, object]:
    return decision.of(team).outcome, decision.of(team).exits


def _score_changes(before: Decision, after: Decision) -> tuple[ScoreChange, ...]:
    changes = []
    for team, part in before.scores.scores:
        one, other = before.scores.of(team, part), after.scores.of(team, part)
        if one != other:
            figures = [result.points if isinstance(result, Points) else None for result in (one, other)]
            changes.append(ScoreChange(team, part, *figures))
    return tuple(changes)


def _remarks(
    rulebook: Rulebook,
    history: History,
    objection: Event[Objection],
    answer: Event[AnswerToObjection] | None,
) -> tuple[Reason, ...]:
    """Return where ground or hearing depart from the rulebook."""
    remarks = []
    grounds = rulebook.appeals.grounds
    ground = objection.payload.ground
    if isinstance(grounds, Unknown):
        remarks.append(Reason("replay.rule_unknown", {"at": "appeals.grounds"}))
    elif ground not in grounds:
        remarks.append(Reason("replay.ground_not_listed", {"ground": ground.value}))
    if answer is None:
        remarks.append(Reason("replay.not_answered", {"objection": objection.id}))
        return tuple(remarks)
    same = sorted(person for person in answer.payload.heard_by if person in history.panel_of)
    if same and rulebook.appeals.another_panel is not False:
        remarks.append(Reason("replay.heard_by_the_same", {"people": ", ".join(same)}))
    return tuple(remarks)
