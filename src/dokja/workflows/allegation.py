"""Allegations by third parties: file one, let the team reply, and say where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

from dokja.canonical import JSON
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Reason
from dokja.procedure.allegation import Allegation, Answer, Status, answer, concerns, status
from dokja.procedure.objection import days_after, local_day
from dokja.publishing.see import Viewer, granted
from dokja.record.events import Event, in_force
from dokja.record.history import read_history
from dokja.record.payloads import Basis, Kind
from dokja.rulebook import Disclosed, Profile, Rulebook, require_known
from dokja.workflows.desk import Actor, Desk, Draft, told
from dokja.workflows.evidence import keep_evidence, read_evidence


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

    event: Event | None
    answer: Answer
    reply_by: date

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        return {
            "event": None if self.event is None else told(self.event),
            "status": self.answer.status.value,
            "reasons": [_reason_json(reason) for reason in self.answer.reasons],
            "can_tell": [basis.value for basis in self.answer.can_tell],
            "reply_by": self.reply_by.isoformat(),
        }


def file_allegation(
    desk: Desk, stage: str, complaint: Accusation, actor: Actor, *, dry_run: bool = False
) -> Filed:
    """Record an allegation and answer it at once as far as its bases can tell anything.

    Raises:
        InvalidInput: No such team, no basis, no text, or evidence that cannot be read.
        NotAllowed: A basis that could tell comes without evidence.
        RulebookUnknown: No day for the reply was given, and the rulebook leaves its periods unknown.
    """
    name = desk.require_stage(stage)
    rulebook = desk.rulebook(name)
    teams = read_history(rulebook, desk.store.events(name)).teams
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
    payload: dict[str, JSON] = {
        "team": complaint.team,
        "reference": complaint.reference,
        "bases": [basis.value for basis in complaint.bases],
        "text": complaint.text,
        "evidence": cast(JSON, [file.as_json() for file in files]),
        "reply_by": reply_by.isoformat(),
    }
    happening = Draft(Kind.ALLEGATION, payload)
    desk.draft(name, actor, [happening], rulebook)
    if dry_run:
        return Filed(None, answered, reply_by)
    keep_evidence(desk.store, files)
    return Filed(desk.record(name, actor, [happening], rulebook)[0], answered, reply_by)


def reply_to_allegation(
    desk: Desk, stage: str, allegation: str, text: str, actor: Actor, *, dry_run: bool = False
) -> Event:
    """Record the team's reply. A late one is taken too: it stands beside the findings, but stops no clock.

    Raises:
        InvalidInput: There is no such allegation.
        NotAllowed: The team has replied already; it may correct its reply by superseding it.
    """
    name = desk.require_stage(stage)
    rulebook, events = desk.rulebook(name), desk.store.events(name)
    made = _allegation(events, allegation)
    standing = in_force(events)
    said = [e for e in standing if e.kind is Kind.ALLEGATION_REPLY and e.payload["allegation"] == allegation]
    if said:
        raise NotAllowed(
            f"The team has replied to {allegation!r} already, with {said[0].id!r}.",
            hint="Correct the reply by recording one that supersedes it.",
        )
    payload: dict[str, JSON] = {"allegation": allegation, "team": made.payload["team"], "text": text}
    happenings = [Draft(Kind.ALLEGATION_REPLY, payload)]
    if dry_run:
        return desk.draft(name, actor, happenings, rulebook)[0].event
    return desk.record(name, actor, happenings, rulebook)[0]


def allegation_rows(
    rulebook: Rulebook, events: Sequence[Event], viewer: Viewer, at: str, only: str = ""
) -> list[dict[str, JSON]]:
    """Return where every allegation stands, with the words of both sides only for whom they concern.

    The status is for anyone. What was written is for the team it is about, the auditor, and whoever the rulebook's
    table names under `allegations`.

    Args:
        rulebook: The rulebook in force.
        events: The whole history of the stage.
        viewer: In which capacity someone asks.
        at: Now, RFC 3339 in UTC.
        only: One allegation; all by default.

    Raises:
        InvalidInput: There is no such allegation.
    """
    standing = in_force(events)
    if only:
        _allegation(events, only)
    rows = []
    for event in standing:
        if event.kind is not Kind.ALLEGATION or (only and event.id != only):
            continue
        rows.append(_row(rulebook, standing, event, viewer, at))
    return rows


def _row(
    rulebook: Rulebook, standing: Sequence[Event], event: Event, viewer: Viewer, at: str
) -> dict[str, JSON]:
    payload = event.payload
    team, bases = str(payload["team"]), tuple(Basis(str(one)) for one in cast("list[str]", payload["bases"]))
    reply_by = date.fromisoformat(str(payload["reply_by"]))
    received = local_day(rulebook, event.at)
    alleged = Allegation(event.id, team, str(payload["reference"]), bases, received, event.by)
    replies = [
        one for one in standing if one.kind is Kind.ALLEGATION_REPLY and one.payload["allegation"] == event.id
    ]
    place = list(standing).index(event)
    examined = concerns(alleged, standing[place:])
    now = status(
        alleged,
        replied=bool(replies),
        reply_by=reply_by,
        examined_claims=[str(claim) for claim, _ in examined],
        today=local_day(rulebook, at),
    )
    row: dict[str, JSON] = {
        "allegation": event.id,
        "team": team,
        "bases": [basis.value for basis in bases],
        "received": received.isoformat(),
        "reply_by": reply_by.isoformat(),
        "replied": replies[0].at[:10] if replies else None,
        "status": now.value,
        "reasons": [_reason_json(reason) for reason in answer(alleged).reasons],
    }
    if _may_read(rulebook, viewer, team):
        row |= {"reference": payload["reference"], "text": payload["text"], "by": event.by}
        row |= {"evidence": payload["evidence"], "reply": replies[0].payload["text"] if replies else None}
        row["findings"] = [finding for _, finding in examined] if now is Status.CONCLUDED else []
    return row


def _may_read(rulebook: Rulebook, viewer: Viewer, team: str) -> bool:
    listed = Disclosed.ALLEGATIONS in granted(rulebook, viewer, team)
    return listed or viewer.profile is Profile.AUDITOR or viewer.team == team


def _allegation(events: Sequence[Event], allegation: str) -> Event:
    found = {event.id: event for event in in_force(events) if event.kind is Kind.ALLEGATION}
    if allegation not in found:
        raise InvalidInput(
            f"There is no allegation {allegation!r}.", hint=f"There are: {', '.join(found) or 'none'}."
        )
    return found[allegation]


def _reason_json(reason: Reason) -> dict[str, JSON]:
    return {"key": reason.key, "figures": dict(reason.figures)}
