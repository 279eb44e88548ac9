"""Make the official documents of a stage, each from exactly what its reader's profile may see.

A decision is told only once enough people have signed it; minutes may be drawn up before. While an embargo runs, only
whoever it names may draw up a document, and that look is recorded like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import cast

from dokja.canonical import JSON
from dokja.errors import InvalidInput, NotAllowed, RulebookUnknown
from dokja.procedure.objection import objections, period_of
from dokja.procedure.support import Promise
from dokja.publishing.principal import PUBLIC, Principal, principal_of
from dokja.publishing.see import Sight, see
from dokja.record.events import SIMULATOR
from dokja.record.kinds.after import DecisionSigned
from dokja.report.document import Document
from dokja.report.letter_blocks import Facts, Signatory
from dokja.report.letters import (
    Head,
    ObjectionReceived,
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
from dokja.rulebook import Disclosed, Profile
from dokja.workflows.decide import proposals
from dokja.workflows.preview import Preview, preview
from dokja.workflows.stage import Stage
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


def make_document(stage: Stage, asked: Asked) -> Document:
    """Return a document of a stage.

    Raises:
        NotAllowed: The decision is not signed by enough people yet, or an embargo runs.
        InvalidInput: No team or objection is named where one is needed.
    """
    if asked.letter is Letter.ACKNOWLEDGEMENT:
        return _acknowledge(stage, asked)
    if asked.letter is Letter.FEEDBACK and not asked.team:
        raise InvalidInput("A feedback letter goes to one team.", hint="Name it with --team.")
    sight = see(_reader(asked), stage.rulebook)
    looked = preview(stage, sight.principal, asked.at, asked.by)
    if asked.letter is not Letter.MINUTES and looked.state == "unsigned":
        raise NotAllowed(
            "The decision is not signed by enough people yet, so there is nothing to tell.",
            hint="Sign it with: dokja stage sign DIGEST --key FILE",
        )
    facts = _facts(stage, looked, sight, asked)
    head = _head(asked, stage.name, facts.decision)
    if asked.letter is Letter.FEEDBACK:
        return feedback_letter(head, facts, asked.team)
    if asked.letter is Letter.DECISION:
        return decision_notice(head, facts, asked.team)
    if asked.letter is Letter.PUBLICATION:
        announced = looked.state == "announced" and bool(looked.seen["releases"])
        return publication_notice(head, facts, _released(looked.seen), announced=announced)
    return minutes(head, facts, _proceedings(stage, sight))


def _reader(asked: Asked) -> Principal:
    if asked.letter is Letter.MINUTES:
        if asked.profile not in (Profile.PANEL, Profile.AUDITOR):
            raise InvalidInput("Minutes are read by the panel or the auditor.")
        return principal_of(asked.profile)
    if asked.team and asked.letter in (Letter.DECISION, Letter.FEEDBACK):
        return principal_of(Profile.OWN_TEAM, asked.team)
    return PUBLIC


def _head(asked: Asked, stage: str, about: str) -> Head:
    short = about.removeprefix("sha256:")[:8] if about.startswith("sha256:") else about
    number = asked.number or f"{stage}-{asked.letter.value}-{short}".removesuffix("-")
    return Head(number, asked.issued, asked.issuer, asked.language)


def _facts(stage: Stage, looked: Preview, sight: Sight, asked: Asked) -> Facts:
    returns: list[str] = []
    keeps: list[str] = []
    for left in on_exit(stage.desk, look_at_support(stage.desk)):
        if left.team == sight.principal.team and left.stage == stage.name:
            returns = [_what(one, asked.language) for one in left.returns]
            keeps = [_what(one, asked.language) for one in left.keeps]
    return Facts(
        rulebook=stage.rulebook,
        view=_view(looked.seen["view"]),
        decision=looked.decision,
        simulated=sum(event.by == SIMULATOR for event in stage.history.standing.values()),
        signers=_signers(stage, sight),
        objection_last=_objection_last(stage, asked),
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


def _signers(stage: Stage, sight: Sight) -> tuple[Signatory, ...] | None:
    if not sight.shows(Disclosed.SIGNATURES, sight.principal.team):
        return None
    ring = stage.ring
    return tuple(
        Signatory(
            event.payload.signer,
            ring[event.payload.key].role if event.payload.key in ring else "–",
            event.at,
            event.payload.decision,
        )
        for event in stage.history.these(DecisionSigned)
    )


def _objection_last(stage: Stage, asked: Asked) -> date | None:
    """Return the last day to object: the team's own, or everyone's where it is the same for all."""
    teams = [asked.team] if asked.team else list(look_at_support(stage.desk).teams)
    try:
        periods = [period_of(stage.rulebook, stage.history, team) for team in teams]
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


def _proceedings(stage: Stage, sight: Sight) -> Proceedings:
    history = stage.history
    first: dict[str, str] = {}
    for signed in history.these(DecisionSigned):
        first.setdefault(signed.payload.decision, signed.at)
    proposed = []
    for proposal in proposals(stage):
        read = [event for event in stage.events if stage.places[event.id] < proposal.before]
        latest = max(event.at for event in read)
        proposed.append(Proposed(proposal.digest, latest, len(read), first.get(proposal.digest, "")))
    named = sight.shows(Disclosed.EXPERT_NAMES)
    recused: dict[str, list[str]] = {}
    for rater, team in history.recused:
        recused.setdefault(rater, []).append(team)
    return Proceedings(
        proposed=proposed,
        recusals=[(rater, ", ".join(teams)) for rater, teams in recused.items()] if named else None,
        recusal_count=len(recused),
        conflicts=history.conflicts if named else None,
    )


def _acknowledge(stage: Stage, asked: Asked) -> Document:
    rulebook = stage.rulebook
    found = next(
        (one for one in objections(rulebook, stage.history) if one.event.id == asked.objection), None
    )
    if found is None:
        raise InvalidInput(
            f"There is no objection {asked.objection!r} in stage {stage.name!r}.",
            hint="Name its event with --objection.",
        )
    made = found.event.payload
    names = look_at_support(stage.desk).teams
    came = ObjectionReceived(
        found.event.id,
        made.team,
        made.ground.value,
        found.received,
        found.answer_by,
        rulebook.appeals.another_panel is True,
    )
    head = _head(asked, stage.name, found.event.id)
    return acknowledgement(head, rulebook, came, names.get(made.team, made.team))
