"""What recording one event costs as a stage grows, against a bare insert of the same bytes, committed to the disk.

A made stage is filled to 100, 1,000, 10,000 and 100,000 events. At each size, `with desk.stage(name) as stage:` holds
it and records one simulated mark at a time; beside it, in the same run, one row of the same bytes goes into an empty
SQLite table with the same settings (write-ahead log, `synchronous=FULL`), committed one at a time. Then the whole
command `dokja stage record` is run at that size: a process that starts, reads the history once, and records one event.
And an event that the rules refuse is tried, after which the stage in hand makes its history anew from what it holds.

    python benchmarks/recording.py [--events 100,1000,10000,100000] [--samples 200] [--work DIR]

Filling goes in batches; what is measured goes one by one. The aim: at most 5 ms of processor time at 100,000 events,
and as much at the end as at the start.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from made_office import MEASURED, SIMULATED, Size, make_desk, rulebook, weights_digest

from dokja.canonical import canonical_bytes
from dokja.errors import EventInvalid
from dokja.record.kinds.entry import TeamRegistered, WeightsSubmitted
from dokja.record.kinds.judging import RaterRegistered, UserRating
from dokja.workflows.desk import Desk
from dokja.workflows.stage import Draft, Stage

SEED = 20270110
SIZE = Size(teams=40, experts=10, users=4000, suites=2, items=10)
FILLED_AT_ONCE = 2000
COMMANDS = REFUSALS = 3

AIM_MS = 5.0


@dataclass(frozen=True)
class Cost:
    """What one event took, on average.

    Args:
        processor_ms: Processor time of this process and of the kernel for it.
        wall_ms: Wall-clock time, waiting for the disk included.
    """

    processor_ms: float
    wall_ms: float


def measured(do: Callable[[], object], times: int) -> Cost:
    """Return what something costs, done so many times."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        do()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return Cost(1000 * processor / times, 1000 * wall / times)


def drafts() -> Iterator[Draft]:
    """Yield what happens, one event at a time: teams, raters, and marks of users, never the same twice."""
    for team in SIZE.team_ids():
        yield Draft(TeamRegistered(team=team, name=team))
        yield Draft(WeightsSubmitted(team=team, weights=weights_digest(team), declaration={}))
    for number in range(SIZE.users):
        rater = f"users:{number:04d}"
        yield Draft(RaterRegistered(rater=rater, panel="users"))
        for place, team in enumerate(SIZE.team_ids()):
            score = float(1 + (number + place) % 5)
            yield Draft(
                UserRating(
                    rater=rater, team=team, criterion="users-c0", score=score, weights=weights_digest(team)
                )
            )


def fill(stage: Stage, coming: Iterator[Draft], size: int) -> None:
    """Let the stage grow to so many events."""
    while (missing := size - len(stage.events)) > 0:
        stage.record(SIMULATED, list(islice(coming, min(missing, FILLED_AT_ONCE))))


class Bare:
    """The physical limit: one table, one insert of the same bytes, one commit that reaches the disk."""

    def __init__(self, folder: Path, body: str) -> None:
        self.connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self.body = body
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.execute("CREATE TABLE bare (body TEXT NOT NULL)")

    def insert(self) -> None:
        """Insert and commit one row."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("INSERT INTO bare VALUES (?)", (self.body,))
        self.connection.execute("COMMIT")


def refused(stage: Stage) -> Cost:
    """Return what an event costs that the rules refuse: the mark recorded last, a second time."""
    again = Draft(stage.events[-1].payload)

    def attempt() -> None:
        with contextlib.suppress(EventInvalid):
            stage.record(SIMULATED, [again])
            raise SystemExit("a mark was recorded twice")

    return measured(attempt, REFUSALS)


def command(desk: Path, folder: Path, coming: Iterator[Draft]) -> Cost:
    """Return what one `dokja stage record` costs: a process of its own, from start to end."""
    wall = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(COMMANDS):
        draft = next(coming)
        said = folder / "payload.json"
        said.write_bytes(canonical_bytes(draft.payload.as_json()))
        words = ["stage", "record", draft.payload.kind, str(said), "--desk", str(desk), "--at", MEASURED]
        words += ["--by", SIMULATED.id]
        subprocess.run([sys.executable, "-m", "dokja", *words], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Cost(1000 * processor / COMMANDS, 1000 * (time.perf_counter() - wall) / COMMANDS)


def measure(desk: Desk, folder: Path, sizes: list[int], samples: int) -> list[dict[str, float]]:
    """Return one row per size."""
    coming, rows = drafts(), []
    for size in sizes:
        with desk.stage() as stage:
            fill(stage, coming, size)
            one_by_one = measured(lambda held=stage: held.record(SIMULATED, [next(coming)]), samples)
            body = canonical_bytes(stage.events[-1].as_json()).decode()
            again = refused(stage)
            bare = Bare(folder, body)
            limit = measured(bare.insert, samples)
            bare.connection.close()
            (folder / "bare.db").unlink()
            del stage
        whole = command(desk.folder, folder, coming)
        rows.append(
            {
                "events": size,
                "processor_ms": one_by_one.processor_ms,
                "wall_ms": one_by_one.wall_ms,
                "bare_processor_ms": limit.processor_ms,
                "bare_wall_ms": limit.wall_ms,
                "ratio_processor": one_by_one.processor_ms / limit.processor_ms,
                "ratio_wall": one_by_one.wall_ms / limit.wall_ms,
                "refused_processor_ms": again.processor_ms,
                "command_processor_ms": whole.processor_ms,
                "command_wall_ms": whole.wall_ms,
            }
        )
        print_row(rows[-1])
    return rows


HEADINGS = (
    f"{'events':>8s} {'CPU ms':>8s} {'wall ms':>8s} {'bare CPU':>9s} {'bare wall':>9s} "
    f"{'× CPU':>7s} {'× wall':>7s} {'refused CPU ms':>14s} {'command CPU ms':>15s} {'wall ms':>8s}"
)


def print_row(row: dict[str, float]) -> None:
    """Print one size."""
    print(
        f"{row['events']:8d} {row['processor_ms']:8.2f} {row['wall_ms']:8.2f} {row['bare_processor_ms']:9.3f} "
        f"{row['bare_wall_ms']:9.3f} {row['ratio_processor']:7.1f} {row['ratio_wall']:7.1f} "
        f"{row['refused_processor_ms']:14.1f} {row['command_processor_ms']:15.0f} {row['command_wall_ms']:8.0f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--events", default="100,1000,10000,100000")
    arguments.add_argument("--samples", type=int, default=200)
    arguments.add_argument("--work", type=Path, help="where the database lies; a temporary folder by default")
    chosen = arguments.parse_args()
    sizes = sorted(int(size) for size in chosen.events.split(","))
    print(
        f"made stage, seed {SEED}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {chosen.samples} events each"
    )
    print(HEADINGS)
    with (
        tempfile.TemporaryDirectory(dir=chosen.work) as folder,
        make_desk(Path(folder) / "desk", rulebook(SIZE), SEED) as desk,
    ):
        rows = measure(desk, Path(folder), sizes, chosen.samples)
    first, last = rows[0], rows[-1]
    summary = {
        "last_over_first": round(last["processor_ms"] / first["processor_ms"], 2),
        "processor_ms_at_the_end": round(last["processor_ms"], 2),
        "aim_ms": AIM_MS,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
