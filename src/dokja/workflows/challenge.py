"""Say what a passkey must sign: for a decision, for an event that waits, or for a statement about a key.

A passkey cannot sign by itself: a browser asks it, on its own site, with a challenge. What is printed here goes to that
page; the answer comes back in the passkey's file and is given where a key file would be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.errors import InvalidInput
from dokja.procedure.signature_rule import DOMAIN as DECISION
from dokja.signature import challenge_of
from dokja.signature.key import instant
from dokja.signature.passkey_file import PasskeyFile
from dokja.signature.public import parse_public_key
from dokja.store.recording import DOMAIN as EVENT
from dokja.workflows.open_stage import enrolment, revocation, rotation

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a passkey must sign.

    Args:
        passkey: The passkey.
        at: RFC 3339 time in UTC the signature will carry.
        domain: What the value is.
        value: What is signed.
    """

    passkey: PasskeyFile
    at: str
    domain: str
    value: str | Mapping[str, str]

    @property
    def text(self) -> str:
        """Return the challenge in base64url."""
        signed = self.value if isinstance(self.value, str) else dict(self.value)
        return challenge_of(self.domain, signed, self.at, str(self.passkey.credential))

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object; `request` is for `PublicKeyCredential.parseRequestOptionsFromJSON`."""
        credential = self.passkey.credential
        request: dict[str, JSON] = {
            "challenge": self.text,
            "rpId": credential.rp_id,
            "userVerification": "required",
        }
        if self.passkey.id:
            request["allowCredentials"] = [{"type": "public-key", "id": self.passkey.id}]
        return {
            "key": str(credential),
            "at": self.at,
            "signs": {
                "domain": self.domain,
                "value": self.value if isinstance(self.value, str) else dict(self.value),
            },
            "request": request,
        }


def challenge(passkey: PasskeyFile, what: str, about: Sequence[str], at: str, reason: str = "") -> Challenge:
    """Return what a passkey must sign.

    Args:
        passkey: Who signs.
        what: `decision` or `event` (about its digest), `enrol` (about person and role, and the key, where it is not the passkey's
            own), `rotate` (about the old and the new key) or `revoke` (about the key).
        about: What it is about, in that order.
        at: Now, RFC 3339 in UTC.
        reason: Why a key is rotated or revoked.

    Raises:
        InvalidInput: Something is missing, too much, or malformed.
    """
    instant(at)
    words = list(about)
    if what in (DECISION, EVENT) and len(words) == 1 and _DIGEST.fullmatch(words[0]):
        return Challenge(passkey, at, what, words[0])
    keys = words[2:] if what == "enrol" else words
    for key in keys:
        parse_public_key(key)
    if what == "enrol" and len(words) in (2, 3):
        of = keys[0] if keys else str(passkey.credential)
        return Challenge(passkey, at, "key", enrolment(words[0], words[1], of, at))
    if what in ("rotate", "revoke") and not reason.strip():
        raise InvalidInput("The statement gives the reason, so it is signed.", hint="Give the same --reason.")
    if what == "rotate" and len(words) == 2:
        return Challenge(passkey, at, "key", rotation(words[0], words[1], at, reason))
    if what == "revoke" and len(words) == 1:
        return Challenge(passkey, at, "key", revocation(words[0], at, reason))
    raise InvalidInput(
        f"A passkey cannot be asked to sign {what!r} about {' '.join(words)!r}.",
        hint="Ask for: decision DIGEST, event DIGEST, enrol PERSON ROLE [KEY], rotate OLD NEW, or revoke KEY.",
    )
