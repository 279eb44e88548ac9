"""What third parties bring forward, and what the team replies."""

from __future__ import annotations

from typing import ClassVar

from dokja.grammar.types import Day, Id, Name, Some, Text
from dokja.record.kinds.after import EvidenceNamed
from dokja.record.payload import Audience, Payload
from dokja.record.terms import Basis
from dokja.rulebook import Disclosed


class AllegationFiled(Payload):
    """A third party says that a submission descends from another model."""

    kind: ClassVar[str] = "allegation"
    disclosed: ClassVar[Audience] = Disclosed.ALLEGATIONS
    after_closing: ClassVar[bool] = True
    by_hand: ClassVar[str] = "dokja allegation file"
    is_evidence: ClassVar[bool] = False

    team: Name
    reference: Text
    bases: Some[Basis]
    text: Text
    evidence: tuple[EvidenceNamed, ...]
    reply_by: Day


class AllegationReply(Payload):
    """The team's reply to an allegation."""

    kind: ClassVar[str] = "allegation_reply"
    disclosed: ClassVar[Audience] = Disclosed.ALLEGATIONS
    after_closing: ClassVar[bool] = True
    by_hand: ClassVar[str] = "dokja allegation reply"
    is_evidence: ClassVar[bool] = False

    allegation: Id
    team: Name
    text: Text
