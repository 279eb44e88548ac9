"""An index, so that the events of one kind in a stage are found without reading the others."""

from __future__ import annotations

from alembic import op

revision, down_revision, branch_labels, depends_on = "0003", "0002", None, None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_events_stage_kind", "events", ["stage", "kind"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_events_stage_kind", "events")
