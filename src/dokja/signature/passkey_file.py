"""A passkey as a file: what a browser's registration gave and, once it was asked to sign, its answer.

    {"format": "dokja-passkey/1",
     "rp_id": "programme.example",             the site the passkey was made for
     "public_key": "MFkw…",                    base64url: SubjectPublicKeyInfo (getPublicKey()) or COSE_Key
     "id": "…",                                the credential's id, for a security key that must be told it; may be left out
     "at": "2026-01-15T06:00:00Z",             with an answer: the time that was asked for
     "response": {"authenticatorData": "…", "clientDataJSON": "…", "signature": "…"}}

Nothing in it is secret. With an answer it signs exactly what it was asked to sign and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.errors import InvalidInput, KeyRefused, Unavailable
from dokja.signature.key import Signature, Signer, SigningKey, instant
from dokja.signature.passkey import Algorithm, Assertion, Credential, from_base64url, require_cryptography

FORMAT = "dokja-passkey/1"
_MOST_FILE_BYTES = 1 << 15
_MOST_ID_BYTES = 1023
_MOST_KEY_BYTES = 256
_NEEDED = {"format", "rp_id", "public_key"}
_ANSWER = {"at", "response"}
# WebAuthn asks for CTAP2's canonical CBOR, in which such a key has one encoding: kty, alg, crv, then the coordinates.
_COSE_ES256 = bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820")
_COSE_EDDSA = bytes.fromhex("a4010103272006215820")


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """A passkey that was asked to sign something and did. It signs that, and nothing else.

    Args:
        credential: Its public half.
        at: The time it was asked for.
        assertion: What it answered.
    """

    credential: Credential
    at: str
    assertion: Assertion

    @property
    def id(self) -> str:
        """Return the key's name."""
        return str(self.credential)

    def sign(self, domain: str, value: object, at: str) -> Signature:
        """Return the answer as a signature.

        Args:
            domain: What the value is, e.g. `decision`.
            value: What is to be signed.
            at: Must be the time it was asked for.

        Raises:
            KeyRefused: The passkey signed something else, at another time, or in a way that does not count.
        """
        made = Signature(self.id, self.at, str(self.assertion))
        flaw = made.flaw(domain, value)
        if flaw is not None or at != self.at:
            why = "it was asked for another time" if flaw is None else flaw.said
            raise KeyRefused(
                f"The passkey's answer is no signature of this {domain}: {why}.",
                hint="Print what it must sign with dokja key challenge, and let it answer again.",
                reason="" if flaw is None else f"signature.{flaw}",
            )
        return made


@dataclass(frozen=True, slots=True)
class PasskeyFile:
    """What a passkey's file says.

    Args:
        credential: Its public half.
        id: The credential's id in base64url; empty where the file does not say.
        answer: What it answered; None before it was asked.
    """

    credential: Credential
    id: str = ""
    answer: PasskeyAnswer | None = None

    def signer(self) -> PasskeyAnswer:
        """Return the passkey with its answer.

        Raises:
            KeyRefused: It has not answered.
        """
        if self.answer is None:
            raise KeyRefused(
                "The passkey's file holds no answer: at and response.",
                hint="Print what it must sign with dokja key challenge, and let it answer.",
            )
        return self.answer


def parse_passkey_file(data: bytes) -> PasskeyFile:
    """Return what a passkey's file says.

    Raises:
        InvalidInput: It is not such a file; the sentence says what is wrong.
    """
    value = parse_json(data) if len(data) <= _MOST_FILE_BYTES else None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise InvalidInput(f"This is no file of a passkey: a JSON object of format {FORMAT}.")
    names = set(value) - {"id"}
    if names not in (_NEEDED, _NEEDED | _ANSWER):
        raise InvalidInput(
            "A passkey's file has format, rp_id, public_key, and with an answer at and response."
        )
    public = from_base64url(value["public_key"], "A passkey's public_key", _MOST_KEY_BYTES)
    credential = credential_of(str(value["rp_id"]), public)
    known = value.get("id", "")
    if known != "":
        from_base64url(known, "A passkey's id", _MOST_ID_BYTES)
    answer = None if names == _NEEDED else _answer(credential, value)
    return PasskeyFile(credential, str(known), answer)


def _answer(credential: Credential, value: dict[str, JSON]) -> PasskeyAnswer:
    at = str(value["at"])
    instant(at)
    return PasskeyAnswer(credential, at, Assertion.from_browser(value["response"]))


def credential_of(rp_id: str, public_key: bytes) -> Credential:
    """Return the credential of a site with a public key as a browser's registration gives it.

    Args:
        rp_id: The relying party id, a domain name.
        public_key: SubjectPublicKeyInfo in DER, or a COSE_Key in CTAP2's canonical CBOR.

    Raises:
        InvalidInput: It is no P-256 or Ed25519 key in one of these encodings.
    """
    require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    head, middle = _COSE_ES256
    key: object = None
    try:
        if len(public_key) == 77 and public_key.startswith(head) and public_key[42:45] == middle:
            point = b"\x04" + public_key[10:42] + public_key[45:]
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        elif len(public_key) == 42 and public_key.startswith(_COSE_EDDSA):
            key = ed25519.Ed25519PublicKey.from_public_bytes(public_key[10:])
        else:
            key = serialization.load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Credential(Algorithm.EDDSA, rp_id, key.public_bytes_raw())
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        encoded = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
        return Credential(Algorithm.ES256, rp_id, encoded)
    raise InvalidInput(
        "The public key of a passkey is a P-256 or Ed25519 key, as SubjectPublicKeyInfo or COSE_Key.",
        hint="Register the passkey with the algorithms -7 (ES256) and -8 (EdDSA).",
    )


def load_passkey(path: Path) -> PasskeyFile:
    """Return what a passkey's file on disk says.

    Raises:
        InvalidInput: It is not such a file.
        Unavailable: There is no such file.
    """
    return parse_passkey_file(_read(path))


def load_signer(path: Path) -> Signer:
    """Return whoever signs with a file: the secret key in a key file, or a passkey that has answered.

    Raises:
        KeyRefused: Others can read the key file, or the passkey has not answered.
        InvalidInput: It is neither.
        Unavailable: There is no such file.
    """
    data = _read(path)
    return parse_passkey_file(data).signer() if FORMAT.encode() in data else SigningKey.load(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error


def time_asked_for(signers: Iterable[Signer | None]) -> str:
    """Return the time at which a passkey among the signers was asked to sign; empty when there is none."""
    return next((one.at for one in signers if isinstance(one, PasskeyAnswer)), "")
