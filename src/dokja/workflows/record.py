"""Record one event of any kind from a file, as its schema asks."""

from __future__ import annotations

from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.deciding.measurements import measure
from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import Event
from dokja.record.history import read_history
from dokja.record.payloads import Kind
from dokja.workflows.desk import Actor, Desk, Draft
from dokja.workflows.support import SUPPORT, require_support

# What has a command of its own, because more than one event, a file, a key or a check goes with it.
_ELSEWHERE = {
    Kind.STAGE_OPENED: "dokja stage open",
    Kind.AMENDMENT: "dokja stage amend",
    Kind.SUBMISSION: "dokja stage submit",
    Kind.RUN_RESULT: "dokja stage evaluate",
    Kind.DECISION_SIGNED: "dokja stage sign",
    Kind.OBJECTION: "dokja stage object",
    Kind.ANSWER_TO_OBJECTION: "dokja stage answer",
    Kind.RELEASE: "dokja publication release",
    Kind.ACCESS: "dokja publication preview --by",
    Kind.ALLEGATION: "dokja allegation file",
    Kind.ALLEGATION_REPLY: "dokja allegation reply",
    Kind.REENTRY_RESULT: "dokja stage reenter --result",
    Kind.STAGE_CLOSED: "dokja stage close",
    Kind.SUPPORT_PROMISED: "dokja support promise",
    Kind.SUPPORT_RETURNED: "dokja support return",
    Kind.ROSTER_VERSION: "dokja roster set",
}
_MARKS = (Kind.EXPERT_SCORE, Kind.USER_RATING)


def record_event(
    desk: Desk,
    stage: str,
    kind: str,
    payload: Path,
    actor: Actor,
    *,
    supersedes: str = "",
    reason: str = "",
    personal: Path | None = None,
) -> Event:
    """Record one event and return it; what would leave the history unreadable is refused before it is written.

    Raises:
        InvalidInput: No such kind, or the file holds no JSON object.
        EventInvalid: The payload, or the history with it, breaks its rules.
    """
    try:
        what = Kind(kind)
    except ValueError:
        raise InvalidInput(
            f"There is no kind of event {kind!r}.", hint=f"Kinds: {', '.join(Kind)}."
        ) from None
    if what in _ELSEWHERE and not supersedes:
        raise InvalidInput(f"An event {kind!r} is not recorded by hand.", hint=f"Use: {_ELSEWHERE[what]}")
    name = desk.require_stage(stage)
    rulebook = desk.rulebook(name)
    happening = Draft(
        what,
        _object(payload),
        supersedes=supersedes or None,
        reason=reason,
        personal=None if personal is None else _object(personal),
    )
    if what is Kind.JUDGED_FINDING:
        _require_signed(desk, actor, str(happening.payload.get("rater")))
    if what in SUPPORT:
        require_support(desk, name, actor, happening)
    if what in _MARKS:
        # A mark outside its scale would keep every score of the stage from being read.
        drafted = desk.draft(name, actor, [happening], rulebook)[0].event
        measure(rulebook, read_history(rulebook, [*desk.store.events(name), drafted]))
    return desk.record(name, actor, [happening], rulebook)[0]


def _require_signed(desk: Desk, actor: Actor, rater: str) -> None:
    """Require that an expert's finding is signed with the expert's own enrolled key: only such a one may open a gate.

    Raises:
        NotAllowed: It is not signed, or by somebody else.
    """
    ring = desk.store.key_ring()
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
