"""Run by Alembic: applies revisions on the connection it is given, in that connection's transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

_connection: Connection = context.config.attributes["connection"]
context.configure(connection=_connection, transactional_ddl=True, transaction_per_migration=False)
context.run_migrations()
