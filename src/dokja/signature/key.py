"""Keys and single signatures: what exactly is signed, and whether these bytes are that signature."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput, KeyRefused, Unavailable
from dokja.signature.passkey import Flaw, require_cryptography, to_base64url
from dokja.signature.public import parse_public_key

_DOMAIN = re.compile(r"[a-z][a-z0-9_.]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_KEY_FILE_FORMAT = "dokja-key/1"


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's signature over one value under one domain.

    Args:
        key: Key that signed, as `PublicKey` is written: an Ed25519 key or a passkey.
        at: RFC 3339 time in UTC at which it was made, as the signer says; covered by the signature.
        signature: 128 hex digits of an Ed25519 key, or a passkey's `Assertion`.
    """

    key: str
    at: str
    signature: str

    def __post_init__(self) -> None:
        key = parse_public_key(self.key)
        if not isinstance(self.at, str) or not _TIME.fullmatch(self.at):
            raise InvalidInput(f"A signature's time is RFC 3339 in UTC, not {self.at!r}.")
        instant(self.at)
        key.require_signature(self.signature)

    def as_json(self) -> dict[str, JSON]:
        """Return the signature as a JSON object; `Signature.from_json` reads it back."""
        return {"key": self.key, "at": self.at, "signature": self.signature}

    @classmethod
    def from_json(cls, value: object) -> Signature:
        """Return the signature a JSON object holds.

        Raises:
            InvalidInput: A field is missing, unknown or malformed.
        """
        if not isinstance(value, dict) or set(value) != {"key", "at", "signature"}:
            raise InvalidInput("A signature has exactly the fields key, at and signature.")
        return cls(value["key"], value["at"], value["signature"])

    def signs(self, domain: str, value: object) -> bool:
        """Return whether this key made this signature of this value. Says nothing about whose key it is."""
        return self.flaw(domain, value) is None

    def flaw(self, domain: str, value: object) -> Flaw | None:
        """Return why this is no signature of a value by its key, or None when it is one."""
        return parse_public_key(self.key).flaw(self.signature, signed_bytes(domain, value, self.at, self.key))


class Signer(Protocol):
    """Whoever can sign: a secret key, or a passkey that has answered already."""

    @property
    def id(self) -> str:
        """Return the key's name."""
        ...

    def sign(self, domain: str, value: object, at: str) -> Signature:
        """Return this key's signature over a value under a domain, made at a time."""
        ...


class SigningKey:
    """The secret half of a key. Kept in a file only its owner can read.

    Args:
        seed: The 32 secret bytes of an Ed25519 key (RFC 8032 §5.1.5).
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise InvalidInput("An Ed25519 key has exactly 32 secret bytes.")
        require_cryptography()
        from cryptography.hazmat.primitives.asymmetric import ed25519

        private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed
        self._private = private
        self.id = "ed25519:" + private.public_key().public_bytes_raw().hex()

    def __repr__(self) -> str:
        return f"SigningKey({self.id})"

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Return the key in a key file.

        Raises:
            KeyRefused: Others than its owner may read the file.
            InvalidInput: It is not a key file, or its two halves do not belong together.
            Unavailable: There is no such file.
        """
        try:
            with path.open("rb") as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                    raise KeyRefused(
                        f"The key file {path} can be read by others than its owner.",
                        hint=f"Make a new key, or, if nobody has read it, run: chmod 600 {path}",
                    )
                value = parse_json(file.read(4096))
        except OSError as error:
            raise Unavailable(f"The key file {path} cannot be read: {error.strerror}.") from error
        if not isinstance(value, dict) or set(value) != {"format", "key", "seed"}:
            raise InvalidInput(f"{path} is not a key file.")
        try:
            key = cls(bytes.fromhex(str(value["seed"])))
        except ValueError:
            raise InvalidInput(f"The secret in {path} is not hex digits.") from None
        if value["format"] != _KEY_FILE_FORMAT or value["key"] != key.id:
            raise InvalidInput(f"The key file {path} has another format, or its two halves do not match.")
        return key

    def save(self, path: Path) -> None:
        """Write the key to a new file that only its owner can read.

        Raises:
            KeyRefused: The file exists; a key is never overwritten.
        """
        body = {"format": _KEY_FILE_FORMAT, "key": self.id, "seed": self._seed.hex()}
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise KeyRefused(f"{path} exists already; a key is never overwritten.") from None
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(canonical_bytes(body) + b"\n")

    def sign(self, domain: str, value: object, at: str) -> Signature:
        """Return this key's signature over a value.

        Args:
            domain: What the value is, e.g. `decision`.
            value: Any value `canonical_bytes` accepts.
            at: Now, RFC 3339 in UTC, given by the caller.
        """
        made = self.sign_bytes(signed_bytes(domain, value, at, self.id))
        return Signature(self.id, at, made.hex())

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the bare 64-byte Ed25519 signature of a message, for formats that define their own message."""
        return self._private.sign(message)


def signed_bytes(domain: str, value: object, at: str, key: str) -> bytes:
    """Return the exact bytes a signature covers.

    Source: DSSE v1, pre-authentication encoding: lengths in front of each part, so that no two differ only in where
    one part ends.

    Raises:
        InvalidInput: The domain is not a dotted lower-case word, or the value has no canonical form.
    """
    if not _DOMAIN.fullmatch(domain):
        raise InvalidInput(f"A signature's domain is a lower-case word, not {domain!r}.")
    kind = f"application/vnd.dokja.{domain}+json".encode()
    body = canonical_bytes({"at": at, "key": key, "value": value})
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def challenge_of(domain: str, value: object, at: str, key: str) -> str:
    """Return what a passkey is asked to sign: base64url of the SHA-256 digest of what an Ed25519 key would sign.

    Args:
        domain: What the value is, e.g. `decision`.
        value: What is signed.
        at: RFC 3339 time in UTC at which it is signed.
        key: Name of the passkey that signs.
    """
    return to_base64url(hashlib.sha256(signed_bytes(domain, value, at, key)).digest())


def instant(text: str) -> datetime:
    """Return an RFC 3339 text in UTC as a time.

    Raises:
        InvalidInput: It is not one, or no such time exists.
    """
    if not _TIME.fullmatch(text):
        raise InvalidInput(f"{text!r} is not an RFC 3339 time in UTC such as 2026-01-15T06:00:00Z.")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is not a time that exists: {error}.") from error
