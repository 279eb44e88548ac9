"""Both databases: every test of the store runs on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dokja.store.events import Store
from tests.store.postgres import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.fresh_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, create=True)
    yield opened
    opened.close()
