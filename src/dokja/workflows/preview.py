"""Preview: exactly what a profile sees of a stage, and the record of who looked before an embargo ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from dokja.canonical import JSON, digest_json
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import objections
from dokja.publishing.release import is_embargoed
from dokja.publishing.see import Viewer, granted, view_decision
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
from dokja.rulebook import Disclosed, Profile, Rulebook, Unknown
from dokja.workflows.allegation import allegation_rows
from dokja.workflows.decide import Proposal, look
from dokja.workflows.desk import Actor, Desk, Draft
from dokja.workflows.publish import announced_decision, signed_decision


@dataclass(frozen=True, slots=True)
class Preview:
    """What a profile sees.

    Args:
        seen: The whole of it, as a JSON object.
        accesses: Events recorded because an embargo is running; empty where none is.
    """

    seen: dict[str, JSON]
    accesses: tuple[Event, ...]


def preview(desk: Desk, stage: str, viewer: Viewer, at: str, by: str = "") -> Preview:
    """Return exactly what a viewer sees of a stage: of the decision announced, else signed, else of what rules give now.

    While an embargo runs, only whoever a release names may look, and every look is recorded.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        viewer: In which capacity someone looks.
        at: Now, RFC 3339 in UTC.
        by: Who looks: an actor's id. Needed while an embargo runs.

    Raises:
        NotAllowed: An embargo runs, and who looks is not named by it.
        InvalidInput: The stage has no such team.
    """
    name = desk.require_stage(stage)
    events = desk.store.events(name)
    rulebook = desk.rulebook(name)
    outcome, uncertainty, digest, state = _decision(desk, name)
    teams = [str(row["team"]) for row in cast("list[dict[str, JSON]]", outcome["teams"])]
    if viewer.team and viewer.team not in teams:
        raise InvalidInput(f"The stage has no team {viewer.team!r}.", hint=f"Teams: {', '.join(teams)}.")
    running = [e for e in in_force(events) if e.kind is Kind.RELEASE and is_embargoed(e, at)]
    _require_reader(running, by)
    seen: dict[str, JSON] = {
        "stage": name,
        "profile": viewer.profile.value,
        "team": viewer.team,
        "decision": digest,
        "state": state,
        "view": view_decision(rulebook, outcome, uncertainty, viewer),
        "releases": _releases(events, viewer, at, by),
        "objections": _objections(rulebook, events, viewer),
        "allegations": cast(JSON, allegation_rows(rulebook, events, viewer, at)),
    }
    saw = digest_json("view", seen)
    happenings = [
        Draft(
            Kind.ACCESS,
            {
                "release": release.id,
                "profile": viewer.profile.value,
                "team": viewer.team,
                "decision": digest,
                "saw": saw,
            },
        )
        for release in running
    ]
    recorded = desk.record(name, Actor(by, at), happenings, rulebook) if happenings else []
    return Preview(seen, tuple(recorded))


def accesses(desk: Desk, stage: str) -> list[dict[str, JSON]]:
    """Return who saw what when before an embargo ended, in the order of the log."""
    return [
        {"event": event.id, "at": event.at, "by": event.by, **event.payload}
        for event in in_force(desk.store.events(desk.require_stage(stage)))
        if event.kind is Kind.ACCESS
    ]


def _decision(desk: Desk, stage: str) -> tuple[dict[str, JSON], dict[str, JSON] | None, str, str]:
    """Return outcome, uncertainty, digest and state of the decision that is shown."""
    for state, find in (("announced", announced_decision), ("signed", signed_decision)):
        try:
            proposal: Proposal = find(desk, stage)
        except NotAllowed:
            continue
        shown = proposal.everything
        uncertainty = cast("dict[str, JSON] | None", shown["uncertainty"])
        return cast("dict[str, JSON]", shown["outcome"]), uncertainty, proposal.digest, state
    return look(desk, stage, seed=None).decision.as_json(), None, "", "unsigned"


def _require_reader(running: Sequence[Event], by: str) -> None:
    if not running:
        return
    ends = ", ".join(f"{event.id} until {event.payload['until']}" for event in running)
    if not by:
        raise NotAllowed(f"An embargo runs ({ends}).", hint="Say who looks with --by; the look is recorded.")
    for event in running:
        named = event.payload["to"]
        assert isinstance(named, list)
        if by not in named and by != event.by:
            raise NotAllowed(
                f"{by!r} may not look before the embargo of {event.id!r} ends at {event.payload['until']}.",
                hint="The release names its early readers with --to.",
            )


def _releases(events: Sequence[Event], viewer: Viewer, at: str, by: str) -> JSON:
    shown: list[JSON] = []
    for event in in_force(events):
        if event.kind is not Kind.RELEASE:
            continue
        mine = event.payload["profile"] == viewer.profile and event.payload["team"] in ("", viewer.team)
        if not (mine or event.payload["profile"] == Profile.PUBLIC or viewer.profile is Profile.AUDITOR):
            continue
        row: dict[str, JSON] = {
            "release": event.id,
            "profile": event.payload["profile"],
            "decision": event.payload["decision"],
            "fields": event.payload["fields"],
            "statements": event.payload["statements"],
            "until": event.payload["until"],
            "corrects": event.supersedes,
            "reason": event.reason,
        }
        if not is_embargoed(event, at) or by:
            shown.append(row)
    return shown


def _objections(rulebook: Rulebook, events: Sequence[Event], viewer: Viewer) -> JSON:
    if isinstance(rulebook.appeals.answer_days, Unknown) or isinstance(rulebook.appeals.day_kind, Unknown):
        return []
    rows: list[JSON] = []
    for one in objections(rulebook, events):
        team = str(one.event.payload["team"])
        listed = Disclosed.OBJECTIONS in granted(rulebook, viewer, team)
        if listed or viewer.team == team:
            rows.append(one.as_json(with_text=True))
    return rows
