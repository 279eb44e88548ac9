"""The life of a stage after its decision, in any order anyone may try: nothing is lost, leaked, or passed twice."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dokja.deciding.decision import decide
from dokja.procedure.objection import period_of
from tests.journeys.decided_desk import STAGE, TEAMS, Office, Said, decided_office
from tests.made_stage import standing_of

START = datetime(2026, 1, 15, 3, tzinfo=UTC)
_MADE: dict[str, Office] = {}


def office_like_new() -> Office:
    """Return a copy of one decided stage; it is made once."""
    if "decided" not in _MADE:
        _MADE["decided"] = decided_office(Path(tempfile.mkdtemp()))
    folder = Path(tempfile.mkdtemp()) / "office"
    shutil.copytree(_MADE["decided"].folder, folder)
    return replace(_MADE["decided"], folder=folder)


class StageLife(RuleBasedStateMachine):
    @initialize(published=st.sampled_from([True, True, True, False]))
    def take_a_decided_stage(self, published: bool) -> None:
        self.office = office_like_new()
        self.days = 0
        self.recorded = [event.as_json() for event in self.office.events()]
        self.passed: set[tuple[str, str]] = set()
        self.text = self.office.file("words.txt", "In our own words.")
        points = decide(self.office.book, self.office.history()).said().points()
        best = {part: max(p for (_, of), p in points.items() if of == part) for _, part in points}
        self.hidden = {str(p) for (_, part), p in points.items() if p != best[part] and len(str(p)) > 6}

        if published:
            assert self.tried("stage", "publish").status == 0

    def teardown(self) -> None:
        if hasattr(self, "office"):
            shutil.rmtree(self.office.folder.parent)

    @property
    def now(self) -> str:
        return (START + timedelta(days=self.days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def tried(self, *command: object) -> Said:
        """Run a command: it ends in a defined way, and an error or a refusal writes nothing."""
        before = len(self.office.events())
        said = self.office.dokja(*command, at=self.now)
        assert said.status in (0, 1, 2), said.err
        assert "Traceback" not in said.err
        wrote = len(self.office.events()) - before
        assert said.status != 2 or wrote == 0
        assert "--dry-run" not in command or wrote == 0
        return said

    @rule(days=st.sampled_from([1, 2, 3, 9]))
    def wait(self, days: int) -> None:
        self.days += days

    @rule(dry=st.booleans(), reason=st.sampled_from([True, True, False]), until=st.sampled_from([0, 0, 2]))
    def publish(self, dry: bool, reason: bool, until: int) -> None:
        end = (START + timedelta(days=self.days + until)).strftime("%Y-%m-%dT%H:%M:%SZ")
        more = ["--dry-run"] if dry else []
        more += ["--reason", "corrected"] if reason else []
        more += ["--until", end, "--to", "press:one"] if until else []
        self.tried("stage", "publish", *more)

    @rule(field=st.sampled_from(["stage_means", "totals", "ranks"]), team=st.sampled_from(["", *TEAMS]))
    def release(self, field: str, team: str) -> None:
        profile = ["--profile", "own_team", "--team", team] if team else []
        said = self.tried("publication", "release", "--field", field, *profile)
        assert team or field == "stage_means" or said.status == 2, (
            "what the table does not grant is not released"
        )

    @rule(
        team=st.sampled_from(TEAMS),
        ground=st.sampled_from(["clerical_error", "misreading_of_the_work", "new_material"]),
    )
    def object(self, team: str, ground: str) -> None:
        period = period_of(self.office.book, self.office.history(), team)
        said = self.tried("stage", "object", team, "--ground", ground, "--text", self.text)
        key = (team, "" if period is None else period.decision)
        if said.status == 0:
            assert key not in self.passed, "a deadline was passed twice"
        elif "ended on" in said.out:
            self.passed.add(key)

    @rule(
        uphold=st.booleans(),
        person=st.sampled_from(["judge", "judge", "judge", "chair"]),
        score=st.integers(1, 5),
    )
    def answer(self, uphold: bool, person: str, score: int) -> None:
        if not any(event.kind == "objection" for event in self.office.events()):
            self.object(TEAMS[0], "clerical_error")
        standing = standing_of(self.office.events())
        objections = [event.id for event in standing if event.kind == "objection"]
        more = ["--dismiss"]
        if uphold:
            old = next(event for event in standing if event.kind == "user_rating")
            fix = {
                "kind": "user_rating",
                "supersedes": old.id,
                "payload": {**old.payload.as_json(), "score": float(score)},
            }
            more = ["--uphold", "--correction", str(self.office.file("fix.json", fix))]
        heard = ["--heard-by", person, "--key", self.office.key(person), "--text", self.text]
        said = self.tried("stage", "answer", objections[-1] if objections else "objection-0", *more, *heard)
        assert said.status == 2 or person == "judge", "whoever signed heard it"

    @rule()
    def decide_again(self) -> None:
        keys = [word for person in ("office", "chair") for word in ("--key", self.office.key(person))]
        self.tried("stage", "decide", "--replicates", 100, *keys)

    @rule()
    def extend(self) -> None:
        until = (START + timedelta(days=self.days + 5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        payload = {"deadline": "objection", "previous": self.now, "until": until}
        self.tried("stage", "record", "deadline_extended", self.office.file("extend.json", payload))

    @rule()
    def take_the_announcement_back(self) -> None:
        out = [e.id for e in standing_of(self.office.events()) if e.kind == "release"]
        name = out[-1] if out else "release-0"
        empty = self.office.file("empty.json", {})
        self.tried("stage", "record", "retraction", empty, "--supersedes", name, "--reason", "typed wrong")

    @rule(by=st.sampled_from(["", "press:one", "press:two"]))
    def look(self, by: str) -> None:
        said = self.tried("publication", "preview", *(["--by", by] if by else []))
        assert [secret for secret in self.hidden if secret in said.out + said.err] == []

    @rule(dry=st.booleans())
    def close(self, dry: bool) -> None:
        self.tried("stage", "close", *(["--dry-run"] if dry else []))

    @rule()
    def withdraw_a_team(self) -> None:
        closed = any(event.kind == "stage_closed" for event in standing_of(self.office.events()))
        before = len(self.office.events())
        said = self.tried("stage", "record", "rater_registered", self.office.file(
            "seat.json", {"rater": f"late:{before}", "panel": "experts"}))  # fmt: skip
        assert said.status == (2 if closed else 0), "a closed stage takes corrections only"

    @invariant()
    def nothing_recorded_is_ever_lost_or_changed(self) -> None:
        if not hasattr(self, "office"):
            return
        now = [event.as_json() for event in self.office.events()]
        assert now[: len(self.recorded)] == self.recorded
        assert json.dumps(now)
        self.recorded = now
        assert decide(self.office.book, self.office.history()).stage == STAGE


STEPS = settings(stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))

TestStageLife = StageLife.TestCase
TestStageLife.settings = settings(STEPS, max_examples=4)


@pytest.mark.all
class TestManyLives(StageLife.TestCase):
    settings = settings(STEPS, max_examples=8)
