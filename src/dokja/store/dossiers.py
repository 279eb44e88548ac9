"""Make the two dossiers of a decision from the store: the public one and the auditor's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa

from dokja.canonical import JSON, parse_json
from dokja.dossier import AUDITOR, PUBLIC, Dossier, DossierEntry, Earlier, Opened, Personal, Spelt
from dokja.errors import InvalidInput
from dokja.record.events import AnyEvent, Event
from dokja.signature.note import Note, NoteKey, parse_head
from dokja.store import log
from dokja.store.events import Leaf, Store, read_leaves
from dokja.store.schema import PERSONAL_PAYLOADS


def make_dossier(
    store: Store,
    stage: str,
    *,
    rulebook: Mapping[str, JSON],
    decision: Mapping[str, JSON],
    before: int,
    log_key: NoteKey,
    opened: Opened,
    sealed: Callable[[AnyEvent], bool] | None = None,
) -> Dossier:
    """Return the dossier of a decision.

    Args:
        store: Where the stage was recorded; its log must have signed a checkpoint since.
        stage: Name of the stage.
        rulebook: The rulebook in force, as it is hashed.
        decision: What was signed: what is public of the decision, and a commitment to everything.
        before: Events at places before this one were read for the decision.
        log_key: The log's key as verifiers know it.
        opened: What the commitment covers; it goes into the auditor's dossier only.
        sealed: For the public dossier, which events are shown by their digest alone. The digest of one recorded without a
            salt confirms a guess (see `workflows.decide.sealed_without_salt`). None makes the auditor's dossier,
            with everything and the personal payloads that are not erased.

    Raises:
        InvalidInput: The log has not signed a checkpoint over all of the stage.
    """
    with store.database.reading() as connection:
        notes = [note for note in log.checkpoints(connection) if note.signed_by(log_key)]
        if not notes:
            raise InvalidInput("The log has signed no checkpoint with this key.", hint="Sign one first.")
        size = parse_head(notes[-1]).size
        shown = [(leaf.place, *_shown(leaf, sealed)) for leaf in _concerning(stage, read_leaves(connection))]
        places = [place for place, _, _ in shown]
        if places and places[-1] >= size:
            raise InvalidInput(
                f"The log's last checkpoint ends before place {places[-1]}.", hint="Sign a new one."
            )
        proofs = log.prove_inclusions(connection, places, size)
        record = tuple(DossierEntry(*entry, tuple(proof)) for entry, proof in zip(shown, proofs, strict=True))
        return Dossier(
            profile=AUDITOR if sealed is None else PUBLIC,
            stage=stage,
            rulebook=rulebook,
            decision=decision,
            before=before,
            record=record,
            personal=tuple(_personal(connection, set(places))) if sealed is None else (),
            log_key=str(log_key),
            checkpoint=notes[-1].render(),
            earlier=tuple(_earlier(connection, notes[:-1], size)),
            opened=opened if sealed is None else None,
        )


def _concerning(stage: str, leaves: Iterator[Leaf]) -> Iterator[Leaf]:
    """Yield the stage's events, the erasures in it, and every statement about keys."""
    digests: set[str] = set()
    for leaf in leaves:
        if leaf.kind == "event" and leaf.stage == stage:
            digests.add(leaf.digest)
            yield leaf
        elif leaf.kind == "key" or (leaf.kind == "erasure" and leaf.body["event"] in digests):
            yield leaf


def _shown(leaf: Leaf, sealed: Callable[[AnyEvent], bool] | None) -> tuple[str, Spelt]:
    recorded = leaf.text.encode()
    if leaf.kind == "key":
        return "key", Spelt({"statement": recorded})
    if leaf.kind == "erasure":
        return "erasure", Spelt({"erasure": recorded})
    in_full = "event", Spelt({"event": recorded, "signature": leaf.signature_text.encode()})
    if sealed is None:
        return in_full
    event = Event.from_json(leaf.body)
    if not sealed(event):
        return in_full
    return "sealed", Spelt.of({"digest": leaf.digest})


def _personal(connection: sa.Connection, places: set[int]) -> Iterator[Personal]:
    for row in connection.execute(sa.select(PERSONAL_PAYLOADS).order_by(PERSONAL_PAYLOADS.c.event_place)):
        value = parse_json(row.body)
        if row.event_place in places and isinstance(value, dict):
            yield Personal(row.event_place, row.salt, value)


def _earlier(connection: sa.Connection, notes: list[Note], size: int) -> Iterator[Earlier]:
    for note in notes:
        old = parse_head(note).size
        if old:
            yield Earlier(note.render(), tuple(log.prove_consistency(connection, old, size)))
