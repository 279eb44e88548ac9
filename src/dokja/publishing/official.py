"""An outcome that was announced, read against the rules and whatever figures were published with it.

Where marks stay sealed nobody outside can recompute a gate. What can be done, and is done here:

- Say for each team what was announced, and that it could not be recomputed.
- Say where the announcement contradicts the rulebook: more teams than places, an exit no gate can cause, vacancies
  that do not add up, a team out by score that a published rank puts inside the cut.

Nothing here fills in a score. A contradiction is not a verdict on the decision; it is a question to whoever decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import Event, in_force
from dokja.record.payloads import Exit, Kind
from dokja.rulebook import (
    TOTAL,
    AtLeast,
    Independence,
    KeepTop,
    PanelMajority,
    Rulebook,
    Unknown,
)
from dokja.rulebook.consistency_gates import gates_reached


@dataclass(frozen=True, slots=True)
class AnnouncedOutcome:
    """What was announced of one team.

    Args:
        team: Whose.
        advances: Whether it advances.
        exit: Why not; empty when it advances.
        recomputed: Why the outcome could not be recomputed here.
    """

    team: str
    advances: bool
    exit: str
    recomputed: Reason


@dataclass(frozen=True, slots=True)
class OfficialReading:
    """An announcement, read against the rules.

    Args:
        outcomes: One per team announced, in the order of the announcement.
        vacancies: Places that stayed empty, as announced.
        contradictions: Where the announcement and the rules cannot both be right; empty when they can.
        sources: Where it was announced.
    """

    outcomes: tuple[AnnouncedOutcome, ...]
    vacancies: int
    contradictions: tuple[Reason, ...]
    sources: tuple[str, ...]

    def advancing(self) -> tuple[str, ...]:
        """Return the teams announced to advance."""
        return tuple(one.team for one in self.outcomes if one.advances)


def read_official(rulebook: Rulebook, events: Iterable[Event]) -> OfficialReading | None:
    """Return the announced outcome of a stage, read against its rulebook; None when none was announced.

    Args:
        rulebook: The rules of the stage, unknowns and all.
        events: The whole history of the stage.

    Raises:
        InvalidInput: Two announcements stand, neither correcting the other.
        EventInvalid: The history breaks its own rules.
    """
    standing = in_force(events)
    announced = [event for event in standing if event.kind is Kind.OFFICIAL_OUTCOME]
    if not announced:
        return None
    if len(announced) > 1:
        raise InvalidInput(
            f"Two outcomes are announced ({announced[0].id}, {announced[1].id}) and neither corrects the other.",
            hint="Record the later one with `supersedes` naming the earlier one.",
        )
    payload = announced[0].payload
    sealed = Reason("official.sealed", {"stage": rulebook.id})
    outcomes = tuple(
        AnnouncedOutcome(str(row["team"]), bool(row["advances"]), str(row["exit"]), sealed)
        for row in _rows(payload["outcomes"])
    )
    vacancies = payload["vacancies"]
    assert isinstance(vacancies, int)
    cites = payload["cites"]
    assert isinstance(cites, list)
    found = [
        *_who(standing, outcomes),
        *_how_many(rulebook, outcomes, vacancies),
        *_exits(rulebook, outcomes),
        *_ranks(rulebook, standing, outcomes),
    ]
    return OfficialReading(outcomes, vacancies, tuple(found), tuple(str(one) for one in cites))


def _rows(value: JSON) -> list[dict[str, JSON]]:
    assert isinstance(value, list)
    return [row for row in value if isinstance(row, dict)]


def _who(standing: Iterable[Event], outcomes: tuple[AnnouncedOutcome, ...]) -> Iterator[Reason]:
    entered = [
        str(event.payload["team"])
        for event in standing
        if event.kind in (Kind.TEAM_REGISTERED, Kind.REENTRY_APPLICATION)
    ]
    named = [one.team for one in outcomes]
    for team in sorted(set(entered) - set(named)):
        yield Reason("official.team_without_outcome", {"team": team})
    for team in sorted(set(named) - set(entered)):
        yield Reason("official.outcome_without_team", {"team": team})
    for team in sorted({team for team in named if named.count(team) > 1}):
        yield Reason("official.two_outcomes", {"team": team})


def _how_many(rulebook: Rulebook, outcomes: tuple[AnnouncedOutcome, ...], vacancies: int) -> Iterator[Reason]:
    advance, passed = rulebook.advance, sum(one.advances for one in outcomes)
    if not isinstance(advance.entering, Unknown) and len(outcomes) != advance.entering:
        yield Reason("official.entering", {"planned": advance.entering, "found": len(outcomes)})
    if not isinstance(advance.places, Unknown):
        if passed > advance.places:
            yield Reason("official.too_many", {"places": advance.places, "passed": passed})
        elif passed + vacancies != advance.places:
            figures: dict[str, JSON] = {"places": advance.places, "passed": passed, "vacancies": vacancies}
            yield Reason("official.vacancies", figures)
    if vacancies and advance.fewer_allowed is False:
        yield Reason("official.fewer_not_allowed", {"vacancies": vacancies})
    if passed == 0 and advance.none_selected_allowed is False:
        yield Reason("official.none_not_allowed", {})


def _exits(rulebook: Rulebook, outcomes: tuple[AnnouncedOutcome, ...]) -> Iterator[Reason]:
    """An exit needs a gate that can cause it."""
    reached = [rulebook.gate(name) for name in sorted(gates_reached(rulebook, [rulebook.advance.gate]))]
    causes = {
        Exit.SCORE: any(isinstance(gate, (KeepTop, AtLeast)) for gate in reached),
        Exit.INDEPENDENCE: any(isinstance(gate, Independence) for gate in reached),
        Exit.NOT_SELECTED: any(isinstance(gate, (PanelMajority, KeepTop)) for gate in reached),
        Exit.EXTRA: rulebook.advance.extra_eliminations != (),
    }
    for one in outcomes:
        if one.advances and one.exit:
            yield Reason("official.advances_with_exit", {"team": one.team, "exit": one.exit})
        elif not one.advances and not one.exit:
            yield Reason("official.leaves_without_exit", {"team": one.team})
        elif one.exit and not causes.get(Exit(one.exit), True):
            yield Reason("official.exit_without_gate", {"team": one.team, "exit": one.exit})


def _ranks(
    rulebook: Rulebook, standing: Iterable[Event], outcomes: tuple[AnnouncedOutcome, ...]
) -> Iterator[Reason]:
    """A published rank decides a keep_top gate on its own, whatever the sealed scores are."""
    kept = {
        gate.reads: gate.keep
        for gate in rulebook.gates
        if isinstance(gate, KeepTop) and not isinstance(gate.keep, Unknown)
    }
    said = {one.team: one for one in outcomes}
    for event in standing:
        if event.kind is not Kind.PUBLISHED_RANK or str(event.payload["part"]) not in kept:
            continue
        team, part = str(event.payload["team"]), str(event.payload["part"])
        rank, keep = int(str(event.payload["rank"])), kept[part]
        one = said.get(team)
        figures: dict[str, JSON] = {"team": team, "rank": rank, "keep": keep}
        if one is not None and one.advances and rank > keep:
            yield Reason("official.advances_below_cut", figures)
        only_gate = not any(isinstance(gate, AtLeast) for gate in rulebook.gates) and part == TOTAL
        if one is not None and one.exit == Exit.SCORE and rank <= keep and only_gate:
            yield Reason("official.out_above_cut", figures)
