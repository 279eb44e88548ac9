"""Run suites on a local model into a journal that survives a crash, and score the journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dokja.benchmark.consistency import check_run
from dokja.benchmark.engine import Engine
from dokja.benchmark.journal import Event, parse_journal, render_event
from dokja.benchmark.runner import DEFAULT_ATTEMPTS, run
from dokja.benchmark.score import RunScore, score_run
from dokja.benchmark.suite import Suite, parse_suite
from dokja.errors import InvalidInput, NotAllowed, SuiteInvalid
from dokja.finding import Finding
from dokja.progress import Progress, unheard

_LARGEST_SUITE_BYTES = 64 << 20


def read_suite(path: Path) -> Suite:
    """Return the suite of a file.

    Raises:
        InvalidInput: No such file.
        SuiteInvalid: With every mistake in it, by line and field.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no suite file {str(path)!r}.")
    if path.stat().st_size > _LARGEST_SUITE_BYTES:
        raise SuiteInvalid(f"{path.name} is larger than {_LARGEST_SUITE_BYTES >> 20} MiB.", mistakes=[])
    try:
        return parse_suite(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise SuiteInvalid(f"{path.name} is not UTF-8.", mistakes=[]) from error


def run_benchmark(
    engine: Engine,
    suites: Sequence[Suite],
    output: Path,
    *,
    model: str,
    attempts: int = DEFAULT_ATTEMPTS,
    progress: Progress = unheard,
) -> RunScore:
    """Ask a model every question of the suites, writing a journal, and return the scores.

    A journal that is already there is resumed: what it says was answered is not asked again. Every event is on disk
    before the next begins.

    Args:
        engine: The model that answers; see `dokja.compute.local_engine.LocalEngine.load`.
        suites: What it is asked.
        output: The journal, created or resumed.
        model: How people call the model; it goes into the journal.
        attempts: Attempts at a question before it counts as a fault.
        progress: Told of the model, questions scored, and their total.

    Raises:
        InvalidInput: Suites that cannot be run.
        JournalInvalid: The file there is no journal, or contradicts itself.
        NotAllowed: The journal there belongs to another run, or is being written by someone else.
    """
    past = _resume(output)
    total = sum(len(suite.items) * suite.repeats for suite in suites)
    done = sum(event["event"] == "scored" for event in past)
    events = list(past)
    with output.open("ab") as file:
        _lock(file.fileno(), output)
        for event in run(engine, suites, past, model=model, attempts=attempts):
            file.write(render_event(event))
            file.flush()
            os.fsync(file.fileno())
            events.append(event)
            if event["event"] == "scored":
                done += 1
                progress(model, done, total)
    return score_run(events, suites)


def _resume(output: Path) -> list[Event]:
    """Return the events already written, and cut off a last line that never got its end."""
    if not output.exists():
        return []
    events, end = parse_journal(output.read_bytes(), output.name)
    with output.open("r+b") as file:
        file.truncate(end)
    return events


def _lock(descriptor: int, output: Path) -> None:
    """Hold the file for ourselves, so that two runs never write one journal."""
    try:
        import fcntl
    except ImportError:  # Windows has no advisory locks of this kind
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise NotAllowed(
            f"{output.name} is being written by another process.",
            hint="Wait for it, or write to another file.",
        ) from error


def read_journal(path: Path) -> list[Event]:
    """Return the events of a journal file.

    Raises:
        InvalidInput: No such file, or nothing in it.
        JournalInvalid: A full line is not an event.
    """
    if not path.is_file():
        raise InvalidInput(f"There is no journal {str(path)!r}.")
    events, _ = parse_journal(path.read_bytes(), path.name)
    if not events:
        raise InvalidInput(f"{path.name} has no full line; the run it belongs to never began.")
    return events


def score_journal(path: Path, suites: Sequence[Suite] = ()) -> tuple[RunScore, Finding]:
    """Return the scores of a finished journal and the finding that it adds up.

    Raises:
        NotAllowed: The run is unfinished.
        JournalInvalid: The journal contradicts itself, or the suites given.
    """
    events = read_journal(path)
    return score_run(events, suites), check_run(events, suites)
