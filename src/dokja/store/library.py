"""The library of references: a folder of sketches with who owns each model and under which licence.

    library/
      index.json          canonical JSON: digest -> name, owner, licence, family, bytes
      <64 hex digits>.sketch

A sketch is named by the digest of its bytes, so adding one twice changes nothing, and a file that was changed behind
the library's back is refused when it is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from dokja.canonical import canonical_bytes, digest_bytes, parse_json
from dokja.errors import InvalidInput, UnreadableArtifact

_INDEX = "index.json"
_DIGITS = 64


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One reference of a library.

    Args:
        digest: Of the sketch's bytes.
        name: Of the model.
        owner: Who owns it; a lineage edge always names them.
        licence: Under which it may be used.
        family: Architecture family.
        bytes: Size of the sketch.
    """

    digest: str
    name: str
    owner: str
    licence: str
    family: str
    bytes: int


class Library:
    """Sketches in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self) -> tuple[LibraryEntry, ...]:
        """Return what the library holds, by name.

        Raises:
            UnreadableArtifact: The index is not what this library writes.
        """
        path = self._folder / _INDEX
        if not path.exists():
            return ()
        try:
            index = parse_json(path.read_bytes())
            rows = index["entries"] if isinstance(index, dict) else None
            if not isinstance(rows, list):
                raise UnreadableArtifact(f"{path} holds no list of entries.")
            entries = [LibraryEntry(**row) for row in rows if isinstance(row, dict)]  # type: ignore[arg-type]
        except (InvalidInput, KeyError, TypeError) as error:
            raise UnreadableArtifact(f"{path} is not the index of a library: {error}.") from error
        return tuple(sorted(entries, key=lambda entry: (entry.name, entry.digest)))

    def add(self, data: bytes, name: str, owner: str, licence: str, family: str) -> LibraryEntry:
        """Add a sketch's bytes; adding the same bytes again changes nothing.

        Args:
            data: The sketch's canonical bytes.
            name: Of the model.
            owner: Who owns it.
            licence: Under which it may be used.
            family: Architecture family.

        Raises:
            InvalidInput: No owner was said; a lineage edge could not name one.
        """
        if not owner:
            raise InvalidInput(
                f"Who owns {name}? A library keeps no reference without an owner.",
                hint="Say it with --owner; a lineage edge always names the reference's owner.",
            )
        entry = LibraryEntry(digest_bytes(data), name, owner, licence, family, len(data))
        self._folder.mkdir(parents=True, exist_ok=True)
        _write_whole(self._path(entry.digest), data)
        others = [old for old in self.entries() if old.digest != entry.digest]
        rows = [asdict(e) for e in sorted([*others, entry], key=lambda e: (e.name, e.digest))]
        _write_whole(self._folder / _INDEX, canonical_bytes({"version": 1, "entries": rows}))
        return entry

    def read(self, entry: LibraryEntry) -> bytes:
        """Return a sketch's bytes, checked against its digest.

        Raises:
            UnreadableArtifact: The file is missing, or is not what was added.
        """
        path = self._path(entry.digest)
        if not path.is_file():
            raise UnreadableArtifact(f"The library's sketch of {entry.name} is missing: {path}.")
        data = path.read_bytes()
        if digest_bytes(data) != entry.digest:
            raise UnreadableArtifact(
                f"The library's sketch of {entry.name} was changed after it was added: {path}."
            )
        return data

    def _path(self, digest: str) -> Path:
        hex_digits = digest.removeprefix("sha256:")
        if len(hex_digits) != _DIGITS or not all(c in "0123456789abcdef" for c in hex_digits):
            raise UnreadableArtifact(f"The library's index names a sketch by {digest!r}, which is no digest.")
        return self._folder / f"{hex_digits}.sketch"


def _write_whole(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
