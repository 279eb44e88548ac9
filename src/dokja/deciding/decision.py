"""Decision: what the rules give, and everything a person needs beside it before signing.

`decide` is a pure function of rulebook and events. What people sign is made of it by `publication.signed_body`: what
is public of it, and a commitment to everything they saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dokja.canonical import JSON, digest_json
from dokja.deciding.decided import Decided
from dokja.deciding.gate import GateInputs, GateResult, judge_gate, reason_json
from dokja.deciding.independence import Outcome
from dokja.deciding.measurements import measure
from dokja.deciding.score import Points, StageScores, score_measurements
from dokja.finding import Reason
from dokja.grammar.model import read_model
from dokja.record.amending import AmendmentRead, read_amendments
from dokja.record.finding import RecordedFinding
from dokja.record.history import History
from dokja.record.kinds.ledger import SupportDelivered, SupportPromised
from dokja.record.kinds.publication import OfficialOutcome
from dokja.record.terms import Exit
from dokja.rulebook import Rulebook, SingleApplicant, Unknown, Vacancy


@dataclass(frozen=True, slots=True)
class TeamOutcome:
    """How a stage ends for one team.

    Args:
        team: Its id.
        name: Its display name.
        weights: Digest of the weights that scores and findings are about; empty without a submission.
        outcome: Of the gate that decides.
        advances: Whether it goes on.
        exits: In which ways it leaves, the score first; empty when it advances.
        missing: What keeps its gates closed, or the conditions under which it advances.
        margin_points: Smallest change of points by which a score gate would change, signed: above 0 it is inside.
        judged: Whether independence rests on expert findings: "judged, not replayed".
        gates: Gate to result, every gate of the rulebook.
    """

    team: str
    name: str
    weights: str
    outcome: Outcome
    advances: bool
    exits: tuple[Exit, ...]
    missing: tuple[Reason, ...]
    margin_points: float | None
    judged: bool
    gates: Mapping[str, GateResult]

    def as_json(self) -> dict[str, JSON]:
        """Return the outcome as a JSON object."""
        return {
            "team": self.team,
            "name": self.name,
            "weights": self.weights,
            "outcome": self.outcome.value,
            "advances": self.advances,
            "exits": [way.value for way in self.exits],
            "missing": [reason_json(reason) for reason in self.missing],
            "margin_points": self.margin_points,
            "judged": self.judged,
            "gates": {name: result.as_json() for name, result in self.gates.items()},
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules give for a stage.

    Args:
        stage: Name of the stage.
        rulebook: Digest of the rulebook applied.
        counterfactual: Whether that is not the rulebook in force; then nobody may sign it.
        teams: One outcome per team, in order of registration.
        vacancies: Places nobody took; None where the number of places is unknown.
        filled_by: What the rulebook says of vacant places; empty without vacancies.
        remarks: What the people who sign must know about the stage as a whole.
        scores: Every score.
        findings: Every finding that was recorded, in order.
        replies: Event of a finding to what the team replied.
    """

    stage: str
    rulebook: str
    counterfactual: bool
    teams: tuple[TeamOutcome, ...]
    vacancies: int | None
    filled_by: str
    remarks: tuple[Reason, ...]
    scores: StageScores
    findings: tuple[RecordedFinding, ...]
    replies: Mapping[str, tuple[str, ...]]

    @property
    def advancing(self) -> tuple[str, ...]:
        """Return the teams that go on, in order of registration."""
        return tuple(outcome.team for outcome in self.teams if outcome.advances)

    def of(self, team: str) -> TeamOutcome:
        """Return the outcome of a team; KeyError when it is not registered."""
        return {outcome.team: outcome for outcome in self.teams}[team]

    def rows(self) -> list[dict[str, JSON]]:
        """Return one flat row per team: total, outcome, ways of leaving."""
        rows: list[dict[str, JSON]] = []
        for one in self.teams:
            total = self.scores.of(one.team)
            rows.append(
                {
                    "team": one.team,
                    "name": one.name,
                    "total": total.points if isinstance(total, Points) else None,
                    "outcome": one.outcome.value,
                    "advances": one.advances,
                    "exits": ", ".join(one.exits),
                    "margin_points": one.margin_points,
                    "judged": one.judged,
                }
            )
        return rows

    def said(self) -> Decided:
        """Return what the decision says, as it is signed and read back."""
        return read_model(Decided, self.as_json())

    def as_json(self) -> dict[str, JSON]:
        """Return the decision as a JSON object, the same bytes wherever it is computed."""
        return {
            "stage": self.stage,
            "rulebook": self.rulebook,
            "counterfactual": self.counterfactual,
            "teams": [one.as_json() for one in self.teams],
            "advancing": list(self.advancing),
            "vacancies": self.vacancies,
            "filled_by": self.filled_by,
            "remarks": [reason_json(reason) for reason in self.remarks],
            "scores": list(self.scores.rows()),
            "findings": [_finding_json(found, self.replies.get(found.event, ())) for found in self.findings],
        }


def _finding_json(found: RecordedFinding, replies: Iterable[str]) -> dict[str, JSON]:
    return {
        "event": found.event,
        "team": found.team,
        "finding": found.finding.digest(),
        "verdict": found.finding.verdict.value,
        "evidence": found.finding.evidence.value,
        "replies": list(replies),
    }


def decide(rulebook: Rulebook, history: History, *, counterfactual: bool = False) -> Decision:
    """Return what the rules give.

    Args:
        rulebook: The rulebook in force.
        history: Everything that happened.
        counterfactual: Apply a rulebook other than the one in force, to see what it would change.

    Raises:
        EventInvalid: What was recorded cannot be scored.
        NotAllowed: The stage does not run under this rulebook.
    """
    if not counterfactual:
        read_amendments(rulebook, history)
    scores = score_measurements(rulebook, measure(rulebook, history), history.weights)
    return decide_scored(rulebook, history, scores, counterfactual=counterfactual)


def decide_scored(
    rulebook: Rulebook, history: History, scores: StageScores, *, counterfactual: bool = False
) -> Decision:
    """Return what the rules give for scores already computed, e.g. under another average.

    Args:
        rulebook: The rulebook.
        history: Everything that happened.
        scores: Every score of the stage.
        counterfactual: Whether the rulebook is not the one in force.
    """
    amendments = () if counterfactual else read_amendments(rulebook, history)
    gates = _fill_places(rulebook, history, scores)
    teams = tuple(_team_outcome(rulebook, history, team, gates) for team in history.teams)
    advancing = sum(one.advances for one in teams)
    places = rulebook.advance.places
    vacancies = None if isinstance(places, Unknown) else max(places - advancing, 0)
    vacancy = rulebook.advance.vacancy
    return Decision(
        history.stage,
        rulebook.digest(),
        counterfactual,
        teams,
        vacancies,
        str(vacancy.value) if vacancies else "",
        _remarks(rulebook, history, teams, vacancies, amendments),
        scores,
        tuple(history.findings.values()),
        {event: tuple(said) for event, said in history.replies.items()},
    )


def decision_digest(body: Mapping[str, JSON]) -> str:
    """Return the digest that `decision_signed` and objections name."""
    return digest_json("decision", dict(body))


def _fill_places(
    rulebook: Rulebook, history: History, scores: StageScores
) -> dict[str, dict[str, GateResult]]:
    """Return every gate's results; where the rulebook says so, empty places go to the next in order."""
    names = [gate.id for gate in rulebook.gates]
    deciding, places = rulebook.advance.gate, rulebook.advance.places

    def judged(extra: int) -> dict[str, dict[str, GateResult]]:
        inputs = GateInputs(rulebook, history, scores, extra)
        return {name: judge_gate(inputs, name) for name in names}

    def through(gates: Mapping[str, Mapping[str, GateResult]]) -> int:
        return sum(result.outcome.opens for result in gates[deciding].values())

    gates = judged(0)
    if rulebook.advance.vacancy is not Vacancy.NEXT_IN_ORDER or isinstance(places, Unknown):
        return gates
    for extra in range(1, len(history.teams)):
        if through(gates) >= places:
            break
        further = judged(extra)
        if through(further) > places:
            break
        gates = further
    return gates


def _team_outcome(
    rulebook: Rulebook, history: History, team: str, gates: Mapping[str, Mapping[str, GateResult]]
) -> TeamOutcome:
    result = gates[rulebook.advance.gate][team]
    outcome, exits, missing = result.outcome, result.exits, result.reasons
    alone = _why_not_alone(rulebook, history)
    if alone is not None and outcome.opens:
        outcome, exits, missing = Outcome.INSUFFICIENT_EVIDENCE, (Exit.NOT_SELECTED,), (alone,)
    ground = history.eliminated.get(team)
    if ground is not None and outcome.opens and _may_eliminate(rulebook, ground):
        reason = Reason("gate.eliminated", {"ground": ground})
        outcome, exits, missing = Outcome.FAIL, (Exit.EXTRA,), (reason,)
    if Exit.WITHDRAWAL in exits:
        exits, missing = (Exit.WITHDRAWAL,), (Reason("score.withdrawn"),)
    return TeamOutcome(
        team,
        history.teams[team],
        history.weights.get(team, ""),
        outcome,
        outcome.opens,
        tuple(sorted(exits, key=list(Exit).index)),
        tuple(_unique(missing)),
        result.margin_points,
        result.judged,
        {name: results[team] for name, results in gates.items()},
    )


def _unique(reasons: Iterable[Reason]) -> list[Reason]:
    kept: list[Reason] = []
    for reason in reasons:
        if reason not in kept:
            kept.append(reason)
    return kept


def _why_not_alone(rulebook: Rulebook, history: History) -> Reason | None:
    """Return why the only team left in a stage may not be judged; None when it may, or is not the only one."""
    if len(set(history.teams) - history.withdrawn) != 1:
        return None
    rule = rulebook.advance.single_applicant
    if isinstance(rule, Unknown):
        return Reason("gate.rule_unknown", {"at": "advance.single_applicant"})
    return Reason("gate.call_again") if rule is SingleApplicant.CALL_AGAIN else None


def _may_eliminate(rulebook: Rulebook, ground: str) -> bool:
    grounds = rulebook.advance.extra_eliminations
    return not isinstance(grounds, Unknown) and ground in grounds


def _remarks(
    rulebook: Rulebook,
    history: History,
    teams: tuple[TeamOutcome, ...],
    vacancies: int | None,
    amendments: tuple[AmendmentRead, ...],
) -> tuple[Reason, ...]:
    advance = rulebook.advance
    remarks: list[Reason] = []
    advancing = sum(one.advances for one in teams)
    if advancing == 0 and advance.none_selected_allowed is not True:
        remarks.append(Reason("decision.none_selected"))
    if vacancies and advancing and advance.fewer_allowed is not True:
        remarks.append(Reason("decision.fewer_than_places", {"advancing": advancing, "vacancies": vacancies}))
    remarks += [
        Reason("decision.elimination_without_rule", {"team": team, "ground": ground})
        for team, ground in history.eliminated.items()
        if not _may_eliminate(rulebook, ground)
    ]
    remarks += [
        Reason("decision.amendment_in_force" if one.effective else "decision.amendment_not_in_force", {
            "event": one.event, "objecting": ", ".join(one.objecting) or "-"
        })
        for one in amendments
    ]  # fmt: skip
    remarks += [
        Reason("decision.conflict_not_recused", {"rater": rater, "team": team, "ground": ground})
        for rater, team, ground in history.conflicts
        if (rater, team) not in history.recused
    ]
    support: list[SupportPromised | SupportDelivered] = [e.payload for e in history.these(SupportPromised)]
    support += [event.payload for event in history.these(SupportDelivered)]
    suppliers = {one.supplier for one in support if one.supplier != one.team}
    remarks += [
        Reason("decision.supplier_competes", {"supplier": supplier})
        for supplier in sorted(suppliers)
        if supplier in history.teams
    ]
    return tuple(remarks + _official_remarks(history, teams))


def _official_remarks(history: History, teams: tuple[TeamOutcome, ...]) -> list[Reason]:
    """Return whether a published outcome is what these rules and events give, where they give one at all."""
    computed = {one.team: one for one in teams}
    remarks: list[Reason] = []
    for event in history.these(OfficialOutcome):
        for said in event.payload.outcomes:
            one = computed.get(said.team)
            agrees = one is not None and one.advances == said.advances
            agrees = agrees and one is not None and (one.advances or said.exit in one.exits)
            key = "decision.official_agrees" if agrees else "decision.official_differs"
            if not agrees and one is not None and one.outcome is Outcome.INSUFFICIENT_EVIDENCE:
                # Marks that stay sealed contradict nobody.
                key = "decision.official_not_recomputed"
            told = "advances" if said.advances else str(said.exit)
            remarks.append(Reason(key, {"team": said.team, "published": told, "event": event.id}))
    return remarks
