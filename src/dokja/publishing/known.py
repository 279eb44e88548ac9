"""From what was published of a stage to the intervals it leaves for each sealed score.

A published figure is taken as wide as its rounding: 90.2 lies within 90.15 and 90.25. JSON keeps no trailing zero, so
25.0 is read as 25 and taken within 24.5 and 25.5, unless the event says how wide it is (`half_unit`): an interval may
be wider than what was published, never narrower.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dokja.publishing.disclosure import PublishedStatement, Scoreboard
from dokja.record.history import History
from dokja.record.kinds.publication import PublishedRank, PublishedScore, ToldElsewhere
from dokja.rulebook import Rulebook, require_known


def scoreboard_of(rulebook: Rulebook, teams: Iterable[str]) -> Scoreboard:
    """Return the shape of a stage's scores.

    Args:
        rulebook: Its parts; the points of every leaf must be known.
        teams: Every team scored.

    Raises:
        RulebookUnknown: The points of a part are unknown.
    """
    parts = [part for top in rulebook.parts for part in top.all_parts()]
    points = {part.id: require_known(part.points, f"parts.{part.id}.points") for part in parts}
    inside = {part.id: tuple(inner.id for inner in part.parts) for part in parts if part.parts}
    return Scoreboard(tuple(teams), points, inside)


def statements_of(history: History) -> tuple[PublishedStatement, ...]:
    """Return the published scores, means, highest scores, and first and last ranks of a history, in its order."""
    statements = []
    for event in history.these(ToldElsewhere):
        release, said = event.at[:10], event.payload
        if isinstance(said, PublishedScore):
            half = _half_unit(said.points) if said.half_unit is None else said.half_unit
            statements.append(PublishedStatement(release, said.of, said.part, said.teams, said.points, half))
        elif isinstance(said, PublishedRank) and said.rank == 1:
            statements.append(PublishedStatement(release, "first", said.part, (said.team,)))
        elif isinstance(said, PublishedRank) and said.rank == said.among:
            statements.append(PublishedStatement(release, "last", said.part, (said.team,)))
    return tuple(statements)


def _half_unit(points: float) -> float:
    """Return half of the last digit a published figure has."""
    exponent = Decimal(str(points)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0 ** min(exponent, 0)
