"""An allegation is answered by what its evidence can show, and never decides anything by itself."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.errors import InvalidInput
from dokja.procedure.allegation import Allegation, Status, answer, status
from dokja.record.terms import Basis
from dokja.report.words import say_reason

NEW_YEAR = date(2026, 1, 1)
REPLY_BY = NEW_YEAR + timedelta(days=10)


def alleged(*bases: Basis) -> Allegation:
    return Allegation("one", "upstage", "GLM-4.5-Air, Z.ai", bases, NEW_YEAR, "rival:sionic")


def test_the_allegation_of_january_2026_is_answered_with_its_own_figures() -> None:
    answered = answer(alleged(Basis.NORM_GAIN_COSINE, Basis.EQUAL_CONFIGURATION))
    assert answered.status is Status.NO_EVIDENCE
    for language in ("ko", "en"):
        said = say_reason(answered.reasons[0], language)
        assert all(figure in said for figure in ("0.989", "0.9676", "0.9678", "0.0054"))


@given(st.lists(st.sampled_from(Basis), min_size=1, unique=True), st.booleans(), st.integers(0, 30))
def test_nothing_is_concluded_before_the_team_replied_or_its_days_passed(
    bases: list[Basis], replied: bool, days: int
) -> None:
    today = NEW_YEAR + timedelta(days=days)
    now = status(
        alleged(*bases),
        replied=replied,
        reply_by=REPLY_BY,
        examined_claims=["weights.independent_of"],
        today=today,
    )
    if not replied and today <= REPLY_BY:
        assert now in (Status.AWAITING_REPLY, Status.NO_EVIDENCE)
    assert (now is Status.NO_EVIDENCE) == (answer(alleged(*bases)).can_tell == ())


@given(st.lists(st.sampled_from(Basis), min_size=1, unique=True), st.sampled_from(Basis))
def test_more_evidence_never_closes_what_was_open(bases: list[Basis], more: Basis) -> None:
    before, after = answer(alleged(*bases)), answer(alleged(*bases, *([] if more in bases else [more])))
    assert not (before.status is Status.AWAITING_REPLY and after.status is Status.NO_EVIDENCE)


def test_an_allegation_resting_on_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rests on nothing"):
        alleged()
