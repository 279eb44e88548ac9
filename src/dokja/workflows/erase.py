"""Erase what identifies a person in one event of a stage, open or closed, and say who asked for it and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.errors import NotAllowed
from dokja.record.events import AnyEvent
from dokja.signature import KeyRing, Signature
from dokja.store.erasing import DOMAIN, Erasure
from dokja.workflows.stage import Actor, Stage, require_counts


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or would be.

    Args:
        erasure: What the store did.
        left: Events that correct this one, or that it corrects, whose personal payloads are still there.
    """

    erasure: Erasure
    left: tuple[str, ...]

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object, without a word of what was erased."""
        done = self.erasure
        return {
            **done.body,
            "event": done.event.id,
            "event_digest": done.body["event"],
            "kind": done.event.kind,
            "fields": done.fields,
            "place": done.place,
            "overwritten": done.overwritten,
            "left": list(self.left),
        }


def erase_person(stage: Stage, event_id: str, reason: str, actor: Actor, *, dry_run: bool = False) -> Erased:
    """Erase the personal payload of one event and nothing else.

    It is no event: nothing that was decided changes, and it is done after closing too.

    Args:
        stage: The stage.
        event_id: The event.
        reason: Why; published with every dossier for ever.
        actor: Who asks for it, and when; with a key, the record of it is signed.
        dry_run: Whether everything is checked and nothing erased.

    Raises:
        AppendOnly: It was erased already.
        InvalidInput: There is no such event, it never had a personal payload, or the reason is none.
        NotAllowed: The signature does not count.
    """
    key = actor.key

    def sign(stated: dict[str, JSON], ring: KeyRing, place: int) -> Signature:
        assert key is not None
        signature = key.sign(DOMAIN, stated, actor.at)
        require_counts(ring, signature, DOMAIN, stated, place)
        return signature

    erasure = stage.desk.store.erase(
        stage.name, event_id, by=actor.id, at=actor.at, reason=reason,
        sign=None if key is None else sign, dry_run=dry_run,
    )  # fmt: skip
    left = tuple(event.id for event in _of_one_story(stage, event_id) if _has_person(stage, event))
    return Erased(erasure, left)


def _of_one_story(stage: Stage, event_id: str) -> Iterator[AnyEvent]:
    """Yield what an event corrects, what that corrects, and what corrects it in turn, without the event itself."""
    after = {event.supersedes: event for event in stage.events if event.supersedes is not None}
    before = stage.history.by_id.get(event_id)
    while before is not None and before.supersedes is not None:
        before = stage.history.by_id[before.supersedes]
        yield before
    later = after.get(event_id)
    while later is not None:
        yield later
        later = after.get(later.id)


def _has_person(stage: Stage, event: AnyEvent) -> bool:
    if event.personal is None:
        return False
    try:
        stage.desk.store.personal_payload(stage.name, event.id)
    except NotAllowed:
        return False
    return True
