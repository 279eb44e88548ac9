"""What a decision says, as people sign it and a dossier holds it: `Decision.as_json()`, read back as a type.

A decision that was signed is never computed again to be shown: what was signed is read, whatever the rules give today.
"""

from __future__ import annotations

from pydantic import JsonValue

from dokja.deciding.independence import Outcome
from dokja.finding import Evidence, Reason, Verdict
from dokja.grammar.model import Model
from dokja.record.terms import Exit
from dokja.rulebook import TOTAL


class ReasonSaid(Model):
    """Why, as a message key with its figures."""

    key: str
    figures: dict[str, JsonValue]

    def reason(self) -> Reason:
        """Return the reason, ready to be put into words."""
        return Reason(self.key, dict(self.figures))


class ItemSaid(Model):
    """What one item of independence came to for a team."""

    item: str
    aspect: str
    outcome: Outcome
    judged: bool
    rests_on: tuple[str, ...]
    reasons: tuple[ReasonSaid, ...]


class GateSaid(Model):
    """What one gate said of a team."""

    gate: str
    outcome: Outcome
    exits: tuple[Exit, ...]
    reasons: tuple[ReasonSaid, ...]
    margin_points: float | None
    judged: bool
    items: tuple[ItemSaid, ...]


class TeamDecided(Model):
    """How the stage ended for one team; the fields are those of `TeamOutcome`."""

    team: str
    name: str
    weights: str
    outcome: Outcome
    advances: bool
    exits: tuple[Exit, ...]
    missing: tuple[ReasonSaid, ...]
    margin_points: float | None
    judged: bool
    gates: dict[str, GateSaid]


class ScoreSaid(Model):
    """What one team got for one part; `points` is None exactly when `reason` says why."""

    team: str
    part: str
    points: float | None
    raw: float | None
    reason: ReasonSaid | None
    weights: str


class FindingSaid(Model):
    """A finding that was recorded about a team, by its digest, with the replies to it."""

    event: str
    team: str
    finding: str
    verdict: Verdict
    evidence: Evidence
    replies: tuple[str, ...]


class Decided(Model):
    """What the rules gave for a stage; the fields are those of `Decision`."""

    stage: str
    rulebook: str
    counterfactual: bool
    teams: tuple[TeamDecided, ...]
    advancing: tuple[str, ...]
    vacancies: int | None
    filled_by: str
    remarks: tuple[ReasonSaid, ...]
    scores: tuple[ScoreSaid, ...]
    findings: tuple[FindingSaid, ...]

    def of(self, team: str) -> TeamDecided | None:
        """Return how the stage ended for a team; None when it did not take part."""
        return next((one for one in self.teams if one.team == team), None)

    def points(self) -> dict[tuple[str, str], float]:
        """Return (team, part) to points of every score there is."""
        return {(one.team, one.part): one.points for one in self.scores if one.points is not None}

    def points_of(self, part: str = TOTAL) -> dict[str, float]:
        """Return team to points of a part."""
        return {one.team: one.points for one in self.scores if one.part == part and one.points is not None}

    def ends(self) -> dict[str, tuple[Outcome, tuple[Exit, ...]]]:
        """Return how the decision ends for each team: its outcome, and the ways it leaves."""
        return {one.team: (one.outcome, one.exits) for one in self.teams}
