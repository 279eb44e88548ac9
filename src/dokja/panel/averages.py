"""Mean, trimmed and severity-adjusted averages of a file of marks, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.panel.ballots import BallotFile, BallotKind
from dokja.stats.ratings import Averages, mean, severity_adjusted, trimmed_mean


@dataclass(frozen=True, slots=True)
class CriterionAverages:
    """What a panel gave on one criterion.

    Args:
        criterion: Its id.
        raters: Team to number of raters.
        averages: Average (mean, trimmed, severity_adjusted) to team to value; a team without one is left out.
        simulated: Whether no person gave the marks.
    """

    criterion: str
    raters: Mapping[str, int]
    averages: Mapping[str, Mapping[str, float]]
    simulated: bool

    def rows(self) -> list[dict[str, JSON]]:
        """Return one flat row per team, for tables and CSV."""
        rows: list[dict[str, JSON]] = []
        for team, raters in self.raters.items():
            row: dict[str, JSON] = {"criterion": self.criterion, "team": team, "raters": raters}
            row |= {name: values.get(team) for name, values in self.averages.items()}
            rows.append(row | {"simulated": self.simulated})
        return rows


def average_marks(file: BallotFile, trim: int = 1) -> tuple[CriterionAverages, ...]:
    """Return the three averages of every criterion.

    Args:
        file: Marks.
        trim: Marks dropped at each end for the trimmed mean.

    Raises:
        InvalidInput: The file holds votes or preferences, not marks.
    """
    if file.kind is not BallotKind.MARK:
        raise InvalidInput("Averages are of marks, and this file holds none.")
    criteria = list(dict.fromkeys(str(ballot.values["criterion"]) for ballot in file.ballots))
    return tuple(_criterion(file, criterion, trim) for criterion in criteria)


def _criterion(file: BallotFile, criterion: str, trim: int) -> CriterionAverages:
    marks = {
        (str(ballot.values["rater"]), str(ballot.values["team"])): float(ballot.values["score"])
        for ballot in file.ballots
        if ballot.values["criterion"] == criterion
    }
    raters = sorted({rater for rater, _ in marks})
    teams = sorted({team for _, team in marks})
    scored = np.array([[(rater, team) in marks for team in teams] for rater in raters])
    scores = np.array([[marks.get((rater, team), 0.0) for team in teams] for rater in raters])
    once = np.ones((1, len(raters)))
    found = {
        "mean": mean(scores, scored, once),
        "trimmed": trimmed_mean(scores, scored, once, trim, trim),
        "severity_adjusted": severity_adjusted(scores, scored, once),
    }
    return CriterionAverages(
        criterion,
        {team: int(scored[:, column].sum()) for column, team in enumerate(teams)},
        {name: _by_team(averages, teams) for name, averages in found.items()},
        file.simulated,
    )


def _by_team(averages: Averages, teams: list[str]) -> dict[str, float]:
    return {
        team: float(averages.values[0, column])
        for column, team in enumerate(teams)
        if averages.defined[0, column]
    }
