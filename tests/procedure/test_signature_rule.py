"""Whoever must sign has signed, or has not, or nobody can say: against a count by brute force."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.procedure.signature_rule import DecisionSignatures, Enough, signatures_of
from dokja.report.words import LANGUAGES, say_reason
from tests.made_stage import made_rulebook
from tests.procedure.signing_timelines import (
    DECISION,
    KEYS,
    TIMES,
    Step,
    expected,
    recorded,
    rules,
    timelines,
)

CHAIR_AND_REVIEWER = (
    rb.SigningRole(name="chair", seats=2, at_least=1),
    rb.SigningRole(name="reviewer", seats=3),
)


def signed(
    timeline: tuple[Step, ...],
    k: int | rb.Unknown = 2,
    roles: tuple[rb.SigningRole, ...] | rb.Unknown = CHAIR_AND_REVIEWER,
) -> DecisionSignatures:
    return judged(rb.Signatures(k=k, n=9, roles=roles), timeline)


def judged(rule: rb.Signatures, timeline: tuple[Step, ...]) -> DecisionSignatures:
    ring, placed = recorded(timeline)
    return signatures_of(made_rulebook(signatures=rule), ring, placed, DECISION)


def enrolled(*keys: str) -> tuple[Step, ...]:
    return tuple(Step("enrol", key) for key in keys)


@settings(max_examples=150, deadline=None)
@given(rules, timelines())
def test_the_rule_says_what_counting_by_hand_says(rule: rb.Signatures, timeline: tuple[Step, ...]) -> None:
    result = judged(rule, timeline)
    enough, counted = expected(rule, timeline)
    assert result.enough == enough
    assert {one.person: one.role for one in result.counted} == counted
    assert bool(result.lacking()) == (enough == "short")
    taken_back = {step.target for step in timeline if step.act == "retract"}
    signatures = [n for n, s in enumerate(timeline) if s.act == "sign" and s.fault != "another decision"]
    shown = [one.event for one in (*result.counted, *result.refused)]
    assert sorted(shown) == sorted(f"step-{n}" for n in signatures if n not in taken_back)
    for reason in [*result.lacking(), *(one.reason for one in result.refused)]:
        for language in LANGUAGES:
            assert say_reason(reason, language)


@settings(max_examples=60, deadline=None)
@given(rules, timelines(), st.sampled_from(sorted(KEYS)))
def test_whoever_may_sign_counts_when_they_do(
    rule: rb.Signatures, timeline: tuple[Step, ...], key: str
) -> None:
    refusal = judged(rule, timeline).may_sign(KEYS[key][0].id)
    after = judged(rule, (*timeline, Step("sign", key, len(TIMES) - 1)))
    new = f"step-{len(timeline)}"
    assert (refusal is None) == (new in {one.event for one in after.counted})
    assert (refusal is not None) == (new in {one.event for one in after.refused})
    if refusal is not None:
        for language in LANGUAGES:
            assert say_reason(refusal, language)


@settings(max_examples=60, deadline=None)
@given(rules, timelines(), st.sampled_from(sorted(KEYS)))
def test_a_signature_more_never_takes_a_decision_back(
    rule: rb.Signatures, timeline: tuple[Step, ...], key: str
) -> None:
    if judged(rule, timeline).enough is Enough.MET:
        assert judged(rule, (*timeline, Step("sign", key, 1))).enough is Enough.MET


def test_two_keys_of_one_person_count_once() -> None:
    result = signed((*enrolled("c1", "c2", "c3"), Step("sign", "c1"), Step("sign", "c2"), Step("sign", "c3")))
    assert (result.people, result.enough) == (("chair",), Enough.SHORT)
    assert [one.reason.key for one in result.refused] == ["signature.same_person"] * 2


def test_a_key_revoked_before_it_signed_does_not_count_and_one_revoked_after_does() -> None:
    early = signed((*enrolled("c1"), Step("revoke", "c1", 2), Step("sign", "c1", 1)), k=1)
    late = signed((*enrolled("c1"), Step("sign", "c1", 1), Step("revoke", "c1", 2)), k=1)
    assert [one.reason.key for one in early.refused] == ["signature.after_revocation"]
    assert (early.enough, late.enough) == (Enough.SHORT, Enough.MET)


def test_a_role_that_must_sign_is_named_while_it_is_missing() -> None:
    result = signed((*enrolled("j1", "e1"), Step("sign", "j1"), Step("sign", "e1")))
    assert (result.people, result.enough, result.missing) == (
        ("elder", "judge"),
        Enough.SHORT,
        (("chair", 1),),
    )
    assert [reason.key for reason in result.lacking()] == ["signature.role_missing"]


def test_a_role_listed_twice_asks_for_the_more() -> None:
    twice = (
        rb.SigningRole(name="reviewer", seats=3, at_least=2),
        rb.SigningRole(name="reviewer", seats=3, at_least=1),
    )
    one = signed((*enrolled("j1", "e1"), Step("sign", "j1")), k=1, roles=twice)
    both = signed((*enrolled("j1", "e1"), Step("sign", "j1"), Step("sign", "e1")), k=1, roles=twice)
    assert (one.missing, one.enough, both.enough) == ((("reviewer", 1),), Enough.SHORT, Enough.MET)


def test_an_unknown_rule_is_neither_met_nor_short() -> None:
    result = signed((*enrolled("c1"), Step("sign", "c1")), k=rb.UNKNOWN)
    assert (result.enough, result.people, result.lacking()) == (Enough.UNKNOWN, ("chair",), ())


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("other value", "signature.not_of_this"),
        ("other domain", "signature.not_of_this"),
        ("other signer", "signature.another_signer"),
        ("malformed", "signature.malformed"),
    ],
)
@pytest.mark.parametrize("key", ["c1", "c2"])
def test_a_false_signature_is_listed_and_takes_nothing_away(fault: str, why: str, key: str) -> None:
    false = (
        *enrolled("c1", "c2", "j1"),
        Step("sign", key, fault=fault),
        Step("sign", "j1"),
        Step("sign", "c1"),
    )
    result = signed(false)
    assert [one.reason.key for one in result.refused] == [why]
    assert result.enough is Enough.MET
