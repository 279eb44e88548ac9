"""Which figures of a decision rest on ballots or records that a simulator made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dokja.deciding.decision import Decision
from dokja.record.events import SIMULATOR, those
from dokja.record.history import History
from dokja.record.kinds.entry import BenchmarksChosen
from dokja.record.kinds.judging import Mark, PanelVote, RaterRegistered, RunResult, UserPreference
from dokja.rulebook import TOTAL, AllOf, AnyOf, Independence, PanelMajority, Rulebook, ScorePart, Unknown

_BALLOTS = (Mark, UserPreference, PanelVote, RaterRegistered)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was simulated, and which parts, gates and items are made of it.

    Args:
        ballots: Simulated ballots and raters there are; 0 when people gave every one.
        others: Other simulated events: answers of models, findings, teams.
        parts: Part id (and `total`) to `ballots`, `records` or `both`; a part that rests on nothing simulated is left
            out.
        gates: (team, gate id) to the same; empty when it rests on nothing simulated.
        findings: Events of simulated findings.
    """

    ballots: int
    others: int
    parts: dict[str, str]
    gates: dict[tuple[str, str], str]
    findings: frozenset[str]

    def of(self, part: str = TOTAL) -> str:
        """Return what of a part is simulated; empty when nothing is."""
        return self.parts.get(part, "")


def find_simulated(rulebook: Rulebook, decision: Decision, history: History) -> Simulated:
    """Return what the actor `simulator` recorded and what is computed from it.

    Args:
        rulebook: The rules, for what reads what.
        decision: The decision, for the findings it read.
        history: Everything that happened in the stage.
    """
    made = [event for event in history.standing.values() if event.by == SIMULATOR]
    cast = [event.payload for event in made if isinstance(event.payload, _BALLOTS)]
    panels = {history.panel_of.get(one.rater, "") for one in cast}
    ran = {event.payload.benchmark for event in those(made, RunResult)}
    suites = {suite for suite, benchmarks in _benchmarks(rulebook, history).items() if benchmarks & ran}
    parts: dict[str, str] = {}
    whole = _mark(rulebook.parts, panels, suites, parts)
    if whole:
        parts[TOTAL] = _named(whole)
    findings = {found.event for found in decision.findings} & {event.id for event in made}
    judged = {found.team for found in decision.findings if found.event in findings}
    gates = {
        (one.team, gate.id): _gate(rulebook, gate.id, parts, panels, one.team in judged)
        for one in decision.teams
        for gate in rulebook.gates
    }
    return Simulated(len(cast), len(made) - len(cast), parts, gates, frozenset(findings))


def _benchmarks(rulebook: Rulebook, history: History) -> dict[str, set[str]]:
    """Return suite to the benchmarks it reads, those that teams chose included."""
    found = {
        suite.id: set() if isinstance(suite.benchmarks, Unknown) else {one.id for one in suite.benchmarks}
        for suite in rulebook.suites
    }
    for event in history.these(BenchmarksChosen):
        found.setdefault(event.payload.suite, set()).update(event.payload.benchmarks)
    return found


def _mark(parts: Sequence[ScorePart], panels: set[str], suites: set[str], marked: dict[str, str]) -> set[str]:
    whole: set[str] = set()
    for part in parts:
        own = _mark(part.parts, panels, suites, marked)
        own |= {"ballots"} if part.panel in panels else set()
        own |= {"records"} if set(part.suites) & suites else set()
        if own:
            marked[part.id] = _named(own)
        whole |= own
    return whole


def _named(what: set[str]) -> str:
    return "both" if len(what) > 1 else next(iter(what))


def _gate(rulebook: Rulebook, gate_id: str, parts: dict[str, str], panels: set[str], findings: bool) -> str:
    gate = rulebook.gate(gate_id)
    if isinstance(gate, PanelMajority):
        return "ballots" if gate.panel in panels else ""
    if isinstance(gate, Independence):
        return "records" if findings else ""
    if isinstance(gate, AllOf | AnyOf):
        inner = {_gate(rulebook, name, parts, panels, findings) for name in gate.gates} - {""}
        return _named(inner) if inner else ""
    if any(one.id == gate.reads for one in rulebook.gates):
        return _gate(rulebook, gate.reads, parts, panels, findings)
    return parts.get(gate.reads, "")
