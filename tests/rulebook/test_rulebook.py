"""A rulebook is read whole, and every mistake in it is said at once, by name and place."""

import copy
import tomllib
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from dokja.errors import RulebookInvalid, RulebookUnknown
from dokja.report.words import LANGUAGES, say_reason, sentences
from dokja.rulebook import (
    UNKNOWN,
    Rulebook,
    needed_to_open,
    parse_rulebook,
    reasons_in,
    require_known,
    require_openable,
    rulebook_from_json,
    unknown_places,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
TEMPLATE = tomllib.loads((EXAMPLES / "template.toml").read_text("utf-8"))

Table = dict[str, Any]
DELETE = object()


def place(table: Any, path: str) -> tuple[Any, str]:
    """Follow a path by keys, ids and positions to the container of its last step."""
    *steps, last = path.split("/")
    for step in steps:
        table = element(table, step)
    return table, last


def element(table: Any, step: str) -> Any:
    if isinstance(table, list):
        return (
            next((one for one in table if isinstance(one, dict) and one.get("id") == step), None)
            or table[int(step)]
        )
    return table[step]


def edited(*edits: tuple[str, Any], base: Table = TEMPLATE) -> Table:
    """Return the template with some places set, appended to (path ending in `+`), or deleted."""
    table = copy.deepcopy(base)
    for path, value in edits:
        holder, last = place(table, path)
        if last == "+":
            holder.append(copy.deepcopy(value))
        elif value is DELETE:
            holder.remove(element(holder, last)) if isinstance(holder, list) else holder.pop(last)
        elif isinstance(holder, list):
            holder[holder.index(element(holder, last))] = value
        else:
            holder[last] = value
    return table


def mistakes_of(table: object) -> list[str]:
    try:
        rulebook_from_json(table)
    except RulebookInvalid as error:
        reasons = reasons_in(error)
        for language in LANGUAGES:
            assert all(
                say_reason(reason, language).startswith(str(reason.figures["at"])) for reason in reasons
            )
        return [reason.key.split(".", 1)[1] for reason in reasons]
    return []


APPROVAL = {
    "id": "jury",
    "kind": "experts",
    "title": {"ko": "심사단", "en": "Jury"},
    "size": 5,
    "quorum": 3,
    "ballot": "approval",
    "averaging": "mean",
    "blind": False,
    "sealed": False,
    "recusal": {"grounds": [], "then": "replace"},
    "criteria": [],
}
MAJORITY = {
    "kind": "panel_majority",
    "id": "majority",
    "title": {"ko": "과반", "en": "Majority"},
    "panel": "jury",
    "more_than_share": 0.5,
    "majority_of": "size",
}
AMENDMENT = {
    "version": 2,
    "replaces": "unknown",
    "notified": "2027-03-20",
    "effective": "2027-04-05",
    "reason": {"ko": "까닭", "en": "why"},
    "positions": [{"team": "a", "position": "consents"}],
}
NATIONAL = "suites/national"
NORMALISER = "parts/benchmark/parts/common/normaliser"

# One row per mistake: the one key that is said, and the smallest edit of a valid rulebook that makes it.
MISTAKES: list[tuple[str, list[tuple[str, Any]]]] = [
    ("expected_table", [("clock", 3)]),
    ("expected_list", [("gates", {})]),
    ("expected_choice", [("panels/users/kind", "robots")]),
    ("expected_choice", [("gates/threshold/kind", "random")]),
    ("expected_choice_near", [("gates/threshold/kind", "at_most")]),
    ("expected_choice_near", [("panels/users/ballot", "ratings")]),
    ("expected_table", [("gates/threshold", "at_least")]),
    ("expected_table", [("faults", None)]),
    ("expected_table", [("clock/submission", date(2027, 1, 1))]),
    ("expected_list", [("clock/holidays", date(2027, 1, 1))]),
    ("expected_text", [("title/en", date(2027, 1, 1))]),
    ("not_a_day", [("clock/decision", datetime(2027, 4, 28, 9, 0, tzinfo=UTC))]),
    ("not_a_day", [("clock/decision", time(9, 0))]),
    ("not_a_day", [("clock/decision", "2027-4-28")]),
    ("beyond_exact", [("points", 2**60)]),
    ("beyond_exact", [("panels/users/size", 2**70)]),
    ("missing", [("gates/threshold/kind", DELETE)]),
    ("expected_choice", [("faults/failing_answer", "left_out")]),
    ("expected_whole_number", [("panels/users/size", 49.0)]),
    ("expected_whole_number", [("panels/users/size", True)]),
    ("expected_number", [("points", "hundred")]),
    ("expected_number", [("points", float("nan"))]),
    ("expected_number", [("points", float("inf"))]),
    ("expected_text", [("title/en", 5)]),
    ("not_printable", [("title/ko", "제목\x1b[2J")]),
    ("not_printable", [("title/en", "\u202eeltit")]),
    ("not_printable", [("support/gpu/unit", "B200\nB300")]),
    ("expected_true_or_false", [("panels/users/blind", 1)]),
    ("not_a_day", [("clock/decision", "2027-02-30")]),
    ("unknown_not_allowed", [("version", "unknown")]),
    ("missing", [("advance/places", DELETE)]),
    ("missing", [(NORMALISER, {"kind": "z", "centre_share": 0.5})]),
    ("missing", [(NORMALISER, {"kind": "rank"})]),
    ("unknown_key", [("zzz", 1)]),
    ("unknown_key_near", [("panels/users/qourum", 3), ("panels/users/quorum", DELETE)]),
    ("not_a_name", [("panels/users/id", "Users!"), ("parts/user/panel", "experts")]),
    ("id_twice", [("panels/+", {**APPROVAL, "id": "users"}), ("parts/user/panel", "experts")]),
    ("id_twice", [("signatures/roles/0/name", "auditor")]),
    ("id_twice", [("publication/fields/0/field", "ranks")]),
    ("id_twice", [("panels/experts/criteria/spillover/id", "results")]),
    ("id_twice", [(f"{NATIONAL}/benchmarks/national-math/id", "national-knowledge")]),
    ("id_of_part_and_gate", [("gates/threshold/id", "user"), ("gates/advance/gates/1", "user")]),
    ("id_reserved", [("parts/user/id", "total")]),
    ("too_small", [("panels/users/size", 0), ("panels/users/quorum", "unknown")]),
    ("too_small", [("panels/users/quorum", 0)]),
    ("too_small", [("panels/experts/trim_each_side", -1)]),
    ("too_small", [("gates/best_four/keep", 0)]),
    ("too_small", [("advance/places", 0), ("gates/best_four/keep", "unknown")]),
    ("too_small", [(f"{NATIONAL}/repeats", 0)]),
    ("too_small", [(f"{NATIONAL}/benchmarks/national-math/items", 0)]),
    ("too_small", [("faults/retries", -1)]),
    ("too_small", [("signatures/k", 0), ("signatures/roles", "unknown")]),
    ("too_small", [("publication/narrowest_interval_points", -1)]),
    ("too_small", [("version", 0)]),
    ("too_small", [("appeals/answer_days", 0)]),
    ("too_small", [("amending/notice_days", -1)]),
    (
        "not_above",
        [
            ("points", 0),
            ("parts", []),
            ("suites", []),
            ("comparators", []),
            ("gates/best_four/reads", "majority"),
            ("gates/threshold", DELETE),
            ("gates/advance/gates/1", "majority"),
            ("gates/+", MAJORITY),
            ("panels/+", APPROVAL),
            ("advance/ties", [{"rule": "lot"}]),
            ("publication/narrowest_interval_points", 0),
        ],
    ),
    ("not_above", [("panels/users/criteria/accuracy/weight", 0)]),
    ("not_above", [(f"{NORMALISER}/cap_share", 0)]),
    ("not_below", [("parts/user/normaliser", {"kind": "min_max", "floor_share": 1})]),
    (
        "too_large_number",
        [
            ("parts/user/normaliser", {"kind": "z", "centre_share": 2, "spread_share": 1}),
            ("gates/best_four/reads", "expert"),
        ],
    ),
    (
        "not_above",
        [
            ("parts/user/normaliser", {"kind": "z", "centre_share": 0.5, "spread_share": 0}),
            ("gates/best_four/reads", "expert"),
        ],
    ),
    ("ranks_by_z", [("parts/user/normaliser", {"kind": "z", "centre_share": 0.5, "spread_share": 0.1})]),
    (
        "ranks_by_z",
        [
            ("parts/user/normaliser", {"kind": "z", "centre_share": 0.5, "spread_share": 0.1}),
            ("gates/best_four/reads", "user"),
        ],
    ),
    ("points_do_not_add_up", [("parts/user/points", 24)]),
    ("points_do_not_add_up", [("parts/benchmark/parts/common/points", 21)]),
    ("points_already_above", [("parts/user/points", "unknown"), ("parts/expert/points", 61)]),
    ("sum_and_leaf", [("parts/benchmark/panel", "users")]),
    ("part_reads_nothing", [("parts/user/panel", ""), ("panels/users", DELETE)]),
    ("part_reads_both", [("parts/user/suites", ["national"])]),
    ("leaf_without_normaliser", [("parts/user/normaliser", DELETE)]),
    ("no_such_suite", [("parts/benchmark/parts/national/suites", ["national", "regional"])]),
    ("criteria_without_panel", [("parts/benchmark/parts/national/criteria", ["technology"])]),
    ("no_such_panel", [("parts/user/panel", "jury")]),
    ("panel_gives_no_marks", [("panels/users/ballot", "approval")]),
    ("panel_gives_no_marks", [("panels/users/ballot", "paired")]),
    ("no_such_criterion", [("parts/user/criteria", ["beauty"])]),
    ("no_such_comparator", [(f"{NORMALISER}/comparator", "nobody"), ("comparators/frontier", DELETE)]),
    ("attainment_of_panel", [("parts/user/normaliser", TEMPLATE["parts"][0]["parts"][1]["normaliser"])]),
    (
        "relative_to_nobody",
        [
            ("advance/entering", 1),
            ("advance/places", 1),
            ("gates/best_four/keep", 1),
            ("parts/user/normaliser", {"kind": "min_max"}),
        ],
    ),
    ("rank_shares_rise", [("parts/user/normaliser", {"kind": "rank", "shares": [0.5, 1, 0.4, 0.3, 0.2]})]),
    ("rank_shares_too_few", [("parts/user/normaliser", {"kind": "rank", "shares": [1, 0.9]})]),
    ("suite_not_read", [("parts/benchmark/parts/national/suites", ["common"])]),
    ("count_is_not_list", [(f"{NATIONAL}/count", 13)]),
    ("not_a_digest", [(f"{NATIONAL}/benchmarks/national-math/digest", "md5:abc")]),
    ("too_small", [("comparators/own_target/max_age_months", 0)]),
    ("comparator_unreleased", [("comparators/frontier/released", "2027-05-01")]),
    ("comparator_too_old", [("comparators/frontier/released", "2026-10-11")]),
    ("too_large_number", [("comparators/frontier/target_share", 95)]),
    ("per_team_not_by_team", [("comparators/own_target/chosen_by", "agency")]),
    ("comparator_not_read", [(NORMALISER, {"kind": "raw"})]),
    ("suites_without_faults", [("faults", DELETE)]),
    ("quorum_above_size", [("panels/users/quorum", 50)]),
    ("no_criteria", [("panels/users/criteria", [])]),
    ("empty_scale", [("panels/users/criteria/accuracy/highest", 1)]),
    ("trims_nothing", [("panels/experts/trim_each_side", 0)]),
    ("trims_everybody", [("panels/experts/trim_each_side", 4)]),
    ("trim_unused", [("panels/users/trim_each_side", 1)]),
    ("item_without_claims", [("items/control/claims", [])]),
    ("not_a_claim", [("items/control/claims", ["Weights are fine"])]),
    (
        "judged_required_yet_not_allowed",
        [("items/control/evidence", "judged"), ("items/control/judged_allowed", False)],
    ),
    ("item_decides_nothing", [("gates/independence/items", ["descent", "weights", "control"])]),
    ("gate_reads_nothing", [("gates/threshold/reads", "")]),
    ("gate_reads_nothing", [("gates/independence/items", []), ("items", [])]),
    (
        "total_of_nothing",
        [
            ("parts", []),
            ("suites", []),
            ("comparators", []),
            ("gates/threshold/reads", "total"),
            ("gates/best_four/reads", "majority"),
            ("gates/+", MAJORITY),
            ("panels/+", APPROVAL),
            ("advance/ties", [{"rule": "lot"}]),
        ],
    ),
    ("no_such_part", [("gates/threshold/reads", "charm")]),
    ("no_such_item", [("gates/independence/items", ["descent", "weights", "control", "notices", "luck"])]),
    ("no_such_gate", [("gates/advance/gates", ["best_four", "threshold", "independence", "x"])]),
    (
        "empty_composition",
        [
            ("gates/+", {"kind": "any_of", "id": "empty", "title": {"ko": "빈", "en": "e"}, "gates": []}),
            ("gates/advance/gates", ["best_four", "threshold", "independence", "empty"]),
        ],
    ),
    ("gate_reads_itself", [("gates/advance/gates", ["best_four", "threshold", "independence", "advance"])]),
    ("gate_decides_nothing", [("gates/advance/gates", ["best_four", "independence"])]),
    ("threshold_above_points", [("gates/threshold/points", 101)]),
    ("keeps_more_than_enter", [("gates/best_four/keep", 6)]),
    (
        "keeps_more_than_places",
        [
            ("gates", [TEMPLATE["gates"][0]]),
            ("advance/gate", "best_four"),
            ("items", []),
            ("advance/places", 3),
        ],
    ),
    (
        "panel_does_not_vote",
        [
            ("gates/+", {**MAJORITY, "panel": "users"}),
            ("gates/advance/gates/0", "majority"),
            ("gates/best_four", DELETE),
        ],
    ),
    (
        "not_below",
        [
            ("gates/+", {**MAJORITY, "more_than_share": 1}),
            ("panels/+", APPROVAL),
            ("gates/advance/gates/0", "majority"),
            ("gates/best_four", DELETE),
        ],
    ),
    ("more_places_than_teams", [("advance/places", 6)]),
    ("no_tie_rule", [("advance/ties", [])]),
    ("tie_reads_no_part", [("advance/ties/0/reads", "charm")]),
    ("tie_reads_no_panel", [("advance/ties/0/rule", "panel_majority"), ("advance/ties/0/reads", "charm")]),
    ("tie_reads_needlessly", [("advance/ties/0/rule", "lot")]),
    ("not_a_zone", [("clock/timezone", "")]),
    ("not_a_zone", [("clock/timezone", "Asia/Seol")]),
    ("clock_impossible", [("clock/submission/closes", "2027-03-07")]),
    ("clock_impossible", [("clock/frozen", "2027-03-09")]),
    ("clock_impossible", [("clock/decision", "2027-04-29")]),
    ("clock_impossible", [("clock/objection/opens", "2027-05-05"), ("appeals/days", "unknown")]),
    ("clock_impossible", [("clock/final", "2027-05-20")]),
    ("objection_length", [("appeals/days", 11)]),
    ("objection_length", [("clock/holidays", [])]),
    ("no_grounds", [("appeals/grounds", [])]),
    ("notice_too_short", [("version", 2), ("amendments", [{**AMENDMENT, "effective": "2027-03-21"}])]),
    ("wider_than_scale", [("publication/narrowest_interval_points", 101)]),
    ("k_above_n", [("signatures/k", 6)]),
    ("role_asks_too_many", [("signatures/roles/1/at_least", 2)]),
    ("seats_are_not_n", [("signatures/roles/0/seats", 3)]),
    ("roles_above_k", [("signatures/k", 1)]),
    ("versions_broken", [("version", 2)]),
    ("versions_broken", [("amendments", [AMENDMENT])]),
    (
        "amendment_without_consent",
        [("version", 2), ("amendments", [{**AMENDMENT, "positions": [{"team": "a", "position": "silent"}]}])],
    ),
    (
        "amendment_without_majority",
        [
            ("amending/needs", "majority"),
            ("version", 2),
            (
                "amendments",
                [
                    {
                        **AMENDMENT,
                        "positions": [
                            {"team": "a", "position": "consents"},
                            {"team": "b", "position": "objects"},
                        ],
                    }
                ],
            ),
        ],
    ),
]


@pytest.mark.parametrize(
    ("key", "edits"), MISTAKES, ids=[f"{i}-{key}" for i, (key, _) in enumerate(MISTAKES)]
)
def test_each_mistake_is_said_once_and_alone(key: str, edits: list[tuple[str, Any]]) -> None:
    assert mistakes_of(edited(*edits)) == [key]


def test_every_mistake_that_has_a_sentence_has_been_made() -> None:
    made = {key for key, _ in MISTAKES} | {"unknown_needed"}
    aside = {"check", "show", "diff", "label", "value", "outcome"}
    said = {key.split(".", 1)[1] for key in sentences() if key.startswith("rulebook.")}
    assert {key for key in said if key.split(".")[0] not in aside} - made == set()


def test_all_mistakes_are_said_at_once() -> None:
    edits = [
        ("parts/user/points", 24),
        ("panels/experts/quorum", 11),
        ("comparators/frontier/released", "2020-01-01"),
        ("signatures/k", 6),
        ("clock/timezone", 9),
        ("panels/users/blind", "perhaps"),
        ("zzz", 1),
    ]
    # `timezone` cannot be read at all, so what depends on the whole is said once it can be.
    assert mistakes_of(edited(*edits)) == ["expected_text", "expected_true_or_false", "unknown_key"]
    assert mistakes_of(edited(*(edit for edit in edits if edit[0] != "clock/timezone"))) == [
        "expected_true_or_false",
        "unknown_key",
        "points_do_not_add_up",
        "comparator_too_old",
        "quorum_above_size",
        "k_above_n",
    ]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.name)
def test_every_example_is_valid_and_survives_its_canonical_form(path: Path) -> None:
    rulebook = parse_rulebook(path.read_bytes())
    again = rulebook_from_json(rulebook.canonical())
    assert again == rulebook
    assert again.digest() == rulebook.digest()


def test_comments_and_the_order_of_keys_do_not_change_the_digest() -> None:
    template = parse_rulebook((EXAMPLES / "template.toml").read_bytes())
    reordered = {name: TEMPLATE[name] for name in sorted(TEMPLATE, reverse=True)}
    assert rulebook_from_json(reordered).digest() == template.digest()
    assert rulebook_from_json(edited(("points", 100.0))).digest() == template.digest()
    assert rulebook_from_json(edited(("parts/user/title/en", "User"))).digest() != template.digest()


def test_an_unknown_is_refused_where_a_value_is_needed() -> None:
    rulebook = rulebook_from_json(edited(("appeals/days", "unknown")))
    assert rulebook.appeals.days is UNKNOWN
    with pytest.raises(RulebookUnknown, match=r"leaves appeals\.days unknown"):
        require_known(rulebook.appeals.days, "appeals.days")
    assert require_known(7, "appeals.days") == 7


def unknowns_of(rulebook: Rulebook) -> list[str]:
    found = needed_to_open(rulebook)
    for language in LANGUAGES:
        assert all(say_reason(one.reason, language).startswith(one.at) for one in found)
    return [one.at for one in found]


def test_a_stage_opens_with_what_teams_name_themselves_and_with_nothing_else_unknown() -> None:
    rulebook = rulebook_from_json(TEMPLATE)
    assert "suites.individual.benchmarks" in set(unknown_places(rulebook.canonical()))
    assert unknowns_of(rulebook) == []
    require_openable(rulebook)
    edits = [
        ("gates/threshold/points", "unknown"),
        ("suites/common/repeats", "unknown"),
        ("support/gpu/units", "unknown"),
    ]
    unready = rulebook_from_json(edited(*edits))
    assert unknowns_of(unready) == ["suites.common.repeats", "gates.threshold.points"]
    with pytest.raises(
        RulebookInvalid, match=r"2 mistakes, at suites\.common\.repeats, gates\.threshold\.points"
    ):
        require_openable(unready)
    organiser = rulebook_from_json(edited(("suites/individual/chosen_by", "organiser")))
    assert unknowns_of(organiser) == ["suites.individual.benchmarks"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("korea-*.toml")), ids=lambda path: path.name)
def test_no_stage_can_be_opened_under_rules_as_they_were_published(path: Path) -> None:
    assert "signatures.k" in unknowns_of(parse_rulebook(path.read_bytes()))


def test_lookups_find_parts_at_any_depth() -> None:
    rulebook: Rulebook = rulebook_from_json(TEMPLATE)
    assert rulebook.part("common").points == 20
    assert [leaf.id for leaf in rulebook.leaves()] == ["national", "common", "individual", "expert", "user"]
    with pytest.raises(KeyError):
        rulebook.gate("nothing")


def deep(levels: int) -> str:
    return "x = " + "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"\xff\xfe", "not_toml"),
        (b"x = ", "not_toml"),
        (b"a = 1\na = 2", "not_toml"),
        (deep(100_000).encode(), "not_toml"),
        (b"#" * (1 << 20) + b"\n#", "too_large"),
    ],
)
def test_a_hostile_file_is_a_mistake_not_a_crash(data: bytes, key: str) -> None:
    with pytest.raises(RulebookInvalid) as refused:
        parse_rulebook(data)
    assert [reason.key for reason in reasons_in(refused.value)] == [f"grammar.{key}"]


def test_a_mistake_never_carries_characters_that_steer_a_terminal() -> None:
    table = edited(("a\x1b[31m", 1), ("panels/users/id", "\x1b]0;x\x07"), ("parts/user/panel", "\u202e"))
    with pytest.raises(RulebookInvalid) as refused:
        rulebook_from_json(table)
    assert refused.value.message.isprintable()
    for language in LANGUAGES:
        assert all(say_reason(reason, language).isprintable() for reason in reasons_in(refused.value))


def test_parts_within_parts_have_a_bottom() -> None:
    part: Table = {}
    inner = part
    for level in range(2000):
        inner |= {"id": f"p{level}", "title": {"ko": "부", "en": "p"}, "points": 100, "parts": [{}]}
        inner = inner["parts"][0]
    assert "too_deep" in mistakes_of(edited(("parts", [part])))
