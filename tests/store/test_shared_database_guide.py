"""The guide's own SQL, run: the role that records can record and erase, and cannot take the protection away."""

import re
from pathlib import Path

import psycopg
import pytest

from dokja.errors import NotAllowed
from dokja.store.database import migrate_database
from dokja.store.events import Store
from dokja.store.integrity import recompute
from dokja.store.proposals import Waiting
from tests.store.made import AT, LOG_KEY, ORIGIN, event, first_key, person
from tests.store.postgres import Server

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "shared-database.md"


def test_the_role_of_the_guide_records_and_cannot_unprotect(postgres: Server) -> None:
    url = postgres.fresh_database()
    migrate_database(url)
    roles, grants = re.findall(r"```sql\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    with psycopg.connect(url, autocommit=True) as owner:
        for line in roles.splitlines():
            if line.startswith("CREATE ROLE"):
                owner.execute(line)
        for line in grants.splitlines():
            if not line.startswith("\\c"):
                owner.execute(line)

    office = url.replace("postgres@", "dokja_office@")
    store = Store(office)
    store.add_key_statement(first_key())
    personal = person()
    store.append(event(1, personal=personal.digest()), personal=personal)
    erased = store.erase("stage-1", "e1", by="office", at=AT, reason="asked")
    assert not erased.overwritten
    store.proposals.put(Waiting("sha256:1", "stage-1", "event", {}))
    assert not store.proposals.discard("sha256:1")
    with pytest.raises(NotAllowed, match="asked"):
        store.personal_payload("stage-1", "e1")
    store.checkpoint(ORIGIN, LOG_KEY)
    store.blobs.put(b"minutes")
    with store.database.reading() as connection:
        assert recompute(connection).size == 3
    store.close()

    with psycopg.connect(office, autocommit=True) as raw:
        for attack in (
            "DROP TRIGGER refuse_update_events ON events",
            "ALTER TABLE events DISABLE TRIGGER ALL",
            "UPDATE events SET body = ''",
            "TRUNCATE events CASCADE",
            "SET session_replication_role = replica",
            "CREATE OR REPLACE FUNCTION refuse_update_events() RETURNS trigger LANGUAGE sql AS ''",
            "DROP TABLE checkpoints",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                raw.execute(attack)
    as_owner = Store(url)
    assert as_owner.database.overwrite_deleted()
    as_owner.close()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("DROP OWNED BY dokja_office; DROP ROLE dokja_office, dokja_owner")
