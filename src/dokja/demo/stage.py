"""Second part of the demo: a whole stage, from frozen rules to signed and verified dossiers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dokja.benchmark.suite import Suite
from dokja.canonical import JSON, digest_file
from dokja.demo.cast import CastTeam
from dokja.demo.office import ClosedStage, Office, moment
from dokja.demo.panels import Mistyped, mistype, simulate_panel, simulate_votes, write_ballots
from dokja.demo.workshop import Workshop
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.record.events import SIMULATOR
from dokja.record.kinds.entry import BenchmarksChosen
from dokja.record.kinds.findings import FindingJudged, FindingRecorded, TeamReply
from dokja.report.words import Language
from dokja.rulebook import IndependenceCriterion, PanelMajority, Rulebook, Unknown
from dokja.workflows.ballots import record_ballots
from dokja.workflows.compare import Comparison, render_result
from dokja.workflows.evaluate import evaluate_benchmarks, read_suites
from dokja.workflows.examine import record_examination
from dokja.workflows.open_stage import open_stage
from dokja.workflows.stage import Actor, Draft, Stage
from dokja.workflows.submit import Submission, read_declaration, submit

# Which member of the experts' panel speaks to which aspect of independence.
ASPECTS = ("technical", "policy", "ethical")


@dataclass(frozen=True, slots=True)
class Staged:
    """A stage on its way.

    Args:
        workshop: Models and examinations.
        office: Desk and keys.
        rulebook: The rules it runs under.
        teams: Who takes part.
        folder: Where its files go.
        language: Of pages.
    """

    workshop: Workshop
    office: Office
    rulebook: Rulebook
    teams: tuple[CastTeam, ...]
    folder: Path
    language: Language

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.rulebook.id

    @property
    def held(self) -> Stage:
        """The stage in hand."""
        return self.office.desk.stage(self.name)

    def open(self) -> None:
        """Open the stage under its frozen rules."""
        at = moment(self.rulebook.clock.frozen)
        open_stage(self.office.desk, self.rulebook, self.office.actor(at))
        self.workshop.tell("demo.opened", {"stage": self.name, "digest": self.rulebook.digest()})

    def receive(self) -> None:
        """Take in every team's weights and declaration, and the benchmark it names."""
        actor = self.office.actor(moment(self.rulebook.clock.submission.opens))
        for team in self.teams:
            path = self.folder / "declarations" / f"{team.id}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(dict(team.declaration), ensure_ascii=False, indent=1)
            path.write_text(text + "\n", encoding="utf-8")
            model = str(self.workshop.folder(team.model))
            handed_in = Submission(team.id, team.name, model, read_declaration(path))
            event = submit(self.held, handed_in, actor)
            figures: dict[str, JSON] = {"team": team.name, "model": team.model}
            self.workshop.tell("demo.submitted", figures | {"weights": event.payload.weights[:19]})
        own = [suite.id for suite in self.rulebook.suites if isinstance(suite.benchmarks, Unknown)]
        choices = [
            Draft(BenchmarksChosen(team=team.id, suite=suite, benchmarks=(team.chooses,)))
            for team in self.teams
            for suite in own
        ]
        if choices:
            self.held.record(actor, choices)

    def examine(self) -> None:
        """Compare every submission with the library and record what is found."""
        actor = self.office.actor(moment(self.rulebook.clock.evaluation.opens))
        references = self.workshop.library
        for team in self.teams:
            examination = self.workshop.examination(team.model)
            weights = self.workshop.weights(team.model)
            events = record_examination(self.held, team.id, weights, examination, references, actor)
            sketch = self.workshop.sketch(team.model)
            comparison = Comparison(team.model, tuple(one.name for one in references), language=self.language)
            result = render_result(comparison, sketch, references, examination, sketch.bytes_read, 0.0)
            path = self._evidence(team)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(result, ensure_ascii=False, allow_nan=False), encoding="utf-8")
            for event in events:
                self._tell_finding(team, event.payload.finding)

    def _evidence(self, team: CastTeam) -> Path:
        return self.folder / "evidence" / f"{team.id}.json"

    def _tell_finding(self, team: CastTeam, finding: Finding) -> None:
        own = finding.claim.name == "weights.parent_is_own"
        figures: dict[str, JSON] = {
            "team": team.name,
            "component": finding.claim.about,
            "verdict": finding.verdict.value,
            "owner": str(finding.reason.figures.get("reference_owner") or "–"),
        }
        self.workshop.tell("demo.finding.own" if own else "demo.finding.independent", figures)

    def evaluate(self, suites: Sequence[Suite]) -> None:
        """Run the frozen suites on every submission."""
        actor = self.office.actor(moment(self.rulebook.clock.evaluation.opens, hour=3))
        for team in self.teams:
            model = str(self.workshop.folder(team.model))
            told = self.workshop.progress
            evaluate_benchmarks(self.held, team.id, model, suites, actor, told)
            asked = sum(len(suite.items) * suite.repeats for suite in suites)
            self.workshop.tell("demo.answered", {"team": team.name, "done": asked, "total": asked})

    def ballot(self) -> Mistyped | None:
        """Simulate every panel, write its ballots as CSV, and record the files; return the ballot mistyped on purpose."""
        actor = self.office.actor(moment(self.rulebook.clock.evaluation.closes))
        mistyped = None
        votes = {gate.panel for gate in self.rulebook.gates if isinstance(gate, PanelMajority)}
        for number, panel in enumerate(self.rulebook.panels):
            seed = (self.workshop.cast.seed, number, len(self.teams))
            simulate = simulate_votes if panel.id in votes else simulate_panel
            ballots = simulate(panel, self.teams, seed)
            team, criterion = self.workshop.cast.mistyped
            if any(
                b.values.get("criterion") == criterion and b.values["team"] == team for b in ballots.ballots
            ):
                write_ballots(ballots, self.folder / "ballots" / f"{panel.id}-sheets.simulated.csv")
                ballots, mistyped = mistype(ballots, team, criterion)
            path = write_ballots(ballots, self.folder / "ballots" / f"{panel.id}.simulated.csv")
            events = record_ballots(self.held, path, actor, panel.id)
            self.workshop.tell("demo.ballots", {"count": len(events), "panel": panel.id, "file": str(path)})
        return mistyped

    def judge(self) -> None:
        """Let simulated experts sign that every item holds for every team, citing the files they were given.

        They agree to everything on purpose: what was measured against a team must hold against their word.
        """
        at = moment(self.rulebook.clock.evaluation.closes, hour=5)
        weights = self.held.history.weights
        panel = self.rulebook.panels[0].id
        for number, aspect in enumerate(ASPECTS):
            rater = f"{panel}:{number:03d}"
            drafts = [
                self._judged(team, weights[team.id], item, claim, about, rater)
                for item in self.rulebook.items
                if item.aspect == aspect
                and item.judged_allowed is True
                and not isinstance(item.claims, Unknown)
                for team in self.teams
                for claim in item.claims
                for about in _targets(item, team)
            ]
            if drafts:
                self.held.record(Actor(SIMULATOR, at, self.office.keys[rater]), drafts)
                figures: dict[str, JSON] = {"count": len(drafts), "aspect": aspect, "rater": rater}
                self.workshop.tell("demo.judged_all", figures)

    def _judged(
        self, team: CastTeam, weights: str, item: IndependenceCriterion, claim: str, about: str, rater: str
    ) -> Draft:
        files = (self._evidence(team), self.folder / "declarations" / f"{team.id}.json")
        cites = tuple(digest_file(path) for path in files)
        reason = Reason("demo.judged", {"rater": rater, "item": item.id, "documents": len(cites)})
        finding = Finding(
            Claim(claim, about), Verdict.SUPPORTED, reason, Evidence.JUDGED, {"subject": weights}
        )
        return Draft(FindingJudged(team=team.id, rater=rater, finding=finding, cites=cites))

    def reply(self) -> None:
        """Let every team reply to the first finding against it, where it has something to say."""
        actor = self.office.actor(moment(self.rulebook.clock.evaluation.closes, hour=7))
        replies = {team.id: team for team in self.teams if team.reply}
        for event in self.held.history.these(FindingRecorded):
            team = event.payload.team
            if event.payload.finding.verdict is Verdict.REFUTED and team in replies:
                said = replies.pop(team)
                self.held.record(actor, [Draft(TeamReply(team=team, to=event.id, text=said.reply))])
                self.workshop.tell("demo.replied", {"team": said.name, "text": said.reply})

    def decide(self) -> ClosedStage:
        """Close the stage."""
        at = moment(self.rulebook.clock.decision, hour=5)
        return self.office.close(self.name, self.folder, at, self.language)


def run_stage(staged: Staged) -> tuple[ClosedStage, Mistyped | None]:
    """Run a stage from its opening to its verified dossiers; return how it ended and the ballot mistyped on purpose."""
    step = staged.workshop.step
    with step("submissions"):
        staged.open()
        staged.receive()
    with step("examinations"):
        staged.examine()
    if staged.rulebook.suites:
        with step("benchmarks"):
            paths = sorted((staged.workshop.examples / "suites").glob("*.jsonl"))
            staged.evaluate(read_suites(paths))
    with step("panels"):
        mistyped = staged.ballot()
        staged.judge()
        staged.reply()
    with step("decision"):
        return staged.decide(), mistyped


def _targets(item: IndependenceCriterion, team: CastTeam) -> tuple[str, ...]:
    """Return the components an item is about, or nothing in particular."""
    if not item.per_component:
        return ("",)
    components = team.declaration["components"]
    assert isinstance(components, list)
    return tuple(str(one["name"]) for one in components if isinstance(one, dict))
