"""A run as a sequence of events: what to ask next follows from what the journal already says.

The runner does no input or output. Whoever drives it writes each event down before asking for the next, so that
after a crash only the question in flight is asked again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from dokja.benchmark.engine import Engine
from dokja.benchmark.journal import Event, Key, RunChoice, choose, key_of, opened
from dokja.benchmark.suite import Item, Suite
from dokja.canonical import JSON
from dokja.errors import DokjaError, InvalidInput, NotAllowed, UnreadableArtifact

DEFAULT_ATTEMPTS = 2


def run(
    engine: Engine,
    suites: Sequence[Suite],
    past: Sequence[Event] = (),
    *,
    model: str = "",
    attempts: int = DEFAULT_ATTEMPTS,
) -> Iterator[Event]:
    """Yield the events that a journal still lacks, in the order to write them.

    Args:
        engine: The model that answers.
        suites: What it is asked; names differ.
        past: Events already in the journal; empty for a new run.
        model: How people call the model.
        attempts: Attempts at a question before it counts as a fault, which scores 0.

    Raises:
        InvalidInput: No suites, two of one name, or no attempt.
        NotAllowed: The journal is of another model, engine or suites.
    """
    if not suites or len({suite.name for suite in suites}) != len(suites):
        raise InvalidInput("A run needs suites, each under its own name.")
    if attempts < 1:
        raise InvalidInput("A question is asked at least once.")
    first = opened(model, engine.name, engine.weights_digest, suites, attempts)
    _require_same(first, past)
    if not past:
        yield first
    done = _Progress(past)
    for suite in suites:
        for item in suite.items:
            for repeat in range(suite.repeats):
                yield from _one(engine, suite, item, repeat, attempts, done)
    if not done.closed:
        yield {"event": "closed", "scored": len(done.scored), "faults": done.faults}


class _Progress:
    """What a journal says is done."""

    def __init__(self, past: Sequence[Event]) -> None:
        self.queued: set[Key] = set()
        self.answered: dict[Key, list[float]] = {}
        self.failures: dict[Key, int] = {}
        self.scored: set[Key] = set()
        self.faults = 0
        self.closed = False
        for event in past:
            self.add(event)

    def add(self, event: Event) -> Event:
        """Take note of an event and return it."""
        kind = event["event"]
        if kind == "closed":
            self.closed = True
        elif kind == "queued":
            self.queued.add(key_of(event))
        elif kind == "answered":
            values = event["log_likelihoods"]
            assert isinstance(values, list)
            self.answered[key_of(event)] = [float(str(value)) for value in values]
        elif kind == "failed":
            self.failures[key_of(event)] = self.failures.get(key_of(event), 0) + 1
        elif kind == "scored":
            self.scored.add(key_of(event))
            self.faults += event["fault"] is True
        return event


def _require_same(first: Event, past: Sequence[Event]) -> None:
    if past and past[0] != first:
        differing = sorted(key for key in first if first[key] != past[0].get(key))
        raise NotAllowed(
            f"This journal belongs to another run: it differs in {', '.join(differing)}.",
            hint="Write to a new file, or give the same model and suites to resume.",
        )


def _one(
    engine: Engine, suite: Suite, item: Item, repeat: int, attempts: int, done: _Progress
) -> Iterator[Event]:
    """Yield what one question still lacks."""
    key: Key = (suite.name, item.id, repeat)
    if key in done.scored:
        return
    question: dict[str, JSON] = {"suite": suite.name, "item": item.id, "repeat": repeat}
    prompt, options = suite.asked(item)
    lengths = [len(option.encode()) for option in options]
    if key not in done.queued:
        asked: dict[str, JSON] = {"cluster": item.cluster, "answer": item.answer, "option_bytes": [*lengths]}
        yield done.add({"event": "queued", **question, **asked})
    while key not in done.answered and done.failures.get(key, 0) < attempts:
        attempt = done.failures.get(key, 0) + 1
        yield done.add({**_ask(engine, prompt, options, attempt), **question})
    fault = key not in done.answered
    choice = RunChoice((), 0.0) if fault else choose(done.answered[key], lengths, suite.scorer, item.answer)
    score: dict[str, JSON] = {"chosen": [*choice.options], "credit": choice.credit, "fault": fault}
    yield done.add({"event": "scored", **question, **score})


def _ask(engine: Engine, prompt: str, options: Sequence[str], attempt: int) -> Event:
    """Return an answer, or the failure to get one."""
    try:
        values = engine.loglikelihoods(prompt, options)
        if len(values) != len(options) or not all(math.isfinite(value) for value in values):
            raise UnreadableArtifact(f"{len(options)} options were asked and {values!r} answered.")
    except DokjaError as error:
        return {"event": "failed", "attempt": attempt, "code": error.code, "message": error.message}
    return {"event": "answered", "log_likelihoods": [float(value) for value in values]}
