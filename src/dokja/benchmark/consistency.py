"""Does a journal add up? Every figure is derived again from what was asked and answered.

Each question is queued once, answered once or failed until the attempts ran out, and scored once, in that order; the
choice and its credit follow from the log-likelihoods; nothing is missing and nothing is there that no suite asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dokja.benchmark.journal import Event, Key, RunChoice, choose, key_of, suite_row
from dokja.benchmark.suite import Scorer, Suite
from dokja.canonical import JSON, digest_json
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict


def check_run(events: Sequence[Event], suites: Sequence[Suite] = ()) -> Finding:
    """Say whether a run's journal adds up.

    Args:
        events: The journal, from `parse_journal`, not empty.
        suites: The suites themselves, where at hand: then questions and right answers are checked against them too.

    Returns:
        SUPPORTED when everything was derived again; NOT_EXAMINED while the run is unfinished; REFUTED with the
        first contradictions otherwise.
    """
    first = events[0]
    checker = _Checker(first)
    for number, event in enumerate(events[1:], start=2):
        checker.add(number, event)
    checker.compare_with(suites)
    looked_at = {"subject": str(first["weights"]), "journal": digest_json("journal", list(events))}
    rows = first["suites"]
    assert isinstance(rows, list)
    for row in rows:
        assert isinstance(row, dict)
        looked_at[f"suite.{row['suite']}"] = str(row["digest"])
    total = first["total"]
    figures: dict[str, JSON] = {"scored": len(checker.scored), "total": total, "faults": checker.faults}
    if checker.problems:
        shown: list[JSON] = [*checker.problems[:5]]
        figures |= {"count": len(checker.problems), "first": checker.problems[0], "problems": shown}
        verdict, key = Verdict.REFUTED, "benchmark.run_contradicts_itself"
    elif not checker.closed:
        verdict, key = Verdict.NOT_EXAMINED, "benchmark.run_unfinished"
    else:
        verdict, key = Verdict.SUPPORTED, "benchmark.run_adds_up"
    return Finding(
        Claim("benchmark.run_consistent"), verdict, Reason(key, figures), Evidence.MEASURED, looked_at
    )


class _Checker:
    """Walks through a journal once and notes every contradiction, by line."""

    def __init__(self, first: Event) -> None:
        rows, attempts, total = first["suites"], first["attempts"], first["total"]
        assert isinstance(rows, list)
        assert isinstance(attempts, int)
        assert isinstance(total, int)
        self.rows = {str(row["suite"]): row for row in rows if isinstance(row, dict)}
        self.attempts, self.total = attempts, total
        self.queued: dict[Key, Event] = {}
        self.answered: dict[Key, list[float]] = {}
        self.failures: dict[Key, int] = {}
        self.scored: set[Key] = set()
        self.faults = 0
        self.closed = False
        self.problems: list[str] = []
        if total != sum(int(str(row["items"])) * int(str(row["repeats"])) for row in self.rows.values()):
            self.problems.append("line 1: the total is not the number of items times repeats")

    def add(self, number: int, event: Event) -> None:
        """Note one event and what contradicts those before it."""
        problem = self._problem(event)
        if problem:
            self.problems.append(f"line {number}: {problem}")

    def _problem(self, event: Event) -> str:
        if self.closed:
            return "something follows the end of the run"
        kind = event["event"]
        if kind == "opened":
            return "the run is opened twice"
        if kind == "closed":
            return self._close(event)
        key = key_of(event)
        if kind == "queued":
            return self._queue(key, event)
        if key not in self.queued:
            return f"{_name(key)} is {kind} and was never queued"
        if key in self.scored:
            return f"{_name(key)} is {kind} after it was scored"
        if kind == "failed":
            self.failures[key] = self.failures.get(key, 0) + 1
            late = key in self.answered or self.failures[key] > self.attempts
            wrong = late or event["attempt"] != self.failures[key]
            return f"{_name(key)} fails out of turn" if wrong else ""
        return self._answer(key, event) if kind == "answered" else self._score(key, event)

    def _queue(self, key: Key, event: Event) -> str:
        if key in self.queued:
            return f"{_name(key)} is queued twice"
        self.queued[key] = event
        row = self.rows.get(key[0])
        if row is None or key[2] >= int(str(row["repeats"])):
            return f"{_name(key)} is of no suite that was opened"
        lengths, answer = event["option_bytes"], event["answer"]
        assert isinstance(lengths, list)
        assert isinstance(answer, int)
        return f"{_name(key)} has no option {answer}" if answer >= len(lengths) else ""

    def _answer(self, key: Key, event: Event) -> str:
        if key in self.answered:
            return f"{_name(key)} is answered twice"
        values, lengths = event["log_likelihoods"], self.queued[key]["option_bytes"]
        assert isinstance(values, list)
        assert isinstance(lengths, list)
        numbers = [float(str(value)) for value in values]
        self.answered[key] = numbers
        if len(numbers) != len(lengths) or not all(math.isfinite(number) for number in numbers):
            return f"{_name(key)} has {len(numbers)} answers to {len(lengths)} options"
        return ""

    def _score(self, key: Key, event: Event) -> str:
        self.scored.add(key)
        self.faults += event["fault"] is True
        if key not in self.answered:
            if event["fault"] is not True or self.failures.get(key, 0) < self.attempts:
                return f"{_name(key)} is scored without an answer"
            expected = RunChoice((), 0.0)
        elif event["fault"] is True:
            return f"{_name(key)} was answered and counts as a fault"
        else:
            lengths, answer = self.queued[key]["option_bytes"], self.queued[key]["answer"]
            assert isinstance(lengths, list)
            assert isinstance(answer, int)
            numbers = self.answered[key]
            if len(numbers) != len(lengths) or key[0] not in self.rows:
                return f"{_name(key)} cannot be scored again"
            scorer = Scorer(str(self.rows[key[0]]["scorer"]))
            expected = choose(numbers, [int(str(length)) for length in lengths], scorer, answer)
        agrees = event["chosen"] == [*expected.options] and event["credit"] == expected.credit
        return "" if agrees else f"{_name(key)} has credit {event['credit']}, and {expected.credit} follows"

    def _close(self, event: Event) -> str:
        self.closed = True
        if len(self.scored) != self.total or len(self.queued) != self.total:
            return f"the run is closed with {len(self.scored)} of {self.total} scored"
        if event["scored"] != len(self.scored) or event["faults"] != self.faults:
            return f"the run's end counts {event['scored']} scored and {event['faults']} faults; the lines differ"
        return ""

    def compare_with(self, suites: Sequence[Suite]) -> None:
        """Note where questions or right answers are not those of the suites."""
        for suite in suites:
            row = self.rows.get(suite.name)
            if row is None:
                continue
            if row != suite_row(suite):
                self.problems.append(f"suite {suite.name} is not the one that was run")
                continue
            items = {item.id: item for item in suite.items}
            for key, event in self.queued.items():
                if key[0] != suite.name:
                    continue
                item = items.get(key[1])
                lengths = [] if item is None else [len(text.encode()) for text in suite.asked(item)[1]]
                asked = None if item is None else (item.answer, item.cluster, lengths)
                if asked != (event["answer"], event["cluster"], event["option_bytes"]):
                    self.problems.append(f"{_name(key)} is not asked as the suite has it")


def _name(key: Key) -> str:
    suite, item, repeat = key
    return f"{suite}/{item}" + (f" (repeat {repeat})" if repeat else "")
