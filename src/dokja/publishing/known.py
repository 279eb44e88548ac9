"""From what was published of a stage to the intervals it leaves for each sealed score.

A published figure is taken as wide as its rounding: 90.2 lies within 90.15 and 90.25. JSON keeps no trailing zero, so
25.0 is read as 25 and taken within 24.5 and 25.5, unless the event says how wide it is (`half_unit`): an interval may
be wider than what was published, never narrower.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from dokja.canonical import JSON
from dokja.publishing.disclosure import PublishedStatement, Scoreboard
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
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


def statements_of(events: Iterable[Event]) -> tuple[PublishedStatement, ...]:
    """Return the published scores, means, highest scores, and first and last ranks of a history, in its order."""
    statements = []
    for event in in_force(events):
        release = event.at[:10]
        if event.kind is Kind.PUBLISHED_SCORE:
            statements.append(_score(event, release))
        elif event.kind is Kind.PUBLISHED_RANK:
            rank, among = int(str(event.payload["rank"])), int(str(event.payload["among"]))
            team, part = str(event.payload["team"]), str(event.payload["part"])
            if rank == 1:
                statements.append(PublishedStatement(release, "first", part, (team,)))
            elif rank == among:
                statements.append(PublishedStatement(release, "last", part, (team,)))
    return tuple(statements)


def _score(event: Event, release: str) -> PublishedStatement:
    of, teams, points = event.payload["of"], event.payload["teams"], event.payload["points"]
    assert of in ("team", "mean", "highest")
    assert isinstance(teams, list)
    named, part = tuple(str(team) for team in teams), str(event.payload["part"])
    half_unit = event.payload.get("half_unit")
    half = _half_unit(points) if half_unit is None else float(str(half_unit))
    return PublishedStatement(release, of, part, named, float(str(points)), half)  # type: ignore[arg-type]


def _half_unit(points: JSON) -> float:
    """Return half of the last digit a published figure has."""
    exponent = Decimal(str(points)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0 ** min(exponent, 0)
