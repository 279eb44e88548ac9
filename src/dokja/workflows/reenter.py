"""Re-enter: open a round for a place that nobody took, take in applicants, and record its result with the stage before.

The round is a stage of its own under its own rulebook, and its first event names the stage and decision whose vacancy
it fills. It is submitted to, judged, decided, signed and published like any stage; none may be selected, and one
applicant alone is judged like several, where its rulebook says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from dokja.canonical import JSON
from dokja.errors import InvalidInput, NotAllowed
from dokja.record.events import Event, in_force
from dokja.record.payloads import Kind
from dokja.rulebook import Rulebook, Unknown, Vacancy
from dokja.workflows.decide import Proposal
from dokja.workflows.desk import Actor, Desk, Draft
from dokja.workflows.publish import announced_decision
from dokja.workflows.submit import require_in_time


def open_reentry(
    desk: Desk,
    before: str,
    rulebook: Rulebook,
    actor: Actor,
    applicants: Mapping[str, str],
    *,
    stage: str = "",
    dry_run: bool = False,
) -> list[Event]:
    """Open a re-entry round under its own rulebook and return its first events.

    Args:
        desk: The office's desk.
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
    first = desk.require_stage(before)
    name = stage or rulebook.id
    if name in desk.store.stages():
        raise NotAllowed(f"Stage {name!r} is open already.", hint="Choose another name with --round.")
    proposal = announced_decision(desk, first)
    left = _vacancies(desk, first, proposal)
    places = rulebook.advance.places
    if not isinstance(places, Unknown) and places > left:
        raise InvalidInput(f"The round would select {places} teams, and {left} places are vacant.")
    running = [one for one in _rounds(desk, first) if one not in _settled(desk, first)]
    if running:
        raise NotAllowed(
            f"The re-entry round {running[0]!r} has no result yet.",
            hint="Record it with: dokja stage reenter --result --stage ROUND",
        )
    for team in applicants:
        _require_applicant(rulebook, proposal, team)
    payload: dict[str, JSON] = {
        "rulebook": rulebook.digest(),
        "reenters": {"stage": first, "decision": proposal.digest},
    }
    if not dry_run:
        payload["file"] = desk.keep_rulebook(rulebook)
    happenings = [Draft(Kind.STAGE_OPENED, payload), *_applications(applicants)]
    if dry_run:
        return [entry.event for entry in desk.draft(name, actor, happenings, rulebook)]
    return desk.record(name, actor, happenings, rulebook)


def apply_for_reentry(
    desk: Desk, stage: str, applicants: Mapping[str, str], actor: Actor, *, dry_run: bool = False
) -> list[Event]:
    """Record further applicants of a re-entry round and return their events.

    Raises:
        NotAllowed: The stage is no re-entry round, its last day for applications has passed, or a team may not apply.
    """
    name = desk.require_stage(stage)
    rulebook = desk.rulebook(name)
    first = _reenters(desk, name)
    require_in_time(rulebook, desk.store.events(name), actor.at)
    for team in applicants:
        _require_applicant(rulebook, announced_decision(desk, first), team)
    if dry_run:
        drafted = desk.draft(name, actor, _applications(applicants), rulebook)
        return [entry.event for entry in drafted]
    return desk.record(name, actor, _applications(applicants), rulebook)


def record_reentry(desk: Desk, stage: str, actor: Actor, *, dry_run: bool = False) -> Event:
    """Record the announced result of a re-entry round with the stage whose vacancy it fills.

    A corrected result takes the place of the one recorded before.

    Raises:
        NotAllowed: The round announced nothing, its result stands already, or it selects more teams than there are
            places.
    """
    name = desk.require_stage(stage)
    first = _reenters(desk, name)
    proposal, before = announced_decision(desk, name), announced_decision(desk, first)
    rows = cast("list[dict[str, JSON]]", proposal.outcome["teams"])
    selected = [str(row["team"]) for row in rows if row["advances"]]
    earlier = _settled(desk, first).get(name)
    if earlier is not None and earlier.payload["decision"] == proposal.digest:
        raise NotAllowed(f"This result is recorded already, as {earlier.id!r}.")
    left = _vacancies(desk, first, before, without=name) - len(selected)
    if left < 0:
        raise NotAllowed(f"The round selects {len(selected)} teams, {-left} more than there are places.")
    payload: dict[str, JSON] = {
        "stage": name,
        "decision": proposal.digest,
        "selected": list(selected),
        "vacancies": left,
    }
    happening = Draft(
        Kind.REENTRY_RESULT,
        payload,
        supersedes=None if earlier is None else earlier.id,
        reason="" if earlier is None else "the round's decision was corrected",
    )
    rulebook = desk.rulebook(first)
    if dry_run:
        return desk.draft(first, actor, [happening], rulebook)[0].event
    return desk.record(first, actor, [happening], rulebook)[0]


def _applications(applicants: Mapping[str, str]) -> list[Draft]:
    return [
        Draft(Kind.REENTRY_APPLICATION, {"team": team, "name": name}) for team, name in applicants.items()
    ]


def _vacancies(desk: Desk, stage: str, proposal: Proposal, *, without: str = "") -> int:
    """Return how many places are still vacant, and to be filled by re-entry."""
    outcome = proposal.outcome
    vacant = outcome["vacancies"]
    if not isinstance(vacant, int) or vacant < 1:
        raise NotAllowed(f"The announced decision of {stage!r} left no place vacant.")
    if outcome["filled_by"] != Vacancy.REENTRY.value:
        raise NotAllowed(
            f"The rulebook of {stage!r} does not fill vacant places by re-entry, but: {outcome['filled_by']}."
        )
    settled = _settled(desk, stage)
    taken = [event.payload["selected"] for round_, event in settled.items() if round_ != without]
    left = vacant - sum(len(cast("list[str]", selected)) for selected in taken)
    if left < 1:
        raise NotAllowed(f"Every vacant place of {stage!r} was filled by re-entry already.")
    return left


def _settled(desk: Desk, stage: str) -> dict[str, Event]:
    return {
        str(event.payload["stage"]): event
        for event in in_force(desk.store.events(stage))
        if event.kind is Kind.REENTRY_RESULT
    }


def _rounds(desk: Desk, stage: str) -> Sequence[str]:
    found = []
    for name in desk.store.stages():
        link = _opened(desk, name).payload.get("reenters")
        if isinstance(link, dict) and link["stage"] == stage:
            found.append(name)
    return found


def _reenters(desk: Desk, stage: str) -> str:
    link = _opened(desk, stage).payload.get("reenters")
    if not isinstance(link, dict):
        raise NotAllowed(f"Stage {stage!r} is no re-entry round.", hint="Name the round with --stage.")
    return str(link["stage"])


def _opened(desk: Desk, stage: str) -> Event:
    return next(event for event in desk.store.events(stage) if event.kind is Kind.STAGE_OPENED)


def _require_applicant(rulebook: Rulebook, proposal: Proposal, team: str) -> None:
    rows = cast("list[dict[str, JSON]]", proposal.outcome["teams"])
    row = next((row for row in rows if row["team"] == team), None)
    if row is not None and row["advances"]:
        raise NotAllowed(f"{team!r} holds a place already.")
    if row is not None and rulebook.advance.eliminated_may_apply is False:
        raise NotAllowed(
            f"{team!r} left the stage before, and the rulebook of this round lets no such team apply."
        )
