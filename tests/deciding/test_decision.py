"""Decisions: both ways to leave, vacancies and how they are filled, what people are told before they sign."""

from __future__ import annotations

import pytest

from dokja import rulebook as rb
from dokja.canonical import canonical_bytes
from dokja.deciding.decision import decide
from dokja.deciding.independence import Outcome
from dokja.errors import InvalidInput
from dokja.finding import Evidence, Verdict
from dokja.publishing.see import signed_body
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.terms import Exit
from tests.deciding.test_gate import ranked, voted
from tests.made_stage import TEAMS, Stage, full_stage, made_rulebook, score_stage, weights_of, with_advance


def order(stage: Stage) -> list[str]:
    points = score_stage(stage.book, stage.history).points()
    return sorted(points, key=lambda team: -points[team])


def borrowed_encoder(seed: int = 0) -> tuple[Stage, str, str]:
    """Five teams; the last by score, and one of the best four refuted on independence."""
    stage = full_stage(made_rulebook(), seed)
    ranking = order(stage)
    stage.find(ranking[1], "weights.independent_of", Verdict.REFUTED, Evidence.MEASURED)
    return stage, ranking[1], ranking[-1]


def test_five_become_three_with_one_out_by_score_and_one_by_independence() -> None:
    stage, borrower, last = borrowed_encoder()
    decision = decide(stage.book, stage.history)
    assert len(decision.advancing) == 3
    assert decision.of(borrower).exits == (Exit.INDEPENDENCE,)
    assert decision.of(last).exits == (Exit.SCORE,)
    assert (decision.vacancies, decision.filled_by) == (1, "reentry")


def test_who_fails_by_score_and_by_independence_leaves_in_both_ways() -> None:
    stage, _, last = borrowed_encoder()
    stage.find(last, "weights.independent_of", Verdict.REFUTED, Evidence.MEASURED)
    assert decide(stage.book, stage.history).of(last).exits == (Exit.SCORE, Exit.INDEPENDENCE)


def test_an_empty_place_goes_to_the_next_in_order_only_where_the_rulebook_says_so() -> None:
    stage, borrower, last = borrowed_encoder()
    book = with_advance(stage.book, vacancy=rb.Vacancy.NEXT_IN_ORDER)
    decision = decide(book, stage.history, counterfactual=True)
    assert set(decision.advancing) == set(TEAMS) - {borrower}
    assert last in decision.advancing
    assert decision.vacancies == 0


def test_the_reply_of_a_team_stands_beside_the_finding() -> None:
    stage, borrower, _ = borrowed_encoder()
    finding = stage.events[-1]
    stage.add(
        "team_reply", {"team": borrower, "to": finding.id, "text": "The encoder was a strategic choice."}
    )
    body = decide(stage.book, stage.history).as_json()
    shown = next(one for one in body["findings"] if one["event"] == finding.id)
    assert shown["replies"] == ["The encoder was a strategic choice."]


def test_the_same_events_give_the_same_bytes_and_any_other_event_another_digest() -> None:
    stage, _, _ = borrowed_encoder()
    once = decide(stage.book, stage.history).as_json()
    again = decide(stage.book, History.of([Event.from_json(e.as_json()) for e in stage.events])).as_json()
    assert canonical_bytes(once) == canonical_bytes(again)
    stage.find(TEAMS[0], "licence.notices_shown", Verdict.INCONCLUSIVE, Evidence.MEASURED)
    assert canonical_bytes(decide(stage.book, stage.history).as_json()) != canonical_bytes(once)


def test_a_comparison_with_another_rulebook_cannot_be_signed() -> None:
    stage, _, _ = borrowed_encoder()
    other = decide(with_advance(stage.book, places=3), stage.history, counterfactual=True)
    with pytest.raises(InvalidInput, match="cannot be signed"):
        signed_body(stage.book, other.said(), None, bytes(16))


def test_no_field_of_a_decision_is_nan_or_a_missing_score_without_a_reason() -> None:
    stage, _, _ = borrowed_encoder()
    stage.add("submission", {"team": TEAMS[2], "weights": weights_of("new"), "declaration": {}})
    body = decide(stage.book, stage.history).as_json()
    for row in body["scores"]:
        assert (row["points"] is None) == (row["reason"] is not None)
    canonical_bytes(body)


@pytest.mark.parametrize(
    ("votes", "advancing"),
    [
        ({"a": "yyyynn", "b": "ynnnnn"}, ("a",)),
        ({"a": "ynnnnn", "b": "yyynnn"}, ()),
        ({"a": "yyyyyn"}, ("a",)),
        ({"a": "yyynnn"}, ()),
    ],
)
def test_reentry_selects_by_majority_may_select_none_and_judges_one_applicant_the_same_way(
    votes: dict[str, str], advancing: tuple[str, ...]
) -> None:
    decision = decide(voted(votes).book, voted(votes).history)
    assert decision.advancing == advancing
    assert decision.vacancies == 1 - len(advancing)
    assert not decision.remarks


def test_a_single_applicant_may_mean_a_new_call_and_an_unknown_rule_stays_closed() -> None:
    for rule, key in ((rb.SingleApplicant.CALL_AGAIN, "gate.call_again"), (rb.UNKNOWN, "gate.rule_unknown")):
        stage = voted({"a": "yyyyyy"})
        decision = decide(with_advance(stage.book, single_applicant=rule), stage.history, counterfactual=True)
        assert decision.advancing == ()
        assert decision.of("a").missing[0].key == key


def test_nobody_advancing_is_remarked_where_the_rulebook_does_not_allow_it() -> None:
    stage = voted({"a": "nnnnnn"})
    decision = decide(
        with_advance(stage.book, none_selected_allowed=False), stage.history, counterfactual=True
    )
    assert [remark.key for remark in decision.remarks] == ["decision.none_selected"]


def test_people_eliminate_a_team_only_on_a_ground_the_rulebook_lists() -> None:
    stage = ranked({"a": 9, "b": 7, "c": 4}, extra_eliminations=("fraud",))
    cites = ["https://example.org/notice"]
    listed = Stage(stage.book, list(stage.events))
    listed.add("extra_elimination", {"team": "a", "ground": "fraud", "cites": cites})
    assert decide(stage.book, listed.history).of("a").exits == (Exit.EXTRA,)
    unlisted = Stage(stage.book, list(stage.events))
    unlisted.add("extra_elimination", {"team": "a", "ground": "dislike", "cites": cites})
    decision = decide(stage.book, unlisted.history)
    assert decision.of("a").advances
    assert [remark.key for remark in decision.remarks] == ["decision.elimination_without_rule"]


def test_a_withdrawn_team_leaves_by_withdrawal_alone() -> None:
    stage, borrower, _ = borrowed_encoder()
    stage.add("withdrawal", {"team": borrower})
    outcome = decide(stage.book, stage.history).of(borrower)
    assert (outcome.exits, outcome.outcome) == ((Exit.WITHDRAWAL,), Outcome.INSUFFICIENT_EVIDENCE)


def test_conflicts_without_recusal_competing_suppliers_and_a_differing_announcement_are_remarked() -> None:
    stage, borrower, last = borrowed_encoder()
    stage.add("conflict_declared", {"rater": "experts:05", "team": last, "ground": "co-author"})
    supply = {"team": last, "support": "gpu", "supplier": borrower, "promised": 512, "delivered": 256}
    stage.add("support_delivered", supply)
    outcomes = [
        {"team": borrower, "advances": False, "exit": "independence"},
        {"team": last, "advances": True, "exit": ""},
    ]
    official = {"outcomes": outcomes, "vacancies": 1, "cites": ["https://example.org/result"]}
    stage.add("official_outcome", official)
    assert [remark.key for remark in decide(stage.book, stage.history).remarks] == [
        "decision.conflict_not_recused",
        "decision.supplier_competes",
        "decision.official_agrees",
        "decision.official_differs",
    ]


def test_an_amendment_after_opening_is_remarked_with_who_objected() -> None:
    stage = full_stage(made_rulebook())
    amended = made_rulebook(rb.MinMax(), version=2)
    positions = [{"team": team, "position": "consents", "reason": ""} for team in TEAMS[:3]]
    positions += [{"team": TEAMS[3], "position": "objects", "reason": "too late"}]
    payload = {"previous": stage.book.digest(), "rulebook": amended.digest(), "positions": positions}
    stage.add("amendment", payload | {"effective_at": "2026-01-05T00:00:00Z"})
    remark = decide(amended, stage.history).remarks[0]
    assert (remark.key, remark.figures["objecting"]) == ("decision.amendment_in_force", TEAMS[3])


def test_a_stage_with_one_team_is_decided_by_absolute_gates_and_not_by_comparison() -> None:
    absolute = made_rulebook(rb.Raw())
    parts = tuple(
        rb.changed(part, normaliser=rb.Raw()) if part.id == "user" else part for part in absolute.parts
    )
    absolute = with_advance(rb.changed(absolute, parts=parts), entering=1, places=1)
    stage = full_stage(absolute, teams=["haneul"])
    assert decide(absolute, stage.history).advancing == ("haneul",)
    relative = full_stage(made_rulebook(), teams=["haneul"])
    outcome = decide(relative.book, relative.history).of("haneul")
    assert outcome.exits == (Exit.NO_RESULT,)
