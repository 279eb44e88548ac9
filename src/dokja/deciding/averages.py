"""Averages over raters in plain arithmetic: the same bits on every machine, so that anyone recomputes a decision.

`dokja.stats.ratings` computes the same for thousands of resamples at once; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum

from dokja.rulebook import Averaging

Marks = Mapping[tuple[str, str], float]
"""(rater, team) to mark."""

_SINGULAR = 1e-9


def average(marks: Marks, teams: tuple[str, ...], how: Averaging, trim: int) -> dict[str, float]:
    """Return each team's average; a team that has none is left out.

    Args:
        marks: (rater, team) to mark.
        teams: Whom to average.
        how: Which average.
        trim: Marks dropped at each end, for the trimmed mean.
    """
    if how is Averaging.SEVERITY_ADJUSTED:
        return _severity_adjusted(marks, teams)
    dropped = trim if how is Averaging.TRIMMED else 0
    result = {}
    for team in teams:
        own = sorted(mark for (_, judged), mark in marks.items() if judged == team)
        kept = own[dropped : len(own) - dropped]
        if kept:
            result[team] = fsum(kept) / len(kept)
    return result


def _severity_adjusted(marks: Marks, teams: tuple[str, ...]) -> dict[str, float]:
    """Solve mark = team + severity by least squares, severities averaging to zero; nothing when not connected."""
    judged: dict[str, list[str]] = {}
    for rater, team in sorted(marks):
        judged.setdefault(rater, []).append(team)
    own_mean = {
        rater: fsum(marks[rater, team] for team in seen) / len(seen) for rater, seen in judged.items()
    }
    size = len(teams)
    place = {team: index for index, team in enumerate(teams)}
    matrix = [[1.0 / size] * size for _ in teams]
    right = [0.0] * size
    for rater, seen in judged.items():
        for team in seen:
            row = place[team]
            matrix[row][row] += 1.0
            right[row] += marks[rater, team] - own_mean[rater]
            for other in seen:
                matrix[row][place[other]] -= 1.0 / len(seen)
    effects = _solve(matrix, right)
    if effects is None or not judged:
        return {}
    level = fsum(
        own_mean[rater] - fsum(effects[place[team]] for team in seen) / len(seen)
        for rater, seen in judged.items()
    )
    return {team: effects[place[team]] + level / len(judged) for team in teams}


def _solve(matrix: list[list[float]], right: list[float]) -> list[float] | None:
    """Solve a small symmetric system by elimination with pivoting; None when it is singular."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(rows[index][column]))
        if abs(rows[pivot][column]) < _SINGULAR:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for index in range(column + 1, size):
            factor = rows[index][column] / rows[column][column]
            rows[index] = [a - factor * b for a, b in zip(rows[index], rows[column], strict=True)]
    solution = [0.0] * size
    for index in reversed(range(size)):
        known = fsum(rows[index][other] * solution[other] for other in range(index + 1, size))
        solution[index] = (rows[index][size] - known) / rows[index][index]
    return solution
