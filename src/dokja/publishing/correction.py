"""Corrections: what an upheld objection changes in the result, and what of the published is no longer true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.deciding.decision import Decision, TeamOutcome
from dokja.deciding.score import Points
from dokja.publishing.disclosure import PublishedStatement
from dokja.publishing.release import is_true, read_statement, statement_json
from dokja.record.history import History
from dokja.record.kinds.publication import Release


@dataclass(frozen=True, slots=True)
class TeamDifference:
    """How a team stands before and after; only what differs is listed, each as [before, after].

    Args:
        team: Whose.
        outcome: Outcome, empty when it is the same.
        advances: Whether it advances, empty when it is the same.
        exits: Ways of leaving, empty when they are the same.
        gates: Gate to outcomes.
        points: Part to points; None where there is no result.
    """

    team: str
    outcome: tuple[str, ...]
    advances: tuple[bool, ...]
    exits: tuple[tuple[str, ...], ...]
    gates: Mapping[str, tuple[str, str]]
    points: Mapping[str, tuple[float | None, float | None]]

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.outcome or self.advances or self.exits or self.gates or self.points)

    def as_json(self) -> dict[str, JSON]:
        """Return the difference as a JSON object."""
        return {
            "team": self.team,
            "outcome": list(self.outcome),
            "advances": list(self.advances),
            "exits": [list(ways) for ways in self.exits],
            "gates": {name: list(pair) for name, pair in self.gates.items()},
            "points": {part: list(pair) for part, pair in self.points.items()},
        }


@dataclass(frozen=True, slots=True)
class NoLongerTrue:
    """A published statement that the corrected scores contradict.

    Args:
        statement: What was said, with the release that said it.
        was_true: Whether it agreed with the scores before.
    """

    statement: PublishedStatement
    was_true: bool

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        return {
            "release": self.statement.release,
            "was_true": self.was_true,
            **statement_json(self.statement),
        }


def differences(before: Decision, after: Decision) -> tuple[TeamDifference, ...]:
    """Return how each team's result differs between two decisions; teams without a difference are left out."""
    now = {one.team: one for one in after.teams}
    found = (
        _difference(one, now[one.team], _points(before, one.team), _points(after, one.team))
        for one in before.teams
        if one.team in now
    )
    return tuple(difference for difference in found if difference)


def _difference(
    before: TeamOutcome,
    after: TeamOutcome,
    points_before: Mapping[str, float | None],
    points_after: Mapping[str, float | None],
) -> TeamDifference:
    outcome, then = before.outcome.value, after.outcome.value
    return TeamDifference(
        before.team,
        () if outcome == then else (outcome, then),
        () if before.advances == after.advances else (before.advances, after.advances),
        () if before.exits == after.exits else (tuple(before.exits), tuple(after.exits)),
        {
            name: (result.outcome.value, after.gates[name].outcome.value)
            for name, result in before.gates.items()
            if result.outcome != after.gates[name].outcome
        },
        {
            part: (value, points_after[part])
            for part, value in points_before.items()
            if value != points_after[part]
        },
    )


def _points(decision: Decision, team: str) -> dict[str, float | None]:
    found = {part: decision.scores.of(team, part) for part in decision.scores.parts}
    return {part: one.points if isinstance(one, Points) else None for part, one in found.items()}


def no_longer_true(history: History, before: Decision, after: Decision) -> tuple[NoLongerTrue, ...]:
    """Return every statement of a release in force that the scores of `after` contradict.

    Args:
        history: Everything that happened.
        before: The decision as it was.
        after: The decision as it is.
    """
    then, now = before.said().points(), after.said().points()
    found = []
    for event in history.these(Release):
        for row in event.payload.statements:
            said = read_statement(row, event.id)
            if is_true(said, now) is False:
                found.append(NoLongerTrue(said, is_true(said, then) is True))
    return tuple(found)
