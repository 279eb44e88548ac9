"""Files by digest, in rows beside the events: one transaction, one backup, one move. Never weights.

A file is found by its digest alone and is checked against it whenever it is read.
"""

from __future__ import annotations

import sqlalchemy as sa

from dokja.canonical import digest_bytes
from dokja.errors import InvalidInput, StoreDamaged
from dokja.store.database import Database
from dokja.store.schema import BLOBS

MOST_BLOB_BYTES = 64 << 20


class Blobs:
    """The files of a store.

    Args:
        database: The store's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, data: bytes) -> str:
        """Keep a file and return its digest; the same file twice is kept once.

        Raises:
            InvalidInput: It is larger than 64 MiB.
        """
        if len(data) > MOST_BLOB_BYTES:
            raise InvalidInput(
                f"A file of {len(data)} bytes is too large for the store, which takes {MOST_BLOB_BYTES}.",
                hint="Publish it elsewhere and record its digest.",
            )
        digest = digest_bytes(data)
        with self._database.writing() as connection:
            if connection.execute(sa.select(BLOBS.c.digest).where(BLOBS.c.digest == digest)).first() is None:
                connection.execute(sa.insert(BLOBS).values(digest=digest, body=data))
        return digest

    def get(self, digest: str) -> bytes:
        """Return the file with this digest.

        Raises:
            InvalidInput: The store has no such file.
            StoreDamaged: Its bytes no longer have this digest.
        """
        with self._database.reading() as connection:
            found = connection.execute(sa.select(BLOBS.c.body).where(BLOBS.c.digest == digest)).scalar()
        if found is None:
            raise InvalidInput(f"The store has no file {digest}.")
        if digest_bytes(bytes(found)) != digest:
            raise StoreDamaged(f"The file kept under {digest} has other bytes now.")
        return bytes(found)
