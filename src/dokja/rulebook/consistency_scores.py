"""Contradictions among parts, suites, comparators and fault rules."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from dokja.grammar.mistakes import Mistake
from dokja.grammar.unknown import Unknown
from dokja.rulebook.clock import months_after
from dokja.rulebook.mistakes import mistake
from dokja.rulebook.normalisers import Around, NormaliserRule
from dokja.rulebook.schema import Rulebook
from dokja.rulebook.scoring import Comparator, ScorePart, SuiteRule
from dokja.rulebook.terms import BallotForm, Chooser

_TOLERANCE_POINTS = 1e-9


def score_mistakes(rulebook: Rulebook) -> Iterator[Mistake]:
    """Yield what contradicts itself in how points are made."""
    if rulebook.parts:
        yield from _sum("points", rulebook.points, rulebook.parts)
    for top in rulebook.parts:
        for part in top.all_parts():
            yield from _part(rulebook, part)
    read = {name for leaf in rulebook.leaves() for name in leaf.suites}
    for suite in rulebook.suites:
        yield from _suite(suite)
        if suite.id not in read:
            yield mistake(f"suites.{suite.id}", "suite_not_read")
    for comparator in rulebook.comparators:
        yield from _comparator(rulebook, comparator)
    if rulebook.suites and rulebook.faults is None:
        yield mistake("faults", "suites_without_faults")


def _sum(at: str, whole: float | Unknown, parts: Sequence[ScorePart]) -> Iterator[Mistake]:
    known = [part.points for part in parts if not isinstance(part.points, Unknown)]
    total = math.fsum(known)
    if isinstance(whole, Unknown):
        return
    if len(known) == len(parts) and abs(total - whole) > _TOLERANCE_POINTS:
        yield mistake(at, "points_do_not_add_up", whole=whole, total=total)
    elif total > whole + _TOLERANCE_POINTS:
        yield mistake(at, "points_already_above", whole=whole, total=total)


def _part(rulebook: Rulebook, part: ScorePart) -> Iterator[Mistake]:
    at = f"parts.{part.id}"
    reads = bool(part.suites) + bool(part.panel)
    if part.parts:
        yield from _sum(f"{at}.points", part.points, part.parts)
        if reads or part.normaliser is not None:
            yield mistake(at, "sum_and_leaf")
        return
    if reads == 0:
        yield mistake(at, "part_reads_nothing")
    elif reads == 2:
        yield mistake(at, "part_reads_both")
    if part.normaliser is None:
        yield mistake(f"{at}.normaliser", "leaf_without_normaliser")
    yield from _leaf_references(rulebook, part, at)
    if isinstance(part.normaliser, NormaliserRule):
        there = frozenset(one.id for one in rulebook.comparators)
        around = Around(comparators=there, panel=bool(part.panel), entering=rulebook.advance.entering)
        yield from part.normaliser.mistakes(f"{at}.normaliser", around)


def _leaf_references(rulebook: Rulebook, part: ScorePart, at: str) -> Iterator[Mistake]:
    for name in part.suites:
        if name not in {suite.id for suite in rulebook.suites}:
            yield mistake(f"{at}.suites", "no_such_suite", name=name[:80])
    panels = {panel.id: panel for panel in rulebook.panels}
    if not part.panel:
        if part.criteria:
            yield mistake(f"{at}.criteria", "criteria_without_panel")
        return
    if part.panel not in panels:
        yield mistake(f"{at}.panel", "no_such_panel", name=part.panel[:80])
        return
    panel = panels[part.panel]
    if panel.ballot in (BallotForm.APPROVAL, BallotForm.PAIRED):
        yield mistake(f"{at}.panel", "panel_gives_no_marks", name=part.panel, ballot=str(panel.ballot))
    if not isinstance(panel.criteria, Unknown):
        for name in part.criteria:
            if name not in {one.id for one in panel.criteria}:
                yield mistake(f"{at}.criteria", "no_such_criterion", name=name[:80], panel=part.panel)


def _suite(suite: SuiteRule) -> Iterator[Mistake]:
    at = f"suites.{suite.id}"
    if isinstance(suite.benchmarks, Unknown):
        return
    names = [one.id for one in suite.benchmarks]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield mistake(f"{at}.benchmarks", "id_twice", name=name)
    if not isinstance(suite.count, Unknown) and len(names) != suite.count:
        yield mistake(f"{at}.count", "count_is_not_list", count=suite.count, listed=len(names))


def _comparator(rulebook: Rulebook, comparator: Comparator) -> Iterator[Mistake]:
    at = f"comparators.{comparator.id}"
    released, months = comparator.released, comparator.max_age_months
    stage = rulebook.clock.evaluation.opens
    if not isinstance(released, Unknown) and not isinstance(stage, Unknown):
        if released > stage:
            yield mistake(
                f"{at}.released",
                "comparator_unreleased",
                name=comparator.id,
                released=released.isoformat(),
                stage=stage.isoformat(),
            )
        elif not isinstance(months, Unknown) and months_after(released, months) < stage:
            yield mistake(
                f"{at}.released",
                "comparator_too_old",
                name=comparator.id,
                released=released.isoformat(),
                months=months,
                stage=stage.isoformat(),
            )
    if comparator.per_team and comparator.chosen_by not in (Chooser.TEAM, Unknown.UNKNOWN):
        yield mistake(f"{at}.chosen_by", "per_team_not_by_team", chosen_by=str(comparator.chosen_by))
    used = any(
        isinstance(leaf.normaliser, NormaliserRule) and leaf.normaliser.compared_with() == comparator.id
        for leaf in rulebook.leaves()
    )
    if not used and not any(isinstance(leaf.normaliser, Unknown) for leaf in rulebook.leaves()):
        yield mistake(at, "comparator_not_read", name=comparator.id)
