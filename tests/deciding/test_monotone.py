"""Making a finding or a score of a team worse never opens a gate for that team."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.deciding.decision import Decision, decide
from dokja.deciding.independence import Outcome, judge_item
from dokja.finding import Evidence, Finding, Verdict, gravest
from dokja.record.events import Event
from dokja.record.finding import RecordedFinding
from dokja.record.history import History
from tests.deciding.test_gate import ranked
from tests.made_stage import ITEMS, TEAMS, Stage, full_stage, made_finding, made_rulebook, weights_of
from tests.sensitivity.test_uncertainty import with_averaging

ORDER = [Outcome.FAIL, Outcome.INSUFFICIENT_EVIDENCE, Outcome.CONDITIONAL, Outcome.PASS]
MONOTONE = [
    rb.Raw(),
    rb.MinMax(),
    rb.MinMax(floor_share=0.3),
    rb.MaxScaled(),
    rb.Rank(shares=(1.0, 0.7, 0.5, 0.2, 0.0)),
]


@cache
def decided(normaliser: int, averaging: rb.Averaging, seed: int) -> tuple[Stage, Decision]:
    book = with_averaging(made_rulebook(MONOTONE[normaliser]), averaging)
    book = rb.changed(book, advance=rb.changed(book.advance, places=3, vacancy=list(rb.Vacancy)[seed % 3]))
    book = rb.changed(book, gates=(rb.changed(book.gates[0], keep=3), *book.gates[1:]))
    stage = full_stage(book, seed, items=6)
    return stage, decide(book, stage.history)


def lowered(event: Event, share: float) -> Event:
    """Return the event with its scores of the team lowered: every kept share of a run, or a mark towards 1."""
    payload = event.payload.as_json()
    if event.kind == "run_result":
        rows = payload["rows"]
        cut = round(len(rows) * share)
        payload["rows"] = [[*row[:3], "scored", 0.0] if n < cut else row for n, row in enumerate(rows)]
    else:
        payload["score"] = 1 + (payload["score"] - 1) * (1 - share)
    return replace(event, id=f"{event.id}-worse", payload=payload, supersedes=event.id, reason="lowered")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_lower_score_never_opens_a_gate_for_its_team(data) -> None:
    averaging = data.draw(st.sampled_from(list(rb.Averaging)))
    stage, before = decided(data.draw(st.integers(0, 4)), averaging, data.draw(st.integers(0, 5)))
    team = data.draw(st.sampled_from(TEAMS))
    own = [
        e for e in stage.events
        if e.kind in ("run_result", "expert_score", "user_rating")
        and team in (getattr(e.payload, "team", None), getattr(e.payload, "subject", None))
    ]  # fmt: skip
    chosen = data.draw(st.lists(st.sampled_from(own), min_size=1, max_size=12, unique_by=lambda e: e.id))
    share = data.draw(st.floats(0.05, 1.0))
    after = decide(stage.book, History.of([*stage.events, *(lowered(event, share) for event in chosen)]))
    assert before.of(team).advances or not after.of(team).advances
    for name, gate in after.of(team).gates.items():
        assert before.of(team).gates[name].outcome.opens or not gate.outcome.opens, name


FINDINGS = st.builds(
    lambda verdict, evidence, about, cited, other: RecordedFinding(
        "e1", "haneul",
        Finding(
            replace(made_finding("haneul", "weights.independent_of", verdict, evidence).claim, about=about),
            verdict,
            made_finding("haneul", "weights.independent_of", verdict, evidence).reason,
            evidence,
            {"subject": weights_of("earlier" if other else "haneul")},
        ),
        "experts:00", (weights_of("log"),) if cited else (),
    ),
    st.sampled_from(list(Verdict)), st.sampled_from(list(Evidence)), st.sampled_from(["", "vision"]), st.booleans(),
    st.booleans(),
)  # fmt: skip
RULES = st.builds(
    lambda evidence, judged, when, each: rb.changed(
        ITEMS[0], evidence=evidence, judged_allowed=judged, when_inconclusive=when, per_component=each
    ),
    st.sampled_from([*Evidence, rb.UNKNOWN]), st.sampled_from([True, False, rb.UNKNOWN]),
    st.sampled_from([*rb.WhenInconclusive, rb.UNKNOWN]), st.booleans(),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(RULES, st.lists(FINDINGS, min_size=1, max_size=4), st.data())
def test_a_worse_finding_never_betters_an_item(
    item: rb.IndependenceCriterion, findings: list[RecordedFinding], data
) -> None:
    place = data.draw(st.integers(0, len(findings) - 1))
    old = findings[place].finding
    worse = data.draw(
        st.sampled_from([verdict for verdict in Verdict if gravest([verdict, old.verdict]) is verdict])
    )
    changed = list(findings)
    changed[place] = replace(findings[place], finding=replace(old, verdict=worse))
    before, after = (
        judge_item(item, some, weights_of("haneul"), ("vision",)) for some in (findings, changed)
    )
    assert ORDER.index(after.outcome) <= ORDER.index(before.outcome)


@settings(max_examples=200, deadline=None)
@given(RULES, st.lists(FINDINGS, max_size=4))
def test_an_item_passes_only_on_a_supported_finding_about_these_weights(
    item: rb.IndependenceCriterion, findings: list[RecordedFinding]
) -> None:
    result = judge_item(item, findings, weights_of("haneul"), ("vision",))
    supporting = [
        found for found in findings
        if found.finding.verdict is Verdict.SUPPORTED and found.finding.looked_at["subject"] == weights_of("haneul")
    ]  # fmt: skip
    assert result.outcome is not Outcome.PASS or supporting
    assert result.outcome is Outcome.PASS or result.reasons


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=5), st.integers(1, 4), st.data())
def test_losing_a_tie_by_falling_behind_never_helps(scores: list[int], keep: int, data) -> None:
    teams = dict(zip("abcde", scores, strict=False))
    steps = data.draw(
        st.sampled_from([(rb.TieBreak(rule=rule),) for rule in (rb.TieRule.LOT, rb.TieRule.ALL_ADVANCE)])
    )
    team = data.draw(st.sampled_from(sorted(teams)))
    lower = data.draw(st.integers(0, teams[team]))
    lot = {"rule": "lot", "order": data.draw(st.permutations("abcde"))}
    outcomes = []
    for one in (teams, teams | {team: lower}):
        stage = ranked(one, keep=keep, ties=steps)
        stage.add("tie_resolved", lot)
        outcomes.append(decide(stage.book, stage.history).of(team).outcome)
    assert ORDER.index(outcomes[1]) <= ORDER.index(outcomes[0])


def test_z_scores_are_not_monotone_so_a_rulebook_that_ranks_teams_may_not_use_them() -> None:
    """The first team answers worse in the first part, and passes the second team in the total."""
    before = np.array([[0.3, 0.8, 0.7, 0.7, 0.7], [1.0, 0.3, 0.9, 0.6, 0.8]])
    after = before.copy()
    rule = rb.ZScore(centre_share=0.5, spread_share=1 / 6)
    after[0, 0] = 0.0
    one, other = (50 * rule.normalised(parts).sum(0) for parts in (before, after))
    assert one[0] < one[1] - 0.3
    assert other[0] > other[1] + 0.6


@pytest.mark.parametrize("vote", ["reject", "abstain"])
def test_a_vote_taken_away_never_makes_a_majority(vote: str) -> None:
    from tests.deciding.test_gate import judge, voted

    for cast in ("yyyynn", "yyyn--", "yyynnn", "yyyyyy"):
        for of in rb.MajorityOf:
            stage = voted({"a": cast}, of)
            before = judge(stage, "m")["a"].outcome
            first = next(e for e in stage.events if e.kind == "panel_vote")
            payload = {**first.payload.as_json(), "choice": vote}
            stage.add("panel_vote", payload, supersedes=first.id, reason="changed")
            assert ORDER.index(judge(stage, "m")["a"].outcome) <= ORDER.index(before)
