"""The desk of a programme office: one folder with the store, the log's key, and everything needed to record events.

    desk/
      desk.toml     address of the store, and the log's name
      store.db      the store, where it is SQLite
      log.key       the key that signs the log's states; readable by its owner alone

Whatever happens is recorded through `Desk.record`: an event with the caller's time and actor, under a salt exactly
when the rulebook keeps its kind from the public.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput, NotAllowed, Unavailable, UnreadableArtifact
from dokja.publishing.see import is_sealed
from dokja.record.events import Event, PersonalPayload
from dokja.record.history import read_history
from dokja.record.payloads import Kind
from dokja.rulebook import Rulebook, rulebook_from_json
from dokja.signature import SigningKey
from dokja.signature.note import NoteKey
from dokja.store.events import Store, StoredEvent

_SETTINGS = "desk.toml"
_RESTORE = "Restore the desk's folder from its backup."
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Actor:
    """Who records, and when.

    Args:
        id: An actor's id such as `office` or `expert:e3`, never a person's name.
        at: RFC 3339 time in UTC.
        key: The actor's key, to sign the event; None records it unsigned.
    """

    id: str
    at: str
    key: SigningKey | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What is about to be recorded.

    Args:
        kind: What happened.
        payload: Under the kind's schema.
        id: Unique in its stage; empty to be given one.
        supersedes: Id of the event it corrects; None when it corrects nothing.
        reason: Why, where it corrects something.
        personal: What identifies a person, kept apart and erasable.
    """

    kind: Kind
    payload: Mapping[str, JSON]
    id: str = ""
    supersedes: str | None = None
    reason: str = ""
    personal: Mapping[str, JSON] | None = None


class Desk:
    """One programme's store with its log key. Use as a context manager.

    Args:
        folder: The desk's folder.
        random: Gives random bytes for salts.

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
        self._random = random

    @classmethod
    def create(
        cls, folder: Path, *, origin: str, store: str = "", random: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """Make a desk in a folder that has none.

        Args:
            folder: Made if it is not there.
            origin: The log's name for ever, e.g. `programme.example/log`.
            store: Address of the store; empty for a SQLite file in the folder.
            random: Gives random bytes, for the log's key and for salts.

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

    def rulebook(self, stage: str) -> Rulebook:
        """Return the rulebook in force in a stage.

        Raises:
            InvalidInput: No such stage, or its rulebook was not kept in this store.
        """
        events = self.store.events(self.require_stage(stage))
        named = [event for event in events if event.kind in (Kind.STAGE_OPENED, Kind.AMENDMENT)]
        for event in reversed(named):
            rulebook = self._kept(event)
            if rulebook is None:
                continue
            try:
                read_history(rulebook, events)
            except NotAllowed:
                continue
            return rulebook
        raise InvalidInput(f"The rulebook in force in stage {stage!r} was not kept in this store.")

    def _kept(self, event: Event) -> Rulebook | None:
        file = event.payload.get("file")
        return None if file is None else rulebook_from_json(parse_json(self.store.blobs.get(str(file))))

    def record(
        self, stage: str, actor: Actor, happenings: Sequence[Draft], rulebook: Rulebook
    ) -> list[Event]:
        """Record what happened, all of it or nothing, and return the events.

        Args:
            stage: Name of the stage.
            actor: Who records, and when.
            happenings: What happened, in order.
            rulebook: The rulebook in force; it says what is recorded under a salt.

        Raises:
            EventInvalid, NotAllowed, AppendOnly: As the store refuses.
        """
        entries = self.draft(stage, actor, happenings, rulebook)
        self.store.append_all(entries)
        return [entry.event for entry in entries]

    def draft(
        self, stage: str, actor: Actor, happenings: Sequence[Draft], rulebook: Rulebook
    ) -> list[StoredEvent]:
        """Return what `record` would append, after refusing what it would refuse; nothing is written.

        Raises:
            EventInvalid, NotAllowed: What happened may not follow the history.
        """
        taken = len(self.store.events(stage)) if stage in self.store.stages() else 0
        entries = []
        for number, happening in enumerate(happenings, start=taken + 1):
            personal = None
            if happening.personal is not None:
                personal = PersonalPayload(self._random(_SALT_BYTES), happening.personal)
            event = Event(
                id=happening.id or f"{happening.kind.value}-{number}",
                kind=happening.kind,
                stage=stage,
                at=actor.at,
                by=actor.id,
                payload=happening.payload,
                supersedes=happening.supersedes,
                reason=happening.reason,
                personal=None if personal is None else personal.digest(),
                salt=self._random(_SALT_BYTES).hex() if is_sealed(rulebook, happening.kind) else "",
            )
            signature = None if actor.key is None else actor.key.sign("event", event.digest(), actor.at)
            entries.append(StoredEvent(event, personal, signature))
        past = self.store.events(stage) if taken else ()
        # What would leave the history unreadable is refused before it is written; which rulebook is in force is not
        # asked here, since an amendment may just be taking effect.
        read_history(rulebook, [*past, *(entry.event for entry in entries)], counterfactual=True)
        return entries


def told(event: Event) -> dict[str, JSON]:
    """Return an event as commands tell it: without its salt, which would open what its digest seals."""
    return {name: value for name, value in event.as_json().items() if name != "salt"}


def _address(folder: Path, address: str) -> str:
    """Return a store's address; a relative SQLite file lies in the desk's folder."""
    prefix = "sqlite:///"
    if address.startswith(prefix) and not address.startswith(prefix + "/"):
        return prefix + str((folder / address.removeprefix(prefix)).resolve())
    return address
