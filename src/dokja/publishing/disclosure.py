"""Disclosure control: what everything already published says about each score that is still sealed.

- Scores are unknowns, one per team and part, between zero and the part's points. A team's total is their sum.
- A published statement is a linear constraint, as wide as its rounding. Assumptions (who was first, who was last) are
  explicit inputs of the same kind; nothing is assumed that is not written down.
- The interval of a sealed score is the smallest and the largest value that all statements together still allow,
  by linear programming: exact up to the solver's tolerance, not a simulation.
- A release is refused when it would leave a sealed score an interval narrower than the policy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dokja.errors import DisclosureContradictory, InvalidInput

TOTAL = "total"
NARROWED_POINTS = 1e-3
"""A difference of widths below this is the solver's, not a release's."""


@dataclass(frozen=True, slots=True)
class PublishedStatement:
    """One published figure, or one assumption.

    Args:
        release: Which release said it, e.g. `2026-01-15 briefing`; for an assumption, its name.
        of: `team` (the score of each named team), `mean` (over the named teams, over all where none is named),
            `highest` (the best score; the named teams reached it), `first` or `last` (the named team is at least as
            high, or as low, as every other), `above` (each named team is at least as high as the next named),
            `at_least` or `at_most` (the score of each named team).
        part: A part of the score, or `total`.
        teams: The teams it names.
        points: The published figure; ignored for `first`, `last` and `above`.
        half_unit: Half of the last published digit, in points: 0.05 for one decimal.
    """

    release: str
    of: Literal["team", "mean", "highest", "first", "last", "above", "at_least", "at_most"]
    part: str
    teams: tuple[str, ...] = ()
    points: float = 0.0
    half_unit: float = 0.0


@dataclass(frozen=True, slots=True)
class Confinement:
    """What the statements leave of one score.

    Args:
        team: Whose.
        part: Which part, or `total`.
        low: Smallest value still possible, points.
        high: Largest value still possible, points.
        confined_by: The release after which it was as narrow as it is; empty when none narrowed it.
    """

    team: str
    part: str
    low: float
    high: float
    confined_by: str = ""

    @property
    def width(self) -> float:
        """Points between the smallest and the largest possible value."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The shape of what is unknown.

    Args:
        teams: Every team scored.
        points: Part -> its maximum; a part may contain parts listed in `inside`.
        inside: Part -> the parts it is the sum of. Parts that are in no other sum to the total.
    """

    teams: tuple[str, ...]
    points: Mapping[str, float]
    inside: Mapping[str, tuple[str, ...]]

    def leaves(self, part: str) -> tuple[str, ...]:
        """Return the parts without parts that a part, or the total, is the sum of.

        Raises:
            InvalidInput: There is no such part.
        """
        if part == TOTAL:
            nested = {inner for parts in self.inside.values() for inner in parts}
            return tuple(leaf for top in self.points if top not in nested for leaf in self.leaves(top))
        if part not in self.points:
            raise InvalidInput(
                f"The scoreboard has no part {part!r}.", hint=f"Parts: {', '.join(self.points)}."
            )
        return tuple(leaf for inner in self.inside.get(part, ()) for leaf in self.leaves(inner)) or (part,)


@dataclass(frozen=True, slots=True)
class _System:
    """A·x ≤ b over the leaf scores, team-major, with 0 ≤ x ≤ points."""

    A: NDArray[np.float64]
    b: NDArray[np.float64]


def confine(board: Scoreboard, statements: Sequence[PublishedStatement]) -> tuple[Confinement, ...]:
    """Return, for every team and part and total, the interval that the statements leave it.

    Statements are taken release by release in the order given, so that each interval names the release that made it
    as narrow as it is (the last one that narrowed it by more than a thousandth of a point).

    Raises:
        DisclosureContradictory: No scores at all agree with the statements.
        InvalidInput: A statement names a team or part that the scoreboard lacks.
    """
    return confine_further(board, (), statements)[1]


def confine_further(
    board: Scoreboard, published: Sequence[PublishedStatement], release: Sequence[PublishedStatement]
) -> tuple[tuple[Confinement, ...], tuple[Confinement, ...]]:
    """Return the intervals that statements leave, before and after a release, as `confine` does.

    Args:
        board: What is scored.
        published: Statements already public, and assumptions.
        release: Statements about to be published.

    Raises:
        DisclosureContradictory, InvalidInput: As `confine`.
    """
    known = {
        (team, part): Confinement(team, part, 0.0, sum(board.points[leaf] for leaf in board.leaves(part)))
        for team, part in product(board.teams, (*board.points, TOTAL))
    }
    before = _taken_in(board, known, published, ())
    return tuple(before.values()), tuple(_taken_in(board, before, release, published).values())


def _taken_in(
    board: Scoreboard,
    known: Mapping[tuple[str, str], Confinement],
    statements: Sequence[PublishedStatement],
    heard: Sequence[PublishedStatement],
) -> dict[tuple[str, str], Confinement]:
    """Return what is known once further statements are heard, release by release."""
    releases = list(dict.fromkeys(statement.release for statement in statements))
    now = dict(known)
    for upto, release in enumerate(releases, start=1):
        said = [*heard, *(one for one in statements if one.release in releases[:upto])]
        system = _system(board, said)
        for (team, part), before in now.items():
            low, high = _extremes(board, system, team, part, release)
            if before.width - (high - low) > NARROWED_POINTS:
                now[team, part] = Confinement(team, part, low, high, release)
            else:
                now[team, part] = Confinement(team, part, low, high, before.confined_by)
    return now


def _row(board: Scoreboard, team: str, part: str) -> NDArray[np.float64]:
    """Return the linear form, over leaf scores, of a team's part or total."""
    leaves = board.leaves(TOTAL)
    if team not in board.teams:
        raise InvalidInput(f"The scoreboard has no team {team!r}.", hint=f"Teams: {', '.join(board.teams)}.")
    row = np.zeros((len(board.teams), len(leaves)))
    wanted = set(board.leaves(part))
    row[board.teams.index(team), [leaf in wanted for leaf in leaves]] = 1
    return row.ravel()


def _system(board: Scoreboard, statements: Sequence[PublishedStatement]) -> _System:
    size = len(board.teams) * len(board.leaves(TOTAL))
    pairs = [pair for said in statements for pair in _bounds(board, _naming_best(board, said, statements))]
    rows = [np.zeros(size), *[row for row, _ in pairs]]
    return _System(np.array(rows), np.array([0.0, *[bound for _, bound in pairs]]))


def _naming_best(
    board: Scoreboard, said: PublishedStatement, statements: Sequence[PublishedStatement]
) -> PublishedStatement:
    """Return a best score with the team that reached it, where what was said elsewhere tells who is best."""
    if said.of != "highest" or said.teams:
        return said
    for other in statements:
        whole_order = other.of == "above" and set(other.teams) == set(board.teams)
        if other.part == said.part and (other.of == "first" or whole_order):
            return replace(said, teams=other.teams[:1])
    return said


def _bounds(board: Scoreboard, said: PublishedStatement) -> Iterator[tuple[NDArray[np.float64], float]]:
    """Yield (row, bound) of every inequality row·x ≤ bound that a statement is."""
    every = [_row(board, team, said.part) for team in board.teams]
    named = [_row(board, team, said.part) for team in said.teams]
    if said.of == "mean":
        named = [np.mean(named or every, axis=0)]
    if said.of in ("team", "mean", "highest", "at_least"):
        yield from ((-row, said.half_unit - said.points) for row in named)
    if said.of in ("team", "mean", "at_most"):
        yield from ((row, said.points + said.half_unit) for row in named)
    if said.of == "highest":
        yield from ((row, said.points + said.half_unit) for row in every)
    if said.of in ("first", "last"):
        sign = 1 if said.of == "first" else -1
        yield from ((sign * (row - own), 0.0) for row in every for own in named)
    if said.of == "above":
        yield from ((lower - higher, 0.0) for higher, lower in pairwise(named))


def _extremes(board: Scoreboard, system: _System, team: str, part: str, release: str) -> tuple[float, float]:
    from scipy.optimize import linprog

    bounds = [(0.0, board.points[leaf]) for _ in board.teams for leaf in board.leaves(TOTAL)]
    row = _row(board, team, part)
    found = []
    for sign in (1, -1):
        solved = linprog(sign * row, A_ub=system.A, b_ub=system.b, bounds=bounds, method="highs")
        if solved.status == 2:
            raise DisclosureContradictory(
                f"No scores agree with everything said up to {release!r}.", release=release
            )
        found.append(sign * float(solved.fun))
    return found[0], max(found)
