"""A rulebook tried out before it is frozen: how often, on simulated teams, it ends in each way.

A rehearsal says nothing about any real team. It shows whether rules that read well also decide: how often places stay
empty, ties stay open, a gate nobody can pass stays shut, or nobody is selected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from dokja.canonical import JSON
from dokja.deciding.decision import Decision, decide
from dokja.errors import InvalidInput
from dokja.progress import Progress, unheard
from dokja.record.history import History
from dokja.rulebook import Rulebook
from dokja.sensitivity.simulation import Assumptions, simulate_stage

_K = TypeVar("_K", int, str)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How many of `rounds` simulated stages ended in each way. Simulated throughout.

    Args:
        rulebook: Digest of the rulebook rehearsed.
        rounds: Simulated stages.
        seed: Seed that reproduces them.
        assumptions: What was assumed of teams and raters.
        advancing: Number of teams that advanced to number of stages.
        vacancies: Number of empty places to number of stages.
        exits: Kind of exit to number of teams, over all stages.
        gates: Gate to outcome to number of teams, over all stages.
        missing: Key of a reason a gate stayed shut to number of teams, over all stages.
        remarks: Key of a remark about a stage to number of stages it was made in.
        teams: Teams over all stages.
    """

    rulebook: str
    rounds: int
    seed: int
    assumptions: Assumptions
    advancing: Mapping[int, int]
    vacancies: Mapping[int, int]
    exits: Mapping[str, int]
    gates: Mapping[str, Mapping[str, int]]
    missing: Mapping[str, int]
    remarks: Mapping[str, int]
    teams: int

    def as_json(self) -> dict[str, JSON]:
        """Return the rehearsal as a JSON object, marked as simulated."""
        return {
            "simulated": True,
            "rulebook": self.rulebook,
            "rounds": self.rounds,
            "seed": self.seed,
            "assumptions": asdict(self.assumptions),
            "advancing": {str(count): stages for count, stages in self.advancing.items()},
            "vacancies": {str(count): stages for count, stages in self.vacancies.items()},
            "exits": dict(self.exits),
            "gates": {gate: dict(outcomes) for gate, outcomes in self.gates.items()},
            "missing": dict(self.missing),
            "remarks": dict(self.remarks),
            "teams": self.teams,
        }


def rehearse(
    rulebook: Rulebook,
    rounds: int,
    seed: int,
    assumptions: Assumptions | None = None,
    progress: Progress = unheard,
) -> Rehearsal:
    """Return how often simulated stages under a rulebook end in each way.

    Args:
        rulebook: The rules; every value the simulation needs must be known.
        rounds: Simulated stages, at least 1.
        seed: Seed of the simulation.
        assumptions: What to assume; the defaults of `Assumptions` when None.
        progress: Told of the rulebook, stages simulated, and rounds.

    Raises:
        RulebookUnknown: The rulebook leaves something unknown that a stage cannot be simulated without.
        InvalidInput: No rounds.
    """
    if rounds < 1:
        raise InvalidInput("A rehearsal of no stages shows nothing; ask for at least one round.")
    assumed = assumptions or Assumptions()
    tally = _Tally()
    for done, stream in enumerate(np.random.SeedSequence(seed).spawn(rounds), start=1):
        events = simulate_stage(rulebook, assumed, np.random.default_rng(stream))
        tally.add(decide(rulebook, History.of(events)))
        progress(rulebook.id, done, rounds)
    return Rehearsal(
        rulebook.digest(),
        rounds,
        seed,
        assumed,
        _ordered(tally.advancing),
        _ordered(tally.vacancies),
        _ordered(tally.exits),
        {gate: _ordered(outcomes) for gate, outcomes in tally.gates.items()},
        _ordered(tally.missing),
        _ordered(tally.remarks),
        tally.teams,
    )


class _Tally:
    """Counts over simulated stages."""

    def __init__(self) -> None:
        self.advancing: Counter[int] = Counter()
        self.vacancies: Counter[int] = Counter()
        self.exits: Counter[str] = Counter()
        self.gates: dict[str, Counter[str]] = {}
        self.missing: Counter[str] = Counter()
        self.remarks: Counter[str] = Counter()
        self.teams = 0

    def add(self, decision: Decision) -> None:
        """Count one stage."""
        self.advancing[len(decision.advancing)] += 1
        if decision.vacancies is not None:
            self.vacancies[decision.vacancies] += 1
        self.remarks.update({reason.key for reason in decision.remarks})
        self.teams += len(decision.teams)
        for outcome in decision.teams:
            self.exits.update(str(one.value) for one in outcome.exits)
            self.missing.update({reason.key for reason in outcome.missing})
            for gate, result in outcome.gates.items():
                self.gates.setdefault(gate, Counter())[str(result.outcome.value)] += 1


def _ordered(counts: Counter[_K]) -> dict[_K, int]:
    return dict(sorted(counts.items()))
