"""Record support and look at how it stands: promises, deliveries, returns, deadlines, budget, names.

Every recorder takes `dry_run`: everything is checked and the event is returned, and nothing is written. A correction
names the event it replaces; the ledger is then what it would have been had it been recorded right the first time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from dokja.canonical import JSON
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.support import MovedDeadline, Promise
from dokja.procedure.support_budget import LineStanding, RuleStanding, budget_standing, rule_standing
from dokja.procedure.support_record import Left, SupportRecord, read_support, registered_teams
from dokja.record.events import AnyEvent
from dokja.record.kinds.ledger import LedgerEntry, SupportDelivered, SupportPromised, SupportReturned
from dokja.record.kinds.publication import OfficialOutcome
from dokja.rulebook import Unknown
from dokja.workflows.desk import Desk
from dokja.workflows.publish import announced_decision, signed_decision
from dokja.workflows.stage import Actor, Draft, Stage, read_payload


@dataclass(frozen=True, slots=True)
class Correction:
    """Which event an entry corrects, and why; both empty when it corrects nothing."""

    supersedes: str = ""
    reason: str = ""


NOTHING = Correction()


def look_at_support(desk: Desk) -> SupportRecord:
    """Return what is recorded about support in every stage of the desk."""
    stages = desk.stages()
    return read_support([stage.history for stage in stages], [stage.rulebook for stage in stages])


def record_support(
    stage: Stage,
    payload: LedgerEntry,
    actor: Actor,
    *,
    correction: Correction = NOTHING,
    dry_run: bool = False,
) -> AnyEvent:
    """Record one entry about support and return its event.

    Args:
        stage: The stage the entry is recorded in; the ledger itself spans all of them.
        payload: What happened.
        actor: Who records, and when.
        correction: What it corrects.
        dry_run: Check everything and write nothing.

    Raises:
        InvalidInput: The team is not registered, or the entry contradicts another.
        EventInvalid: It may not supersede what it names.
    """
    draft = Draft(payload, supersedes=correction.supersedes or None, reason=correction.reason)

    def checked(stage: Stage) -> list[Draft]:
        after = require_support(stage, actor, draft)
        team = getattr(payload, "team", None)
        if team is not None and team not in after.teams:
            raise InvalidInput(
                f"There is no team {team!r}.",
                hint="Register it first: dokja stage record team_registered FILE",
            )
        return [draft]

    return stage.record(actor, checked, dry_run=dry_run)[0]


def require_support(stage: Stage, actor: Actor, draft: Draft) -> SupportRecord:
    """Require that an event leaves the ledger readable, whatever its kind; return the ledger with it.

    A retraction of a promise that was delivered on leaves statements under no promise; one of a promise that was
    returned is refused.

    Raises:
        InvalidInput: It contradicts another entry.
        EventInvalid, NotAllowed: It may not follow the history.
    """
    after = stage.after(stage.record(actor, [draft], dry_run=True))
    others = {other.name: other.history for other in stage.desk.stages()}
    return read_support((others | {stage.name: after}).values())


def delivery_payload(
    promise: Promise,
    *,
    delivered: float | str,
    throughput_share: float | None,
    first: date | None,
    last: date | None,
    measured_by: str,
    cites: Iterable[str],
) -> SupportDelivered:
    """Return the payload of a delivery under a promise; team, supplier and units promised come from the promise."""
    said = _stated(
        {
            "team": promise.team,
            "support": promise.id,
            "supplier": promise.supplier,
            "promised": "unknown" if promise.units is None else promise.units,
            "delivered": delivered,
            "throughput_share": "unknown" if throughput_share is None else throughput_share,
            "first": None if first is None else first.isoformat(),
            "last": None if last is None else last.isoformat(),
            "measured_by": measured_by or None,
            "cites": list(cites) or None,
        }
    )
    return read_payload(SupportDelivered, said)


def return_payload(promise: Promise, day: date, cites: Iterable[str]) -> SupportReturned:
    """Return the payload of a return.

    Raises:
        NotAllowed: What was promised stays with the team.
    """
    if not promise.goes_back:
        raise NotAllowed(
            f"What {promise.id!r} promised stays with {promise.team}; it is not returned.",
            hint="Correct the promise with --on-exit returned if that is wrong.",
        )
    said = _stated(
        {"team": promise.team, "support": promise.id, "day": day.isoformat(), "cites": list(cites) or None}
    )
    return read_payload(SupportReturned, said)


def promise_payload(stage: Stage, fields: Mapping[str, JSON]) -> SupportPromised:
    """Return the payload of a promise; where it follows a row of the rulebook, what it leaves out comes from the row.

    Raises:
        InvalidInput: The rulebook has no such row, or neither says who supplies.
    """
    stated = _stated(fields)
    rule = stated.get("rule")
    if rule is not None:
        row = next((one for one in stage.rulebook.support if one.id == rule), None)
        if row is None:
            raise InvalidInput(f"The rulebook's support table has no row {rule!r}.")
        known = {
            "units": row.units,
            "supplier": row.supplier,
            "what": row.unit,
            "on_exit": row.on_exit,
        }
        for name, value in known.items():
            if not isinstance(value, Unknown):
                stated.setdefault(name, value if isinstance(value, float) else str(value))
    stated.setdefault("units", "unknown")
    if "supplier" not in stated:
        raise InvalidInput("It is not said who supplies.", hint="Name the supplier with --supplier.")
    stated.setdefault("what", str(stated["resource"]))
    return read_payload(SupportPromised, stated)


def _stated(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None}


def teams_that_left(desk: Desk) -> dict[str, str]:
    """Return team to the stage it left by a signed or announced decision, the last one that speaks of it."""
    left: dict[str, str] = {}
    for stage in desk.stages():
        # A team that entered a later stage, by re-entry too, has its support again.
        for team in registered_teams(stage.history):
            left.pop(team, None)
        left |= {team: stage.name for team, advances in _outcomes(stage).items() if not advances}
    return left


def _outcomes(stage: Stage) -> dict[str, bool]:
    """Return team to whether it goes on, by the decision announced, else signed last, else as told elsewhere."""
    for find in (announced_decision, signed_decision):
        try:
            return {one.team: one.advances for one in find(stage).decided.teams}
        except NotAllowed:
            continue
    told = stage.history.these(OfficialOutcome)
    return {one.team: one.advances for one in told[-1].payload.outcomes} if told else {}


def on_exit(desk: Desk, record: SupportRecord) -> tuple[Left, ...]:
    """Return, for every team that left, what goes back and what stays."""
    return tuple(
        Left(team, stage, record.ledger.to_return(team), record.ledger.kept(team))
        for team, stage in teams_that_left(desk).items()
    )


def deadlines(stage: Stage, record: SupportRecord, deadline: date | None = None) -> dict[str, MovedDeadline]:
    """Return each team's development deadline, moved by the stops of its clock.

    Args:
        stage: The stage.
        record: What is recorded about support.
        deadline: The last day of development; the rulebook's last day of submission by default.

    Raises:
        InvalidInput: Neither the rulebook nor the caller says when the deadline is.
    """
    before = deadline or stage.rulebook.clock.submission.closes
    if isinstance(before, Unknown):
        raise InvalidInput(
            f"The rulebook of {stage.name!r} does not say when submissions close.",
            hint="Name the day with --deadline.",
        )
    # The ledger spans all stages; read from one of them alone, it would return what was promised in another.
    known = registered_teams(stage.history)
    return {team: record.ledger.moved_deadline(team, before) for team in known}


@dataclass(frozen=True, slots=True)
class Budget:
    """Budget lines, and promises beside the rulebook's table."""

    lines: tuple[LineStanding, ...]
    rules: tuple[RuleStanding, ...]


def look_at_budget(stage: Stage, record: SupportRecord) -> Budget:
    """Return whether what was promised adds up."""
    return Budget(budget_standing(record), rule_standing(stage.rulebook, record.ledger.promises))
