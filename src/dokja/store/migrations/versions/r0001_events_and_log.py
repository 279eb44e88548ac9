"""Events, keys, erasures, personal payloads, and the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dokja.errors import NotAllowed
from dokja.store.migrations.refusals import append_only, forget

revision, down_revision, branch_labels, depends_on = "0001", None, None, None

_PLACE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NO_NEXT_LEAF = (
    "NEW.place <> (SELECT COALESCE(MAX(place) + 1, 0) FROM leaves)"
    " OR NEW.kind NOT IN ('event', 'key', 'erasure') OR length(NEW.digest) <> 71"
)
_NO_LEAF = "NOT EXISTS (SELECT 1 FROM leaves WHERE leaves.place = NEW.place AND leaves.kind = '{kind}')"
_TABLES = ("leaves", "events", "key_statements", "erasures", "personal_payloads", "log_nodes", "checkpoints")


def upgrade() -> None:
    """Make the tables and their refusals."""
    _make_log()
    _make_events()
    dialect = op.get_bind().dialect.name
    for statement in _refusals(dialect):
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; refused while the log holds anything."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM leaves")):
        raise NotAllowed(
            "Going down from 0001 would lose recorded events.", hint="Make a backup and a new database."
        )
    dialect = op.get_bind().dialect.name
    for table in _TABLES:
        for statement in forget(dialect, table):
            op.execute(statement)
    for table in reversed(_TABLES):
        op.drop_table(table)


def _make_log() -> None:
    op.create_table(
        "leaves",
        sa.Column("place", _PLACE, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_leaves"),
        sa.UniqueConstraint("digest", name="uq_leaves_digest"),
        sa.CheckConstraint("kind IN ('event', 'key', 'erasure')", name="ck_leaves_kind"),
        sa.CheckConstraint("length(digest) = 71", name="ck_leaves_digest"),
    )
    op.create_table(
        "log_nodes",
        sa.Column("level", sa.Integer, autoincrement=False),
        sa.Column("position", _PLACE, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name="pk_log_nodes"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("number", _PLACE, autoincrement=False),
        sa.Column("size", _PLACE, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_checkpoints"),
        sa.UniqueConstraint("note", name="uq_checkpoints_note"),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("place", _PLACE, autoincrement=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("supersedes", sa.Text),
        sa.Column("personal", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("signature", sa.Text),
        sa.PrimaryKeyConstraint("place", name="pk_events"),
        sa.ForeignKeyConstraint(["place"], ["leaves.place"], name="fk_events_place"),
        sa.UniqueConstraint("stage", "id", name="uq_events_stage"),
        sa.UniqueConstraint("stage", "supersedes", name="uq_events_supersedes"),
        sa.ForeignKeyConstraint(
            ["stage", "supersedes"], ["events.stage", "events.id"], name="fk_events_supersedes"
        ),
    )
    op.create_table(
        "key_statements",
        sa.Column("place", _PLACE, autoincrement=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_key_statements"),
        sa.ForeignKeyConstraint(["place"], ["leaves.place"], name="fk_key_statements_place"),
    )
    op.create_table(
        "erasures",
        sa.Column("place", _PLACE, autoincrement=False),
        sa.Column("event_place", _PLACE, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_erasures"),
        sa.UniqueConstraint("event_place", name="uq_erasures_event_place"),
        sa.ForeignKeyConstraint(["place"], ["leaves.place"], name="fk_erasures_place"),
        sa.ForeignKeyConstraint(["event_place"], ["events.place"], name="fk_erasures_event_place"),
    )
    op.create_table(
        "personal_payloads",
        sa.Column("event_place", _PLACE, autoincrement=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event_place", name="pk_personal_payloads"),
        sa.ForeignKeyConstraint(["event_place"], ["events.place"], name="fk_personal_payloads_event_place"),
    )


def _refusals(dialect: str) -> list[str]:
    erased = "EXISTS (SELECT 1 FROM erasures WHERE erasures.event_place = {row}.event_place)"
    impersonal = (
        "NOT EXISTS (SELECT 1 FROM events WHERE events.place = NEW.event_place AND personal IS NOT NULL)"
    )
    same_event = "stage = NEW.stage AND (id = NEW.id OR supersedes = NEW.supersedes)"
    return [
        *append_only(dialect, "leaves", ["place = NEW.place", "digest = NEW.digest"], placed=_NO_NEXT_LEAF),
        *append_only(
            dialect, "events", ["place = NEW.place", same_event], placed=_NO_LEAF.format(kind="event")
        ),
        *append_only(dialect, "key_statements", ["place = NEW.place"], placed=_NO_LEAF.format(kind="key")),
        *append_only(
            dialect,
            "erasures",
            ["place = NEW.place", "event_place = NEW.event_place"],
            placed=f"{impersonal} OR {_NO_LEAF.format(kind='erasure')}",
        ),
        *append_only(
            dialect,
            "personal_payloads",
            ["event_place = NEW.event_place"],
            placed=f"{erased.format(row='NEW')} OR {impersonal}",
            delete_unless=erased.format(row="OLD"),
        ),
        *append_only(dialect, "log_nodes", ["level = NEW.level AND position = NEW.position"]),
        *append_only(dialect, "checkpoints", ["number = NEW.number", "note = NEW.note"]),
    ]
