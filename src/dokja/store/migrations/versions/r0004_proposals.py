"""What waits for signatures, and an index by which a stage's newest events are found without reading the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dokja.errors import NotAllowed
from dokja.store.migrations.refusals import append_only, forget

revision, down_revision, branch_labels, depends_on = "0004", "0003", None, None

# A decision may have been signed and is read from its proposal for ever; an event that waits is recorded or given up.
_MAY_GO = "OLD.kind = 'event'"


def upgrade() -> None:
    """Make the table, its refusals and the index."""
    op.create_table(
        "proposals",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_proposals"),
        sa.CheckConstraint("kind IN ('decision', 'event')", name="ck_proposals_kind"),
    )
    op.create_index("ix_events_stage_place", "events", ["stage", "place"])
    dialect = op.get_bind().dialect.name
    for statement in append_only(dialect, "proposals", ["digest = NEW.digest"], delete_unless=_MAY_GO):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table and the index; refused while it holds anything."""
    kept = op.get_bind().scalar(sa.text("SELECT count(*) FROM proposals"))
    if kept:
        raise NotAllowed(
            f"Going down from 0004 would lose {kept} rows of proposals.",
            hint="Make a backup and a new database.",
        )
    op.drop_index("ix_events_stage_place", "events")
    for statement in forget(op.get_bind().dialect.name, "proposals"):
        op.execute(statement)
    op.drop_table("proposals")
