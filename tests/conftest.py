"""Fixtures every test may use, and how properties draw their examples.

`make test` draws the same examples every time: what it says hangs on the code, not on luck. `make explore` draws at
random and longer; what it finds is written down as an `@example`, and from then on `make test` tries it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dokja.demo.fetch import fetch_real_model
from dokja.errors import Unavailable
from tests.store.postgres import Server, private_server

# A time limit per example would fail a test for a busy machine; the suite as a whole has its own.
settings.register_profile("same", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("explore", max_examples=1000, print_blob=True, deadline=None)
settings.load_profile("same")

CACHE = Path(__file__).parents[1] / ".cache" / "models"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with private_server() as server:
        yield server


@pytest.fixture(scope="session")
def real_model() -> Callable[[str], Path]:
    """Return where a real model lies; it is downloaded once into the checkout's cache."""

    def fetched(name: str) -> Path:
        try:
            return fetch_real_model(name, CACHE)
        except Unavailable as error:
            pytest.fail(f"This test needs the real model {name}. {error} {error.hint}", pytrace=False)

    return fetched
