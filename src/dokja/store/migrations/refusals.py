"""SQL by which the database itself refuses to change or lose what was recorded, for SQLite and PostgreSQL.

Part of the frozen migrations: a changed rule is a new migration that drops the old triggers and makes new ones.
"""

from __future__ import annotations

from collections.abc import Sequence

_SAY = "append-only: {table} rows are never {done}"

# On PostgreSQL triggers fire ALWAYS, so that a session that plays replica does not slip past them.
_PG_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF {condition} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN {result};
END $$"""
_PG_TRIGGER = "CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()"
_PG_ALWAYS = "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"
_SQLITE_TRIGGER = """
CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW WHEN {condition}
BEGIN SELECT RAISE(ABORT, '{message}'); END"""


def refuse(
    dialect: str, table: str, when: str, condition: str, message: str, *, each: str = "ROW"
) -> list[str]:
    """Return the statements that make a database refuse an operation.

    Args:
        dialect: `sqlite` or `postgresql`.
        table: Table it protects.
        when: INSERT, UPDATE, DELETE or TRUNCATE.
        condition: SQL over NEW and OLD that is true when the row is refused; the same text for both.
        message: What the error says, without quotes.
        each: ROW, or STATEMENT for TRUNCATE.
    """
    name = f"refuse_{when.lower()}_{table}"
    values = {
        "name": name,
        "table": table,
        "when": when,
        "condition": condition,
        "message": message,
        "each": each,
    }
    if dialect == "sqlite":
        return [_SQLITE_TRIGGER.format(**values)]
    values["result"] = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(when, "NEW")
    return [text.format(**values) for text in (_PG_FUNCTION, _PG_TRIGGER, _PG_ALWAYS)]


def append_only(
    dialect: str, table: str, unique: Sequence[str], *, placed: str = "", delete_unless: str = ""
) -> list[str]:
    """Return the statements that make a table append-only.

    INSERT is guarded too: SQLite's OR REPLACE deletes the old row without asking the DELETE trigger.

    Args:
        dialect: `sqlite` or `postgresql`.
        table: The table.
        unique: SQL conditions over the table's columns and NEW, one for each key that may not be taken over.
        placed: Condition over NEW that refuses a row out of place; empty for none.
        delete_unless: Condition over OLD under which a row may be deleted after all; empty for never.
    """
    taken = [f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in unique]  # noqa: S608  # of our own
    statements = refuse(dialect, table, "INSERT", " OR ".join([*taken, *([placed] if placed else [])]),
                        _SAY.format(table=table, done="replaced or put out of place"))  # fmt: skip
    statements += refuse(dialect, table, "UPDATE", "true", _SAY.format(table=table, done="changed"))
    allowed = f"NOT ({delete_unless})" if delete_unless else "true"
    statements += refuse(dialect, table, "DELETE", allowed, _SAY.format(table=table, done="deleted"))
    if dialect == "postgresql":
        message = _SAY.format(table=table, done="truncated")
        statements += refuse(dialect, table, "TRUNCATE", "true", message, each="STATEMENT")
    return statements


def forget(dialect: str, table: str) -> list[str]:
    """Return the statements that take a table's refusals away again, for going down a revision."""
    operations = ["INSERT", "UPDATE", "DELETE", *(["TRUNCATE"] if dialect == "postgresql" else [])]
    names = [f"refuse_{operation.lower()}_{table}" for operation in operations]
    if dialect == "sqlite":
        return [f"DROP TRIGGER {name}" for name in names]
    return [sql for name in names for sql in (f"DROP TRIGGER {name} ON {table}", f"DROP FUNCTION {name}()")]
