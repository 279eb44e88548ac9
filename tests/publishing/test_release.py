"""Releases: what is said is true, more of it never widens an interval, and the policy is kept or the release refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, NotAllowed
from dokja.publishing.disclosure import TOTAL, PublishedStatement, Scoreboard, confine, confine_further
from dokja.publishing.known import scoreboard_of
from dokja.publishing.principal import PUBLIC, principal_of
from dokja.publishing.release import (
    already_said,
    as_said,
    is_true,
    read_assumptions,
    read_statement,
    require_granted,
    review,
    sealed_scores,
    statement_json,
    statements_of_decision,
)
from dokja.publishing.see import see
from dokja.record.events import Event
from dokja.rulebook import Disclosed, Profile
from tests.made_stage import TEAMS, full_stage, made_rulebook
from tests.procedure.test_objection import release

FIGURES = [Disclosed.TOTALS, Disclosed.PART_SCORES, Disclosed.STAGE_MEANS, Disclosed.STAGE_TOPS, Disclosed.RANKS, Disclosed.DECISION]  # fmt: skip
BOOK = made_rulebook()
OUTCOMES = [
    decide(BOOK, full_stage(BOOK, seed=seed, teams=TEAMS[:4], items=4).history).said() for seed in range(3)
]


@given(
    st.sampled_from(OUTCOMES), st.sets(st.sampled_from(FIGURES), min_size=1), st.integers(0, 3) | st.none()
)
def test_what_a_release_says_agrees_with_the_scores_at_every_rounding(outcome, fields, digits) -> None:
    said = statements_of_decision(BOOK, outcome, fields, release="r", digits=digits)
    points = outcome.points()
    assert said
    assert all(is_true(one, points) for one in said)
    assert [read_statement(as_said(one), "r") for one in said if one.of not in ("first", "last")] == list(
        said
    )
    moved = {key: value + 3.0 + number for number, (key, value) in enumerate(points.items())}
    figures = [one for one in said if one.of in ("team", "mean", "highest")]
    assert not any(is_true(one, moved) for one in figures)


@st.composite
def boards(draw: st.DrawFn) -> tuple[Scoreboard, dict[tuple[str, str], float]]:
    teams = tuple(f"t{n}" for n in range(draw(st.integers(2, 3))))
    most = {f"p{n}": 20.0 for n in range(draw(st.integers(1, 2)))}
    points = {(team, part): draw(st.floats(0, 20)) for team in teams for part in most}
    points |= {(team, TOTAL): sum(points[team, part] for part in most) for team in teams}
    return Scoreboard(teams, most, {}), points


def true_statement(
    draw: st.DrawFn, board: Scoreboard, points: dict[tuple[str, str], float], name: str
) -> PublishedStatement:
    part = draw(st.sampled_from([*board.points, TOTAL]))
    scores = {team: points[team, part] for team in board.teams}
    order = sorted(scores, key=lambda team: -scores[team])
    digits = draw(st.integers(0, 2))
    half = 0.5 * 10.0**-digits + 1e-9
    return draw(
        st.sampled_from(
            [
                PublishedStatement(
                    name, "mean", part, (), round(float(np.mean(list(scores.values()))), digits), half
                ),
                PublishedStatement(name, "highest", part, (), round(max(scores.values()), digits), half),
                PublishedStatement(name, "team", part, (order[0],), round(scores[order[0]], digits), half),
                PublishedStatement(name, "above", part, tuple(order)),
                PublishedStatement(name, "first", part, (order[0],)),
                PublishedStatement(name, "last", part, (order[-1],)),
                PublishedStatement(name, "at_least", part, (order[-1],), scores[order[-1]] - 1.0),
                PublishedStatement(name, "at_most", part, (order[0],), scores[order[0]] + 1.0),
            ]
        )
    )


@settings(max_examples=25, deadline=None)
@given(st.data(), boards(), st.floats(0.1, 25.0))
def test_more_releases_never_widen_an_interval_and_the_policy_is_kept(
    data, board_and_points, narrowest
) -> None:
    board, points = board_and_points
    said = [true_statement(data.draw, board, points, f"r{n}") for n in range(data.draw(st.integers(1, 3)))]
    before, after = confine_further(board, said[:-1], said[-1:])
    for was, one in zip(before, after, strict=True):
        assert one.low >= was.low - 1e-6
        assert one.high <= was.high + 1e-6
        assert one.low - 1e-6 <= points[one.team, one.part] <= one.high + 1e-6
    sealed = [(team, part) for team, part in points]
    looked = review(board, said[:-1], said[-1:], sealed, narrowest, points)
    assert looked.untrue == ()
    refused = {(one.team, one.part) for one in looked.refused}
    for was, one in zip(looked.before, looked.after, strict=True):
        narrowed = was.width - one.width > 1e-3
        assert ((one.team, one.part) in refused) == (narrowed and one.width < narrowest)


def test_the_first_of_several_equal_figures_gives_everyone_away_and_is_refused() -> None:
    board = Scoreboard(("a", "b", "c"), {"exam": 10.0}, {})
    points = {(team, part): 3.3 for team in "abc" for part in ("exam", TOTAL)}
    mean, top = (
        PublishedStatement("mean", "mean", "exam", (), 3.3, 0.05),
        PublishedStatement("top", "highest", "exam", (), 3.3, 0.05),
    )
    alone = review(board, [], [mean], points, 2.0, points)
    assert alone.refused == ()
    both = review(board, [mean], [top], points, 2.0, points)
    assert {one.confined_by for one in both.refused} == {"top"}
    assert {one.team for one in both.refused} == {"a", "b", "c"}


def test_a_superseded_release_still_confines_as_far_as_it_is_still_true() -> None:
    outcome = OUTCOMES[0]
    points, team = outcome.points(), TEAMS[0]
    said = statements_of_decision(BOOK, outcome, [Disclosed.TOTALS], release="x", digits=1, teams=[team])
    stage = full_stage(BOOK, seed=0, teams=TEAMS[:4], items=4)
    first = stage.add("release", release([], statements=[statement_json(one) for one in said]))
    stage.add("release", release([]), supersedes=first.id, reason="too much")
    board = scoreboard_of(BOOK, TEAMS[:4])
    heard = already_said(stage.history, PUBLIC)
    assert [one.teams for one in heard] == [(team,)]
    (known,) = [one for one in confine(board, heard) if (one.team, one.part) == (team, TOTAL)]
    assert known.width == pytest.approx(0.1, abs=1e-6)
    moved = points | {(team, TOTAL): points[team, TOTAL] + 5}
    looked = review(board, heard, [], [(team, TOTAL)], 2.0, moved)
    assert looked.untrue == heard
    assert looked.after[0].width == 100.0, "what is no longer true confines nothing"


def test_who_is_told_what_stays_with_them() -> None:
    stage = full_stage(BOOK, seed=0, teams=TEAMS[:2], items=2)
    said = [{"of": "team", "part": TOTAL, "teams": [TEAMS[0]], "points": 1.0, "half_unit": 0.5}]
    own = release([], statements=said) | {"profile": "own_team", "team": TEAMS[0]}
    event = stage.add("release", own)
    assert already_said(stage.history, PUBLIC) == ()
    assert already_said(stage.history, principal_of(Profile.OWN_TEAM, TEAMS[1])) == ()
    assert len(already_said(stage.history, principal_of(Profile.OWN_TEAM, TEAMS[0]))) == 1
    assert not see(PUBLIC, BOOK).event(event, stage.history, "2030-01-01T00:00:00Z")


def test_a_release_is_shown_to_the_public_from_the_end_of_its_embargo_on() -> None:
    payload = release([], until="2026-01-20T00:00:00Z")
    event = Event("r", "release", "s", "2026-01-15T00:00:00Z", "office", payload)
    public = see(PUBLIC, BOOK)
    assert not public.release(event, "2026-01-19T23:59:59Z")
    assert public.release(event, "2026-01-20T00:00:00Z")


def test_only_what_the_table_grants_is_released_and_what_is_granted_is_not_sealed() -> None:
    rows = (rb.Disclosure(field=Disclosed.TOTALS, to=(Profile.PANEL,)),)
    book = rb.changed(BOOK, publication=rb.Publication(fields=rows, narrowest_interval_points=1.0))
    require_granted(see(principal_of(Profile.PANEL), book), [Disclosed.TOTALS])
    with pytest.raises(NotAllowed, match="does not show totals to public"):
        require_granted(see(PUBLIC, book), [Disclosed.TOTALS])
    board = scoreboard_of(book, TEAMS[:2])
    assert (TEAMS[0], TOTAL) in sealed_scores(see(PUBLIC, book), board, [])
    assert (TEAMS[0], TOTAL) not in sealed_scores(see(principal_of(Profile.PANEL), book), board, [])
    told = [PublishedStatement("r", "team", TOTAL, (TEAMS[0],), 50.0, 0.05)]
    assert (TEAMS[0], TOTAL) not in sealed_scores(see(PUBLIC, book), board, told)


def test_assumptions_are_read_or_refused() -> None:
    points = OUTCOMES[0].points()
    read = read_assumptions([f"first:total:{TEAMS[0]}", f"knows:{TEAMS[1]}"], points)
    assert read[0].of == "first"
    assert {one.of for one in read[1:]} == {"team"}
    for wrong in ("first:total", "best:total:a", "knows:nobody", ""):
        with pytest.raises(InvalidInput):
            read_assumptions([wrong], points)
    with pytest.raises(InvalidInput, match="0 to 9 decimals"):
        statements_of_decision(BOOK, OUTCOMES[0], [Disclosed.TOTALS], release="r", digits=12)
    with pytest.raises(InvalidInput, match="no team 'nobody'"):
        statements_of_decision(BOOK, OUTCOMES[0], [Disclosed.TOTALS], release="r", teams=["nobody"])


def test_means_and_best_scores_are_rounded_as_the_rulebook_says_for_everyone_but_the_auditor() -> None:
    rows = (rb.Disclosure(field=Disclosed.STAGE_MEANS, to=(Profile.PUBLIC,)),)
    book = rb.changed(BOOK, publication=rb.Publication(fields=rows, narrowest_interval_points=1.0, digits=1))
    exact = sum(OUTCOMES[0].points()[team, TOTAL] for team in TEAMS[:4]) / 4
    shown = see(PUBLIC, book).decision(OUTCOMES[0], None).as_json()["means"]
    assert isinstance(shown, dict)
    assert shown[TOTAL] == round(exact, 1) != exact
