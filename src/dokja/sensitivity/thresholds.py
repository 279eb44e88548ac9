"""Who passes, for thousands of resamples at once: the score gates again in arrays, everything else as decided.

A tie at the cut-off is broken by the rulebook's steps that read points; a lot is not drawn in a resample, so whoever
would need one is not counted as passing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from dokja.deciding.decision import Decision
from dokja.rulebook import (
    AllOf,
    AnyOf,
    AtLeast,
    Gate,
    KeepTop,
    Rulebook,
    TieRule,
    Unknown,
    Vacancy,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NOT_COMPETING = {"score.withdrawn", "score.no_submission"}


def passes(
    rulebook: Rulebook, decision: Decision, teams: tuple[str, ...], points: Mapping[str, Floats]
) -> Bools:
    """Return in which resamples each team advances.

    Args:
        rulebook: The rules.
        decision: What was decided; its independence items, votes and eliminations stand in every resample.
        teams: The columns.
        points: Part (and `total`) to (replicates, teams) points.

    Returns:
        (replicates, teams).
    """
    shape = next(iter(points.values())).shape
    judge = _Judge(rulebook, decision, teams, points, shape)
    through = judge.gate(rulebook.gate(rulebook.advance.gate), 0)
    places = rulebook.advance.places
    if rulebook.advance.vacancy is Vacancy.NEXT_IN_ORDER and not isinstance(places, Unknown):
        for extra in range(1, len(teams)):
            further = judge.gate(rulebook.gate(rulebook.advance.gate), extra)
            room = (through.sum(1) < places) & (further.sum(1) <= places)
            through = np.where(room[:, None], further, through)
    return through & ~judge.shut_out()


class _Judge:
    """Evaluates gates over all resamples."""

    def __init__(
        self,
        rulebook: Rulebook,
        decision: Decision,
        teams: tuple[str, ...],
        points: Mapping[str, Floats],
        shape: tuple[int, ...],
    ) -> None:
        self.rulebook, self.decision, self.teams, self.points, self.shape = (
            rulebook, decision, teams, points, shape,
        )  # fmt: skip

    def shut_out(self) -> Bools:
        """Return which teams people keep out although the deciding gate is open for them."""
        deciding = self.rulebook.advance.gate
        outcomes = [self.decision.of(team) for team in self.teams]
        return np.array([one.gates[deciding].outcome.opens and not one.advances for one in outcomes])

    def gate(self, gate: Gate, extra: int) -> Bools:
        """Return in which resamples a gate opens, with `extra` places added to every `keep_top`."""
        match gate:
            case KeepTop() if gate.reads in self.points:
                return self._keep_top(gate, extra)
            case AtLeast():
                if isinstance(gate.points, Unknown):
                    return np.zeros(self.shape, dtype=bool)
                return np.asarray(self.points[gate.reads] >= gate.points)
            case AllOf():
                inner = [self.gate(self.rulebook.gate(name), extra) for name in gate.gates]
                return np.asarray(np.logical_and.reduce(inner))
            case AnyOf():
                inner = [self.gate(self.rulebook.gate(name), extra) for name in gate.gates]
                return np.asarray(np.logical_or.reduce(inner))
        decided = [self.decision.of(team).gates[gate.id].outcome.opens for team in self.teams]
        return np.broadcast_to(np.array(decided), self.shape)

    def _keep_top(self, gate: KeepTop, extra: int) -> Bools:
        if isinstance(gate.keep, Unknown):
            return np.zeros(self.shape, dtype=bool)
        keep = gate.keep + extra
        own = self.points[gate.reads]
        above = own[:, None, :] > own[:, :, None]
        level = own[:, None, :] == own[:, :, None]
        everyone = False
        steps = () if isinstance(self.rulebook.advance.ties, Unknown) else self.rulebook.advance.ties
        for step in steps:
            if step.rule is TieRule.ALL_ADVANCE:
                everyone = True
            if step.rule is not TieRule.HIGHER:
                break
            finer = self.points[step.reads]
            above = above | (level & (finer[:, None, :] > finer[:, :, None]))
            level = level & (finer[:, None, :] == finer[:, :, None])
        taken = above.sum(2) + self._pending(gate)
        return np.asarray(taken < keep if everyone else taken + level.sum(2) <= keep)

    def _pending(self, gate: KeepTop) -> int:
        """Return how many teams without points could still take a place."""
        others = [one for one in self.decision.teams if one.team not in self.teams]
        reasons = [{reason.key for reason in one.gates[gate.id].reasons} for one in others]
        return sum(not (keys & _NOT_COMPETING) for keys in reasons)
