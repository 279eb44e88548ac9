"""Several officers record at once, from processes of their own and with stale views, on SQLite and on PostgreSQL.

Whatever they do, the stage stays readable and decidable, what was acknowledged is there once, no id stands twice, and the
dossier of what was signed verifies. Everything is simulated.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from safetensors.numpy import save_file

from dokja.deciding.decision import decide
from dokja.deciding.independence import Outcome
from dokja.errors import DokjaError, EventInvalid, NotAllowed
from dokja.signature import SigningKey
from dokja.store.integrity import recompute
from dokja.workflows.decide import write_dossiers
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import enrol, open_stage
from dokja.workflows.publish import signed_decision
from dokja.workflows.stage import Actor, Draft, Stage
from dokja.workflows.verify import verify_dossier
from tests.journeys.test_stage_machine import DAYS, LIFE, MODELS, RATERS, ROLES, TEAMS, life_rules
from tests.journeys.writers import Answer, Told, Writer
from tests.made_stage import draft

teams = st.sampled_from(TEAMS)
numbers = st.integers(0, 40)
steps = st.one_of(
    st.tuples(st.just("submit"), st.tuples(teams, st.integers(0, MODELS - 1))),
    st.tuples(st.just("mark"), st.tuples(st.integers(0, 2), teams, st.integers(1, 100).map(float))),
    st.tuples(st.just("mark"), st.tuples(st.integers(0, 2), teams, st.integers(1, 100).map(float))),
    st.tuples(st.just("take_back"), st.tuples(numbers)),
    st.tuples(st.just("find"), st.tuples(st.booleans())),
    st.tuples(st.just("note"), st.tuples(st.just("withdrawal"), st.fixed_dictionaries({"team": teams}))),
    st.tuples(
        st.just("note"),
        st.tuples(
            st.just("rater_registered"),
            st.fixed_dictionaries({"rater": st.sampled_from(RATERS), "panel": st.just("experts")}),
        ),
    ),
    st.tuples(
        st.just("note"),
        st.tuples(
            st.just("recusal"),
            st.fixed_dictionaries(
                {"rater": st.sampled_from(RATERS), "teams": st.lists(teams, min_size=1, max_size=1)}
            ),
        ),
    ),
    st.tuples(st.just("decide"), st.tuples(st.sampled_from([1, 2]))),
    st.tuples(st.just("decide"), st.tuples(st.sampled_from([1, 2]))),
    st.tuples(st.just("publish"), st.tuples(st.sampled_from(["", "corrected"]))),
    st.tuples(st.just("object"), st.tuples(teams)),
    st.tuples(st.just("answer"), st.tuples()),
    st.tuples(st.just("close"), st.tuples()),
    st.tuples(st.just("look_again"), st.tuples()),
)


def opened_desk(folder: Path, address: str = "") -> Desk:
    """Return a desk with the office's keys and a stage that was opened and nothing else."""
    folder.mkdir(exist_ok=True)
    for number in range(MODELS):
        weights = np.full((2, 2), number, np.float32)
        save_file({"model.embed_tokens.weight": weights}, str(folder / f"{number}.safetensors"))
    desk = Desk.create(folder / "desk", origin="writers.example/log", store=address)
    keys = {name: SigningKey(bytes([number]) * 32) for number, name in enumerate(ROLES, start=1)}
    for name, role in ROLES.items():
        enrol(desk, name, role, keys[name], None if name == "office" else keys["office"], DAYS.at(0))
    open_stage(desk, life_rules(), Actor("office", DAYS.at(3)), LIFE)
    return desk


class ManyWriters(RuleBasedStateMachine):
    """Two writers, told one after the other or both at once; the clock only goes forward."""

    address: Callable[[], str]

    @initialize()
    def open_the_stage(self) -> None:
        self.folder = Path(tempfile.mkdtemp()) / "office"
        self.desk = opened_desk(self.folder, self.address())
        self.day, self.known = 3, {event.id: event.digest() for event in self.desk.store.events(LIFE)}
        self.writers = [Writer(self.folder, LIFE) for _ in range(2)]
        for rater in RATERS:
            self.one_does(0, ("note", ("rater_registered", {"rater": rater, "panel": "experts"})))
        self.both_do(("submit", ("garam", 0)), ("submit", ("daon", 1)))
        self.looked = 0

    def teardown(self) -> None:
        if hasattr(self, "writers"):
            for writer in self.writers:
                writer.end()
            self.desk.store.close()
            shutil.rmtree(self.folder.parent)

    def take(self, answer: Answer) -> None:
        assert not answer.crash, answer.crash
        for id_, digest in answer.events:
            assert id_ not in self.known, "an id was given twice"
            self.known[id_] = digest

    @rule(days=st.sampled_from([1, 2, 5, 8, 12]))
    def wait(self, days: int) -> None:
        self.day += days

    @rule(writer=st.integers(0, 1), step=steps)
    def one_does(self, writer: int, step: tuple[str, tuple]) -> None:
        self.writers[writer].tell(Told(step[0], DAYS.at(self.day), step[1]))
        self.take(self.writers[writer].answer())

    @rule(first=steps, second=steps)
    def both_do(self, first: tuple[str, tuple], second: tuple[str, tuple]) -> None:
        for writer, step in zip(self.writers, (first, second), strict=True):
            writer.tell(Told(step[0], DAYS.at(self.day), step[1]))
        for writer in self.writers:
            self.take(writer.answer())

    @rule(step=steps)
    def both_do_the_same(self, step: tuple[str, tuple]) -> None:
        self.both_do(step, step)

    @invariant()
    def the_stage_is_whole(self) -> None:
        if not hasattr(self, "writers") or (size := self.desk.store.size()) == self.looked:
            return
        self.looked = size
        stage = self.desk.stage(LIFE)
        assert {event.id: event.digest() for event in stage.events} == self.known
        assert len(stage.events) == len(self.known)
        decision = decide(stage.rulebook, stage.history)
        assert {team.team for team in decision.teams} == set(stage.history.teams)
        assert all(team.outcome in set(Outcome) for team in decision.teams)
        with self.desk.store.database.reading() as connection:
            recompute(connection)
        try:
            signed = signed_decision(stage)
        except NotAllowed:
            return
        for path in write_dossiers(stage, signed, self.folder / "out"):
            report = verify_dossier(path.read_bytes())
            assert report.intact, report


def test_random_acts_of_two_writers_leave_a_whole_stage(
    request: pytest.FixtureRequest, database: str
) -> None:
    server = request.getfixturevalue("postgres") if database == "postgresql" else None

    class Writers(ManyWriters):
        @staticmethod
        def address() -> str:
            return server.fresh_database() if server else ""

    run_state_machine_as_test(
        Writers,
        settings=settings(
            max_examples=4,
            stateful_step_count=14,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- what a writer does who does not know yet what another recorded -----------------------------------------------


@pytest.fixture
def hands(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> Iterator[tuple[Desk, Stage, Stage]]:
    """One desk, and the same stage held twice."""
    address = request.getfixturevalue("postgres").fresh_database() if database == "postgresql" else ""
    desk = opened_desk(tmp_path / "office", address)
    yield desk, desk.stage(LIFE), desk.stage(LIFE)
    desk.store.close()


OFFICE = Actor("office", DAYS.at(3))


def registered(team: str) -> Draft:
    return draft("team_registered", {"team": team, "name": team.title()})


def test_what_another_recorded_meanwhile_is_seen_by_the_rules(hands: tuple[Desk, Stage, Stage]) -> None:
    desk, one, other = hands
    one.record(OFFICE, [registered("garam")])
    assert "garam" not in other.history.teams
    with pytest.raises(EventInvalid, match="garam"):
        other.record(OFFICE, [registered("daon"), registered("garam")])
    assert list(desk.stage(LIFE).history.teams) == ["garam"], "all of it or nothing"
    assert list(other.history.teams) == ["garam"], "the hand that was refused knows now"
    other.record(OFFICE, [registered("daon")])
    assert list(desk.stage(LIFE).history.teams) == ["garam", "daon"]


def test_one_event_is_corrected_by_one_writer_alone(hands: tuple[Desk, Stage, Stage]) -> None:
    desk, one, other = hands
    (wrong,) = one.record(OFFICE, [registered("garam")])
    other = desk.stage(LIFE)
    undo = draft("retraction", {}, supersedes=wrong.id, reason="a mistake")
    one.record(OFFICE, [undo])
    with pytest.raises(DokjaError, match=wrong.id):
        other.record(OFFICE, [undo])
    assert list(desk.stage(LIFE).history.teams) == []


def test_drafts_are_made_of_the_stage_as_it_is_when_they_are_written(
    hands: tuple[Desk, Stage, Stage],
) -> None:
    desk, one, other = hands

    def next_team(stage: Stage) -> list[Draft]:
        return [registered(f"team-{len(stage.history.teams)}")]

    for hand in (one, other, one, one, other):
        hand.record(OFFICE, next_team)
    assert list(desk.stage(LIFE).history.teams) == [f"team-{number}" for number in range(5)]


def test_trying_records_nothing_and_leaves_the_hand_as_it_was(hands: tuple[Desk, Stage, Stage]) -> None:
    desk, one, _ = hands
    size = desk.store.size()
    assert [event.kind for event in one.record(OFFICE, [registered("garam")], dry_run=True)] == [
        "team_registered"
    ]
    assert (desk.store.size(), list(one.history.teams)) == (size, [])
    one.record(OFFICE, [registered("garam")])


def test_nobody_takes_back_the_opening_of_a_stage_nor_opens_it_under_other_rules(
    hands: tuple[Desk, Stage, Stage],
) -> None:
    desk, one, _ = hands
    opening = one.events[0]
    for kind, payload in (("retraction", {}), ("stage_opened", {"rulebook": "sha256:" + "0" * 64})):
        with pytest.raises(EventInvalid, match="stands for good"):
            one.record(OFFICE, [draft(kind, payload, supersedes=opening.id, reason="other rules")])
    assert desk.stage(LIFE).rulebook == life_rules()
