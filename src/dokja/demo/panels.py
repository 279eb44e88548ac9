"""The demo's simulated panels: seeded ballots written as CSV files, and one ballot mistyped on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dokja.demo.cast import CastTeam
from dokja.errors import InvalidInput
from dokja.panel.ballots import Ballot, BallotFile
from dokja.panel.simulate import Simulation, simulate_approvals, simulate_marks
from dokja.rulebook import Panel, require_known

# Spread between raters and of single marks, as shares of the scale.
_SEVERITY_SHARE = 0.05
_NOISE_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Mistyped:
    """One mark that was typed wrongly.

    Args:
        rater, team, criterion: Whose mark, of whom, on what.
        meant: The mark on the rater's sheet.
        typed: The mark in the file that is recorded.
    """

    rater: str
    team: str
    criterion: str
    meant: float
    typed: float


def simulate_panel(panel: Panel, teams: Sequence[CastTeam], seed: Sequence[int]) -> BallotFile:
    """Return the simulated marks of a panel under its own criteria and scale.

    Args:
        panel: A panel of the rulebook that gives marks.
        teams: Who is judged, with the quality the simulator assumes.
        seed: Reproduces the ballots.
    """
    criteria = require_known(panel.criteria, f"panels.{panel.id}.criteria")
    lowest = float(require_known(criteria[0].lowest, f"panels.{panel.id}.criteria"))
    highest = float(require_known(criteria[0].highest, f"panels.{panel.id}.criteria"))
    experts = panel.kind == "experts"
    simulation = Simulation(
        panel=panel.id,
        raters=require_known(panel.size, f"panels.{panel.id}.size"),
        quality={team.id: team.expert_share if experts else team.user_share for team in teams},
        criteria=[criterion.id for criterion in criteria],
        lowest=lowest,
        highest=highest,
        severity=_SEVERITY_SHARE * (highest - lowest),
        noise=_NOISE_SHARE * (highest - lowest),
    )
    return simulate_marks(simulation, np.random.default_rng(list(seed)))


def simulate_votes(panel: Panel, teams: Sequence[CastTeam], seed: Sequence[int]) -> BallotFile:
    """Return the simulated approvals of a panel."""
    approval = {team.id: team.approval_share for team in teams}
    size = require_known(panel.size, f"panels.{panel.id}.size")
    return simulate_approvals(panel.id, size, approval, np.random.default_rng(list(seed)))


def mistype(ballots: BallotFile, team: str, criterion: str) -> tuple[BallotFile, Mistyped]:
    """Return the ballots with the digits of one mark exchanged, as a tired typist would, and which one it was.

    Of the team's marks on the criterion the one is taken that loses most by it.

    Raises:
        InvalidInput: The team has no mark there that loses by it.
    """
    losses = {
        number: float(ballot.values["score"]) - _exchanged(float(ballot.values["score"]))
        for number, ballot in enumerate(ballots.ballots)
        if ballot.values["team"] == team and ballot.values["criterion"] == criterion
    }
    number = max(losses, key=losses.__getitem__, default=None)
    if number is None or losses[number] <= 0:
        raise InvalidInput(
            f"No mark of {team!r} on {criterion!r} becomes lower when its digits are exchanged."
        )
    right = ballots.ballots[number]
    meant = float(right.values["score"])
    wrong = Ballot(right.line, {**right.values, "score": _exchanged(meant)}, right.comment)
    changed = (*ballots.ballots[:number], wrong, *ballots.ballots[number + 1 :])
    told = Mistyped(str(right.values["rater"]), team, criterion, meant, _exchanged(meant))
    return replace(ballots, ballots=changed), told


def write_ballots(ballots: BallotFile, path: Path) -> Path:
    """Write ballots as CSV and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ballots.render_csv(), encoding="utf-8")
    return path


def _exchanged(mark: float) -> float:
    whole = f"{mark:.0f}"
    return float(whole[::-1]) if len(whole) == 2 and float(whole) == mark else mark
