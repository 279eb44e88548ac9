"""The desk of a programme office: one folder with the store, the log's key, and the stages held at it.

    desk/
      desk.toml     address of the store, and the log's name
      store.db      the store, where it is SQLite
      log.key       the key that signs the log's states; readable by its owner alone

`with desk.stage(name) as stage:` is the one hold on a stage: see `workflows/stage.py`.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from dokja.canonical import canonical_bytes, parse_json
from dokja.errors import InvalidInput, NotAllowed, Unavailable, UnreadableArtifact
from dokja.rulebook import Rulebook
from dokja.signature import SigningKey
from dokja.signature.note import NoteKey
from dokja.store.events import Store
from dokja.store.proposals import Waiting
from dokja.workflows.stage import Stage

_SETTINGS = "desk.toml"
_RESTORE = "Restore the desk's folder from its backup."


class Desk:
    """One programme's store with its log key. Use as a context manager.

    Args:
        folder: The desk's folder.
        random: Gives random bytes for salts and ids.

    Raises:
        Unavailable: There is no desk in the folder.
        UnreadableArtifact: Its settings were damaged.
    """

    def __init__(self, folder: Path, random: Callable[[int], bytes] = os.urandom) -> None:
        try:
            settings = tomllib.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
        except OSError as error:
            raise Unavailable(
                f"There is no desk in {str(folder)!r}.",
                hint="Make one with: dokja stage open RULEBOOK --desk DIR",
            ) from error
        except ValueError as error:
            raise UnreadableArtifact(f"{folder / _SETTINGS} is no TOML: {error}.", hint=_RESTORE) from error
        missing = [name for name in ("origin", "store") if not isinstance(settings.get(name), str)]
        if missing:
            raise UnreadableArtifact(f"{folder / _SETTINGS} does not say {missing[0]!r}.", hint=_RESTORE)
        self.folder = folder
        self.origin = str(settings["origin"])
        self.log_key = SigningKey.load(folder / "log.key")
        self.store = Store(_address(folder, str(settings["store"])))
        self.random = random
        self._take_in_loose_proposals()

    @classmethod
    def create(
        cls, folder: Path, *, origin: str, store: str = "", random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Make a desk in a folder that has none.

        Args:
            folder: Made if it is not there.
            origin: The log's name for ever, e.g. `programme.example/log`.
            store: Address of the store; empty for a SQLite file in the folder.
            random: Gives random bytes, for the log's key, for salts and ids.

        Raises:
            NotAllowed: There is one already.
            InvalidInput: The log cannot have that name.
        """
        if (folder / _SETTINGS).exists():
            raise NotAllowed(
                f"There is a desk in {str(folder)!r} already.", hint="Open it, or choose another folder."
            )
        if not origin.isprintable() or not origin or set(origin) & set(' +"\\'):
            raise InvalidInput(
                f"{origin!a} cannot be the log's name: it is one printable word without + and quotes."
            )
        folder.mkdir(parents=True, exist_ok=True)
        address = store or "sqlite:///store.db"
        Store(_address(folder, address), create=True).close()
        SigningKey(random(32)).save(folder / "log.key")
        settings = f"store = {json.dumps(address)}\norigin = {json.dumps(origin)}\n"
        (folder / _SETTINGS).write_text(settings, encoding="utf-8")
        return cls(folder, random)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    @property
    def note_key(self) -> NoteKey:
        """Return the log's key as verifiers know it."""
        return NoteKey(self.origin, self.log_key.id)

    def stage(self, name: str = "") -> Stage:
        """Return a stage in hand: everything recorded of it, read once.

        Args:
            name: Name of the stage; may be left out where there is only one.

        Raises:
            InvalidInput: There is no such stage, or several and none was named.
            EventInvalid: What is recorded breaks its own rules.
        """
        return Stage(self, self.require_stage(name))

    def new_stage(self, name: str, rulebook: Rulebook) -> Stage:
        """Return a stage in which nothing has happened yet, under the rulebook it is to be opened under."""
        return Stage(self, name, rulebook)

    def stages(self) -> list[Stage]:
        """Return every stage in hand, in the order of their first events."""
        return [Stage(self, name) for name in self.store.stages()]

    def require_stage(self, stage: str) -> str:
        """Return the stage meant: the one named, or the only one there is.

        Raises:
            InvalidInput: There is no such stage, or several and none was named.
        """
        known = self.store.stages()
        if stage in known or (not stage and len(known) == 1):
            return stage or known[0]
        told = ", ".join(known) or "none"
        problem = f"There is no stage {stage!r}" if stage else "It is not clear which stage is meant"
        raise InvalidInput(f"{problem}; the desk has: {told}.", hint="Name it with --stage.")

    def keep_rulebook(self, rulebook: Rulebook) -> str:
        """Keep a rulebook and return the digest of its file."""
        return self.store.blobs.put(canonical_bytes(rulebook.canonical()))

    def _take_in_loose_proposals(self) -> None:
        """Take proposals that an earlier version kept as files beside the store into the store."""
        folder = self.folder / "proposals"
        if not folder.is_dir():
            return
        for pointer in sorted(folder.glob("*.digest")):
            kept = parse_json(self.store.blobs.get(pointer.read_text(encoding="utf-8").strip()))
            assert isinstance(kept, dict)
            everything = kept["everything"]
            assert isinstance(everything, dict)
            outcome = everything["outcome"]
            assert isinstance(outcome, dict)
            waiting = Waiting(f"sha256:{pointer.stem}", str(outcome["stage"]), "decision", kept)
            self.store.proposals.put(waiting)
            pointer.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def _address(folder: Path, address: str) -> str:
    """Return a store's address; a relative SQLite file lies in the desk's folder."""
    prefix = "sqlite:///"
    if address.startswith(prefix) and not address.startswith(prefix + "/"):
        return prefix + str((folder / address.removeprefix(prefix)).resolve())
    return address
