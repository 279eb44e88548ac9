"""The key ring: whose key it was and when it stopped counting, replayed from signed statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON
from dokja.errors import InvalidInput, KeyRefused
from dokja.finding import Reason
from dokja.signature.key import Signature, Signer, instant
from dokja.signature.passkey import Flaw
from dokja.signature.public import parse_public_key

_ROLE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")


class KeyRole(StrEnum):
    """In what capacity a person signs: the usual ones. A rulebook may name others; only ORGANISER is special."""

    ORGANISER = "organiser"
    CHAIR = "chair"
    AUDITOR = "auditor"
    EXPERT = "expert"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is known of a key.

    Args:
        person: Whose it is: an actor's id, never a name.
        role: In what capacity the person signs with it.
        place: Where in the log it was enrolled; signatures count from the next place on.
        since: Time from which it counts.
        ended_place: Where in the log it was revoked or replaced; None while it is in force.
        ended: Time from which it no longer counts.
    """

    person: str
    role: str
    place: int
    since: str
    ended_place: int | None = None
    ended: str = ""


class KeyRing:
    """All keys ever enrolled, as the statements in the log make it. Only `accept` changes it."""

    def __init__(self) -> None:
        self._keys: dict[str, Enrolment] = {}

    @classmethod
    def replay(cls, statements: Iterable[tuple[int, Mapping[str, JSON]]]) -> KeyRing:
        """Return the ring after statements given with their places in the log, in order.

        Raises:
            KeyRefused, InvalidInput: One of them may not be accepted; the sentence says why.
        """
        ring = cls()
        for place, signed in statements:
            ring.accept(place, signed)
        return ring

    def __getitem__(self, key: str) -> Enrolment:
        return self._keys[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def refusal(self, signature: Signature, domain: str, value: object, place: int | None) -> Reason | None:
        """Return why a signature does not count, or None when it does.

        Args:
            signature: The signature.
            domain: What was to be signed.
            value: What was to be signed.
            place: Where in the log the signature lies; None when it is not logged.
        """
        enrolled = self._keys.get(signature.key)
        if enrolled is None:
            return Reason("signature.unknown_key", {"key": signature.key})
        figures: dict[str, JSON] = {"key": signature.key, "person": enrolled.person, "at": signature.at}
        flaw = signature.flaw(domain, value)
        if flaw is not None:
            return Reason(f"signature.{flaw}", figures | {"domain": domain})
        made = instant(signature.at)
        if made < instant(enrolled.since) or (place is not None and place <= enrolled.place):
            return Reason("signature.before_enrolment", figures | {"since": enrolled.since})
        if enrolled.ended_place is not None:
            logged_before = place is not None and place < enrolled.ended_place
            if not logged_before or made >= instant(enrolled.ended):
                return Reason("signature.after_revocation", figures | {"ended": enrolled.ended})
        return None

    def accept(self, place: int, signed: Mapping[str, JSON]) -> None:
        """Take in the next statement about keys.

        Args:
            place: Its place in the log.
            signed: {"statement": {...}, "signatures": [...]} as `key_statement` makes it.

        Raises:
            KeyRefused: Whoever signed it may not say so, or it contradicts what is known.
            InvalidInput: It is malformed.
        """
        statement, signatures = _read_statement(signed)
        for signature in signatures:
            flaw = signature.flaw("key", statement)
            if flaw is not None:
                what = (
                    "signature of something else"
                    if flaw is Flaw.NOT_OF_THIS
                    else f"passkey's answer that does not count: {flaw.said}"
                )
                raise KeyRefused(
                    f"A statement about {statement['key']} carries a {what}.", reason=f"signature.{flaw}"
                )
        {"enrol": self._enrol, "rotate": self._rotate, "revoke": self._revoke}[str(statement["action"])](
            place, statement, signatures
        )

    def _enrol(self, place: int, statement: Mapping[str, str], signatures: list[Signature]) -> None:
        key, role = statement["key"], statement["role"]
        self._require_new(key, signatures)
        if self._keys:
            self._require_signer(place, statement, signatures, {KeyRole.ORGANISER}, person=None)
        elif role != KeyRole.ORGANISER:
            raise KeyRefused(
                "The first key of all must be an organiser's.",
                hint="Enrol an organiser first, in the role organiser; that key then vouches for the others.",
            )
        self._keys[key] = Enrolment(statement["person"], role, place, statement["effective_at"])

    def _rotate(self, place: int, statement: Mapping[str, str], signatures: list[Signature]) -> None:
        old, new = self._require_in_force(statement["key"]), statement["new_key"]
        self._require_new(new, signatures)
        self._require_signer(place, statement, signatures, {KeyRole.ORGANISER}, person=old.person)
        self._end(statement, place)
        self._keys[new] = Enrolment(old.person, old.role, place, statement["effective_at"])

    def _revoke(self, place: int, statement: Mapping[str, str], signatures: list[Signature]) -> None:
        old = self._require_in_force(statement["key"])
        self._require_signer(place, statement, signatures, {KeyRole.ORGANISER}, person=old.person)
        organisers = [
            k for k, e in self._keys.items() if e.role == KeyRole.ORGANISER and e.ended_place is None
        ]
        if organisers == [statement["key"]]:
            raise KeyRefused(
                "This is the last organiser's key; without it no key could ever be enrolled again.",
                hint="Rotate it, or enrol another organiser first.",
            )
        self._end(statement, place)

    def _end(self, statement: Mapping[str, str], place: int) -> None:
        old = self._keys[statement["key"]]
        self._keys[statement["key"]] = Enrolment(
            old.person, old.role, old.place, old.since, place, statement["effective_at"]
        )

    def _require_new(self, key: str, signatures: list[Signature]) -> None:
        if key in self._keys:
            raise KeyRefused(
                f"The key {key} was enrolled before; a key belongs to one person in one role for ever.",
                hint="Make another key for another role.",
            )
        if all(signature.key != key for signature in signatures):
            raise KeyRefused(
                f"The key {key} did not sign its own enrolment, so nobody showed that they hold it."
            )

    def _require_in_force(self, key: str) -> Enrolment:
        enrolled = self._keys.get(key)
        if enrolled is None or enrolled.ended_place is not None:
            raise KeyRefused(f"The key {key} is not in force, so it cannot be replaced or revoked.")
        return enrolled

    def _require_signer(
        self,
        place: int,
        statement: Mapping[str, str],
        signatures: list[Signature],
        roles: set[KeyRole],
        *,
        person: str | None,
    ) -> None:
        """Require a signature, in force at this place, of someone in one of the roles or of the person concerned."""
        for signature in signatures:
            enrolled = self._keys.get(signature.key)
            if enrolled is None or self.refusal(signature, "key", statement, place) is not None:
                continue
            if enrolled.role in roles or enrolled.person == person:
                return
        raise KeyRefused(
            f"Nobody who may say so signed the statement about the key {statement['key']}.",
            hint="Sign it with an organiser's key: --organiser FILE when enrolling, else --by FILE.",
        )


_FIELDS = {
    "enrol": {"action", "person", "role", "key", "effective_at", "reason"},
    "rotate": {"action", "key", "new_key", "effective_at", "reason"},
    "revoke": {"action", "key", "effective_at", "reason"},
}


def key_statement(statement: Mapping[str, str], keys: Iterable[Signer], at: str) -> dict[str, JSON]:
    """Return a signed statement about a key.

    Args:
        statement: `action` (enrol, rotate, revoke), `key`, `effective_at`, `reason`, and for enrol `person` and
            `role`, for rotate `new_key`.
        keys: Who signs: for enrol the new key and an organiser's; for rotate the new key and the old one or an
            organiser's; for revoke a key of that person or an organiser's.
        at: Now, RFC 3339 in UTC.

    Raises:
        InvalidInput: A field is missing, unknown or malformed.
    """
    signed: dict[str, JSON] = {
        "statement": dict(statement),
        "signatures": [key.sign("key", dict(statement), at).as_json() for key in keys],
    }
    _read_statement(signed)
    return signed


def _read_statement(signed: Mapping[str, JSON]) -> tuple[dict[str, str], list[Signature]]:
    if set(signed) != {"statement", "signatures"}:
        raise InvalidInput("A signed statement has exactly the fields statement and signatures.")
    statement, signatures = signed["statement"], signed["signatures"]
    if not isinstance(statement, dict) or not isinstance(signatures, list) or not signatures:
        raise InvalidInput("A statement about a key is an object with a list of signatures.")
    texts = {name: value for name, value in statement.items() if isinstance(value, str) and value.strip()}
    if texts != statement or set(statement) != _FIELDS.get(texts.get("action", "")):
        raise InvalidInput(
            "A statement about a key enrols, rotates or revokes, and gives every field as a text."
        )
    for name in ("key", "new_key"):
        if name in texts:
            parse_public_key(texts[name])
    if "role" in texts and not _ROLE.fullmatch(texts["role"]):
        raise InvalidInput(f"{texts['role']!r} is not a role's short lower-case name.")
    instant(texts["effective_at"])
    return texts, [Signature.from_json(signature) for signature in signatures]
