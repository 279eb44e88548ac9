"""Rosters of consortia in versions: who belonged to a team when, and what changed between stages.

A version never changes; a member joins or leaves with the next version, with the day it takes effect and the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from dokja.errors import InvalidInput


class MemberRole(StrEnum):
    """What a member is in its consortium."""

    LEAD = "lead"
    PARTICIPANT = "participant"
    UNIVERSITY = "university"
    USER_SITE = "user_site"


@dataclass(frozen=True, slots=True, order=True)
class RosterMember:
    """An organisation in a consortium."""

    name: str
    role: MemberRole


@dataclass(frozen=True, slots=True)
class RosterVersion:
    """A team's members from a day on.

    Args:
        team: Whose.
        version: 1, 2, 3, …
        effective: First day it applies.
        members: Everyone, exactly one of them the lead.
        reason: Why it replaced the version before; empty for the first.
        event: Id of the event that recorded it; empty outside a record.
    """

    team: str
    version: int
    effective: date
    members: frozenset[RosterMember]
    reason: str = ""
    event: str = ""

    def __post_init__(self) -> None:
        leads = [member for member in self.members if member.role is MemberRole.LEAD]
        names = {member.name for member in self.members}
        if len(leads) != 1 or len(names) != len(self.members):
            raise InvalidInput(f"A roster of {self.team} names each member once and exactly one lead.")
        if self.version > 1 and not self.reason.strip():
            raise InvalidInput(f"Version {self.version} of the roster of {self.team} gives no reason.")


@dataclass(frozen=True, slots=True)
class RosterChange:
    """What one version changed."""

    version: RosterVersion
    joined: tuple[RosterMember, ...]
    left: tuple[RosterMember, ...]
    lead_changed: bool


def require_versions(versions: Sequence[RosterVersion]) -> None:
    """Require that versions of one team's roster follow each other.

    Raises:
        InvalidInput: A number is missing or repeated, a day goes backwards, or teams are mixed.
    """
    for number, version in enumerate(versions, start=1):
        if version.version != number or version.team != versions[0].team:
            raise InvalidInput(f"Version {number} of the roster of {versions[0].team} is missing.")
    for old, new in pairwise(versions):
        if new.effective < old.effective:
            raise InvalidInput(
                f"Version {new.version} of the roster of {new.team} takes effect before the one it replaces."
            )


def roster_on(versions: Sequence[RosterVersion], day: date) -> RosterVersion | None:
    """Return the version in effect on a day; None before the first."""
    require_versions(versions)
    return next((version for version in reversed(versions) if version.effective <= day), None)


def changes_between(versions: Sequence[RosterVersion], first: date, last: date) -> tuple[RosterChange, ...]:
    """Return what changed after `first` and up to `last`, version by version."""
    require_versions(versions)
    return tuple(
        RosterChange(
            version=new,
            joined=tuple(sorted(new.members - old.members)),
            left=tuple(sorted(old.members - new.members)),
            lead_changed=_lead(old) != _lead(new),
        )
        for old, new in pairwise(versions)
        if first < new.effective <= last
    )


def _lead(version: RosterVersion) -> str:
    return next(member.name for member in version.members if member.role is MemberRole.LEAD)
