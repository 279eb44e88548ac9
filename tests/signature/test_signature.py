"""Whose signature counts, for what, and until when; each wrong one is an attack with a name."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.canonical import JSON
from dokja.errors import InvalidInput, KeyRefused, Unavailable
from dokja.report.words import LANGUAGES, say_reason
from dokja.signature import KeyRing, KeyRole, Signature, SigningKey, key_statement

OFFICE, CHAIR, AUDITOR, EXPERT, STRANGER = (SigningKey(bytes([n]) * 32) for n in range(5))
BODY: dict[str, JSON] = {"advance": ["haneul", "pado"], "stage": "stage-1"}
JANUARY, FEBRUARY, MARCH, APRIL = (f"2026-{month:02}-01T00:00:00Z" for month in (1, 2, 3, 4))


def enrol(
    key: SigningKey, person: str, role: KeyRole, by: SigningKey | None = None, at: str = JANUARY
) -> dict[str, JSON]:
    statement = {
        "action": "enrol", "person": person, "role": role.value, "key": key.id, "effective_at": at, "reason": "appointed",
    }  # fmt: skip
    return key_statement(statement, [key] if by is None else [key, by], at)


def revoke(key: SigningKey, by: SigningKey, effective_at: str, at: str = MARCH) -> dict[str, JSON]:
    statement = {"action": "revoke", "key": key.id, "effective_at": effective_at, "reason": "laptop stolen"}
    return key_statement(statement, [by], at)


def rotate(key: SigningKey, new: SigningKey, by: list[SigningKey], at: str = MARCH) -> dict[str, JSON]:
    statement = {"action": "rotate", "key": key.id, "new_key": new.id, "effective_at": at, "reason": "yearly"}
    return key_statement(statement, by, at)


ENROLLED = [
    (0, enrol(OFFICE, "office", KeyRole.ORGANISER)),
    (1, enrol(CHAIR, "chair", KeyRole.CHAIR, OFFICE)),
    (2, enrol(AUDITOR, "auditor", KeyRole.AUDITOR, OFFICE)),
    (3, enrol(EXPERT, "expert:e1", KeyRole.EXPERT, OFFICE)),
]


def why_not(ring: KeyRing, place: int | None, signature: Signature) -> str:
    """Why a signature of BODY does not count; empty when it does."""
    reason = ring.refusal(signature, "decision", BODY, place)
    return "" if reason is None else reason.key


@pytest.mark.parametrize(
    ("signature", "place", "reason"),
    [
        (STRANGER.sign("decision", BODY, FEBRUARY), 9, "signature.unknown_key"),
        (CHAIR.sign("key", BODY, FEBRUARY), 9, "signature.not_of_this"),
        (CHAIR.sign("decision", BODY | {"advance": []}, FEBRUARY), 9, "signature.not_of_this"),
        (Signature(CHAIR.id, MARCH, CHAIR.sign("decision", BODY, FEBRUARY).signature), 9, "signature.not_of_this"),
        (Signature(CHAIR.id, FEBRUARY, OFFICE.sign("decision", BODY, FEBRUARY).signature), 9, "signature.not_of_this"),
        (CHAIR.sign("decision", BODY, "2025-12-31T23:59:59Z"), 9, "signature.before_enrolment"),
        (CHAIR.sign("decision", BODY, FEBRUARY), 1, "signature.before_enrolment"),
    ],
    ids=[
        "unknown key", "other domain", "other body", "moved in time", "another's bytes", "made too early",
        "logged too early",
    ],
)  # fmt: skip
def test_a_signature_that_does_not_count_says_why(signature: Signature, place: int, reason: str) -> None:
    found = KeyRing.replay(ENROLLED).refusal(signature, "decision", BODY, place)
    assert found is not None
    assert found.key == reason
    for language in LANGUAGES:
        assert say_reason(found, language)


@pytest.mark.parametrize(
    ("made", "place", "counts"),
    [
        (FEBRUARY, 5, True),
        (FEBRUARY, 7, False),  # back-dated: written into the log after the revocation
        (MARCH, 5, False),  # made once the revocation was in effect, though logged before anyone knew
        (APRIL, 7, False),
        (FEBRUARY, None, False),  # never logged: nothing shows that it is older than the revocation
    ],
)
def test_a_revoked_key_counts_only_for_what_was_made_and_logged_before(
    made: str, place: int | None, counts: bool
) -> None:
    ring = KeyRing.replay([*ENROLLED, (6, revoke(CHAIR, OFFICE, effective_at=MARCH))])
    reason = why_not(ring, place, CHAIR.sign("decision", BODY, made))
    assert reason == ("" if counts else "signature.after_revocation")


def test_a_rotated_key_hands_over_person_and_role() -> None:
    new = SigningKey(bytes([7]) * 32)
    ring = KeyRing.replay([*ENROLLED, (6, rotate(CHAIR, new, [CHAIR, new]))])
    assert (ring[new.id].person, ring[new.id].role) == ("chair", KeyRole.CHAIR)
    assert not why_not(ring, 7, new.sign("decision", BODY, APRIL))
    assert why_not(ring, 7, CHAIR.sign("decision", BODY, APRIL))
    assert not why_not(ring, 5, CHAIR.sign("decision", BODY, FEBRUARY))


@pytest.mark.parametrize(
    "statement",
    [
        enrol(STRANGER, "chair", KeyRole.CHAIR),
        enrol(STRANGER, "chair", KeyRole.CHAIR, EXPERT),
        enrol(CHAIR, "friend", KeyRole.CHAIR, OFFICE),
        key_statement(
            {"action": "enrol", "person": "x", "role": "chair", "key": STRANGER.id, "effective_at": MARCH, "reason": "r"},
            [OFFICE], MARCH,
        ),
        revoke(CHAIR, EXPERT, MARCH),
        revoke(CHAIR, STRANGER, MARCH),
        revoke(OFFICE, OFFICE, MARCH),
        revoke(STRANGER, OFFICE, MARCH),
        rotate(CHAIR, STRANGER, [STRANGER]),
        rotate(CHAIR, STRANGER, [CHAIR]),
        rotate(CHAIR, EXPERT, [CHAIR, EXPERT]),
        enrol(STRANGER, "chair", KeyRole.CHAIR, OFFICE, at="2025-01-01T00:00:00Z"),
    ],
    ids=[
        "enrols itself", "an expert enrols", "a key with an owner", "a key nobody showed to hold", "an expert revokes",
        "a stranger revokes", "the last organiser", "a key never enrolled", "the old holder is silent",
        "the new holder is silent", "onto somebody else's key", "signed before the organiser was one",
    ],
)  # fmt: skip
def test_a_statement_about_keys_that_nobody_may_make_is_refused(statement: dict[str, JSON]) -> None:
    ring = KeyRing.replay(ENROLLED)
    before = {key: ring[key] for key in ring}
    with pytest.raises(KeyRefused):
        ring.accept(6, statement)
    assert {key: ring[key] for key in ring} == before


def test_a_statement_signed_for_one_key_cannot_be_reused_for_another() -> None:
    stolen = enrol(EXPERT, "expert:e2", KeyRole.EXPERT, OFFICE)
    statement = dict(stolen["statement"]) | {"role": "chair"}  # type: ignore[arg-type]
    with pytest.raises(KeyRefused, match="signature of something else"):
        KeyRing.replay([*ENROLLED[:3], (3, {"statement": statement, "signatures": stolen["signatures"]})])


def test_the_first_key_is_an_organisers() -> None:
    with pytest.raises(KeyRefused, match="organiser"):
        KeyRing.replay([(0, enrol(CHAIR, "chair", KeyRole.CHAIR))])


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=3), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=9), s), max_leaves=8))  # fmt: skip
def test_a_malformed_statement_or_signature_is_invalid_input(value: object) -> None:
    with pytest.raises(InvalidInput):
        Signature.from_json(value)
    if isinstance(value, dict):
        for signed in (value, {"statement": value, "signatures": [value]}):
            with pytest.raises(InvalidInput):
                KeyRing().accept(0, signed)


def test_a_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "chair.key"
    CHAIR.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).id == CHAIR.id
    with pytest.raises(KeyRefused, match="never overwritten"):
        OFFICE.save(path)
    path.chmod(0o640)
    with pytest.raises(KeyRefused, match="others"):
        SigningKey.load(path)
    with pytest.raises(Unavailable):
        SigningKey.load(tmp_path / "none.key")
    assert CHAIR._seed.hex() not in repr(CHAIR)


def test_a_key_file_whose_halves_do_not_match_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chair.key"
    CHAIR.save(path)
    for changed in (
        path.read_text().replace(CHAIR.id, OFFICE.id),
        "[]",
        "{}",
        '{"format":"dokja-key/1","key":"","seed":"zz"}',
    ):
        path.write_text(changed)
        with pytest.raises(InvalidInput):
            SigningKey.load(path)
