"""Files by digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dokja.errors import NotAllowed
from dokja.store.migrations.refusals import append_only, forget

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None


def upgrade() -> None:
    """Make the table and its refusals."""
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_blobs"),
    )
    for statement in append_only(op.get_bind().dialect.name, "blobs", ["digest = NEW.digest"]):
        op.execute(statement)


def downgrade() -> None:
    """Drop the table; refused while it holds anything."""
    kept = op.get_bind().scalar(sa.text("SELECT count(*) FROM blobs"))
    if kept:
        raise NotAllowed(
            f"Going down from 0002 would lose {kept} files.", hint="Make a backup and a new database."
        )
    for statement in forget(op.get_bind().dialect.name, "blobs"):
        op.execute(statement)
    op.drop_table("blobs")
