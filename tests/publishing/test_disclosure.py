"""What is published confines what is sealed, and a release that says too much is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import DisclosureContradictory, InvalidInput
from dokja.publishing.disclosure import TOTAL, PublishedStatement, Scoreboard, confine, confine_further

TEAMS = ("lg", "skt", "upstage", "naver", "nc")
BOARD = Scoreboard(
    teams=TEAMS,
    points={"benchmark": 40, "national": 10, "common": 20, "individual": 10, "expert": 35, "user": 25},
    inside={"benchmark": ("national", "common", "individual")},
)
# Published in January 2026 (reference: newsspace.kr 11920, alphabiz.co.kr 1065599671804338).
BRIEFING = "2026-01-15 briefing"
JANUARY = (
    PublishedStatement(BRIEFING, "team", TOTAL, ("lg",), 90.2, 0.05),
    PublishedStatement(BRIEFING, "mean", TOTAL, (), 79.7, 0.05),
    PublishedStatement(BRIEFING, "team", "benchmark", ("lg",), 33.6, 0.05),
    PublishedStatement(BRIEFING, "team", "expert", ("lg",), 31.6, 0.05),
    PublishedStatement(BRIEFING, "team", "user", ("lg",), 25.0, 0.05),
    PublishedStatement(BRIEFING, "mean", "benchmark", (), 30.4, 0.05),
    PublishedStatement(BRIEFING, "mean", "expert", (), 28.56, 0.005),
    PublishedStatement(BRIEFING, "mean", "user", (), 20.76, 0.005),
    PublishedStatement(BRIEFING, "highest", "national", ("lg", "skt"), 9.2, 0.05),
    PublishedStatement(BRIEFING, "highest", "common", ("lg",), 14.4, 0.05),
    PublishedStatement(BRIEFING, "highest", "individual", ("lg", "upstage"), 10.0, 0.05),
    PublishedStatement("assumption: LG is first", "first", TOTAL, ("lg",)),
    PublishedStatement("assumption: NC AI is last", "last", TOTAL, ("nc",)),
)


def test_the_aggregates_of_january_2026_confine_the_sealed_totals() -> None:
    totals = {one.team: one for one in confine(BOARD, JANUARY) if one.part == TOTAL}
    for team in ("skt", "upstage", "naver"):
        assert totals[team].low == pytest.approx(63.8, abs=0.15)
        assert totals[team].high == pytest.approx(90.2, abs=0.15)
    assert totals["nc"].low == pytest.approx(37.3, abs=0.15)
    assert totals["nc"].high == pytest.approx(77.2, abs=0.15)
    assert totals["nc"].confined_by == "assumption: NC AI is last"
    assert totals["lg"].width <= 0.11


@st.composite
def scoreboards(draw: st.DrawFn) -> tuple[Scoreboard, np.ndarray]:
    teams = tuple(f"t{i}" for i in range(draw(st.integers(1, 4))))
    points = draw(st.lists(st.integers(5, 50), min_size=1, max_size=3))
    board = Scoreboard(teams, {f"p{i}": float(most) for i, most in enumerate(points)}, {})
    shares = draw(
        st.lists(st.floats(0, 1), min_size=len(teams) * len(points), max_size=len(teams) * len(points))
    )
    return board, np.reshape(shares, (len(teams), -1)) * points


def true_statements(board: Scoreboard, scores: np.ndarray) -> list[PublishedStatement]:
    totals = scores.sum(axis=1)
    best = int(np.argmax(totals))
    return [
        PublishedStatement("means", "mean", "p0", (), round(float(scores[:, 0].mean()), 1), 0.05001),
        PublishedStatement("totals", "mean", TOTAL, (), round(float(totals.mean()), 1), 0.05001),
        PublishedStatement(
            "winner", "team", TOTAL, (board.teams[best],), round(float(totals[best]), 1), 0.05001
        ),
        PublishedStatement("order", "first", TOTAL, (board.teams[best],)),
    ]


@settings(max_examples=15, deadline=None)
@given(scoreboards())
def test_the_truth_always_lies_inside_its_interval_and_releases_only_narrow(
    case: tuple[Scoreboard, np.ndarray],
) -> None:
    board, scores = case
    said = true_statements(board, scores)
    widths = {}
    for upto in range(len(said) + 1):
        for one in confine(board, said[:upto]):
            row = scores[board.teams.index(one.team)]
            true = row.sum() if one.part == TOTAL else row[list(board.points).index(one.part)]
            assert one.low - 1e-6 <= true <= one.high + 1e-6
            assert one.width <= widths.get((one.team, one.part), np.inf) + 1e-6
            widths[one.team, one.part] = one.width


def test_what_a_release_confines_is_named_with_the_release_and_what_was_known_before() -> None:
    board = Scoreboard(("a", "b"), {"exam": 100.0}, {})
    public = [PublishedStatement("first release", "mean", "exam", (), 70.0, 0.05)]
    release = [PublishedStatement("second release", "team", "exam", ("a",), 80.0, 0.05)]
    before, after = confine_further(board, public, release)
    (was, now) = (
        next(one for one in known if (one.team, one.part) == ("b", "exam")) for known in (before, after)
    )
    assert (was.low, was.high) == pytest.approx((39.9, 100))
    assert now.confined_by == "second release"
    assert (now.low, now.high) == pytest.approx((59.85, 60.15))
    unmoved, still = confine_further(board, public, [])
    assert unmoved == still == before


def test_figures_that_contradict_each_other_are_an_error_not_an_interval() -> None:
    board = Scoreboard(("a", "b"), {"exam": 100.0}, {})
    said = [
        PublishedStatement("one", "mean", "exam", (), 70.0),
        PublishedStatement("two", "highest", "exam", ("a",), 60.0),
    ]
    with pytest.raises(DisclosureContradictory, match="two"):
        confine(board, said)


def test_a_statement_about_nobody_known_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no team 'z'"):
        confine(BOARD, [PublishedStatement("one", "team", "user", ("z",), 1.0)])
    with pytest.raises(InvalidInput, match="no part 'z'"):
        confine(BOARD, [PublishedStatement("one", "mean", "z", (), 1.0)])


@pytest.mark.parametrize("order", [("first", ("a",)), ("above", ("a", "b"))])
def test_a_best_score_without_a_name_is_the_score_of_whoever_is_known_to_be_best(
    order: tuple[str, tuple[str, ...]],
) -> None:
    board = Scoreboard(("a", "b"), {"exam": 100.0}, {})
    said = [
        PublishedStatement("order", order[0], "exam", order[1]),  # type: ignore[arg-type]  # one of the two, by name
        PublishedStatement("best", "highest", "exam", (), 80.1, 0.05),
        PublishedStatement("mean", "mean", "exam", (), 73.1, 0.05),
    ]
    known = {one.team: one for one in confine(board, said) if one.part == "exam"}
    assert (known["a"].low, known["a"].high) == pytest.approx((80.05, 80.15))
    assert (known["b"].low, known["b"].high) == pytest.approx((65.95, 66.25))
