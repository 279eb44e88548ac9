"""Rosters of consortia: set the next version, see which applied on a day, and what changed between stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from dokja.errors import InvalidInput
from dokja.procedure.support_record import SupportRecord
from dokja.record.events import AnyEvent
from dokja.record.kinds.ledger import RosterRecorded
from dokja.record.roster import MemberRole, RosterChange, RosterVersion, changes_between, roster_on
from dokja.rulebook import Unknown
from dokja.workflows.stage import Actor, Stage, read_payload
from dokja.workflows.support import NOTHING, Correction, look_at_support, record_support


def set_roster(
    stage: Stage,
    team: str,
    members: Mapping[MemberRole, Sequence[str]],
    effective: date,
    why: str,
    actor: Actor,
    *,
    correction: Correction = NOTHING,
    dry_run: bool = False,
) -> AnyEvent:
    """Record the next version of a team's roster, or correct one; a correction keeps its number.

    Args:
        stage: The stage it is recorded in.
        team: Whose roster.
        members: Role to the names of the members in it; everyone, not only who is new.
        effective: First day it applies.
        why: Why it replaces the version before; may be empty for the first.
        actor: Who records, and when.
        correction: Which version it corrects, and why.
        dry_run: Check everything and write nothing.

    Raises:
        InvalidInput: Not exactly one lead, a member twice, no reason, or a day before the version it replaces.
    """
    versions = look_at_support(stage.desk).rosters.get(team, ())
    corrected = next((one.version for one in versions if one.event == correction.supersedes), None)
    if correction.supersedes and corrected is None:
        raise InvalidInput(
            f"The event {correction.supersedes!r} is no version of the roster of {team!r} in force."
        )
    listed = [{"name": name, "role": role.value} for role, names in members.items() for name in names]
    payload = {
        "team": team,
        "version": corrected or len(versions) + 1,
        "effective": effective.isoformat(),
        "members": listed,
        "why": why,
    }
    return record_support(
        stage, read_payload(RosterRecorded, payload), actor, correction=correction, dry_run=dry_run
    )


def rosters_on(record: SupportRecord, team: str, day: date) -> dict[str, RosterVersion | None]:
    """Return team to the version in effect on a day, of one team or, where none is named, of all."""
    teams = [team] if team else list(record.rosters)
    return {one: roster_on(record.rosters.get(one, ()), day) for one in teams}


def roster_changes(record: SupportRecord, team: str, first: date, last: date) -> list[RosterChange]:
    """Return what changed after one day and up to another, of one team or, where none is named, of all."""
    teams = [team] if team else list(record.rosters)
    return [change for one in teams for change in changes_between(record.rosters.get(one, ()), first, last)]


def day_of_stage(stage: Stage) -> date:
    """Return the day a stage's rosters are looked at: the day its evaluation opens.

    Raises:
        InvalidInput: There is no such stage, or its rulebook does not say when its evaluation opens.
    """
    opens = stage.rulebook.clock.evaluation.opens
    if isinstance(opens, Unknown):
        raise InvalidInput(
            f"The rulebook of {stage.name!r} does not say when its evaluation opens.",
            hint="Name days instead of stages.",
        )
    return opens
