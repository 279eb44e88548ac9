"""A whole simulated stage, recorded, decided, signed and put into dossiers, with real keys and a real log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dokja import rulebook as rb
from dokja.canonical import JSON
from dokja.deciding.decision import decide, decision_digest
from dokja.dossier import Dossier, Opened
from dokja.publishing.see import signed_body
from dokja.record.events import Event, PersonalPayload
from dokja.record.history import History
from dokja.signature import SigningKey, key_statement
from dokja.signature.note import NoteKey
from dokja.store.dossiers import make_dossier
from dokja.store.events import Store
from dokja.store.recording import StoredEvent
from tests.made_stage import TEAMS, full_stage, made_rulebook

BEFORE, AFTER = "2026-01-02T00:00:00Z", "2026-01-15T06:00:00Z"
ORIGIN = "programme.example/log"
KEYS = {
    name: SigningKey(bytes([n]) * 32) for n, name in enumerate(("office", "chair", "auditor", "log"), start=1)
}
LOG_KEY = NoteKey(ORIGIN, KEYS["log"].id)
ROLES = (
    rb.SigningRole(name="organiser", seats=1),
    rb.SigningRole(name="chair", seats=1, at_least=1),
    rb.SigningRole(name="auditor", seats=1),
)
SALT = bytes(range(16))
SEALED_KINDS = frozenset({"expert_score", "user_rating"})


def is_sealed(event: Event) -> bool:
    """The publication policy of these tests: single marks stay sealed."""
    return event.kind in SEALED_KINDS


@dataclass
class Decided:
    """A stage after its decision, with the store that recorded it."""

    store: Store
    book: rb.Rulebook
    body: dict[str, JSON]
    everything: dict[str, JSON]
    before: int

    def dossier(self, *, public: bool) -> Dossier:
        return make_dossier(
            self.store, self.book.id, rulebook=self.book.canonical(), decision=self.body, before=self.before,
            log_key=LOG_KEY, opened=Opened(SALT.hex(), self.everything), sealed=is_sealed if public else None,
        )  # fmt: skip

    def sign(self, signers: Iterable[str], *, at: str = AFTER) -> None:
        digest = decision_digest(self.body)
        for name in signers:
            made = KEYS[name].sign("decision", digest, at)
            payload = {"decision": digest, "signer": name, "key": made.key, "signature": made.signature}
            self.store.append(Event(f"signed-{name}", "decision_signed", self.book.id, at, name, payload))
        self.store.checkpoint(ORIGIN, KEYS["log"])


def enrolment(name: str, role: str) -> dict[str, JSON]:
    statement = {
        "action": "enrol", "person": name, "role": role, "key": KEYS[name].id, "effective_at": BEFORE, "reason": "appointed",
    }  # fmt: skip
    keys = [KEYS[name]] if name == "office" else [KEYS[name], KEYS["office"]]
    return key_statement(statement, keys, BEFORE)


def decided_stage(
    folder: Path, *, signers: Iterable[str] = ("office", "chair"), salted: bool = True
) -> Decided:
    """Return a recorded, decided and signed stage of simulated teams."""
    book = made_rulebook(signatures=rb.Signatures(k=2, n=3, roles=ROLES))
    store = Store(f"sqlite:///{folder / 'store.db'}", create=True)
    for name, role in (("office", "organiser"), ("chair", "chair"), ("auditor", "auditor")):
        store.add_key_statement(enrolment(name, role))
    stage = full_stage(book, teams=TEAMS[:3], items=3)
    person = PersonalPayload(bytes(16), {"name": "홍길동"})
    entries = []
    for number, event in enumerate(stage.events):
        if salted and is_sealed(event):
            event = replace(event, salt=number.to_bytes(16).hex())
        if event.kind == "rater_registered" and event.payload.rater == "experts:00":
            entries.append(StoredEvent(replace(event, personal=person.digest()), person))
        else:
            signed = KEYS["office"].sign("event", event.digest(), AFTER) if number == 0 else None
            entries.append(StoredEvent(event, signature=signed))
    store.append_all(entries[:40])
    store.checkpoint(ORIGIN, KEYS["log"])
    store.append_all(entries[40:])
    events = store.events(book.id)
    said = decide(book, History.of(events)).said()
    outcome = said.as_json()
    everything: dict[str, JSON] = {"outcome": outcome, "uncertainty": None}
    decided = Decided(store, book, signed_body(book, said, None, SALT), everything, before=3 + len(events))
    decided.sign(signers)
    return decided
