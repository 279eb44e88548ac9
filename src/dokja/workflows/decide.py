"""Decide: compute what the rules give, let people sign it, and write the two dossiers.

1. `propose` computes the decision from everything recorded so far and keeps it: body, salt and the place in the log.
2. People sign the proposal's digest; each signature is an event.
3. `write_dossiers` writes the public and the auditor's file once enough people have signed.

What is signed never changes: a later event needs a new proposal, and the one before stays where it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.deciding.decision import Decision, decide, decision_digest
from dokja.dossier import Opened, write_dossier
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Reason
from dokja.procedure.signature_rule import DOMAIN, DecisionSignatures, Enough, signatures_of
from dokja.publishing.see import is_shown, signed_body
from dokja.record.events import Event
from dokja.record.payloads import Kind
from dokja.report.words import say_reason
from dokja.rulebook import Rulebook
from dokja.sensitivity.uncertainty import Uncertainty, assess
from dokja.signature import Signer
from dokja.store.dossiers import make_dossier
from dokja.workflows.desk import Actor, Desk, Draft

DEFAULT_REPLICATES = 10_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision people may sign.

    Args:
        body: What they sign: what is public, and a commitment to everything.
        everything: What the commitment covers.
        salt: Hides it until the auditor's dossier shows it.
        before: Events at places before this one were read.
        rulebook: The rulebook applied.
    """

    body: dict[str, JSON]
    everything: dict[str, JSON]
    salt: bytes
    before: int
    rulebook: Rulebook

    @property
    def digest(self) -> str:
        """Return the digest that is signed."""
        return decision_digest(self.body)

    @property
    def outcome(self) -> dict[str, JSON]:
        """Return everything the rules gave, sealed or not: `Decision.as_json()`."""
        outcome = self.everything["outcome"]
        assert isinstance(outcome, dict)
        return outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules give, with how sure it is.

    Args:
        decision: What the rules give.
        uncertainty: How sure it is; None when it was not asked for.
        rulebook: The rulebook in force.
        before: Events at places before this one were read.
    """

    decision: Decision
    uncertainty: Uncertainty | None
    rulebook: Rulebook
    before: int


def look(desk: Desk, stage: str, *, seed: int | None, replicates: int = DEFAULT_REPLICATES) -> Seen:
    """Return what the rules give now, without keeping anything.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        seed: Of the resamples; None leaves the uncertainty out.
        replicates: Resamples.
    """
    name = desk.require_stage(stage)
    rulebook = desk.rulebook(name)
    before = desk.store.size()
    events = desk.store.events(name, before=before)
    uncertainty = None if seed is None else assess(rulebook, events, seed, replicates=replicates)
    return Seen(decide(rulebook, events), uncertainty, rulebook, before)


def propose(desk: Desk, seen: Seen, random: Callable[[int], bytes] = os.urandom) -> Proposal:
    """Keep a decision as a proposal people can sign, and return it."""
    outcome = seen.decision.as_json()
    uncertainty = None if seen.uncertainty is None else seen.uncertainty.as_json()
    salt = random(16)
    proposal = Proposal(
        body=signed_body(seen.rulebook, outcome, uncertainty, salt),
        everything={"outcome": outcome, "uncertainty": uncertainty},
        salt=salt,
        before=seen.before,
        rulebook=seen.rulebook,
    )
    kept: dict[str, JSON] = {
        "body": proposal.body,
        "everything": proposal.everything,
        "salt": salt.hex(),
        "before": proposal.before,
    }
    file = desk.store.blobs.put(canonical_bytes(kept))
    folder = desk.folder / "proposals"
    folder.mkdir(exist_ok=True)
    (folder / f"{proposal.digest.removeprefix('sha256:')}.digest").write_text(file + "\n", encoding="utf-8")
    return proposal


def read_proposal(desk: Desk, stage: str, digest: str) -> Proposal:
    """Return the proposal with this digest.

    Raises:
        InvalidInput: There is none.
    """
    pointer = desk.folder / "proposals" / f"{digest.removeprefix('sha256:')}.digest"
    if not pointer.is_file():
        raise InvalidInput(f"There is no proposal {digest!r}.", hint="Make one with: dokja stage decide")
    kept = parse_json(desk.store.blobs.get(pointer.read_text(encoding="utf-8").strip()))
    assert isinstance(kept, dict)
    body, everything, before = kept["body"], kept["everything"], kept["before"]
    assert isinstance(body, dict)
    assert isinstance(everything, dict)
    assert isinstance(before, int)
    return Proposal(body, everything, bytes.fromhex(str(kept["salt"])), before, desk.rulebook(stage))


def sign(desk: Desk, stage: str, proposal: Proposal, key: Signer, at: str) -> Event:
    """Record a person's signature of a proposal and return its event.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        proposal: What is signed.
        key: The person's secret key, or passkey that has answered.
        at: Now, RFC 3339 in UTC; for a passkey the time it was asked for.

    Raises:
        NotAllowed: The signature would not count; the sentence says why.
        KeyRefused: The passkey answered something else.
    """
    name = desk.require_stage(stage)
    signed = who_signed(desk, name, proposal)
    _require_counts(signed.may_sign(key.id), signed)
    made = key.sign(DOMAIN, proposal.digest, at)
    person = signed.ring[key.id].person
    _require_counts(signed.refusal(made, person, desk.store.size()), signed)
    payload: dict[str, JSON] = {
        "decision": proposal.digest,
        "signer": person,
        "key": made.key,
        "signature": made.signature,
    }
    return desk.record(
        name, Actor(person, made.at), [Draft(Kind.DECISION_SIGNED, payload)], proposal.rulebook
    )[0]


def _require_counts(reason: Reason | None, signed: DecisionSignatures) -> None:
    if reason is not None:
        raise NotAllowed(
            say_reason(reason, "en"),
            hint=_hint_for(reason, signed),
            reason=reason.key,
            figures=reason.figures,
        )


def _hint_for(reason: Reason, signed: DecisionSignatures) -> str:
    if reason.key == "signature.unknown_key":
        return "Enrol it with: dokja key enrol"
    if reason.key == "signature.wrong_role":
        return f"The rulebook lets these sign: {', '.join(sorted(signed.roles or ()))}."
    if reason.key == "signature.same_person":
        return "Nothing is left to do for this person; let the others sign."
    return "Sign anew, with a key that is in force."


def who_signed(desk: Desk, stage: str, proposal: Proposal) -> DecisionSignatures:
    """Return who signed a proposal, whose signature does not count, and who is missing."""
    placed = desk.store.placed_events(desk.require_stage(stage))
    return signatures_of(proposal.rulebook, desk.store.key_ring(), placed, proposal.digest)


def require_signed(signed: DecisionSignatures) -> None:
    """Require that not too few have signed. Where the rulebook leaves open how many must, nothing is required.

    Raises:
        NotAllowed: Too few people signed, or nobody of a role that must.
    """
    if signed.enough is Enough.SHORT:
        raise NotAllowed(
            " ".join(say_reason(reason, "en") for reason in signed.lacking()),
            hint="Let the others sign: dokja stage sign DIGEST --key FILE",
            decision=signed.decision,
            signed=list(signed.people),
            missing=dict(signed.missing),
        )


def write_dossiers(desk: Desk, stage: str, proposal: Proposal, folder: Path) -> tuple[Path, Path]:
    """Write the public and the auditor's dossier of a signed decision and return their paths.

    Raises:
        NotAllowed: Not enough people have signed.
    """
    name = desk.require_stage(stage)
    require_signed(who_signed(desk, name, proposal))
    desk.store.checkpoint(desk.origin, desk.log_key)
    as_of = max(event.at for event in desk.store.events(name))
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{name}.public.dossier.json", folder / f"{name}.auditor.dossier.json"
    for path, public in zip(paths, (True, False), strict=True):
        dossier = make_dossier(
            desk.store,
            name,
            rulebook=proposal.rulebook.canonical(),
            decision=proposal.body,
            opened=Opened(proposal.salt.hex(), proposal.everything),
            before=proposal.before,
            log_key=desk.note_key,
            sealed=(lambda event: not is_shown(proposal.rulebook, event, as_of)) if public else None,
        )
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(write_dossier(dossier))
        partial.replace(path)
    return paths
