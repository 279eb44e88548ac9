"""Signed checkpoints of the log, in formats that other people's tools read.

A checkpoint is three lines (origin, number of leaves, root hash) inside a signed note. Whoever keeps one can later
demand a proof that the log only grew. Witnesses may add cosignatures: "I saw this root at this time, and it was
consistent with all I saw before".

Source: C2SP signed-note v1, tlog-checkpoint v1, tlog-cosignature v1 (Ed25519).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from dokja.errors import InvalidInput, UnreadableArtifact
from dokja.signature import SigningKey, verify_bytes

_PLAIN, _COSIGNATURE = 1, 4
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MOST_NOTE_BYTES = 1 << 16
_MOST_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The state of a log: everything up to here, in one hash.

    Args:
        origin: Which log, a name like `programme.example/log`, without spaces or `+`.
        size: Number of leaves.
        root: 32 bytes, the root of the RFC 6962 tree of these leaves.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.origin) or self.size < 0 or len(self.root) != 32:
            raise InvalidInput(
                "A checkpoint names its log without spaces or +, its size, and a root of 32 bytes."
            )

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A key as a verifier of notes knows it.

    Args:
        name: Name of the signer; for a log its origin.
        key: `ed25519:<64 hex digits>`.
        cosigner: True for a witness, whose signatures carry a time.
    """

    name: str
    key: str
    cosigner: bool = False

    @property
    def id(self) -> bytes:
        """Return the first four bytes of the hash of name, kind and key, by which a note refers to this key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._encoded()).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self._encoded()).decode()}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Return the key a verifier-key text `name+id+base64` names.

        Raises:
            InvalidInput: It is not one, or its id does not belong to its key.
        """
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) == 33 and raw[0] in (_PLAIN, _COSIGNATURE) and _NAME.fullmatch(name):
            key = cls(name, "ed25519:" + raw[1:].hex(), raw[0] == _COSIGNATURE)
            if str(key) == text:
                return key
        raise InvalidInput(f"{text!r} is not a verifier key name+id+base64 of an Ed25519 key.")

    def _encoded(self) -> bytes:
        return bytes([_COSIGNATURE if self.cosigner else _PLAIN]) + bytes.fromhex(self.key.partition(":")[2])


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line of signature under a note: who says to have signed, with which key, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text with signature lines under it. Nothing in it is to be believed before `signed_by` says so."""

    text: str
    lines: tuple[SignatureLine, ...]

    def signed_by(self, key: NoteKey) -> bool:
        """Return whether the note carries a signature of this key, and every one in this key's name verifies."""
        own = [line for line in self.lines if line.name == key.name and line.key_id == key.id]
        return bool(own) and all(_verifies(line, key, self.text) for line in own)

    def render(self) -> str:
        """Return the note as it is published."""
        lines = [
            f"— {line.name} {base64.b64encode(line.key_id + line.signature).decode()}\n"
            for line in self.lines
        ]
        return f"{self.text}\n{''.join(lines)}"


def sign_head(checkpoint: SignedHead, key: SigningKey) -> Note:
    """Return a checkpoint signed by its log."""
    text = checkpoint.text()
    return Note(text, (_line(NoteKey(checkpoint.origin, key.id), key.sign_bytes(text.encode())),))


def cosign(note: Note, witness: str, key: SigningKey, *, unix_seconds: int) -> Note:
    """Return a checkpoint with a witness's cosignature added.

    Args:
        note: The checkpoint; the witness has checked that it is consistent with all it saw before.
        witness: Name of the witness.
        key: Its key, used for nothing else.
        unix_seconds: Now.
    """
    message = _cosigned(note.text, unix_seconds)
    line = _line(NoteKey(witness, key.id, cosigner=True), unix_seconds.to_bytes(8) + key.sign_bytes(message))
    return Note(note.text, (*note.lines, line))


def parse_note(data: bytes | str) -> Note:
    """Return the note in a published text.

    Raises:
        UnreadableArtifact: It is not a signed note; the sentence says what is wrong.
    """
    text = data if isinstance(data, str) else _utf8(data)
    if len(text) > _MOST_NOTE_BYTES:
        raise UnreadableArtifact(f"A signed note of more than {_MOST_NOTE_BYTES} bytes is not read.")
    if any(ord(char) < 32 and char != "\n" for char in text):
        raise UnreadableArtifact("A signed note holds no control characters.")
    body, separator, signatures = text.rpartition("\n\n")
    lines = signatures.split("\n")
    if not separator or lines.pop() != "" or not 0 < len(lines) <= _MOST_SIGNATURES:
        raise UnreadableArtifact("A signed note is a text, an empty line, and lines of signatures.")
    return Note(body + "\n", tuple(_parse_line(line) for line in lines))


def parse_head(note: Note) -> SignedHead:
    """Return the checkpoint a note states; say who signed it with `Note.signed_by`.

    Raises:
        UnreadableArtifact: The text is not exactly the three lines of a checkpoint.
    """
    lines = note.text.split("\n")
    if len(lines) != 4 or lines[3] or not _SIZE.fullmatch(lines[1]):
        raise UnreadableArtifact("A checkpoint is three lines: origin, size, root hash.")
    try:
        checkpoint = SignedHead(lines[0], int(lines[1]), _base64(lines[2]))
    except InvalidInput as error:
        raise UnreadableArtifact(error.message) from error
    return checkpoint


def _line(key: NoteKey, signature: bytes) -> SignatureLine:
    return SignatureLine(key.name, key.id, signature)


def _verifies(line: SignatureLine, key: NoteKey, text: str) -> bool:
    if not key.cosigner:
        return verify_bytes(key.key, line.signature, text.encode())
    seconds = int.from_bytes(line.signature[:8])
    return verify_bytes(key.key, line.signature[8:], _cosigned(text, seconds))


def _cosigned(text: str, unix_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {unix_seconds}\n{text}".encode()


def _parse_line(line: str) -> SignatureLine:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _base64(encoded)
    if mark != "—" or not _NAME.fullmatch(name) or len(raw) < 5:
        raise UnreadableArtifact(
            "A line of signature is an em dash, a name, and base64 of key id and signature."
        )
    return SignatureLine(name, raw[:4], raw[4:])


def _base64(text: str) -> bytes:
    """Decode base64, refusing a second spelling of the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if base64.b64encode(raw).decode() != text:
        raise UnreadableArtifact("A signed note holds base64 that is cut short or spelt in another way.")
    return raw


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableArtifact("A signed note is UTF-8 text.") from None
