"""The public half of a key: an Ed25519 key or an enrolled passkey, each written as one text.

A public key says whether a text is spelt as its signatures are, and what is wrong with a signature of a message. Nobody
else asks which of the two it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from dokja.errors import InvalidInput
from dokja.signature.passkey import Credential, Flaw, require_cryptography

_KEY = re.compile(r"ed25519:[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    """A plain key, written `ed25519:<64 hex digits>`; its signatures are 128 hex digits.

    Args:
        public: Its 32 bytes.
    """

    public: bytes

    def __str__(self) -> str:
        return "ed25519:" + self.public.hex()

    def require_signature(self, text: str) -> None:
        """Require that a text is spelt as an Ed25519 signature is.

        Raises:
            InvalidInput: It is not.
        """
        if not isinstance(text, str) or not _SIGNATURE.fullmatch(text):
            raise InvalidInput(f"A signature is 128 hex digits, not {str(text)[:300]!r}.")

    def flaw(self, text: str, message: bytes) -> Flaw | None:
        """Return why a text is no signature of a message by this key, or None when it is one."""
        self.require_signature(text)
        return None if verify_bytes(str(self), bytes.fromhex(text), message) else Flaw.NOT_OF_THIS


PublicKey: TypeAlias = Ed25519Key | Credential


def parse_public_key(text: object) -> PublicKey:
    """Return the public key a text names.

    Raises:
        InvalidInput: It names none.
    """
    if isinstance(text, str) and _KEY.fullmatch(text):
        return Ed25519Key(bytes.fromhex(text.removeprefix("ed25519:")))
    if isinstance(text, str) and text.startswith("webauthn-"):
        return Credential.parse(text)
    raise InvalidInput(
        f"A key is ed25519: and 64 hex digits, or the name of a passkey, not {str(text)[:300]!r}."
    )


def verify_bytes(key: str, signature: bytes, message: bytes) -> bool:
    """Return whether a bare Ed25519 signature verifies under a key written `ed25519:<64 hex digits>`."""
    if not _KEY.fullmatch(key):
        return False
    require_cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.removeprefix("ed25519:")))
        public.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
