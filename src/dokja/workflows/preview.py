"""Preview: exactly what somebody sees of a stage, and the record of who looked before an embargo ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from dokja.canonical import JSON, digest_json
from dokja.deciding.decided import Decided
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import objections
from dokja.publishing.principal import Principal
from dokja.publishing.see import Sight, is_embargoed, see
from dokja.publishing.view import View
from dokja.record.events import AnyEvent, Event
from dokja.record.kinds.publication import Access, Release
from dokja.rulebook import Disclosed, Unknown
from dokja.workflows.allegation import allegation_rows
from dokja.workflows.decide import Proposal, look
from dokja.workflows.publish import announced_decision, signed_decision
from dokja.workflows.stage import Actor, Draft, Stage


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody sees.

    Args:
        seen: The whole of it, as a JSON object.
        view: What of it is the decision's.
        decision: Digest of the decision shown; empty for one that nobody signed.
        state: `announced`, `signed` or `unsigned`.
        accesses: Events recorded because an embargo is running; empty where none is.
    """

    seen: dict[str, JSON]
    view: View
    decision: str
    state: str
    accesses: tuple[AnyEvent, ...]


def preview(stage: Stage, principal: Principal, at: str, by: str = "") -> Preview:
    """Return exactly what somebody sees of a stage: of the decision announced, else signed, else of what rules give now.

    While an embargo runs, only whoever a release names may look, and every look is recorded.

    Args:
        stage: The stage.
        principal: In which capacity someone looks.
        at: Now, RFC 3339 in UTC.
        by: Who looks: an actor's id. Needed while an embargo runs.

    Raises:
        NotAllowed: An embargo runs, and who looks is not named by it.
        InvalidInput: The stage has no such team.
    """
    decided, uncertainty, digest, state = _decision(stage)
    teams = [one.team for one in decided.teams]
    if principal.team and principal.team not in teams:
        raise InvalidInput(f"The stage has no team {principal.team!r}.", hint=f"Teams: {', '.join(teams)}.")
    running = [event for event in stage.history.these(Release) if is_embargoed(event, at)]
    _require_reader(running, by)
    sight = see(principal, stage.rulebook)
    view = sight.decision(decided, uncertainty)
    seen: dict[str, JSON] = {
        "stage": stage.name,
        "profile": principal.profile.value,
        "team": principal.team,
        "decision": digest,
        "state": state,
        "view": view.as_json(),
        "releases": _releases(stage, sight, at, early=bool(by)),
        "objections": _objections(stage, sight),
        "allegations": cast(JSON, allegation_rows(stage, sight, at)),
    }
    saw = digest_json("view", seen)
    looks = [
        Draft(
            Access(
                release=release.id, profile=principal.profile, team=principal.team, decision=digest, saw=saw
            )
        )
        for release in running
    ]
    recorded = stage.record(Actor(by, at), looks) if looks else []
    return Preview(seen, view, digest, state, tuple(recorded))


def accesses(stage: Stage) -> list[dict[str, JSON]]:
    """Return who saw what when before an embargo ended, in the order of the log."""
    return [
        {"event": event.id, "at": event.at, "by": event.by, **event.payload.as_json()}
        for event in stage.history.these(Access)
    ]


def _decision(stage: Stage) -> tuple[Decided, dict[str, JSON] | None, str, str]:
    """Return what was decided, its uncertainty, digest and state, of the decision that is shown."""
    for state, find in (("announced", announced_decision), ("signed", signed_decision)):
        try:
            proposal: Proposal = find(stage)
        except NotAllowed:
            continue
        return proposal.decided, proposal.uncertainty, proposal.digest, state
    return look(stage, seed=None).decision.said(), None, "", "unsigned"


def _require_reader(running: Sequence[Event[Release]], by: str) -> None:
    if not running:
        return
    ends = ", ".join(f"{event.id} until {event.payload.until}" for event in running)
    if not by:
        raise NotAllowed(f"An embargo runs ({ends}).", hint="Say who looks with --by; the look is recorded.")
    for event in running:
        if by not in event.payload.to and by != event.by:
            raise NotAllowed(
                f"{by!r} may not look before the embargo of {event.id!r} ends at {event.payload.until}.",
                hint="The release names its early readers with --to.",
            )


def _releases(stage: Stage, sight: Sight, at: str, *, early: bool) -> JSON:
    shown: list[JSON] = []
    for event in stage.history.these(Release):
        if sight.release(event, at, early=early):
            made = event.payload.as_json()
            told = {name: made[name] for name in ("profile", "decision", "fields", "statements", "until")}
            shown.append({"release": event.id, **told, "corrects": event.supersedes, "reason": event.reason})
    return shown


def _objections(stage: Stage, sight: Sight) -> JSON:
    rulebook = stage.rulebook
    if isinstance(rulebook.appeals.answer_days, Unknown) or isinstance(rulebook.appeals.day_kind, Unknown):
        return []
    return [
        one.as_json(with_text=True)
        for one in objections(rulebook, stage.history)
        if sight.words_about(Disclosed.OBJECTIONS, one.event.payload.team)
    ]
