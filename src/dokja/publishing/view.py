"""What somebody sees of a decision, as a type. `see` makes it; nothing can be put into it that was not shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dokja.canonical import JSON
from dokja.deciding.decided import Decided, FindingSaid, ReasonSaid, ScoreSaid, TeamDecided


@dataclass(frozen=True, slots=True)
class TeamView:
    """What somebody sees of one team.

    Args:
        team: Its id.
        name: Its display name.
        decided: How the stage ended for it; None where that is not shown.
        missing: What keeps its gates closed: a reason, or its key where the figures are not shown; None where nothing is.
        margin_points: One value, the margin; None where it is not shown.
        scores: The scores that are shown.
        rank: One value, the rank or None where there is none; None where it is not shown.
        findings: The findings about it; None where they are not shown.
        with_replies: Whether the replies to them are shown.
    """

    team: str
    name: str
    decided: TeamDecided | None
    missing: tuple[ReasonSaid | str, ...] | None
    margin_points: tuple[float | None] | None
    scores: tuple[ScoreSaid, ...]
    rank: tuple[int | None] | None
    findings: tuple[FindingSaid, ...] | None
    with_replies: bool

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object: what is not shown is not there."""
        seen: dict[str, JSON] = {"team": self.team, "name": self.name}
        if self.decided is not None:
            row = self.decided.as_json()
            seen |= {name: row[name] for name in ("weights", "outcome", "advances", "exits", "judged")}
            seen["gates"] = {name: gate.outcome.value for name, gate in self.decided.gates.items()}
        if self.missing is not None:
            seen["missing"] = [
                {"key": one} if isinstance(one, str) else one.as_json() for one in self.missing
            ]
        if self.margin_points is not None:
            seen["margin_points"] = self.margin_points[0]
        seen["scores"] = [score.as_json() for score in self.scores]
        if self.rank is not None:
            seen["rank"] = self.rank[0]
        if self.findings is not None:
            seen["findings"] = [
                {**one.as_json(), "replies": list(one.replies) if self.with_replies else []}
                for one in self.findings
            ]
        return seen


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees of a decision.

    Args:
        stage: Name of the stage.
        rulebook: Digest of the rulebook applied.
        advancing: Teams that go on; None where the decision is not shown, and then neither are the next three.
        vacancies: Places nobody took.
        filled_by: What the rulebook says of vacant places.
        remarks: Keys of what was remarked of the stage as a whole.
        teams: One view per team.
        means: Part to mean; None where means are not shown.
        tops: Part to best score; None where they are not shown.
        uncertainty: How sure it is, as far as it is shown; None where none was computed.
        everything: For whoever sees everything, the whole; then nothing above is asked.
    """

    stage: str
    rulebook: str
    advancing: tuple[str, ...] | None = None
    vacancies: int | None = None
    filled_by: str = ""
    remarks: tuple[str, ...] = ()
    teams: tuple[TeamView, ...] = ()
    means: Mapping[str, float] | None = None
    tops: Mapping[str, float] | None = None
    uncertainty: Mapping[str, JSON] | None = None
    everything: Decided | None = None

    @classmethod
    def whole(cls, decided: Decided, uncertainty: Mapping[str, JSON] | None) -> Self:
        """Return the view of whoever sees everything."""
        return cls(decided.stage, decided.rulebook, uncertainty=uncertainty, everything=decided)

    def as_json(self) -> dict[str, JSON]:
        """Return it as a JSON object: what is not shown is not there."""
        uncertainty = None if self.uncertainty is None else dict(self.uncertainty)
        if self.everything is not None:
            return {"outcome": self.everything.as_json(), "uncertainty": uncertainty}
        seen: dict[str, JSON] = {"stage": self.stage, "rulebook": self.rulebook}
        if self.advancing is not None:
            seen |= {
                "advancing": list(self.advancing),
                "vacancies": self.vacancies,
                "filled_by": self.filled_by,
            }
            seen["remarks"] = [{"key": key} for key in self.remarks]
        seen["teams"] = [team.as_json() for team in self.teams]
        if self.means is not None:
            seen["means"] = dict(self.means)
        if self.tops is not None:
            seen["tops"] = dict(self.tops)
        if uncertainty is not None:
            seen["uncertainty"] = uncertainty
        return seen
