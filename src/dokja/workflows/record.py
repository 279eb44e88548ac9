"""Record one event of any kind from a file, as its schema asks."""

from __future__ import annotations

from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import AnyEvent
from dokja.record.kinds.findings import FindingJudged
from dokja.record.payload import kind_of
from dokja.workflows.stage import Actor, Draft, Stage, read_payload
from dokja.workflows.support import require_support


def record_event(
    stage: Stage,
    kind: str,
    payload: Path,
    actor: Actor,
    *,
    supersedes: str = "",
    reason: str = "",
    personal: Path | None = None,
) -> AnyEvent:
    """Record one event and return it; what the rules refuse is refused before it is written.

    Raises:
        InvalidInput: No such kind, or the file holds no JSON object.
        EventInvalid: The payload, or the history with it, breaks its rules.
    """
    what = kind_of(kind)
    if what.by_hand and not supersedes:
        raise InvalidInput(f"An event {kind!r} is not recorded by hand.", hint=f"Use: {what.by_hand}")
    draft = Draft(
        read_payload(what, _object(payload)),
        supersedes=supersedes or None,
        reason=reason,
        personal=None if personal is None else _object(personal),
    )

    def checked(stage: Stage) -> list[Draft]:
        if isinstance(draft.payload, FindingJudged):
            _require_signed(stage, actor, draft.payload.rater)
        if what.in_ledger:
            require_support(stage, actor, draft)
        return [draft]

    return stage.record(actor, checked)[0]


def _require_signed(stage: Stage, actor: Actor, rater: str) -> None:
    """Require that an expert's finding is signed with the expert's own enrolled key: only such a one may open a gate.

    Raises:
        NotAllowed: It is not signed, or by somebody else.
    """
    ring = stage.ring
    if actor.key is None or actor.key.id not in ring or ring[actor.key.id].person != rater:
        raise NotAllowed(
            f"A judged finding of {rater!r} counts only when it is signed with that expert's enrolled key.",
            hint="Enrol it with dokja key enrol, and give it with --key.",
        )


def _object(path: Path) -> dict[str, JSON]:
    value = parse_json(path.read_bytes())
    if not isinstance(value, dict):
        raise InvalidInput(f"{path.name} does not hold a JSON object.")
    return value
