"""Where the files of one model lie: a folder on disk, or one behind a server."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from pathlib import Path

from dokja.canonical import JSON, parse_json
from dokja.checkpoint.bytesource import ByteSource, LocalFile
from dokja.checkpoint.checkpoint import Threat
from dokja.checkpoint.limits import Limits, unreadable
from dokja.errors import InvalidInput

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+=-]{0,254}")
_MOST_LISTED = 10_000


def require_file_name(name: object, where: str) -> str:
    """Return a file name that is nothing but a name: no folder, no climbing, no hidden file.

    Raises:
        UnreadableArtifact: It is anything else.
    """
    if not isinstance(name, str) or not _PLAIN_NAME.fullmatch(name):
        raise unreadable(where, f"it names the file {ascii(name)[:80]}, which is no plain file name")
    return name


class Folder(ABC):
    """The files lying beside each other under one address."""

    name: str

    @abstractmethod
    def names(self) -> list[str] | None:
        """Return the plain file names in it, sorted; None where a server does not list them."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Return whether there is such a file."""

    @abstractmethod
    def open(self, name: str) -> ByteSource:
        """Open a file.

        Raises:
            InvalidInput: There is none.
            UnreadableArtifact: It is a link that leaves the folder.
        """

    def threats(self) -> list[Threat]:
        """Return what in the folder itself a careless reader should fear."""
        return []

    def read_text(self, name: str, limits: Limits) -> str:
        """Return a text file, bounded by `limits.json_bytes`.

        Raises:
            UnreadableArtifact: Too large, or no UTF-8.
        """
        file = self.open(name)
        try:
            if file.size > limits.json_bytes:
                raise unreadable(
                    name, f"its {file.size} bytes are more than the {limits.json_bytes} that are read"
                )
            return file.read(0, file.size).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise unreadable(name, "it is no UTF-8 text") from error
        finally:
            file.close()

    def read_json(self, name: str, limits: Limits) -> dict[str, JSON]:
        """Return a JSON object, bounded and strict.

        Raises:
            UnreadableArtifact: Too large, no JSON that reads in one way, or no object.
        """
        text = self.read_text(name, limits)
        try:
            value = parse_json(text)
        except InvalidInput as error:
            raise unreadable(name, f"it cannot be read ({error})") from error
        if not isinstance(value, dict):
            raise unreadable(name, "it is no JSON object")
        return value


class LocalFolder(Folder):
    """A folder on disk. Links that leave it are reported and never followed."""

    def __init__(self, path: Path, named: str = "") -> None:
        """Take a folder.

        Args:
            path: An existing folder.
            named: A file the person named; it may be a link to anywhere.
        """
        self.path = path
        self._named = named
        self.name = str(path)
        # A Hugging Face cache keeps revisions as links into the blobs beside them: those links are its own.
        self._roots = [path.resolve()]
        if path.resolve().parent.name == "snapshots":
            self._roots.append(path.resolve().parent.parent / "blobs")

    def names(self) -> list[str]:
        try:
            found = [entry.name for entry in itertools.islice(self.path.iterdir(), _MOST_LISTED + 1)]
        except OSError as error:
            raise InvalidInput(
                f"The folder {self.path} cannot be listed: {error.strerror or error}.",
                hint="Check that it is still there and that you may read it.",
            ) from error
        if len(found) > _MOST_LISTED:
            raise InvalidInput(
                f"{self.path} holds more than {_MOST_LISTED} files; name the model file itself."
            )
        return sorted(found)

    def has(self, name: str) -> bool:
        return (self.path / name).is_file() or (self.path / name).is_symlink()

    def open(self, name: str) -> ByteSource:
        path = self.path / name
        if self._leaves(path):
            raise unreadable(name, "it is a link that leaves the model's folder")
        return LocalFile(path)

    def threats(self) -> list[Threat]:
        return [
            Threat("symlink", name, "leaves the model's folder")
            for name in self.names()
            if self._leaves(self.path / name)
        ]

    def _leaves(self, path: Path) -> bool:
        if path.name == self._named or not path.is_symlink():
            return False
        try:
            target = path.resolve()
        except (OSError, RuntimeError):  # a link to itself
            return True
        return not any(target.is_relative_to(root) for root in self._roots)
