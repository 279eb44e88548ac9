"""Gates: who passes, who leaves and in which way, what is missing, and what would change it.

- Every gate answers for every team with pass, conditional, insufficient evidence or fail; only the first two open it.
- `keep_top` ranks the teams that have points. While a team that neither withdrew nor stayed away has none, places it
  could still take are not given away: those teams have insufficient evidence.
- A tie at the cut-off is resolved by the rulebook's steps in order, or it stays open and says so; nobody is lucky by
  the order of registration.
- `all_of` is as bad as its worst gate, `any_of` as good as its best.
- Making a score or a finding of a team worse never opens a gate for that team (tests/deciding/test_monotone.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dokja.canonical import JSON
from dokja.deciding.independence import ItemResult, Outcome, best, judge_item, worst
from dokja.deciding.majority import Majority, count_votes
from dokja.deciding.measurements import NoResult
from dokja.deciding.ranking import Places, place_teams
from dokja.deciding.score import Points, StageScores
from dokja.finding import Reason
from dokja.record.history import History
from dokja.record.terms import Exit
from dokja.rulebook import (
    AllOf,
    AnyOf,
    AtLeast,
    Gate,
    Independence,
    KeepTop,
    PanelMajority,
    Rulebook,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class GateResult:
    """How one gate stands for one team.

    Args:
        gate: Id of the gate.
        outcome: How it stands.
        exits: In which ways the team leaves by this gate; empty when it opens.
        reasons: Why it does not open, or under which condition it does.
        margin_points: Points above the cut-off, negative below; None where there is no cut-off in points.
        items: What each independence item says, for an independence gate.
        judged: Whether it opens only by expert findings: "judged, not replayed".
    """

    gate: str
    outcome: Outcome
    exits: tuple[Exit, ...] = ()
    reasons: tuple[Reason, ...] = ()
    margin_points: float | None = None
    items: tuple[ItemResult, ...] = ()
    judged: bool = False

    def as_json(self) -> dict[str, JSON]:
        """Return the result as a JSON object."""
        return {
            "gate": self.gate,
            "outcome": self.outcome.value,
            "exits": [way.value for way in self.exits],
            "reasons": [reason_json(reason) for reason in self.reasons],
            "margin_points": self.margin_points,
            "judged": self.judged,
            "items": [_item_json(item) for item in self.items],
        }


def reason_json(reason: Reason) -> dict[str, JSON]:
    """Return a reason as a JSON object: a sentence's key and its figures."""
    return {"key": reason.key, "figures": dict(reason.figures)}


def _item_json(item: ItemResult) -> dict[str, JSON]:
    return {
        "item": item.item,
        "aspect": item.aspect,
        "outcome": item.outcome.value,
        "judged": item.judged,
        "rests_on": list(item.rests_on),
        "reasons": [reason_json(reason) for reason in item.reasons],
    }


@dataclass(frozen=True, slots=True)
class GateInputs:
    """What gates read.

    Args:
        rulebook: The rules.
        history: Teams, findings, votes, ties.
        scores: Every score of the stage.
        extra_places: How many places further down `keep_top` reaches because places above stayed empty.
    """

    rulebook: Rulebook
    history: History
    scores: StageScores
    extra_places: int = 0
    _known: dict[str, dict[str, GateResult]] = field(default_factory=dict, repr=False)


def judge_gate(inputs: GateInputs, gate_id: str) -> dict[str, GateResult]:
    """Return how a gate stands for every registered team.

    Args:
        inputs: What gates read.
        gate_id: Id of the gate.
    """
    if gate_id not in inputs._known:
        inputs._known[gate_id] = _judge(inputs, inputs.rulebook.gate(gate_id))
    return inputs._known[gate_id]


def _judge(inputs: GateInputs, gate: Gate) -> dict[str, GateResult]:
    teams = inputs.history.teams
    match gate:
        case KeepTop():
            return _keep_top(inputs, gate)
        case AtLeast():
            return {team: _at_least(inputs, gate, team) for team in teams}
        case Independence():
            return {team: _independence(inputs, gate, team) for team in teams}
        case PanelMajority():
            return {team: _majority(inputs, gate, team) for team in teams}
        case AllOf() | AnyOf():
            inner = [judge_gate(inputs, name) for name in gate.gates]
            return {team: _combined(gate, [results[team] for results in inner]) for team in teams}


def _combined(gate: AllOf | AnyOf, inner: Sequence[GateResult]) -> GateResult:
    outcomes = [result.outcome for result in inner]
    outcome = worst(outcomes) if isinstance(gate, AllOf) else best(outcomes)
    shown = [result for result in inner if result.outcome is not Outcome.PASS]
    if isinstance(gate, AnyOf) and outcome.opens:
        shown = [result for result in inner if result.outcome is outcome][:1]
    exits = () if outcome.opens else tuple(dict.fromkeys(way for result in shown for way in result.exits))
    reasons = (
        () if outcome is Outcome.PASS else tuple(reason for result in shown for reason in result.reasons)
    )
    opening = [result for result in inner if result.outcome.opens]
    if isinstance(gate, AllOf):
        judged = outcome.opens and any(result.judged for result in opening)
    else:
        judged = outcome.opens and all(result.judged for result in opening)
    margins = [result.margin_points for result in inner if result.margin_points is not None]
    margin = (min(margins) if isinstance(gate, AllOf) else max(margins)) if margins else None
    return GateResult(gate.id, outcome, exits, reasons, margin, judged=judged)


def _insufficient(gate: str, way: Exit, key: str, **figures: JSON) -> GateResult:
    return GateResult(gate, Outcome.INSUFFICIENT_EVIDENCE, (way,), (Reason(key, figures),))


def _no_result(gate: str, result: NoResult) -> GateResult:
    """Return how a gate that reads a score stands for a team that has none; withdrawal is its own way to leave."""
    way = Exit.WITHDRAWAL if result.reason.key == "score.withdrawn" else Exit.NO_RESULT
    return GateResult(gate, Outcome.INSUFFICIENT_EVIDENCE, (way,), (result.reason,))


def _read_points(inputs: GateInputs, reads: str) -> dict[str, Points | NoResult]:
    """Return what a gate reads of every team: points, or the approvals of a panel."""
    teams = inputs.history.teams
    gate = next((one for one in inputs.rulebook.gates if one.id == reads), None)
    if not isinstance(gate, PanelMajority):
        return {team: _leaving(inputs, team) or inputs.scores.of(team, reads) for team in teams}
    counted = {team: count_votes(inputs.rulebook, inputs.history, gate, team) for team in teams}
    return {
        team: _leaving(inputs, team)
        or (Points(float(votes.approvals), 0.0) if isinstance(votes, Majority) else NoResult(votes))
        for team, votes in counted.items()
    }


def _leaving(inputs: GateInputs, team: str) -> NoResult | None:
    return NoResult(Reason("score.withdrawn")) if team in inputs.history.withdrawn else None


def _keep_top(inputs: GateInputs, gate: KeepTop) -> dict[str, GateResult]:
    read = _read_points(inputs, gate.reads)
    if isinstance(gate.keep, Unknown):
        unknown = _insufficient(gate.id, Exit.NO_RESULT, "gate.rule_unknown", at=f"gates.{gate.id}.keep")
        return {
            team: unknown if isinstance(result, Points) else _no_result(gate.id, result)
            for team, result in read.items()
        }
    places = place_teams(inputs.rulebook, inputs.history, inputs.scores, read, gate, inputs.extra_places)
    results = {}
    for team, result in read.items():
        if team in places.outcomes:
            results[team] = _placed(gate, team, places)
        else:
            assert isinstance(result, NoResult)
            results[team] = _no_result(gate.id, result)
    return results


def _placed(gate: KeepTop, team: str, places: Places) -> GateResult:
    outcome, reason = places.outcomes[team]
    margin = places.margins.get(team)
    if outcome is Outcome.PASS:
        return GateResult(gate.id, outcome, margin_points=margin)
    way = Exit.SCORE if outcome is Outcome.FAIL else Exit.NO_RESULT
    if reason.key == "gate.tie_unresolved":
        way = Exit.UNRESOLVED_TIE
    return GateResult(gate.id, outcome, (way,), (reason,), margin)


def _at_least(inputs: GateInputs, gate: AtLeast, team: str) -> GateResult:
    result = _read_points(inputs, gate.reads)[team]
    if isinstance(result, NoResult):
        return _no_result(gate.id, result)
    if isinstance(gate.points, Unknown):
        return _insufficient(gate.id, Exit.NO_RESULT, "gate.rule_unknown", at=f"gates.{gate.id}.points")
    margin = round(result.points - gate.points, 9)
    if margin >= 0:
        return GateResult(gate.id, Outcome.PASS, margin_points=margin)
    figures: Mapping[str, JSON] = {"points": result.points, "threshold": gate.points, "missing": -margin}
    return GateResult(
        gate.id, Outcome.FAIL, (Exit.SCORE,), (Reason("gate.below_threshold", figures),), margin
    )


def _independence(inputs: GateInputs, gate: Independence, team: str) -> GateResult:
    if team in inputs.history.withdrawn:
        return _no_result(gate.id, NoResult(Reason("score.withdrawn")))
    weights = inputs.history.weights.get(team, "")
    if not weights:
        return _insufficient(gate.id, Exit.NO_RESULT, "score.no_submission")
    findings = [found for found in inputs.history.findings.values() if found.team == team]
    components = declared_components(inputs.history.declarations.get(team, {}))
    items = tuple(
        judge_item(inputs.rulebook.item(name), findings, weights, components) for name in gate.items
    )
    outcome = worst([item.outcome for item in items])
    return GateResult(
        gate.id,
        outcome,
        () if outcome.opens else (Exit.INDEPENDENCE,),
        tuple(reason for item in items if item.outcome is not Outcome.PASS for reason in item.reasons),
        items=items,
        judged=outcome.opens and any(item.judged for item in items),
    )


def declared_components(declaration: Mapping[str, JSON]) -> tuple[str, ...]:
    """Return the names of the components a declaration lists under `components`, each an object with a `name`."""
    listed = declaration.get("components")
    if not isinstance(listed, list):
        return ()
    return tuple(str(one["name"]) for one in listed if isinstance(one, dict) and one.get("name"))


def _majority(inputs: GateInputs, gate: PanelMajority, team: str) -> GateResult:
    if team in inputs.history.withdrawn:
        return _no_result(gate.id, NoResult(Reason("score.withdrawn")))
    votes = count_votes(inputs.rulebook, inputs.history, gate, team)
    if isinstance(votes, Reason):
        return GateResult(gate.id, Outcome.INSUFFICIENT_EVIDENCE, (Exit.NO_RESULT,), (votes,))
    if votes.reached:
        return GateResult(gate.id, Outcome.PASS)
    figures: Mapping[str, JSON] = {"approvals": votes.approvals, "of": votes.of, "needed": votes.needed}
    return GateResult(gate.id, Outcome.FAIL, (Exit.NOT_SELECTED,), (Reason("gate.no_majority", figures),))
