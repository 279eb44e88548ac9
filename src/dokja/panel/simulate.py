"""Simulated panels with known bias, for rehearsals and for testing methods against a truth that is known.

Everything made here is a `BallotFile` with `simulated = True`: no person gave these ballots, and whatever is computed
from them says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dokja.errors import InvalidInput
from dokja.panel.ballots import Ballot, BallotFile, BallotKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a simulated panel is made of.

    Args:
        panel: Prefix of the raters' ids.
        raters: How many.
        quality: Team to its true quality, as a share of the scale in [0, 1].
        criteria: Ids of the criteria marked.
        lowest: Lowest mark.
        highest: Highest mark.
        step: Marks are rounded to multiples of this above the lowest.
        severity: Standard deviation between raters, in marks: how much lower one rater marks everyone than another.
        noise: Standard deviation of a single mark, in marks.
        brand: Team to what its name alone adds to every mark, in marks; a panel that is not blind.
        strategic: Rater's number to the one team it gives the highest mark; every other team gets the lowest.
        recused: (rater's number, team) pairs that are not marked.
    """

    panel: str
    raters: int
    quality: Mapping[str, float]
    criteria: Sequence[str]
    lowest: float
    highest: float
    step: float = 1.0
    severity: float = 0.0
    noise: float = 0.0
    brand: Mapping[str, float] = field(default_factory=dict)
    strategic: Mapping[int, str] = field(default_factory=dict)
    recused: frozenset[tuple[int, str]] = frozenset()

    def __post_init__(self) -> None:
        if self.raters < 1 or not self.criteria or self.highest <= self.lowest or self.step <= 0:
            raise InvalidInput("A simulated panel needs raters, criteria, a scale and a step.")
        if not all(0 <= quality <= 1 for quality in self.quality.values()):
            raise InvalidInput("A simulated quality is a share of the scale, from 0 to 1.")
        strangers = {*self.brand, *self.strategic.values(), *(team for _, team in self.recused)} - set(
            self.quality
        )
        if strangers:
            raise InvalidInput(f"No quality is given for {', '.join(sorted(strangers))}.")


def simulate_marks(simulation: Simulation, rng: np.random.Generator) -> BallotFile:
    """Return the marks of a simulated panel.

    Args:
        simulation: What it is made of.
        rng: Source of randomness; the same state gives the same ballots.
    """
    ballots: list[Ballot] = []
    width = simulation.highest - simulation.lowest
    for number in range(simulation.raters):
        severity = rng.normal(0.0, simulation.severity) if simulation.severity else 0.0
        for team, quality in simulation.quality.items():
            for criterion in simulation.criteria:
                mark = simulation.lowest + width * quality - severity + simulation.brand.get(team, 0.0)
                mark += rng.normal(0.0, simulation.noise) if simulation.noise else 0.0
                if number in simulation.strategic:
                    mark = simulation.highest if simulation.strategic[number] == team else simulation.lowest
                if (number, team) not in simulation.recused:
                    values = {
                        "rater": f"{simulation.panel}:{number:03d}",
                        "team": team,
                        "criterion": criterion,
                    }
                    score = _on_scale(simulation, float(mark))
                    ballots.append(Ballot(len(ballots) + 2, {**values, "score": score}))
    return BallotFile(BallotKind.MARK, tuple(ballots), simulated=True)


def _on_scale(simulation: Simulation, mark: float) -> float:
    """Return the nearest mark that the scale has."""
    steps = round((mark - simulation.lowest) / simulation.step)
    most = int((simulation.highest - simulation.lowest) / simulation.step + 1e-9)
    return simulation.lowest + simulation.step * min(max(steps, 0), most)


def simulate_approvals(
    panel: str, raters: int, approval: Mapping[str, float], rng: np.random.Generator
) -> BallotFile:
    """Return approving and rejecting votes of a simulated panel.

    Args:
        panel: Prefix of the raters' ids.
        raters: How many, at least 1.
        approval: Team to the probability that a member approves it.
        rng: Source of randomness.

    Raises:
        InvalidInput: No raters, or a probability outside [0, 1].
    """
    if raters < 1 or not all(0 <= share <= 1 for share in approval.values()):
        raise InvalidInput("Simulated votes need raters, and probabilities from 0 to 1.")
    ballots: list[Ballot] = []
    for number in range(raters):
        for team, share in approval.items():
            choice = "approve" if rng.random() < share else "reject"
            values = {"rater": f"{panel}:{number:03d}", "team": team, "choice": choice}
            ballots.append(Ballot(len(ballots) + 2, values))
    return BallotFile(BallotKind.APPROVAL, tuple(ballots), simulated=True)
