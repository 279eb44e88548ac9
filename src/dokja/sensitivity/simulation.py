"""A whole stage made up from its rulebook: simulated teams, answers, marks, votes and findings, and nothing real.

Every event is recorded by `simulator`, every team is named as simulated in both languages, and every digest is made
under the domain `simulated`, so that nothing of a rehearsal can be passed off as evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from dokja.canonical import JSON, digest_json
from dokja.errors import InvalidInput
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.grammar.model import read_model
from dokja.record.events import SIMULATOR, AnyEvent, Event
from dokja.record.payload import kind_of
from dokja.rulebook import (
    BallotForm,
    Benchmark,
    Chooser,
    Comparator,
    Criterion,
    IndependenceCriterion,
    Panel,
    Rulebook,
    SuiteRule,
    Unknown,
    require_known,
)

_COMPONENT = "language_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a rehearsal assumes of teams and raters; shown with every result of it.

    Args:
        teams: Teams that enter; 0 for as many as the rulebook expects.
        items: Items of a benchmark whose size the rulebook does not know.
        ability_mean: Mean chance of a right answer over teams.
        ability_spread: Standard deviation of that chance between teams.
        rater_spread: Standard deviation of a rater's severity, as a share of the scale.
        mark_noise: Standard deviation of one mark, as a share of the scale.
        recusal_rate: Chance that an expert recuses from a team.
        failing_rate: Chance that an answer fails after all retries.
        refuted_rate: Chance that a claim of a team is refuted.
        inconclusive_rate: Chance that a claim is examined without a conclusion.
        not_examined_rate: Chance that nobody examines a claim.
        withdrawal_rate: Chance that a team withdraws.
    """

    teams: int = 0
    items: int = 30
    ability_mean: float = 0.6
    ability_spread: float = 0.08
    rater_spread: float = 0.08
    mark_noise: float = 0.1
    recusal_rate: float = 0.05
    failing_rate: float = 0.01
    refuted_rate: float = 0.05
    inconclusive_rate: float = 0.05
    not_examined_rate: float = 0.05
    withdrawal_rate: float = 0.02

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name.endswith(("_rate", "_mean", "_spread", "_noise")) and not 0 <= value <= 1:
                raise InvalidInput(f"The assumption {one.name} lies between 0 and 1, not at {value}.")
        if self.teams < 0 or self.items < 1:
            raise InvalidInput("A rehearsal needs at least one item, and teams cannot be fewer than none.")
        if self.refuted_rate + self.inconclusive_rate + self.not_examined_rate > 1:
            raise InvalidInput("The chances of a claim's verdicts add up to more than 1.")


def simulate_stage(
    rulebook: Rulebook, assumptions: Assumptions, rng: np.random.Generator
) -> tuple[AnyEvent, ...]:
    """Return the events of one simulated stage under a rulebook.

    Args:
        rulebook: The rules; every size a simulation needs must be known.
        assumptions: What to assume of teams and raters.
        rng: Seeded generator; the same seed gives the same events.

    Raises:
        RulebookUnknown: The rulebook leaves a size unknown that the simulation needs.
    """
    return tuple(_Simulator(rulebook, assumptions, rng).run())


class _Simulator:
    """One simulated stage in the making."""

    def __init__(self, rulebook: Rulebook, assumptions: Assumptions, rng: np.random.Generator) -> None:
        self.rulebook, self.assumptions, self.rng = rulebook, assumptions, rng
        count = assumptions.teams or require_known(rulebook.advance.entering, "advance.entering")
        self.teams = [f"simulated-{number}" for number in range(1, count + 1)]
        drawn = rng.normal(assumptions.ability_mean, assumptions.ability_spread, count)
        self.ability: NDArray[np.float64] = np.clip(drawn, 0.02, 0.98)
        opens = rulebook.clock.evaluation.opens
        self.day = "2000-01-01" if isinstance(opens, Unknown) else opens.isoformat()
        self.released = (
            "2000-01-01" if isinstance(opens, Unknown) else (opens - timedelta(days=30)).isoformat()
        )
        self.count = 0

    def run(self) -> Iterator[AnyEvent]:
        """Yield every event, in order."""
        yield self.event("stage_opened", {"rulebook": self.rulebook.digest()})
        for number, team in enumerate(self.teams, start=1):
            yield self.event("team_registered", {"team": team, "name": f"모의 팀 {number} (simulated)"})
            declaration: dict[str, JSON] = {"simulated": True, "components": [{"name": _COMPONENT}]}
            submitted: dict[str, JSON] = {
                "team": team,
                "weights": self.weights(team),
                "declaration": declaration,
            }
            yield self.event("submission", submitted)
        yield from self.benchmarks()
        for panel in self.rulebook.panels:
            yield from self.panel(panel)
        yield from self.findings()
        for team in self.teams:
            if self.rng.random() < self.assumptions.withdrawal_rate:
                yield self.event("withdrawal", {"team": team})

    def event(self, kind: str, payload: dict[str, JSON]) -> AnyEvent:
        """Return the next event."""
        self.count += 1
        said = read_model(kind_of(kind), payload)
        return Event(
            f"simulated:{self.count}", kind, self.rulebook.id, f"{self.day}T00:00:00Z", SIMULATOR, said
        )

    def weights(self, subject: str) -> str:
        """Return what stands for the digest of a subject's weights."""
        return digest_json("simulated", {"weights of": subject})

    # -- benchmarks -------------------------------------------------------------------------------------------

    def benchmarks(self) -> Iterator[AnyEvent]:
        """Yield choices, comparators and runs of every suite."""
        for suite in self.rulebook.suites:
            repeats = require_known(suite.repeats, f"suites.{suite.id}.repeats")
            for team_index, team in enumerate(self.teams):
                if isinstance(suite.benchmarks, Unknown):
                    listed = self.own_benchmarks(suite, team)
                    chosen: list[JSON] = [one.id for one in listed]
                    yield self.event(
                        "benchmarks_chosen", {"team": team, "suite": suite.id, "benchmarks": chosen}
                    )
                else:
                    listed = suite.benchmarks
                for benchmark in listed:
                    yield self.answers(team, float(self.ability[team_index]), benchmark, repeats)
        yield from self.comparators()

    def own_benchmarks(self, suite: SuiteRule, team: str) -> tuple[Benchmark, ...]:
        """Return benchmarks a team chooses for itself."""
        if suite.chosen_by is not Chooser.TEAM:
            require_known(suite.benchmarks, f"suites.{suite.id}.benchmarks")
        count = require_known(suite.count, f"suites.{suite.id}.count")
        return tuple(Benchmark(id=f"{suite.id}-{team}-{number}") for number in range(1, count + 1))

    def comparators(self) -> Iterator[AnyEvent]:
        """Yield the runs of target models on whatever is compared with them."""
        best = float(np.clip(self.assumptions.ability_mean + self.assumptions.ability_spread, 0.05, 0.95))
        for comparator in self.rulebook.comparators:
            suites = [
                suite
                for leaf in self.rulebook.leaves()
                if getattr(leaf.normaliser, "comparator", "") == comparator.id
                for suite in map(self.rulebook.suite, leaf.suites)
            ]
            for team in self.teams if comparator.per_team else [""]:
                yield from self.target(comparator, team, suites, best)

    def target(
        self, comparator: Comparator, team: str, suites: list[SuiteRule], ability: float
    ) -> Iterator[AnyEvent]:
        """Yield one target model: named by its team, or the one of the rulebook."""
        subject = f"target-{team}" if team else comparator.id
        if team:
            chosen: dict[str, JSON] = {"team": team, "comparator": comparator.id, "subject": subject}
            named: dict[str, JSON] = {"name": "simulated target model", "released": self.released}
            yield self.event("comparator_chosen", chosen | named)
        for suite in suites:
            repeats = require_known(suite.repeats, f"suites.{suite.id}.repeats")
            for owner in [team] if team else self.teams:
                unknown = isinstance(suite.benchmarks, Unknown)
                listed = (
                    self.own_benchmarks(suite, owner)
                    if isinstance(suite.benchmarks, Unknown)
                    else suite.benchmarks
                )
                for benchmark in listed:
                    yield self.answers(subject, ability, benchmark, repeats)
                if not unknown:
                    break

    def answers(self, subject: str, ability: float, benchmark: Benchmark, repeats: int) -> AnyEvent:
        """Return one run: right with the subject's chance, made easier or harder by the item."""
        items = self.assumptions.items if isinstance(benchmark.items, Unknown) else benchmark.items
        digest = benchmark.digest
        if isinstance(digest, Unknown):
            digest = digest_json("simulated", {"items of": benchmark.id})
        right = self.rng.random((items, repeats)) < ability
        failed = self.rng.random((items, repeats)) < self.assumptions.failing_rate
        rows: list[JSON] = [
            [
                f"item-{item}",
                f"item-{item}",
                repeat,
                "failed" if failed[item, repeat] else "scored",
                None if failed[item, repeat] else float(right[item, repeat]),
            ]
            for item in range(items)
            for repeat in range(repeats)
        ]
        payload: dict[str, JSON] = {
            "subject": subject,
            "benchmark": benchmark.id,
            "items": digest,
            "engine": "simulated",
            "weights": self.weights(subject),
            "completed": len(rows),
            "total": len(rows),
            "rows": rows,
        }
        return self.event("run_result", payload)

    # -- panels -----------------------------------------------------------------------------------------------

    def panel(self, panel: Panel) -> Iterator[AnyEvent]:
        """Yield a panel's members, recusals, and marks or votes."""
        size = require_known(panel.size, f"panels.{panel.id}.size")
        ballot = require_known(panel.ballot, f"panels.{panel.id}.ballot")
        raters = [f"simulated:{panel.id}:{number}" for number in range(1, size + 1)]
        severity = self.rng.normal(0, self.assumptions.rater_spread, size)
        for rater in raters:
            yield self.event("rater_registered", {"rater": rater, "panel": panel.id})
        for index, rater in enumerate(raters):
            recused = self.rng.random(len(self.teams)) < self.assumptions.recusal_rate
            away: list[JSON] = [team for team, out in zip(self.teams, recused, strict=True) if out]
            if away:
                yield self.event("recusal", {"rater": rater, "teams": away})
            for number, team in enumerate(self.teams):
                if team in away:
                    continue
                level = float(self.ability[number] - severity[index])
                if ballot is BallotForm.RATING:
                    yield from self.marks(panel, rater, team, level)
                elif ballot is BallotForm.APPROVAL:
                    yield self.vote(rater, team, level)

    def marks(self, panel: Panel, rater: str, team: str, level: float) -> Iterator[AnyEvent]:
        """Yield one rater's marks of one team, on each criterion's scale."""
        kind = "expert_score" if panel.kind == "experts" else "user_rating"
        for one in require_known(panel.criteria, f"panels.{panel.id}.criteria"):
            score = self.mark(panel, one, level)
            payload: dict[str, JSON] = {"rater": rater, "team": team, "criterion": one.id, "score": score}
            yield self.event(kind, payload | {"weights": self.weights(team)})

    def mark(self, panel: Panel, criterion: Criterion, level: float) -> float:
        """Return one mark, whole as people give them, within the scale."""
        at = f"panels.{panel.id}.criteria.{criterion.id}"
        lowest = require_known(criterion.lowest, f"{at}.lowest")
        highest = require_known(criterion.highest, f"{at}.highest")
        noisy = level + self.rng.normal(0, self.assumptions.mark_noise)
        return float(np.clip(round(lowest + noisy * (highest - lowest)), lowest, highest))

    def vote(self, rater: str, team: str, level: float) -> AnyEvent:
        """Return one vote: for the team when it seems better than the assumed mean."""
        seems = level + self.rng.normal(0, self.assumptions.mark_noise)
        choice = "approve" if seems > self.assumptions.ability_mean else "reject"
        return self.event("panel_vote", {"rater": rater, "team": team, "choice": choice})

    # -- independence -----------------------------------------------------------------------------------------

    def findings(self) -> Iterator[AnyEvent]:
        """Yield a finding for every claim of every item that somebody examined."""
        for item in self.rulebook.items:
            claims = require_known(item.claims, f"items.{item.id}.claims")
            required = require_known(item.evidence, f"items.{item.id}.evidence")
            for team in self.teams:
                for claim in claims:
                    verdict = self.verdict()
                    if verdict is not Verdict.NOT_EXAMINED:
                        yield self.finding(item, team, claim, verdict, required)

    def verdict(self) -> Verdict:
        """Return a verdict with the assumed chances."""
        assumed = self.assumptions
        drawn = self.rng.random()
        for verdict, rate in (
            (Verdict.REFUTED, assumed.refuted_rate),
            (Verdict.INCONCLUSIVE, assumed.inconclusive_rate),
            (Verdict.NOT_EXAMINED, assumed.not_examined_rate),
        ):
            if drawn < rate:
                return verdict
            drawn -= rate
        return Verdict.SUPPORTED

    def finding(
        self, item: IndependenceCriterion, team: str, claim: str, verdict: Verdict, required: Evidence
    ) -> AnyEvent:
        """Return one simulated finding at the level the item requires."""
        about = _COMPONENT if item.per_component else ""
        weights = self.weights(team)
        found = Finding(
            Claim(claim, about), verdict, Reason("rehearsal.simulated"), required, {"subject": weights}
        )
        payload: dict[str, JSON] = {"team": team, "finding": found.as_json()}
        if required is not Evidence.JUDGED:
            return self.event("finding_recorded", payload)
        cites: list[JSON] = [digest_json("simulated", {"cited by": item.id})]
        rater = next(f"simulated:{panel.id}:1" for panel in self.rulebook.panels)
        return self.event("judged_finding", payload | {"rater": rater, "cites": cites})
