"""Fixtures every test may use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dokja.demo.fetch import fetch_real_model
from dokja.errors import Unavailable

CACHE = Path(__file__).parents[1] / ".cache" / "models"


@pytest.fixture(scope="session")
def real_model() -> Callable[[str], Path]:
    """Return where a real model lies; it is downloaded once into the checkout's cache."""

    def fetched(name: str) -> Path:
        try:
            return fetch_real_model(name, CACHE)
        except Unavailable as error:
            pytest.fail(f"This test needs the real model {name}. {error} {error.hint}", pytrace=False)

    return fetched
