"""Writers and servers are killed at random moments; nothing acknowledged is lost and nothing is half-written.

A few dozen kills here; `studies/kill9.py` does hundreds and its result is committed.
"""

import time

from dokja.store.events import Store
from tests.store.killing import Outcome, Writers
from tests.store.postgres import Server


def require_unharmed(outcome: Outcome) -> None:
    assert (outcome.lost, outcome.torn) == (0, 0), outcome
    assert outcome.acknowledged > 0
    assert outcome.unreported <= outcome.kills


def test_writers_killed_together_lose_nothing_they_reported(url: str) -> None:
    Store(url, create=True).close()
    writers = Writers(url, seed=9)
    for _ in range(5):
        writers.kill_some(together=3, longest_seconds=0.15)
    outcome = writers.outcome()
    assert outcome.kills == 15
    require_unharmed(outcome)


def test_a_killed_server_loses_nothing_it_acknowledged(postgres: Server) -> None:
    url = postgres.fresh_database()
    Store(url, create=True).close()
    writers = Writers(url, seed=10)
    for _ in range(2):
        running = [writers.start() for _ in range(2)]
        time.sleep(writers.random.uniform(0.02, 0.3))
        postgres.kill()
        writers.kills += 1
        for writer in running:
            writers.collect(*writer)
        postgres.start()
    outcome = writers.outcome()
    assert (outcome.lost, outcome.torn) == (0, 0), outcome
    assert outcome.acknowledged > 0
    assert outcome.unreported <= writers.started
