"""What the events of a programme say of support: the ledger, budget lines, naming rights and rosters.

Each is a pure function of the events in force, whatever their order, so a correction gives what recording it right the
first time would have given. A ledger spans stages: a promise of one stage is delivered, and returned, in later ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.procedure.support import Delivery, Ledger, Promise, Resource, Return
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
from dokja.record.roster import Member, MemberRole, RosterVersion, require_versions
from dokja.rulebook import Rulebook

_UNKNOWN = "unknown"


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


def read_support(stages: Iterable[Iterable[Event]], rulebooks: Iterable[Rulebook] = ()) -> SupportRecord:
    """Return what the events of a programme's stages say of support.

    Args:
        stages: The whole history of each stage, in the order of the log.
        rulebooks: The rulebooks of the stages; a supplier that one of them calls a contestant is one.

    Raises:
        InvalidInput: Entries contradict one another: an id twice, a return of what was never promised, ...
        EventInvalid: A history breaks its own rules.
    """
    events = [event for history in stages for event in in_force(history)]
    teams = registered_teams(events)
    promised = _of(events, Kind.SUPPORT_PROMISED)
    _require_once([_text(event, "support") for event in promised], "promises called")
    teams_of = {(_text(event, "support"), _text(event, "team")) for event in promised}
    delivered = _of(events, Kind.SUPPORT_DELIVERED)
    # A promise that is corrected takes its deliveries along, so only the team and the promise's id tie them to it.
    under = [e for e in delivered if (e.payload["support"], e.payload["team"]) in teams_of]
    returned = _of(events, Kind.SUPPORT_RETURNED)
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
            tuple(
                Return(_text(event, "support"), _day(event.payload["day"]), event.id) for event in returned
            ),
            frozenset(teams) | competing,
        ),
        teams=teams,
        budget=_budget(events),
        naming=tuple(naming_right(event) for event in _of(events, Kind.NAMING_RIGHT)),
        rosters=_rosters(events),
        statements=tuple(_statement(event) for event in delivered if event not in under),
    )


def registered_teams(standing: Iterable[Event]) -> dict[str, str]:
    """Return team to display name, of every team that events in force register."""
    registering = (Kind.TEAM_REGISTERED, Kind.REENTRY_APPLICATION)
    return {_text(event, "team"): _text(event, "name") for event in standing if event.kind in registering}


def _of(events: Iterable[Event], kind: Kind) -> list[Event]:
    return [event for event in events if event.kind is kind]


def _text(event: Event, name: str) -> str:
    return str(event.payload.get(name, ""))


def _day(value: JSON) -> date:
    return date.fromisoformat(str(value))


def _number(value: JSON) -> float | None:
    return None if value in (None, _UNKNOWN) else float(cast("int | float", value))


def promised_by(event: Event) -> Promise:
    """Return the promise an event records."""
    payload = event.payload
    won = payload.get("won")
    on_exit = payload.get("on_exit")
    return Promise(
        id=_text(event, "support"),
        team=_text(event, "team"),
        resource=Resource(_text(event, "resource")),
        what=_text(event, "what"),
        units=_number(payload["units"]),
        supplier=_text(event, "supplier"),
        first=_day(payload["first"]),
        last=_day(payload["last"]),
        throughput=_text(event, "throughput"),
        rule=_text(event, "rule"),
        returned_on_exit=None if on_exit is None else on_exit == "returned",
        budget_line=_text(event, "budget_line"),
        won=None if won is None else int(cast(int, won)),
        event=event.id,
    )


def delivered_by(event: Event) -> Delivery:
    """Return the delivery an event records."""
    payload = event.payload
    first, last = payload.get("first"), payload.get("last")
    delivered = payload["delivered"]
    complete = delivered == "all"
    return Delivery(
        promise=_text(event, "support"),
        units=None if complete else _number(delivered),
        complete=complete,
        throughput_share=_number(payload.get("throughput_share")),
        first=None if first is None else _day(first),
        last=None if last is None else _day(last),
        measured_by=_text(event, "measured_by"),
        event=event.id,
    )


def _statement(event: Event) -> DeliveryStatement:
    return DeliveryStatement(
        team=_text(event, "team"),
        support=_text(event, "support"),
        supplier=_text(event, "supplier"),
        promised=_text(event, "promised"),
        delivered=_text(event, "delivered"),
        event=event.id,
    )


def naming_right(event: Event) -> NamingRight:
    """Return the naming right an event records; InvalidInput when it ends before it begins."""
    first, last = _day(event.payload["first"]), event.payload.get("last")
    if last is not None and _day(last) < first:
        raise InvalidInput(f"The naming right of {_text(event, 'team')} ends before it begins.")
    return NamingRight(
        _text(event, "team"), _text(event, "name"), first, None if last is None else _day(last), event.id
    )


def _budget(events: Iterable[Event]) -> tuple[BudgetLine, ...]:
    lines = []
    for event in _of(events, Kind.BUDGET_LINE):
        won = _number(event.payload["won"])
        year = int(cast(int, event.payload["year"]))
        resource = Resource(_text(event, "resource"))
        lines.append(
            BudgetLine(
                _text(event, "line"),
                _text(event, "title"),
                resource,
                year,
                None if won is None else int(won),
                event.id,
            )
        )
    _require_once([line.line for line in lines], "budget lines called")
    return tuple(lines)


def roster_version(event: Event) -> RosterVersion:
    """Return the version of a roster an event records.

    Raises:
        InvalidInput: It names a member twice, not exactly one lead, or no reason where it needs one.
    """
    listed = cast("list[dict[str, str]]", event.payload["members"])
    members = [Member(one["name"], MemberRole(one["role"])) for one in listed]
    team = _text(event, "team")
    if len(set(members)) != len(members):
        raise InvalidInput(f"A roster of {team} names each member once and exactly one lead.")
    return RosterVersion(
        team=team,
        version=int(cast(int, event.payload["version"])),
        effective=_day(event.payload["effective"]),
        members=frozenset(members),
        reason=_text(event, "why"),
        event=event.id,
    )


def _rosters(events: Iterable[Event]) -> dict[str, tuple[RosterVersion, ...]]:
    rosters: dict[str, list[RosterVersion]] = {}
    for event in _of(events, Kind.ROSTER_VERSION):
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
