"""Verify a dossier from the file alone: every statement it makes, recomputed, and what could not be.

Nothing is read but the file, nothing is asked of a network. Each statement has a dotted name and one of three
standings; a changed byte makes the file unreadable or at least one statement BROKEN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from dokja.canonical import JSON, canonical_bytes, digest_json, digest_salted
from dokja.dossier import AUDITOR, Dossier, Entry, ReadDossier, read_dossier
from dokja.errors import DokjaError, EventInvalid, InvalidInput, KeyRefused, UnreadableArtifact
from dokja.finding import Reason
from dokja.program.decision import decide, decision_digest
from dokja.program.events import Event, in_force
from dokja.program.payloads import Kind
from dokja.program.rulebook import Rulebook, Unknown, rulebook_from_json
from dokja.signature import KeyRing, Signature
from dokja.store import merkle
from dokja.store.checkpoint_note import Checkpoint, Note, NoteKey, parse_checkpoint, parse_note
from dokja.store.log import leaf_of


class Standing(StrEnum):
    """What became of one statement of a dossier."""

    HOLDS = "HOLDS"
    BROKEN = "BROKEN"
    COULD_NOT_RECOMPUTE = "COULD_NOT_RECOMPUTE"


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing a dossier says.

    Args:
        name: Dotted and stable, e.g. `decision.signatures`.
        standing: Whether it holds.
        reason: What was seen, as a message key with figures.
    """

    name: str
    standing: Standing
    reason: Reason


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """Every statement of a dossier, in the order in which they rest on each other.

    Args:
        stage: Name of the stage.
        profile: `public` or `auditor`.
        statements: At least one.
    """

    stage: str
    profile: str
    statements: tuple[Statement, ...]

    def named(self, standing: Standing) -> tuple[str, ...]:
        """Return the names of the statements with this standing."""
        return tuple(s.name for s in self.statements if s.standing is standing)

    @property
    def intact(self) -> bool:
        """Return whether nothing is broken. What could not be recomputed is listed, not counted against."""
        return not self.named(Standing.BROKEN)

    def as_json(self) -> dict[str, JSON]:
        """Return the report as a JSON object; the sentences are put in by whoever shows it."""
        return {
            "stage": self.stage,
            "profile": self.profile,
            "intact": self.intact,
            "statements": [
                {
                    "name": s.name,
                    "standing": s.standing.value,
                    "reason": {"key": s.reason.key, "figures": dict(s.reason.figures)},
                }
                for s in self.statements
            ],
        }


def verify_dossier(data: bytes, *, log_key: str = "") -> VerificationReport:
    """Recompute everything a dossier states.

    Args:
        data: The file.
        log_key: The log's verifier key `name+id+base64` as published elsewhere; empty when it is not known, and then
            the report says that the key in the file was not compared with anything.

    Raises:
        DossierUnreadable: It is not a dossier; the sentence names the place.
        InvalidInput: `log_key` is not a verifier key.
    """
    read = read_dossier(data)
    expected = str(NoteKey.parse(log_key)) if log_key else ""
    verifier = _Verifier(read, expected)
    return VerificationReport(read.dossier.stage, read.dossier.profile, tuple(verifier.statements()))


def _holds(name: str, /, **figures: JSON) -> Statement:
    return Statement(name, Standing.HOLDS, Reason(f"dossier.{name}.holds", figures))


def _broken(name: str, how: str, /, **figures: JSON) -> Statement:
    return Statement(name, Standing.BROKEN, Reason(f"dossier.{name}.{how}", figures))


def _unknown(name: str, how: str, /, **figures: JSON) -> Statement:
    return Statement(name, Standing.COULD_NOT_RECOMPUTE, Reason(f"dossier.{name}.{how}", figures))


@dataclass(frozen=True)
class _Verifier:
    """One dossier under verification. Each check is independent, so that one break does not hide another."""

    read: ReadDossier
    expected_log_key: str

    @property
    def dossier(self) -> Dossier:
        return self.read.dossier

    def statements(self) -> Iterator[Statement]:
        yield self._file()
        yield self._seal()
        yield self._log_key()
        yield self._checkpoint()
        yield self._inclusion()
        yield self._root()
        yield self._consistency()
        yield self._keys()
        yield self._rulebook()
        yield self._events()
        yield self._event_signatures()
        yield self._personal()
        yield self._decision_signatures()
        yield self._decision()
        yield self._uncertainty()

    def _file(self) -> Statement:
        name = "file.canonical"
        return _holds(name) if self.read.is_canonical else _broken(name, "respelt")

    def _seal(self) -> Statement:
        name, sealed = "file.seal", self.dossier.seal()
        return (
            _holds(name, seal=sealed) if self.read.seal == sealed else _broken(name, "differs", seal=sealed)
        )

    def _log_key(self) -> Statement:
        name, key = "log.key", self.dossier.log_key
        if not self.expected_log_key:
            return _unknown(name, "not_compared", key=key)
        return _holds(name, key=key) if key == self.expected_log_key else _broken(name, "another", key=key)

    @cached_property
    def _note(self) -> tuple[Note, Checkpoint] | None:
        try:
            note = parse_note(self.dossier.checkpoint)
            key = NoteKey.parse(self.dossier.log_key)
            checkpoint = parse_checkpoint(note)
        except (InvalidInput, UnreadableArtifact):
            return None
        signed = note.signed_by(key) and key.name == checkpoint.origin and len(note.lines) == 1
        return (note, checkpoint) if signed else None

    def _checkpoint(self) -> Statement:
        name = "log.checkpoint"
        if self._note is None:
            return _broken(name, "unsigned")
        checkpoint = self._note[1]
        return _holds(name, origin=checkpoint.origin, size=checkpoint.size)

    def _inclusion(self) -> Statement:
        name, record = "log.inclusion", self.dossier.record
        if self._note is None:
            return _broken(name, "no_checkpoint")
        checkpoint = self._note[1]
        last = -1
        for entry in record:
            proven = merkle.verify_inclusion(
                leaf_of(entry.digest()), entry.place, checkpoint.size, entry.proof, checkpoint.root
            )
            if not proven or entry.place <= last:
                return _broken(name, "not_proven", place=entry.place, kind=entry.kind)
            last = entry.place
        return _holds(name, entries=len(record)) if record else _broken(name, "empty")

    def _root(self) -> Statement:
        name, record = "log.root", self.dossier.record
        if self._note is None:
            return _broken(name, "no_checkpoint")
        checkpoint = self._note[1]
        if len(record) < checkpoint.size:
            return _unknown(
                name, "others_left_out", others=checkpoint.size - len(record), size=checkpoint.size
            )
        root = merkle.root_of(leaf_of(entry.digest()) for entry in record)
        return _holds(name, size=checkpoint.size) if root == checkpoint.root else _broken(name, "differs")

    def _consistency(self) -> Statement:
        name, earlier = "log.consistency", self.dossier.earlier
        if self._note is None:
            return _broken(name, "no_checkpoint")
        checkpoint = self._note[1]
        sizes = [0]
        for state in earlier:
            try:
                note = parse_note(state.note)
                old = parse_checkpoint(note)
                signed = note.signed_by(NoteKey.parse(self.dossier.log_key)) and len(note.lines) == 1
            except (InvalidInput, UnreadableArtifact):
                return _broken(name, "unsigned", number=len(sizes))
            grew = merkle.verify_consistency(
                old.size, checkpoint.size, state.proof, old.root, checkpoint.root
            )
            if not (signed and grew and old.origin == checkpoint.origin and old.size >= sizes[-1]):
                return _broken(name, "rewritten", number=len(sizes), size=old.size)
            sizes.append(old.size)
        return _holds(name, earlier=len(earlier))

    @cached_property
    def _ring(self) -> KeyRing | DokjaError:
        try:
            return KeyRing.replay(
                (entry.place, _object(entry.body["statement"]))
                for entry in self.dossier.record
                if entry.kind == "key"
            )
        except (KeyRefused, InvalidInput) as error:
            return error

    def _keys(self) -> Statement:
        name = "keys.statements"
        if isinstance(self._ring, DokjaError):
            return _broken(name, "refused", sentence=self._ring.message)
        first = next((key for key in self._ring), "")
        return _holds(name, keys=len(list(self._ring)), first=first) if first else _unknown(name, "none")

    @cached_property
    def _book(self) -> Rulebook | DokjaError:
        try:
            book = rulebook_from_json(dict(self.dossier.rulebook))
        except DokjaError as error:
            return error
        if digest_json("rulebook", dict(self.dossier.rulebook)) != book.digest():
            return InvalidInput("The rulebook is not spelt as it is hashed.")
        return book

    def _rulebook(self) -> Statement:
        name = "rulebook.digest"
        if isinstance(self._book, DokjaError):
            return _broken(name, "invalid", sentence=self._book.message)
        digest = self._book.digest()
        named = {
            event.payload["rulebook"]
            for _, event, _ in self._open
            if event.kind in (Kind.STAGE_OPENED, Kind.AMENDMENT)
        }
        if digest in named:
            return _holds(name, rulebook=digest)
        return (
            _unknown(name, "sealed", rulebook=digest)
            if self._sealed and not named
            else _broken(name, "not_named", rulebook=digest)
        )

    @cached_property
    def _events_or_error(self) -> list[tuple[int, Event, JSON]] | EventInvalid:
        """(place, event, signature given with it) of every event shown in full."""
        try:
            return [
                (entry.place, Event.from_json(entry.body["event"]), entry.body["signature"])
                for entry in self.dossier.record
                if entry.kind == "event"
            ]
        except EventInvalid as error:
            return error

    @property
    def _open(self) -> list[tuple[int, Event, JSON]]:
        return [] if isinstance(self._events_or_error, EventInvalid) else self._events_or_error

    @property
    def _sealed(self) -> list[Entry]:
        return [entry for entry in self.dossier.record if entry.kind == "sealed"]

    def _events(self) -> Statement:
        name = "events.history"
        if isinstance(self._events_or_error, EventInvalid):
            return _broken(name, "invalid", sentence=self._events_or_error.message)
        astray = [event.id for _, event, _ in self._open if event.stage != self.dossier.stage]
        if astray:
            return _broken(name, "other_stage", event=astray[0])
        if self._sealed:
            if self.dossier.profile == AUDITOR:
                return _broken(name, "sealed_from_auditor", sealed=len(self._sealed))
            return _unknown(name, "sealed", sealed=len(self._sealed), open=len(self._open))
        try:
            in_force(event for _, event, _ in self._open)
        except EventInvalid as error:
            return _broken(name, "invalid", sentence=error.message)
        return _holds(name, events=len(self._open))

    def _event_signatures(self) -> Statement:
        name, seen = "events.signatures", 0
        for place, event, given in self._open:
            if given is None:
                continue
            seen += 1
            if isinstance(self._ring, DokjaError):
                return _broken(name, "no_keys")
            try:
                refusal = self._ring.refusal(Signature.from_json(given), "event", event.digest(), place)
            except InvalidInput:
                return _broken(name, "malformed", event=event.id)
            if refusal is not None:
                return _broken(name, "refused", event=event.id, why=refusal.key)
        return _holds(name, signatures=seen)

    def _personal(self) -> Statement:
        name, dossier = "personal.payloads", self.dossier
        digests = {place: event.personal for place, event, _ in self._open}
        by_event = {event.digest(): event.personal for _, event, _ in self._open}
        erased = set()
        for entry in dossier.record:
            if entry.kind == "erasure":
                body = _object(entry.body["erasure"])
                shown = body.get("event") in by_event
                if shown and (
                    body.get("personal") is None or by_event[str(body["event"])] != body["personal"]
                ):
                    return _broken(name, "wrong_erasure", place=entry.place)
                erased.add(body.get("personal"))
        if dossier.profile != AUDITOR:
            return (
                _broken(name, "published")
                if dossier.personal
                else _holds(name, payloads=0, erased=len(erased))
            )
        given = {p.place for p in dossier.personal}
        for p in dossier.personal:
            if digests.get(p.place) != digest_salted(bytes.fromhex(p.salt), dict(p.value)):
                return _broken(name, "differs", place=p.place)
        owed = {place for place, digest in digests.items() if digest is not None and digest not in erased}
        if len(given) != len(dossier.personal) or given != owed:
            return _broken(name, "missing", places=len(given ^ owed))
        return _holds(name, payloads=len(given), erased=len(erased))

    def _decision_signatures(self) -> Statement:
        name, digest = "decision.signatures", decision_digest(self.dossier.decision)
        if isinstance(self._book, DokjaError) or isinstance(self._ring, DokjaError):
            return _broken(name, "no_rule")
        rule = self._book.signatures
        signed, malformed = self._signed(digest)
        if malformed:
            return _broken(name, "malformed", event=malformed)
        if isinstance(rule.k, Unknown):
            return _unknown(name, "rule_unknown", signatures=len(signed))
        ring = self._ring
        any_role = frozenset(ring[key].role for key in ring)
        roles = any_role if isinstance(rule.roles, Unknown) else frozenset(role.name for role in rule.roles)
        if not roles:
            return _broken(name, "too_few", people=0, needed=rule.k)
        count = ring.count([(p, s) for p, _, s in signed], "decision", digest, needed=rule.k, roles=roles)
        if count.refused:
            return _broken(name, "refused", why=count.refused[0][1].key, key=count.refused[0][0].key)
        if any(ring[signature.key].person != signer for _, signer, signature in signed):
            return _broken(name, "another_signer")
        seats = () if isinstance(rule.roles, Unknown) else rule.roles
        present = [role for _, role in count.signers]
        missing = [role.name for role in seats if present.count(role.name) < role.at_least]
        if not count.met or missing:
            return _broken(name, "too_few", people=len(count.people), needed=rule.k)
        return _holds(name, people=len(count.people), needed=rule.k, signers=", ".join(count.people))

    def _signed(self, digest: str) -> tuple[list[tuple[int, str, Signature]], str]:
        """Return (place, signer, signature) of each signature of this decision in force; and a malformed one's event."""
        place_of = {event.id: place for place, event, _ in self._open}
        signed = []
        for event in _standing([event for _, event, _ in self._open]):
            if event.kind is not Kind.DECISION_SIGNED or event.payload["decision"] != digest:
                continue
            payload = event.payload
            try:
                signature = Signature(str(payload["key"]), event.at, str(payload["signature"]))
            except InvalidInput:
                return [], event.id
            signed.append((place_of[event.id], str(payload["signer"]), signature))
        return signed, ""

    def _decision(self) -> Statement:
        name, dossier = "decision.recomputed", self.dossier
        if isinstance(self._book, DokjaError) or isinstance(self._events_or_error, EventInvalid):
            return _broken(name, "no_rule")
        hidden = [entry for entry in self._sealed if entry.place < dossier.before]
        if hidden:
            return _unknown(name, "sealed", sealed=len(hidden))
        read = [event for place, event, _ in self._open if place < dossier.before]
        try:
            outcome = decide(self._book, read).as_json()
        except DokjaError as error:
            return _broken(name, "refused", sentence=error.message)
        same = canonical_bytes(outcome) == canonical_bytes(dossier.decision.get("outcome"))
        return _holds(name, events=len(read)) if same else _broken(name, "differs", events=len(read))

    def _uncertainty(self) -> Statement:
        name, stated = "decision.uncertainty", self.dossier.decision.get("uncertainty")
        return _holds(name) if stated is None else _unknown(name, "simulated")


def _standing(events: list[Event]) -> list[Event]:
    """Return the events no other one shown supersedes; a dossier with sealed events cannot tell more."""
    gone = {event.supersedes for event in events}
    return [event for event in events if event.id not in gone]


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
