"""Events: everything that happens in a stage, append-only, and the only thing a score or a gate may read.

The rules, which `History` enforces on a whole history and `Event` on each one:

- An event never changes. A correction is a new event of the same kind that names the old one and says why; a
  retraction names one and puts nothing in its place.
- Order is the order of the history (the log's), never the order of the times written in the events.
- One event is corrected at most once; to correct again, name the correction. Two corrections of the same event
  would leave two truths and are refused.
- What identifies a person lies apart, under a salt, as a `PersonalPayload`; the event holds only its digest. Erasing
  the payload leaves the event, its digest, its reason and its signature as they were.
- An event that stays sealed for a while (a vote, a score) carries a `salt`, so that its digest in the log hides it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from dokja.canonical import JSON, digest_json, digest_salted
from dokja.errors import EventInvalid, InvalidInput
from dokja.grammar.mistakes import Mistake
from dokja.grammar.model import Misread, read_model
from dokja.grammar.types import DIGEST_PATTERN, ID_PATTERN, INSTANT_PATTERN, NAME_PATTERN
from dokja.record.payload import Payload, kind_of

SIMULATOR = "simulator"
"""Who records what no person did: whatever rests on its events says that it is simulated."""

P_co = TypeVar("P_co", bound=Payload, covariant=True)
_Q = TypeVar("_Q", bound=Payload)

_ID, _NAME = re.compile(ID_PATTERN), re.compile(NAME_PATTERN)
_DIGEST, _INSTANT = re.compile(DIGEST_PATTERN), re.compile(INSTANT_PATTERN)
_SALT = re.compile(r"(?:(?:[0-9a-f]{2}){16,64})?")
RETRACTION = "retraction"


@dataclass(frozen=True, slots=True)
class PersonalPayload:
    """What identifies a person, kept apart from the event so that it can be erased.

    Args:
        salt: At least 16 random bytes; erased with the value.
        value: A JSON object: a name, an affiliation, an address, a comment in someone's own words.
    """

    salt: bytes
    value: Mapping[str, JSON]

    def digest(self) -> str:
        """Return the digest an event carries in `personal`."""
        return digest_salted(self.salt, dict(self.value))


@dataclass(frozen=True, slots=True)
class Event(Generic[P_co]):
    """One thing that happened.

    Args:
        id: Unique in its stage; given by whoever records it.
        kind: What happened: the `kind` of a class in `record/kinds/`.
        stage: Name of the stage.
        at: RFC 3339 time in UTC, ending in Z, given by the caller.
        by: Who recorded it: an actor's id such as `office` or `expert:e3`, never a person's name.
        payload: What it says, as its kind's class; a JSON object is read into one.
        supersedes: Id of the event this one corrects or retracts; None when it corrects nothing.
        reason: Why, in words; needed when something is superseded.
        personal: Digest of the `PersonalPayload` that lies apart; None when there is none.
        salt: Random hex digits (32 or more) hiding the event behind its digest; empty when it was never sealed.

    Raises:
        EventInvalid: A field is not what it should be; the sentence names every mistake of the payload.
    """

    id: str
    kind: str
    stage: str
    at: str
    by: str
    payload: P_co = field(repr=False)
    supersedes: str | None = None
    reason: str = ""
    personal: str | None = None
    salt: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        try:
            kind = kind_of(self.kind)
        except InvalidInput as error:
            raise EventInvalid(f"{self.kind!r} is not a kind of event.", hint=error.hint) from None
        mistakes = _header_mistakes(self)
        given: object = self.payload
        if not isinstance(given, Payload):
            try:
                object.__setattr__(self, "payload", read_model(kind, given))
            except Misread as error:
                mistakes += error.mistakes
        elif type(given) is not kind:
            mistakes.append(Mistake.made("payload", "another_kind", f"is of kind {given.kind}"))
        if mistakes:
            told = "; ".join(one.told for one in mistakes)
            raise EventInvalid(
                f"Event {self.id!r} ({self.kind}) is refused: {told}.",
                mistakes=[one.as_json() for one in mistakes],
            )

    def as_json(self) -> dict[str, JSON]:
        """Return the event as a JSON object; `Event.from_json` reads it back."""
        return {
            "id": self.id,
            "kind": self.kind,
            "stage": self.stage,
            "at": self.at,
            "by": self.by,
            "payload": self.payload.as_json(),
            "supersedes": self.supersedes,
            "reason": self.reason,
            "personal": self.personal,
            "salt": self.salt,
        }

    @classmethod
    def from_json(cls, value: object) -> AnyEvent:
        """Return the event a JSON object holds.

        Raises:
            EventInvalid: A field is missing, unknown, or not what it should be.
        """
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise EventInvalid(f"An event has exactly the fields {', '.join(sorted(_FIELDS))}.")
        if not isinstance(value["payload"], dict):
            raise EventInvalid(f"Event {str(value['id'])[:80]!r} has a payload that is not an object.")
        return cast("AnyEvent", cls(**value))

    def digest(self) -> str:
        """Return the digest by which the log, dossiers and decisions name this event."""
        return digest_json("event", self.as_json())


AnyEvent = Event[Any]
_FIELDS = {"id", "kind", "stage", "at", "by", "payload", "supersedes", "reason", "personal", "salt"}
_HEADER = {
    "id": (_ID, "not_an_id", "is not an identifier"),
    "stage": (_NAME, "not_a_name", "is not a short lower-case name (letters, digits, _ . -)"),
    "at": (_INSTANT, "not_an_instant", "is not an RFC 3339 time in UTC such as 2026-01-15T06:00:00Z"),
    "by": (_ID, "not_an_id", "is not an identifier"),
    "supersedes": (_ID, "not_an_id", "is not an identifier"),
    "personal": (_DIGEST, "not_a_digest", "is not a sha256 digest"),
}
_MAY_BE_NONE = ("supersedes", "personal")


def _header_mistakes(event: AnyEvent) -> list[Mistake]:
    """Return what is wrong with an event's fields beside its payload."""
    wrong = []
    for name, (pattern, key, told) in _HEADER.items():
        value = getattr(event, name)
        if value is None and name in _MAY_BE_NONE:
            continue
        if (
            not isinstance(value, str)
            or not pattern.fullmatch(value)
            or (name == "at" and not _exists(value))
        ):
            wrong.append(Mistake.made(name, key, told, {"found": str(value)[:80]}))
    salt: object = event.salt
    if not isinstance(salt, str) or not _SALT.fullmatch(salt):
        wrong.append(Mistake.made("salt", "not_a_salt", "is not 16 to 64 bytes in hex digits"))
    reason: object = event.reason
    if not isinstance(reason, str):
        wrong.append(Mistake.made("reason", "expected_text", "is not a text"))
    elif event.supersedes is not None and not reason.strip():
        wrong.append(
            Mistake.made("reason", "no_reason", "is empty: it supersedes another event and gives no reason")
        )
    if event.kind == RETRACTION and event.supersedes is None:
        wrong.append(Mistake.made("supersedes", "retracts_nothing", "is missing: it retracts nothing"))
    return wrong


def _exists(instant: str) -> bool:
    try:
        datetime.fromisoformat(instant[:19])
    except ValueError:
        return False
    return True


def require_next(event: AnyEvent, before: Mapping[str, AnyEvent], gone: Collection[str]) -> AnyEvent | None:
    """Require that an event may follow others, and return the one it corrects or takes back; None when it does neither.

    Args:
        event: The event to be appended.
        before: Id to event, of what came before; at least the first and what the event names.
        gone: Ids superseded so far.

    Raises:
        EventInvalid: It may not.
    """
    if event.id in before:
        raise EventInvalid(f"Two events have the id {event.id!r}.")
    first = next(iter(before.values()), event)
    if event.stage != first.stage:
        raise EventInvalid(f"Event {event.id!r} belongs to stage {event.stage}, not to {first.stage}.")
    if event.supersedes is None:
        return None
    old = before.get(event.supersedes)
    if old is None:
        raise EventInvalid(
            f"Event {event.id!r} supersedes {event.supersedes!r}, which did not come before it."
        )
    if old.id in gone:
        raise EventInvalid(
            f"Event {event.id!r} supersedes {event.supersedes!r}, which was superseded already.",
            hint="Name the event that stands in its place.",
        )
    if old.kind == RETRACTION or event.kind not in (old.kind, RETRACTION):
        raise EventInvalid(f"Event {event.id!r} ({event.kind}) cannot correct {old.id!r} ({old.kind}).")
    return old


def those(events: Iterable[AnyEvent], kind: type[_Q]) -> list[Event[_Q]]:
    """Return the events of a kind, or of the kinds below a class, in their order."""
    return [event for event in events if isinstance(event.payload, kind)]
