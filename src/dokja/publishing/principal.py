"""Who looks, and in which capacity. What each capacity may see of a stage, `see` decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dokja.errors import InvalidInput
from dokja.rulebook import Profile


class Capacity(StrEnum):
    """In which capacity someone looks. A capacity that `_PROFILES` does not know sees what the public sees."""

    PUBLIC = "public"
    TEAM = "team"
    OTHER_TEAM = "other_team"
    EXPERT = "expert"
    USER = "user"
    AUDITOR = "auditor"
    APPEALS = "appeals"
    OFFICE = "office"


# Under which profiles of a rulebook's publication table each capacity reads, besides the public's; releases to it are
# made to the first. A team's depend on whom a field is about, so they are not here; who sees everything needs none.
_PROFILES: dict[Capacity, tuple[Profile, ...]] = {
    Capacity.OTHER_TEAM: (Profile.OTHER_TEAMS,),
    Capacity.EXPERT: (Profile.PANEL,),
    Capacity.USER: (Profile.PANEL,),
    Capacity.APPEALS: (Profile.PANEL,),
}
_EVERYTHING = frozenset({Capacity.AUDITOR, Capacity.OFFICE})
# Who works inside a stage is shown a decision before it is announced, as far as the table grants it.
_INSIDE = frozenset({Profile.PANEL, Profile.AUDITOR})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who looks.

    Args:
        capacity: In which capacity.
        person: An actor's id, never a name; empty where nobody in particular looks.
        team: Which team, for TEAM; empty otherwise.

    Raises:
        InvalidInput: A team does not say which, or somebody else does.
    """

    capacity: Capacity
    person: str = ""
    team: str = ""

    def __post_init__(self) -> None:
        if (self.capacity is Capacity.TEAM) != bool(self.team):
            raise InvalidInput("Exactly a viewer who is a team names its team.")

    @property
    def sees_everything(self) -> bool:
        """Return whether nothing of a stage is kept from them."""
        return self.capacity in _EVERYTHING

    def profiles(self, about: str = "") -> frozenset[Profile]:
        """Return the profiles under which they read what is about a team.

        Args:
            about: The team; empty for the stage as a whole.
        """
        if self.capacity is Capacity.TEAM:
            own = Profile.OWN_TEAM if about == self.team else Profile.OTHER_TEAMS
            return frozenset({Profile.PUBLIC, own})
        return frozenset({Profile.PUBLIC, *_PROFILES.get(self.capacity, ())})

    @property
    def profile(self) -> Profile:
        """Return the profile of a rulebook's table that releases to them are made to."""
        if self.sees_everything:
            return Profile.AUDITOR
        if self.capacity is Capacity.TEAM:
            return Profile.OWN_TEAM
        return next(iter(_PROFILES.get(self.capacity, ())), Profile.PUBLIC)

    @property
    def is_inside(self) -> bool:
        """Return whether a decision is shown to them before it is announced."""
        return self.profile in _INSIDE


PUBLIC = Principal(Capacity.PUBLIC)
AUDITOR = Principal(Capacity.AUDITOR)

_READS_UNDER = {
    Profile.OWN_TEAM: Capacity.TEAM,
    Profile.OTHER_TEAMS: Capacity.OTHER_TEAM,
    Profile.PANEL: Capacity.EXPERT,
    Profile.AUDITOR: Capacity.AUDITOR,
}


def principal_of(profile: Profile, team: str = "", person: str = "") -> Principal:
    """Return who reads under a profile of a rulebook's table.

    Args:
        profile: The profile.
        team: The team, for OWN_TEAM.
        person: Who looks.

    Raises:
        InvalidInput: A team does not say which, or somebody else does.
    """
    return Principal(_READS_UNDER.get(profile, Capacity.PUBLIC), person, team)
