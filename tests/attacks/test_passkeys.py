"""Somebody without a passkey, or with the wrong one, tries to sign with it: each attack is one changed part of an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from dokja.errors import DokjaError, InvalidInput, KeyRefused, NotAllowed
from dokja.record.events import Event
from dokja.report.words import LANGUAGES, say_reason
from dokja.signature import KeyRing, Signature, SigningKey, challenge_of, key_statement
from dokja.signature.passkey import Assertion, Flaw, from_base64url, to_base64url
from dokja.signature.passkey_file import parse_passkey_file
from dokja.store.recording import StoredEvent
from tests.signature.authenticator import PRESENT, SITE, VERIFIED, Authenticator

AT, LATER = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
OFFICE = SigningKey(bytes([1]) * 32)
PHONE, CARD, STRANGER = Authenticator(51), Authenticator(52, edwards=True), Authenticator(53)
BOTH = pytest.mark.parametrize("passkey", [PHONE, CARD], ids=["ES256", "EdDSA"])
DECISION = "sha256:" + "ab" * 32
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def enrolment(key: Any, person: str, role: str, *by: Any) -> dict[str, Any]:
    statement = {
        "action": "enrol", "person": person, "role": role, "key": key.id, "effective_at": AT, "reason": "appointed",
    }  # fmt: skip
    return key_statement(statement, [key, *by], AT)


RING = KeyRing.replay(
    [
        (0, enrolment(OFFICE, "office", "organiser")),
        (1, enrolment(PHONE, "chair", "chair", OFFICE)),
        (2, enrolment(CARD, "auditor", "auditor", OFFICE)),
    ]
)


def refused(signature: Signature, domain: str = "decision", value: object = DECISION) -> str:
    """Why the ring refuses a signature, in the catalogue's words; empty when it counts."""
    reason = RING.refusal(signature, domain, value, 9)
    for language in LANGUAGES if reason else ():
        assert say_reason(reason, language)  # type: ignore[arg-type]
    return "" if reason is None else reason.key.removeprefix("signature.")


def sign(passkey: Authenticator, **changes: Any) -> Signature:
    return passkey.during(**changes).sign("decision", DECISION, LATER)


def with_parts(made: Signature, **parts: bytes) -> Signature:
    """The signature with parts of its assertion replaced."""
    found = Assertion.parse(made.signature)
    kept = {
        "authenticator_data": found.authenticator_data,
        "client_data": found.client_data,
        "signature": found.signature,
    }
    return Signature(made.key, made.at, str(Assertion(**{**kept, **parts})))


@BOTH
def test_the_honest_answer_counts(passkey: Authenticator) -> None:
    assert refused(sign(passkey)) == ""


@BOTH
def test_an_answer_made_for_another_site(passkey: Authenticator) -> None:
    assert refused(sign(passkey, site="evil.example")) == Flaw.OTHER_SITE


@BOTH
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", f"https://{SITE}.evil.example", f"https://not{SITE}", f"http://{SITE}", "null", "",
        f"https://{SITE}@evil.example", f"https://evil.example/{SITE}", f"https://{SITE}/", f"https://{SITE}:99999999",
        f"https://{SITE.upper()}", f"https://{SITE}.", "http://localhost", "android:apk-key-hash:x", "https://prógramme.example",
    ],
)  # fmt: skip
def test_an_answer_given_on_another_page(passkey: Authenticator, origin: str) -> None:
    assert refused(sign(passkey, origin=origin)) == Flaw.OTHER_ORIGIN


def test_pages_of_the_site_itself_and_below_it_count() -> None:
    for origin in (f"https://{SITE}", f"https://a.b.{SITE}:8443"):
        assert refused(sign(PHONE, origin=origin)) == ""
    here = Authenticator(54, site="localhost").during(site="localhost", origin="http://localhost:8000")
    assert here.sign("decision", DECISION, AT).signs("decision", DECISION)


@BOTH
def test_an_answer_to_another_challenge(passkey: Authenticator) -> None:
    for challenge in (
        to_base64url(bytes(32)),
        "",
        challenge_of("decision", DECISION, LATER, passkey.id) + "=",
    ):
        assert refused(sign(passkey, challenge=challenge or "A")) == Flaw.NOT_OF_THIS


@BOTH
def test_an_answer_for_another_decision(passkey: Authenticator) -> None:
    made = passkey.sign("decision", "sha256:" + "cd" * 32, LATER)
    assert refused(made) == Flaw.NOT_OF_THIS


@BOTH
def test_an_answer_for_a_decision_moved_in_time_or_to_another_domain(passkey: Authenticator) -> None:
    made = sign(passkey)
    assert refused(Signature(made.key, AT, made.signature)) == Flaw.NOT_OF_THIS
    assert refused(made, domain="event") == Flaw.NOT_OF_THIS


@BOTH
def test_an_answer_nobody_was_verified_for(passkey: Authenticator) -> None:
    assert refused(sign(passkey, flags=PRESENT)) == Flaw.NOBODY_VERIFIED
    assert refused(sign(passkey, flags=VERIFIED)) == Flaw.NOBODY_PRESENT


@BOTH
@pytest.mark.parametrize(
    "more",
    [
        ',"crossOrigin":true',
        ',"crossOrigin":1',
        ',"crossOrigin":"false"',
        ',"topOrigin":"https://evil.example"',
    ],
)
def test_an_answer_given_inside_a_page_of_another_site(passkey: Authenticator, more: str) -> None:
    assert refused(sign(passkey, more=more)) == Flaw.CROSS_ORIGIN


@BOTH
def test_a_registration_passed_off_as_a_signature(passkey: Authenticator) -> None:
    assert refused(sign(passkey, act="webauthn.create")) == Flaw.OTHER_ACT


@BOTH
@pytest.mark.parametrize(
    "more",
    [
        ',"challenge":"other"', ',"origin":"https://evil.example"', ',"type":"payment.get"', ',"crossOrigin":NaN',
        "," , '}{', ',"deep":' + "[" * 2000 + "]" * 2000,
    ],
    ids=["challenge twice", "origin twice", "type twice", "no JSON number", "no JSON", "two values", "too deep"],
)  # fmt: skip
def test_client_data_that_two_readers_could_read_differently(passkey: Authenticator, more: str) -> None:
    try:
        made = sign(passkey, more=more)
    except InvalidInput:
        return  # longer than any client data is
    assert refused(made) == Flaw.MALFORMED


@BOTH
def test_client_data_that_is_no_object_of_texts(passkey: Authenticator) -> None:
    made = sign(passkey)
    for data in (
        b"[]",
        b"null",
        b'"x"',
        b'{"type":1,"challenge":2,"origin":3}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{}",
    ):
        assert refused(with_parts(made, client_data=data)) == Flaw.MALFORMED
    utf16 = Assertion.parse(made.signature).client_data.decode().encode("utf-16")
    assert refused(with_parts(made, client_data=utf16)) == Flaw.MALFORMED


@BOTH
def test_authenticator_data_cut_short_or_longer_than_it_says(passkey: Authenticator) -> None:
    made = sign(passkey)
    data = Assertion.parse(made.signature).authenticator_data
    for cut in (data[:1], data[:32], data[:36]):
        assert refused(with_parts(made, authenticator_data=cut)) == Flaw.MALFORMED
    assert refused(sign(passkey, extensions=b"\xa0")) == Flaw.MALFORMED
    assert refused(sign(passkey, flags=PRESENT | VERIFIED | 128)) == Flaw.MALFORMED
    for attested in (64, 64 | 128):
        answer = sign(
            passkey, flags=PRESENT | VERIFIED | attested, extensions=bytes(80) if attested > 64 else b""
        )
        assert refused(answer) == Flaw.MALFORMED
    assert refused(sign(passkey, flags=PRESENT | VERIFIED | 16)) == Flaw.MALFORMED
    assert refused(sign(passkey, flags=PRESENT | VERIFIED | 128, extensions=b"\xa0")) == ""


def test_the_other_signature_of_the_same_answer_is_no_second_spelling() -> None:
    """Whoever sees (r, s) can write (r, n - s), which ECDSA accepts: one text more for one yes. It is refused."""
    made = sign(PHONE)
    r, s = decode_dss_signature(Assertion.parse(made.signature).signature)
    mirrored = encode_dss_signature(r, P256_ORDER - s)
    assert refused(with_parts(made, signature=mirrored)) == Flaw.MALFORMED
    response = PHONE.answer(challenge_of("decision", DECISION, LATER, PHONE.id))
    for spelt in (encode_dss_signature(r, s), mirrored):  # authenticators make either: reading keeps one
        kept = Assertion.from_browser({**response, "signature": to_base64url(spelt)})
        assert kept.signature == encode_dss_signature(r, min(s, P256_ORDER - s))


def test_signatures_in_garbled_der() -> None:
    made = sign(PHONE)
    der = Assertion.parse(made.signature).signature
    r, s = decode_dss_signature(der)
    size = der[1]
    garbled = [
        b"\x00", der[:-1], der + b"\x00", b"\x31" + der[1:], b"\x30\x81" + bytes([size]) + der[2:],
        b"\x30\x80" + der[2:] + b"\x00\x00", encode_dss_signature(r, 0), encode_dss_signature(0, s),
        encode_dss_signature(0, 0), b"\x30\x06\x02\x01\xff\x02\x01\x01", r.to_bytes(32) + s.to_bytes(32), b"\x30" * 72,
    ]  # fmt: skip
    for wrong in garbled:
        assert refused(with_parts(made, signature=wrong)) in (Flaw.MALFORMED, Flaw.NOT_OF_THIS)


def test_edwards_signatures_of_another_length() -> None:
    made = sign(CARD)
    raw = Assertion.parse(made.signature).signature
    for wrong in (raw[:-1], raw + b"\x00", bytes(64), b"\x00"):
        assert refused(with_parts(made, signature=wrong)) == Flaw.NOT_OF_THIS


@BOTH
def test_an_answer_replayed_under_another_event(passkey: Authenticator) -> None:
    first, second = (
        Event(
            f"reply-{n}",
            "team_reply",
            "stage-1",
            LATER,
            "chair",
            {"team": "nuri", "to": "x", "text": str(n)},
        )
        for n in range(2)
    )
    made = passkey.sign("event", first.digest(), LATER)
    assert StoredEvent(first, signature=made).signature == made
    with pytest.raises(NotAllowed):
        StoredEvent(second, signature=made)
    assert refused(made, "event", second.digest()) == Flaw.NOT_OF_THIS


def test_a_plain_key_presented_as_a_passkey_and_the_reverse() -> None:
    plain = OFFICE.sign("decision", DECISION, LATER)
    with pytest.raises(InvalidInput):
        Signature(PHONE.id, LATER, plain.signature)
    with pytest.raises(InvalidInput):
        Signature(OFFICE.id, LATER, sign(CARD).signature)
    # The passkey's Ed25519 secret, should it leak, signs nothing as a plain key that was never enrolled.
    same_secret = SigningKey(bytes([CARD.seed]) * 32)
    assert CARD.credential.public.hex() == same_secret.id.partition(":")[2]
    assert refused(same_secret.sign("decision", DECISION, LATER)) == "unknown_key"
    bare = same_secret.sign_bytes(b"anything")
    assert refused(with_parts(sign(CARD), signature=bare)) == Flaw.NOT_OF_THIS


@BOTH
def test_another_persons_passkey_under_this_ones_name(passkey: Authenticator) -> None:
    challenge = challenge_of("decision", DECISION, LATER, passkey.id)
    stolen = str(Assertion.from_browser(STRANGER.answer(challenge)))
    assert refused(Signature(passkey.id, LATER, stolen)) == Flaw.NOT_OF_THIS


def test_the_same_point_enrolled_for_another_site_is_another_key() -> None:
    elsewhere = Authenticator(PHONE.seed, site="evil.example")
    assert elsewhere.id != PHONE.id
    made = elsewhere.during(site="evil.example", origin="https://evil.example").sign(
        "decision", DECISION, LATER
    )
    assert made.signs("decision", DECISION)
    assert refused(made) == "unknown_key"
    assert refused(Signature(PHONE.id, LATER, made.signature)) == Flaw.NOT_OF_THIS


@BOTH
def test_a_passkey_nobody_showed_to_hold_is_not_enrolled(passkey: Authenticator) -> None:
    other = Authenticator(55, edwards=passkey.edwards)
    statement = {
        "action": "enrol", "person": "x", "role": "chair", "key": other.id, "effective_at": AT, "reason": "r",
    }  # fmt: skip
    for signers in ([OFFICE], [passkey, OFFICE], [other.during(flags=PRESENT), OFFICE]):
        with pytest.raises(KeyRefused):
            KeyRing.replay([(0, enrolment(OFFICE, "office", "organiser"))]).accept(
                1, key_statement(statement, signers, AT)
            )
    claimed = {**statement, "key": other.id}
    response = passkey.answer(challenge_of("key", claimed, AT, other.id))
    forged = Signature(other.id, AT, str(Assertion.from_browser(response)))
    signed = {
        "statement": claimed,
        "signatures": [forged.as_json(), OFFICE.sign("key", claimed, AT).as_json()],
    }
    with pytest.raises(KeyRefused):
        KeyRing.replay([(0, enrolment(OFFICE, "office", "organiser"))]).accept(1, signed)


@BOTH
def test_an_answer_for_one_statement_enrols_nothing_else(passkey: Authenticator) -> None:
    stolen = enrolment(passkey, "chair", "chair", OFFICE)
    changed = {**stolen["statement"], "role": "organiser"}
    ring = KeyRing.replay([(0, enrolment(OFFICE, "office", "organiser"))])
    with pytest.raises(KeyRefused, match="signature of something else"):
        ring.accept(1, {"statement": changed, "signatures": stolen["signatures"]})


def test_oversized_fields_are_refused_before_they_are_read() -> None:
    made = sign(PHONE)
    first, second, third = made.signature.split(".")
    huge = "A" * 4_000_000
    for text in (
        f"{huge}.{second}.{third}", f"{first}.{huge}.{third}", f"{first}.{second}.{huge}", huge, "." * 9000,
        f"{first}.{second}.{third}.{third}", "..", f"{first}.{'A' * 5464}.{third}", f"{'A' * 1368}.{second}.{third}",
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refusal:
            Signature(made.key, made.at, text)
        assert len(refusal.value.message) < 1000
    for key in ("webauthn-es256:" + huge, f"webauthn-es256:{'a.' * 200}:{'A' * 44}", "webauthn-" + huge):
        with pytest.raises(InvalidInput) as refusal:
            Signature(key, made.at, made.signature)
        assert len(refusal.value.message) < 1000
    with pytest.raises(InvalidInput):
        parse_passkey_file(json.dumps({**PHONE.file(), "rp_id": huge}).encode())
    with pytest.raises(InvalidInput):
        from_base64url(huge, "it", 37)


def test_a_point_that_is_on_no_curve_signs_nothing() -> None:
    for x in range(200):
        key = f"webauthn-es256:{SITE}:{to_base64url(bytes([2]) + x.to_bytes(32))}"
        made = Signature(key, LATER, sign(PHONE).signature)
        assert not made.signs("decision", DECISION)


def test_no_malformed_answer_ends_in_anything_but_an_error_of_ours() -> None:
    response = PHONE.answer(challenge_of("decision", DECISION, LATER, PHONE.id))
    wrong: list[Any] = [
        None,
        [],
        "x",
        {},
        {**response, "more": ""},
        *({**response, name: 5} for name in response),
    ]
    wrong += [
        {**response, name: text} for name in response for text in ("", "=", "é", "A", "AA==", " AA", [], None)
    ]
    for value in wrong:
        with pytest.raises(DokjaError):
            Assertion.from_browser(value)
