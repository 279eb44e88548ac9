"""Places: who is among the best k, with ties, teams without a result, and orders that were only published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dokja.deciding.independence import Outcome
from dokja.deciding.measurements import NoResult
from dokja.deciding.score import Points, StageScores
from dokja.finding import Reason
from dokja.record.history import History
from dokja.record.kinds.publication import PublishedRank
from dokja.rulebook import KeepTop, Rulebook, TieBreak, TieRule, Unknown, require_known

_NOT_COMPETING = ("score.withdrawn", "score.no_submission")


@dataclass(frozen=True, slots=True)
class Places:
    """Who takes a place.

    Args:
        outcomes: Team to outcome and reason; teams of which nothing can be said are left out.
        margins: Team to points above the best team that is out, or (negative) below the worst that is in.
    """

    outcomes: Mapping[str, tuple[Outcome, Reason]]
    margins: Mapping[str, float]


def place_teams(
    rulebook: Rulebook,
    history: History,
    scores: StageScores,
    read: Mapping[str, Points | NoResult],
    gate: KeepTop,
    extra: int,
) -> Places:
    """Return who is among the best `keep` plus `extra`.

    Args:
        rulebook: For the steps that resolve ties.
        history: For lots that were drawn and ranks that were published.
        scores: For the parts that tie-breaks read.
        read: What the gate reads of each team.
        gate: The gate; its `keep` is known.
        extra: Places added because others stayed empty.
    """
    keep = require_known(gate.keep, f"gates.{gate.id}.keep") + extra
    points = {team: result.points for team, result in read.items() if isinstance(result, Points)}
    competing = [
        team
        for team, result in read.items()
        if isinstance(result, Points) or result.reason.key not in _NOT_COMPETING
    ]
    if not points:
        return _published(history, gate.reads, competing, keep)
    margins = _margins(points, keep)
    pending = len(competing) - len(points)
    outcomes: dict[str, tuple[Outcome, Reason]] = {}
    for team, own in points.items():
        above = sum(other > own for other in points.values())
        level = sum(other == own for other in points.values())
        if above >= keep:
            reason = Reason(
                "gate.not_among_best", {"place": above + 1, "keep": keep, "missing": -margins.get(team, 0.0)}
            )
            outcomes[team] = (Outcome.FAIL, reason)
        elif above + level + pending <= keep:
            outcomes[team] = (Outcome.PASS, _among(above + 1, keep))
        elif above + level <= keep:
            outcomes[team] = (
                Outcome.INSUFFICIENT_EVIDENCE,
                Reason("gate.others_pending", {"pending": pending}),
            )
        else:
            outcomes[team] = (Outcome.INSUFFICIENT_EVIDENCE, Reason("gate.tie_unresolved", {"level": level}))
    tied = [team for team, (_, reason) in outcomes.items() if reason.key == "gate.tie_unresolved"]
    if tied and not pending:
        above = sum(own > points[tied[0]] for own in points.values())
        outcomes |= _break_tie(rulebook, history, scores, tied, above, keep)
    return Places(outcomes, margins)


def _among(place: int, keep: int) -> Reason:
    return Reason("gate.among_best", {"place": place, "keep": keep})


def _margins(points: Mapping[str, float], keep: int) -> dict[str, float]:
    """Return each team's points above the first team that is out, or below the last that is in."""
    ordered = sorted(points.values(), reverse=True)
    if len(ordered) <= keep:
        return {}
    last_in, first_out = ordered[keep - 1], ordered[keep]
    return {team: round(own - (first_out if own >= last_in else last_in), 9) for team, own in points.items()}


def _break_tie(
    rulebook: Rulebook, history: History, scores: StageScores, tied: Sequence[str], above: int, keep: int
) -> dict[str, tuple[Outcome, Reason]]:
    """Apply the rulebook's steps to the teams level at the cut-off, until places and teams are told apart."""
    outcomes: dict[str, tuple[Outcome, Reason]] = {}
    level, free = list(tied), keep - above
    if isinstance(rulebook.advance.ties, Unknown):
        unknown = Reason("gate.rule_unknown", {"at": "advance.ties"})
        return dict.fromkeys(level, (Outcome.INSUFFICIENT_EVIDENCE, unknown))
    for step in rulebook.advance.ties:
        if step.rule is TieRule.ALL_ADVANCE:
            return outcomes | dict.fromkeys(level, (Outcome.PASS, _among(above + 1, keep)))
        order = _order(history, scores, step, level)
        if order is None:
            break
        inside = [team for team in level if sum(order[other] >= order[team] for other in level) <= free]
        outside = [team for team in level if sum(order[other] > order[team] for other in level) >= free]
        lost = Reason("gate.tie_lost", {"rule": step.rule.value, "reads": step.reads})
        outcomes |= dict.fromkeys(inside, (Outcome.PASS, _among(above + 1, keep)))
        outcomes |= dict.fromkeys(outside, (Outcome.FAIL, lost))
        level = [team for team in level if team not in inside and team not in outside]
        free -= len(inside)
        if not level:
            return outcomes
    figures = {"level": len(level), "places": free}
    return outcomes | dict.fromkeys(
        level, (Outcome.INSUFFICIENT_EVIDENCE, Reason("gate.tie_unresolved", figures))
    )


def _order(
    history: History, scores: StageScores, step: TieBreak, level: Sequence[str]
) -> dict[str, float] | None:
    """Return what a step orders the level teams by, higher first; None while that is not known."""
    if step.rule is TieRule.HIGHER:
        points = scores.points(step.reads)
        return {team: points[team] for team in level} if all(team in points for team in level) else None
    for rule, order in history.ties:
        if rule == step.rule.value and set(level) <= set(order):
            return {team: -float(order.index(team)) for team in level}
    return None


def _published(history: History, reads: str, competing: Sequence[str], keep: int) -> Places:
    """Return places from ranks somebody published, where nothing can be computed.

    A rank settles its own team. When every place outside the best `keep` is taken by a published rank, it settles the
    others too.
    """
    ranks = {
        event.payload.team: event.payload.rank
        for event in history.these(PublishedRank)
        if event.payload.part == reads and event.payload.among == len(competing)
    }
    ranks = {team: rank for team, rank in ranks.items() if team in competing}
    outside = {team for team, rank in ranks.items() if rank > keep}
    settled = len(outside) == len(competing) - keep
    outcomes: dict[str, tuple[Outcome, Reason]] = {}
    for team in competing:
        if team in outside:
            figures = {"place": ranks[team], "keep": keep}
            outcomes[team] = (Outcome.FAIL, Reason("gate.published_below", figures))
        elif team in ranks or settled:
            outcomes[team] = (Outcome.PASS, Reason("gate.published_among", {"keep": keep}))
    return Places(outcomes, {})
