"""Open a stage under a frozen rulebook, and record who takes part and what is changed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dokja.errors import NotAllowed
from dokja.record.events import AnyEvent
from dokja.record.kinds.frame import Amended, StageOpened
from dokja.rulebook import Rulebook
from dokja.signature import Signer, SigningKey, key_statement
from dokja.workflows.desk import Desk
from dokja.workflows.stage import Actor, Draft, Stage, read_payload


def open_stage(desk: Desk, rulebook: Rulebook, actor: Actor, stage: str = "") -> AnyEvent:
    """Freeze a rulebook by recording its digest, and open the stage under it.

    Args:
        desk: The office's desk.
        rulebook: Checked; its digest is what everything after refers to.
        actor: Who opens it.
        stage: Name of the stage; the rulebook's id by default.

    Raises:
        NotAllowed: The stage is open already.
    """
    name = stage or rulebook.id
    if name in desk.store.stages():
        raise NotAllowed(
            f"Stage {name!r} is open already.",
            hint="A change of its rules is an amendment: dokja stage amend.",
        )
    payload = StageOpened(rulebook=rulebook.digest(), file=desk.keep_rulebook(rulebook))
    return desk.new_stage(name, rulebook).record(actor, [Draft(payload)])[0]


def amend_stage(
    stage: Stage,
    rulebook: Rulebook,
    actor: Actor,
    *,
    effective_at: str,
    positions: Mapping[str, str],
) -> AnyEvent:
    """Record a new version of the rulebook, with what each team said of it and when it takes effect.

    Whether it does take effect is for the rules on amending to say; `dokja stage status` shows it.

    Raises:
        NotAllowed: It is not a later version of the rulebook in force.
    """
    before = stage.rulebook
    if rulebook.id != before.id or rulebook.version <= before.version:
        raise NotAllowed(
            f"Version {rulebook.version} of {rulebook.id!r} does not come after version {before.version} of {before.id!r}."
        )
    said = [{"team": team, "position": position, "reason": ""} for team, position in positions.items()]
    payload = {
        "previous": before.digest(),
        "rulebook": rulebook.digest(),
        "file": stage.desk.keep_rulebook(rulebook),
        "effective_at": effective_at,
        "positions": said,
    }
    return stage.record(actor, [Draft(read_payload(Amended, payload))])[0]


def enrol(desk: Desk, person: str, role: str, key: Signer, by: Signer | None, at: str) -> int:
    """Enrol a person's key in a role and return the place of the statement in the log.

    Args:
        desk: The office's desk.
        person: An actor's id, never a name.
        role: In what capacity the person signs, e.g. `chair`.
        key: The person's key, or passkey, which signs for itself.
        by: The organiser who vouches for it; None for the first organiser, whose key others compare with what was
            published elsewhere.
        at: Now, RFC 3339 in UTC.

    Raises:
        KeyRefused: It may not be enrolled.
    """
    statement = enrolment(person, role, key.id, at)
    return desk.store.add_key_statement(key_statement(statement, [key] if by is None else [key, by], at))


def rotate(desk: Desk, old: Signer, new: Signer, at: str, reason: str) -> int:
    """Put a new key in the place of a person's old one and return the place of the statement in the log.

    Raises:
        KeyRefused: The old key is not in force.
    """
    statement = rotation(old.id, new.id, at, reason)
    return desk.store.add_key_statement(key_statement(statement, [new, old], at))


def revoke(desk: Desk, key_id: str, by: Signer, at: str, reason: str) -> int:
    """Revoke a key from now on and return the place of the statement in the log.

    Raises:
        KeyRefused: Whoever signs may not revoke it.
    """
    statement = revocation(key_id, at, reason)
    return desk.store.add_key_statement(key_statement(statement, [by], at))


def enrolment(person: str, role: str, key: str, at: str) -> dict[str, str]:
    """Return the statement that enrols a person's key in a role from a time on."""
    return {
        "action": "enrol", "person": person, "role": role, "key": key, "effective_at": at, "reason": "appointed",
    }  # fmt: skip


def rotation(old: str, new: str, at: str, reason: str) -> dict[str, str]:
    """Return the statement that puts a new key in an old one's place from a time on."""
    return {"action": "rotate", "key": old, "new_key": new, "effective_at": at, "reason": reason}


def revocation(key: str, at: str, reason: str) -> dict[str, str]:
    """Return the statement that revokes a key from a time on."""
    return {"action": "revoke", "key": key, "effective_at": at, "reason": reason}


def new_key(path: Path) -> SigningKey:
    """Make a key in a new file that only its owner can read."""
    key = SigningKey(os.urandom(32))
    key.save(path)
    return key
