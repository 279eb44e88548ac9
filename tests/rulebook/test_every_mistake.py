"""One rulebook with every kind of mistake at once: each is told, with its place, in both languages."""

from pathlib import Path
from typing import Any

import pytest

from dokja.errors import RulebookInvalid
from dokja.finding import Reason
from dokja.report.words import LANGUAGES, Language, say_reason
from dokja.rulebook import parse_rulebook, reasons_in, rulebook_from_json
from tests.rulebook.test_rulebook import AMENDMENT, APPROVAL, DELETE, MAJORITY, TEMPLATE, edited

EXAMPLES = Path(__file__).parents[2] / "examples"
CRITERION = {"id": "c", "title": {"ko": "항목", "en": "c"}, "lowest": 5, "highest": 5}
SUITE = {**TEMPLATE["suites"][0], "id": "unread", "count": 3}
LEAF = {"title": {"ko": "부", "en": "p"}, "points": 1, "normaliser": {"kind": "raw"}}

# What can be read of this rulebook contradicts itself, and what cannot be read may be unknown.
EVERYTHING: list[tuple[str, Any]] = [
    ("panels/users/blind", "perhaps"),
    ("panels/users/ballot", "ratings"),
    ("panels/users/qourum", 3),
    ("panels/users/quorum", DELETE),
    ("panels/experts/recusal/then", "unknwon"),
    ("suites/common/benchmarks", {}),
    ("suites/individual/repeats", 2.0),
    ("suites/national/benchmarks/national-math/digest", "md5:1"),
    ("comparators/own_target/name", "a\nb"),
    ("comparators/own_target/released", "2027-02-30"),
    ("faults/retries", -1),
    ("support/gpu/units", float("nan")),
    ("support/gpu/supplier", 5),
    ("support/gpu/supplier_competes", "yes"),
    ("publication/fields/0", "decision"),
    ("clock/frozen", "2027-13-01"),
    ("gates/threshold/points", 2**60),
    ("items/control/when_inconclusive", 3),
    ("comparators/frontier/target_share", 95),
    ("zzz", 1),
    # Contradictions.
    ("parts/user/points", 24),
    ("parts/expert/criteria", ["beauty"]),
    ("parts/benchmark/panel", "users"),
    ("parts/+", {**LEAF, "id": "idle"}),
    ("parts/+", {**LEAF, "id": "both", "suites": ["nowhere"], "panel": "nobody", "normaliser": "unknown"}),
    ("parts/+", {**LEAF, "id": "vote", "panel": "jury", "normaliser": {"kind": "rank", "shares": [0.1, 0.5]}}),
    ("suites/+", SUITE),
    ("panels/experts/quorum", 17),
    ("panels/experts/criteria", [CRITERION]),
    ("panels/+", APPROVAL),
    ("panels/+", {**APPROVAL, "id": "raters", "ballot": "rating", "averaging": "trimmed"}),
    ("items/control/claims", ["Weights are fine"]),
    ("items/weights/evidence", "judged"),
    ("items/weights/judged_allowed", False),
    ("gates/+", {**MAJORITY, "panel": "experts"}),
    ("gates/best_four/keep", 9),
    ("gates/threshold/reads", "charm"),
    ("gates/independence/items", ["descent", "weights", "control", "luck"]),
    ("gates/advance/gates", ["best_four", "threshold", "independence", "advance", "x"]),
    ("advance/places", 6),
    ("advance/ties/0/reads", "charm"),
    ("clock/timezone", "?"),
    ("clock/submission/closes", "2027-03-07"),
    ("appeals/days", 11),
    ("appeals/grounds", []),
    ("signatures/k", 6),
    ("signatures/roles/0/seats", 3),
    ("version", 3),
    ("amendments", [{**AMENDMENT, "effective": "2027-03-21", "positions": [{"team": "a", "position": "silent"}]}]),
    ("publication/narrowest_interval_points", 101),
]  # fmt: skip

TOLD = [
    ("clock.frozen", "grammar.not_a_day"),
    ("suites.national.benchmarks.national-math.digest", "grammar.not_a_digest"),
    ("suites.common.benchmarks", "grammar.expected_list"),
    ("suites.individual.repeats", "grammar.expected_whole_number"),
    ("comparators.frontier.target_share", "grammar.too_large_number"),
    ("comparators.own_target.name", "grammar.not_printable"),
    ("comparators.own_target.released", "grammar.not_a_day"),
    ("faults.retries", "grammar.too_small"),
    ("panels.experts.recusal.then", "grammar.expected_choice"),
    ("panels.users.ballot", "grammar.expected_choice_near"),
    ("panels.users.blind", "grammar.expected_true_or_false"),
    ("panels.users.qourum", "grammar.unknown_key_near"),
    ("items.control.when_inconclusive", "grammar.expected_choice"),
    ("gates.threshold.points", "grammar.beyond_exact"),
    ("publication.fields.1", "grammar.expected_table"),
    ("support.gpu.units", "grammar.expected_number"),
    ("support.gpu.supplier", "grammar.expected_text"),
    ("support.gpu.supplier_competes", "grammar.expected_true_or_false"),
    ("zzz", "grammar.unknown_key"),
]

CONTRADICTORY = {
    "not_a_zone", "clock_impossible", "objection_length", "no_grounds", "notice_too_short",
    "points_do_not_add_up", "sum_and_leaf", "no_such_criterion", "part_reads_nothing", "part_reads_both",
    "no_such_suite", "no_such_panel", "panel_gives_no_marks", "rank_shares_rise", "rank_shares_too_few",
    "count_is_not_list", "suite_not_read", "quorum_above_size", "empty_scale", "no_criteria",
    "trims_nothing", "not_a_claim", "judged_required_yet_not_allowed", "keeps_more_than_enter", "no_such_part",
    "no_such_item", "item_decides_nothing", "no_such_gate", "gate_reads_itself", "panel_does_not_vote",
    "gate_decides_nothing", "more_places_than_teams", "tie_reads_no_part", "wider_than_scale", "k_above_n",
    "seats_are_not_n", "versions_broken", "amendment_without_consent",
}  # fmt: skip


def reasons_of(table: object) -> tuple[Reason, ...]:
    with pytest.raises(RulebookInvalid) as refused:
        rulebook_from_json(table)
    return reasons_in(refused.value)


def test_every_kind_of_mistake_is_told_at_once_with_its_place() -> None:
    found = [(str(one.figures["at"]), one.key) for one in reasons_of(edited(*EVERYTHING))]
    assert [one for one in found if one[1].startswith("grammar.")] == TOLD
    contradictions = {key.removeprefix("rulebook.") for _, key in found if key.startswith("rulebook.")}
    assert contradictions == CONTRADICTORY
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_told_in_words_that_begin_with_the_place_and_name_what_was_meant(language: Language) -> None:
    sentences = [say_reason(one, language) for one in reasons_of(edited(*EVERYTHING))]
    meant = {"en": "did you mean {}?", "ko": "혹시 {}을(를) 뜻한 것인가요?"}[language]
    assert any(one.startswith("panels.users.qourum: ") and meant.format("quorum") in one for one in sentences)
    assert any(one.startswith("panels.users.ballot: ") and meant.format("rating") in one for one in sentences)
    assert any(one.startswith("zzz: ") and "suites, comparators, faults" in one for one in sentences)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("qourum", "quorum"), ("Size", "size"), ("trim_each", "trim_each_side"), ("criterias", "criteria")],
)
def test_a_misspelt_key_is_one_mistake_and_the_nearest_that_is_not_given_is_meant(
    written: str, meant: str
) -> None:
    (reason,) = reasons_of(
        edited((f"panels/users/{written}", TEMPLATE["panels"][1][meant]), (f"panels/users/{meant}", DELETE))
        if meant in TEMPLATE["panels"][1]
        else edited((f"panels/users/{written}", 0))
    )
    assert (reason.key, reason.figures["near"]) == ("grammar.unknown_key_near", meant)


def test_a_key_that_is_given_already_is_never_what_was_meant() -> None:
    (reason,) = reasons_of(edited(("panels/users/sizes", 3)))
    assert reason.key == "grammar.unknown_key"
    assert str(reason.figures["known"]).startswith("id, kind, title, size, quorum")


# Rules hashed before stay what they were: dossiers and events name them by these.
DIGESTS = {
    "rulebooks/korea-2025-07-call-documents.toml": "5dfb91d3fac4f2a32d3c8685fcbbffad67c6d8213796422e974b329bc0870f9c",
    "rulebooks/korea-2025-08-call-presentations.toml": "5b819f8ae4019b05494fb4a8ee6da2424ec3ffbbb4fb59e4031902231c4e1885",
    "rulebooks/korea-2026-01-stage1.toml": "b5d13ca5cfa33da262880d34d7c827f2ea7b7e74ba76c5d4ca59375946e8fdd2",
    "rulebooks/korea-2026-02-reentry.toml": "821738dd5f5d05a03071c3251c719dafa8a20ab63c0ddc723e01c92ddd61fbbc",
    "rulebooks/korea-2026-08-stage2.toml": "bfdea1d3e0c041c3f966c3290f2da3f43a8a4caad83020c8860da24b6feeecda",
    "rulebooks/korea-2027-02-final.toml": "11d334c40cf0193386885c9f768a09bf5f137745bcddcb86947a82a7d769589c",
    "rulebooks/template.toml": "0b230bcb2f5743677005146be70ee85541154f4b28f5dc226a32293f1024b91f",
    "demo/rulebook.toml": "4323cce354c6e6bc28efe2556e9f952a85b208dec7915a3755265676d9e14075",
    "demo/reentry.toml": "912fb3172ec3d89f7de7800c282f1448714dee9b48cd4a479c450f4896589753",
}  # fmt: skip


@pytest.mark.parametrize("name", DIGESTS)
def test_a_rulebook_keeps_the_digest_it_was_published_under(name: str) -> None:
    assert parse_rulebook((EXAMPLES / name).read_bytes()).digest() == f"sha256:{DIGESTS[name]}"


def test_every_example_has_its_digest_pinned() -> None:
    assert set(DIGESTS) >= {f"rulebooks/{path.name}" for path in (EXAMPLES / "rulebooks").glob("*.toml")}
