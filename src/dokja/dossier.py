"""The dossier: the one file from which a stranger checks a decision, offline.

It is a single RFC 8785 (canonical) JSON object and a final newline, so that there is one way to write it and any change
of a byte shows. It holds plain JSON only; what the values mean is checked by `dokja verify`.

    format      "dokja/dossier/1"
    profile     "public" or "auditor"
    stage       name of the stage
    rulebook    the rulebook in force, as it is hashed
    decision    {"body": what people signed: what is public, and a commitment to everything,
                 "before": place in the log up to which events were read,
                 "opened": auditor only: the salt and the value that the commitment covers}
    record      what lies in the log, by place: events in full, sealed events by digest alone, statements about keys,
                erasures; each with its inclusion proof
    personal    auditor only: personal payloads with their salts
    log         {"key": the log's verifier key, "checkpoint": its signed state,
                "earlier": earlier signed states with proofs that the log only grew}
    seal        digest of all of the above

A sealed event gives away nothing: its digest covers a random salt that stays with the event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dokja.canonical import JSON, canonical_bytes, digest_json, parse_json
from dokja.errors import DossierUnreadable, InvalidInput

FORMAT = "dokja/dossier/1"
PUBLIC, AUDITOR = "public", "auditor"
MOST_DOSSIER_BYTES = 1 << 30

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_STAGE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_KINDS = {
    "event": {"event", "signature"},
    "sealed": {"digest"},
    "key": {"statement"},
    "erasure": {"erasure"},
}


@dataclass(frozen=True, slots=True)
class DossierEntry:
    """One place of the log.

    Args:
        place: Its place, counted from 0.
        kind: `event`, `sealed`, `key` or `erasure`.
        body: For an event {"event", "signature"}, for a sealed one {"digest"}, for a key {"statement"}, for an
            erasure {"erasure"}.
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
            return digest_json("key_statement", self.body["statement"])
        return digest_json(self.kind, self.body[self.kind])


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
        """Return everything but the seal, as a JSON object."""
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
            "record": [
                {"place": e.place, "kind": e.kind, **e.body, "proof": [h.hex() for h in e.proof]}
                for e in self.record
            ],
            "personal": [{"place": p.place, "salt": p.salt, "value": dict(p.value)} for p in self.personal],
            "log": {
                "key": self.log_key,
                "checkpoint": self.checkpoint,
                "earlier": [
                    {"checkpoint": e.note, "proof": [h.hex() for h in e.proof]} for e in self.earlier
                ],
            },
        }

    def seal(self) -> str:
        """Return the digest of everything in the dossier."""
        return digest_json("dossier", self.as_json())


@dataclass(frozen=True, slots=True)
class ReadDossier:
    """A dossier as it was read, with what only the file can tell.

    Args:
        dossier: What the file says.
        seal: The digest the file gives of itself.
        is_canonical: Whether the file is spelt in the one canonical way.
    """

    dossier: Dossier
    seal: str
    is_canonical: bool


def write_dossier(dossier: Dossier) -> bytes:
    """Return the file of a dossier.

    Raises:
        InvalidInput: It holds a value without a canonical form.
    """
    return canonical_bytes(dossier.as_json() | {"seal": dossier.seal()}) + b"\n"


def read_dossier(data: bytes) -> ReadDossier:
    """Return the dossier in a file, its shape checked and nothing else.

    Raises:
        DossierUnreadable: It is not a dossier; the sentence names the place.
    """
    if len(data) > MOST_DOSSIER_BYTES:
        raise DossierUnreadable(f"A dossier of more than {MOST_DOSSIER_BYTES} bytes is not read.")
    try:
        value = parse_json(data)
        is_canonical = canonical_bytes(value) + b"\n" == data
    except InvalidInput as error:
        raise DossierUnreadable(f"The dossier is not JSON: {error.message}") from error
    top = _object(value, "the dossier", set(_TOP))
    if top["format"] != FORMAT:
        raise DossierUnreadable(f"The dossier's format is {top['format']!r}; this dokja reads {FORMAT!r}.")
    if top["profile"] not in (PUBLIC, AUDITOR):
        raise DossierUnreadable(f"A dossier is {PUBLIC} or {AUDITOR}, not {top['profile']!r}.")
    decision = _object(top["decision"], "decision", {"body", "before", "opened"})
    log = _object(top["log"], "log", {"key", "checkpoint", "earlier"})
    dossier = Dossier(
        profile=str(top["profile"]),
        stage=_stage(top["stage"]),
        rulebook=_object(top["rulebook"], "rulebook"),
        decision=_object(decision["body"], "decision.body"),
        before=_place(decision["before"], "decision.before"),
        record=tuple(_entry(entry, f"record[{n}]") for n, entry in enumerate(_list(top["record"], "record"))),
        personal=tuple(
            _personal(entry, f"personal[{n}]") for n, entry in enumerate(_list(top["personal"], "personal"))
        ),
        log_key=_text(log["key"], "log.key"),
        checkpoint=_text(log["checkpoint"], "log.checkpoint"),
        earlier=tuple(
            _earlier(e, f"log.earlier[{n}]") for n, e in enumerate(_list(log["earlier"], "log.earlier"))
        ),
        opened=None if decision["opened"] is None else _opened(decision["opened"], "decision.opened"),
    )
    return ReadDossier(dossier, _text(top["seal"], "seal"), is_canonical)


_TOP = ("format", "profile", "stage", "rulebook", "decision", "record", "personal", "log", "seal")


def _entry(value: JSON, at: str) -> DossierEntry:
    entry = _object(value, at)
    kind = entry.get("kind")
    fields = _KINDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise DossierUnreadable(f"{at}.kind is not one of {', '.join(_KINDS)}.")
    _object(entry, at, {"place", "kind", "proof"} | fields)
    body = {name: entry[name] for name in fields}
    if kind == "sealed" and not _DIGEST.fullmatch(_text(body["digest"], f"{at}.digest")):
        raise DossierUnreadable(f"{at}.digest is not a digest.")
    for name in fields - {"digest", "signature"}:
        _object(body[name], f"{at}.{name}")
    return DossierEntry(
        _place(entry["place"], f"{at}.place"), str(kind), body, _hashes(entry["proof"], f"{at}.proof")
    )


def _personal(value: JSON, at: str) -> Personal:
    entry = _object(value, at, {"place", "salt", "value"})
    salt = _salt(entry["salt"], f"{at}.salt")
    return Personal(_place(entry["place"], f"{at}.place"), salt, _object(entry["value"], f"{at}.value"))


def _opened(value: JSON, at: str) -> Opened:
    entry = _object(value, at, {"salt", "value"})
    return Opened(_salt(entry["salt"], f"{at}.salt"), _object(entry["value"], f"{at}.value"))


def _salt(value: JSON, at: str) -> str:
    salt = _text(value, at)
    if not re.fullmatch(r"([0-9a-f]{2}){16,64}", salt):
        raise DossierUnreadable(f"{at} is not 16 to 64 bytes in hex digits.")
    return salt


def _earlier(value: JSON, at: str) -> Earlier:
    entry = _object(value, at, {"checkpoint", "proof"})
    return Earlier(_text(entry["checkpoint"], f"{at}.checkpoint"), _hashes(entry["proof"], f"{at}.proof"))


def _object(value: object, at: str, fields: set[str] | None = None) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise DossierUnreadable(f"{at} is not an object.")
    if fields is not None and set(value) != fields:
        raise DossierUnreadable(f"{at} has not exactly the fields {', '.join(sorted(fields))}.")
    return value


def _list(value: JSON, at: str) -> list[JSON]:
    if not isinstance(value, list):
        raise DossierUnreadable(f"{at} is not a list.")
    return value


def _stage(value: JSON) -> str:
    # Printed beside the statements of `dokja verify`: a line end in it could pass for a statement that holds.
    if not isinstance(value, str) or not _STAGE.fullmatch(value):
        raise DossierUnreadable("stage is not a short lower-case name.")
    return value


def _text(value: JSON, at: str) -> str:
    if not isinstance(value, str):
        raise DossierUnreadable(f"{at} is not a text.")
    return value


def _place(value: JSON, at: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise DossierUnreadable(f"{at} is not a place in a log.")
    return value


def _hashes(value: JSON, at: str) -> tuple[bytes, ...]:
    hashes = _list(value, at)
    if not all(isinstance(h, str) and _HASH.fullmatch(h) for h in hashes):
        raise DossierUnreadable(f"{at} is not a list of hashes of 64 hex digits.")
    return tuple(bytes.fromhex(str(h)) for h in hashes)
