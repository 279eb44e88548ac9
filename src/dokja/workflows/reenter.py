"""Re-enter: open a round for a place that nobody took, take in applicants, and record its result with the stage before.

The round is a stage of its own under its own rulebook, and its first event names the stage and decision whose vacancy
it fills. It is submitted to, judged, decided, signed and published like any stage; none may be selected, and one
applicant alone is judged like several, where its rulebook says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import AnyEvent, Event
from dokja.record.kinds.after import ReentryResult
from dokja.record.kinds.entry import ReentryApplication
from dokja.record.kinds.frame import StageOpened
from dokja.rulebook import Rulebook, Unknown, Vacancy
from dokja.workflows.decide import Proposal
from dokja.workflows.publish import announced_decision
from dokja.workflows.stage import Actor, Draft, Stage, read_payload
from dokja.workflows.submit import require_in_time


def open_reentry(
    before: Stage,
    rulebook: Rulebook,
    actor: Actor,
    applicants: Mapping[str, str],
    *,
    stage: str = "",
    dry_run: bool = False,
) -> list[AnyEvent]:
    """Open a re-entry round under its own rulebook and return its first events.

    Args:
        before: The stage whose vacancy it fills.
        rulebook: The round's own rulebook.
        actor: Who opens it.
        applicants: Team to display name of those who apply already.
        stage: Name of the round; the rulebook's id by default.
        dry_run: Whether nothing is written.

    Raises:
        NotAllowed: No place is vacant, the rulebook fills it otherwise, a round runs already, or an applicant may not
            apply.
        InvalidInput: The round would select more teams than there are places.
    """
    desk, name = before.desk, stage or rulebook.id
    if name in desk.store.stages():
        raise NotAllowed(f"Stage {name!r} is open already.", hint="Choose another name with --round.")
    proposal = announced_decision(before)
    left = _vacancies(before, proposal)
    places = rulebook.advance.places
    if not isinstance(places, Unknown) and places > left:
        raise InvalidInput(f"The round would select {places} teams, and {left} places are vacant.")
    running = [one for one in _rounds(before) if one not in _settled(before)]
    if running:
        raise NotAllowed(
            f"The re-entry round {running[0]!r} has no result yet.",
            hint="Record it with: dokja stage reenter --result --stage ROUND",
        )
    for team in applicants:
        _require_applicant(rulebook, proposal, team)
    payload = {
        "rulebook": rulebook.digest(),
        "reenters": {"stage": before.name, "decision": proposal.digest},
    }
    if not dry_run:
        payload["file"] = desk.keep_rulebook(rulebook)
    drafts = [Draft(read_payload(StageOpened, payload)), *_applications(applicants)]
    return desk.new_stage(name, rulebook).record(actor, drafts, dry_run=dry_run)


def apply_for_reentry(
    stage: Stage, applicants: Mapping[str, str], actor: Actor, *, dry_run: bool = False
) -> list[AnyEvent]:
    """Record further applicants of a re-entry round and return their events.

    Raises:
        NotAllowed: The stage is no re-entry round, its last day for applications has passed, or a team may not apply.
    """
    proposal = announced_decision(_reenters(stage))

    def drafts(stage: Stage) -> list[Draft]:
        require_in_time(stage, actor.at)
        for team in applicants:
            _require_applicant(stage.rulebook, proposal, team)
        return _applications(applicants)

    return stage.record(actor, drafts, dry_run=dry_run)


def record_reentry(stage: Stage, actor: Actor, *, dry_run: bool = False) -> AnyEvent:
    """Record the announced result of a re-entry round with the stage whose vacancy it fills.

    A corrected result takes the place of the one recorded before.

    Raises:
        NotAllowed: The round announced nothing, its result stands already, or it selects more teams than there are
            places.
    """
    proposal = announced_decision(stage)
    selected = tuple(one.team for one in proposal.decided.teams if one.advances)

    def drafts(first: Stage) -> list[Draft]:
        earlier = _settled(first).get(stage.name)
        if earlier is not None and earlier.payload.decision == proposal.digest:
            raise NotAllowed(f"This result is recorded already, as {earlier.id!r}.")
        left = _vacancies(first, announced_decision(first), without=stage.name) - len(selected)
        if left < 0:
            raise NotAllowed(f"The round selects {len(selected)} teams, {-left} more than there are places.")
        result = ReentryResult(stage=stage.name, decision=proposal.digest, selected=selected, vacancies=left)
        if earlier is None:
            return [Draft(result)]
        return [Draft(result, supersedes=earlier.id, reason="the round's decision was corrected")]

    return _reenters(stage).record(actor, drafts, dry_run=dry_run)[0]


def _applications(applicants: Mapping[str, str]) -> list[Draft]:
    return [Draft(ReentryApplication(team=team, name=name)) for team, name in applicants.items()]


def _vacancies(stage: Stage, proposal: Proposal, *, without: str = "") -> int:
    """Return how many places are still vacant, and to be filled by re-entry."""
    vacant, filled_by = proposal.decided.vacancies, proposal.decided.filled_by
    if vacant is None or vacant < 1:
        raise NotAllowed(f"The announced decision of {stage.name!r} left no place vacant.")
    if filled_by != Vacancy.REENTRY.value:
        raise NotAllowed(
            f"The rulebook of {stage.name!r} does not fill vacant places by re-entry, but: {filled_by}."
        )
    settled = _settled(stage)
    taken = [event.payload.selected for round_, event in settled.items() if round_ != without]
    left = vacant - sum(len(selected) for selected in taken)
    if left < 1:
        raise NotAllowed(f"Every vacant place of {stage.name!r} was filled by re-entry already.")
    return left


def _settled(stage: Stage) -> dict[str, Event[ReentryResult]]:
    return {event.payload.stage: event for event in stage.history.these(ReentryResult)}


def _rounds(stage: Stage) -> Sequence[str]:
    found = []
    for other in stage.desk.stages():
        link = None if other.history.opened is None else other.history.opened.payload.reenters
        if link is not None and link.stage == stage.name:
            found.append(other.name)
    return found


def _reenters(stage: Stage) -> Stage:
    """Return the stage whose vacancy a re-entry round fills."""
    link = None if stage.history.opened is None else stage.history.opened.payload.reenters
    if link is None:
        raise NotAllowed(f"Stage {stage.name!r} is no re-entry round.", hint="Name the round with --stage.")
    return stage.desk.stage(link.stage)


def _require_applicant(rulebook: Rulebook, proposal: Proposal, team: str) -> None:
    decided = proposal.decided.of(team)
    if decided is not None and decided.advances:
        raise NotAllowed(f"{team!r} holds a place already.")
    if decided is not None and rulebook.advance.eliminated_may_apply is False:
        raise NotAllowed(
            f"{team!r} left the stage before, and the rulebook of this round lets no such team apply."
        )
