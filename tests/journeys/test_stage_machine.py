"""One stage's life, from its opening to a re-entry round, in any order anyone may try.

No sequence of allowed steps reaches an undefined state, loses an event, shows what is sealed, or passes a deadline, and a
step that is not allowed is refused by name and leaves the log as it was. Everything is simulated.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from safetensors.numpy import save_file

from dokja import merkle
from dokja.canonical import JSON
from dokja.deciding.decision import decide
from dokja.deciding.independence import Outcome
from dokja.errors import DokjaError, NotAllowed
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.procedure.objection import local_day, period_of
from dokja.publishing.principal import PUBLIC
from dokja.record.declaration import declaration_from_json
from dokja.record.events import Event
from dokja.record.history import History
from dokja.rulebook import TOTAL, Rulebook, parse_rulebook
from dokja.signature import SigningKey
from dokja.store import log
from dokja.store.integrity import recompute
from dokja.workflows.appeal import Complaint, Hearing, answer_objection, object_to_decision
from dokja.workflows.close_stage import close_stage
from dokja.workflows.decide import look, propose, read_proposal, sign, write_dossiers
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import amend_stage, enrol, open_stage
from dokja.workflows.preview import preview
from dokja.workflows.publish import Terms, publish_decision, signed_decision
from dokja.workflows.record import RecordAs, record_event
from dokja.workflows.reenter import apply_for_reentry, open_reentry, record_reentry
from dokja.workflows.stage import Actor, Draft
from dokja.workflows.submit import Submission, submit
from tests.journeys import two_year_rules as rules
from tests.journeys.two_year_rules import Days
from tests.made_stage import draft, standing_of

LIFE, ROUND = "life", "life-again"
DAYS, AGAIN = Days(date(2026, 1, 2)), Days(date(2026, 1, 30))
TEAMS = ("garam", "daon", "nuri")
RATERS = tuple(f"sealed-expert:{number}" for number in range(3))
ROLES = {"office": "organiser", "chair": "chair", "judge": "reviewer"}
MODELS = 5
GROUND = "sealed ground of a conflict"
ITEM = f"""
[[items]]
id = "weights"
aspect = "technical"
title = {rules.words("weights")}
claims = ["weights.independent_of"]
evidence = "recorded"
judged_allowed = true

[[gates]]
kind = "independence"
id = "independence"
title = {rules.words("independence")}
items = ["weights"]
"""


def life_rules(version: int = 1) -> Rulebook:
    text = rules.head(LIFE, DAYS).replace("version = 1", f"version = {version}")
    text = text.replace("notice_days = 14", "notice_days = 2").replace('needs = "all"', 'needs = "majority"')
    text += rules.part("expert", 100, 'panel = "experts"') + rules.panel("experts", "experts", 3)
    text += ITEM + rules.keep("best", 2) + rules.all_of("passing", "best", "independence")
    for number in range(2, version + 1):
        text += f'\n[[amendments]]\nversion = {number}\nreason = {rules.words("a change")}\nreplaces = "unknown"\n'
        text += 'notified = "unknown"\neffective = "unknown"\npositions = "unknown"\n'
    return parse_rulebook((text + rules.advance(3, 2, "passing", "reentry")).encode())


@dataclass
class Told:
    """What the steps taken so far promise.

    Args:
        day: Days since the stage's rules were frozen.
        known: Stage, id and digest of every event acknowledged, in order.
        secrets: Texts that no public view may hold.
        proposals: Digests of decisions proposed.
    """

    day: int = 0
    known: list[tuple[str, str, str]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=lambda: {GROUND, *RATERS})
    proposals: list[str] = field(default_factory=list)


_MADE: dict[int, tuple[Path, Told]] = {}


class StageMachine(RuleBasedStateMachine):
    """Steps are taken through the workflows, on a desk in a folder; the clock only goes forward."""

    @initialize(steps=st.sampled_from([4, 1, 2, 3, 4, 5, 5]))
    def take_up_a_stage(self, steps: int) -> None:
        """Begin with a stage just opened, judged, decided, announced with one place vacant, or followed by a round for it."""
        self.folder, self.looked = Path(tempfile.mkdtemp()) / "office", (0, 0)
        self.keys = {name: SigningKey(bytes([number]) * 32) for number, name in enumerate(ROLES, start=1)}
        if steps in _MADE:
            folder, self.told = _MADE[steps][0], copy.deepcopy(_MADE[steps][1])
            shutil.copytree(folder, self.folder)
            self.desk = Desk(self.folder / "desk")
            return
        self.folder.mkdir()
        self.desk = Desk.create(self.folder / "desk", origin="life.example/log")
        self.told = Told()
        for step in (self._open, self._judge, self._decide, self._announce, self._follow)[:steps]:
            step()
        kept = Path(tempfile.mkdtemp()) / "office"
        shutil.copytree(self.folder, kept)
        _MADE[steps] = kept, copy.deepcopy(self.told)

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.store.close()
            shutil.rmtree(self.folder.parent)

    def _open(self) -> None:
        for name, role in ROLES.items():
            by = None if name == "office" else self.keys["office"]
            enrol(self.desk, name, role, self.keys[name], by, DAYS.at(0))
        for number in range(MODELS):
            weights = np.full((2, 2), number, np.float32)
            save_file({"model.embed_tokens.weight": weights}, str(self.folder / f"{number}.safetensors"))
        self.told.day = 3
        assert self.attempt(lambda: [open_stage(self.desk, life_rules(), self.actor(), LIFE)])

    def _judge(self) -> None:
        for number, team in enumerate(TEAMS):
            self.submit(team, number, again=False)
        for rater in RATERS:
            self.register(rater, again=False)
        self.told.day = 8
        self.mark(1)
        self.find(Verdict.REFUTED)

    def _decide(self) -> None:
        self.told.day = 12
        self.propose(again=False)
        self.sign(again=False, people=("office", "chair"))

    def _announce(self) -> None:
        self.publish(again=False, until=0, reason="")
        assert any(event.kind == "release" for event in self.events())

    def _follow(self) -> None:
        self.told.day = 28
        self.re_enter()
        assert ROUND in self.desk.store.stages()

    # -- how a step is taken --------------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        return DAYS.at(self.told.day)

    def actor(self, name: str = "office") -> Actor:
        return Actor(name, self.now, self.keys.get(name))

    def events(self, stage: str = LIFE) -> tuple[Event, ...]:
        return self.desk.store.events(stage)

    def acknowledge(self, events: Sequence[Event]) -> None:
        self.told.known += [(event.stage, event.id, event.digest()) for event in events]

    def attempt(self, step: Callable[[], Sequence[Event]]) -> bool:
        """Take a step: what it returns is acknowledged; what is refused is refused by name and leaves no trace."""
        before = self.desk.store.size()
        try:
            recorded = step()
        except DokjaError:
            assert self.desk.store.size() == before, "a refused step wrote something"
            return False
        self.acknowledge(recorded)
        assert self.desk.store.size() == before + len(recorded)
        return True

    def note(
        self, kind: str, payload: dict[str, JSON], stage: str = LIFE, supersedes: str = "", reason: str = ""
    ) -> bool:
        file = self.folder / "payload.json"
        file.write_text(json.dumps(payload), "utf-8")
        return self.attempt(
            lambda: [
                record_event(self.desk.stage(stage), RecordAs(kind, file, supersedes, reason), self.actor())
            ]
        )

    def stage_of(self, again: bool) -> str:
        return ROUND if again and ROUND in self.desk.store.stages() else LIFE

    # -- before the decision --------------------------------------------------------------------------------------

    @rule(days=st.integers(1, 6))
    def wait(self, days: int) -> None:
        self.told.day += days

    def _may_submit(self, stage: str) -> bool:
        """Whether today is no later than the last day the rules and every extension in force name."""
        rulebook, events = self.desk.stage(stage).rulebook, standing_of(self.events(stage))
        extended = [
            event.payload.until
            for event in events
            if event.kind == "deadline_extended" and event.payload.deadline == "submission"
        ]
        today = local_day(rulebook, self.now)
        days = [
            rulebook.clock.submission.closes,
            *(date.fromisoformat(until[:10]) for until in extended),
        ]
        return any(isinstance(day, date) and today <= day for day in days)

    @rule(team=st.sampled_from(TEAMS), model=st.integers(0, MODELS - 1), again=st.booleans())
    def submit(self, team: str, model: int, again: bool) -> None:
        stage = self.stage_of(again)
        in_time, taken = self._may_submit(stage), len(self.events(stage))
        declared = declaration_from_json(
            {"components": [{"name": "language_model", "origin": "own"}]}, "here"
        )
        handed_in = Submission(team, team.title(), str(self.folder / f"{model}.safetensors"), declared)

        def step() -> Sequence[Event]:
            submit(self.desk.stage(stage), handed_in, self.actor())
            return self.events(stage)[taken:]

        assert not self.attempt(step) or in_time, "submitted late"

    @rule(deadline=st.sampled_from(["submission", "objection"]), days=st.integers(1, 5), again=st.booleans())
    def extend(self, deadline: str, days: int, again: bool) -> None:
        payload: dict[str, JSON] = {
            "deadline": deadline,
            "previous": self.now,
            "until": DAYS.at(self.told.day + days),
        }
        self.note("deadline_extended", payload, self.stage_of(again))

    @rule(
        version=st.integers(1, 3),
        days=st.integers(0, 4),
        consents=st.sets(st.sampled_from(TEAMS)),
    )
    def amend(self, version: int, days: int, consents: set[str]) -> None:
        said = {team: "consents" if team in consents else "objects" for team in TEAMS}
        at = DAYS.at(self.told.day + days)
        book = life_rules(version)
        self.attempt(
            lambda: [amend_stage(self.desk.stage(LIFE), book, self.actor(), effective_at=at, positions=said)]
        )

    @rule(team=st.sampled_from(TEAMS))
    def withdraw(self, team: str) -> None:
        self.note("withdrawal", {"team": team})

    @rule(rater=st.sampled_from(RATERS), again=st.booleans())
    def register(self, rater: str, again: bool) -> None:
        stage = self.stage_of(again)
        panel = "reviewers" if stage == ROUND else "experts"
        self.note("rater_registered", {"rater": rater, "panel": panel}, stage)

    @rule(thousandth=st.integers(1, 9))
    def mark(self, thousandth: int) -> None:
        """Every seated expert marks every team that submitted, in figures that could come from nowhere else."""
        history = History.of(self.events())
        marks = []
        for at, rater in enumerate(history.panel_of):
            for number, (team, weights) in enumerate(history.weights.items()):
                score = 40 + 15 * number + 3 * at + 0.613 + thousandth / 10_000
                payload: dict[str, JSON] = {
                    "rater": rater, "team": team, "criterion": "experts-overall", "score": score,
                    "weights": weights,
                }  # fmt: skip
                self.told.secrets.add(str(score))
                old = history.marks.get((rater, team, "experts-overall"))
                corrects = None if old is None else old.id
                marks.append(
                    draft("expert_score", payload, supersedes=corrects, reason="again" if old else "")
                )
        self.attempt(lambda: self.desk.stage(LIFE).record(self.actor(), marks))

    @rule(rater=st.sampled_from(RATERS), team=st.sampled_from(TEAMS), declare=st.booleans())
    def step_back(self, rater: str, team: str, declare: bool) -> None:
        if declare:
            self.note("conflict_declared", {"rater": rater, "team": team, "ground": GROUND})
        else:
            self.note("recusal", {"rater": rater, "teams": [team]})

    @rule(verdict=st.sampled_from([Verdict.SUPPORTED, Verdict.SUPPORTED, Verdict.REFUTED]))
    def find(self, verdict: Verdict) -> None:
        history = History.of(self.events())
        for number, (team, weights) in enumerate(history.weights.items()):
            found = verdict if number == len(history.weights) - 1 else Verdict.SUPPORTED
            claim, reason = Claim("weights.independent_of"), Reason("test.made")
            finding = Finding(claim, found, reason, Evidence.REPLAYED, {"subject": weights})
            self.note("finding_recorded", {"team": team, "finding": finding.as_json()})

    @rule()
    def reply(self) -> None:
        findings = [event for event in standing_of(self.events()) if event.kind == "finding_recorded"]
        to, team = (findings[-1].id, findings[-1].payload.team) if findings else ("finding-0", "nuri")
        self.note("team_reply", {"team": team, "to": to, "text": "We did. (simulated)"})

    @rule(again=st.booleans(), choice=st.sampled_from(["approve", "reject", "abstain"]))
    def vote(self, again: bool, choice: str) -> None:
        stage = self.stage_of(again)
        for rater in RATERS:
            self.note("panel_vote", {"rater": rater, "team": "saebom", "choice": choice}, stage)

    # -- the decision and after -----------------------------------------------------------------------------------

    @rule(again=st.booleans())
    def propose(self, again: bool) -> None:
        before = self.desk.store.size()
        try:
            stage = self.desk.stage(self.stage_of(again))
            made = propose(stage, look(stage, seed=None))
            self.told.proposals.append(made.digest)
        except DokjaError:
            pass
        assert self.desk.store.size() == before, "a proposal is no event"

    @rule(again=st.booleans(), people=st.sampled_from([("office", "chair"), ("office",), ("judge",)]))
    def sign(self, again: bool, people: tuple[str, ...]) -> None:
        stage, digest = (
            self.stage_of(again),
            self.told.proposals[-1] if self.told.proposals else "sha256:" + "0" * 64,
        )
        for person in people:
            signed = self.attempt(
                lambda person=person: [
                    sign(
                        self.desk.stage(stage),
                        read_proposal(self.desk.stage(stage), digest),
                        self.keys[person],
                        self.now,
                    )
                ]
            )
            assert not signed or person != "judge", "whom the rulebook does not name signed"

    @rule(again=st.booleans(), until=st.sampled_from([0, 0, 2]), reason=st.sampled_from(["", "corrected"]))
    def publish(self, again: bool, until: int, reason: str) -> None:
        stage = self.stage_of(again)
        terms = (
            Terms(DAYS.at(self.told.day + until), ("press:one",), reason=reason)
            if until
            else Terms(reason=reason)
        )

        def step() -> Sequence[Event]:
            event = publish_decision(self.desk.stage(stage), self.actor(), terms).event
            return [] if event is None else [event]

        self.attempt(step)

    @rule(team=st.sampled_from(TEAMS), ground=st.sampled_from(["clerical_error", "misreading_of_the_work"]))
    def object(self, team: str, ground: str) -> None:
        rulebook = self.desk.stage(LIFE).rulebook

        def step() -> Sequence[Event]:
            event = object_to_decision(
                self.desk.stage(LIFE), Complaint(team, ground, "Again. (simulated)"), self.actor()
            ).event
            return [] if event is None else [event]

        period = period_of(rulebook, History.of(self.events()), team)
        before = len(self.events())
        self.attempt(step)
        if len(self.events()) > before:
            assert period is not None, "objected to what was not announced"
            assert period.announced <= local_day(rulebook, self.now) <= period.last, "objected late"

    @rule(uphold=st.booleans(), person=st.sampled_from(["judge", "chair"]), score=st.integers(50, 90))
    def answer(self, uphold: bool, person: str, score: int) -> None:
        standing = standing_of(self.events())
        objections = [event.id for event in standing if event.kind == "objection"]
        marks = [event for event in standing if event.kind == "expert_score"]
        corrections: tuple[Draft, ...] = ()
        if uphold and marks:
            payload = {**marks[-1].payload.as_json(), "score": score + 0.7181}
            self.told.secrets.add(str(payload["score"]))
            corrections = (draft("expert_score", payload, supersedes=marks[-1].id, reason="upheld"),)
        hearing = Hearing(
            objections[-1] if objections else "objection-0", uphold, (person,), "Why.", corrections
        )
        signed = {e.payload.signer for e in standing if e.kind == "decision_signed"}
        if self.attempt(lambda: answer_objection(self.desk.stage(LIFE), hearing, self.actor(person)).events):
            assert person not in signed, "whoever signed heard it"

    @rule(again=st.booleans())
    def close(self, again: bool) -> None:
        stage = self.stage_of(again)
        events, rulebook = self.events(stage), self.desk.stage(stage).rulebook
        periods = [period_of(rulebook, History.of(events), team) for team in History.of(events).teams]
        if self.attempt(lambda: [close_stage(self.desk.stage(stage), self.actor())]):
            today = local_day(rulebook, self.now)
            assert all(period is None or today > period.last for period in periods), (
                "closed while days remain"
            )

    @rule()
    def re_enter(self) -> None:
        book = parse_rulebook(rules.reentry(AGAIN, ROUND).encode())
        applicants = {"saebom": "Saebom (simulated)"}
        self.attempt(lambda: open_reentry(self.desk.stage(LIFE), book, self.actor(), applicants))

    @rule(team=st.sampled_from(["nuri", "bada"]))
    def apply(self, team: str) -> None:
        stage = self.stage_of(True)
        in_time = self._may_submit(stage)
        applied = self.attempt(
            lambda: apply_for_reentry(self.desk.stage(stage), {team: team.title()}, self.actor())
        )
        assert not applied or in_time, "applied late"

    @rule()
    def settle_the_round(self) -> None:
        self.attempt(lambda: [record_reentry(self.desk.stage(self.stage_of(True)), self.actor())])

    # -- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def what_always_holds(self) -> None:
        """Look again only when something was recorded or the clock went on: a refused step leaves no trace."""
        if not hasattr(self, "desk") or (now := (self.desk.store.size(), self.told.day)) == self.looked:
            return
        self.looked = now
        for stage in self.desk.store.stages():
            rulebook, events = self.desk.stage(stage).rulebook, self.events(stage)
            history, decision = History.of(events), decide(rulebook, History.of(events))
            assert [team.team for team in decision.teams] == list(history.teams)
            for team in decision.teams:
                assert team.outcome in set(Outcome)
                assert team.advances != bool(team.exits), "a team goes on, or leaves in a way that has a name"
                assert not team.advances or team.outcome in (Outcome.PASS, Outcome.CONDITIONAL)
            outcome = decision.as_json()
            assert json.loads(json.dumps(outcome, allow_nan=False)) == outcome
            totals = {str(p) for (_, part), p in decision.said().points().items() if part == TOTAL}
            shown = self._all_the_public_sees(stage)
            sealed = self.told.secrets | {total for total in totals if len(total) > 6}
            assert [secret for secret in sealed if secret in shown] == []
        self._nothing_acknowledged_is_lost_and_the_log_proves_it()

    def _nothing_acknowledged_is_lost_and_the_log_proves_it(self) -> None:
        placed = sorted(
            (place, stage, event.id, event.digest())
            for stage in self.desk.store.stages()
            for place, event in self.desk.store.placed_events(stage)
        )
        assert [tuple(one) for _, *one in placed] == self.told.known
        place, *_, digest = random.Random(len(placed)).choice(placed)
        with self.desk.store.database.reading() as connection:
            size, root = log.log_size(connection), log.log_root(connection)
            proof = log.prove_inclusion(connection, place, size)
            assert merkle.verify_inclusion(log.leaf_of(digest), place, size, proof, root)
            assert recompute(connection).root == root.hex()

    def _all_the_public_sees(self, stage: str) -> str:
        try:
            shown = json.dumps(preview(self.desk.stage(stage), PUBLIC, self.now).seen)
        except NotAllowed:
            shown = ""  # an embargo runs: the public sees nothing at all
        try:
            signed = signed_decision(self.desk.stage(stage))
        except NotAllowed:
            return shown
        public, _ = write_dossiers(self.desk.stage(stage), signed, self.folder / "out")
        return shown + public.read_text("utf-8")


STEPS = settings(stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck))

TestStageMachine = StageMachine.TestCase
TestStageMachine.settings = settings(STEPS, max_examples=8)


@pytest.mark.all
class TestManyMachines(StageMachine.TestCase):
    settings = settings(STEPS, max_examples=16)
