"""Appeal: take in a team's objection, have it heard by others, and replay the whole stage with what they correct.

- An objection that may not be taken in is answered at once with the reason; nothing is recorded.
- An answer and the corrections it brings are recorded together or not at all. Corrections supersede; the stage is
  decided anew from the same history, before and after.
- What was published and is no longer true is named, release by release, so that a notice can supersede it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import cast

from dokja.canonical import JSON, parse_json
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Reason
from dokja.procedure.objection import (
    ObjectionStanding,
    barred_from_hearing,
    local_day,
    objections,
    period_of,
    why_not_admissible,
)
from dokja.publishing.correction import Difference, NoLongerTrue, differences, no_longer_true
from dokja.record.closing import BESIDE_THE_RESULT
from dokja.record.events import Event, in_force
from dokja.record.history import read_history
from dokja.record.payloads import Kind
from dokja.rulebook import Rulebook, require_known
from dokja.signature import KeyRing
from dokja.workflows.desk import Actor, Desk, Draft, told
from dokja.workflows.evidence import keep_evidence, read_evidence
from dokja.workflows.submit import require_not_backdated

_CORRECTION_FIELDS = {"kind", "payload", "supersedes", "reason"}
# What an answer may not correct: signatures and answers stand for the people who gave them.
_NOT_CORRECTED = BESIDE_THE_RESULT | {
    Kind.DECISION_SIGNED,
    Kind.OBJECTION,
    Kind.ANSWER_TO_OBJECTION,
    Kind.STAGE_OPENED,
    Kind.STAGE_CLOSED,
    Kind.AMENDMENT,
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a team objects to.

    Args:
        team: Who objects.
        ground: An `AppealGround`; a `NoGround` is answered with its reason.
        text: In the team's own words.
        about: The event objected to; empty for the decision as a whole.
        evidence: Files.
    """

    team: str
    ground: str
    text: str
    about: str = ""
    evidence: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Objected:
    """What became of an objection at the door.

    Args:
        event: The objection; None where it was refused, or only tried.
        refused: Why it may not be taken in; None when it may.
        last_day: Last day of the period; None while nothing was announced to the team.
        answer_by: Last day for the answer; None when it was refused.
    """

    event: Event | None
    refused: Reason | None
    last_day: date | None
    answer_by: date | None

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        refused = self.refused
        return {
            "event": None if self.event is None else told(self.event),
            "refused": None if refused is None else {"key": refused.key, "figures": dict(refused.figures)},
            "last_day": None if self.last_day is None else self.last_day.isoformat(),
            "answer_by": None if self.answer_by is None else self.answer_by.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Hearing:
    """An answer to an objection.

    Args:
        objection: Id of the objection.
        upheld: Whether it is upheld.
        heard_by: Who heard it: enrolled people.
        text: Why, in words.
        corrections: What an upheld objection corrects.
    """

    objection: str
    upheld: bool
    heard_by: tuple[str, ...]
    text: str
    corrections: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What an answer changes.

    Args:
        events: The answer and its corrections; not recorded where it was only tried.
        recorded: Whether they were recorded.
        differences: How each team's result differs, before and after.
        no_longer_true: What was published and the corrected scores contradict.
        late_by_days: Calendar days the answer is late; 0 when it is in time.
    """

    events: tuple[Event, ...]
    recorded: bool
    differences: tuple[Difference, ...]
    no_longer_true: tuple[NoLongerTrue, ...]
    late_by_days: int

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        return {
            "recorded": self.recorded,
            "events": [told(event) for event in self.events],
            "differences": [one.as_json() for one in self.differences],
            "no_longer_true": [one.as_json() for one in self.no_longer_true],
            "late_by_days": self.late_by_days,
        }


def object_to_decision(
    desk: Desk, stage: str, complaint: Complaint, actor: Actor, *, dry_run: bool = False
) -> Objected:
    """Record an objection, or say why it may not be taken in.

    Raises:
        InvalidInput: No such team, ground or event, or evidence that cannot be read.
        RulebookUnknown: The rulebook leaves grounds or days unknown.
    """
    name = desk.require_stage(stage)
    rulebook, events = desk.rulebook(name), desk.store.events(name)
    require_not_backdated(events, actor.at)
    refused = why_not_admissible(
        rulebook, events, complaint.team, complaint.ground, actor.at, complaint.about
    )
    period = period_of(rulebook, events, complaint.team)
    last_day = None if period is None else period.last
    if refused is not None or period is None:
        return Objected(None, refused, last_day, None)
    files = read_evidence(complaint.evidence)
    payload: dict[str, JSON] = {
        "team": complaint.team,
        "decision": period.decision,
        "ground": complaint.ground,
        "text": complaint.text,
        "evidence": cast(JSON, [file.as_json() for file in files]),
    }
    if complaint.about:
        payload["about"] = complaint.about
    happening = Draft(Kind.OBJECTION, payload)
    drafted = desk.draft(name, actor, [happening], rulebook)[0].event
    answer_by = objections(rulebook, [*events, drafted])[-1].answer_by
    if dry_run:
        return Objected(None, None, last_day, answer_by)
    keep_evidence(desk.store, files)
    event = desk.record(name, actor, [happening], rulebook)[0]
    return Objected(event, None, last_day, answer_by)


def read_corrections(paths: Sequence[Path], objection: str) -> tuple[Draft, ...]:
    """Return corrections from JSON files with `kind`, `payload`, `supersedes` and, where one is given, `reason`.

    Raises:
        InvalidInput: A file holds something else, or names nothing to correct.
    """
    found = []
    for path in paths:
        try:
            value = parse_json(path.read_bytes())
        except OSError as error:
            raise InvalidInput(f"The correction {path.name!r} cannot be read: {error.strerror}.") from error
        if not isinstance(value, dict) or set(value) - _CORRECTION_FIELDS or "supersedes" not in value:
            raise InvalidInput(
                f"{path.name!r} is no correction.",
                hint="It is a JSON object with kind, payload, supersedes and, if you like, reason.",
            )
        try:
            kind = Kind(str(value.get("kind")))
        except ValueError:
            raise InvalidInput(f"{path.name!r} names no kind of event.") from None
        payload = value.get("payload", {})
        if not isinstance(payload, dict):
            raise InvalidInput(f"The payload of {path.name!r} is not an object.")
        reason = str(value.get("reason", "")) or f"upheld objection {objection}"
        found.append(Draft(kind, payload, supersedes=str(value["supersedes"]), reason=reason))
    return tuple(found)


def answer_objection(
    desk: Desk, stage: str, hearing: Hearing, actor: Actor, *, dry_run: bool = False
) -> Answered:
    """Record the answer to an objection with what it corrects, and return the stage before and after.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        hearing: The answer.
        actor: One of those who heard it, with their key; the answer is signed with it.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: It was answered already, or someone may not hear it.
        InvalidInput: No such objection, or corrections that do not fit the answer.
        RulebookUnknown: The rulebook does not say whether another panel hears it, or in how many days.
    """
    name = desk.require_stage(stage)
    rulebook, events = desk.rulebook(name), desk.store.events(name)
    standing = _open_objection(rulebook, events, hearing.objection)
    _require_corrections(events, hearing)
    speaker = _require_hearers(desk.store.key_ring(), rulebook, events, standing.event, hearing, actor)
    payload: dict[str, JSON] = {
        "objection": hearing.objection,
        "upheld": hearing.upheld,
        "heard_by": list(hearing.heard_by),
        "text": hearing.text,
    }
    happenings = [Draft(Kind.ANSWER_TO_OBJECTION, payload), *hearing.corrections]
    by = replace(actor, id=speaker)
    drafted = tuple(entry.event for entry in desk.draft(name, by, happenings, rulebook))
    before, after = decide(rulebook, events), decide(rulebook, [*events, *drafted])
    late = (local_day(rulebook, actor.at) - standing.answer_by).days
    recorded = drafted if dry_run else tuple(desk.record(name, by, happenings, rulebook))
    return Answered(
        recorded,
        not dry_run,
        differences(before, after),
        no_longer_true(events, before, after),
        max(late, 0),
    )


def _open_objection(rulebook: Rulebook, events: Sequence[Event], objection: str) -> ObjectionStanding:
    known = {one.event.id: one for one in objections(rulebook, events)}
    if objection not in known:
        raise InvalidInput(
            f"There is no objection {objection!r}.", hint=f"There are: {', '.join(known) or 'none'}."
        )
    answered = known[objection].answer
    if answered is not None:
        raise NotAllowed(f"The objection {objection!r} was answered already, by {answered.id!r}.")
    return known[objection]


def _require_corrections(events: Sequence[Event], hearing: Hearing) -> None:
    if hearing.upheld != bool(hearing.corrections):
        raise InvalidInput(
            "An objection is upheld with the events it corrects, and dismissed with none.",
            hint="Give each correction with --correction FILE.",
        )
    kinds = {event.id: event.kind for event in in_force(events)}
    for one in hearing.corrections:
        if kinds.get(one.supersedes or "") in _NOT_CORRECTED:
            raise InvalidInput(
                f"An answer does not correct {one.supersedes!r} ({kinds[one.supersedes or '']}).",
                hint="It corrects what the result was read from: runs, marks, findings, votes, submissions.",
            )


def _require_hearers(
    ring: KeyRing,
    rulebook: Rulebook,
    events: Sequence[Event],
    objection: Event,
    hearing: Hearing,
    actor: Actor,
) -> str:
    """Return who speaks for those who heard it, after requiring that every one of them may."""
    enrolled = {ring[key].person for key in ring if ring[key].ended_place is None}
    for person in hearing.heard_by:
        if person not in enrolled:
            raise NotAllowed(f"{person!r} is not enrolled.", hint="Enrol a key with: dokja key enrol")
    if actor.key is None or actor.key.id not in ring or ring[actor.key.id].ended_place is not None:
        raise NotAllowed(
            "An answer is signed by one of those who heard the objection.", hint="Give their key with --key."
        )
    speaker = ring[actor.key.id].person
    if speaker not in hearing.heard_by:
        raise NotAllowed(
            f"{speaker!r} signs the answer and did not hear the objection.",
            hint="Name them with --heard-by, or let one of those who heard it sign.",
        )
    if require_known(rulebook.appeals.another_panel, "appeals.another_panel"):
        barred = barred_from_hearing(read_history(rulebook, events), events, objection)
        for person in hearing.heard_by:
            if person in barred:
                raise NotAllowed(
                    f"{person!r} may not hear this objection: {_HOW[barred[person].key]}.",
                    hint="The rulebook asks for another panel.",
                    reason=barred[person].key,
                    person=person,
                )
    return speaker


_HOW = {
    "objection.heard_by_signer": "they signed a decision of this stage",
    "objection.heard_by_judge": "they marked or judged in this stage",
    "objection.heard_by_voter": "they voted in this stage",
    "objection.heard_by_recused": "they stepped back from this team",
    "objection.heard_by_conflicted": "they declared a conflict with this team",
    "objection.heard_by_objector": "they recorded the objection",
}
