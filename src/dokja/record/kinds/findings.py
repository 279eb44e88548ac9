"""What examinations and experts found about a submission, and what its team replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dokja.errors import EventInvalid
from dokja.grammar.types import Digest, Id, Name, Some, Text
from dokja.record.finding import AnyFinding, JudgedFinding, RecordedFinding
from dokja.record.payload import Audience, Payload
from dokja.rulebook import Disclosed, Rulebook

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.history import History


class FoundAbout(Payload):
    """A finding about a team's submission."""

    team: Name
    finding: AnyFinding

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the finding beside the others."""
        history.registered(event, self.team)
        history.findings[event.id] = RecordedFinding(
            event.id, self.team, self.finding, self.by_rater, self.cited
        )

    def undo(self, event: Event[Any], history: History) -> bool:
        """A reply to a finding names its event, which stays."""
        del history.findings[event.id]
        return True

    @property
    def by_rater(self) -> str:
        """Who judged; empty for an examination's own."""
        return ""

    @property
    def cited(self) -> tuple[str, ...]:
        """Digests of what a judged finding cites."""
        return ()


class FindingRecorded(FoundAbout):
    """A finding of an examination."""

    kind: ClassVar[str] = "finding_recorded"
    disclosed: ClassVar[Audience] = Disclosed.FINDINGS


class FindingJudged(FoundAbout):
    """An expert's finding, of evidence level `judged`, citing digests."""

    kind: ClassVar[str] = "judged_finding"
    disclosed: ClassVar[Audience] = Disclosed.FINDINGS

    rater: Id
    finding: JudgedFinding
    cites: Some[Digest]

    def apply(self, event: Event[Any], history: History) -> None:
        """Take the finding; whoever judges sits on a panel."""
        super().apply(event, history)
        history.judged(self.rater)

    @property
    def by_rater(self) -> str:
        return self.rater

    @property
    def cited(self) -> tuple[str, ...]:
        return self.cites


class TeamReply(Payload):
    """A team's reply to the event of a finding."""

    kind: ClassVar[str] = "team_reply"
    disclosed: ClassVar[Audience] = Disclosed.TEAM_REPLIES

    team: Name
    to: Id
    text: Text

    def apply(self, event: Event[Any], history: History) -> None:
        """Put the reply beside what it replies to."""
        history.replies.setdefault(self.to, []).append(self.text)

    def check(self, event: Event[Any], rulebook: Rulebook, history: History) -> None:
        """Refuse a reply to what was found about somebody else: it would be printed as that team's."""
        about = history.findings.get(self.to)
        if about is not None and about.team != self.team:
            raise EventInvalid(
                f"Event {event.id!r} is a reply of team {self.team!r} to {self.to!r}, which is about team {about.team!r}.",
                hint="A team replies to what was found about itself.",
            )
