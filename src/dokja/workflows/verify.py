"""Verify a dossier from the file alone: every statement it makes, recomputed, and what could not be.

Nothing is read but the file, nothing is asked of a network. Each statement has a dotted name and one of three
standings; a changed byte makes the file unreadable or at least one statement BROKEN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import combinations
from typing import TypeGuard

from dokja.canonical import JSON, canonical_bytes, digest_json, digest_salted, parse_json
from dokja.deciding.decided import Decided
from dokja.deciding.decision import decide, decision_digest
from dokja.dossier import AUDITOR, Dossier, DossierEntry, ReadDossier, read_dossier
from dokja.errors import DokjaError, EventInvalid, InvalidInput, KeyRefused
from dokja.grammar.model import read_model
from dokja.procedure.signature_rule import Enough, signatures_of
from dokja.publishing.principal import PUBLIC
from dokja.publishing.see import see
from dokja.record.events import AnyEvent, Event, those
from dokja.record.history import History
from dokja.record.kinds.frame import Amended, StageOpened
from dokja.rulebook import Rulebook, rulebook_from_json
from dokja.rulebook.normalisers import DECIMALS
from dokja.sensitivity.uncertainty import assess
from dokja.signature import KeyRing, Signature
from dokja.signature.note import NoteKey
from dokja.workflows.verification import (
    DossierStatement,
    StatementStanding,
    VerificationReport,
    broken,
    holding,
    holds,
    unknown,
)
from dokja.workflows.verify_log import log_statements

_MOST_REPLICATES = 100_000

__all__ = ["DossierStatement", "StatementStanding", "VerificationReport", "verify_dossier"]


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


@dataclass(frozen=True)
class _Verifier:
    """One dossier under verification. Each check is independent, so that one break does not hide another."""

    read: ReadDossier
    expected_log_key: str

    @property
    def dossier(self) -> Dossier:
        return self.read.dossier

    def statements(self) -> Iterator[DossierStatement]:
        yield self._file()
        yield self._seal()
        yield from log_statements(self.dossier, self.expected_log_key)
        yield self._keys()
        yield self._rulebook()
        yield self._events()
        yield self._event_signatures()
        yield self._personal()
        yield self._decision_signatures()
        yield self._decision_public()
        yield self._commitment()
        yield self._decision()
        yield self._uncertainty()

    def _file(self) -> DossierStatement:
        name = "file.canonical"
        return holds(name) if self.read.is_canonical else broken(name, "respelt")

    def _seal(self) -> DossierStatement:
        name, sealed = "file.seal", self.dossier.seal()
        return holds(name, seal=sealed) if self.read.seal == sealed else broken(name, "differs", seal=sealed)

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

    def _keys(self) -> DossierStatement:
        name = "keys.statements"
        if isinstance(self._ring, DokjaError):
            return broken(name, "refused", sentence=self._ring.message)
        first = next((key for key in self._ring), "")
        return holds(name, keys=len(list(self._ring)), first=first) if first else unknown(name, "none")

    @cached_property
    def _book(self) -> Rulebook | DokjaError:
        try:
            book = rulebook_from_json(dict(self.dossier.rulebook))
        except DokjaError as error:
            return error
        if digest_json("rulebook", dict(self.dossier.rulebook)) != book.digest():
            return InvalidInput("The rulebook is not spelt as it is hashed.")
        return book

    def _rulebook(self) -> DossierStatement:
        name = "rulebook.digest"
        if isinstance(self._book, DokjaError):
            return broken(name, "invalid", sentence=self._book.message)
        digest = self._book.digest()
        shown = [event for _, event, _ in self._open]
        named = {event.payload.rulebook for event in those(shown, StageOpened)}
        named |= {event.payload.rulebook for event in those(shown, Amended)}
        if digest in named:
            return holds(name, rulebook=digest)
        return (
            unknown(name, "sealed", rulebook=digest)
            if self._sealed and not named
            else broken(name, "not_named", rulebook=digest)
        )

    @cached_property
    def _events_or_error(self) -> list[tuple[int, AnyEvent, JSON]] | EventInvalid:
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
    def _open(self) -> list[tuple[int, AnyEvent, JSON]]:
        return [] if isinstance(self._events_or_error, EventInvalid) else self._events_or_error

    @property
    def _sealed(self) -> list[DossierEntry]:
        return [entry for entry in self.dossier.record if entry.kind == "sealed"]

    def _events(self) -> DossierStatement:
        name = "events.history"
        if isinstance(self._events_or_error, EventInvalid):
            return broken(name, "invalid", sentence=self._events_or_error.message)
        astray = [event.id for _, event, _ in self._open if event.stage != self.dossier.stage]
        if astray:
            return broken(name, "other_stage", event=astray[0])
        if self._sealed:
            if self.dossier.profile == AUDITOR:
                return broken(name, "sealed_from_auditor", sealed=len(self._sealed))
            return unknown(name, "sealed", sealed=len(self._sealed), open=len(self._open))
        try:
            History.of(event for _, event, _ in self._open)
        except EventInvalid as error:
            return broken(name, "invalid", sentence=error.message)
        return holds(name, events=len(self._open))

    def _event_signatures(self) -> DossierStatement:
        name, seen = "events.signatures", 0
        for place, domain, value, given in self._signed:
            seen += 1
            if isinstance(self._ring, DokjaError):
                return broken(name, "no_keys")
            try:
                refusal = self._ring.refusal(Signature.from_json(given), domain, value, place)
            except InvalidInput:
                return broken(name, "malformed", place=place)
            if refusal is not None:
                return broken(name, "refused", place=place, why=refusal.key)
        return holds(name, signatures=seen)

    @property
    def _signed(self) -> Iterator[tuple[int, str, object, JSON]]:
        """(place, domain, what is signed, signature) of every event and erasure that carries a signature."""
        for place, event, given in self._open:
            if given is not None:
                yield place, "event", event.digest(), given
        for place, body in self._erasures:
            if "signature" in body:
                stated = {key: value for key, value in body.items() if key != "signature"}
                yield place, "erasure", stated, body["signature"]

    @property
    def _erasures(self) -> Iterator[tuple[int, dict[str, JSON]]]:
        for entry in self.dossier.record:
            if entry.kind == "erasure":
                yield entry.place, _object(entry.body["erasure"])

    def _personal(self) -> DossierStatement:
        name, dossier = "personal.payloads", self.dossier
        digests = {place: event.personal for place, event, _ in self._open}
        erasures, erased = list(self._erasures), set()
        by_event = {event.digest(): event.personal for _, event, _ in self._open} if erasures else {}
        for place, body in erasures:
            if not isinstance(body.get("event"), str) or not isinstance(
                body.get("personal"), (str, type(None))
            ):
                return broken(name, "wrong_erasure", place=place)
            shown = body.get("event") in by_event
            if shown and (body.get("personal") is None or by_event[str(body["event"])] != body["personal"]):
                return broken(name, "wrong_erasure", place=place)
            erased.add(body.get("personal"))
        if dossier.profile != AUDITOR:
            return (
                broken(name, "published") if dossier.personal else holds(name, payloads=0, erased=len(erased))
            )
        given = {p.place for p in dossier.personal}
        for p in dossier.personal:
            if digests.get(p.place) != digest_salted(bytes.fromhex(p.salt), dict(p.value)):
                return broken(name, "differs", place=p.place)
        owed = {place for place, digest in digests.items() if digest is not None and digest not in erased}
        if len(given) != len(dossier.personal) or given != owed:
            return broken(name, "missing", places=len(given ^ owed))
        return holds(name, payloads=len(given), erased=len(erased))

    def _decision_signatures(self) -> DossierStatement:
        name, digest = "decision.signatures", decision_digest(self.dossier.decision)
        if isinstance(self._book, DokjaError) or isinstance(self._ring, DokjaError):
            return broken(name, "no_rule")
        placed = [(place, event) for place, event, _ in self._open]
        signed = signatures_of(self._book, self._ring, placed, digest)
        if signed.enough is Enough.UNKNOWN:
            return unknown(name, "rule_unknown", signatures=len(signed.counted) + len(signed.refused))
        figures: dict[str, JSON] = {
            "people": len(signed.people),
            "needed": signed.needed,
            "signers": ", ".join(signed.people) or "–",
            "missing": ", ".join(f"{role} ({people})" for role, people in signed.missing) or "–",
            "refused": len(signed.refused),
            "why": ", ".join(sorted({one.reason.key for one in signed.refused})),
        }
        if signed.enough is Enough.MET:
            return holds(name, **figures)
        return broken(name, "refused", **figures) if signed.refused else broken(name, "too_few", **figures)

    def _decision_public(self) -> DossierStatement:
        """What the signed body shows must be exactly the rulebook's public view of what it commits to."""
        name, opened = "decision.public", self.dossier.opened
        if opened is None:
            return (
                unknown(name, "sealed")
                if self.dossier.profile != AUDITOR
                else broken(name, "sealed_from_auditor")
            )
        if isinstance(self._book, DokjaError):
            return broken(name, "no_rule")
        uncertainty = opened.value.get("uncertainty")
        if not isinstance(uncertainty, dict | None):
            return broken(name, "malformed")
        try:
            decided = read_model(Decided, opened.value.get("outcome"))
            public = see(PUBLIC, self._book).decision(decided, uncertainty).as_json()
            same = canonical_bytes(public) == canonical_bytes(self.dossier.decision.get("public"))
        except (KeyError, TypeError, ValueError, AttributeError, AssertionError, InvalidInput):
            return broken(name, "malformed")
        return holds(name) if same else broken(name, "differs")

    def _commitment(self) -> DossierStatement:
        name, opened = "decision.commitment", self.dossier.opened
        if opened is None:
            return (
                unknown(name, "sealed")
                if self.dossier.profile != AUDITOR
                else broken(name, "sealed_from_auditor")
            )
        if self.dossier.profile != AUDITOR:
            return broken(name, "published")
        committed = digest_salted(bytes.fromhex(opened.salt), dict(opened.value))
        return holds(name) if committed == self.dossier.decision.get("sealed") else broken(name, "differs")

    def _decision(self) -> DossierStatement:
        name, dossier = "decision.recomputed", self.dossier
        if isinstance(self._book, DokjaError) or isinstance(self._events_or_error, EventInvalid):
            return broken(name, "no_rule")
        hidden = [entry for entry in self._sealed if entry.place < dossier.before]
        if hidden:
            return unknown(name, "sealed", sealed=len(hidden))
        if dossier.opened is None:
            return unknown(name, "no_opened")
        read = [event for place, event, _ in self._open if place < dossier.before]
        try:
            outcome = decide(self._book, History.of(read)).as_json()
        except DokjaError as error:
            return broken(name, "refused", sentence=error.message)
        stated = dossier.opened.value.get("outcome")
        if canonical_bytes(outcome) == canonical_bytes(stated):
            return holds(name, events=len(read))
        moved = _last_decimals(parse_json(canonical_bytes(outcome)), stated)
        if moved is None or _orders(outcome) != _orders(stated):
            return broken(name, "differs", events=len(read))
        return holding(name, "last_decimal", events=len(read), moved=moved)

    def _uncertainty(self) -> DossierStatement:
        """Resamples are drawn again from their seed; another numpy may draw others, which breaks nothing."""
        name, opened = "decision.uncertainty", self.dossier.opened
        stated = None if opened is None else opened.value.get("uncertainty")
        if opened is None or self._sealed:
            return unknown(name, "sealed")
        if stated is None:
            return holds(name)
        if isinstance(self._book, DokjaError) or not isinstance(stated, dict):
            return broken(name, "malformed")
        seed, replicates, spread = stated.get("seed"), stated.get("replicates"), stated.get("concentration")
        if not (isinstance(seed, int) and isinstance(replicates, int) and isinstance(spread, (int, float))):
            return broken(name, "malformed")
        if seed < 0 or replicates <= 0 or spread <= 0:
            return broken(name, "malformed")
        if replicates > _MOST_REPLICATES:
            return unknown(name, "too_many", replicates=replicates, most=_MOST_REPLICATES)
        read = [event for place, event, _ in self._open if place < self.dossier.before]
        try:
            again = assess(
                self._book, History.of(read), seed, replicates=replicates, concentration=float(spread)
            )
        except DokjaError:
            return broken(name, "malformed")
        same = canonical_bytes(again.as_json()) == canonical_bytes(stated)
        return holds(name) if same else unknown(name, "drawn_otherwise")


def _last_decimals(computed: JSON, stated: object) -> int | None:
    """Return how many figures are one in their last decimal away from what was stated; None when anything else differs.

    Decisions computed in floating point, before scores were exact, hold such figures in rare stages
    (docs/decisions/0017-exact-scoring.md).
    """
    if isinstance(computed, dict) and isinstance(stated, dict) and computed.keys() == stated.keys():
        return _moved([_last_decimals(computed[key], stated[key]) for key in computed])
    if isinstance(computed, list) and isinstance(stated, list) and len(computed) == len(stated):
        return _moved([_last_decimals(one, other) for one, other in zip(computed, stated, strict=True)])
    if _is_number(computed) and _is_number(stated):
        apart = abs(Decimal(repr(float(computed))) - Decimal(repr(float(stated))))
        return {Decimal(0): 0, Decimal(1).scaleb(-DECIMALS): 1}.get(apart)
    return 0 if type(computed) is type(stated) and computed == stated else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _orders(outcome: JSON) -> dict[str, list[tuple[str, str, int]]]:
    """Return how the teams stand to one another in every part: a figure that moved may tie or part nobody."""
    points: dict[str, list[tuple[str, float]]] = {}
    rows = outcome.get("scores") if isinstance(outcome, dict) else None
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and isinstance(row.get("points"), (int, float)):
            points.setdefault(str(row["part"]), []).append((str(row["team"]), float(row["points"])))  # type: ignore[arg-type]
    return {
        part: [(a, b, (x > y) - (x < y)) for (a, x), (b, y) in combinations(sorted(found), 2)]
        for part, found in points.items()
    }


def _moved(parts: list[int | None]) -> int | None:
    return None if None in parts else sum(part for part in parts if part is not None)


def _object(value: JSON) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise InvalidInput("A recorded value is not an object.")
    return value
