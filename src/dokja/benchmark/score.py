"""Scores of a finished run: accuracy by suite with its error, faults and chance beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from dokja.benchmark.consistency import check_run
from dokja.benchmark.journal import Event, key_of
from dokja.benchmark.suite import Suite
from dokja.errors import JournalInvalid, NotAllowed
from dokja.finding import Verdict
from dokja.stats.intervals import Interval, clustered_standard_error, wilson_interval


@dataclass(frozen=True, slots=True)
class ItemScore:
    """What a model got for one item.

    Args:
        item: Its id.
        cluster: The cluster it belongs to.
        credit: Mean credit over repeats, in [0, 1].
        faults: Repeats that ended as a fault and count as 0.
    """

    item: str
    cluster: str
    credit: float
    faults: int


@dataclass(frozen=True, slots=True)
class SuiteScore:
    """What a model got on one suite.

    Args:
        suite: Its name.
        digest: Digest of the suite that was run.
        language: `ko` or `en`.
        custody: Custody class of the items.
        accuracy: Mean credit over items, in [0, 1]; faults count as 0.
        chance: Accuracy of guessing.
        standard_error: Of the accuracy, clustered.
        interval: Normal interval of the accuracy, within [0, 1]; where every item came out alike, Wilson's
            interval with clusters for trials, since no spread was seen and some must be allowed for.
        n_clusters: Clusters behind the error.
        faults: Questions without an answer.
        items: Score of every item, in the order asked.
    """

    suite: str
    digest: str
    language: str
    custody: str
    accuracy: float
    chance: float
    standard_error: float
    interval: Interval
    n_clusters: int
    faults: int
    items: tuple[ItemScore, ...]


@dataclass(frozen=True, slots=True)
class RunScore:
    """What a model got in one run.

    Args:
        model: How people call it.
        engine: What computed the answers.
        weights_digest: Digest of the weights that answered.
        suites: In the order of the run.
    """

    model: str
    engine: str
    weights_digest: str
    suites: tuple[SuiteScore, ...]

    @property
    def faults(self) -> int:
        """Questions without an answer, over all suites."""
        return sum(suite.faults for suite in self.suites)


def score_run(events: Sequence[Event], suites: Sequence[Suite] = (), *, level: float = 0.95) -> RunScore:
    """Return the scores of a finished run, after deriving its journal again.

    Args:
        events: The journal, from `parse_journal`.
        suites: The suites themselves, where at hand, for the check.
        level: Confidence of the intervals, in (0, 1).

    Raises:
        NotAllowed: The run is unfinished; a run publishes nothing until everything is scored.
        JournalInvalid: The journal contradicts itself, or is empty.
    """
    if not events:
        raise JournalInvalid("The journal is empty.")
    finding = check_run(events, suites)
    figures = finding.reason.figures
    if finding.verdict is Verdict.REFUTED:
        raise JournalInvalid(
            f"The journal contradicts itself: {figures['first']}.", problems=figures["problems"]
        )
    if finding.verdict is not Verdict.SUPPORTED:
        raise NotAllowed(
            f"The run is unfinished: {figures['scored']} of {figures['total']} questions are scored.",
            hint="Run the same command again; it asks only what is still open.",
        )
    first = events[0]
    rows = first["suites"]
    assert isinstance(rows, list)
    return RunScore(
        model=str(first["model"]),
        engine=str(first["engine"]),
        weights_digest=str(first["weights"]),
        suites=tuple(_suite_score(row, events, level) for row in rows if isinstance(row, dict)),
    )


def _suite_score(row: Event, events: Sequence[Event], level: float) -> SuiteScore:
    name = str(row["suite"])
    clusters: dict[str, str] = {}
    guesses: dict[str, float] = {}
    credits_of: dict[str, list[float]] = {}
    faults_of: dict[str, int] = {}
    for event in events[1:]:
        if event.get("suite") != name:
            continue
        item = key_of(event)[1]
        if event["event"] == "queued":
            lengths = event["option_bytes"]
            assert isinstance(lengths, list)
            clusters[item], guesses[item] = str(event["cluster"]), 1 / len(lengths)
        elif event["event"] == "scored":
            credits_of.setdefault(item, []).append(float(str(event["credit"])))
            faults_of[item] = faults_of.get(item, 0) + (event["fault"] is True)
    items = tuple(
        ItemScore(item, clusters[item], float(np.mean(earned)), faults_of[item])
        for item, earned in credits_of.items()
    )
    scores = np.array([item.credit for item in items])
    _, index = np.unique([item.cluster for item in items], return_inverse=True)
    n_clusters = int(index.max()) + 1
    accuracy, error = float(scores.mean()), clustered_standard_error(scores, index)
    return SuiteScore(
        suite=name,
        digest=str(row["digest"]),
        language=str(row["language"]),
        custody=str(row["custody"]),
        accuracy=accuracy,
        chance=float(np.mean(list(guesses.values()))),
        standard_error=error,
        interval=_interval(accuracy, error, n_clusters, level),
        n_clusters=n_clusters,
        faults=sum(item.faults for item in items),
        items=items,
    )


def _interval(accuracy: float, error: float, n_clusters: int, level: float) -> Interval:
    if accuracy in (0.0, 1.0):
        return wilson_interval(n_clusters if accuracy else 0, n_clusters, level)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return Interval(max(0.0, accuracy - half), min(1.0, accuracy + half), level)
