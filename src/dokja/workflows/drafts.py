"""Events that wait for somebody's signature: kept as they will be recorded, signed by their digest, recorded once.

1. `keep_draft` gives an event its id, time and salt, and keeps it with its personal payload beside the log.
2. Whoever is to sign it signs its digest: with a key file, elsewhere if need be, or with a passkey.
3. `sign_draft` records it as it stood, over the history as it is then. What the rules refuse by then stays where it is.

The event says when it was drafted, its signature when it was signed, its place in the log when it was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.errors import AppendOnly, EventInvalid, InvalidInput, NotAllowed, StoreDamaged
from dokja.record.events import AnyEvent, Event, PersonalPayload
from dokja.record.history import instant
from dokja.signature import Signer
from dokja.store.proposals import Waiting
from dokja.store.recording import DOMAIN, StoredEvent
from dokja.workflows.record import RecordAs, read_draft, require_recordable
from dokja.workflows.stage import Actor, Draft, Stage, require_counts

_EVENT = "event"


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that waits for a signature.

    Args:
        event: The event as it will be recorded.
        personal: What identifies a person in it; None when nothing does.
    """

    event: AnyEvent
    personal: PersonalPayload | None

    @property
    def digest(self) -> str:
        """Return what is signed."""
        return self.event.digest()


def keep_draft(stage: Stage, said: RecordAs, actor: Actor) -> WaitingEvent:
    """Keep an event without recording it, so that somebody can sign it.

    Args:
        stage: The stage.
        said: The event.
        actor: Who records, and when; without a key.

    Raises:
        InvalidInput, EventInvalid, NotAllowed: It could not be recorded now either.
    """
    draft = read_draft(said)
    require_recordable(stage, actor, draft)
    [entry] = stage.entries(actor, [draft])
    stage.record_entries(lambda _: [entry], dry_run=True)
    waiting = WaitingEvent(entry.event, entry.personal)
    personal: JSON = None
    if entry.personal is not None:
        personal = {"salt": entry.personal.salt.hex(), "value": dict(entry.personal.value)}
    body: dict[str, JSON] = {"event": entry.event.as_json(), "personal": personal}
    stage.desk.store.proposals.put(Waiting(waiting.digest, stage.name, _EVENT, body))
    return waiting


def drafts_of(stage: Stage) -> list[WaitingEvent]:
    """Return the events of a stage that wait for a signature, in the order of their times."""
    found = [_waiting_event(waiting) for waiting in stage.desk.store.proposals.of(stage.name, _EVENT)]
    return sorted(found, key=lambda one: (one.event.at, one.event.id))


def find_draft(stage: Stage, digest: str) -> WaitingEvent | None:
    """Return the event that waits under a digest; None when a decision does.

    Raises:
        AppendOnly: The event was signed and recorded already.
        InvalidInput: Nothing waits, or in another stage.
    """
    try:
        waiting = stage.desk.store.proposals.get(digest)
    except InvalidInput:
        _require_not_recorded(stage, digest)
        raise
    if waiting.kind != _EVENT:
        return None
    if waiting.stage != stage.name:
        raise InvalidInput(
            f"The event waits in stage {waiting.stage!r}, not in {stage.name!r}.",
            hint="Name its stage with --stage.",
        )
    return _waiting_event(waiting)


def sign_draft(stage: Stage, waiting: WaitingEvent, key: Signer, at: str) -> AnyEvent:
    """Sign an event that waits, record it, and return it.

    Args:
        stage: The stage.
        waiting: The event.
        key: The secret key of whoever signs, or the passkey that has answered.
        at: Now, RFC 3339 in UTC; for a passkey the time it was asked for.

    Raises:
        NotAllowed, EventInvalid, InvalidInput: The rules refuse it by now, or the signature does not count; it still waits.
        AppendOnly: It was recorded already.
        KeyRefused: The passkey answered something else.
    """
    event, digest = waiting.event, waiting.digest

    def make(stage: Stage) -> list[StoredEvent]:
        _require_not_recorded(stage, digest)
        drafted = Draft(event.payload, event.id, event.supersedes, event.reason)
        require_recordable(stage, Actor(event.by, event.at), drafted, signed_by=key.id)
        if instant(at) < instant(event.at):
            raise NotAllowed(
                f"{at} lies before {event.at}, when {event.id!r} was drafted.", hint="Leave --at out."
            )
        signature = key.sign(DOMAIN, digest, at)
        require_counts(stage.ring, signature, DOMAIN, digest, stage.place)
        return [StoredEvent(event, waiting.personal, signature)]

    return stage.record_entries(make, drafted=digest)[0]


def discard_draft(stage: Stage, digest: str) -> tuple[WaitingEvent, bool]:
    """Delete an event that waits; return it, and whether it is in no byte of the database's own files any more.

    Raises:
        AppendOnly: It was recorded already.
        InvalidInput: No event waits under this digest.
    """
    waiting = find_draft(stage, digest)
    if waiting is None:
        raise InvalidInput(f"Under {digest!r} a decision waits; what was once proposed stays.")
    return waiting, stage.desk.store.proposals.discard(digest)


def _require_not_recorded(stage: Stage, digest: str) -> None:
    recorded = next((event.id for event in stage.events if event.digest() == digest), None)
    if recorded is not None:
        raise AppendOnly(
            f"It was signed and recorded already, as {recorded!r}.", hint="Nothing is left to do."
        )


def _waiting_event(waiting: Waiting) -> WaitingEvent:
    try:
        event: AnyEvent | None = Event.from_json(waiting.body["event"])
    except EventInvalid:
        event = None
    personal, kept = None, waiting.body["personal"]
    if isinstance(kept, dict) and isinstance(kept["value"], dict):
        personal = PersonalPayload(bytes.fromhex(str(kept["salt"])), kept["value"])
    if event is None or event.digest() != waiting.digest:
        raise StoreDamaged(f"The event that waits under {waiting.digest} is another one now.")
    return WaitingEvent(event, personal)
