"""What the decision page says of each team: figures with their certainty, gates, what is missing, independence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dokja.deciding.decision import Decision, TeamOutcome
from dokja.deciding.gate import GateResult
from dokja.deciding.independence import ItemResult, Outcome
from dokja.deciding.score import Points
from dokja.record.finding import RecordedFinding
from dokja.record.terms import Exit
from dokja.report.decision.simulated import Simulated
from dokja.report.decision.voice import Figure, Voice, known
from dokja.rulebook import TOTAL, AtLeast, KeepTop, PanelMajority, Rulebook, ScorePart, Unknown
from dokja.sensitivity.uncertainty import TeamUncertainty, Uncertainty

View = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page is made of, in one language."""

    rulebook: Rulebook
    decision: Decision
    uncertainty: Uncertainty | None
    simulated: Simulated
    voice: Voice

    def certainty(self, team: str) -> TeamUncertainty | None:
        """Return how sure a team's place is; None where nothing was resampled."""
        rows = () if self.uncertainty is None else self.uncertainty.teams
        return next((row for row in rows if row.team == team), None)

    def why_uncertain(self, team: str) -> str:
        """Return why a team has no interval."""
        if not isinstance(self.decision.scores.of(team), Points):
            return self.voice.say("no_total")
        return self.voice.say("not_computed" if self.uncertainty is None else "not_resampled")

    def ways(self, one: TeamOutcome, exits: tuple[Exit, ...]) -> str:
        """Return the ways in which a team leaves, or leaves by one gate, in words; empty when it advances.

        Independence that nobody refuted is not established, and a team that only waits for others has a result.
        """
        refuted = any(result.outcome is Outcome.FAIL and result.items for result in one.gates.values())
        unsettled = set() if refuted else {Exit.INDEPENDENCE}
        if isinstance(self.decision.scores.of(one.team), Points):
            unsettled.add(Exit.NO_RESULT)
        return self.voice.exits(exits, frozenset(unsettled))


def is_settled(one: TeamOutcome) -> bool:
    """Return whether a team advances or leaves, rather than stays out because something is still missing."""
    gone = {Exit.WITHDRAWAL, Exit.NOT_SELECTED, Exit.EXTRA}
    return one.outcome is not Outcome.INSUFFICIENT_EVIDENCE or bool(gone & set(one.exits))


def _stands(outcome: Outcome) -> str:
    """Return the style of an outcome: open, closed, or waiting for evidence."""
    if outcome is Outcome.INSUFFICIENT_EVIDENCE:
        return "INCONCLUSIVE"
    return "open" if outcome.opens else "closed"


def view_teams(shown: Shown) -> list[View]:
    """Return one view per team, in order of registration."""
    return [_team(shown, outcome, number) for number, outcome in enumerate(shown.decision.teams, 1)]


def _team(shown: Shown, one: TeamOutcome, number: int) -> View:
    voice = shown.voice
    missing = [voice.reason(reason) for reason in one.missing]
    return {
        "anchor": f"{voice.language}-team-{number}",
        "name": voice.teams[one.team],
        "stands": _stands(one.outcome) if not is_settled(one) else "open" if one.advances else "closed",
        "outcome": voice.word(f"outcome.{one.outcome.value}"),
        "goes": voice.say("advances" if one.advances else "stays"),
        "exits": shown.ways(one, one.exits),
        "simulated": voice.simulated(shown.simulated.gates[one.team, shown.rulebook.advance.gate]),
        "judged": one.judged,
        "weights": one.weights,
        "missing": missing,
        "parts": [_part(shown, one.team, part, depth) for part, depth in _every_part(shown.rulebook.parts)],
        "gates": [_gate(shown, one, result) for result in one.gates.values()],
        "items": [
            _item(shown, one.team, item) for result in one.gates.values() for item in result.items
        ],
        "other_findings": _other_findings(shown, one),
        **certainty_figures(shown, one.team),
    }  # fmt: skip


def certainty_figures(shown: Shown, team: str) -> dict[str, Figure]:
    """Return a team's total, interval, rank interval and share of resamples in which it advances."""
    voice, row = shown.voice, shown.certainty(team)
    label = voice.simulated(shown.simulated.of())
    total = voice.points(shown.decision.scores.of(team), shown.simulated.of())
    if row is None:
        none = Figure("", shown.why_uncertain(team))
        return {"total": total, "interval": none, "rank": none, "passing": none, "weighted": none}
    rank = f"{row.rank_low}" if row.rank_low == row.rank_high else f"{row.rank_low} – {row.rank_high}"
    return {
        "total": total,
        "interval": Figure(voice.interval(row.total), simulated=label),
        "rank": Figure(rank, simulated=label),
        "passing": Figure(f"{row.pass_share:.1%}", simulated=label),
        "weighted": Figure(f"{row.pass_share_of_weights:.1%}", simulated=label),
    }


def _every_part(parts: Sequence[ScorePart], depth: int = 0) -> Iterable[tuple[ScorePart, int]]:
    for part in parts:
        yield part, depth
        yield from _every_part(part.parts, depth + 1)


def _part(shown: Shown, team: str, part: ScorePart, depth: int) -> View:
    voice, row = shown.voice, shown.certainty(team)
    result = shown.decision.scores.of(team, part.id)
    what = shown.simulated.of(part.id)
    interval = Figure("", shown.why_uncertain(team))
    if not isinstance(result, Points):
        interval = Figure("", voice.say("no_result"))
    elif row is not None and part.id in row.parts:
        interval = Figure(voice.interval(row.parts[part.id]), simulated=voice.simulated(what))
    return {
        "title": voice.title(part.title),
        "depth": depth,
        "of": known(part.points) or voice.say("unknown"),
        "simulated": voice.simulated(what),
        "points": voice.points(result, what),
        "interval": interval,
    }


def _gate(shown: Shown, one: TeamOutcome, result: GateResult) -> View:
    voice = shown.voice
    return {
        "title": voice.named("gate", result.gate),
        "deciding": result.gate == shown.rulebook.advance.gate,
        "stands": _stands(result.outcome),
        "outcome": voice.word(f"outcome.{result.outcome.value}"),
        "exits": shown.ways(one, result.exits),
        "margin": Figure("", voice.say("no_cut_off"))
        if result.margin_points is None
        else Figure(say_margin(shown, one, result.margin_points, signed=True)),
        "judged": result.judged,
        "reasons": [voice.reason(reason) for reason in result.reasons],
        "simulated": voice.simulated(shown.simulated.gates[one.team, result.gate]),
    }


def say_margin(shown: Shown, one: TeamOutcome, margin: float, *, signed: bool = False) -> str:
    """Return a margin in points, or in approvals where the gate it comes from counts votes."""
    voting = {gate.id for gate in shown.rulebook.gates if isinstance(gate, PanelMajority)}
    votes = any(
        isinstance(gate, KeepTop | AtLeast)
        and gate.reads in voting
        and one.gates[gate.id].margin_points == margin
        for gate in shown.rulebook.gates
    )
    number = margin if signed else abs(margin)
    sign = "+" if signed else ""
    key, decimals = ("approvals", 0) if votes else ("points", 2)
    return shown.voice.say(f"margin.{key}", margin=f"{number:{sign}.{decimals}f}")


def _item(shown: Shown, team: str, result: ItemResult) -> View:
    voice, item = shown.voice, shown.rulebook.item(result.item)
    claims = () if isinstance(item.claims, Unknown) else item.claims
    findings = [
        found
        for found in shown.decision.findings
        if found.team == team and found.finding.claim.name in claims
    ]
    required = "" if isinstance(item.evidence, Unknown) else voice.word(f"evidence.{item.evidence.value}")
    return {
        "title": voice.title(item.title),
        "aspect": voice.word(f"rulebook.value.{result.aspect}"),
        "stands": _stands(result.outcome),
        "outcome": voice.word(f"outcome.{result.outcome.value}"),
        "judged": result.judged,
        "required": required,
        "claims": claims,
        "reasons": [voice.reason(reason) for reason in result.reasons],
        "findings": [_finding(shown, found, result.rests_on) for found in findings],
    }


def _other_findings(shown: Shown, one: TeamOutcome) -> list[View]:
    """Return findings about the team that no item of any gate reads; they are shown and decide nothing."""
    read: set[str] = set()
    for result in one.gates.values():
        for item in result.items:
            claims = shown.rulebook.item(item.item).claims
            read |= set() if isinstance(claims, Unknown) else set(claims)
    return [
        _finding(shown, found, ())
        for found in shown.decision.findings
        if found.team == one.team and found.finding.claim.name not in read
    ]


def _finding(shown: Shown, found: RecordedFinding, rests_on: Sequence[str]) -> View:
    voice, finding = shown.voice, found.finding
    return {
        "claim": finding.claim.name,
        "about": voice.component(finding.claim.about),
        "simulated": voice.simulated("finding" if found.event in shown.simulated.findings else ""),
        "verdict": finding.verdict.value,
        "verdict_words": voice.word(f"verdict.{finding.verdict.value}"),
        "evidence": voice.word(f"evidence.{finding.evidence.value}"),
        "reason": voice.reason(finding.reason),
        "decided": found.event in rests_on,
        "event": found.event,
        "digest": finding.digest(),
        "looked_at": [(voice.role(role), digest) for role, digest in sorted(finding.looked_at.items())],
        "cites": found.cites,
        "by": found.by_rater,
        "replies": shown.decision.replies.get(found.event, ()),
    }


def view_unexamined(shown: Shown) -> list[View]:
    """Return, per team, what the rulebook asks about and nobody examined."""
    rows: list[View] = []
    for one in shown.decision.teams:
        unread = [
            reason
            for result in one.gates.values()
            for item in result.items
            for reason in item.reasons
            if reason.key in {"gate.not_examined", "gate.no_components_declared", "gate.rule_unknown"}
        ]
        said = [shown.voice.reason(reason) for reason in unread]
        said += [
            shown.voice.say("recorded_unexamined", claim=str(found.finding.claim))
            + " "
            + shown.voice.reason(found.finding.reason)
            for found in shown.decision.findings
            if found.team == one.team and found.finding.verdict.value == "NOT_EXAMINED"
        ]
        if not one.weights:
            said.append(shown.voice.word("score.no_submission"))
        if said:
            rows.append({"name": shown.voice.teams[one.team], "said": list(dict.fromkeys(said))})
    return rows


def top_points(shown: Shown, team: str) -> tuple[float | None, ...]:
    """Return a team's points of each top part; None where it has no result."""
    found = [shown.decision.scores.of(team, part.id) for part in shown.rulebook.parts]
    return tuple(one.points if isinstance(one, Points) else None for one in found)


def full_points(rulebook: Rulebook, decision: Decision) -> float:
    """Return the most points a total can have, or the most one has where the rulebook leaves that unknown."""
    sizes = [part.points for part in rulebook.parts if not isinstance(part.points, Unknown)]
    if sizes and len(sizes) == len(rulebook.parts):
        return float(sum(sizes))
    return max(decision.scores.points(TOTAL).values(), default=1.0)
