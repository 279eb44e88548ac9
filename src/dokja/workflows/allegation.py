"""Allegations by third parties: file one, let the team reply, and say where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dokja.canonical import JSON
from dokja.deciding.gate import reason_json
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.allegation import Allegation, Answer, Status, answer, concerns, status
from dokja.procedure.objection import days_after, local_day
from dokja.publishing.see import Sight
from dokja.record.events import AnyEvent, Event
from dokja.record.history import History
from dokja.record.kinds.allegations import AllegationFiled, AllegationReply
from dokja.record.terms import Basis
from dokja.rulebook import Disclosed, require_known
from dokja.workflows.evidence import keep_evidence, read_evidence
from dokja.workflows.stage import Actor, Draft, Stage, read_payload, told


@dataclass(frozen=True, slots=True)
class Accusation:
    """What a third party brings forward.

    Args:
        team: Whose submission.
        reference: The model it is said to descend from, and its owner, in words.
        bases: What it rests on.
        text: In the party's own words.
        evidence: Files.
        reply_by: Last day for the team's reply; the rulebook's objection period from today by default.
    """

    team: str
    reference: str
    bases: tuple[Basis, ...]
    text: str
    evidence: tuple[Path, ...] = ()
    reply_by: date | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """An allegation, and what intake answers at once.

    Args:
        event: The allegation; None where it was only tried.
        answer: The answer, from its bases alone.
        reply_by: Last day for the team's reply.
    """

    event: AnyEvent | None
    answer: Answer
    reply_by: date

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        return {
            "event": None if self.event is None else told(self.event),
            "status": self.answer.status.value,
            "reasons": [reason_json(reason) for reason in self.answer.reasons],
            "can_tell": [basis.value for basis in self.answer.can_tell],
            "reply_by": self.reply_by.isoformat(),
        }


def file_allegation(stage: Stage, complaint: Accusation, actor: Actor, *, dry_run: bool = False) -> Filed:
    """Record an allegation and answer it at once as far as its bases can tell anything.

    Raises:
        InvalidInput: No such team, no basis, no text, or evidence that cannot be read.
        NotAllowed: A basis that could tell comes without evidence.
        RulebookUnknown: No day for the reply was given, and the rulebook leaves its periods unknown.
    """
    rulebook, teams = stage.rulebook, stage.history.teams
    if complaint.team not in teams:
        raise InvalidInput(f"The stage has no team {complaint.team!r}.", hint=f"Teams: {', '.join(teams)}.")
    received = local_day(rulebook, actor.at)
    alleged = Allegation("new", complaint.team, complaint.reference, complaint.bases, received, actor.id)
    answered = answer(alleged)
    if answered.can_tell and not complaint.evidence:
        raise NotAllowed(
            "An allegation that opens an examination comes with its evidence.",
            hint="Attach it with --evidence: the comparison, its code and data, so that others can repeat it.",
        )
    reply_by = complaint.reply_by or days_after(
        rulebook, received, require_known(rulebook.appeals.days, "appeals.days")
    )
    if reply_by < received:
        raise InvalidInput(f"The team cannot reply by {reply_by}; the allegation came in on {received}.")
    files = read_evidence(complaint.evidence)
    payload = {
        "team": complaint.team,
        "reference": complaint.reference,
        "bases": [basis.value for basis in complaint.bases],
        "text": complaint.text,
        "evidence": [file.as_json() for file in files],
        "reply_by": reply_by.isoformat(),
    }
    drafts = [Draft(read_payload(AllegationFiled, payload))]
    if dry_run:
        stage.record(actor, drafts, dry_run=True)
        return Filed(None, answered, reply_by)
    keep_evidence(stage.desk.store, files)
    return Filed(stage.record(actor, drafts)[0], answered, reply_by)


def reply_to_allegation(
    stage: Stage, allegation: str, text: str, actor: Actor, *, dry_run: bool = False
) -> AnyEvent:
    """Record the team's reply. A late one is taken too: it stands beside the findings, but stops no clock.

    Raises:
        InvalidInput: There is no such allegation.
        NotAllowed: The team has replied already; it may correct its reply by superseding it.
    """

    def drafts(stage: Stage) -> list[Draft]:
        made = _allegation(stage.history, allegation)
        said = _replies(stage.history, allegation)
        if said:
            raise NotAllowed(
                f"The team has replied to {allegation!r} already, with {said[0].id!r}.",
                hint="Correct the reply by recording one that supersedes it.",
            )
        return [Draft(AllegationReply(allegation=allegation, team=made.payload.team, text=text))]

    return stage.record(actor, drafts, dry_run=dry_run)[0]


def allegation_rows(stage: Stage, sight: Sight, at: str, only: str = "") -> list[dict[str, JSON]]:
    """Return where every allegation stands, with the words of both sides only for whom they concern.

    The status is for anyone. What was written is for the team it is about, the auditor, and whoever the rulebook's
    table names under `allegations`.

    Args:
        stage: The stage.
        sight: What whoever asks may see.
        at: Now, RFC 3339 in UTC.
        only: One allegation; all by default.

    Raises:
        InvalidInput: There is no such allegation.
    """
    filed = [_allegation(stage.history, only)] if only else stage.history.these(AllegationFiled)
    return [_row(stage.history, event, sight, at) for event in filed]


def _replies(history: History, allegation: str) -> list[Event[AllegationReply]]:
    return [event for event in history.these(AllegationReply) if event.payload.allegation == allegation]


def _row(history: History, event: Event[AllegationFiled], sight: Sight, at: str) -> dict[str, JSON]:
    made, rulebook = event.payload, sight.rulebook
    received = local_day(rulebook, event.at)
    alleged = Allegation(event.id, made.team, made.reference, made.bases, received, event.by)
    replies = _replies(history, event.id)
    standing = list(history.standing.values())
    examined = concerns(alleged, standing[standing.index(event) :])
    now = status(
        alleged,
        replied=bool(replies),
        reply_by=made.reply_by,
        examined_claims=[str(claim) for claim, _ in examined],
        today=local_day(rulebook, at),
    )
    row: dict[str, JSON] = {
        "allegation": event.id,
        "team": made.team,
        "bases": [basis.value for basis in made.bases],
        "received": received.isoformat(),
        "reply_by": made.reply_by.isoformat(),
        "replied": replies[0].at[:10] if replies else None,
        "status": now.value,
        "reasons": [reason_json(reason) for reason in answer(alleged).reasons],
    }
    if sight.words_about(Disclosed.ALLEGATIONS, made.team):
        row |= {"reference": made.reference, "text": made.text, "by": event.by}
        row |= {"evidence": [file.as_json() for file in made.evidence]}
        row |= {"reply": replies[0].payload.text if replies else None}
        row["findings"] = [finding for _, finding in examined] if now is Status.CONCLUDED else []
    return row


def _allegation(history: History, allegation: str) -> Event[AllegationFiled]:
    found = {event.id: event for event in history.these(AllegationFiled)}
    if allegation not in found:
        raise InvalidInput(
            f"There is no allegation {allegation!r}.", hint=f"There are: {', '.join(found) or 'none'}."
        )
    return found[allegation]
