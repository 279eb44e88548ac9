"""Signatures by people: Ed25519 keys and passkeys, what exactly is signed, whose key it was, and when it stopped counting.

- What is signed is never the bare value: it is the value under a *domain* (`decision`, `key`, ...), with the time and
  the key, in the pre-authentication encoding of DSSE. A signature for one thing is worth nothing for another.
- A key is named by its public half: `ed25519:<64 hex digits>`, or a passkey's `webauthn-es256:<site>:<base64url>`. A
  passkey signs the digest of the bytes an Ed25519 key would sign, as the challenge of a WebAuthn assertion. One key
  belongs to one person in one role for ever.
- Keys are enrolled, rotated and revoked by signed statements that lie in the same log as what they sign. The first
  statement enrols an organiser with a key that signs itself; whoever verifies compares that one key with what was
  published elsewhere.
- A signature counts when its key was enrolled before it (in the log, and by its own time), and, if the key was revoked
  or replaced, when it was both made before the revocation took effect and logged before the revocation was. Both,
  because a stolen key can write any time it likes into a signature, but not an earlier place into the log.

How many people must sign, and in which roles, is the rulebook's: `dokja.procedure.signature_rule`.
"""

from dokja.signature.key import Signature, Signer, SigningKey, challenge_of
from dokja.signature.public import verify_bytes
from dokja.signature.ring import Enrolment, KeyRing, KeyRole, key_statement

__all__ = [
    "Enrolment",
    "KeyRing",
    "KeyRole",
    "Signature",
    "Signer",
    "SigningKey",
    "challenge_of",
    "key_statement",
    "verify_bytes",
]
