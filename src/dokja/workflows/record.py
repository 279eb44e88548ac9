"""Record one event of any kind from a file, as its schema asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import AnyEvent
from dokja.record.kinds.findings import FindingJudged
from dokja.record.kinds.publication import Release
from dokja.record.payload import kind_of
from dokja.workflows.stage import Actor, Draft, Stage, read_payload
from dokja.workflows.support import require_support


@dataclass(frozen=True, slots=True)
class RecordAs:
    """One event to be recorded from files.

    Args:
        kind: Its kind.
        payload: File of what it says.
        supersedes: Id of the event it corrects; empty when it corrects nothing.
        reason: Why, where it corrects something.
        personal: File of what identifies a person; None when nothing does.
    """

    kind: str
    payload: Path
    supersedes: str = ""
    reason: str = ""
    personal: Path | None = None


def record_event(stage: Stage, said: RecordAs, actor: Actor) -> AnyEvent:
    """Record one event and return it; what the rules refuse is refused before it is written.

    Raises:
        InvalidInput: No such kind, or a file holds no JSON object.
        EventInvalid: The payload, or the history with it, breaks its rules.
    """
    draft = read_draft(said)

    def checked(stage: Stage) -> list[Draft]:
        require_recordable(stage, actor, draft, signed_by="" if actor.key is None else actor.key.id)
        return [draft]

    return stage.record(actor, checked)[0]


def read_draft(said: RecordAs) -> Draft:
    """Return what the files of an event say.

    Raises:
        InvalidInput: No such kind, one that another command records, or a file holds no JSON object.
        EventInvalid: The payload breaks its rules.
    """
    what = kind_of(said.kind)
    if what.by_hand and not (said.supersedes and what.in_ledger):
        raise InvalidInput(f"An event {said.kind!r} is not recorded by hand.", hint=f"Use: {what.by_hand}")
    return Draft(
        read_payload(what, _object(said.payload)),
        supersedes=said.supersedes or None,
        reason=said.reason,
        personal=None if said.personal is None else _object(said.personal),
    )


def require_recordable(stage: Stage, actor: Actor, draft: Draft, *, signed_by: str | None = None) -> None:
    """Require of an event recorded by hand what its own rules do not: who signs it, and that the ledger stays readable.

    Args:
        stage: The stage.
        actor: Who records, and when.
        draft: The event.
        signed_by: The key that signs it, empty for none; None where it is not to be signed yet.

    Raises:
        NotAllowed, InvalidInput, EventInvalid: One of them is not so.
    """
    if isinstance(draft.payload, FindingJudged) and signed_by is not None:
        _require_signed(stage, signed_by, draft.payload.rater)
    corrected = stage.history.by_id.get(draft.supersedes or "")
    if corrected is not None and isinstance(corrected.payload, Release):
        raise NotAllowed(
            f"{corrected.id!r} is a release: what was told is told.",
            hint="A release that takes its place: dokja publication release, or dokja stage publish --reason",
        )
    if draft.payload.in_ledger:
        require_support(stage, actor, draft)


def _require_signed(stage: Stage, key: str, rater: str) -> None:
    """Require that an expert's finding is signed with the expert's own enrolled key: only such a one may open a gate.

    Raises:
        NotAllowed: It is not signed, or by somebody else.
    """
    if key not in stage.ring or stage.ring[key].person != rater:
        raise NotAllowed(
            f"A judged finding of {rater!r} counts only when it is signed with that expert's enrolled key.",
            hint="Enrol it with dokja key enrol, and give it with --key; or let a passkey sign it: --draft.",
        )


def _object(path: Path) -> dict[str, JSON]:
    value = parse_json(path.read_bytes())
    if not isinstance(value, dict):
        raise InvalidInput(f"{path.name} does not hold a JSON object.")
    return value
