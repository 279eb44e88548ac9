"""Kill writers and servers hundreds of times at random moments and count what was lost.

    python -m studies.kill9 --writers 300 --servers 30 --seed 1 --out studies/results/kill9.json

Writers on SQLite and on PostgreSQL are ended with SIGKILL; then PostgreSQL servers are, all processes at once, while two
writers write. The PostgreSQL server waits for the disk (`fsync=on`). A killed process is not a power cut: what the kernel
had taken stays taken, so this study says nothing about disks that lie.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.store.killing import Outcome, Writers
from tests.store.postgres import Server, private_server

from dokja.store.events import Store

_KILLS_PER_DATABASE = 60


def kill_writers(url: str, kills: int, seed: int) -> Outcome:
    """Return what kills of writers on one database showed, three at a time."""
    Store(url, create=True).close()
    writers = Writers(url, seed)
    while writers.kills < kills:
        writers.kill_some(together=3, longest_seconds=0.15)
    return writers.outcome()


def kill_servers(server: Server, kills: int, seed: int) -> Outcome:
    """Return what kills of the whole server showed, while two writers write."""
    url = server.fresh_database()
    Store(url, create=True).close()
    writers = Writers(url, seed)
    for _ in range(kills):
        running = [writers.start() for _ in range(2)]
        time.sleep(writers.random.uniform(0.0, 0.4))
        server.kill()
        writers.kills += 1
        for writer in running:
            writers.collect(*writer)
        server.start()
    return writers.outcome()


def total(outcomes: list[Outcome]) -> dict[str, int]:
    """Return the sums over several databases."""
    return {name: sum(asdict(outcome)[name] for outcome in outcomes) for name in asdict(outcomes[0])}


def main() -> int:
    """Run the study; exit 1 when anything acknowledged was lost or anything is half-written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=300, help="kills of writers, on each database")
    parser.add_argument("--servers", type=int, default=30, help="kills of the PostgreSQL server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    parts = [
        min(_KILLS_PER_DATABASE, options.writers - done)
        for done in range(0, options.writers, _KILLS_PER_DATABASE)
    ]
    seeds = range(options.seed * 1000, options.seed * 1000 + len(parts))
    with tempfile.TemporaryDirectory() as folder, private_server(durable=True) as server:
        on_sqlite = [
            kill_writers(f"sqlite:///{folder}/{seed}.db", kills, seed)
            for seed, kills in zip(seeds, parts, strict=True)
        ]
        on_postgres = [
            kill_writers(server.fresh_database(), kills, seed)
            for seed, kills in zip(seeds, parts, strict=True)
        ]
        of_server = kill_servers(server, options.servers, options.seed)
    result = {
        "command": f"python -m studies.kill9 --writers {options.writers} --servers {options.servers} --seed {options.seed}",
        "sqlite_writers_killed": total(on_sqlite),
        "postgresql_writers_killed": total(on_postgres),
        "postgresql_server_killed": asdict(of_server),
        "sqlite": sqlite3.sqlite_version,
        "python": platform.python_version(),
        "seconds": round(time.monotonic() - began),
    }
    text = json.dumps(result, indent=2) + "\n"
    sys.stdout.write(text)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)
    outcomes = (*on_sqlite, *on_postgres, of_server)
    return int(any(outcome.lost or outcome.torn for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
