"""The frame of a stage: its opening, its amendments, moved deadlines, its closing, and taking an event back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dokja.errors import EventInvalid
from dokja.grammar.model import Model
from dokja.grammar.types import Digest, Instant, Name
from dokja.grammar.unknown import OrNone
from dokja.record.payload import EVERYONE, Audience, Payload
from dokja.rulebook import Position

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History


class Reentered(Model):
    """The stage and decision whose vacancy a re-entry round fills."""

    stage: Name
    decision: Digest


class StageOpened(Payload):
    """Under which rulebook a stage was opened; `file` is where the store keeps it."""

    kind: ClassVar[str] = "stage_opened"
    disclosed: ClassVar[Audience] = EVERYONE
    by_hand: ClassVar[str] = "dokja stage open"
    for_good: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False

    rulebook: Digest
    file: Digest = ""
    reenters: OrNone[Reentered] = None

    def apply(self, event: Event[Any], history: History) -> None:
        """Open the stage, once."""
        if history.opened is not None:
            raise EventInvalid(f"Event {event.id!r} opens the stage a second time.")
        history.opened = event


class TeamPositionSaid(Model):
    """What one team said of an amendment."""

    team: Name
    position: Position
    reason: str


class Amended(Payload):
    """A new version of the rulebook, with what every team said of it and when it takes effect."""

    kind: ClassVar[str] = "amendment"
    disclosed: ClassVar[Audience] = EVERYONE
    by_hand: ClassVar[str] = "dokja stage amend"
    for_good: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False

    previous: Digest
    rulebook: Digest
    file: Digest = ""
    effective_at: Instant
    positions: tuple[TeamPositionSaid, ...]


class DeadlineExtended(Payload):
    """A deadline moved to a later time, before it had passed."""

    kind: ClassVar[str] = "deadline_extended"
    disclosed: ClassVar[Audience] = EVERYONE

    deadline: Name
    previous: Instant
    until: Instant


class StageClosed(Payload):
    """The decision is final; from here on corrections only, and what lies beside the result."""

    kind: ClassVar[str] = "stage_closed"
    disclosed: ClassVar[Audience] = EVERYONE
    by_hand: ClassVar[str] = "dokja stage close"
    for_good: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False

    decision: Digest

    def apply(self, event: Event[Any], history: History) -> None:
        """Close the stage, once."""
        if history.closed is not None:
            raise EventInvalid(
                f"Event {event.id!r} closes a stage that {history.closed.id!r} closed already."
            )
        history.closed = event


class Retraction(Payload):
    """Takes an event back and puts nothing in its place. It is shown to whoever is shown what it takes back."""

    kind: ClassVar[str] = "retraction"
    in_ledger: ClassVar[bool] = True
