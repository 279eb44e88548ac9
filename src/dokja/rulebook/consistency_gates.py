"""Contradictions among gates: one that reads nothing, reads itself or decides nothing, and how a stage ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dokja.grammar.mistakes import Mistake
from dokja.grammar.unknown import Unknown
from dokja.rulebook.deciding import (
    TOTAL,
    AllOf,
    AnyOf,
    AtLeast,
    Gate,
    Independence,
    KeepTop,
    PanelMajority,
    TieBreak,
)
from dokja.rulebook.mistakes import mistake
from dokja.rulebook.normalisers import NormaliserRule
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.terms import BallotForm, TieRule


def gate_mistakes(rulebook: Rulebook) -> Iterator[Mistake]:
    """Yield what contradicts itself among gates, ties and the stage's end."""
    for gate in rulebook.gates:
        yield from _gate(rulebook, gate)
    yield from _unread(rulebook)
    yield from _advance(rulebook)


def _gate(rulebook: Rulebook, gate: Gate) -> Iterator[Mistake]:
    at = f"gates.{gate.id}"
    match gate:
        case KeepTop():
            yield from _reads_score(rulebook, gate, majority_too=True)
            yield from _keep(rulebook, gate)
            yield from _ranks_by_z(rulebook, gate)
        case AtLeast():
            yield from _reads_score(rulebook, gate, majority_too=False)
            most = _points_of(rulebook, gate.reads)
            if not isinstance(gate.points, Unknown) and not isinstance(most, Unknown) and gate.points > most:
                yield mistake(f"{at}.points", "threshold_above_points", threshold=gate.points, most=most)
        case Independence():
            yield from _independence(rulebook, gate)
        case PanelMajority():
            yield from _majority(rulebook, gate)
        case AllOf() | AnyOf():
            yield from _composition(rulebook, gate)


def _independence(rulebook: Rulebook, gate: Independence) -> Iterator[Mistake]:
    at = f"gates.{gate.id}.items"
    if not gate.items:
        yield mistake(at, "gate_reads_nothing")
    for name in gate.items:
        if name not in {item.id for item in rulebook.items}:
            yield mistake(at, "no_such_item", name=name)


def _composition(rulebook: Rulebook, gate: AllOf | AnyOf) -> Iterator[Mistake]:
    at = f"gates.{gate.id}.gates"
    if not gate.gates:
        yield mistake(at, "empty_composition", kind=gate.kind)
    for name in gate.gates:
        if name not in {one.id for one in rulebook.gates}:
            yield mistake(at, "no_such_gate", name=name)
    if gate.id in gates_reached(rulebook, gate.gates):
        yield mistake(at, "gate_reads_itself")


def _reads_score(rulebook: Rulebook, gate: KeepTop | AtLeast, *, majority_too: bool) -> Iterator[Mistake]:
    at = f"gates.{gate.id}.reads"
    readable = {part.id for top in rulebook.parts for part in top.all_parts()}
    if majority_too:
        readable |= {one.id for one in rulebook.gates if isinstance(one, PanelMajority)}
    if not gate.reads:
        yield mistake(at, "gate_reads_nothing")
    elif gate.reads == TOTAL:
        if not rulebook.parts:
            yield mistake(at, "total_of_nothing")
    elif gate.reads not in readable:
        yield mistake(at, "no_such_part", name=gate.reads[:80])


def _keep(rulebook: Rulebook, gate: KeepTop) -> Iterator[Mistake]:
    if isinstance(gate.keep, Unknown):
        return
    entering, places = rulebook.advance.entering, rulebook.advance.places
    if not isinstance(entering, Unknown) and gate.keep > entering:
        yield mistake(f"gates.{gate.id}.keep", "keeps_more_than_enter", keep=gate.keep, entering=entering)
    elif gate.id == rulebook.advance.gate and not isinstance(places, Unknown) and gate.keep > places:
        yield mistake(f"gates.{gate.id}.keep", "keeps_more_than_places", keep=gate.keep, places=places)


def _ranks_by_z(rulebook: Rulebook, gate: KeepTop) -> Iterator[Mistake]:
    """Refuse to rank by what is not monotone, such as z: a team that does worse can gain a place by it."""
    read = [part for top in rulebook.parts for part in top.all_parts() if gate.reads in (TOTAL, part.id)]
    for leaf in dict.fromkeys(
        leaf.id
        for part in read
        for leaf in part.leaves()
        if isinstance(leaf.normaliser, NormaliserRule) and not leaf.normaliser.monotone
    ):
        yield mistake(f"gates.{gate.id}.reads", "ranks_by_z", part=leaf)


def _points_of(rulebook: Rulebook, reads: str) -> float | Unknown:
    if reads == TOTAL:
        return rulebook.points
    found = [part.points for top in rulebook.parts for part in top.all_parts() if part.id == reads]
    return found[0] if found else Unknown.UNKNOWN


def _majority(rulebook: Rulebook, gate: PanelMajority) -> Iterator[Mistake]:
    at = f"gates.{gate.id}"
    panels = {panel.id: panel for panel in rulebook.panels}
    if gate.panel not in panels:
        yield mistake(f"{at}.panel", "no_such_panel", name=gate.panel[:80])
    elif panels[gate.panel].ballot not in (BallotForm.APPROVAL, Unknown.UNKNOWN):
        yield mistake(f"{at}.panel", "panel_does_not_vote", name=gate.panel)


def gates_reached(rulebook: Rulebook, names: Iterable[str]) -> set[str]:
    """Return the ids of every gate reached from these, themselves included."""
    gates = {gate.id: gate for gate in rulebook.gates}
    reached: set[str] = set()
    waiting = [name for name in names if name in gates]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        gate = gates[name]
        read = gate.gates if isinstance(gate, (AllOf, AnyOf)) else ()
        read += (gate.reads,) if isinstance(gate, KeepTop) else ()
        waiting += [inner for inner in read if inner in gates]
    return reached


def _unread(rulebook: Rulebook) -> Iterator[Mistake]:
    """A rule that nothing reads would look like a rule and decide nothing."""
    if rulebook.advance.gate not in {gate.id for gate in rulebook.gates}:
        return
    reached = gates_reached(rulebook, [rulebook.advance.gate])
    for gate in rulebook.gates:
        if gate.id not in reached:
            yield mistake(f"gates.{gate.id}", "gate_decides_nothing")
    read = {name for gate in rulebook.gates if isinstance(gate, Independence) for name in gate.items}
    for item in rulebook.items:
        if item.id not in read:
            yield mistake(f"items.{item.id}", "item_decides_nothing")


def _advance(rulebook: Rulebook) -> Iterator[Mistake]:
    advance = rulebook.advance
    entering, places = advance.entering, advance.places
    if advance.gate not in {gate.id for gate in rulebook.gates}:
        yield mistake("advance.gate", "no_such_gate", name=advance.gate[:80])
    if not isinstance(entering, Unknown) and not isinstance(places, Unknown) and places > entering:
        yield mistake("advance.places", "more_places_than_teams", places=places, entering=entering)
    if isinstance(advance.ties, Unknown):
        return
    if not advance.ties and any(isinstance(gate, KeepTop) for gate in rulebook.gates):
        yield mistake("advance.ties", "no_tie_rule")
    for position, tie in enumerate(advance.ties, start=1):
        yield from _tie(rulebook, tie, f"advance.ties.{position}")


def _tie(rulebook: Rulebook, tie: TieBreak, at: str) -> Iterator[Mistake]:
    if tie.rule is TieRule.HIGHER:
        if tie.reads not in {part.id for top in rulebook.parts for part in top.all_parts()}:
            yield mistake(at, "tie_reads_no_part", name=tie.reads[:80])
    elif tie.rule is TieRule.PANEL_MAJORITY:
        if tie.reads not in {panel.id for panel in rulebook.panels}:
            yield mistake(at, "tie_reads_no_panel", name=tie.reads[:80])
    elif tie.reads:
        yield mistake(at, "tie_reads_needlessly", name=tie.reads[:80], rule=str(tie.rule))
