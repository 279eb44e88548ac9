"""Events: everything that happens in a stage, append-only, and the only thing a score or a gate may read.

The rules, which `in_force` enforces on a whole history and `Event` on each one:

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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dokja.canonical import JSON, canonical_bytes, digest_json, digest_salted, parse_json
from dokja.errors import EventInvalid
from dokja.grammar.checks import is_digest, is_id, is_name, is_time, problems
from dokja.record.payloads import SCHEMAS, Kind

SIMULATOR = "simulator"
"""Who records what no person did: whatever rests on its events says that it is simulated."""

_SALT = re.compile(r"([0-9a-f]{2}){16,64}")


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
class Event:
    """One thing that happened.

    Args:
        id: Unique in its stage; given by whoever records it.
        kind: What happened.
        stage: Name of the stage.
        at: RFC 3339 time in UTC, ending in Z, given by the caller.
        by: Who recorded it: an actor's id such as `office` or `expert:e3`, never a person's name.
        payload: JSON object under the kind's schema (`dokja.record.payloads.SCHEMAS`). Copied; do not change it.
        supersedes: Id of the event this one corrects or retracts; None when it corrects nothing.
        reason: Why, in words; needed when something is superseded.
        personal: Digest of the `PersonalPayload` that lies apart; None when there is none.
        salt: Random hex digits (32 or more) hiding the event behind its digest; empty when it was never sealed.

    Raises:
        EventInvalid: A field is not what it should be; the sentence names every mistake of the payload.
    """

    id: str
    kind: Kind
    stage: str
    at: str
    by: str
    payload: Mapping[str, JSON]
    supersedes: str | None = None
    reason: str = ""
    personal: str | None = None
    salt: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", Kind(self.kind))
        except ValueError:
            raise EventInvalid(f"{self.kind!r} is not a kind of event.") from None
        wrong = _header_problems(self)
        payload = parse_json(canonical_bytes(self.payload))
        if not isinstance(payload, dict):
            wrong.append("has a payload that is not an object")
        else:
            object.__setattr__(self, "payload", payload)
            wrong += [f"has a field {problem}" for problem in problems(SCHEMAS[self.kind], payload)]
        if wrong:
            raise EventInvalid(f"Event {self.id!r} ({self.kind}) {'; it '.join(wrong)}.")

    def as_json(self) -> dict[str, JSON]:
        """Return the event as a JSON object; `Event.from_json` reads it back."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "stage": self.stage,
            "at": self.at,
            "by": self.by,
            "payload": dict(self.payload),
            "supersedes": self.supersedes,
            "reason": self.reason,
            "personal": self.personal,
            "salt": self.salt,
        }

    @classmethod
    def from_json(cls, value: object) -> Event:
        """Return the event a JSON object holds.

        Raises:
            EventInvalid: A field is missing, unknown, or not what it should be.
        """
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise EventInvalid(f"An event has exactly the fields {', '.join(sorted(_FIELDS))}.")
        return cls(**value)

    def digest(self) -> str:
        """Return the digest by which the log, dossiers and decisions name this event."""
        return digest_json("event", self.as_json())


_FIELDS = {"id", "kind", "stage", "at", "by", "payload", "supersedes", "reason", "personal", "salt"}


def _header_problems(event: Event) -> list[str]:
    """Return what is wrong with an event's fields beside its payload, each the end of a sentence."""
    checks = (
        ("an id", is_id(event.id)),
        ("a stage", is_name(event.stage)),
        ("a time", is_time(event.at)),
        ("an actor", is_id(event.by)),
        ("a superseded event", "" if event.supersedes is None else is_id(event.supersedes)),
        ("a reason", "" if isinstance(event.reason, str) else "is not a text"),
        ("a personal payload", "" if event.personal is None else is_digest(event.personal)),
        ("a salt", "" if event.salt == "" or _is_salt(event.salt) else "is not 16 to 64 bytes in hex digits"),
    )
    wrong = [f"has {what} that {problem}" for what, problem in checks if problem]
    if event.supersedes is not None and isinstance(event.reason, str) and not event.reason.strip():
        wrong.append("supersedes another and gives no reason")
    if event.kind is Kind.RETRACTION and event.supersedes is None:
        wrong.append("retracts nothing")
    return wrong


def _is_salt(value: object) -> bool:
    return isinstance(value, str) and _SALT.fullmatch(value) is not None


def in_force(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return the events that stand, in the order of the history: corrected and retracted ones left out.

    A correction stands at its own place in the order, not at the place of what it corrects.

    Raises:
        EventInvalid: An id occurs twice, stages are mixed, or an event supersedes one that did not come before it, was
            superseded already, or is of another kind.
    """
    history: dict[str, Event] = {}
    gone: set[str] = set()
    for event in events:
        require_next(event, history, gone)
        history[event.id] = event
        if event.supersedes is not None:
            gone.add(event.supersedes)
    return tuple(e for e in history.values() if e.id not in gone and e.kind is not Kind.RETRACTION)


def require_next(event: Event, history: Mapping[str, Event], gone: set[str]) -> None:
    """Require that an event may follow a history.

    Args:
        event: The event to be appended.
        history: Id to event, of all that came before.
        gone: Ids superseded so far.

    Raises:
        EventInvalid: It may not.
    """
    if event.id in history:
        raise EventInvalid(f"Two events have the id {event.id!r}.")
    first = next(iter(history.values()), event)
    if event.stage != first.stage:
        raise EventInvalid(f"Event {event.id!r} belongs to stage {event.stage}, not to {first.stage}.")
    if event.supersedes is None:
        return
    old = history.get(event.supersedes)
    if old is None:
        raise EventInvalid(
            f"Event {event.id!r} supersedes {event.supersedes!r}, which did not come before it."
        )
    if event.supersedes in gone:
        raise EventInvalid(
            f"Event {event.id!r} supersedes {event.supersedes!r}, which was superseded already.",
            hint="Name the event that stands in its place.",
        )
    if old.kind is Kind.RETRACTION or event.kind not in (old.kind, Kind.RETRACTION):
        raise EventInvalid(f"Event {event.id!r} ({event.kind}) cannot correct {old.id!r} ({old.kind}).")
