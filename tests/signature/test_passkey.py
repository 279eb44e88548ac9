"""A passkey signs what an Ed25519 key would sign; what others published verifies, and every spelling is the only one."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import InvalidInput, KeyRefused, Unavailable
from dokja.report.words import LANGUAGES, say
from dokja.signature import KeyRing, Signature, SigningKey, challenge_of, key_statement
from dokja.signature.key import signed_bytes
from dokja.signature.passkey import Algorithm, Assertion, Credential, Flaw, to_base64url
from dokja.signature.passkey_file import (
    FORMAT,
    credential_of,
    load_passkey,
    load_signer,
    parse_passkey_file,
    time_asked_for,
)
from dokja.signature.public import Ed25519Key, parse_public_key
from tests.signature.authenticator import SITE, Authenticator

VECTORS = json.loads((Path(__file__).parent / "webauthn_level_3_vectors.json").read_text("utf-8"))["vectors"]
PHONE, CARD = Authenticator(21), Authenticator(22, edwards=True)
OFFICE, CHAIR = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)
JANUARY, MARCH = "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"
BODY = "sha256:" + "ab" * 32


@pytest.mark.parametrize("vector", VECTORS, ids=[one["section"] for one in VECTORS])
def test_the_vectors_of_the_standard_are_judged_as_their_flags_say(vector: dict[str, str]) -> None:
    credential = credential_of("example.org", bytes.fromhex(vector["cose_key"]))
    response = {
        name: to_base64url(bytes.fromhex(vector[name]))
        for name in ("authenticatorData", "clientDataJSON", "signature")
    }
    assertion = Assertion.from_browser(response)
    assert credential.flaw_of(assertion, bytes.fromhex(vector["challenge"])) == (vector["flaw"] or None)
    assert credential.flaw_of(assertion, bytes(32)) is Flaw.NOT_OF_THIS
    assert credential._flaw_of_signature(assertion) is None
    assert credential._flaw_of_signature(Assertion(assertion.authenticator_data, b"{}", assertion.signature))


@pytest.mark.parametrize("passkey", [PHONE, CARD], ids=["ES256", "EdDSA"])
def test_a_passkey_signs_the_digest_of_what_a_plain_key_would_sign(passkey: Authenticator) -> None:
    made = passkey.sign("decision", BODY, JANUARY)
    assert made.signs("decision", BODY)
    assert not made.signs("event", BODY)
    assert not Signature(made.key, MARCH, made.signature).signs("decision", BODY)
    assert Signature.from_json(made.as_json()) == made
    assert (
        passkey.credential.flaw(made.signature, signed_bytes("decision", BODY, JANUARY, passkey.id)) is None
    )


@pytest.mark.parametrize("passkey", [PHONE, CARD], ids=["ES256", "EdDSA"])
def test_both_encodings_of_a_public_key_name_the_same_passkey(passkey: Authenticator) -> None:
    assert credential_of(SITE, passkey.cose_key) == passkey.credential
    assert Credential.parse(passkey.id) == passkey.credential
    assert parse_public_key(passkey.id) == passkey.credential
    assert parse_public_key(OFFICE.id) == Ed25519Key(bytes.fromhex(OFFICE.id.partition(":")[2]))


@given(st.text(max_size=80) | st.binary(max_size=90))
def test_what_is_no_key_and_no_assertion_is_invalid_input_and_nothing_else(data: str | bytes) -> None:
    if isinstance(data, str):
        for read in (parse_public_key, Credential.parse, Assertion.parse):
            for text in (data, f"webauthn-es256:{SITE}:{data}", f"{data}.{data}.{data}"):
                with contextlib.suppress(InvalidInput):
                    read(text)
        assert PHONE.credential.flaw(data, b"") is Flaw.MALFORMED
    else:
        with contextlib.suppress(InvalidInput):
            credential_of(SITE, data)
        with contextlib.suppress(InvalidInput):
            parse_passkey_file(data)
        client = Assertion(b"x" * 37, data or b" ", b"x")
        assert PHONE.credential.flaw_of(client, bytes(32)) is not None


@given(st.sampled_from([PHONE, CARD]), st.data())
def test_one_changed_character_of_an_assertion_is_no_signature(
    passkey: Authenticator, data: st.DataObject
) -> None:
    text = passkey.sign("decision", BODY, JANUARY).signature
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.").filter(lambda letter: letter != text[at]))
    changed = text[:at] + other + text[at + 1 :]
    assert passkey.credential.flaw(changed, signed_bytes("decision", BODY, JANUARY, passkey.id)) is not None


@pytest.mark.parametrize(
    "site",
    ["", "com", "a..b", ".example", "-a.example", "1.2.3.4", "Example.org", "a" * 64 + ".org", "예시.kr"],
)
def test_a_passkey_belongs_to_a_domain_name(site: str) -> None:
    with pytest.raises(InvalidInput):
        credential_of(site, PHONE.public_key)


def test_a_key_has_one_spelling() -> None:
    name, site, public = CARD.id.split(":")
    last = {"A": "B", "Q": "R", "g": "h", "w": "x"}
    spelt_otherwise = public[:-1] + last.get(public[-1], chr(ord(public[-1]) + 1))
    for text in (f"{name}:{site}:{public}=", f"{name}:{site}:{spelt_otherwise}", f"{name}:{site}.:{public}"):
        with pytest.raises(InvalidInput):
            parse_public_key(text)
    with pytest.raises(InvalidInput):
        Credential(Algorithm.ES256, SITE, b"\x04" + bytes(32))


def enrol(key: object, person: str, role: str, *by: object, at: str = JANUARY) -> dict[str, object]:
    statement = {
        "action": "enrol", "person": person, "role": role, "key": key.id, "effective_at": at, "reason": "appointed",  # type: ignore[attr-defined]
    }  # fmt: skip
    return key_statement(statement, [key, *by], at)  # type: ignore[list-item]


def rotate(old: object, new: object, *by: object, at: str = MARCH) -> dict[str, object]:
    statement = {"action": "rotate", "key": old.id, "new_key": new.id, "effective_at": at, "reason": "yearly"}  # type: ignore[attr-defined]
    return key_statement(statement, by, at)  # type: ignore[arg-type]


def test_a_passkey_is_enrolled_rotated_and_revoked_like_any_key() -> None:
    ring = KeyRing.replay(
        [(0, enrol(OFFICE, "office", "organiser")), (1, enrol(PHONE, "chair", "chair", OFFICE))]
    )
    assert (ring[PHONE.id].person, ring[PHONE.id].role) == ("chair", "chair")
    ring.accept(2, rotate(PHONE, CHAIR, CHAIR, PHONE))  # a passkey hands over to a plain key
    ring.accept(3, rotate(CHAIR, CARD, CARD, CHAIR))  # and a plain key to a passkey
    assert ring[CARD.id].person == "chair"
    assert ring.refusal(PHONE.sign("decision", BODY, JANUARY), "decision", BODY, 9) is not None
    revoked = {"action": "revoke", "key": CARD.id, "effective_at": MARCH, "reason": "lost"}
    ring.accept(4, key_statement(revoked, [CARD], MARCH))
    assert ring[CARD.id].ended == MARCH


def test_a_passkey_may_be_the_first_organisers_key() -> None:
    ring = KeyRing.replay(
        [(0, enrol(PHONE, "office", "organiser")), (1, enrol(CHAIR, "chair", "chair", PHONE))]
    )
    assert ring[CHAIR.id].role == "chair"


@pytest.mark.parametrize(
    "flaw", [flaw for flaw in Flaw if flaw is not Flaw.NOT_OF_THIS], ids=lambda flaw: flaw.value
)
def test_every_flaw_is_said_in_both_languages_and_in_errors(flaw: Flaw) -> None:
    for language in LANGUAGES:
        assert say(f"signature.{flaw}", {"person": "chair"}, language)
    assert flaw.said


def test_a_passkeys_file_signs_what_it_was_asked_and_nothing_else(tmp_path: Path) -> None:
    challenge = challenge_of("decision", BODY, JANUARY, PHONE.id)
    path = tmp_path / "chair.passkey.json"
    path.write_text(json.dumps(PHONE.file(JANUARY, challenge)), encoding="utf-8")
    signer = load_signer(path)
    assert signer.sign("decision", BODY, JANUARY).signs("decision", BODY)
    assert time_asked_for([OFFICE, None, signer]) == JANUARY
    for domain, value, at in (
        ("event", BODY, JANUARY),
        ("decision", "x", JANUARY),
        ("decision", BODY, MARCH),
    ):
        with pytest.raises(KeyRefused):
            signer.sign(domain, value, at)
    path.write_text(json.dumps(PHONE.file()), encoding="utf-8")
    assert load_passkey(path).answer is None
    with pytest.raises(KeyRefused, match="no answer"):
        load_signer(path)
    OFFICE.save(tmp_path / "office.key")
    assert load_signer(tmp_path / "office.key").id == OFFICE.id
    with pytest.raises(Unavailable):
        load_signer(tmp_path / "none.key")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "dokja-passkey/2"}, {"rp_id": "com"}, {"rp_id": None}, {"public_key": ""}, {"public_key": 5},
        {"public_key": to_base64url(b"x" * 91)}, {"more": 1}, {"at": "now"}, {"at": None}, {"response": {}}, {"response": None},
        {"response": {"authenticatorData": "AA", "clientDataJSON": "AA", "signature": "=="}}, {"id": 5}, {"id": "é"},
    ],
    ids=str,
)  # fmt: skip
def test_a_file_that_is_none_of_a_passkey_is_refused(changes: dict[str, object]) -> None:
    whole = PHONE.file(JANUARY, challenge_of("decision", BODY, JANUARY, PHONE.id))
    assert parse_passkey_file(json.dumps(whole).encode()).answer
    with pytest.raises(InvalidInput):
        parse_passkey_file(json.dumps({**whole, **changes}).encode())
    with pytest.raises(InvalidInput):
        parse_passkey_file(json.dumps({**whole, "id": "A" * 40000}).encode())
    assert FORMAT in json.dumps(whole)
