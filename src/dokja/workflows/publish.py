"""Publish: announce a signed decision, release figures of it, and refuse what would say too much of a sealed score.

- `publish_decision` announces a decision that enough people signed; it opens the objection period.
- `release_figures` releases rounded figures of the announced decision.
- Both look first at what everything already said leaves of every sealed score. A release that the policy refuses
  writes nothing; the answer is the table.
- What was released is taken back by superseding alone; what was read stays read, and goes on confining.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from dokja.canonical import JSON
from dokja.deciding.decided import Decided
from dokja.deciding.decision import decide
from dokja.errors import InvalidInput, NotAllowed
from dokja.procedure.objection import heard_announcements
from dokja.procedure.signature_rule import Enough
from dokja.publishing.disclosure import Confinement, PublishedStatement, confine
from dokja.publishing.known import scoreboard_of
from dokja.publishing.principal import PUBLIC, Principal
from dokja.publishing.release import (
    Review,
    already_said,
    as_said,
    read_assumptions,
    require_granted,
    review,
    sealed_scores,
    statement_json,
    statements_of_decision,
)
from dokja.publishing.see import see
from dokja.record.events import AnyEvent, Event
from dokja.record.history import History, instant
from dokja.record.kinds.after import DecisionSigned
from dokja.record.kinds.publication import Release
from dokja.rulebook import Disclosed, Rulebook, require_known
from dokja.workflows.decide import Proposal, read_proposal, require_signed, who_signed, write_dossiers
from dokja.workflows.stage import Actor, Draft, Stage, told


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
        reader: To whom.
        fields: Which fields of the rulebook's table.
        digits: Decimals they are rounded to.
        teams: Whose own scores, where such a field is released; all teams by default.
    """

    reader: Principal
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
    event: AnyEvent | None
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


def signed_decision(stage: Stage, digest: str = "") -> Proposal:
    """Return a decision that enough people signed: the one named, or the one signed last.

    Raises:
        NotAllowed: Nobody signed one, or not enough people did.
    """
    signed = stage.history.these(DecisionSigned)
    digests = list(dict.fromkeys(event.payload.decision for event in reversed(signed)))
    if digest and digest not in digests:
        raise NotAllowed(f"Nobody signed a decision {digest!r}.", hint="Sign it with: dokja stage sign")
    for one in [digest] if digest else digests:
        proposal = read_proposal(stage, one)
        signed_by = who_signed(stage, proposal)
        if digest:
            require_signed(signed_by)
        if signed_by.enough is not Enough.SHORT:
            return proposal
    raise NotAllowed(
        f"No decision of stage {stage.name!r} is signed by enough people.",
        hint="Make one with: dokja stage decide",
    )


def announcements(history: History) -> tuple[Event[Release], ...]:
    """Return the releases in force that announce a decision, in the order of the log."""
    return tuple(event for event in history.these(Release) if event.payload.announcement)


def announced_decision(stage: Stage) -> Proposal:
    """Return the decision announced last.

    Raises:
        NotAllowed: None was announced.
    """
    announced = announcements(stage.history)
    if not announced:
        raise NotAllowed(
            f"No decision of stage {stage.name!r} was published.", hint="Publish it with: dokja stage publish"
        )
    return read_proposal(stage, announced[-1].payload.decision)


def publish_decision(
    stage: Stage,
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
        stage: The stage.
        actor: Who publishes, and when.
        terms: Embargo, assumptions and reason; what it supersedes is known without being told.
        digest: The decision; the one signed last by default.
        out: Where the two dossiers are written.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: It is not signed, or was announced already.
        RulebookUnknown: The rulebook's publication table or policy is unknown.
    """

    def plan(stage: Stage) -> _Plan:
        proposal = signed_decision(stage, digest)
        before, heard = announcements(stage.history), heard_announcements(stage.history)
        ends = proposal.decided.ends()
        teams = list(ends)
        if heard:
            earlier = read_proposal(stage, heard[-1].payload.decision).decided.ends()
            teams = [team for team in teams if ends[team] != earlier.get(team)]
        final = terms
        if before:
            if before[-1].payload.decision == proposal.digest:
                raise NotAllowed(
                    f"The decision {proposal.digest} was published already, as {before[-1].id!r}."
                )
            if not terms.reason:
                raise InvalidInput(
                    "A decision that takes another's place needs a reason.", hint="Give --reason."
                )
            final = Terms(terms.until, terms.to, terms.assumptions, before[-1].id, terms.reason)
        require_known(proposal.rulebook.publication.fields, "publication.fields")
        fields = tuple(sorted(see(PUBLIC, proposal.rulebook).fields()))
        said = _as_the_public_sees(proposal.rulebook, proposal.decided, fields)
        return _Plan(PUBLIC, proposal, fields, said, final, announces=tuple(teams))

    released, proposal = _release(stage, plan, actor, dry_run=dry_run)
    if released.event is None or out is None:
        return released
    written = write_dossiers(stage, proposal, out)
    return Released(released.statements, released.review, released.event, written)


def release_figures(
    stage: Stage, figures: Figures, actor: Actor, terms: Terms, *, dry_run: bool = False
) -> Released:
    """Release rounded figures of the announced decision to one profile.

    Raises:
        NotAllowed: No decision was announced, or the rulebook does not show these fields to this profile.
        InvalidInput: Nothing is released, or a rounding or team is wrong.
        RulebookUnknown: The rulebook's policy is unknown.
    """

    def plan(stage: Stage) -> _Plan:
        proposal = announced_decision(stage)
        reader = figures.reader
        require_granted(see(reader, proposal.rulebook), figures.fields)
        said = statements_of_decision(
            proposal.rulebook,
            proposal.decided,
            figures.fields,
            release="this release",
            digits=figures.digits,
            teams=figures.teams or ((reader.team,) if reader.team else ()),
        )
        if not figures.fields:
            raise InvalidInput("A release releases at least one field.", hint="Name it with --field.")
        if terms.supersedes in {event.id for event in announcements(stage.history)}:
            raise NotAllowed(
                f"{terms.supersedes!r} announced a decision.",
                hint="A corrected decision takes its place: dokja stage publish --reason ...",
            )
        return _Plan(reader, proposal, figures.fields, said, terms)

    return _release(stage, plan, actor, dry_run=dry_run)[0]


def intervals(stage: Stage, reader: Principal, assumptions: Sequence[str] = ()) -> tuple[Confinement, ...]:
    """Return what everything said so far leaves of every score, for a reader who also knows the assumptions.

    Raises:
        DisclosureContradictory: No scores at all agree with the statements.
        RulebookUnknown: The points of a part are unknown.
    """
    decided = decide(stage.rulebook, stage.history).said()
    board = scoreboard_of(stage.rulebook, [one.team for one in decided.teams])
    known = read_assumptions(assumptions, decided.points())
    return confine(board, [*already_said(stage.history, reader), *known])


@dataclass(frozen=True, slots=True)
class _Plan:
    """A release about to be made: to whom, of which decision, what it says, on which terms."""

    reader: Principal
    proposal: Proposal
    fields: tuple[Disclosed, ...]
    said: tuple[PublishedStatement, ...]
    terms: Terms
    announces: tuple[str, ...] | None = None

    def draft(self) -> Draft:
        """Return the release as it is recorded."""
        payload = Release(
            profile=self.reader.profile,
            team=self.reader.team,
            decision=self.proposal.digest,
            announcement=self.announces is not None,
            announces=self.announces or (),
            fields=self.fields,
            statements=tuple(as_said(one) for one in self.said),
            assumptions=self.terms.assumptions,
            until=self.terms.until,
            to=self.terms.to,
        )
        return Draft(payload, supersedes=self.terms.supersedes or None, reason=self.terms.reason)


class _Refused(Exception):  # leaves the transaction without writing, and nothing else
    """The policy refuses a release."""


def _release(
    stage: Stage, plan: Callable[[Stage], _Plan], actor: Actor, *, dry_run: bool
) -> tuple[Released, Proposal]:
    made: dict[str, tuple[_Plan, Review]] = {}

    def drafts(stage: Stage) -> list[Draft]:
        planned = plan(stage)
        _require_terms(planned.terms, actor)
        looked = _review(planned, stage.history)
        made["now"] = planned, looked
        draft = planned.draft()
        if looked.refused:
            stage.record(actor, [draft], dry_run=True)
            raise _Refused
        return [draft]

    try:
        events = stage.record(actor, drafts, dry_run=dry_run)
    except _Refused:
        events = []
    planned, looked = made["now"]
    event = None if dry_run or not events else events[0]
    return Released(planned.said, looked, event), planned.proposal


def _require_terms(terms: Terms, actor: Actor) -> None:
    if terms.until and instant(terms.until) <= instant(actor.at):
        raise InvalidInput(f"The embargo ends at {terms.until}, before the release at {actor.at}.")
    if terms.to and not terms.until:
        raise InvalidInput("Early readers are named for a release under embargo.", hint="Give --until.")


def _review(planned: _Plan, history: History) -> Review:
    rulebook, reader = planned.proposal.rulebook, planned.reader
    narrowest = require_known(
        rulebook.publication.narrowest_interval_points, "publication.narrowest_interval_points"
    )
    points = planned.proposal.decided.points()
    scored = {team for team, _ in points}
    teams = [one.team for one in planned.proposal.decided.teams if one.team in scored]
    if reader.sees_everything or not rulebook.parts or not teams:
        return Review((), (), (), narrowest)
    board = scoreboard_of(rulebook, teams)
    knows = [f"knows:{reader.team}"] if reader.team in scored else []
    known = read_assumptions([*knows, *planned.terms.assumptions], points)
    heard = [*already_said(history, reader), *known]
    sealed = sealed_scores(see(reader, rulebook), board, [*heard, *planned.said])
    return review(board, heard, planned.said, sealed, narrowest, points)


def _as_the_public_sees(
    rulebook: Rulebook, decided: Decided, fields: Sequence[Disclosed]
) -> tuple[PublishedStatement, ...]:
    """Return what an announcement says: means and best scores as the rulebook rounds them, the rest as computed."""
    over_teams = [one for one in fields if one in (Disclosed.STAGE_MEANS, Disclosed.STAGE_TOPS)]
    rest = [one for one in fields if one not in over_teams]
    name = "this decision"
    return statements_of_decision(rulebook, decided, rest, release=name) + statements_of_decision(
        rulebook, decided, over_teams, release=name, digits=rulebook.publication.digits
    )
