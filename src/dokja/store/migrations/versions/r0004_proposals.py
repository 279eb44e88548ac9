"""What waits for signatures, and an index by which a stage's newest events are found without reading the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dokja.errors import NotAllowed
from dokja.store.migrations.refusals import append_only, forget

revision, down_revision, branch_labels, depends_on = "0004", "0003", None, None

_UNIQUE = {
    "proposals": ["digest = NEW.digest"],
    "waiting_signatures": ["digest = NEW.digest AND signer = NEW.signer"],
}


def upgrade() -> None:
    """Make the tables, their refusals and the index."""
    op.create_table(
        "proposals",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_proposals"),
        sa.CheckConstraint("kind IN ('decision', 'event')", name="ck_proposals_kind"),
    )
    op.create_table(
        "waiting_signatures",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("signer", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", "signer", name="pk_waiting_signatures"),
        sa.ForeignKeyConstraint(["digest"], ["proposals.digest"], name="fk_waiting_signatures_digest"),
    )
    op.create_index("ix_events_stage_place", "events", ["stage", "place"])
    for table, unique in _UNIQUE.items():
        for statement in append_only(op.get_bind().dialect.name, table, unique):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables and the index; refused while they hold anything."""
    for table in _UNIQUE:
        kept = op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # names of our own
        if kept:
            raise NotAllowed(
                f"Going down from 0004 would lose {kept} rows of {table}.",
                hint="Make a backup and a new database.",
            )
    op.drop_index("ix_events_stage_place", "events")
    for table in reversed(_UNIQUE):
        for statement in forget(op.get_bind().dialect.name, table):
            op.execute(statement)
        op.drop_table(table)
