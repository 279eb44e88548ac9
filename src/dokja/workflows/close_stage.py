"""Close a stage: the decision becomes final once its objection period has ended and every objection is answered."""

from __future__ import annotations

from dokja.deciding.decision import decide
from dokja.errors import NotAllowed
from dokja.procedure.objection import local_day, objections, period_of
from dokja.publishing.correction import no_longer_true
from dokja.publishing.release import is_embargoed
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
from dokja.rulebook import Unknown
from dokja.workflows.desk import Actor, Desk, Draft
from dokja.workflows.publish import announced_decision, announcements, ends_of


def close_stage(desk: Desk, stage: str, actor: Actor, *, dry_run: bool = False) -> Event:
    """Record that a stage is closed and return the event; from then on it takes corrections only.

    Args:
        desk: The office's desk.
        stage: Name of the stage.
        actor: Who closes it, and when.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: Nothing was announced, days remain, an objection is open, or the rules now give another result than
            the one announced.
        RulebookUnknown: The rulebook leaves the days of the objection period unknown.
    """
    name = desk.require_stage(stage)
    rulebook, events = desk.rulebook(name), desk.store.events(name)
    if any(event.kind is Kind.STAGE_CLOSED for event in in_force(events)):
        raise NotAllowed(f"Stage {name!r} is closed already.")
    proposal = announced_decision(desk, name)
    if is_embargoed(announcements(events)[-1], actor.at):
        raise NotAllowed("The decision is still under embargo.", hint="Close the stage after it ended.")
    decision = decide(rulebook, events)
    periods = [period_of(rulebook, events, one.team) for one in decision.teams]
    last = max((period.last for period in periods if period is not None), default=None)
    final = rulebook.clock.final
    today = local_day(rulebook, actor.at)
    if last is not None and today <= last:
        raise NotAllowed(
            f"Teams may object until {last}.", hint="Close the stage after that day.", last_day=str(last)
        )
    if not isinstance(final, Unknown) and today < final:
        raise NotAllowed(f"The rulebook makes the decision final on {final}.", last_day=str(final))
    waiting = [one.event.id for one in objections(rulebook, events) if one.answer is None]
    if waiting:
        raise NotAllowed(
            f"{len(waiting)} objections are not answered: {', '.join(waiting)}.",
            hint="Answer each with: dokja stage answer",
        )
    if ends_of(decision.as_json()) != ends_of(proposal.outcome):
        raise NotAllowed(
            "What the rules give now is not what was announced.",
            hint="Decide, sign and publish the corrected decision: dokja stage decide, sign, publish --reason.",
        )
    stale = list(dict.fromkeys(one.statement.release for one in no_longer_true(events, decision, decision)))
    if stale:
        raise NotAllowed(
            f"What {', '.join(stale)} said is no longer true.",
            hint="Publish the correction: dokja stage publish --reason, dokja publication release --supersedes.",
        )
    happenings = [Draft(Kind.STAGE_CLOSED, {"decision": proposal.digest})]
    if dry_run:
        return desk.draft(name, actor, happenings, rulebook)[0].event
    return desk.record(name, actor, happenings, rulebook)[0]
