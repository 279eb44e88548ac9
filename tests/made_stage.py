"""A stage made up for tests: a rulebook with every kind of part and gate, and seeded, simulated events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from dokja import rulebook as rb
from dokja.canonical import digest_json
from dokja.deciding.measurements import measure
from dokja.deciding.score import StageScores, score_measurements
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.record.amending import read_amendments
from dokja.record.events import AnyEvent, Event, require_next
from dokja.record.history import History
from dokja.record.payload import kind_of
from dokja.workflows.stage import Draft, read_payload

AT = "2026-01-05T00:00:00Z"
U = rb.UNKNOWN


def text(words: str) -> rb.Text:
    return rb.Text(ko=words, en=words)


def made_suite(name: str, benchmarks: int, chosen_by: rb.Chooser = rb.Chooser.ORGANISER) -> rb.SuiteRule:
    own = chosen_by is rb.Chooser.TEAM
    listed = U if own else tuple(rb.Benchmark(id=f"{name}-{n}") for n in range(benchmarks))
    return rb.SuiteRule(
        id=name, title=text(name), chosen_by=chosen_by, count=benchmarks, benchmarks=listed, repeats=1,
        custody=rb.SuiteCustody.PUBLIC,
    )  # fmt: skip


def made_panel(
    name: str, kind: rb.PanelKind, size: int, quorum: int, criteria: int, highest: float
) -> rb.Panel:
    return rb.Panel(
        id=name, kind=kind, title=text(name), size=size, quorum=quorum, ballot=rb.BallotForm.RATING,
        averaging=rb.Averaging.TRIMMED if kind is rb.PanelKind.EXPERTS else rb.Averaging.MEAN,
        trim_each_side=1 if kind is rb.PanelKind.EXPERTS else 0, blind=True, sealed=True,
        recusal=rb.Recusal(grounds=("affiliation",), then=rb.AfterRecusal.AVERAGE_OF_REST),
        criteria=tuple(
            rb.Criterion(id=f"{name}-c{n}", title=text("c"), lowest=1.0, highest=highest, weight=1.0 + n)
            for n in range(criteria)
        ),
    )  # fmt: skip


def leaf(name: str, points: float, normaliser: rb.Normaliser | rb.Unknown, **reads) -> rb.ScorePart:
    return rb.ScorePart(id=name, title=text(name), points=points, normaliser=normaliser, **reads)


def made_parts(common: rb.Normaliser) -> tuple[rb.ScorePart, ...]:
    own = rb.Attainment(comparator="target", aggregation=rb.Aggregation.MEAN_OF_RATIOS)
    inner = (
        leaf("national", 10, rb.Raw(), suites=("nat",)),
        leaf("common", 20, common, suites=("com",)),
        leaf("individual", 10, own, suites=("own",)),
    )
    return (
        rb.ScorePart(id="benchmark", title=text("benchmark"), points=40, parts=inner),
        leaf("expert", 35, rb.Raw(), panel="experts"),
        leaf("user", 25, rb.MaxScaled(), panel="users"),
    )


def made_gates() -> tuple[rb.Gate, ...]:
    return (
        rb.KeepTop(id="keep", title=text("keep"), reads="total", keep=4),
        rb.AtLeast(id="floor", title=text("floor"), reads="total", points=30.0),
        rb.Independence(id="independence", title=text("independence"), items=("weights", "licence")),
        rb.AllOf(id="all", title=text("all"), gates=("keep", "floor", "independence")),
    )


ITEMS = (
    rb.IndependenceCriterion(
        id="weights", aspect=rb.Aspect.TECHNICAL, title=text("weights"), claims=("weights.independent_of",),
        evidence=Evidence.REPLAYED, judged_allowed=True,
    ),
    rb.IndependenceCriterion(
        id="licence", aspect=rb.Aspect.ETHICAL, title=text("licence"), claims=("licence.notices_shown",),
        evidence=Evidence.MEASURED, judged_allowed=False, when_inconclusive=rb.WhenInconclusive.CONDITIONAL,
    ),
)  # fmt: skip


def made_rulebook(common: rb.Normaliser | None = None, **changes) -> rb.Rulebook:
    unknown_window = rb.Window(opens=U, closes=U)
    book = rb.Rulebook(
        schema="dokja/rulebook/1", id="made-stage", version=1, title=text("made"), points=100,
        clock=rb.Clock(
            timezone="Asia/Seoul", frozen=U, submission=unknown_window,
            evaluation=rb.Window(opens=date(2026, 1, 5), closes=U), decision=U, objection=unknown_window, final=U,
        ),
        parts=made_parts(common or rb.MaxScaled()),
        suites=(made_suite("nat", 2), made_suite("com", 3), made_suite("own", 1, rb.Chooser.TEAM)),
        comparators=(
            rb.Comparator(
                id="target", name=U, chosen_by=rb.Chooser.TEAM, released=U, max_age_months=6, target_share=0.95,
                per_team=True,
            ),
        ),
        faults=rb.Faults(retries=2, failing_answer="wrong", empty_answer="wrong", publish="complete_only"),
        panels=(
            made_panel("experts", rb.PanelKind.EXPERTS, 10, 5, 3, 10.0),
            made_panel("users", rb.PanelKind.USERS, 12, 3, 1, 5.0),
        ),
        items=ITEMS, gates=made_gates(),
        advance=rb.Advance(
            gate="all", entering=5, places=4, fewer_allowed=True, extra_eliminations=(), vacancy=rb.Vacancy.REENTRY,
            none_selected_allowed=True, single_applicant=rb.SingleApplicant.SAME_WAY,
            ties=(rb.TieBreak(rule=rb.TieRule.HIGHER, reads="benchmark"), rb.TieBreak(rule=rb.TieRule.LOT)),
        ),
        appeals=rb.Appeals(days=10, day_kind=U, grounds=U, answer_days=U, another_panel=True),
        publication=rb.Publication(fields=U, narrowest_interval_points=U),
        signatures=rb.Signatures(k=2, n=3, roles=U),
        amending=rb.AmendmentRule(needs=rb.Consent.MAJORITY, notice_days=0),
    )  # fmt: skip
    return rb.changed(book, **changes)


def with_advance(book: rb.Rulebook, **changes) -> rb.Rulebook:
    return rb.changed(book, advance=rb.changed(book.advance, **changes))


def weights_of(team: str) -> str:
    return digest_json("weights", team)


def made_finding(team: str, claim: str, verdict: Verdict, evidence: Evidence, weights: str = "") -> Finding:
    looked_at = {"subject": weights or weights_of(team)}
    return Finding(Claim(claim), verdict, Reason("test.made"), evidence, looked_at)


def standing_of(events: Iterable[AnyEvent]) -> tuple[AnyEvent, ...]:
    """Return the events in force, told without any history: what came before and was not named since."""
    before: dict[str, AnyEvent] = {}
    gone: set[str] = set()
    for event in events:
        require_next(event, before, gone)
        before[event.id] = event
        gone |= {event.supersedes} - {None}  # type: ignore[arg-type]
    return tuple(e for e in before.values() if e.id not in gone and e.kind != "retraction")


def draft(kind: str, payload: dict, **more) -> Draft:
    return Draft(read_payload(kind_of(kind), payload), **more)


@dataclass
class Stage:
    """Events of a stage under construction; ids count up, the stage opens under the rulebook given."""

    book: rb.Rulebook = field(repr=False)
    events: list[Event] = field(default_factory=list, repr=False)

    @property
    def history(self) -> History:
        return History.of(self.events)

    def add(self, kind: str, payload: dict, **more) -> Event:
        event = Event(
            f"e{len(self.events):05d}", kind, "made-stage", more.pop("at", AT), "office", payload, **more
        )
        self.events.append(event)
        return event

    def open(self, teams: list[str]) -> Stage:
        self.add("stage_opened", {"rulebook": self.book.digest()})
        for team in teams:
            self.add("team_registered", {"team": team, "name": team.title()})
            self.add("submission", {"team": team, "weights": weights_of(team), "declaration": {}})
        return self

    def run(
        self, subject: str, benchmark: str, scores: list[float | None], passage_size: int = 3, **changes
    ) -> Event:
        rows = [
            [f"i{n:04d}", f"p{n // passage_size}", 0, "failed" if score is None else "scored", score]
            for n, score in enumerate(scores)
        ]
        payload = {
            "subject": subject, "benchmark": benchmark, "items": digest_json("items", benchmark), "engine": "own",
            "weights": weights_of(subject), "completed": len(rows), "total": len(rows), "rows": rows,
        }  # fmt: skip
        return self.add("run_result", payload | changes)

    def panel(self, panel: str, raters: int) -> list[str]:
        names = [f"{panel}:{n:02d}" for n in range(raters)]
        for name in names:
            self.add("rater_registered", {"rater": name, "panel": panel})
        return names

    def mark(self, rater: str, team: str, criterion: str, score: float, weights: str = "", **more) -> Event:
        kind = "user_rating" if criterion.startswith("users") else "expert_score"
        payload = {"rater": rater, "team": team, "criterion": criterion, "score": score}
        return self.add(kind, payload | {"weights": weights or weights_of(team)}, **more)

    def find(self, team: str, claim: str, verdict: Verdict, evidence: Evidence, weights: str = "") -> Event:
        finding = made_finding(team, claim, verdict, evidence, weights)
        return self.add("finding_recorded", {"team": team, "finding": finding.as_json()})

    def independent(self, *teams: str) -> Stage:
        for team in teams:
            self.find(team, "weights.independent_of", Verdict.SUPPORTED, Evidence.REPLAYED)
            self.find(team, "licence.notices_shown", Verdict.SUPPORTED, Evidence.MEASURED)
        return self


def score_stage(book: rb.Rulebook, history: History, *, counterfactual: bool = False) -> StageScores:
    """Return every score the rulebook gives for what happened, as a decision reads it."""
    if not counterfactual:
        read_amendments(book, history)
    return score_measurements(book, measure(book, history), history.weights)


TEAMS = ["baram", "dalbit", "haneul", "mirae", "nuri"]


def full_stage(book: rb.Rulebook, seed: int = 0, teams: list[str] | None = None, items: int = 12) -> Stage:
    """Return a whole stage with simulated answers and marks, everyone independent, two recusals."""
    teams = TEAMS if teams is None else teams
    rng = np.random.default_rng(seed)
    stage = Stage(book).open(teams)
    ability = dict(zip(teams, rng.uniform(0.35, 0.8, len(teams)), strict=True))
    for team in teams:
        stage.add("benchmarks_chosen", {"team": team, "suite": "own", "benchmarks": [f"own-{team}"]})
        target = {"team": team, "comparator": "target", "subject": f"target-{team}", "name": "Target model"}
        stage.add("comparator_chosen", target | {"released": "2025-10-01"})
        for name in ("nat-0", "nat-1", "com-0", "com-1", "com-2", f"own-{team}"):
            stage.run(team, name, [float(x) for x in rng.random(items) < ability[team]])
        stage.run(f"target-{team}", f"own-{team}", [1.0] + [float(x) for x in rng.random(items - 1) < 0.8])
    for panel, raters, highest in (("experts", 10, 10), ("users", 12, 5)):
        names = stage.panel(panel, raters)
        recused = {(names[0], teams[0]), (names[1], teams[-1])} if panel == "experts" else set()
        for rater, team in sorted(recused):
            stage.add("recusal", {"rater": rater, "teams": [team]})
        for rater in names:
            severity = rng.normal(0, 0.6)
            for team in teams:
                for number in range(3 if panel == "experts" else 1):
                    mark = 1 + (highest - 1) * ability[team] + severity + rng.normal(0, 0.8)
                    if (rater, team) not in recused:
                        stage.mark(rater, team, f"{panel}-c{number}", float(np.clip(round(mark), 1, highest)))
    return stage.independent(*teams)
