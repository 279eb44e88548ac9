"""What follows a decision: signatures, objections and answers, and what a re-entry round gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dokja.errors import EventInvalid
from dokja.grammar.model import Model
from dokja.grammar.types import Count, Digest, Id, Listed, Name, Some, Text
from dokja.record.payload import EVERYONE, Audience, Payload
from dokja.rulebook import AppealGround, Disclosed

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History


class EvidenceNamed(Model):
    """A file handed in beside an objection or an allegation."""

    name: Text
    digest: Digest


class DecisionSigned(Payload):
    """A person's signature of a decision."""

    kind: ClassVar[str] = "decision_signed"
    disclosed: ClassVar[Audience] = EVERYONE
    by_hand: ClassVar[str] = "dokja stage sign"
    is_evidence: ClassVar[bool] = False

    decision: Digest
    signer: Id
    key: Text
    signature: Text


class Objection(Payload):
    """A team's objection; `about` is the event objected to, and the whole decision where it is left out."""

    kind: ClassVar[str] = "objection"
    disclosed: ClassVar[Audience] = Disclosed.OBJECTIONS
    by_hand: ClassVar[str] = "dokja stage object"
    is_evidence: ClassVar[bool] = False

    team: Name
    decision: Digest
    ground: AppealGround
    text: Text
    about: Id = ""
    evidence: tuple[EvidenceNamed, ...] = ()

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the objection, to be answered."""
        history.registered(event, self.team)
        history.objections[event.id] = event


class AnswerToObjection(Payload):
    """What the hearing of an objection came to."""

    kind: ClassVar[str] = "answer_to_objection"
    disclosed: ClassVar[Audience] = Disclosed.OBJECTIONS
    by_hand: ClassVar[str] = "dokja stage answer"
    for_good: ClassVar[bool] = True
    is_evidence: ClassVar[bool] = False

    objection: Id
    upheld: bool
    heard_by: Some[Id]
    text: Text

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the one answer to an objection."""
        if self.objection not in history.objections:
            raise EventInvalid(
                f"Event {event.id!r} answers {self.objection!r}, which is no objection before it."
            )
        history.once(history.answers, self.objection, event, event, f"an answer to {self.objection}")


class ReentryResult(Payload):
    """What a re-entry round gave the stage whose vacancy it filled."""

    kind: ClassVar[str] = "reentry_result"
    disclosed: ClassVar[Audience] = Disclosed.DECISION
    after_closing: ClassVar[bool] = True
    by_hand: ClassVar[str] = "dokja stage reenter --result"
    is_evidence: ClassVar[bool] = False

    stage: Name
    decision: Digest
    selected: Listed[Name]
    vacancies: Count
