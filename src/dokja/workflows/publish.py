"""Publish: announce a signed decision, release figures of it, and refuse what would say too much of a sealed score.

- `publish_decision` announces a decision that enough people signed; it opens the objection period.
- `release_figures` releases rounded figures of the announced decision.
- Both look first at what everything already said leaves of every sealed score. A release that the policy refuses
  writes nothing; the answer is the table.
- What was released is taken back by superseding alone; what was read stays read, and goes on confining.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dokja.canonical import JSON
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import heard_announcements
from dokja.procedure.signature_rule import Enough
from dokja.publishing.disclosure import Confinement, PublishedStatement, confine
from dokja.publishing.known import scoreboard_of
from dokja.publishing.release import (
    Review,
    already_said,
    points_of,
    read_assumptions,
    require_granted,
    review,
    sealed_scores,
    statement_json,
    statements_of_decision,
)
from dokja.publishing.see import Viewer, granted
from dokja.record.events import Event, in_force
from dokja.record.history import instant
from dokja.record.payloads import Kind
from dokja.rulebook import Disclosed, Profile, Rulebook, require_known
from dokja.workflows.decide import Proposal, read_proposal, require_signed, who_signed, write_dossiers
from dokja.workflows.desk import Actor, Desk, Draft, told


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms something is released.

    Args:
        until: End of the embargo, RFC 3339 in UTC; empty for none.
        to: Who may see it before.
        assumptions: What whoever reads it is taken to know besides (`first:PART:TEAM`, `last:PART:TEAM`, `knows:TEAM`).
        supersedes: The release it takes the place of; empty for none.
        reason: Why, where it supersedes one.
    """

    until: str = ""
    to: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    supersedes: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Which figures are released to whom.

    Args:
        viewer: To whom.
        fields: Which fields of the rulebook's table.
        digits: Decimals they are rounded to.
        teams: Whose own scores, where such a field is released; all teams by default.
    """

    viewer: Viewer
    fields: tuple[Disclosed, ...]
    digits: int
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Released:
    """What came of a release.

    Args:
        statements: What it says.
        review: What it would leave of every sealed score.
        event: The release; None where it was refused, or only tried.
        dossiers: Files written.
    """

    statements: tuple[PublishedStatement, ...]
    review: Review
    event: Event | None
    dossiers: tuple[Path, ...] = ()

    @property
    def allowed(self) -> bool:
        """Return whether the policy allows it."""
        return not self.review.refused

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object."""
        return {
            "allowed": self.allowed,
            "event": None if self.event is None else told(self.event),
            "statements": [statement_json(one) for one in self.statements],
            "narrowest_interval_points": self.review.narrowest_points,
            "sealed": cast(JSON, self.review.rows()),
            "left_out_as_untrue": [
                {"release": one.release, **statement_json(one)} for one in self.review.untrue
            ],
            "dossiers": [str(path) for path in self.dossiers],
        }


def signed_decision(desk: Desk, stage: str, digest: str = "") -> Proposal:
    """Return a decision that enough people signed: the one named, or the one signed last.

    Raises:
        NotAllowed: Nobody signed one, or not enough people did.
    """
    name = desk.require_stage(stage)
    signed = [e for e in in_force(desk.store.events(name)) if e.kind is Kind.DECISION_SIGNED]
    digests = list(dict.fromkeys(str(event.payload["decision"]) for event in reversed(signed)))
    if digest and digest not in digests:
        raise NotAllowed(f"Nobody signed a decision {digest!r}.", hint="Sign it with: dokja stage sign")
    for one in [digest] if digest else digests:
        proposal = read_proposal(desk, name, one)
        signed_by = who_signed(desk, name, proposal)
        if digest:
            require_signed(signed_by)
        if signed_by.enough is not Enough.SHORT:
            return proposal
    raise NotAllowed(
        f"No decision of stage {name!r} is signed by enough people.", hint="Make one with: dokja stage decide"
    )


def announcements(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the releases in force that announce a decision, in the order of the log."""
    return tuple(e for e in in_force(events) if e.kind is Kind.RELEASE and e.payload["announcement"])


def announced_decision(desk: Desk, stage: str) -> Proposal:
    """Return the decision announced last.

    Raises:
        NotAllowed: None was announced.
    """
    name = desk.require_stage(stage)
    announced = announcements(desk.store.events(name))
    if not announced:
        raise NotAllowed(
            f"No decision of stage {name!r} was published.", hint="Publish it with: dokja stage publish"
        )
    return read_proposal(desk, name, str(announced[-1].payload["decision"]))


def publish_decision(
    desk: Desk,
    stage: str,
    actor: Actor,
    terms: Terms,
    *,
    digest: str = "",
    out: Path | None = None,
    dry_run: bool = False,
) -> Released:
    """Announce a signed decision to the public, with every field the rulebook's table grants it.

    A corrected decision takes the place of the one announced before, needs a reason, and opens the objection period
    anew for the teams whose outcome it changed.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        actor: Who publishes, and when.
        terms: Embargo, assumptions and reason; what it supersedes is known without being told.
        digest: The decision; the one signed last by default.
        out: Where the two dossiers are written.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: It is not signed, or was announced already.
        RulebookUnknown: The rulebook's publication table or policy is unknown.
    """
    name = desk.require_stage(stage)
    proposal = signed_decision(desk, name, digest)
    events = desk.store.events(name)
    before, heard = announcements(events), heard_announcements(events)
    outcome = proposal.outcome
    teams = list(ends_of(outcome))
    if heard:
        earlier = read_proposal(desk, name, str(heard[-1].payload["decision"])).outcome
        teams = [team for team in teams if ends_of(outcome)[team] != ends_of(earlier).get(team)]
    if before:
        if before[-1].payload["decision"] == proposal.digest:
            raise NotAllowed(f"The decision {proposal.digest} was published already, as {before[-1].id!r}.")
        if not terms.reason:
            raise InvalidInput("A decision that takes another's place needs a reason.", hint="Give --reason.")
        terms = Terms(terms.until, terms.to, terms.assumptions, before[-1].id, terms.reason)
    require_known(proposal.rulebook.publication.fields, "publication.fields")
    viewer = Viewer(Profile.PUBLIC)
    fields = tuple(sorted(granted(proposal.rulebook, viewer)))
    said = _as_the_public_sees(proposal.rulebook, outcome, fields)
    payload = _payload(viewer, proposal.digest, fields, said, terms)
    payload |= {"announcement": True, "announces": list(teams)}
    released = _release(desk, name, proposal, viewer, said, payload, terms, actor, dry_run=dry_run)
    if released.event is None or out is None:
        return released
    return Released(said, released.review, released.event, write_dossiers(desk, name, proposal, out))


def release_figures(
    desk: Desk, stage: str, figures: Figures, actor: Actor, terms: Terms, *, dry_run: bool = False
) -> Released:
    """Release rounded figures of the announced decision to one profile.

    Raises:
        NotAllowed: No decision was announced, or the rulebook does not show these fields to this profile.
        InvalidInput: Nothing is released, or a rounding or team is wrong.
        RulebookUnknown: The rulebook's policy is unknown.
    """
    name = desk.require_stage(stage)
    proposal = announced_decision(desk, name)
    require_granted(proposal.rulebook, figures.viewer, figures.fields)
    said = statements_of_decision(
        proposal.rulebook,
        proposal.outcome,
        figures.fields,
        release="this release",
        digits=figures.digits,
        teams=figures.teams or ((figures.viewer.team,) if figures.viewer.team else ()),
    )
    if not figures.fields:
        raise InvalidInput("A release releases at least one field.", hint="Name it with --field.")
    if terms.supersedes in {event.id for event in announcements(desk.store.events(name))}:
        raise NotAllowed(
            f"{terms.supersedes!r} announced a decision.",
            hint="A corrected decision takes its place: dokja stage publish --reason ...",
        )
    payload = _payload(figures.viewer, proposal.digest, figures.fields, said, terms)
    return _release(desk, name, proposal, figures.viewer, said, payload, terms, actor, dry_run=dry_run)


def intervals(
    desk: Desk, stage: str, viewer: Viewer, assumptions: Sequence[str] = ()
) -> tuple[Confinement, ...]:
    """Return what everything said so far leaves of every score, for a viewer who also knows the assumptions.

    Raises:
        DisclosureContradictory: No scores at all agree with the statements.
        RulebookUnknown: The points of a part are unknown.
    """
    name = desk.require_stage(stage)
    rulebook, events = desk.rulebook(name), desk.store.events(name)
    outcome = decide(rulebook, events).as_json()
    board = scoreboard_of(rulebook, [str(row["team"]) for row in _rows(outcome["teams"])])
    return confine(board, [*already_said(events, viewer), *read_assumptions(assumptions, points_of(outcome))])


def _release(
    desk: Desk,
    stage: str,
    proposal: Proposal,
    viewer: Viewer,
    said: tuple[PublishedStatement, ...],
    payload: dict[str, JSON],
    terms: Terms,
    actor: Actor,
    *,
    dry_run: bool,
) -> Released:
    happening = Draft(Kind.RELEASE, payload, supersedes=terms.supersedes or None, reason=terms.reason)
    _require_terms(terms, actor)
    desk.draft(stage, actor, [happening], proposal.rulebook)
    looked = _review(proposal.rulebook, proposal.outcome, desk.store.events(stage), viewer, said, terms)
    if looked.refused or dry_run:
        return Released(said, looked, None)
    return Released(said, looked, desk.record(stage, actor, [happening], proposal.rulebook)[0])


def _require_terms(terms: Terms, actor: Actor) -> None:
    if terms.until and instant(terms.until) <= instant(actor.at):
        raise InvalidInput(f"The embargo ends at {terms.until}, before the release at {actor.at}.")
    if terms.to and not terms.until:
        raise InvalidInput("Early readers are named for a release under embargo.", hint="Give --until.")


def _review(
    rulebook: Rulebook,
    outcome: dict[str, JSON],
    events: Sequence[Event],
    viewer: Viewer,
    said: Sequence[PublishedStatement],
    terms: Terms,
) -> Review:
    narrowest = require_known(
        rulebook.publication.narrowest_interval_points, "publication.narrowest_interval_points"
    )
    points = points_of(outcome)
    teams = [str(row["team"]) for row in _rows(outcome["teams"])]
    teams = [team for team in teams if any(of == team for of, _ in points)]
    if viewer.profile is Profile.AUDITOR or not rulebook.parts or not teams:
        return Review((), (), (), narrowest)
    board = scoreboard_of(rulebook, teams)
    known = read_assumptions([*_knows(viewer, points), *terms.assumptions], points)
    heard = [*already_said(events, viewer), *known]
    sealed = sealed_scores(rulebook, board, viewer, [*heard, *said])
    return review(board, heard, said, sealed, narrowest, points)


def _as_the_public_sees(
    rulebook: Rulebook, outcome: dict[str, JSON], fields: Sequence[Disclosed]
) -> tuple[PublishedStatement, ...]:
    """Return what an announcement says: means and best scores as the rulebook rounds them, the rest as computed."""
    over_teams = [one for one in fields if one in (Disclosed.STAGE_MEANS, Disclosed.STAGE_TOPS)]
    rest = [one for one in fields if one not in over_teams]
    name = "this decision"
    return statements_of_decision(rulebook, outcome, rest, release=name) + statements_of_decision(
        rulebook, outcome, over_teams, release=name, digits=rulebook.publication.digits
    )


def _knows(viewer: Viewer, points: dict[tuple[str, str], float]) -> list[str]:
    own = viewer.team and any(team == viewer.team for team, _ in points)
    return [f"knows:{viewer.team}"] if own else []


def _payload(
    viewer: Viewer,
    decision: str,
    fields: Sequence[Disclosed],
    said: Sequence[PublishedStatement],
    terms: Terms,
) -> dict[str, JSON]:
    return {
        "profile": viewer.profile.value,
        "team": viewer.team,
        "decision": decision,
        "announcement": False,
        "announces": [],
        "fields": [field.value for field in fields],
        "statements": [statement_json(one) for one in said],
        "assumptions": list(terms.assumptions),
        "until": terms.until,
        "to": list(terms.to),
    }


def ends_of(outcome: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return how a decision ends for each team: its outcome, and the ways it leaves.

    Args:
        outcome: `Decision.as_json()`.
    """
    return {str(row["team"]): [row["outcome"], row["exits"]] for row in _rows(outcome["teams"])}


def _rows(value: JSON) -> list[dict[str, JSON]]:
    return cast("list[dict[str, JSON]]", value)
