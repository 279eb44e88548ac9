"""A passkey made of software: it makes assertions as a browser and an authenticator do, honest ones and every other kind.

Each part can be set, so that an attack is one changed field of an otherwise honest answer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from dokja.signature import Signature, challenge_of
from dokja.signature.passkey import Assertion, Credential, to_base64url
from dokja.signature.passkey_file import FORMAT, credential_of

SITE = "programme.example"
PRESENT, VERIFIED = 1, 4


@dataclass(frozen=True)
class Ceremony:
    """How an assertion is made; the defaults are those of an honest browser."""

    site: str = SITE
    origin: str = f"https://sign.{SITE}"
    act: str = "webauthn.get"
    challenge: str = ""
    flags: int = PRESENT | VERIFIED
    counter: int = 7
    extensions: bytes = b""
    more: str = ',"crossOrigin":false,"other_keys_can_be_added_here":"do not compare with a template"'


@dataclass(frozen=True)
class Authenticator:
    """One credential: ES256 by default, EdDSA where `edwards` is set."""

    seed: int
    edwards: bool = False
    site: str = SITE
    ceremony: Ceremony = Ceremony()

    @property
    def _secret(self) -> Any:
        if self.edwards:
            return ed25519.Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)
        return ec.derive_private_key(int.from_bytes(bytes([self.seed]) * 31), ec.SECP256R1())

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, as `getPublicKey()` gives it."""
        encoded: bytes = self._secret.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return encoded

    @property
    def cose_key(self) -> bytes:
        """The same key as the attestation object holds it."""
        public = self._secret.public_key()
        if self.edwards:
            return bytes.fromhex("a4010103272006215820") + bytes(public.public_bytes_raw())
        numbers = public.public_numbers()
        x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y

    @property
    def credential(self) -> Credential:
        return credential_of(self.site, self.public_key)

    @property
    def id(self) -> str:
        return str(self.credential)

    def during(self, **changes: Any) -> Authenticator:
        """The same credential in another ceremony."""
        return replace(self, ceremony=replace(self.ceremony, **changes))

    def answer(self, challenge: str) -> dict[str, str]:
        """The `response` of `PublicKeyCredential.toJSON()`."""
        how = self.ceremony
        client = (
            f'{{"type":{json.dumps(how.act)},"challenge":{json.dumps(how.challenge or challenge)},'
            f'"origin":{json.dumps(how.origin, ensure_ascii=False)}{how.more}}}'
        ).encode()
        site = hashlib.sha256(how.site.encode()).digest()
        data = site + bytes([how.flags]) + how.counter.to_bytes(4) + how.extensions
        message = data + hashlib.sha256(client).digest()
        made = (
            self._secret.sign(message)
            if self.edwards
            else self._secret.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        )
        parts = {"authenticatorData": data, "clientDataJSON": client, "signature": made}
        return {name: to_base64url(part) for name, part in parts.items()}

    def sign(self, domain: str, value: object, at: str) -> Signature:
        """Answer the challenge of a value, as a `Signer` does."""
        response = self.answer(challenge_of(domain, value, at, self.id))
        return Signature(self.id, at, str(Assertion.from_browser(response)))

    def file(self, at: str = "", challenge: str = "") -> dict[str, Any]:
        """The passkey's file, with an answer where there is a challenge."""
        value: dict[str, Any] = {
            "format": FORMAT, "rp_id": self.site, "public_key": to_base64url(self.public_key),
        }  # fmt: skip
        return {**value, "at": at, "response": self.answer(challenge)} if challenge else value
