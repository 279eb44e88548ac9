"""Writers that are killed with SIGKILL at random moments, and what must be true of the store afterwards.

A writer records batches of one to three events, some with a personal payload, and says so on a pipe only after the store
returned. Whatever it said must be there; a batch it did not live to report is there whole or not at all.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import time
from collections import Counter
from dataclasses import dataclass

from dokja.errors import DatabaseUnavailable
from dokja.record.events import PersonalPayload
from dokja.store.events import Store
from dokja.store.integrity import recompute
from dokja.store.recording import StoredEvent
from tests.store.made import event

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.store.killing"])


@dataclass(frozen=True)
class Outcome:
    """What a run of kills showed.

    Args:
        kills: Number of SIGKILLs.
        acknowledged: Batches reported by the writers.
        lost: Of those, batches not in the store.
        unreported: Batches in the store that nobody lived to report.
        torn: Batches of which only a part is in the store.
    """

    kills: int
    acknowledged: int
    lost: int
    unreported: int
    torn: int


def batch_sizes(writer: int) -> random.Random:
    """Return the generator of a writer's batch sizes, the same for whoever checks them."""
    return random.Random(writer)


class Writers:
    """Writers that are started, killed, and asked what they reported."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.random = random.Random(seed)
        self.reported: list[tuple[int, int]] = []
        self.started = 0
        self.kills = 0

    def kill_some(self, together: int, longest_seconds: float) -> None:
        """Start some writers at once and kill each at a random moment of its own."""
        writers = [self.start() for _ in range(together)]
        ends = sorted(
            (time.monotonic() + self.random.uniform(0, longest_seconds), n) for n in range(together)
        )
        for end, number in ends:
            time.sleep(max(0.0, end - time.monotonic()))
            writers[number][0].kill()
            self.kills += 1
        for writer in writers:
            self.collect(*writer)

    def start(self) -> tuple[multiprocessing.Process, int]:
        """Start a writer and wait until it has opened the store."""
        reading, writing = os.pipe()
        process = _CONTEXT.Process(target=_write, args=(self.url, self.started, _passed(writing)))
        process.start()
        os.close(writing)
        self.started += 1
        assert os.read(reading, 1) == b"r", "a writer could not open the store"
        return process, reading

    def collect(self, process: multiprocessing.Process, reading: int) -> None:
        """Wait for the end of a killed writer and note what it reported."""
        process.join()
        with os.fdopen(reading) as reports:
            whole = [line for line in reports if line.endswith("\n")]
        self.reported += [(int(writer), int(batch)) for writer, batch in (line.split() for line in whole)]

    def outcome(self) -> Outcome:
        """Check the store and return what the kills showed."""
        store = Store(self.url)
        with store.database.reading() as connection:
            recompute(connection)
        found = Counter((int(w), int(b)) for w, b, _ in (e.id.split("-") for e in store.events("stage-1")))
        store.close()
        sizes = {}
        for writer in range(self.started):
            draws = batch_sizes(writer)
            sizes |= {
                (writer, batch): draws.randint(1, 3)
                for batch in range(max((b for w, b in found if w == writer), default=-1) + 1)
            }
        return Outcome(
            kills=self.kills,
            acknowledged=len(self.reported),
            lost=sum(batch not in found for batch in self.reported),
            unreported=len(set(found) - set(self.reported)),
            torn=sum(count != sizes[batch] for batch, count in found.items()),
        )


def _passed(descriptor: int) -> object:
    from multiprocessing.reduction import DupFd

    return DupFd(descriptor)


def _write(url: str, writer: int, passed: object) -> None:
    pipe = passed.detach()  # type: ignore[attr-defined]
    sizes = batch_sizes(writer)
    with contextlib.suppress(DatabaseUnavailable):
        store = Store(url)
        os.write(pipe, b"r")
        for batch in range(1_000_000):
            store.append_all([_entry(writer, batch, n) for n in range(sizes.randint(1, 3))])
            os.write(pipe, b"%d %d\n" % (writer, batch))


def _entry(writer: int, batch: int, number: int) -> StoredEvent:
    person = PersonalPayload(os.urandom(16), {"name": f"writer {writer}"}) if number == 0 else None
    made = event(0, id=f"{writer}-{batch}-{number}", personal=person.digest() if person else None)
    return StoredEvent(made, person)
