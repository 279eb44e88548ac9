"""What a profile may not see is not in its view, whatever the rulebook's table says: tested with data that could leak."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja import rulebook as rb
from dokja.canonical import canonical_bytes
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput
from dokja.publishing.principal import AUDITOR, PUBLIC, Capacity, Principal, principal_of
from dokja.publishing.see import is_salted, see, signed_body
from dokja.record.payload import EVERYONE, KINDS
from dokja.rulebook import Disclosed, Profile
from tests.made_stage import TEAMS, full_stage, made_rulebook

BOOK = made_rulebook()
STAGE = full_stage(BOOK, teams=TEAMS, items=3)
OUTCOME = decide(BOOK, STAGE.history).said()
OWN = TEAMS[0]
TOTALS = OUTCOME.points_of("total")
VIEWERS = [PUBLIC, principal_of(Profile.OWN_TEAM, OWN), principal_of(Profile.PANEL)]

tables = st.dictionaries(
    st.sampled_from(Disclosed), st.frozensets(st.sampled_from(Profile)), max_size=len(Disclosed)
)


def book_with(table: dict[Disclosed, frozenset[Profile]]) -> rb.Rulebook:
    rows = tuple(rb.Disclosure(field=field, to=tuple(sorted(to))) for field, to in table.items())
    return rb.changed(BOOK, publication=rb.Publication(fields=rows, narrowest_interval_points=2.0))


def text(view: object) -> str:
    return canonical_bytes(view).decode()


@settings(max_examples=60, deadline=None)
@given(tables, st.sampled_from(VIEWERS))
def test_a_total_is_seen_only_by_those_the_table_names(
    table: dict[Disclosed, frozenset[Profile]], viewer: Principal
) -> None:
    view = see(viewer, book_with(table)).decision(OUTCOME, None).as_json()
    view.pop("tops", None)  # the best score is a published figure of its own, under its own field
    named = {Profile.PUBLIC, viewer.profile} & table.get(Disclosed.TOTALS, frozenset())
    for team, points in TOTALS.items():
        may = bool(named)
        if viewer.profile is Profile.OWN_TEAM and team != OWN:
            may = bool({Profile.PUBLIC, Profile.OTHER_TEAMS} & table.get(Disclosed.TOTALS, frozenset()))
        assert (str(points) in text(view)) <= may, team


def test_a_table_that_is_unknown_discloses_names_alone() -> None:
    view = see(PUBLIC, BOOK).decision(OUTCOME, None).as_json()
    assert text(view).count("points") == 0
    assert "advancing" not in view
    assert [set(row) for row in view["teams"]] == [{"team", "name", "scores"}] * len(TEAMS)  # type: ignore[union-attr]


def test_the_auditor_sees_everything() -> None:
    assert see(AUDITOR, BOOK).decision(OUTCOME, None).as_json() == {
        "outcome": OUTCOME.as_json(),
        "uncertainty": None,
    }


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_the_signed_body_commits_to_what_it_does_not_show(salt: bytes, other: bytes) -> None:
    body = signed_body(BOOK, OUTCOME, None, salt)
    assert all(str(points) not in text(body) for points in TOTALS.values())
    assert (signed_body(BOOK, OUTCOME, None, other) == body) == (salt == other)
    changed = OUTCOME.model_copy(update={"vacancies": 99})
    assert signed_body(BOOK, changed, None, salt)["sealed"] != body["sealed"]


def test_an_event_is_shown_exactly_where_its_kind_and_the_table_say_so() -> None:
    public = see(PUBLIC, book_with({Disclosed.FINDINGS: frozenset({Profile.PUBLIC})}))
    assert public.shows(KINDS["finding_recorded"].disclosed)
    assert not public.shows(KINDS["expert_score"].disclosed)
    assert public.shows(KINDS["stage_opened"].disclosed)


# What a public dossier proves whatever a rulebook discloses: rules, who signed, when it ended; and what was public before.
FRAME = {
    "stage_opened", "amendment", "deadline_extended", "decision_signed", "stage_closed",
    "published_score", "published_rank", "official_outcome",
}  # fmt: skip


def test_under_a_rulebook_that_discloses_nothing_every_kind_but_the_frame_is_sealed_and_salted() -> None:
    nothing = see(PUBLIC, book_with({}))
    assert {name for name, kind in KINDS.items() if nothing.shows(kind.disclosed)} == FRAME
    assert {name for name, kind in KINDS.items() if not is_salted(kind)} == FRAME
    assert {name for name, kind in KINDS.items() if kind.disclosed == EVERYONE} == FRAME


def test_a_kind_that_says_nothing_of_who_sees_it_is_for_the_auditor_alone() -> None:
    everything = book_with({field: frozenset(Profile) for field in Disclosed})
    for capacity in Capacity:
        who = Principal(capacity, "someone", "haneul" if capacity is Capacity.TEAM else "")
        assert see(who, everything).shows(None) == (capacity in (Capacity.AUDITOR, Capacity.OFFICE))


def test_only_a_team_names_a_team() -> None:
    with pytest.raises(InvalidInput):
        principal_of(Profile.PUBLIC, "garam")
    with pytest.raises(InvalidInput):
        principal_of(Profile.OWN_TEAM)


def test_how_far_a_team_is_from_the_cut_off_does_not_tell_it_anothers_total() -> None:
    own = book_with({field: frozenset({Profile.OWN_TEAM}) for field in Disclosed})
    for team in TEAMS:
        view = see(principal_of(Profile.OWN_TEAM, team), own).decision(OUTCOME, None).as_json()
        row = next(row for row in view["teams"] if row["team"] == team)  # type: ignore[union-attr,index,call-overload]
        assert "margin_points" not in row
        for reason in row["missing"]:  # type: ignore[index,union-attr,call-overload]
            assert reason["key"] != "gate.not_among_best" or "figures" not in reason  # type: ignore[index,call-overload,operator]
