"""Somebody who may write dossiers, and compute every digest in them anew, tries to publish what did not happen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dokja import merkle
from dokja.canonical import JSON
from dokja.deciding.decision import decision_digest
from dokja.dossier import Dossier, DossierEntry, write_dossier
from dokja.record.events import Event
from dokja.signature import SigningKey, key_statement
from dokja.signature.note import NoteKey, SignedHead, sign_head
from dokja.store.log import leaf_of
from dokja.workflows.verify import StatementStanding, verify_dossier
from tests.workflows.made_decision import AFTER, KEYS, LOG_KEY, ORIGIN, Decided, decided_stage


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decided]:
    made = decided_stage(tmp_path_factory.mktemp("decided"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def honest(decided: Decided) -> Dossier:
    return decided.dossier(public=False)


def broken(dossier: Dossier, log_key: NoteKey = LOG_KEY) -> set[str]:
    return set(verify_dossier(write_dossier(dossier), log_key=str(log_key)).named(StatementStanding.BROKEN))


def rewritten(dossier: Dossier, place: int, **changes: JSON) -> Dossier:
    """Return the dossier with fields of one event's payload changed."""
    record = list(dossier.record)
    event = dict(record[place].body["event"])  # type: ignore[arg-type]
    event["payload"] = dict(event["payload"]) | changes  # type: ignore[arg-type]
    record[place] = replace(record[place], body={**record[place].body, "event": event})
    return replace(dossier, record=tuple(record))


def with_forged_log(dossier: Dossier, key: SigningKey) -> Dossier:
    """Return the dossier with a new log over its own entries, every proof right, signed with another key."""
    nodes: dict[tuple[int, int], bytes] = {}
    for place, entry in enumerate(dossier.record):
        for level, at, value in merkle.completed_nodes(place, leaf_of(entry.digest()), lambda *n: nodes[n]):
            nodes[level, at] = value
    size = len(dossier.record)
    record = tuple(
        replace(entry, place=place, proof=tuple(merkle.inclusion_proof(place, size, lambda *n: nodes[n])))
        for place, entry in enumerate(dossier.record)
    )
    root = merkle.root_at(size, lambda *n: nodes[n])
    note = sign_head(SignedHead(ORIGIN, size, root), key).render()
    return replace(dossier, record=record, earlier=(), checkpoint=note, log_key=str(NoteKey(ORIGIN, key.id)))


def place_of(dossier: Dossier, kind: str, number: int = 0) -> int:
    return [e.place for e in dossier.record if e.kind == "event" and e.body["event"]["kind"] == kind][number]  # type: ignore[index,call-overload]


def test_a_better_mark_for_a_friend(honest: Dossier) -> None:
    forged = rewritten(honest, place_of(honest, "expert_score"), score=10.0)
    assert {"log.inclusion", "log.root"} <= broken(forged)


def test_a_better_mark_with_a_whole_new_log(honest: Dossier) -> None:
    forged = with_forged_log(
        rewritten(honest, place_of(honest, "expert_score"), score=10.0), SigningKey(bytes([77]) * 32)
    )
    assert "log.key" in broken(forged)


def test_a_whole_new_log_without_the_published_key_to_compare_with_is_not_called_compared(
    honest: Dossier,
) -> None:
    forged = with_forged_log(honest, SigningKey(bytes([77]) * 32))
    report = verify_dossier(write_dossier(forged))
    assert "log.key" in report.named(StatementStanding.COULD_NOT_RECOMPUTE)


def test_an_inconvenient_event_left_out_and_the_log_made_anew(honest: Dossier) -> None:
    kept = tuple(e for e in honest.record if e.place != place_of(honest, "user_rating"))
    forged = with_forged_log(replace(honest, record=kept), KEYS["log"])
    # Even the log's own operator cannot: the state it signed before is no beginning of this log.
    assert "log.consistency" in broken(replace(forged, earlier=honest.earlier))


def test_the_signatures_of_one_decision_under_another(honest: Dossier) -> None:
    other = {**honest.decision, "uncertainty": {"made": "up"}}
    assert "decision.signatures" in broken(replace(honest, decision=other))


def test_a_signed_event_renamed_to_the_new_decision(honest: Dossier) -> None:
    other = {**honest.decision, "uncertainty": {"made": "up"}}
    forged = replace(honest, decision=other)
    for number in range(2):
        place = place_of(honest, "decision_signed", number)
        forged = rewritten(forged, place, decision=decision_digest(other))
    assert "decision.signatures" in broken(with_forged_log(forged, KEYS["log"]))


def test_one_person_signs_for_two(honest: Dossier) -> None:
    first, second = (place_of(honest, "decision_signed", n) for n in range(2))
    once = honest.record[first].body["event"]["payload"]  # type: ignore[index,call-overload]
    forged = rewritten(honest, second, key=once["key"], signature=once["signature"])  # type: ignore[index,call-overload]
    assert "decision.signatures" in broken(with_forged_log(forged, KEYS["log"]))


def test_a_revoked_chair_signs_with_an_earlier_time(tmp_path: Path) -> None:
    made = decided_stage(tmp_path, signers=("office",))
    revocation = {"action": "revoke", "key": KEYS["chair"].id, "effective_at": AFTER, "reason": "key stolen"}
    made.store.add_key_statement(key_statement(revocation, [KEYS["office"]], AFTER))
    made.sign(("chair",), at="2026-01-14T00:00:00Z")
    assert broken(made.dossier(public=True)) == {"decision.signatures"}
    made.store.close()


def test_a_chair_revoked_after_signing_stays_counted(tmp_path: Path) -> None:
    made = decided_stage(tmp_path, signers=("office", "chair"))
    later = "2026-03-01T00:00:00Z"
    revocation = {
        "action": "revoke",
        "key": KEYS["chair"].id,
        "effective_at": later,
        "reason": "left the office",
    }
    made.store.add_key_statement(key_statement(revocation, [KEYS["office"]], later))
    made.store.checkpoint(ORIGIN, KEYS["log"])
    assert broken(made.dossier(public=True)) == set()
    made.store.close()


def test_a_key_enrolled_by_nobody(honest: Dossier) -> None:
    stranger = SigningKey(bytes([99]) * 32)
    statement = {
        "action": "enrol", "person": "chair", "role": "chair", "key": stranger.id, "effective_at": AFTER, "reason": "me",
    }  # fmt: skip
    entry = DossierEntry(
        len(honest.record), "key", {"statement": key_statement(statement, [stranger], AFTER)}, ()
    )
    forged = with_forged_log(replace(honest, record=(*honest.record, entry)), KEYS["log"])
    assert "keys.statements" in broken(forged)


def test_an_event_sealed_to_hide_it_from_the_auditor(honest: Dossier) -> None:
    place = place_of(honest, "expert_score")
    sealed = DossierEntry(
        place, "sealed", {"digest": honest.record[place].digest()}, honest.record[place].proof
    )
    record = (*honest.record[:place], sealed, *honest.record[place + 1 :])
    assert "events.history" in broken(replace(honest, record=record))


def test_a_rulebook_nobody_opened_the_stage_under(honest: Dossier) -> None:
    easier = dict(honest.rulebook) | {"version": 2}
    assert "rulebook.digest" in broken(replace(honest, rulebook=easier))


def test_events_of_another_stage_passed_off_as_this_one(honest: Dossier) -> None:
    assert "events.history" in broken(replace(honest, stage="another-stage"))


def test_the_same_event_shown_twice(honest: Dossier) -> None:
    assert "log.inclusion" in broken(replace(honest, record=(honest.record[0], *honest.record)))


def test_what_was_read_for_the_decision_cut_short(honest: Dossier, decided: Decided) -> None:
    assert "decision.recomputed" in broken(replace(honest, before=decided.before - 60))


def test_a_signature_by_an_actor_who_is_not_the_signer_named(honest: Dossier) -> None:
    event = Event.from_json(honest.record[place_of(honest, "decision_signed")].body["event"])
    forged = rewritten(honest, place_of(honest, "decision_signed"), signer="auditor")
    assert event.payload.signer == "office"
    assert "decision.signatures" in broken(with_forged_log(forged, KEYS["log"]))
