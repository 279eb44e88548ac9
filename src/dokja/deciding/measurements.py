"""What was measured, ready to be scored: tables of items and ballots that count, and why the rest does not.

Everything that keeps a team from having a result is settled here, as a `NoResult` with its reason. What remains is
complete: no missing item, mark or rule is left for arithmetic to stumble over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dokja.canonical import JSON
from dokja.deciding.runs import BenchmarkTable, benchmark_table, count_states, why_it_does_not_count
from dokja.finding import Reason
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.kinds.judging import Mark, require_on_scale
from dokja.record.terms import RowState
from dokja.rulebook import (
    AfterRecusal,
    Averaging,
    BallotForm,
    Comparator,
    Criterion,
    Normaliser,
    Panel,
    Rulebook,
    ScorePart,
    Unknown,
)
from dokja.rulebook.clock import months_after

Ballots = dict[tuple[str, str], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class NoResult:
    """There is no figure, and why."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class SuiteLeaf:
    """A part of the total that reads benchmarks.

    Args:
        part: The leaf of the rulebook.
        benchmarks: Team to the benchmarks whose plain mean is its raw value; only teams with a result.
        comparator: Team to the subject it is compared with; empty where the normaliser compares with none.
        target_share: Share of the comparator that counts as reached.
    """

    part: ScorePart
    benchmarks: Mapping[str, tuple[str, ...]]
    comparator: Mapping[str, str]
    target_share: float

    @property
    def teams(self) -> tuple[str, ...]:
        """Teams with a result."""
        return tuple(self.benchmarks)


@dataclass(frozen=True, slots=True)
class PanelLeaf:
    """A part of the total that reads the marks of a panel.

    Args:
        part: The leaf of the rulebook.
        panel: The panel.
        criteria: (criterion id, highest mark, weight), in the rulebook's order.
        averaging: How raters' marks become one.
        trim: Marks dropped at each end when trimmed.
        teams: Teams with a result.
        ballots: (rater, team) to a mark per criterion; complete ballots that count, of teams with a result.
    """

    part: ScorePart
    panel: str
    criteria: tuple[tuple[str, float, float], ...]
    averaging: Averaging
    trim: int
    teams: tuple[str, ...]
    ballots: Mapping[tuple[str, str], tuple[float, ...]]

    def raters(self) -> tuple[str, ...]:
        """Return who handed in a ballot that counts, in order."""
        return tuple(sorted({rater for rater, _ in self.ballots}))


Leaf = SuiteLeaf | PanelLeaf


@dataclass(frozen=True, slots=True)
class Measurements:
    """All that scoring reads.

    Args:
        teams: Every team registered, in order.
        tables: Benchmark to table.
        leaves: Leaf id to what was measured; leaves nobody has a result of are left out.
        without: (team, leaf id) to why there is no result.
        faults: (subject, benchmark) to how many answers were empty and how many failed.
        set_aside: Ballots that do not count: (rater, team, leaf id, reason).
    """

    teams: tuple[str, ...]
    tables: Mapping[str, BenchmarkTable]
    leaves: Mapping[str, Leaf]
    without: Mapping[tuple[str, str], NoResult]
    faults: Mapping[tuple[str, str], tuple[int, int]]
    set_aside: tuple[tuple[str, str, str, Reason], ...]


def measure(rulebook: Rulebook, history: History) -> Measurements:
    """Sort what the history holds into what counts and what does not.

    Raises:
        EventInvalid: Two runs of the same items answered different ones, or a mark lies outside its scale.
    """
    leaves: dict[str, Leaf] = {}
    without: dict[tuple[str, str], NoResult] = {}
    set_aside: list[tuple[str, str, str, Reason]] = []
    for part in rulebook.leaves():
        absent = {team: why for team in history.teams if (why := _why_absent(history, part, team))}
        present = [team for team in history.teams if team not in absent]
        leaf: Leaf | None
        if part.suites:
            leaf, why_not = _suite_leaf(rulebook, history, part, present)
        else:
            ballots, aside = _ballots(rulebook, history, part)
            set_aside += [(rater, team, part.id, why) for rater, team, why in aside]
            leaf, why_not = _panel_leaf(rulebook, history, part, present, ballots)
        if leaf is not None and (why := _why_not_relative(part, leaf)):
            why_not |= dict.fromkeys(leaf.teams, why)
            leaf = None
        if leaf is not None:
            leaves[part.id] = leaf
        without |= {(team, part.id): NoResult(why) for team, why in (absent | why_not).items()}
    faults = {key: count_states(run) for key, run in history.runs.items()}
    counts = {key: (states[RowState.EMPTY], states[RowState.FAILED]) for key, states in faults.items()}
    return Measurements(
        tuple(history.teams), _tables(history, leaves), leaves, without, counts, tuple(set_aside)
    )


def _why_not_relative(part: ScorePart, leaf: Leaf) -> Reason | None:
    """Return why these teams cannot be judged against each other; None when they can, or need not be."""
    rule = part.rule()
    if rule.relative and len(leaf.teams) == 1:
        return Reason("score.nothing_to_compare")
    unsettled = rule.unsettled(len(leaf.teams))
    return _unknown(f"parts.{part.id}.normaliser.{unsettled}") if unsettled else None


def _tables(history: History, leaves: Mapping[str, Leaf]) -> dict[str, BenchmarkTable]:
    subjects: dict[str, set[str]] = {}
    for leaf in leaves.values():
        if isinstance(leaf, SuiteLeaf):
            for team, names in leaf.benchmarks.items():
                for name in names:
                    subjects.setdefault(name, set()).update({team, leaf.comparator.get(team, team)})
    return {name: benchmark_table(history, name, sorted(who)) for name, who in sorted(subjects.items())}


def _unknown(at: str) -> Reason:
    return Reason("score.rule_unknown", {"at": at})


def _why_absent(history: History, part: ScorePart, team: str) -> Reason | None:
    """Return why a team cannot have a result of this part, whatever was measured."""
    if team in history.withdrawn:
        return Reason("score.withdrawn")
    if team not in history.weights:
        return Reason("score.no_submission")
    if isinstance(part.points, Unknown):
        return _unknown(f"parts.{part.id}.points")
    if isinstance(part.normaliser, Unknown):
        return _unknown(f"parts.{part.id}.normaliser")
    return None


def _suite_leaf(
    rulebook: Rulebook, history: History, part: ScorePart, teams: list[str]
) -> tuple[SuiteLeaf | None, dict[str, Reason]]:
    benchmarks: dict[str, tuple[str, ...]] = {}
    comparator: dict[str, str] = {}
    shares = {1.0}
    why_not: dict[str, Reason] = {}
    for team in teams:
        names = _benchmarks(rulebook, history, part, team)
        if isinstance(names, Reason):
            why_not[team] = names
            continue
        if why := _why_no_runs(rulebook, history, team, names):
            why_not[team] = why
            continue
        if part.rule().compared_with():
            found = _comparator(rulebook, history, part, part.rule(), team, names)
            if isinstance(found, Reason):
                why_not[team] = found
                continue
            comparator[team] = found[0]
            shares = {found[1]}
        benchmarks[team] = names
    leaf = SuiteLeaf(part, benchmarks, comparator, shares.pop()) if benchmarks else None
    return leaf, why_not


def _benchmarks(rulebook: Rulebook, history: History, part: ScorePart, team: str) -> tuple[str, ...] | Reason:
    """Return the benchmarks a team is scored on: the rulebook's, or its own choice where the rulebook leaves it."""
    names: list[str] = []
    for suite_id in part.suites:
        suite = rulebook.suite(suite_id)
        chosen = history.chosen_benchmarks.get((team, suite_id))
        if not isinstance(suite.benchmarks, Unknown):
            names += [one.id for one in suite.benchmarks]
        elif chosen is None:
            return _unknown(f"suites.{suite_id}.benchmarks")
        elif not isinstance(suite.count, Unknown) and len(chosen) != suite.count:
            figures: dict[str, JSON] = {"suite": suite_id, "found": len(chosen), "count": suite.count}
            return Reason("score.wrong_count", figures)
        else:
            names += chosen
    return tuple(names)


def _why_no_runs(rulebook: Rulebook, history: History, team: str, names: tuple[str, ...]) -> Reason | None:
    for name in names:
        run = history.runs.get((team, name))
        if run is None:
            return Reason("score.run_missing", {"benchmark": name})
        if run.payload.weights != history.weights[team]:
            return Reason("score.run_other_weights", {"benchmark": name})
        if why := why_it_does_not_count(rulebook, run):
            return why
    return None


def _comparator(
    rulebook: Rulebook, history: History, part: ScorePart, rule: Normaliser, team: str, names: tuple[str, ...]
) -> tuple[str, float] | Reason:
    """Return the subject a team is compared with and the share that counts as reached, or why there is none."""
    declared = rulebook.comparator(rule.compared_with())
    if unsettled := rule.unsettled(1):
        return _unknown(f"parts.{part.id}.normaliser.{unsettled}")
    if isinstance(declared.target_share, Unknown):
        return _unknown(f"comparators.{declared.id}.target_share")
    subject = _own_comparator(rulebook, history, declared, team) if declared.per_team else declared.id
    if isinstance(subject, Reason):
        return subject
    for name in names:
        run = history.runs.get((subject, name))
        if run is None or why_it_does_not_count(rulebook, run) is not None:
            return Reason("score.comparator_missing", {"subject": subject, "benchmark": name})
    return subject, declared.target_share


def _own_comparator(rulebook: Rulebook, history: History, declared: Comparator, team: str) -> str | Reason:
    chosen = history.chosen_comparators.get((team, declared.id))
    if chosen is None:
        return Reason("score.comparator_not_chosen", {"comparator": declared.id})
    opens, months = rulebook.clock.evaluation.opens, declared.max_age_months
    if isinstance(opens, Unknown) or isinstance(months, Unknown):
        return _unknown(f"comparators.{declared.id}.max_age_months")
    if not chosen.released <= opens:
        return Reason("score.comparator_unreleased", {"name": chosen.name})
    if opens > months_after(chosen.released, months):
        return Reason("score.comparator_too_old", {"name": chosen.name, "months": months})
    return chosen.subject


def _panel_leaf(
    rulebook: Rulebook, history: History, part: ScorePart, teams: list[str], ballots: Ballots
) -> tuple[PanelLeaf | None, dict[str, Reason]]:
    panel = rulebook.panel(part.panel)
    why = _why_no_marks(panel)
    if why is not None:
        return None, dict.fromkeys(teams, why)
    found = Counter(team for _, team in ballots)
    why_not = {team: why for team in teams if (why := _why_inquorate(history, panel, team, found[team]))}
    counting = tuple(team for team in teams if team not in why_not)
    if not counting:
        return None, why_not
    assert isinstance(panel.averaging, Averaging)
    trim = panel.trim_each_side if panel.averaging is Averaging.TRIMMED else 0
    scales = tuple(
        (one.id, float(str(one.highest)), float(str(one.weight))) for one in criteria_of(panel, part)
    )
    counted = {key: marks for key, marks in ballots.items() if key[1] in counting}
    return PanelLeaf(part, panel.id, scales, panel.averaging, int(str(trim)), counting, counted), why_not


def criteria_of(panel: Panel, part: ScorePart) -> list[Criterion]:
    """Return the criteria of a panel that a part reads, in the rulebook's order; none while they are unknown."""
    if isinstance(panel.criteria, Unknown):
        return []
    return [one for one in panel.criteria if not part.criteria or one.id in part.criteria]


def _why_no_marks(panel: Panel) -> Reason | None:
    """Return which rule of the panel scoring lacks, if any."""
    needed = ["ballot", "averaging", "quorum", "criteria"]
    needed += ["trim_each_side"] if panel.averaging is Averaging.TRIMMED else []
    for name in needed:
        if isinstance(getattr(panel, name), Unknown):
            return _unknown(f"panels.{panel.id}.{name}")
    if panel.ballot is not BallotForm.RATING:
        return Reason("score.ballot_without_marks", {"panel": panel.id, "ballot": str(panel.ballot)})
    assert not isinstance(panel.criteria, Unknown)
    for one in panel.criteria:
        for name in ("lowest", "highest", "weight"):
            if isinstance(getattr(one, name), Unknown):
                return _unknown(f"panels.{panel.id}.criteria.{one.id}.{name}")
    return None


def _ballots(
    rulebook: Rulebook, history: History, part: ScorePart
) -> tuple[Ballots, list[tuple[str, str, Reason]]]:
    """Return the complete ballots that count for a part, and those set aside with the reason."""
    panel = rulebook.panel(part.panel)
    ballots: Ballots = {}
    aside: list[tuple[str, str, Reason]] = []
    if _why_no_marks(panel) is not None:
        return ballots, aside
    criteria = criteria_of(panel, part)
    for rater, team in sorted({(rater, team) for rater, team, _ in history.marks}):
        if history.panel_of[rater] != panel.id:
            continue
        events = [history.marks.get((rater, team, one.id)) for one in criteria]
        marks = [_mark(event, one) for event, one in zip(events, criteria, strict=True) if event is not None]
        if (rater, team) in history.recused:
            aside.append((rater, team, Reason(history.recused[rater, team])))
        elif len(marks) < len(criteria):
            figures: dict[str, JSON] = {"marked": len(marks), "criteria": len(criteria)}
            aside.append((rater, team, Reason("score.ballot_incomplete", figures)))
        elif any(event and event.payload.weights != history.weights.get(team) for event in events):
            aside.append((rater, team, Reason("score.ballot_other_weights")))
        else:
            ballots[rater, team] = tuple(marks)
    return ballots, aside


def _mark(event: Event[Mark], criterion: Criterion) -> float:
    """Return a mark, which must lie on its criterion's scale."""
    require_on_scale(event, event.payload.score, criterion)
    return event.payload.score


def _why_inquorate(history: History, panel: Panel, team: str, found: int) -> Reason | None:
    """Return why a team was not judged by enough raters; None when it was."""
    needed = [1, panel.quorum]
    if any(team == other and history.panel_of.get(rater) == panel.id for rater, other in history.recused):
        if isinstance(panel.recusal.then, Unknown):
            return _unknown(f"panels.{panel.id}.recusal.then")
        needed += [panel.size] if panel.recusal.then is AfterRecusal.REPLACE else []
    if panel.averaging is Averaging.TRIMMED and isinstance(panel.trim_each_side, int):
        needed.append(2 * panel.trim_each_side + 1)
    if any(isinstance(count, Unknown) for count in needed):
        return _unknown(f"panels.{panel.id}.size")
    least = max(count for count in needed if isinstance(count, int))
    if found == 0:
        return Reason("score.panel_empty", {"panel": panel.id})
    if found < least:
        return Reason("score.below_quorum", {"panel": panel.id, "found": found, "quorum": least})
    return None
