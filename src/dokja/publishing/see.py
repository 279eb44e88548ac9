"""What anyone may see of a stage, decided here and nowhere else, from the rulebook's own table.

- `see(principal, rulebook)` gives a `Sight`; every question of who may see what is one of its methods.
- A view is built by adding what a principal may see, never by removing what it may not: a field nobody listed is for the
  auditor alone, and so is a kind of event that does not say who sees it.
- A team sees its own rows under `own_team` and everyone else's under `other_teams`; what is public is seen by all.
- The figures of a reason about points would tell the points, so they go with the totals, not with the reasons; those
  that compare a team with the others, and its margin, only to whoever sees every total.
- People sign one body: what is public, and a commitment to the rest. So a public dossier proves the very decision
  that was signed and shows nothing that is sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dokja.canonical import JSON, digest_salted
from dokja.deciding.decided import Decided, ReasonSaid, TeamDecided
from dokja.errors import InvalidInput
from dokja.publishing.principal import PUBLIC, Principal
from dokja.publishing.view import TeamView, View
from dokja.record.events import AnyEvent, Event
from dokja.record.history import History, instant
from dokja.record.kinds.frame import Retraction
from dokja.record.kinds.publication import Release
from dokja.record.payload import EVERYONE, Audience, Payload
from dokja.rulebook import TOTAL, Disclosed, Profile, Rulebook, Unknown

_DECIMALS = 9

# Reasons whose figures compare a team with the others.
_RELATIVE = frozenset({"gate.among_best", "gate.not_among_best"})


def see(principal: Principal, rulebook: Rulebook) -> Sight:
    """Return what somebody may see under a rulebook.

    Args:
        principal: Who looks.
        rulebook: Whose publication table decides; one that is unknown discloses nothing but to whoever sees everything.
    """
    return Sight(principal, rulebook)


def is_salted(kind: type[Payload]) -> bool:
    """Return whether events of a kind are recorded under a salt: all but the frame that every dossier shows.

    An amendment may seal tomorrow what is public today, so what the rulebook says now is not asked.
    """
    return kind.disclosed != EVERYONE


@dataclass(frozen=True, slots=True)
class Sight:
    """What one principal may see under one rulebook.

    Args:
        principal: Who looks.
        rulebook: The rulebook in force.
    """

    principal: Principal
    rulebook: Rulebook

    def fields(self, about: str = "") -> frozenset[Disclosed]:
        """Return which fields of the publication table are shown.

        Args:
            about: The team a field is about; empty for the stage as a whole.
        """
        if self.principal.sees_everything:
            return frozenset(Disclosed)
        table = self.rulebook.publication.fields
        if isinstance(table, Unknown):
            return frozenset()
        profiles = self.principal.profiles(about)
        return frozenset(
            row.field for row in table if not isinstance(row.to, Unknown) and profiles & set(row.to)
        )

    def shows(self, audience: Audience, about: str = "") -> bool:
        """Return whether what goes to an audience is shown."""
        if self.principal.sees_everything or audience == EVERYONE:
            return True
        return isinstance(audience, Disclosed) and audience in self.fields(about)

    def event(self, event: AnyEvent, history: History, as_of: str) -> bool:
        """Return whether an event is shown in full at an instant.

        Args:
            event: Any event of the stage.
            history: The stage it belongs to; a retraction is shown to whoever is shown what it takes back.
            as_of: RFC 3339 time in UTC: a release is shown from the end of its embargo on.
        """
        if self.principal.sees_everything:
            return True
        payload = event.payload
        if isinstance(payload, Retraction):
            old = history.by_id.get(event.supersedes or "")
            return old is not None and self.event(old, history, as_of)
        if isinstance(payload, Release):
            return self.release(event, as_of)
        own = bool(self.principal.person) and getattr(payload, "rater", "") == self.principal.person
        about = getattr(payload, "team", getattr(payload, "subject", ""))
        return own or self.shows(payload.disclosed, about)

    def release(self, release: Event[Release], at: str, *, early: bool = False) -> bool:
        """Return whether a release is shown.

        Args:
            release: The release.
            at: Now, RFC 3339 in UTC.
            early: Whether the principal was let in before its embargo ends.
        """
        made = release.payload
        if self.principal.sees_everything:
            return early or not is_embargoed(release, at)
        mine = made.profile == self.principal.profile and made.team in ("", self.principal.team)
        return (mine or made.profile is Profile.PUBLIC) and (early or not is_embargoed(release, at))

    def words_about(self, audience: Disclosed, team: str) -> bool:
        """Return whether what people wrote about a team is shown: to the team itself, and as the table says.

        Args:
            audience: The field the words belong to: OBJECTIONS or ALLEGATIONS.
            team: The team.
        """
        return self.shows(audience, team) or self.principal.team == team

    def decision(self, decided: Decided, uncertainty: Mapping[str, JSON] | None) -> View:
        """Return what is shown of a decision.

        Args:
            decided: What was decided.
            uncertainty: `Uncertainty.as_json()`, or None.
        """
        if self.principal.sees_everything:
            return View.whole(decided, uncertainty)
        overall = self.fields()
        announced = Disclosed.DECISION in overall
        fields = {one.team: self.fields(one.team) for one in decided.teams}
        all_totals = all(Disclosed.TOTALS in seen for seen in fields.values())
        digits = self.rulebook.publication.digits
        means = Disclosed.STAGE_MEANS in overall
        return View(
            stage=decided.stage,
            rulebook=decided.rulebook,
            advancing=decided.advancing if announced else None,
            vacancies=decided.vacancies,
            filled_by=decided.filled_by,
            remarks=tuple(remark.key for remark in decided.remarks),
            teams=tuple(_team(one, fields[one.team], decided, all_totals) for one in decided.teams),
            means=_over_teams(decided, lambda points: sum(points) / len(points), digits) if means else None,
            tops=_over_teams(decided, max, digits) if Disclosed.STAGE_TOPS in overall else None,
            uncertainty=None if uncertainty is None else self._uncertainty(uncertainty),
        )

    def _uncertainty(self, uncertainty: Mapping[str, JSON]) -> dict[str, JSON]:
        """Intervals tell totals and ranks, so each team's row needs both; the normalisers' readings tell everyone's."""
        needed = {Disclosed.TOTALS, Disclosed.RANKS, Disclosed.PART_SCORES}
        rows = uncertainty["teams"]
        assert isinstance(rows, list)
        shown = [row for row in rows if isinstance(row, dict) and needed <= self.fields(str(row["team"]))]
        return {"seed": uncertainty["seed"], "replicates": uncertainty["replicates"], "teams": list(shown)}


def is_embargoed(release: Event[Release], at: str) -> bool:
    """Return whether a release is still embargoed at an instant."""
    until = release.payload.until
    return bool(until) and instant(at) < instant(until)


def _team(row: TeamDecided, fields: frozenset[Disclosed], decided: Decided, all_totals: bool) -> TeamView:
    with_figures = Disclosed.TOTALS in fields
    # How far a team is from the cut-off tells whoever knows its total the total of the team at the cut-off.
    hidden = _RELATIVE if with_figures and not all_totals else frozenset()

    def said(reason: ReasonSaid) -> ReasonSaid | str:
        return reason if with_figures and reason.key not in hidden else reason.key

    parts = {TOTAL: Disclosed.TOTALS}
    scores = [one for one in decided.scores if one.team == row.team]
    return TeamView(
        team=row.team,
        name=row.name,
        decided=row if Disclosed.DECISION in fields else None,
        missing=tuple(said(reason) for reason in row.missing) if Disclosed.REASONS in fields else None,
        margin_points=(row.margin_points,) if all_totals else None,
        scores=tuple(one for one in scores if parts.get(one.part, Disclosed.PART_SCORES) in fields),
        rank=(_rank(decided, row.team),) if Disclosed.RANKS in fields else None,
        findings=tuple(one for one in decided.findings if one.team == row.team)
        if Disclosed.FINDINGS in fields
        else None,
        with_replies=Disclosed.TEAM_REPLIES in fields,
    )


def _rank(decided: Decided, team: str) -> int | None:
    totals = decided.points_of(TOTAL)
    return 1 + sum(points > totals[team] for points in totals.values()) if team in totals else None


def _over_teams(
    decided: Decided, aggregate: Callable[[list[float]], float], digits: int | None
) -> dict[str, float]:
    parts = dict.fromkeys(score.part for score in decided.scores)
    known = {part: list(decided.points_of(part).values()) for part in parts}
    return {
        part: round(aggregate(points), _DECIMALS if digits is None else digits)
        for part, points in known.items()
        if points
    }


def signed_body(
    rulebook: Rulebook, decided: Decided, uncertainty: Mapping[str, JSON] | None, salt: bytes
) -> dict[str, JSON]:
    """Return the JSON object that people sign: what is public, and a commitment to everything.

    Args:
        rulebook: The rulebook in force.
        decided: What was decided.
        uncertainty: `Uncertainty.as_json()`, with the seed that reproduces it; None when none was computed.
        salt: At least 16 random bytes, kept for the auditor's dossier.

    Raises:
        InvalidInput: The decision applies a rulebook that is not in force.
    """
    if decided.counterfactual:
        raise InvalidInput("A comparison with another rulebook is not a decision and cannot be signed.")
    everything = View.whole(decided, uncertainty).as_json()
    return {
        "public": see(PUBLIC, rulebook).decision(decided, uncertainty).as_json(),
        "sealed": digest_salted(salt, everything),
    }
