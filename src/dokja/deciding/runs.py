"""Runs of benchmarks: whether one counts, and the table of all subjects' scores on the same items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum, isnan

from dokja.errors import EventInvalid
from dokja.finding import Reason
from dokja.record.events import Event
from dokja.record.history import History
from dokja.record.kinds.judging import RunResult
from dokja.record.terms import RowState
from dokja.rulebook import Benchmark, Rulebook, SuiteRule, Unknown


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """Scores of every subject on the same items.

    Args:
        benchmark: Its id.
        subjects: Teams and comparators.
        passages: (items,) index of each item's passage, from 0 without gaps.
        values: (items, subjects) mean over repeats in [0, 1]; failing and empty answers count 0.
    """

    benchmark: str
    subjects: tuple[str, ...]
    passages: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]


def count_states(run: Event[RunResult]) -> Counter[str]:
    """Return how many answers of a run were scored, empty and failed."""
    return run.payload.rows.count_states()


def why_it_does_not_count(rulebook: Rulebook, run: Event[RunResult]) -> Reason | None:
    """Return why a run gives no result: other items, incomplete, or a fault that no rule covers; None if it counts."""
    read = run.payload
    benchmark = read.benchmark
    suite, declared = _declared(rulebook, benchmark)
    if declared and not isinstance(declared.digest, Unknown) and declared.digest != read.items:
        return Reason("score.other_items", {"benchmark": benchmark})
    rows, total = read.rows, read.total
    repeats = set(Counter(rows.items).values())
    if suite and not isinstance(suite.repeats, Unknown):
        asked = repeats == {suite.repeats}
        if declared and not isinstance(declared.items, Unknown):
            total = declared.items * suite.repeats
    else:
        asked = len(repeats) == 1
    completed = min(len(rows), read.completed)
    if not asked or completed != total or total != read.total:
        return Reason(
            "score.run_incomplete", {"benchmark": benchmark, "completed": completed, "total": total}
        )
    return _unruled_fault(rulebook, run)


def _unruled_fault(rulebook: Rulebook, run: Event[RunResult]) -> Reason | None:
    faults, states = rulebook.faults, count_states(run)
    for state, rule in ((RowState.FAILED, "failing_answer"), (RowState.EMPTY, "empty_answer")):
        if states[state] and (faults is None or isinstance(getattr(faults, rule), Unknown)):
            return Reason("score.rule_unknown", {"at": f"faults.{rule}"})
    return None


def benchmark_table(history: History, benchmark: str, subjects: Iterable[str]) -> BenchmarkTable:
    """Return the subjects' scores on a benchmark.

    Args:
        history: Holds a complete run of each subject.
        benchmark: Its id.
        subjects: Whose runs to read.

    Raises:
        EventInvalid: Two runs answered different items, or put an item in different passages.
    """
    names = tuple(subjects)
    runs = [history.runs[name, benchmark] for name in names]
    passages = _passages(runs[0])
    for run in runs[1:]:
        if _passages(run) != passages or run.payload.items != runs[0].payload.items:
            raise EventInvalid(
                f"Events {runs[0].id!r} and {run.id!r} are runs of {benchmark} and answer different items.",
                hint="Run every subject on the same frozen items, or retract the run that is wrong.",
            )
    number = {passage: index for index, passage in enumerate(sorted(set(passages.values())))}
    items = sorted(passages)
    means = [_means(run) for run in runs]
    return BenchmarkTable(
        benchmark,
        names,
        tuple(number[passages[item]] for item in items),
        tuple(tuple(mean[item] for mean in means) for item in items),
    )


def _means(run: Event[RunResult]) -> dict[str, float]:
    """Return each item's mean over its repeats; an answer that failed or is empty is wrong."""
    answers: dict[str, list[float]] = {}
    rows = run.payload.rows
    for item, score in zip(rows.items, rows.scores, strict=True):
        answers.setdefault(item, []).append(0.0 if isnan(score) else score)
    return {item: fsum(values) / len(values) for item, values in answers.items()}


def _passages(run: Event[RunResult]) -> dict[str, str]:
    return dict(zip(run.payload.rows.items, run.payload.rows.passages, strict=True))


def _declared(rulebook: Rulebook, benchmark: str) -> tuple[SuiteRule | None, Benchmark | None]:
    for suite in rulebook.suites:
        if not isinstance(suite.benchmarks, Unknown):
            for one in suite.benchmarks:
                if one.id == benchmark:
                    return suite, one
    return None, None
