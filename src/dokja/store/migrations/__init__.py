"""Versions of the tables, up and down with data in them.

A migration is frozen once released: it holds its own SQL and imports nothing of the rest of the store.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection


def migrate(connection: Connection, revision: str = "head", *, down: bool = False) -> None:
    """Bring a database to a revision inside the connection's transaction: all of it or nothing.

    Args:
        connection: A connection on which DDL is allowed, in a transaction.
        revision: A revision's name, `head`, or, going down, `base`.
        down: Whether to go back to that revision; refused where rows would be lost.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)
