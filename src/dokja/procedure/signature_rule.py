"""Who must sign a decision, and who has: the one rule that deciding, publishing and verifying ask.

- A signature is an event `decision_signed` in force that names the decision. It counts when the key ring accepts it at
  its place in the log, its key is that of the signer it names, and the rulebook lets the key's role sign.
- k of n counts people. Whoever signs again, with the same key or another one, counts once, in the role of the signature
  that lies first in the log.
- Enough have signed when k people count and, among them, as many of each role as the rulebook asks for.
- What does not count is listed with its reason and takes nothing away from what does: a stolen key's signature stays in
  the log for ever, and the others may still decide.
- Where the rulebook leaves k unknown, nobody can say whether enough have signed, and the answer is UNKNOWN. Where it
  leaves the roles unknown, every enrolled role signs and none is asked for.

A function of its arguments alone: the same record gives the same answer in the office and on a stranger's laptop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.record.events import AnyEvent, Event
from dokja.record.kinds.after import DecisionSigned
from dokja.rulebook import Rulebook, SigningRole, Unknown
from dokja.signature import KeyRing, Signature

DOMAIN = "decision"
"""Under which domain a decision's digest is signed."""


class Enough(StrEnum):
    """Whether enough people have signed."""

    MET = "met"
    SHORT = "short"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signatory:
    """Somebody whose signature counts.

    Args:
        person: An actor's id.
        role: In what capacity the person signed.
        key: The key that signed.
        event: Id of the event that holds the signature.
    """

    person: str
    role: str
    key: str
    event: str


@dataclass(frozen=True, slots=True)
class RefusedSignature:
    """A signature that does not count.

    Args:
        event: Id of the event that holds it.
        signer: Who signed, as the event says.
        reason: Why it does not count.
    """

    event: str
    signer: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class DecisionSignatures:
    """What the rule says of one decision.

    Args:
        decision: Digest of the decision.
        counted: Whose signatures count, each person once, in the order of the log.
        refused: What does not count, in the order of the log.
        needed: How many people must sign; None where the rulebook leaves it unknown.
        missing: Role -> how many more people must sign in it, where any are missing.
        roles: Roles that sign; None where the rulebook leaves them unknown and every role does.
        ring: The key ring it was asked with.
    """

    decision: str
    counted: tuple[Signatory, ...]
    refused: tuple[RefusedSignature, ...]
    needed: int | None
    missing: tuple[tuple[str, int], ...]
    roles: frozenset[str] | None
    ring: KeyRing = field(repr=False, compare=False)

    @property
    def people(self) -> tuple[str, ...]:
        """Return whose signatures count, sorted."""
        return tuple(sorted(one.person for one in self.counted))

    @property
    def enough(self) -> Enough:
        """Return whether enough people have signed."""
        if self.needed is None:
            return Enough.UNKNOWN
        return Enough.MET if len(self.counted) >= self.needed and not self.missing else Enough.SHORT

    def lacking(self) -> tuple[Reason, ...]:
        """Return what is missing, one reason each; nothing when enough have signed or nobody can say."""
        if self.enough is not Enough.SHORT or self.needed is None:
            return ()
        reasons = [
            Reason("signature.role_missing", {"role": role, "people": people})
            for role, people in self.missing
        ]
        if len(self.counted) < self.needed:
            figures = {"people": len(self.counted), "needed": self.needed}
            reasons.insert(0, Reason("signature.too_few", figures))
        return tuple(reasons)

    def may_sign(self, key: str) -> Reason | None:
        """Return why a signature made now with this key would not count, or None when it would.

        Args:
            key: A key as `Signature.key` names it.
        """
        if key not in self.ring:
            return Reason("signature.unknown_key", {"key": key})
        enrolled = self.ring[key]
        if enrolled.ended_place is not None:
            return Reason("signature.key_ended", {"person": enrolled.person, "ended": enrolled.ended})
        return self._refused_person(enrolled.person, enrolled.role)

    def refusal(self, signature: Signature, signer: str, place: int) -> Reason | None:
        """Return why a signature does not count after those counted so far, or None when it does.

        Args:
            signature: The signature.
            signer: Whom the event names as the signer.
            place: Where in the log it lies, or would.
        """
        reason = self.ring.refusal(signature, DOMAIN, self.decision, place)
        if reason is not None:
            return reason
        enrolled = self.ring[signature.key]
        if enrolled.person != signer:
            return Reason("signature.another_signer", {"person": enrolled.person, "signer": signer})
        return self._refused_person(enrolled.person, enrolled.role)

    def _refused_person(self, person: str, role: str) -> Reason | None:
        if self.roles is not None and role not in self.roles:
            return Reason("signature.wrong_role", {"person": person, "role": role})
        if any(one.person == person for one in self.counted):
            return Reason("signature.same_person", {"person": person, "role": role})
        return None


def signatures_of(
    rulebook: Rulebook, ring: KeyRing, placed: Iterable[tuple[int, AnyEvent]], decision: str
) -> DecisionSignatures:
    """Return who has signed a decision, whose signature does not count, and what is missing.

    Args:
        rulebook: The rulebook the decision was made under.
        ring: Every key ever enrolled.
        placed: Events of the record with their places in the log, in the order of the log. Events that were superseded
            belong to it, so that one can see that they were.
        decision: Digest of the decision.
    """
    rule = rulebook.signatures
    needed = None if isinstance(rule.k, Unknown) else rule.k
    listed: tuple[SigningRole, ...] = () if isinstance(rule.roles, Unknown) else rule.roles
    roles = None if isinstance(rule.roles, Unknown) else frozenset(role.name for role in listed)
    counted: list[Signatory] = []
    refused: list[RefusedSignature] = []
    for place, event in _standing(placed, decision):
        signer, key = event.payload.signer, event.payload.key
        so_far = DecisionSignatures(decision, tuple(counted), (), needed, (), roles, ring)
        try:
            signature = Signature(key, event.at, event.payload.signature)
        except InvalidInput:
            reason: Reason | None = Reason("signature.malformed", {"event": event.id})
        else:
            reason = so_far.refusal(signature, signer, place)
        if reason is None:
            counted.append(Signatory(signer, ring[key].role, key, event.id))
        else:
            refused.append(RefusedSignature(event.id, signer, reason))
    missing = _missing(listed, Counter(one.role for one in counted))
    return DecisionSignatures(decision, tuple(counted), tuple(refused), needed, missing, roles, ring)


def _standing(
    placed: Iterable[tuple[int, AnyEvent]], decision: str
) -> Iterator[tuple[int, Event[DecisionSigned]]]:
    """Yield the decision's signatures that no event shown supersedes; a record with sealed events tells no more."""
    events = list(placed)
    gone = {event.supersedes for _, event in events}
    for place, event in events:
        signed = isinstance(event.payload, DecisionSigned) and event.payload.decision == decision
        if signed and event.id not in gone:
            yield place, event


def _missing(listed: Iterable[SigningRole], present: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Return how many people each role still lacks, in the order of the rulebook; a role listed twice asks for the more."""
    asked: dict[str, int] = {}
    for role in listed:
        asked[role.name] = max(asked.get(role.name, 0), role.at_least)
    return tuple((role, least - present[role]) for role, least in asked.items() if present[role] < least)
