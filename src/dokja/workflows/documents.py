"""Make the official documents of a stage, each from exactly what its reader's profile may see.

A decision is told only once enough people have signed it; minutes may be drawn up before. While an embargo runs, only
whoever it names may draw up a document, and that look is recorded like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import cast

from dokja.canonical import JSON
from dokja.errors import InvalidInput, NotAllowed, RulebookUnknown
from dokja.procedure.objection import objections, period_of
from dokja.procedure.support import Promise
from dokja.publishing.see import Viewer, granted
from dokja.record.events import SIMULATOR, Event, in_force
from dokja.record.payloads import Kind
from dokja.report.document import Document
from dokja.report.letter_blocks import Facts, Signer
from dokja.report.letters import (
    Head,
    Objection,
    Proceedings,
    Proposed,
    acknowledgement,
    decision_notice,
    feedback_letter,
    minutes,
    publication_notice,
)
from dokja.report.support import say_count
from dokja.report.words import Language
from dokja.rulebook import Disclosed, Profile, Rulebook
from dokja.workflows.decide import Proposal, read_proposal
from dokja.workflows.desk import Desk
from dokja.workflows.preview import preview
from dokja.workflows.support import look_at_support, on_exit


class Letter(StrEnum):
    """Which document."""

    DECISION = "decision"
    MINUTES = "minutes"
    PUBLICATION = "publication"
    FEEDBACK = "feedback"
    ACKNOWLEDGEMENT = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which document is asked for.

    Args:
        letter: Which.
        at: Now, RFC 3339 in UTC.
        issued: The day it bears.
        language: `ko` or `en`.
        team: To which team; empty for everyone concerned.
        profile: Who reads minutes: PANEL or AUDITOR.
        objection: Event of the objection acknowledged.
        by: Who draws it up; needed while an embargo runs.
        number: Reference number of the office; made of stage and decision by default.
        issuer: Who issues it; the programme office by default.
    """

    letter: Letter
    at: str
    issued: date
    language: Language
    team: str = ""
    profile: Profile = Profile.PANEL
    objection: str = ""
    by: str = ""
    number: str = ""
    issuer: str = ""


def make_document(desk: Desk, stage: str, asked: Asked) -> Document:
    """Return a document of a stage.

    Raises:
        NotAllowed: The decision is not signed by enough people yet, or an embargo runs.
        InvalidInput: No team or objection is named where one is needed.
    """
    name = desk.require_stage(stage)
    if asked.letter is Letter.ACKNOWLEDGEMENT:
        return _acknowledge(desk, name, asked)
    if asked.letter is Letter.FEEDBACK and not asked.team:
        raise InvalidInput("A feedback letter goes to one team.", hint="Name it with --team.")
    viewer = _reader(asked)
    seen = preview(desk, name, viewer, asked.at, asked.by).seen
    if asked.letter is not Letter.MINUTES and seen["state"] == "unsigned":
        raise NotAllowed(
            "The decision is not signed by enough people yet, so there is nothing to tell.",
            hint="Sign it with: dokja stage sign DIGEST --key FILE",
        )
    events = desk.store.events(name)
    facts = _facts(desk, name, seen, viewer, asked)
    head = _head(asked, name, facts.decision)
    if asked.letter is Letter.FEEDBACK:
        return feedback_letter(head, facts, asked.team)
    if asked.letter is Letter.DECISION:
        return decision_notice(head, facts, asked.team)
    if asked.letter is Letter.PUBLICATION:
        announced = seen["state"] == "announced" and bool(seen["releases"])
        return publication_notice(head, facts, _released(seen), announced=announced)
    return minutes(head, facts, _proceedings(desk, name, facts.rulebook, events, viewer))


def _reader(asked: Asked) -> Viewer:
    if asked.letter is Letter.MINUTES:
        if asked.profile not in (Profile.PANEL, Profile.AUDITOR):
            raise InvalidInput("Minutes are read by the panel or the auditor.")
        return Viewer(asked.profile)
    if asked.team and asked.letter in (Letter.DECISION, Letter.FEEDBACK):
        return Viewer(Profile.OWN_TEAM, asked.team)
    return Viewer(Profile.PUBLIC)


def _head(asked: Asked, stage: str, about: str) -> Head:
    short = about.removeprefix("sha256:")[:8] if about.startswith("sha256:") else about
    number = asked.number or f"{stage}-{asked.letter.value}-{short}".removesuffix("-")
    return Head(number, asked.issued, asked.issuer, asked.language)


def _facts(desk: Desk, stage: str, seen: Mapping[str, JSON], viewer: Viewer, asked: Asked) -> Facts:
    digest = str(seen["decision"])
    rulebook = read_proposal(desk, stage, digest).rulebook if digest else desk.rulebook(stage)
    events = desk.store.events(stage)
    returns: list[str] = []
    keeps: list[str] = []
    for left in on_exit(desk, look_at_support(desk)):
        if left.team == viewer.team and left.stage == stage:
            returns = [_what(one, asked.language) for one in left.returns]
            keeps = [_what(one, asked.language) for one in left.keeps]
    return Facts(
        rulebook=rulebook,
        view=_view(seen["view"]),
        decision=digest,
        simulated=sum(event.by == SIMULATOR for event in in_force(events)),
        signers=_signers(desk, events, rulebook, viewer),
        objection_last=_objection_last(desk, rulebook, events, asked),
        returns=returns,
        keeps=keeps,
    )


def _view(view: JSON) -> Mapping[str, JSON]:
    """Return the view as a letter reads it; the auditor's whole outcome has the shape of the others' views."""
    assert isinstance(view, dict)
    outcome = view.get("outcome")
    if not isinstance(outcome, dict):
        return view
    scores = cast("list[dict[str, JSON]]", outcome["scores"])
    teams: list[JSON] = [
        {**row, "scores": [score for score in scores if score["team"] == row["team"]]}
        for row in cast("list[dict[str, JSON]]", outcome["teams"])
    ]
    return {**outcome, "teams": teams}


def _what(promise: Promise, language: Language) -> str:
    return f"{promise.what} ({say_count(promise.units, language)})"


def _signers(
    desk: Desk, events: Sequence[Event], rulebook: Rulebook, viewer: Viewer
) -> tuple[Signer, ...] | None:
    if Disclosed.SIGNATURES not in granted(rulebook, viewer, viewer.team):
        return None
    ring = desk.store.key_ring()
    return tuple(
        Signer(
            str(event.payload["signer"]),
            ring[str(event.payload["key"])].role if event.payload["key"] in ring else "–",
            event.at,
            str(event.payload["decision"]),
        )
        for event in in_force(events)
        if event.kind is Kind.DECISION_SIGNED
    )


def _objection_last(desk: Desk, rulebook: Rulebook, events: Sequence[Event], asked: Asked) -> date | None:
    """Return the last day to object: the team's own, or everyone's where it is the same for all."""
    teams = [asked.team] if asked.team else list(look_at_support(desk).teams)
    try:
        periods = [period_of(rulebook, events, team) for team in teams]
    except RulebookUnknown:
        return None
    lasts = {period.last for period in periods if period is not None}
    return lasts.pop() if len(lasts) == 1 else None


def _released(seen: Mapping[str, JSON]) -> list[Mapping[str, JSON]]:
    releases = cast("list[dict[str, JSON]]", seen["releases"])
    current = [one for one in releases if one["decision"] == seen["decision"]]
    told = [said for one in current for said in cast("list[dict[str, JSON]]", one["statements"])]
    unique = {(said["of"], said["part"], tuple(cast("list[str]", said["teams"]))): said for said in told}
    return list(unique.values())


def _proceedings(
    desk: Desk, stage: str, rulebook: Rulebook, events: Sequence[Event], viewer: Viewer
) -> Proceedings:
    standing = in_force(events)
    first: dict[str, str] = {}
    for event in standing:
        if event.kind is Kind.DECISION_SIGNED:
            first.setdefault(str(event.payload["decision"]), event.at)
    proposed = []
    for proposal in sorted(proposals(desk, stage), key=lambda one: one.before):
        read = desk.store.events(stage, before=proposal.before)
        latest = max(event.at for event in read)
        proposed.append(Proposed(proposal.digest, latest, len(read), first.get(proposal.digest, "")))
    recused = [event for event in standing if event.kind is Kind.RECUSAL]
    declared = [event for event in standing if event.kind is Kind.CONFLICT_DECLARED]
    named = Disclosed.EXPERT_NAMES in granted(rulebook, viewer)
    return Proceedings(
        proposed=proposed,
        recusals=[
            (str(event.payload["rater"]), ", ".join(cast("list[str]", event.payload["teams"])))
            for event in recused
        ]
        if named
        else None,
        recusal_count=len(recused),
        conflicts=[
            (str(event.payload["rater"]), str(event.payload["team"]), str(event.payload["ground"]))
            for event in declared
        ]
        if named
        else None,
    )


def proposals(desk: Desk, stage: str) -> list[Proposal]:
    """Return every decision of a stage that was ever proposed, signed or not."""
    kept = sorted((desk.folder / "proposals").glob("*.digest"))
    found = [read_proposal(desk, stage, path.stem) for path in kept]
    return [one for one in found if cast("dict[str, JSON]", one.everything["outcome"])["stage"] == stage]


def _acknowledge(desk: Desk, stage: str, asked: Asked) -> Document:
    rulebook, events = desk.rulebook(stage), desk.store.events(stage)
    found = next((one for one in objections(rulebook, events) if one.event.id == asked.objection), None)
    if found is None:
        raise InvalidInput(
            f"There is no objection {asked.objection!r} in stage {stage!r}.",
            hint="Name its event with --objection.",
        )
    team = str(found.event.payload["team"])
    names = look_at_support(desk).teams
    came = Objection(
        found.event.id,
        team,
        str(found.event.payload["ground"]),
        found.received,
        found.answer_by,
        rulebook.appeals.another_panel is True,
    )
    head = _head(asked, stage, found.event.id)
    return acknowledgement(head, rulebook, came, names.get(team, team))
