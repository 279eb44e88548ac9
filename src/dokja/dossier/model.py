"""What a dossier is, and how it is written: a piece at a time, so that it is never held as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dokja.canonical import JSON, canonical_bytes, digest_canonical
from dokja.dossier.spelt import text_of

FORMAT = "dokja/dossier/1"
PUBLIC, AUDITOR = "public", "auditor"
MOST_DOSSIER_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class DossierEntry:
    """One place of the log.

    Args:
        place: Its place, counted from 0.
        kind: `event`, `sealed`, `key` or `erasure`.
        body: For an event {"event", "signature"}, for a sealed one {"digest"}, for a key {"statement"}, for an
            erasure {"erasure"}. A `Spelt` keeps it as text, which of runs takes a tenth of the memory.
        proof: Inclusion proof in the checkpoint, leaf to root, 32 bytes each.
    """

    place: int
    kind: str
    body: Mapping[str, JSON]
    proof: tuple[bytes, ...]

    def digest(self) -> str:
        """Return the digest the log carries at this place, computed from what is here."""
        if self.kind == "sealed":
            return str(self.body["digest"])
        if self.kind == "key":
            return digest_canonical("key_statement", [text_of(self.body, "statement")])
        return digest_canonical(self.kind, [text_of(self.body, self.kind)])

    def text(self) -> bytes:
        """Return the canonical bytes of this place, as the dossier's `record` lists it."""
        texts = {name: text_of(self.body, name) for name in self.body}
        texts["place"], texts["kind"] = canonical_bytes(self.place), canonical_bytes(self.kind)
        texts["proof"] = canonical_bytes([one.hex() for one in self.proof])
        return b"{" + b",".join(b'"%s":%s' % (name.encode(), texts[name]) for name in sorted(texts)) + b"}"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A state the log signed before, with the proof (32 bytes each) that the last one continues it."""

    note: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Personal:
    """What identifies a person in the event at a place, with the salt that hid it."""

    place: int
    salt: str
    value: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the signed body commits to, with the salt (hex digits) that hid it."""

    salt: str
    value: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A decision with everything it rests on.

    Args:
        profile: `public` or `auditor`.
        stage: Name of the stage.
        rulebook: The rulebook in force, as it is hashed.
        decision: What was signed: what is public of the decision, and a commitment to everything.
        before: Events at places before this one were read for the decision.
        record: The log's places that concern the stage, in order.
        personal: Personal payloads; none in a public dossier.
        log_key: Verifier key of the log, `name+id+base64`.
        checkpoint: Signed state of the log in which everything is proven.
        earlier: Earlier signed states, oldest first.
        opened: What the decision's commitment covers; None in a public dossier.
    """

    profile: str
    stage: str
    rulebook: Mapping[str, JSON]
    decision: Mapping[str, JSON]
    before: int
    record: tuple[DossierEntry, ...]
    personal: tuple[Personal, ...]
    log_key: str
    checkpoint: str
    earlier: tuple[Earlier, ...]
    opened: Opened | None = None

    def as_json(self) -> dict[str, JSON]:
        """Return everything but the record and the seal, as a JSON object."""
        return {
            "format": FORMAT,
            "profile": self.profile,
            "stage": self.stage,
            "rulebook": dict(self.rulebook),
            "decision": {
                "body": dict(self.decision),
                "before": self.before,
                "opened": None
                if self.opened is None
                else {"salt": self.opened.salt, "value": dict(self.opened.value)},
            },
            "personal": [{"place": p.place, "salt": p.salt, "value": dict(p.value)} for p in self.personal],
            "log": {
                "key": self.log_key,
                "checkpoint": self.checkpoint,
                "earlier": [
                    {"checkpoint": e.note, "proof": [h.hex() for h in e.proof]} for e in self.earlier
                ],
            },
        }

    def pieces(self, seal: str | None = None) -> Iterator[bytes]:
        """Yield the canonical bytes of the dossier, an entry of the record at a time.

        Args:
            seal: The seal to be written; None for what the seal is the digest of.

        Raises:
            InvalidInput: It holds a value without a canonical form.
        """
        said = self.as_json() | {"record": None} | ({} if seal is None else {"seal": seal})
        for number, name in enumerate(sorted(said)):
            yield b'%s"%s":' % (b"," if number else b"{", name.encode())
            if name != "record":
                yield canonical_bytes(said[name])
                continue
            for place, entry in enumerate(self.record):
                yield b"," if place else b"["
                yield entry.text()
            yield b"]" if self.record else b"[]"
        yield b"}"

    def file(self, seal: str | None = None) -> Iterator[bytes]:
        """Yield the bytes of the dossier's file, in pieces.

        Args:
            seal: The seal to be written; its own by default.

        Raises:
            InvalidInput: It holds a value without a canonical form.
        """
        yield from self.pieces(self.seal() if seal is None else seal)
        yield b"\n"

    def seal(self) -> str:
        """Return the digest of everything in the dossier."""
        return digest_canonical("dossier", self.pieces())


def write_dossier(dossier: Dossier) -> bytes:
    """Return the file of a dossier, whole.

    Raises:
        InvalidInput: It holds a value without a canonical form.
    """
    return b"".join(dossier.file())
