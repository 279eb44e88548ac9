"""Passkeys: a WebAuthn credential as somebody's key, and its assertion as a signature, checked offline.

A browser signs only for the site it is on, after its owner unlocked it, and only over a challenge it was given. The
challenge is the SHA-256 digest of the very bytes an Ed25519 key would sign (`signed_bytes`: domain, time, key, value),
so an assertion for one thing is worth nothing for another. It counts when

- it answers a request to sign (`webauthn.get`), over exactly that challenge;
- it was made on the credential's own site: the hash of the enrolled relying party id, and an origin whose host is that
  id or lies under it, over https (over http on this machine alone), in no frame of another origin;
- somebody was present, and the authenticator verified who it was (PIN, finger, face);
- the signature over both is the credential's.

Signature counters are not checked: whoever verifies a file offline never saw the counter before, synchronised passkeys
leave it at 0, and one key ring may see the signatures of one credential in another order than they were made in.
There is one spelling of everything: base64url without padding, strict DER, and of the two ECDSA signatures (r, s) and
(r, n − s) the one with the smaller s.

Source: W3C Web Authentication Level 3, §5.8.1, §6.1, §6.5.6, §7.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON, parse_json
from dokja.errors import InvalidInput, Unavailable

_KEY = re.compile(r"(webauthn-es256|webauthn-eddsa):([a-z0-9.-]{1,253}):([A-Za-z0-9_-]{43,44})")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253})(:[0-9]{1,5})?")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PRESENT, _VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _ATTESTED, _EXTENDED = 1, 4, 8, 16, 64, 128
_HEAD_BYTES = 37
_MOST_BYTES = {"authenticatorData": 1024, "clientDataJSON": 4096, "signature": 72}
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Flaw(StrEnum):
    """Why something is no signature of a message by a key; `signature.<flaw>` is its sentence in the catalogue."""

    NOT_OF_THIS = "not_of_this"
    MALFORMED = "passkey_malformed"
    OTHER_ACT = "passkey_other_act"
    OTHER_ORIGIN = "passkey_other_origin"
    CROSS_ORIGIN = "passkey_cross_origin"
    OTHER_SITE = "passkey_other_site"
    NOBODY_PRESENT = "passkey_nobody_present"
    NOBODY_VERIFIED = "passkey_nobody_verified"

    @property
    def said(self) -> str:
        """Return it as the end of an error's sentence."""
        return _SAID[self]


_SAID = {
    Flaw.NOT_OF_THIS: "it signs something else",
    Flaw.MALFORMED: "it is malformed",
    Flaw.OTHER_ACT: "it is no answer to a request to sign",
    Flaw.OTHER_ORIGIN: "it was made on a page of another site than the passkey's",
    Flaw.CROSS_ORIGIN: "it was made inside a page of another site",
    Flaw.OTHER_SITE: "it was made for another site than the passkey's",
    Flaw.NOBODY_PRESENT: "nobody was present when it was made",
    Flaw.NOBODY_VERIFIED: "the authenticator did not verify who was there",
}


class Algorithm(StrEnum):
    """With what a credential signs, as its key's name begins."""

    ES256 = "webauthn-es256"
    EDDSA = "webauthn-eddsa"


@dataclass(frozen=True, slots=True)
class Credential:
    """The public half of a passkey, written `<algorithm>:<relying party id>:<base64url of the public key>`.

    Args:
        algorithm: ES256 (ECDSA on P-256 with SHA-256) or EdDSA (Ed25519).
        rp_id: The site it was made for, a domain name; part of what is enrolled, so that an assertion made for another
            site never counts.
        public: The compressed point (33 bytes) or the Ed25519 key (32 bytes).
    """

    algorithm: Algorithm
    rp_id: str
    public: bytes

    def __post_init__(self) -> None:
        if not _is_site(self.rp_id):
            raise InvalidInput(f"A passkey belongs to a site's domain name, not to {self.rp_id!r}.")
        compressed = self.algorithm is Algorithm.ES256
        if len(self.public) != (33 if compressed else 32) or (compressed and self.public[0] not in (2, 3)):
            raise InvalidInput("The public key of a passkey is a compressed P-256 point or an Ed25519 key.")

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.rp_id}:{to_base64url(self.public)}"

    @classmethod
    def parse(cls, text: str) -> Credential:
        """Return the credential a text names.

        Raises:
            InvalidInput: It names none, or not in the one way it is spelt.
        """
        found = _KEY.fullmatch(text)
        if found is None:
            raise InvalidInput(f"{text[:300]!r} is not the name of a passkey.")
        return cls(Algorithm(found[1]), found[2], from_base64url(found[3], "A passkey's public key", 33))

    def require_signature(self, text: str) -> None:
        """Require that a text is spelt as an assertion is; says nothing about what it signs.

        Raises:
            InvalidInput: It is not.
        """
        Assertion.parse(text)

    def flaw(self, text: str, message: bytes) -> Flaw | None:
        """Return why an assertion is no signature of a message by this credential, or None when it is one.

        Args:
            text: The assertion, as `str(Assertion)` writes it.
            message: What an Ed25519 key would sign; the challenge is its SHA-256 digest.
        """
        try:
            assertion = Assertion.parse(text)
        except InvalidInput:
            return Flaw.MALFORMED
        return self.flaw_of(assertion, hashlib.sha256(message).digest())

    def flaw_of(self, assertion: Assertion, challenge: bytes) -> Flaw | None:
        """Return why an assertion does not answer a challenge for this credential, or None when it does.

        Args:
            assertion: What the browser gave.
            challenge: The bytes it was asked to sign.
        """
        return (
            self._flaw_of_client(assertion.client_data, challenge)
            or self._flaw_of_authenticator(assertion.authenticator_data)
            or self._flaw_of_signature(assertion)
        )

    def _flaw_of_client(self, data: bytes, challenge: bytes) -> Flaw | None:
        client = _parse_client_data(data)
        if client is None:
            return Flaw.MALFORMED
        if client["type"] != "webauthn.get":
            return Flaw.OTHER_ACT
        if client["challenge"] != to_base64url(challenge):
            return Flaw.NOT_OF_THIS
        if client.get("crossOrigin", False) is not False or "topOrigin" in client:
            return Flaw.CROSS_ORIGIN
        return None if self._is_origin(str(client["origin"])) else Flaw.OTHER_ORIGIN

    def _is_origin(self, origin: str) -> bool:
        found = _ORIGIN.fullmatch(origin)
        if found is None:
            return False
        scheme, host = found[1], found[2]
        local = host == "localhost" or host.endswith(".localhost")
        return (scheme == "https" or local) and (host == self.rp_id or host.endswith("." + self.rp_id))

    def _flaw_of_authenticator(self, data: bytes) -> Flaw | None:
        if len(data) < _HEAD_BYTES:
            return Flaw.MALFORMED
        if data[:32] != hashlib.sha256(self.rp_id.encode()).digest():
            return Flaw.OTHER_SITE
        flags = data[32]
        extended, backed_up = bool(flags & _EXTENDED), bool(flags & _BACKED_UP)
        # An assertion carries no attested credential, nothing behind its head but announced extensions, and no backup
        # of what cannot be backed up.
        if flags & _ATTESTED or extended != (len(data) > _HEAD_BYTES):
            return Flaw.MALFORMED
        if backed_up and not flags & _BACKUP_ELIGIBLE:
            return Flaw.MALFORMED
        if not flags & _PRESENT:
            return Flaw.NOBODY_PRESENT
        return None if flags & _VERIFIED else Flaw.NOBODY_VERIFIED

    def _flaw_of_signature(self, assertion: Assertion) -> Flaw | None:
        require_cryptography()
        from cryptography.exceptions import InvalidSignature

        message = assertion.authenticator_data + hashlib.sha256(assertion.client_data).digest()
        try:
            if self.algorithm is Algorithm.ES256:
                if not _is_strict_der(assertion.signature):
                    return Flaw.MALFORMED
                _verify_es256(self.public, assertion.signature, message)
            else:
                _verify_eddsa(self.public, assertion.signature, message)
        except (InvalidSignature, ValueError):
            return Flaw.NOT_OF_THIS
        return None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A passkey's answer, written as three base64url texts with dots between them.

    Args:
        authenticator_data: Hash of the site, flags, counter; 37 bytes without extensions.
        client_data: JSON in UTF-8, as the browser wrote it: type, challenge, origin.
        signature: DER with the smaller s for ES256, 64 bytes for EdDSA.
    """

    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    def __str__(self) -> str:
        parts = (self.authenticator_data, self.client_data, self.signature)
        return ".".join(to_base64url(part) for part in parts)

    @classmethod
    def parse(cls, text: str) -> Assertion:
        """Return the assertion a text spells.

        Raises:
            InvalidInput: It spells none, or is longer than any assertion is.
        """
        parts = text.split(".") if isinstance(text, str) and len(text) <= 8192 else []
        if len(parts) != 3:
            raise InvalidInput("A passkey's signature is three base64url texts with dots between them.")
        named = zip(_MOST_BYTES.items(), parts, strict=True)
        return cls(*(from_base64url(part, name, most) for (name, most), part in named))

    @classmethod
    def from_browser(cls, response: object) -> Assertion:
        """Return the assertion in the `response` of a browser's `PublicKeyCredential.toJSON()`.

        Of the two ECDSA signatures that say the same, the one with the smaller s is kept.

        Raises:
            InvalidInput: A field is missing, unknown, malformed or too long.
        """
        if not isinstance(response, dict) or set(response) - {"userHandle"} != set(_MOST_BYTES):
            raise InvalidInput(
                "A passkey's response has authenticatorData, clientDataJSON and signature, each in base64url."
            )
        read = {name: from_base64url(response[name], name, most) for name, most in _MOST_BYTES.items()}
        signature = _with_smaller_s(read["signature"])
        return cls(read["authenticatorData"], read["clientDataJSON"], signature)


def to_base64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: object, what: str, most_bytes: int) -> bytes:
    """Return the bytes of a base64url text, refusing a second spelling of the same bytes.

    Args:
        text: Without padding.
        what: What it is, for the sentence.
        most_bytes: How many bytes it may hold.

    Raises:
        InvalidInput: It is not such a text, is empty, or holds more.
    """
    raw = b""
    if isinstance(text, str) and len(text) <= (most_bytes * 4 + 2) // 3 and _BASE64URL.fullmatch(text):
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            raw = b""
    if not raw or to_base64url(raw) != text:
        raise InvalidInput(f"{what} is base64url without padding, of 1 to {most_bytes} bytes.")
    return raw


def require_cryptography() -> None:
    """Require the package that signs and verifies; it comes with the extra `stage`.

    Raises:
        Unavailable: It is not installed.
    """
    try:
        import cryptography.hazmat.primitives.asymmetric  # noqa: F401
    except ImportError:
        raise Unavailable(
            "Signatures need the cryptography package.", hint="Run: pip install 'dokja[stage]'"
        ) from None


def _is_site(rp_id: str) -> bool:
    """Return whether a text is a domain name a credential can be bound to: no bare top level, no address."""
    labels = rp_id.split(".")
    named = len(rp_id) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
    return rp_id == "localhost" or (named and len(labels) > 1 and not labels[-1].isdigit())


def _parse_client_data(data: bytes) -> dict[str, JSON] | None:
    """Return the client data, or None where two readers could read it differently or what we need is no text."""
    try:
        client = parse_json(data.decode("utf-8"))
    except (InvalidInput, UnicodeDecodeError):
        return None
    if not isinstance(client, dict):
        return None
    return client if all(isinstance(client.get(n), str) for n in ("type", "challenge", "origin")) else None


def _verify_es256(public: bytes, signature: bytes, message: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
    key.verify(signature, message, ec.ECDSA(SHA256()))


def _verify_eddsa(public: bytes, signature: bytes, message: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def _is_strict_der(signature: bytes) -> bool:
    """Return whether an ECDSA signature is spelt in the one way we take: strict DER, the smaller s."""
    numbers = _numbers_of(signature)
    return numbers is not None and 0 < numbers[1] <= _P256_ORDER // 2


def _with_smaller_s(signature: bytes) -> bytes:
    numbers = _numbers_of(signature)
    if numbers is None or not _P256_ORDER // 2 < numbers[1] < _P256_ORDER:
        return signature
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(numbers[0], _P256_ORDER - numbers[1])


def _numbers_of(signature: bytes) -> tuple[int, int] | None:
    """Return (r, s) of a signature in strict DER, or None."""
    require_cryptography()
    from cryptography.hazmat.primitives.asymmetric import utils

    try:
        r, s = utils.decode_dss_signature(signature)
        return (r, s) if utils.encode_dss_signature(r, s) == signature else None
    except ValueError:
        return None
