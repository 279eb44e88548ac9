"""Evidence handed in beside an objection or an allegation: named by its digest, kept so that those who hear it can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON, digest_bytes
from dokja.errors import InvalidInput
from dokja.store.events import Store

MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """One file handed in."""

    name: str
    data: bytes

    def as_json(self) -> dict[str, JSON]:
        """Return how an event names it: by its name and digest."""
        return {"name": self.name, "digest": digest_bytes(self.data)}


def read_evidence(paths: Sequence[Path]) -> tuple[EvidenceFile, ...]:
    """Return files to be handed in as evidence.

    Raises:
        InvalidInput: One cannot be read, or together they are larger than 32 MiB.
    """
    files, left = [], MOST_BYTES
    for path in paths:
        try:
            with path.open("rb") as file:
                data = file.read(left + 1)
        except OSError as error:
            raise InvalidInput(f"The evidence {path.name!r} cannot be read: {error.strerror}.") from error
        left -= len(data)
        if left < 0:
            raise InvalidInput(
                "The evidence is larger than 32 MiB.", hint="Hand in what shows the point, not the weights."
            )
        files.append(EvidenceFile(path.name, data))
    return tuple(files)


def keep_evidence(store: Store, files: Sequence[EvidenceFile]) -> None:
    """Keep files in the store, under their digests."""
    for file in files:
        store.blobs.put(file.data)


def read_statement_text(path: Path) -> str:
    """Return the words of a text file.

    Raises:
        InvalidInput: It cannot be read, is no UTF-8 text, or says nothing.
    """
    try:
        with path.open("rb") as file:
            data = file.read(1 << 20)
        text = data.decode("utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"The text {path.name!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name!r} is not a UTF-8 text of at most 1 MiB.") from error
    if not text:
        raise InvalidInput(f"{path.name!r} says nothing.")
    return text
