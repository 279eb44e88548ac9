"""Decide: compute what the rules give, let people sign it, and write the two dossiers.

1. `propose` keeps a decision, made of everything recorded so far, in the store: body, salt and the place in the log.
2. People sign the proposal's digest; each signature is an event.
3. `write_dossiers` writes the public and the auditor's file once enough people have signed.

What is signed never changes: a later event needs a new proposal, and the one before stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dokja.canonical import JSON
from dokja.deciding.decided import Decided
from dokja.deciding.decision import Decision, decide, decision_digest
from dokja.dossier import Opened
from dokja.errors import InvalidInput, NotAllowed
from dokja.finding import Reason
from dokja.grammar.model import read_model
from dokja.procedure.signature_rule import DOMAIN, DecisionSignatures, Enough, signatures_of
from dokja.publishing.principal import PUBLIC
from dokja.publishing.see import see, signed_body
from dokja.publishing.view import View
from dokja.record.events import AnyEvent
from dokja.record.history import History
from dokja.record.kinds.after import DecisionSigned
from dokja.report.words import say_reason
from dokja.rulebook import Rulebook
from dokja.sensitivity.uncertainty import Uncertainty, assess
from dokja.signature import Signature, Signer
from dokja.store.dossiers import make_dossier
from dokja.store.proposals import Waiting
from dokja.workflows.stage import Actor, Draft, Stage

DEFAULT_REPLICATES = 10_000
DECISION = "decision"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision people may sign.

    Args:
        body: What they sign: what is public, and a commitment to everything.
        everything: What the commitment covers.
        salt: Hides it until the auditor's dossier shows it.
        before: Events at places before this one were read.
        rulebook: The rulebook applied.
        decided: Everything the rules gave, sealed or not.
        uncertainty: How sure it is; None when none was computed.
    """

    body: dict[str, JSON]
    everything: dict[str, JSON]
    salt: bytes
    before: int
    rulebook: Rulebook
    decided: Decided
    uncertainty: dict[str, JSON] | None

    @property
    def digest(self) -> str:
        """Return the digest that is signed."""
        return decision_digest(self.body)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules give, with how sure it is.

    Args:
        decision: What the rules give.
        uncertainty: How sure it is; None when it was not asked for.
        rulebook: The rulebook in force.
        before: Events at places before this one were read.
        history: What they say, as it was then.
    """

    decision: Decision
    uncertainty: Uncertainty | None
    rulebook: Rulebook
    before: int
    history: History


def look(stage: Stage, *, seed: int | None, replicates: int = DEFAULT_REPLICATES) -> Seen:
    """Return what the rules give now, without keeping anything.

    Args:
        stage: The stage.
        seed: Of the resamples; None leaves the uncertainty out.
        replicates: Resamples.
    """
    rulebook, history = stage.rulebook, stage.history
    uncertainty = None if seed is None else assess(rulebook, history, seed, replicates=replicates)
    return Seen(decide(rulebook, history), uncertainty, rulebook, stage.place, history.copy())


def propose(stage: Stage, seen: Seen) -> Proposal:
    """Keep a decision as a proposal people can sign, and return it."""
    decided = seen.decision.said()
    uncertainty = None if seen.uncertainty is None else seen.uncertainty.as_json()
    salt = stage.desk.random(16)
    proposal = Proposal(
        body=signed_body(seen.rulebook, decided, uncertainty, salt),
        everything=View.whole(decided, uncertainty).as_json(),
        salt=salt,
        before=seen.before,
        rulebook=seen.rulebook,
        decided=decided,
        uncertainty=uncertainty,
    )
    kept: dict[str, JSON] = {
        "body": proposal.body,
        "everything": proposal.everything,
        "salt": salt.hex(),
        "before": proposal.before,
    }
    stage.desk.store.proposals.put(Waiting(proposal.digest, stage.name, DECISION, kept))
    return proposal


def read_proposal(stage: Stage, digest: str) -> Proposal:
    """Return the proposal with this digest.

    Raises:
        InvalidInput: There is none.
    """
    waiting = stage.desk.store.proposals.get(digest)
    if waiting.kind != DECISION:
        raise InvalidInput(
            f"Under {digest!r} an event waits, no decision.", hint="Sign it with: dokja stage sign"
        )
    return _proposal(stage, waiting)


def proposals(stage: Stage) -> list[Proposal]:
    """Return every decision of a stage that was ever proposed, signed or not, in the order of what they read."""
    found = [_proposal(stage, waiting) for waiting in stage.desk.store.proposals.of(stage.name, DECISION)]
    return sorted(found, key=lambda one: one.before)


def _proposal(stage: Stage, waiting: Waiting) -> Proposal:
    kept = waiting.body
    body, everything, before = kept["body"], kept["everything"], kept["before"]
    assert isinstance(body, dict)
    assert isinstance(everything, dict)
    assert isinstance(before, int)
    uncertainty = everything["uncertainty"]
    assert isinstance(uncertainty, dict | None)
    return Proposal(
        body,
        everything,
        bytes.fromhex(str(kept["salt"])),
        before,
        stage.rulebook,
        read_model(Decided, everything["outcome"]),
        uncertainty,
    )


def sign(stage: Stage, proposal: Proposal, key: Signer, at: str) -> AnyEvent:
    """Record a person's signature of a proposal and return its event.

    Args:
        stage: The stage.
        proposal: What is signed.
        key: The person's secret key, or passkey that has answered.
        at: Now, RFC 3339 in UTC; for a passkey the time it was asked for.

    Raises:
        NotAllowed: The signature would not count; the sentence says why.
        KeyRefused: The passkey answered something else.
    """
    person = stage.ring[key.id].person if key.id in stage.ring else key.id
    signed: list[DecisionSigned] = []

    def drafts(stage: Stage) -> list[Draft]:
        rule = who_signed(stage, proposal)
        _require_counts(rule.may_sign(key.id), rule)
        if not signed:
            made = key.sign(DOMAIN, proposal.digest, at)
            signed.append(
                DecisionSigned(
                    decision=proposal.digest, signer=person, key=made.key, signature=made.signature
                )
            )
        given = Signature(signed[0].key, at, signed[0].signature)
        _require_counts(rule.refusal(given, person, stage.place), rule)
        return [Draft(signed[0])]

    return stage.record(Actor(person, at), drafts)[0]


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


def who_signed(stage: Stage, proposal: Proposal) -> DecisionSignatures:
    """Return who signed a proposal, whose signature does not count, and who is missing."""
    placed = [(stage.places[event.id], event) for event in stage.events]
    return signatures_of(proposal.rulebook, stage.ring, placed, proposal.digest)


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


def sealed_without_salt(stage: Stage, rulebook: Rulebook) -> tuple[str, ...]:
    """Return the events that are sealed from the public and have no salt, so that their digest confirms a guess.

    Version 0.1 salted what its tables sealed and nothing else; what is recorded now always has a salt. Showing such an
    event instead would tell more than its digest does.
    """
    sight, as_of = see(PUBLIC, rulebook), max((event.at for event in stage.events), default="")
    return tuple(
        event.id for event in stage.events if not event.salt and not sight.event(event, stage.history, as_of)
    )


def write_dossiers(stage: Stage, proposal: Proposal, folder: Path) -> tuple[Path, Path]:
    """Write the public and the auditor's dossier of a signed decision and return their paths.

    Raises:
        NotAllowed: Not enough people have signed.
    """
    desk, name = stage.desk, stage.name
    require_signed(who_signed(stage, proposal))
    desk.store.checkpoint(desk.origin, desk.log_key)
    as_of = max(event.at for event in stage.events)
    sight = see(PUBLIC, proposal.rulebook)
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
            sealed=(lambda event: not sight.event(event, stage.history, as_of)) if public else None,
        )
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            file.writelines(dossier.file())
        partial.replace(path)
    return paths
