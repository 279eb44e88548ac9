"""The statements a dossier makes about the transparency log: signed state, inclusion, root, consistency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dokja import merkle
from dokja.dossier import Dossier
from dokja.errors import InvalidInput, UnreadableArtifact
from dokja.signature.note import NoteKey, SignedHead, parse_head, parse_note
from dokja.store.log import leaf_of
from dokja.workflows.verification import DossierStatement, broken, holds, unknown


def log_statements(dossier: Dossier, expected_key: str) -> Iterator[DossierStatement]:
    """Yield every statement about the log.

    Args:
        dossier: The dossier.
        expected_key: The log's verifier key as published elsewhere; empty when it is not known.
    """
    log = _Log(dossier, expected_key)
    yield from (log.log_key(), log.state(), log.inclusion(), log.root(), log.consistency(), log.witnesses())


@dataclass(frozen=True)
class _Log:
    """The log part of one dossier. Each check is independent, so that one break does not hide another."""

    dossier: Dossier
    expected_log_key: str

    @cached_property
    def _leaves(self) -> list[bytes]:
        return [leaf_of(entry.digest()) for entry in self.dossier.record]

    def log_key(self) -> DossierStatement:
        name, key = "log.key", self.dossier.log_key
        if not self.expected_log_key:
            return unknown(name, "not_compared", key=key)
        return holds(name, key=key) if key == self.expected_log_key else broken(name, "another", key=key)

    @cached_property
    def _checkpoint(self) -> SignedHead | None:
        """The signed state everything is proven in; None when nobody signed it."""
        return self._signed(self.dossier.checkpoint)

    def _signed(self, note_text: str) -> SignedHead | None:
        try:
            note, key = parse_note(note_text), NoteKey.parse(self.dossier.log_key)
            checkpoint = parse_head(note)
        except (InvalidInput, UnreadableArtifact):
            return None
        return checkpoint if note.signed_by(key) and key.name == checkpoint.origin else None

    def state(self) -> DossierStatement:
        name = "log.checkpoint"
        checkpoint = self._checkpoint
        if checkpoint is None:
            return broken(name, "unsigned")
        return holds(name, origin=checkpoint.origin, size=checkpoint.size)

    def inclusion(self) -> DossierStatement:
        name, record = "log.inclusion", self.dossier.record
        checkpoint = self._checkpoint
        if checkpoint is None:
            return broken(name, "no_checkpoint")
        last = -1
        for entry, leaf in zip(record, self._leaves, strict=True):
            proven = merkle.verify_inclusion(leaf, entry.place, checkpoint.size, entry.proof, checkpoint.root)
            if not proven or entry.place <= last:
                return broken(name, "not_proven", place=entry.place, kind=entry.kind)
            last = entry.place
        return holds(name, entries=len(record)) if record else broken(name, "empty")

    def root(self) -> DossierStatement:
        name, record = "log.root", self.dossier.record
        checkpoint = self._checkpoint
        if checkpoint is None:
            return broken(name, "no_checkpoint")
        if len(record) < checkpoint.size:
            return unknown(
                name, "others_left_out", others=checkpoint.size - len(record), size=checkpoint.size
            )
        root = merkle.root_of(self._leaves)
        return holds(name, size=checkpoint.size) if root == checkpoint.root else broken(name, "differs")

    def consistency(self) -> DossierStatement:
        name, earlier = "log.consistency", self.dossier.earlier
        checkpoint = self._checkpoint
        if checkpoint is None:
            return broken(name, "no_checkpoint")
        size_before = 0
        for number, state in enumerate(earlier, start=1):
            old = self._signed(state.note)
            if old is None:
                return broken(name, "unsigned", number=number)
            grew = merkle.verify_consistency(
                old.size, checkpoint.size, state.proof, old.root, checkpoint.root
            )
            if not grew or old.origin != checkpoint.origin or old.size < size_before:
                return broken(name, "rewritten", number=number, size=old.size)
            size_before = old.size
        return holds(name, earlier=len(earlier))

    def witnesses(self) -> DossierStatement:
        name = "log.witnesses"
        if self._checkpoint is None:
            return broken(name, "no_checkpoint")
        notes = [self.dossier.checkpoint, *(state.note for state in self.dossier.earlier)]
        others = sum(len(parse_note(note).lines) - 1 for note in notes if self._signed(note))
        return unknown(name, "keys_unknown", cosignatures=others) if others else holds(name)
