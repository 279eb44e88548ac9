"""Checkpoints are C2SP signed notes: a published note verifies, and no changed one does."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import InvalidInput, UnreadableArtifact
from dokja.signature import SigningKey
from dokja.signature.note import (
    Note,
    NoteKey,
    SignedHead,
    cosign,
    parse_head,
    parse_note,
    sign_head,
)

# The example of the Go project's golang.org/x/mod/sumdb/note package, where the format comes from.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = SigningKey(bytes(range(32)))
CHECKPOINT = SignedHead("programme.example/log", 3, bytes(range(32)))
LOG = NoteKey(CHECKPOINT.origin, KEY.id)


def test_a_note_published_by_others_verifies() -> None:
    note = parse_note(PUBLISHED_NOTE)
    assert note.signed_by(NoteKey.parse(PUBLISHED_KEY))
    assert note.render() == PUBLISHED_NOTE


def test_the_published_example_of_a_checkpoint_parses() -> None:
    note = parse_note(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
        "zyWE+xeMcTOAYQ8=\n"
    )
    checkpoint = parse_head(note)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == note.text


@given(st.data())
def test_a_changed_checkpoint_is_unreadable_or_unsigned(data: st.DataObject) -> None:
    published = sign_head(CHECKPOINT, KEY).render().encode()
    at = data.draw(st.integers(0, len(published) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != published[at]))
    changed = published[:at] + bytes([byte]) + published[at + 1 :]
    try:
        note = parse_note(changed)
        checkpoint = parse_head(note)
    except UnreadableArtifact:
        return
    assert not note.signed_by(LOG), checkpoint


@given(st.text() | st.binary())
def test_no_input_raises_anything_but_unreadable(data: str | bytes) -> None:
    with contextlib.suppress(UnreadableArtifact):
        parse_head(parse_note(data))


def test_a_witness_adds_its_time_and_the_logs_signature_still_stands() -> None:
    witness = SigningKey(bytes(32))
    note = parse_note(
        cosign(sign_head(CHECKPOINT, KEY), "witness.example", witness, unix_seconds=1800000000).render()
    )
    cosigner = NoteKey("witness.example", witness.id, cosigner=True)
    assert note.signed_by(LOG)
    assert note.signed_by(cosigner)
    line = note.lines[1]
    later = (1800000001).to_bytes(8) + line.signature[8:]
    moved = Note(note.text, (note.lines[0], type(line)(line.name, line.key_id, later)))
    assert not moved.signed_by(cosigner)
    assert not note.signed_by(NoteKey("witness.example", witness.id))


def test_a_good_signature_beside_a_bad_one_of_the_same_key_does_not_count() -> None:
    note = sign_head(CHECKPOINT, KEY)
    line = note.lines[0]
    bad = type(line)(line.name, line.key_id, bytes(64))
    assert not Note(note.text, (line, bad)).signed_by(LOG)


def test_a_verifier_key_survives_being_written_and_a_wrong_one_is_refused() -> None:
    assert NoteKey.parse(str(LOG)) == LOG
    name, key_id, encoded = str(LOG).split("+", 2)
    raw = base64.b64decode(encoded)
    wrong = [
        "", "name", f"{name}+{key_id}", f"other+{key_id}+{encoded}", f"{name}+00000000+{encoded}",
        f"{name}+{key_id}+{base64.b64encode(b'9' + raw[1:]).decode()}", f"{name}+{key_id}+*",
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(InvalidInput):
            NoteKey.parse(text)


def test_a_checkpoint_without_a_usable_origin_or_root_is_refused() -> None:
    for origin, size, root in (
        ("", 1, bytes(32)),
        ("a b", 1, bytes(32)),
        ("a+b", 1, bytes(32)),
        ("a", 1, b""),
    ):
        with pytest.raises(InvalidInput):
            SignedHead(origin, size, root)
