"""The made office of the benchmarks: a desk with keys, a rulebook of any size, and seeded, simulated teams and raters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from dokja import rulebook as rb
from dokja.canonical import digest_json
from dokja.finding import Evidence
from dokja.record.events import SIMULATOR
from dokja.signature import SigningKey
from dokja.workflows.desk import Desk
from dokja.workflows.open_stage import enrol, open_stage
from dokja.workflows.stage import Actor

OPENED, MEASURED = "2026-01-02T00:00:00Z", "2026-01-10T00:00:00Z"
DECIDED, ANNOUNCED = "2026-01-15T05:00:00Z", "2026-01-15T06:00:00Z"
ROLES = {"office": "organiser", "chair": "chair", "auditor": "auditor"}
SIGNING = ("chair", "auditor")
# The stage is simulated from end to end: whoever records in it says so.
SIMULATED = Actor(SIMULATOR, MEASURED)
SUITES_IN_A_PART = 5
PUBLIC = ("decision", "reasons", "stage_means", "stage_tops")


@dataclass(frozen=True)
class Size:
    """How large a stage is.

    Args:
        teams: Teams that take part.
        experts: Experts on their panel, each of whom marks every team on three criteria.
        users: Users on theirs, each of whom marks every team once.
        suites: Suites, of one benchmark each.
        items: Items of each benchmark.
    """

    teams: int
    experts: int
    users: int
    suites: int
    items: int

    def team_ids(self) -> list[str]:
        """Return the ids of the teams."""
        return [f"team-{number:02d}" for number in range(self.teams)]

    def suite_ids(self) -> list[str]:
        """Return the ids of the suites, which are those of their benchmarks too."""
        return [f"suite-{number:02d}" for number in range(self.suites)]

    def compared(self) -> list[str]:
        """Return the suites on which a target model answers as well: those of the first part."""
        return self.suite_ids()[:SUITES_IN_A_PART]


def words(of: str) -> rb.Text:
    """Return a title that says the same in both languages."""
    return rb.Text(ko=of, en=of)


def items_digest(suite: str) -> str:
    """Return the digest of a made suite's items."""
    return digest_json("items", suite)


def weights_digest(subject: str) -> str:
    """Return the digest of a made model's weights."""
    return digest_json("weights", subject)


def rulebook(size: Size, name: str = "made-stage") -> rb.Rulebook:
    """Return the rules of a stage of a size: 40 points of suites, 35 of experts, 25 of users; a quarter advance."""
    unknown = rb.Window(opens=rb.UNKNOWN, closes=rb.UNKNOWN)
    places = max(1, size.teams // 4)
    return rb.Rulebook(
        schema="dokja/rulebook/1", id=name, version=1, title=words("Made for a benchmark"), points=100,
        clock=rb.Clock(
            timezone="Asia/Seoul", frozen=rb.UNKNOWN, submission=unknown,
            evaluation=rb.Window(opens=date(2026, 1, 5), closes=rb.UNKNOWN), decision=rb.UNKNOWN,
            objection=unknown, final=rb.UNKNOWN,
        ),
        parts=_parts(size),
        suites=tuple(_suite(suite, size.items) for suite in size.suite_ids()),
        comparators=(
            rb.Comparator(
                id="target", name="a made target", chosen_by=rb.Chooser.ORGANISER, released=date(2025, 12, 1),
                max_age_months=6, target_share=0.95,
            ),
        ),
        faults=rb.Faults(retries=2, failing_answer="wrong", empty_answer="wrong", publish="complete_only"),
        panels=(
            _panel("experts", rb.PanelKind.EXPERTS, size.experts, 3, 10.0, rb.Averaging.TRIMMED),
            _panel("users", rb.PanelKind.USERS, size.users, 1, 5.0, rb.Averaging.MEAN),
        ),
        items=(
            rb.IndependenceCriterion(
                id="weights", aspect=rb.Aspect.TECHNICAL, title=words("weights"), claims=("weights.independent_of",),
                evidence=Evidence.MEASURED, judged_allowed=False,
            ),
        ),
        gates=(
            rb.KeepTop(id="keep", title=words("keep"), reads="total", keep=places),
            rb.Independence(id="independence", title=words("independence"), items=("weights",)),
            rb.AllOf(id="all", title=words("all"), gates=("keep", "independence")),
        ),
        advance=rb.Advance(
            gate="all", entering=size.teams, places=places, fewer_allowed=True, extra_eliminations=(),
            vacancy=rb.Vacancy.REENTRY, none_selected_allowed=True, single_applicant=rb.SingleApplicant.SAME_WAY,
            ties=(rb.TieBreak(rule=rb.TieRule.HIGHER, reads="benchmark"), rb.TieBreak(rule=rb.TieRule.LOT)),
        ),
        appeals=rb.Appeals(
            days=10, day_kind=rb.DayKind.BUSINESS, grounds=tuple(rb.AppealGround), answer_days=5, another_panel=True
        ),
        publication=rb.Publication(
            fields=tuple(rb.Disclosure(field=rb.Disclosed(one), to=(rb.Profile.PUBLIC,)) for one in PUBLIC),
            narrowest_interval_points=0.0,
        ),
        signatures=rb.Signatures(k=2, n=3, roles=tuple(rb.SigningRole(name=one, seats=1) for one in ROLES.values())),
        amending=rb.AmendmentRule(needs=rb.Consent.MAJORITY, notice_days=0),
    )  # fmt: skip


def _parts(size: Size) -> tuple[rb.ScorePart, ...]:
    suites = size.suite_ids()
    groups = [suites[start : start + SUITES_IN_A_PART] for start in range(0, len(suites), SUITES_IN_A_PART)]
    target = rb.Attainment(comparator="target", aggregation=rb.Aggregation.MEAN_OF_RATIOS)
    leaves = tuple(
        _leaf(f"suites-{n}", 40 / len(groups), rb.Raw() if n else target, suites=tuple(group))
        for n, group in enumerate(groups)
    )
    benchmark = rb.ScorePart(id="benchmark", title=words("benchmark"), points=40, parts=leaves)
    return (
        benchmark,
        _leaf("expert", 35, rb.Raw(), panel="experts"),
        _leaf("user", 25, rb.MaxScaled(), panel="users"),
    )


def _leaf(name: str, points: float, normaliser: rb.Normaliser, **reads: object) -> rb.ScorePart:
    return rb.ScorePart(id=name, title=words(name), points=points, normaliser=normaliser, **reads)


def _suite(name: str, items: int) -> rb.SuiteRule:
    benchmark = rb.Benchmark(id=name, digest=items_digest(name), items=items)
    return rb.SuiteRule(
        id=name, title=words(name), chosen_by=rb.Chooser.ORGANISER, count=1, benchmarks=(benchmark,), repeats=1,
        custody=rb.SuiteCustody.SEALED,
    )  # fmt: skip


def _panel(
    name: str, kind: rb.PanelKind, seats: int, criteria: int, highest: float, averaging: rb.Averaging
) -> rb.Panel:
    return rb.Panel(
        id=name, kind=kind, title=words(name), size=seats, quorum=min(3, seats), ballot=rb.BallotForm.RATING,
        averaging=averaging, trim_each_side=1 if averaging is rb.Averaging.TRIMMED else 0, blind=True, sealed=True,
        recusal=rb.Recusal(grounds=("affiliation",), then=rb.AfterRecusal.AVERAGE_OF_REST),
        criteria=tuple(
            rb.Criterion(id=f"{name}-c{n}", title=words(f"criterion {n}"), lowest=1.0, highest=highest, weight=1.0)
            for n in range(criteria)
        ),
    )  # fmt: skip


def keys(seed: int) -> dict[str, SigningKey]:
    """Return the made keys of those who sign: to everybody who reads this file, so never to be used for anything."""
    draws = Random(seed)
    return {name: SigningKey(draws.randbytes(32)) for name in ROLES}


def make_desk(folder: Path, rules: rb.Rulebook, seed: int) -> Desk:
    """Make a desk with everybody's keys enrolled and a stage opened under the rules."""
    desk = Desk.create(folder, origin="benchmark.example/log", random=Random(seed).randbytes)
    made = keys(seed)
    for name, role in ROLES.items():
        enrol(desk, name, role, made[name], None if name == "office" else made["office"], OPENED)
    open_stage(desk, rules, Actor("office", OPENED))
    return desk
