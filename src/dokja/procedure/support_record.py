"""What the events of a programme say of support: the ledger, budget lines, naming rights and rosters.

Each is a pure function of the events in force, whatever their order, so a correction gives what recording it right the
first time would have given. A ledger spans stages: a promise of one stage is delivered, and returned, in later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dokja.errors import InvalidInput
from dokja.grammar.unknown import Unknown
from dokja.procedure.support import Delivery, Ledger, Promise, Resource, Return
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.kinds.entry import Registration
from dokja.record.kinds.ledger import (
    BudgetLineRecorded,
    NamingRightRecorded,
    RosterRecorded,
    SupportDelivered,
    SupportPromised,
    SupportReturned,
)
from dokja.record.roster import RosterMember, RosterVersion, require_versions
from dokja.rulebook import OnExit, Rulebook


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """Money set aside for one kind of support in one year; `won` is None when not published."""

    line: str
    title: str
    resource: Resource
    year: int
    won: int | None
    event: str


@dataclass(frozen=True, slots=True)
class NamingRight:
    """A name the programme lets a team carry; `last` is None while no end is recorded."""

    team: str
    name: str
    first: date
    last: date | None
    event: str


@dataclass(frozen=True, slots=True)
class DeliveryStatement:
    """Support said to be delivered under no promise of the ledger: shown, and counted nowhere."""

    team: str
    support: str
    supplier: str
    promised: str
    delivered: str
    event: str


@dataclass(frozen=True, slots=True)
class SupportRecord:
    """Everything recorded about support, in the order of the events.

    Args:
        ledger: Promises, deliveries and returns.
        teams: Id to display name of every team registered in any stage.
        budget: Budget lines.
        naming: Naming rights.
        rosters: Team to the versions of its roster, in order.
        statements: Deliveries that name no promise of the ledger.
    """

    ledger: Ledger
    teams: Mapping[str, str]
    budget: tuple[BudgetLine, ...]
    naming: tuple[NamingRight, ...]
    rosters: Mapping[str, tuple[RosterVersion, ...]]
    statements: tuple[DeliveryStatement, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A team that left by a decision: what it still has to give back, and what it keeps.

    Args:
        team: Its id.
        stage: The stage it left.
        returns: Promises still to be given back.
        keeps: Promises that stay.
    """

    team: str
    stage: str
    returns: tuple[Promise, ...]
    keeps: tuple[Promise, ...]


def read_support(histories: Iterable[History], rulebooks: Iterable[Rulebook] = ()) -> SupportRecord:
    """Return what the histories of a programme's stages say of support.

    Args:
        histories: The history of each stage.
        rulebooks: The rulebooks of the stages; a supplier that one of them calls a contestant is one.

    Raises:
        InvalidInput: Entries contradict one another: an id twice, a return of what was never promised, ...
    """
    stages = list(histories)
    teams = {team: name for stage in stages for team, name in registered_teams(stage).items()}
    promised = [event for stage in stages for event in stage.these(SupportPromised)]
    _require_once([event.payload.support for event in promised], "promises called")
    teams_of = {(event.payload.support, event.payload.team) for event in promised}
    delivered = [event for stage in stages for event in stage.these(SupportDelivered)]
    # A promise that is corrected takes its deliveries along, so only the team and the promise's id tie them to it.
    under = [e for e in delivered if (e.payload.support, e.payload.team) in teams_of]
    loose = [e for e in delivered if (e.payload.support, e.payload.team) not in teams_of]
    returned = [event for stage in stages for event in stage.these(SupportReturned)]
    competing = {
        row.supplier
        for book in rulebooks
        for row in book.support
        if row.supplier_competes is True and isinstance(row.supplier, str)
    }
    return SupportRecord(
        ledger=Ledger(
            tuple(promised_by(event) for event in promised),
            tuple(delivered_by(event) for event in under),
            tuple(Return(event.payload.support, event.payload.day, event.id) for event in returned),
            frozenset(teams) | competing,
        ),
        teams=teams,
        budget=_budget([event for stage in stages for event in stage.these(BudgetLineRecorded)]),
        naming=tuple(naming_right(event) for stage in stages for event in stage.these(NamingRightRecorded)),
        rosters=_rosters([event for stage in stages for event in stage.these(RosterRecorded)]),
        statements=tuple(_statement(event) for event in loose),
    )


def registered_teams(history: History) -> dict[str, str]:
    """Return team to display name, of every team that a stage registers."""
    return {event.payload.team: event.payload.name for event in history.these(Registration)}


def _known(value: float | Unknown | None) -> float | None:
    return None if value is None or isinstance(value, Unknown) else value


def promised_by(event: Event[SupportPromised]) -> Promise:
    """Return the promise an event records."""
    said = event.payload
    return Promise(
        id=said.support,
        team=said.team,
        resource=Resource(said.resource),
        what=said.what,
        units=_known(said.units),
        supplier=said.supplier,
        first=said.first,
        last=said.last,
        throughput=said.throughput,
        rule=said.rule,
        returned_on_exit=None if said.on_exit is None else said.on_exit is OnExit.RETURNED,
        budget_line=said.budget_line,
        won=said.won,
        event=event.id,
    )


def delivered_by(event: Event[SupportDelivered]) -> Delivery:
    """Return the delivery an event records."""
    said = event.payload
    complete = said.delivered == "all"
    return Delivery(
        promise=said.support,
        units=None if isinstance(said.delivered, str) else _known(said.delivered),
        complete=complete,
        throughput_share=_known(said.throughput_share),
        first=said.first,
        last=said.last,
        measured_by=said.measured_by,
        event=event.id,
    )


def _statement(event: Event[SupportDelivered]) -> DeliveryStatement:
    said = event.payload
    return DeliveryStatement(
        team=said.team,
        support=said.support,
        supplier=said.supplier,
        promised=_shown(said.promised),
        delivered=_shown(said.delivered),
        event=event.id,
    )


def _shown(value: float | str | Unknown) -> str:
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def naming_right(event: Event[NamingRightRecorded]) -> NamingRight:
    """Return the naming right an event records; InvalidInput when it ends before it begins."""
    said = event.payload
    if said.last is not None and said.last < said.first:
        raise InvalidInput(f"The naming right of {said.team} ends before it begins.")
    return NamingRight(said.team, said.name, said.first, said.last, event.id)


def _budget(events: Iterable[Event[BudgetLineRecorded]]) -> tuple[BudgetLine, ...]:
    lines = []
    for event in events:
        said = event.payload
        won = None if isinstance(said.won, Unknown) else said.won
        lines.append(BudgetLine(said.line, said.title, Resource(said.resource), said.year, won, event.id))
    _require_once([line.line for line in lines], "budget lines called")
    return tuple(lines)


def roster_version(event: Event[RosterRecorded]) -> RosterVersion:
    """Return the version of a roster an event records.

    Raises:
        InvalidInput: It names a member twice, not exactly one lead, or no reason where it needs one.
    """
    said = event.payload
    members = [RosterMember(one.name, one.role) for one in said.members]
    if len(set(members)) != len(members):
        raise InvalidInput(f"A roster of {said.team} names each member once and exactly one lead.")
    return RosterVersion(
        team=said.team,
        version=said.version,
        effective=said.effective,
        members=frozenset(members),
        reason=said.why,
        event=event.id,
    )


def _rosters(events: Iterable[Event[RosterRecorded]]) -> dict[str, tuple[RosterVersion, ...]]:
    rosters: dict[str, list[RosterVersion]] = {}
    for event in events:
        version = roster_version(event)
        rosters.setdefault(version.team, []).append(version)
    ordered = {
        team: tuple(sorted(versions, key=lambda one: one.version)) for team, versions in rosters.items()
    }
    for versions in ordered.values():
        require_versions(versions)
    return ordered


def _require_once(names: list[str], what: str) -> None:
    twice = sorted(name for name in set(names) if names.count(name) > 1)
    if twice:
        raise InvalidInput(
            f"There are two {what} {twice[0]!r}.",
            hint="To correct one, name its event with --supersedes and give the --reason.",
        )
