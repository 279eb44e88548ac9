"""Which rulebook is in force: the chain of amendments that a stage was opened under and went through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dokja.errors import EventInvalid, NotAllowed
from dokja.record.events import Event
from dokja.record.history import History, instant
from dokja.record.kinds.frame import Amended
from dokja.rulebook import Consent, Position, Rulebook, require_known


@dataclass(frozen=True, slots=True)
class AmendmentRead:
    """An amendment recorded after the stage opened, and whether it took effect.

    Args:
        event: Id of the event.
        rulebook: Digest it would put in force.
        effective: Whether it has the consent and the notice that the rulebook before it asks for.
        objecting: Teams that objected.
    """

    event: str
    rulebook: str
    effective: bool
    objecting: tuple[str, ...]


def read_amendments(rulebook: Rulebook, history: History) -> tuple[AmendmentRead, ...]:
    """Follow the chain of amendments; require that it ends at this rulebook.

    Raises:
        EventInvalid: An amendment amends a rulebook that was not in force.
        NotAllowed: The stage was never opened, or does not run under this rulebook.
    """
    latest = history.latest()
    if history.opened is None or latest is None:
        raise NotAllowed("The stage was never opened: no event names the rulebook it runs under.")
    current, found = history.opened.payload.rulebook, []
    for event in history.these(Amended):
        read = _amendment(rulebook, history, event, current, latest.at)
        found.append(read)
        current = read.rulebook if read.effective else current
    if rulebook.digest() != current:
        raise NotAllowed(
            f"The stage runs under the rulebook {current}, not under {rulebook.digest()}.",
            hint="Give the rulebook in force, or ask for a comparison of two rulebooks.",
        )
    return tuple(found)


def _amendment(
    rulebook: Rulebook, history: History, event: Event[Amended], current: str, now: str
) -> AmendmentRead:
    """Judge one amendment by the rule on amending of the rulebook given.

    That no version has loosened that rule for its own sake is for a comparison of the two rulebooks to show.
    """
    amended = event.payload
    if amended.previous != current:
        raise EventInvalid(f"Event {event.id!r} amends a rulebook that was not in force.")
    said = {one.team: one.position for one in amended.positions}
    consenting = sum(1 for team in history.teams if said.get(team) is Position.CONSENTS)
    needs = require_known(rulebook.amending.needs, "amending.needs")
    enough = {
        Consent.ALL: consenting == len(history.teams),
        Consent.MAJORITY: 2 * consenting > len(history.teams),
        Consent.NOTICE: True,
    }[needs]
    notice = timedelta(days=require_known(rulebook.amending.notice_days, "amending.notice_days"))
    in_time = instant(event.at) + notice <= instant(amended.effective_at) <= instant(now)
    objecting = tuple(team for team, position in said.items() if position is Position.OBJECTS)
    return AmendmentRead(event.id, amended.rulebook, enough and in_time, objecting)
