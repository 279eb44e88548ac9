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

from dokja.canonical import JSON, parse_json
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Reason
from dokja.procedure.objection import (
    ObjectionStanding,
    barred_from_hearing,
    days_after,
    local_day,
    objections,
    period_of,
    why_not_admissible,
)
from dokja.publishing.correction import NoLongerTrue, TeamDifference, differences, no_longer_true
from dokja.record.events import AnyEvent, Event
from dokja.record.history import History
from dokja.record.kinds.after import AnswerToObjection, Objection
from dokja.record.payload import kind_of
from dokja.rulebook import require_known
from dokja.workflows.evidence import EvidenceFile, keep_evidence, read_evidence
from dokja.workflows.stage import Actor, Draft, Stage, read_payload, told
from dokja.workflows.submit import require_not_backdated

_CORRECTION_FIELDS = {"kind", "payload", "supersedes", "reason"}


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

    event: AnyEvent | None
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
class AnswerGiven:
    """What an answer changes.

    Args:
        events: The answer and its corrections; not recorded where it was only tried.
        recorded: Whether they were recorded.
        differences: How each team's result differs, before and after.
        no_longer_true: What was published and the corrected scores contradict.
        late_by_days: Calendar days the answer is late; 0 when it is in time.
    """

    events: tuple[AnyEvent, ...]
    recorded: bool
    differences: tuple[TeamDifference, ...]
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
    stage: Stage, complaint: Complaint, actor: Actor, *, dry_run: bool = False
) -> Objected:
    """Record an objection, or say why it may not be taken in.

    Raises:
        InvalidInput: No such team, ground or event, or evidence that cannot be read.
        RulebookUnknown: The rulebook leaves grounds or days unknown.
    """
    files: list[EvidenceFile] = []
    refused: list[Reason] = []

    def drafts(stage: Stage) -> list[Draft]:
        rulebook, history = stage.rulebook, stage.history
        require_not_backdated(history, actor.at)
        why = why_not_admissible(
            rulebook, history, complaint.team, complaint.ground, actor.at, complaint.about
        )
        period = period_of(rulebook, history, complaint.team)
        refused[:] = [] if why is None else [why]
        if why is not None or period is None:
            return []
        files[:] = files or read_evidence(complaint.evidence)
        payload = {
            "team": complaint.team,
            "decision": period.decision,
            "ground": complaint.ground,
            "text": complaint.text,
            "evidence": [file.as_json() for file in files],
            **({"about": complaint.about} if complaint.about else {}),
        }
        return [Draft(read_payload(Objection, payload))]

    drafted = stage.record(actor, drafts, dry_run=True)
    if drafted and not dry_run:
        keep_evidence(stage.desk.store, files)
        drafted = stage.record(actor, drafts)
    period = period_of(stage.rulebook, stage.history, complaint.team)
    last_day = None if period is None else period.last
    if not drafted:
        return Objected(None, refused[0] if refused else None, last_day, None)
    rulebook = stage.rulebook
    days = require_known(rulebook.appeals.answer_days, "appeals.answer_days")
    answer_by = days_after(rulebook, local_day(rulebook, actor.at), days)
    return Objected(None if dry_run else drafted[0], None, last_day, answer_by)


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
            kind = kind_of(str(value.get("kind")))
        except InvalidInput as error:
            raise InvalidInput(f"{path.name!r} names no kind of event.", hint=error.hint) from None
        payload = read_payload(kind, value.get("payload", {}))
        reason = str(value.get("reason", "")) or f"upheld objection {objection}"
        found.append(Draft(payload, supersedes=str(value["supersedes"]), reason=reason))
    return tuple(found)


def answer_objection(stage: Stage, hearing: Hearing, actor: Actor, *, dry_run: bool = False) -> AnswerGiven:
    """Record the answer to an objection with what it corrects, and return the stage before and after.

    Args:
        stage: The stage.
        hearing: The answer.
        actor: One of those who heard it, with their key; the answer is signed with it.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: It was answered already, or someone may not hear it.
        InvalidInput: No such objection, or corrections that do not fit the answer.
        RulebookUnknown: The rulebook does not say whether another panel hears it, or in how many days.
    """
    by = replace(actor, id=_speaker(stage, hearing, actor))
    answer = AnswerToObjection(
        objection=hearing.objection, upheld=hearing.upheld, heard_by=hearing.heard_by, text=hearing.text
    )
    before: list[History] = []

    def drafts(stage: Stage) -> list[Draft]:
        standing = _open_objection(stage, hearing.objection)
        _require_corrections(stage.history, hearing)
        _require_hearers(stage, standing.event, hearing)
        before[:] = [stage.history.copy()]
        return [Draft(answer), *hearing.corrections]

    standing = _open_objection(stage, hearing.objection)
    events = tuple(stage.record(by, drafts, dry_run=dry_run))
    rulebook = stage.rulebook
    after = before[0].followed_by(events)
    was, now = decide(rulebook, before[0]), decide(rulebook, after)
    late = (local_day(rulebook, actor.at) - standing.answer_by).days
    return AnswerGiven(
        events, not dry_run, differences(was, now), no_longer_true(before[0], was, now), max(late, 0)
    )


def _open_objection(stage: Stage, objection: str) -> ObjectionStanding:
    known = {one.event.id: one for one in objections(stage.rulebook, stage.history)}
    if objection not in known:
        raise InvalidInput(
            f"There is no objection {objection!r}.", hint=f"There are: {', '.join(known) or 'none'}."
        )
    answered = known[objection].answer
    if answered is not None:
        raise NotAllowed(f"The objection {objection!r} was answered already, by {answered.id!r}.")
    return known[objection]


def _require_corrections(history: History, hearing: Hearing) -> None:
    if hearing.upheld != bool(hearing.corrections):
        raise InvalidInput(
            "An objection is upheld with the events it corrects, and dismissed with none.",
            hint="Give each correction with --correction FILE.",
        )
    for one in hearing.corrections:
        corrected = history.standing.get(one.supersedes or "")
        if corrected is not None and not corrected.payload.is_evidence:
            raise InvalidInput(
                f"An answer does not correct {one.supersedes!r} ({corrected.kind}).",
                hint="It corrects what the result was read from: runs, marks, findings, votes, submissions.",
            )


def _speaker(stage: Stage, hearing: Hearing, actor: Actor) -> str:
    """Return who speaks for those who heard an objection: one of them, who signs."""
    ring = stage.ring
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
    return speaker


def _require_hearers(stage: Stage, objection: Event[Objection], hearing: Hearing) -> None:
    """Require that everyone who heard an objection may hear it."""
    if not require_known(stage.rulebook.appeals.another_panel, "appeals.another_panel"):
        return
    barred = barred_from_hearing(stage.history, objection)
    for person in hearing.heard_by:
        if person in barred:
            raise NotAllowed(
                f"{person!r} may not hear this objection: {_HOW[barred[person].key]}.",
                hint="The rulebook asks for another panel.",
                reason=barred[person].key,
                person=person,
            )


_HOW = {
    "objection.heard_by_signer": "they signed a decision of this stage",
    "objection.heard_by_judge": "they marked or judged in this stage",
    "objection.heard_by_voter": "they voted in this stage",
    "objection.heard_by_recused": "they stepped back from this team",
    "objection.heard_by_conflicted": "they declared a conflict with this team",
    "objection.heard_by_objector": "they recorded the objection",
}
