"""Publication: what of a decision each profile may see, decided in one place from the rulebook's own table.

- A view is built by adding what a profile may see, never by removing what it may not: a field nobody listed is for the
  auditor alone, and so is a field this module does not know.
- A team sees its own rows under `own_team` and everyone else's under `other_teams`; what is public is seen by all.
- The figures of a reason about points would tell the points, so they go with the totals, not with the reasons; those
  that compare a team with the others, and its margin, only to whoever sees every total.
- People sign one body: what is public, and a commitment to the rest. So a public dossier proves the very decision
  that was signed and shows nothing that is sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from dokja.canonical import JSON, digest_salted
from dokja.errors import InvalidInput
from dokja.record.events import Event
from dokja.record.history import instant
from dokja.record.payloads import Kind
from dokja.rulebook import TOTAL, Disclosed, Profile, Rulebook, Unknown

# Under which field an event is disclosed. Kinds that are not here belong to the public record of the stage.
EVENT_FIELDS: Mapping[Kind, Disclosed] = {
    Kind.RUN_RESULT: Disclosed.ITEM_ANSWERS,
    Kind.RATER_REGISTERED: Disclosed.EXPERT_NAMES,
    Kind.CONFLICT_DECLARED: Disclosed.EXPERT_NAMES,
    Kind.RECUSAL: Disclosed.EXPERT_NAMES,
    Kind.EXPERT_SCORE: Disclosed.EXPERT_MARKS,
    Kind.PANEL_VOTE: Disclosed.EXPERT_MARKS,
    Kind.USER_RATING: Disclosed.USER_BALLOTS,
    Kind.USER_PREFERENCE: Disclosed.USER_BALLOTS,
    Kind.FINDING_RECORDED: Disclosed.FINDINGS,
    Kind.JUDGED_FINDING: Disclosed.FINDINGS,
    Kind.TEAM_REPLY: Disclosed.TEAM_REPLIES,
    Kind.OBJECTION: Disclosed.OBJECTIONS,
    Kind.ANSWER_TO_OBJECTION: Disclosed.OBJECTIONS,
    Kind.ALLEGATION: Disclosed.ALLEGATIONS,
    Kind.ALLEGATION_REPLY: Disclosed.ALLEGATIONS,
    Kind.ACCESS: Disclosed.ACCESS_LOG,
}


_DECIMALS = 9


# Reasons whose figures compare a team with the others.
_RELATIVE = frozenset({"gate.among_best", "gate.not_among_best"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks.

    Args:
        profile: In which capacity.
        team: Which team, for OWN_TEAM; empty otherwise.
    """

    profile: Profile
    team: str = ""

    def __post_init__(self) -> None:
        if (self.profile is Profile.OWN_TEAM) != bool(self.team):
            raise InvalidInput("Exactly a viewer who is a team names its team.")


def granted(rulebook: Rulebook, viewer: Viewer, about: str = "") -> frozenset[Disclosed]:
    """Return which fields a viewer may see.

    Args:
        rulebook: Whose publication table decides; a table that is unknown discloses nothing but to the auditor.
        viewer: Who looks.
        about: The team the field is about; empty for the stage as a whole.
    """
    if viewer.profile is Profile.AUDITOR:
        return frozenset(Disclosed)
    profiles = {Profile.PUBLIC, viewer.profile}
    if viewer.profile is Profile.OWN_TEAM and about != viewer.team:
        profiles = {Profile.PUBLIC, Profile.OTHER_TEAMS}
    table = rulebook.publication.fields
    if isinstance(table, Unknown):
        return frozenset()
    return frozenset(row.field for row in table if not isinstance(row.to, Unknown) and profiles & set(row.to))


def is_sealed(rulebook: Rulebook, kind: Kind) -> bool:
    """Return whether events of a kind are not public, or not yet, and so must be recorded under a salt."""
    field = EVENT_FIELDS.get(kind)
    unlisted = field is not None and field not in granted(rulebook, Viewer(Profile.PUBLIC))
    return unlisted or kind is Kind.RELEASE


def is_shown(rulebook: Rulebook, event: Event, as_of: str) -> bool:
    """Return whether the public may see an event at an instant.

    Args:
        rulebook: The rulebook in force.
        event: Any event of the stage.
        as_of: RFC 3339 time in UTC: a release is shown to the public from the end of its embargo on.
    """
    if event.kind is Kind.RELEASE:
        until = str(event.payload["until"])
        public = event.payload["profile"] == Profile.PUBLIC
        return public and (not until or instant(until) <= instant(as_of))
    return not is_sealed(rulebook, event.kind)


def view_decision(
    rulebook: Rulebook, outcome: Mapping[str, JSON], uncertainty: Mapping[str, JSON] | None, viewer: Viewer
) -> dict[str, JSON]:
    """Return what a viewer may see of a decision.

    Args:
        rulebook: The rulebook in force.
        outcome: `Decision.as_json()`.
        uncertainty: `Uncertainty.as_json()`, or None.
        viewer: Who looks.
    """
    if viewer.profile is Profile.AUDITOR:
        return {"outcome": dict(outcome), "uncertainty": None if uncertainty is None else dict(uncertainty)}
    overall = granted(rulebook, viewer)
    seen: dict[str, JSON] = {"stage": outcome["stage"], "rulebook": outcome["rulebook"]}
    if Disclosed.DECISION in overall:
        seen |= {name: outcome[name] for name in ("advancing", "vacancies", "filled_by")}
        seen["remarks"] = [{"key": reason["key"]} for reason in _rows(outcome["remarks"])]
    teams = _rows(outcome["teams"])
    fields = {str(row["team"]): granted(rulebook, viewer, str(row["team"])) for row in teams}
    sees_all_totals = all(Disclosed.TOTALS in seen_of for seen_of in fields.values())
    seen["teams"] = [_team(row, fields[str(row["team"])], outcome, sees_all_totals) for row in teams]
    digits = rulebook.publication.digits
    if Disclosed.STAGE_MEANS in overall:
        seen["means"] = _over_teams(outcome, lambda points: sum(points) / len(points), digits)
    if Disclosed.STAGE_TOPS in overall:
        seen["tops"] = _over_teams(outcome, max, digits)
    if uncertainty is not None:
        seen["uncertainty"] = _own_uncertainty(rulebook, uncertainty, viewer)
    return seen


def _team(
    row: Mapping[str, JSON], fields: frozenset[Disclosed], outcome: Mapping[str, JSON], sees_all_totals: bool
) -> JSON:
    seen: dict[str, JSON] = {"team": row["team"], "name": row["name"]}
    if Disclosed.DECISION in fields:
        seen |= {name: row[name] for name in ("weights", "outcome", "advances", "exits", "judged")}
        gates = cast("dict[str, dict[str, JSON]]", row["gates"])
        seen["gates"] = {name: gate["outcome"] for name, gate in gates.items()}
    if Disclosed.REASONS in fields:
        # How far a team is from the cut-off tells whoever knows its total the total of the team at the cut-off.
        hidden = _RELATIVE if Disclosed.TOTALS in fields and not sees_all_totals else frozenset()
        with_figures = Disclosed.TOTALS in fields
        seen["missing"] = [
            dict(reason) if with_figures and reason["key"] not in hidden else {"key": reason["key"]}
            for reason in _rows(row["missing"])
        ]
    if sees_all_totals:
        seen["margin_points"] = row["margin_points"]
    scores = [score for score in _rows(outcome["scores"]) if score["team"] == row["team"]]
    parts = {TOTAL: Disclosed.TOTALS}
    seen["scores"] = [dict(s) for s in scores if parts.get(str(s["part"]), Disclosed.PART_SCORES) in fields]
    if Disclosed.RANKS in fields:
        seen["rank"] = _rank(outcome, str(row["team"]))
    if Disclosed.FINDINGS in fields:
        seen["findings"] = [
            {**finding, "replies": finding["replies"] if Disclosed.TEAM_REPLIES in fields else []}
            for finding in _rows(outcome["findings"])
            if finding["team"] == row["team"]
        ]
    return seen


def _rank(outcome: Mapping[str, JSON], team: str) -> JSON:
    totals = _points(outcome, TOTAL)
    return 1 + sum(points > totals[team] for points in totals.values()) if team in totals else None


def _points(outcome: Mapping[str, JSON], part: str) -> dict[str, float]:
    return {
        str(score["team"]): float(cast(float, score["points"]))
        for score in _rows(outcome["scores"])
        if score["part"] == part and score["points"] is not None
    }


def _over_teams(
    outcome: Mapping[str, JSON], aggregate: Callable[[list[float]], float], digits: int | None
) -> dict[str, JSON]:
    parts = dict.fromkeys(str(score["part"]) for score in _rows(outcome["scores"]))
    known = {part: list(_points(outcome, part).values()) for part in parts}
    return {
        part: round(aggregate(points), _DECIMALS if digits is None else digits)
        for part, points in known.items()
        if points
    }


def _own_uncertainty(rulebook: Rulebook, uncertainty: Mapping[str, JSON], viewer: Viewer) -> JSON:
    """Intervals tell totals and ranks, so each team's row needs both; the normalisers' readings tell everyone's."""
    needed = {Disclosed.TOTALS, Disclosed.RANKS, Disclosed.PART_SCORES}
    rows = _rows(uncertainty["teams"])
    return {
        "seed": uncertainty["seed"],
        "replicates": uncertainty["replicates"],
        "teams": [dict(row) for row in rows if needed <= granted(rulebook, viewer, str(row["team"]))],
    }


def _rows(value: JSON) -> list[dict[str, JSON]]:
    return cast("list[dict[str, JSON]]", value)


def signed_body(
    rulebook: Rulebook, outcome: Mapping[str, JSON], uncertainty: Mapping[str, JSON] | None, salt: bytes
) -> dict[str, JSON]:
    """Return the JSON object that people sign: what is public, and a commitment to everything.

    Args:
        rulebook: The rulebook in force.
        outcome: `Decision.as_json()`.
        uncertainty: `Uncertainty.as_json()`, with the seed that reproduces it; None when none was computed.
        salt: At least 16 random bytes, kept for the auditor's dossier.

    Raises:
        InvalidInput: The decision applies a rulebook that is not in force.
    """
    if outcome["counterfactual"]:
        raise InvalidInput("A comparison with another rulebook is not a decision and cannot be signed.")
    everything = view_decision(rulebook, outcome, uncertainty, Viewer(Profile.AUDITOR))
    return {
        "public": view_decision(rulebook, outcome, uncertainty, Viewer(Profile.PUBLIC)),
        "sealed": digest_salted(salt, everything),
    }
