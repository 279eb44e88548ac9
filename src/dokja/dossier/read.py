"""Read a dossier's file: its shape is checked, and nothing else. Events are parsed one at a time and kept as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.dossier.model import (
    AUDITOR,
    FORMAT,
    MOST_DOSSIER_BYTES,
    PUBLIC,
    Dossier,
    DossierEntry,
    Earlier,
    Opened,
    Personal,
)
from dokja.dossier.spelt import Spelt, Walker
from dokja.errors import DossierUnreadable, InvalidInput

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


def read_dossier(data: bytes) -> ReadDossier:
    """Return the dossier in a file, its shape checked and nothing else.

    Raises:
        DossierUnreadable: It is not a dossier; the sentence names the place.
    """
    if len(data) > MOST_DOSSIER_BYTES:
        raise DossierUnreadable(f"A dossier of more than {MOST_DOSSIER_BYTES} bytes is not read.")
    top, record = _walked(data)
    _object(top | {"record": None}, "the dossier", set(_TOP))
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
        record=record,
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
    seal = _text(top["seal"], "seal")
    try:
        return ReadDossier(dossier, seal, _is_the_same(data, dossier.file(seal)))
    except InvalidInput as error:
        raise DossierUnreadable(f"The dossier is not JSON: {error.message}") from error


def _walked(data: bytes) -> tuple[dict[str, JSON], tuple[DossierEntry, ...]]:
    """Return everything but the record, and the record."""
    top: dict[str, JSON] = {}
    record: tuple[DossierEntry, ...] | None = None
    try:
        walker = Walker(data.decode())
        if not walker.begins("{"):
            walker.value()
            walker.end()
            raise DossierUnreadable("the dossier is not an object.")
        for name in walker.members():
            if name != "record":
                top[name] = walker.value()
                continue
            if not walker.begins("["):
                raise DossierUnreadable("record is not a list.")
            record = tuple(_entry(entry, f"record[{n}]") for n, entry in enumerate(walker.elements()))
        walker.end()
    except InvalidInput as error:
        raise DossierUnreadable(f"The dossier is not JSON: {error.message}") from error
    except UnicodeDecodeError as error:
        raise DossierUnreadable(f"The dossier is no UTF-8 text: {error}.") from error
    if record is None:
        raise DossierUnreadable(f"the dossier has not exactly the fields {', '.join(sorted(_TOP))}.")
    return top, record


def _is_the_same(data: bytes, pieces: Iterator[bytes]) -> bool:
    at = 0
    for piece in pieces:
        if data[at : at + len(piece)] != piece:
            return False
        at += len(piece)
    return at == len(data)


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
    proof = _hashes(entry["proof"], f"{at}.proof")
    return DossierEntry(_place(entry["place"], f"{at}.place"), str(kind), Spelt.of(body), proof)


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
