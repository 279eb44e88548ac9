"""Close a stage: the decision becomes final once its objection period has ended and every objection is answered."""

from __future__ import annotations

from dokja.deciding.decision import decide
from dokja.errors import NotAllowed
from dokja.procedure.objection import local_day, objections, period_of
from dokja.publishing.correction import no_longer_true
from dokja.publishing.see import is_embargoed
from dokja.record.events import AnyEvent
from dokja.record.kinds.frame import StageClosed
from dokja.rulebook import Unknown
from dokja.workflows.publish import announced_decision, announcements
from dokja.workflows.stage import Actor, Draft, Stage


def close_stage(stage: Stage, actor: Actor, *, dry_run: bool = False) -> AnyEvent:
    """Record that a stage is closed and return the event; from then on it takes corrections only.

    Args:
        stage: The stage.
        actor: Who closes it, and when.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: Nothing was announced, days remain, an objection is open, or the rules now give another result than
            the one announced.
        RulebookUnknown: The rulebook leaves the days of the objection period unknown.
    """
    return stage.record(actor, lambda stage: [Draft(_closing(stage, actor.at))], dry_run=dry_run)[0]


def _closing(stage: Stage, at: str) -> StageClosed:
    rulebook, history = stage.rulebook, stage.history
    if history.closed is not None:
        raise NotAllowed(f"Stage {stage.name!r} is closed already.")
    proposal = announced_decision(stage)
    if is_embargoed(announcements(history)[-1], at):
        raise NotAllowed("The decision is still under embargo.", hint="Close the stage after it ended.")
    decision = decide(rulebook, history)
    periods = [period_of(rulebook, history, one.team) for one in decision.teams]
    last = max((period.last for period in periods if period is not None), default=None)
    final = rulebook.clock.final
    today = local_day(rulebook, at)
    if last is not None and today <= last:
        raise NotAllowed(
            f"Teams may object until {last}.", hint="Close the stage after that day.", last_day=str(last)
        )
    if not isinstance(final, Unknown) and today < final:
        raise NotAllowed(f"The rulebook makes the decision final on {final}.", last_day=str(final))
    waiting = [one.event.id for one in objections(rulebook, history) if one.answer is None]
    if waiting:
        raise NotAllowed(
            f"{len(waiting)} objections are not answered: {', '.join(waiting)}.",
            hint="Answer each with: dokja stage answer",
        )
    if decision.said().ends() != proposal.decided.ends():
        raise NotAllowed(
            "What the rules give now is not what was announced.",
            hint="Decide, sign and publish the corrected decision: dokja stage decide, sign, publish --reason.",
        )
    stale = list(dict.fromkeys(one.statement.release for one in no_longer_true(history, decision, decision)))
    if stale:
        raise NotAllowed(
            f"What {', '.join(stale)} said is no longer true.",
            hint="Publish the correction: dokja stage publish --reason, dokja publication release --supersedes.",
        )
    return StageClosed(decision=proposal.digest)
