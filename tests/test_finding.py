"""A finding is the only word between rooms: it survives a round trip and refuses to be vague."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.canonical import digest_bytes
from dokja.errors import InvalidInput
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict, gravest

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8}){1,2}", fullmatch=True)
figures = st.dictionaries(st.text(max_size=8), st.integers(-(2**50), 2**50) | st.text(max_size=8), max_size=3)
digests = st.binary(max_size=8).map(digest_bytes)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    return Finding(
        claim=Claim(draw(names), draw(st.text(max_size=10))),
        verdict=draw(st.sampled_from(Verdict)),
        reason=Reason(draw(names), draw(figures)),
        evidence=draw(st.sampled_from(Evidence)),
        looked_at=draw(st.dictionaries(st.sampled_from(["subject", "reference", "log"]), digests)),
    )


@given(findings())
def test_a_finding_survives_json(finding: Finding) -> None:
    assert Finding.from_json(finding.as_json()) == finding
    assert Finding.from_json(finding.as_json()).digest() == finding.digest()


@given(findings(), st.sampled_from(Verdict))
def test_another_verdict_is_another_digest(finding: Finding, verdict: Verdict) -> None:
    other = Finding(finding.claim, verdict, finding.reason, finding.evidence, finding.looked_at)
    assert (other.digest() == finding.digest()) == (verdict is finding.verdict)


@given(st.lists(st.sampled_from(Verdict)))
def test_the_gravest_verdict_is_at_least_as_grave_as_any(verdicts: list[Verdict]) -> None:
    worst = gravest(verdicts)
    assert all(gravest([worst, verdict]) is worst for verdict in verdicts)


def test_nothing_seen_is_not_examined() -> None:
    assert gravest([]) is Verdict.NOT_EXAMINED


def test_evidence_ladder_is_ordered_and_measured_and_judged_stand_beside_it() -> None:
    ladder = [Evidence.DECLARED, Evidence.IMPORTED, Evidence.RECORDED, Evidence.COMMITTED, Evidence.REPLAYED]
    for low, high in itertools.combinations(ladder, 2):
        assert high.reaches(low)
        assert not low.reaches(high)
    for level in ladder:
        assert not Evidence.JUDGED.reaches(level)
        assert not Evidence.MEASURED.reaches(level)
        assert not level.reaches(Evidence.JUDGED)


@pytest.mark.parametrize("name", ["", "weights", "Weights.x", "weights.", "weights independent.of", "a..b"])
def test_a_claim_has_a_dotted_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="dotted"):
        Claim(name)


@pytest.mark.parametrize(
    "change", [{"verdict": "MAYBE"}, {"verdict": None}, {"extra": 1}, {"looked_at": {"x": "md5:1"}}]
)
def test_a_finding_with_an_odd_field_is_refused(change: dict[str, object]) -> None:
    whole = Finding(Claim("a.b"), Verdict.REFUTED, Reason("a.b"), Evidence.MEASURED, {}).as_json()
    with pytest.raises(InvalidInput):
        Finding.from_json({**whole, **change})
