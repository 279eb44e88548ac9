"""Gates: independence items, ties, teams without a result, majorities; each outcome defined and explained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dokja import rulebook as rb
from dokja.deciding.decision import decide
from dokja.deciding.gate import GateInputs, GateResult, judge_gate
from dokja.deciding.independence import Outcome
from dokja.deciding.measurements import measure
from dokja.deciding.score import score_measurements
from dokja.finding import Evidence, Verdict
from dokja.record.history import History
from dokja.record.terms import Exit
from tests.made_stage import (
    ITEMS,
    Stage,
    leaf,
    made_finding,
    made_rulebook,
    text,
    weights_of,
    with_advance,
)

PASS, CONDITIONAL = Outcome.PASS, Outcome.CONDITIONAL
CLOSED, FAIL = Outcome.INSUFFICIENT_EVIDENCE, Outcome.FAIL
SUPPORTED, REFUTED, INCONCLUSIVE = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE


def judge(stage: Stage, gate: str) -> dict[str, GateResult]:
    history = History.of(stage.events)
    scores = score_measurements(stage.book, measure(stage.book, history), history.weights)
    return judge_gate(GateInputs(stage.book, history, scores), gate)


def keys(result: GateResult) -> list[str]:
    return [reason.key for reason in result.reasons]


def ranked(scores: dict[str, int], keep: int = 2, **advance) -> Stage:
    """A stage whose total is the number right of ten items, and whose only gate keeps the best."""
    gates = (rb.KeepTop(id="keep", title=text("keep"), reads="total", keep=keep),)
    parts = (leaf("national", 100, rb.Raw(), suites=("nat",)),)
    book = made_rulebook(parts=parts, gates=gates, items=())
    book = rb.changed(
        book, suites=(rb.changed(book.suites[0], count=1, benchmarks=(rb.Benchmark(id="nat-0"),)),)
    )
    stage = Stage(with_advance(book, gate="keep", places=keep, **advance)).open(list(scores))
    for team, right in scores.items():
        stage.run(team, "nat-0", [1.0] * right + [0.0] * (10 - right))
    return stage


def one_item(item: rb.IndependenceCriterion) -> Stage:
    gates = (rb.Independence(id="independence", title=text("i"), items=(item.id,)),)
    book = made_rulebook(items=(item,), gates=gates)
    return Stage(with_advance(book, gate="independence")).open(["haneul"])


def test_an_item_nobody_examined_stays_closed_and_says_so() -> None:
    result = judge(one_item(ITEMS[0]), "independence")["haneul"]
    assert result.outcome is CLOSED
    assert keys(result) == ["gate.not_examined"]
    assert result.exits == (Exit.INDEPENDENCE,)


@pytest.mark.parametrize(
    ("verdict", "evidence", "outcome", "key"),
    [
        (SUPPORTED, Evidence.REPLAYED, PASS, None),
        (SUPPORTED, Evidence.RECORDED, CLOSED, "gate.evidence_too_weak"),
        (SUPPORTED, Evidence.MEASURED, CLOSED, "gate.evidence_too_weak"),
        (INCONCLUSIVE, Evidence.REPLAYED, CLOSED, "gate.inconclusive"),
        (Verdict.NOT_EXAMINED, Evidence.REPLAYED, CLOSED, "gate.not_examined"),
        (REFUTED, Evidence.DECLARED, FAIL, "gate.refuted"),
    ],
)
def test_only_support_of_the_required_level_opens_an_item(
    verdict: Verdict, evidence: Evidence, outcome: Outcome, key: str | None
) -> None:
    stage = one_item(ITEMS[0])
    stage.find("haneul", "weights.independent_of", verdict, evidence)
    result = judge(stage, "independence")["haneul"]
    assert result.outcome is outcome
    assert keys(result) == ([key] if key else [])


def test_one_refutation_outweighs_any_support() -> None:
    stage = one_item(ITEMS[0])
    stage.find("haneul", "weights.independent_of", SUPPORTED, Evidence.REPLAYED)
    stage.find("haneul", "weights.independent_of", REFUTED, Evidence.MEASURED)
    assert judge(stage, "independence")["haneul"].outcome is FAIL


def test_no_link_found_beside_replayed_training_does_not_close_the_item() -> None:
    stage = one_item(ITEMS[0])
    stage.find("haneul", "weights.independent_of", INCONCLUSIVE, Evidence.MEASURED)
    stage.find("haneul", "weights.independent_of", SUPPORTED, Evidence.REPLAYED)
    assert judge(stage, "independence")["haneul"].outcome is PASS


def test_inconclusive_passes_with_a_condition_only_where_the_rulebook_says_so() -> None:
    stage = one_item(ITEMS[1])
    stage.find("haneul", "licence.notices_shown", INCONCLUSIVE, Evidence.MEASURED)
    result = judge(stage, "independence")["haneul"]
    assert result.outcome is CONDITIONAL
    assert keys(result) == ["gate.inconclusive"]


def judged_finding(stage: Stage, claim: str, verdict: Verdict = SUPPORTED) -> None:
    stage.panel("experts", 1)
    finding = made_finding("haneul", claim, verdict, Evidence.JUDGED)
    payload = {
        "team": "haneul",
        "rater": "experts:00",
        "finding": finding.as_json(),
        "cites": [weights_of("log")],
    }
    stage.add("judged_finding", payload)


def test_a_judged_finding_opens_an_item_that_allows_it_and_is_shown_as_judged() -> None:
    stage = one_item(ITEMS[0])
    judged_finding(stage, "weights.independent_of")
    result = judge(stage, "independence")["haneul"]
    assert (result.outcome, result.judged, result.items[0].judged) == (PASS, True, True)


def test_a_judged_finding_is_not_read_where_the_rulebook_does_not_allow_one() -> None:
    stage = one_item(ITEMS[1])
    judged_finding(stage, "licence.notices_shown")
    result = judge(stage, "independence")["haneul"]
    assert result.outcome is CLOSED
    assert keys(result) == ["gate.not_examined", "gate.judged_not_allowed"]


def test_replayed_support_is_not_called_judged_when_an_expert_agrees() -> None:
    stage = one_item(ITEMS[0])
    judged_finding(stage, "weights.independent_of")
    stage.find("haneul", "weights.independent_of", SUPPORTED, Evidence.REPLAYED)
    assert not judge(stage, "independence")["haneul"].judged


def test_findings_about_other_weights_are_not_joined_to_the_team() -> None:
    stage = one_item(ITEMS[0])
    stage.find(
        "haneul", "weights.independent_of", SUPPORTED, Evidence.REPLAYED, weights=weights_of("earlier")
    )
    result = judge(stage, "independence")["haneul"]
    assert result.outcome is CLOSED
    assert keys(result) == ["gate.not_examined", "gate.finding_other_weights"]


def test_an_item_per_component_needs_every_declared_component_and_a_refuted_one_cannot_be_hidden() -> None:
    item = rb.changed(ITEMS[0], per_component=True)
    stage = one_item(item)
    assert keys(judge(stage, "independence")["haneul"]) == ["gate.no_components_declared"]
    components = {"components": [{"name": "language_model"}, {"name": "vision_encoder"}]}
    stage.add("submission", {"team": "haneul", "weights": weights_of("haneul"), "declaration": components})

    def about(component: str, verdict: Verdict) -> None:
        finding = made_finding("haneul", "weights.independent_of", verdict, Evidence.REPLAYED)
        claim = replace(finding.claim, about=component)
        stage.add("finding_recorded", {"team": "haneul", "finding": replace(finding, claim=claim).as_json()})

    about("language_model", SUPPORTED)
    assert keys(judge(stage, "independence")["haneul"]) == ["gate.not_examined"]
    about("vision_encoder", SUPPORTED)
    assert judge(stage, "independence")["haneul"].outcome is PASS
    about("audio_encoder", REFUTED)
    assert judge(stage, "independence")["haneul"].outcome is FAIL


@pytest.mark.parametrize("field", ["claims", "evidence"])
def test_an_unknown_rule_of_an_item_keeps_it_closed_and_is_named(field: str) -> None:
    stage = one_item(rb.changed(ITEMS[0], **{field: rb.UNKNOWN}))
    stage.find("haneul", "weights.independent_of", SUPPORTED, Evidence.REPLAYED)
    result = judge(stage, "independence")["haneul"]
    assert result.outcome is CLOSED
    assert result.reasons[0].figures == {"at": f"items.weights.{field}"}


def test_the_best_pass_and_the_rest_leave_by_score_with_their_margins() -> None:
    results = judge(ranked({"a": 9, "b": 7, "c": 4}), "keep")
    assert {team: r.outcome for team, r in results.items()} == {"a": PASS, "b": PASS, "c": FAIL}
    assert {team: r.margin_points for team, r in results.items()} == {"a": 50.0, "b": 30.0, "c": -30.0}
    assert results["c"].exits == (Exit.SCORE,)


def test_places_a_team_without_result_could_still_take_are_not_given_away() -> None:
    stage = ranked({"a": 9, "b": 7})
    stage.add("team_registered", {"team": "c", "name": "C"})
    stage.add("submission", {"team": "c", "weights": weights_of("c"), "declaration": {}})
    results = judge(stage, "keep")
    assert {team: r.outcome for team, r in results.items()} == {"a": PASS, "b": CLOSED, "c": CLOSED}
    assert keys(results["b"]) == ["gate.others_pending"]
    assert results["c"].exits == (Exit.NO_RESULT,)
    stage.add("withdrawal", {"team": "c"})
    results = judge(stage, "keep")
    assert {team: r.outcome for team, r in results.items()} == {"a": PASS, "b": PASS, "c": CLOSED}
    assert results["c"].exits == (Exit.WITHDRAWAL,)


def test_a_tie_inside_the_places_is_no_tie_at_the_cut_off() -> None:
    results = judge(ranked({"a": 9, "b": 9, "c": 4}), "keep")
    assert [r.outcome for r in results.values()] == [PASS, PASS, FAIL]


LOT = (rb.TieBreak(rule=rb.TieRule.LOT),)


def test_a_tie_at_the_cut_off_stays_open_until_the_lot_is_drawn() -> None:
    stage = ranked({"a": 9, "b": 7, "c": 7}, ties=LOT)
    results = judge(stage, "keep")
    assert [r.outcome for r in results.values()] == [PASS, CLOSED, CLOSED]
    assert results["b"].exits == (Exit.UNRESOLVED_TIE,)
    stage.add("tie_resolved", {"rule": "lot", "order": ["c", "b"]})
    results = judge(stage, "keep")
    assert [r.outcome for r in results.values()] == [PASS, FAIL, PASS]
    assert keys(results["b"]) == ["gate.tie_lost"]


def test_a_tie_is_broken_by_the_higher_part_then_by_what_comes_next() -> None:
    gates = (rb.KeepTop(id="keep", title=text("k"), reads="total", keep=2),)
    parts = tuple(leaf(f"part-{n}", 50, rb.Raw(), suites=(f"s{n}",)) for n in range(2))
    book = made_rulebook(parts=parts, gates=gates, items=())
    suites = tuple(
        rb.changed(book.suites[0], id=f"s{n}", count=1, benchmarks=(rb.Benchmark(id=f"b{n}"),))
        for n in range(2)
    )
    steps = (rb.TieBreak(rule=rb.TieRule.HIGHER, reads="part-0"), *LOT)
    stage = Stage(with_advance(rb.changed(book, suites=suites), gate="keep", places=2, ties=steps))
    stage.open(["a", "b", "c", "d"])
    for team, first, second in (("a", 3, 1), ("b", 2, 2), ("c", 2, 2), ("d", 1, 3)):
        stage.run(team, "b0", [1.0] * first + [0.0] * (4 - first))
        stage.run(team, "b1", [1.0] * second + [0.0] * (4 - second))
    assert [r.outcome for r in judge(stage, "keep").values()] == [PASS, CLOSED, CLOSED, FAIL]
    stage.add("tie_resolved", {"rule": "lot", "order": ["b", "c"]})
    assert [r.outcome for r in judge(stage, "keep").values()] == [PASS, PASS, FAIL, FAIL]


def test_ties_may_all_advance_or_have_no_published_rule() -> None:
    scores = {"a": 9, "b": 7, "c": 7}
    everyone = judge(ranked(scores, ties=(rb.TieBreak(rule=rb.TieRule.ALL_ADVANCE),)), "keep")
    assert [r.outcome for r in everyone.values()] == [PASS, PASS, PASS]
    unknown = judge(ranked(scores, ties=rb.UNKNOWN), "keep")
    assert [r.outcome for r in unknown.values()] == [PASS, CLOSED, CLOSED]
    assert unknown["b"].reasons[0].figures == {"at": "advance.ties"}


def test_published_ranks_settle_the_order_where_no_score_was_published() -> None:
    book = ranked({}).book
    stage = Stage(rb.changed(book, parts=(leaf("national", 100, rb.UNKNOWN, suites=("nat",)),))).open(
        ["a", "b", "c"]
    )
    published = {
        "team": "c",
        "part": "total",
        "rank": 3,
        "among": 3,
        "cites": ["https://example.org/announcement"],
    }
    assert {r.outcome for r in judge(stage, "keep").values()} == {CLOSED}
    stage.add("published_rank", published)
    assert [r.outcome for r in judge(stage, "keep").values()] == [PASS, PASS, FAIL]


def voted(votes: dict[str, str], of: rb.MajorityOf = rb.MajorityOf.SIZE, quorum: int = 3) -> Stage:
    gates = (rb.PanelMajority(id="m", title=text("m"), panel="experts", more_than_share=0.5, majority_of=of),)
    book = made_rulebook(gates=gates, items=(), parts=())
    panel = rb.changed(book.panels[0], ballot=rb.BallotForm.APPROVAL, size=6, quorum=quorum)
    stage = Stage(with_advance(rb.changed(book, panels=(panel,)), gate="m", places=1)).open(list(votes))
    raters = stage.panel("experts", 6)
    words = {"y": "approve", "n": "reject", "-": "abstain"}
    for team, cast in votes.items():
        for rater, vote in zip(raters, cast, strict=False):
            stage.add("panel_vote", {"rater": rater, "team": team, "choice": words[vote]})
    return stage


@pytest.mark.parametrize(
    ("cast", "of", "outcome"),
    [
        ("yyyynn", rb.MajorityOf.SIZE, PASS),
        ("yyynnn", rb.MajorityOf.SIZE, FAIL),
        ("yyyn--", rb.MajorityOf.SIZE, FAIL),
        ("yyyn--", rb.MajorityOf.VOTING, PASS),
        ("------", rb.MajorityOf.VOTING, FAIL),
        ("yy", rb.MajorityOf.VOTING, CLOSED),
        ("", rb.MajorityOf.VOTING, CLOSED),
    ],
)
def test_a_majority_is_more_than_half_of_what_the_rulebook_counts(
    cast: str, of: rb.MajorityOf, outcome: Outcome
) -> None:
    assert judge(voted({"a": cast}, of), "m")["a"].outcome is outcome


def test_a_recused_member_has_no_vote() -> None:
    stage = voted({"a": "yynn", "b": "yynn"}, rb.MajorityOf.VOTING)
    stage.add("recusal", {"rater": "experts:03", "teams": ["a"]})
    results = judge(stage, "m")
    assert (results["a"].outcome, results["b"].outcome) == (PASS, FAIL)


def test_any_of_passes_with_its_best_gate_and_all_of_with_its_worst() -> None:
    stage = ranked({"a": 9, "b": 7, "c": 4}, keep=1)
    gates = (
        *stage.book.gates,
        rb.AtLeast(id="floor", title=text("f"), reads="total", points=60.0),
        rb.AnyOf(id="any", title=text("any"), gates=("keep", "floor")),
        rb.AllOf(id="every", title=text("every"), gates=("keep", "floor")),
    )
    wide = Stage(rb.changed(stage.book, gates=gates)).open(["a", "b", "c"])
    wide.events += [replace(e, id=f"x{e.id}") for e in stage.events if e.kind == "run_result"]
    assert [r.outcome for r in judge(wide, "any").values()] == [PASS, PASS, FAIL]
    assert [r.outcome for r in judge(wide, "every").values()] == [PASS, FAIL, FAIL]
    assert judge(wide, "floor")["c"].margin_points == -20.0


def test_decide_reads_the_gate_the_rulebook_names() -> None:
    assert decide(
        ranked({"a": 9, "b": 7, "c": 4}).book, ranked({"a": 9, "b": 7, "c": 4}).history
    ).advancing == ("a", "b")
