"""The tables, one schema for SQLite and PostgreSQL. `migrations` makes them; a test holds the two together.

    leaves              the transparency log: place, what lies there, its digest
    ├── events          what happened, as canonical JSON; never changed, never deleted
    ├── key_statements  enrolments, rotations and revocations of signing keys
    └── erasures        that a personal payload was removed: of which event, by whom, when, why
    personal_payloads   what identifies a person, under a salt; the one thing that can be erased, in one way
    log_nodes           perfect subtrees of the log's Merkle tree
    checkpoints         every state of the log that was signed
    blobs               files by digest: reports, declarations, evidence (never weights)
    proposals           what waits for signatures: a decision, or an event somebody else is to sign

The database itself refuses every UPDATE, DELETE, TRUNCATE and REPLACE of these rows, and a leaf anywhere but at the end.
A personal payload may be deleted only after its erasure is recorded, and may then not come back. An event that waits in
`proposals` may be deleted: once it is recorded, or when nobody is to sign it any more.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0004"
"""The revision of `migrations` that makes the tables below."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

# SQLite keeps a table by its integer key only where the type is spelt INTEGER.
_PLACE = BigInteger().with_variant(Integer(), "sqlite")

LEAVES = Table(
    "leaves",
    METADATA,
    Column("place", _PLACE, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    CheckConstraint("kind IN ('event', 'key', 'erasure')", name="kind"),
    CheckConstraint("length(digest) = 71", name="digest"),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("place", _PLACE, ForeignKey("leaves.place"), primary_key=True, autoincrement=False),
    Column("stage", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("supersedes", Text),
    Column("personal", Text),
    Column("body", Text, nullable=False),
    Column("signature", Text),
    UniqueConstraint("stage", "id"),
    UniqueConstraint("stage", "supersedes", name="uq_events_supersedes"),
    ForeignKeyConstraint(["stage", "supersedes"], ["events.stage", "events.id"], name="fk_events_supersedes"),
    Index("ix_events_stage_kind", "stage", "kind"),
    Index("ix_events_stage_place", "stage", "place"),
)

KEY_STATEMENTS = Table(
    "key_statements",
    METADATA,
    Column("place", _PLACE, ForeignKey("leaves.place"), primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

ERASURES = Table(
    "erasures",
    METADATA,
    Column("place", _PLACE, ForeignKey("leaves.place"), primary_key=True, autoincrement=False),
    Column("event_place", _PLACE, ForeignKey("events.place"), nullable=False, unique=True),
    Column("body", Text, nullable=False),
)

PERSONAL_PAYLOADS = Table(
    "personal_payloads",
    METADATA,
    Column("event_place", _PLACE, ForeignKey("events.place"), primary_key=True, autoincrement=False),
    Column("salt", Text, nullable=False),
    Column("body", Text, nullable=False),
)

LOG_NODES = Table(
    "log_nodes",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", _PLACE, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("number", _PLACE, primary_key=True, autoincrement=False),
    Column("size", _PLACE, nullable=False),
    Column("note", Text, nullable=False, unique=True),
)

BLOBS = Table(
    "blobs",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

PROPOSALS = Table(
    "proposals",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("stage", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    CheckConstraint("kind IN ('decision', 'event')", name="kind"),
)

TABLES: tuple[Table, ...] = (
    LEAVES,
    EVENTS,
    KEY_STATEMENTS,
    ERASURES,
    PERSONAL_PAYLOADS,
    LOG_NODES,
    CHECKPOINTS,
    BLOBS,
    PROPOSALS,
)
"""In an order in which rows can be copied: what is named comes before what names it."""
