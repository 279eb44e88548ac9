"""Releases: which figures of a decision become public, and whether they would say too much of what stays sealed.

- A release is made from the decision's own scores, rounded to a stated digit; nobody types a figure.
- A release may only hold what the rulebook's table grants the profile it is made to.
- What was once released stays known: a release that was superseded still confines, as far as it is still true.
- What the announcement of outcomes says of the scores (who passed a cut-off, who did not) confines like a figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dokja.canonical import JSON
from dokja.deciding.decided import Decided
from dokja.deciding.independence import Outcome
from dokja.errors import InvalidInput, NotAllowed
from dokja.grammar.model import read_model
from dokja.publishing.disclosure import (
    NARROWED_POINTS,
    Confinement,
    PublishedStatement,
    Scoreboard,
    confine_further,
)
from dokja.publishing.known import statements_of
from dokja.publishing.principal import Principal
from dokja.publishing.see import Sight
from dokja.record.events import those
from dokja.record.history import History
from dokja.record.kinds.publication import Release, Said
from dokja.rulebook import TOTAL, AtLeast, Disclosed, KeepTop, Profile, Rulebook

# The figures of a decision are written with nine decimals; the solver is exact to about this many points.
EXACT_HALF_UNIT = 1e-6
_MOST_DIGITS = 9


def require_granted(sight: Sight, fields: Iterable[Disclosed]) -> None:
    """Require that every one of these fields is shown.

    Raises:
        NotAllowed: It does not; the sentence names the field.
    """
    seen = sight.fields(sight.principal.team)
    for field in fields:
        if field not in seen:
            raise NotAllowed(
                f"The rulebook does not show {field} to {sight.principal.profile}.",
                hint=f"It shows: {', '.join(sorted(seen)) or 'nothing'}.",
                field=str(field),
            )


def statements_of_decision(
    rulebook: Rulebook,
    decided: Decided,
    fields: Iterable[Disclosed],
    *,
    release: str,
    digits: int | None = None,
    teams: Sequence[str] = (),
) -> tuple[PublishedStatement, ...]:
    """Return what a release of some fields of a decision says of its scores.

    Args:
        rulebook: The rulebook applied.
        decided: What was decided.
        fields: What is released.
        release: Name of the release, for whoever asks which release confines a score.
        digits: Decimals the figures are rounded to; None leaves them as they are.
        teams: Whose own scores are released, where such a field is; all teams by default.

    Raises:
        InvalidInput: No such rounding, or no such team.
    """
    if digits is not None and not 0 <= digits <= _MOST_DIGITS:
        raise InvalidInput(f"A figure has 0 to {_MOST_DIGITS} decimals, not {digits}.")
    known = [one.team for one in decided.teams]
    if strangers := sorted(set(teams) - set(known)):
        raise InvalidInput(f"The decision has no team {strangers[0]!r}.", hint=f"Teams: {', '.join(known)}.")
    half = EXACT_HALF_UNIT if digits is None else 0.5 * 10.0**-digits
    said: list[PublishedStatement] = []
    for field in sorted(set(fields)):
        for one in _said(rulebook, decided, field, tuple(teams) or tuple(known)):
            figure = one.points if digits is None else round(one.points, digits)
            rounded = one.of in ("team", "mean", "highest")
            said.append(
                PublishedStatement(release, one.of, one.part, one.teams, figure, half)
                if rounded
                else PublishedStatement(release, one.of, one.part, one.teams, one.points)
            )
    return tuple(said)


def _said(
    rulebook: Rulebook, decided: Decided, field: Disclosed, teams: tuple[str, ...]
) -> Iterator[PublishedStatement]:
    points = decided.points()
    parts = list(dict.fromkeys(part for _, part in points))
    scored = {part: {team: points[team, of] for team, of in points if of == part} for part in parts}
    for part, scores in scored.items():
        if field is (Disclosed.TOTALS if part == TOTAL else Disclosed.PART_SCORES):
            yield from (
                PublishedStatement("", "team", part, (t,), p) for t, p in scores.items() if t in teams
            )
        if field is Disclosed.STAGE_MEANS:
            yield PublishedStatement("", "mean", part, tuple(scores), sum(scores.values()) / len(scores))
        if field is Disclosed.STAGE_TOPS:
            yield PublishedStatement("", "highest", part, (), max(scores.values()))
    if field is Disclosed.RANKS and TOTAL in scored:
        order = sorted(scored[TOTAL], key=lambda team: -scored[TOTAL][team])
        yield PublishedStatement("", "above", TOTAL, tuple(order))
    if field is Disclosed.DECISION:
        yield from _said_by_gates(rulebook, decided)


def _said_by_gates(rulebook: Rulebook, decided: Decided) -> Iterator[PublishedStatement]:
    """An announced cut-off is a comparison of scores: who passed is at least as high as who did not."""
    points = decided.points()
    for gate in rulebook.gates:
        if not isinstance(gate, (KeepTop, AtLeast)):
            continue
        results = {one.team: one.gates[gate.id].outcome for one in decided.teams}
        judged = {team: end for team, end in results.items() if (team, gate.reads) in points}
        inside = [team for team, end in judged.items() if end.opens]
        outside = [team for team, end in judged.items() if end is Outcome.FAIL]
        if isinstance(gate, KeepTop):
            yield from (PublishedStatement("", "above", gate.reads, (a, b)) for a in inside for b in outside)
        elif isinstance(gate.points, float):
            yield from (
                PublishedStatement("", "at_least", gate.reads, (team,), gate.points) for team in inside
            )
            yield from (
                PublishedStatement("", "at_most", gate.reads, (team,), gate.points) for team in outside
            )


def read_assumptions(
    texts: Iterable[str], points: Mapping[tuple[str, str], float]
) -> tuple[PublishedStatement, ...]:
    """Return assumptions written as `first:PART:TEAM`, `last:PART:TEAM` or `knows:TEAM`.

    Args:
        texts: The assumptions. `knows:TEAM` takes it that whoever reads the release knows all of that team's scores.
        points: (team, part) to points, for what a team knows.

    Raises:
        InvalidInput: One of them is written otherwise, or nothing is known of the team.
    """
    found: list[PublishedStatement] = []
    for text in texts:
        name, words = f"assumption: {text}", text.split(":")
        if len(words) == 3 and words[0] in ("first", "last"):
            found.append(
                PublishedStatement(name, "first" if words[0] == "first" else "last", words[1], (words[2],))
            )
        elif len(words) == 2 and words[0] == "knows":
            own = {part: value for (team, part), value in points.items() if team == words[1]}
            if not own:
                raise InvalidInput(f"{words[1]!r} has no scores that it could know.")
            found += [
                PublishedStatement(name, "team", part, (words[1],), value, EXACT_HALF_UNIT)
                for part, value in own.items()
            ]
        else:
            raise InvalidInput(
                f"{text!r} is no assumption.", hint="Write first:PART:TEAM, last:PART:TEAM or knows:TEAM."
            )
    return tuple(found)


def already_said(history: History, principal: Principal) -> tuple[PublishedStatement, ...]:
    """Return every statement that somebody was ever told, in the order of the log, superseded releases included.

    Figures published elsewhere that were recorded wrongly and corrected were never published, and are left out.
    """
    public = {Profile.PUBLIC, principal.profile}
    told = list(statements_of(history))
    for event in those(history.events, Release):
        made = event.payload
        if made.profile not in public or (made.profile is Profile.OWN_TEAM and made.team != principal.team):
            continue
        told += [read_statement(row, event.id) for row in made.statements]
    return tuple(told)


def read_statement(said: Said, release: str) -> PublishedStatement:
    """Return a statement as a release's payload holds it."""
    return PublishedStatement(release, said.of, said.part, said.teams, said.points, said.half_unit)


def as_said(statement: PublishedStatement) -> Said:
    """Return a statement as a release's payload holds it; `read_statement` reads it back."""
    return read_model(Said, statement_json(statement))


def statement_json(said: PublishedStatement) -> dict[str, JSON]:
    """Return a statement as a JSON object."""
    return {
        "of": said.of,
        "part": said.part,
        "teams": list(said.teams),
        "points": said.points,
        "half_unit": said.half_unit,
    }


def is_true(said: PublishedStatement, points: Mapping[tuple[str, str], float]) -> bool | None:
    """Return whether a statement agrees with the scores; None where they do not say."""
    part = {team: value for (team, of), value in points.items() if of == said.part}
    if not part or not set(said.teams) <= set(part):
        return None if not part else False
    named = [part[team] for team in said.teams]
    slack = said.half_unit + EXACT_HALF_UNIT
    best, worst = max(part.values()), min(part.values())
    if said.of == "mean":
        over = named or list(part.values())
        return abs(sum(over) / len(over) - said.points) <= slack
    return {
        "team": all(abs(value - said.points) <= slack for value in named),
        "highest": abs(best - said.points) <= slack and all(value >= best - slack for value in named),
        "first": all(value >= best - slack for value in named),
        "last": all(value <= worst + slack for value in named),
        "above": all(a >= b - slack for a, b in pairwise(named)),
        "at_least": all(value >= said.points - slack for value in named),
        "at_most": all(value <= said.points + slack for value in named),
    }[said.of]


@dataclass(frozen=True, slots=True)
class Review:
    """What a release would leave of every score that is sealed from those it is made to.

    Args:
        before: The intervals before it, sealed scores only.
        after: The same scores after it.
        refused: Those it would confine more narrowly than the policy allows; empty allows it.
        narrowest_points: The policy.
        untrue: Earlier statements left out because the scores no longer agree with them.
    """

    before: tuple[Confinement, ...]
    after: tuple[Confinement, ...]
    refused: tuple[Confinement, ...]
    narrowest_points: float
    untrue: tuple[PublishedStatement, ...] = ()

    def rows(self) -> list[dict[str, JSON]]:
        """Return one row per sealed score: its interval before and after, and what confines it."""
        refused = {(one.team, one.part) for one in self.refused}
        return [
            {
                "team": one.team,
                "part": one.part,
                "before": [round(was.low, 6), round(was.high, 6)],
                "after": [round(one.low, 6), round(one.high, 6)],
                "confined_by": one.confined_by,
                "refused": (one.team, one.part) in refused,
            }
            for was, one in zip(self.before, self.after, strict=True)
        ]


def review(
    board: Scoreboard,
    said: Sequence[PublishedStatement],
    release: Sequence[PublishedStatement],
    sealed: Iterable[tuple[str, str]],
    narrowest_points: float,
    points: Mapping[tuple[str, str], float],
) -> Review:
    """Return what a release would leave of every sealed score, and which it would confine too narrowly.

    Args:
        board: What is scored.
        said: What those it is made to were told before, and assumptions.
        release: What they are about to be told.
        sealed: (team, part) pairs that are to stay sealed from them.
        narrowest_points: The policy: the narrowest interval a sealed score may be left.
        points: The true scores, by which statements that are no longer true are left out.

    Raises:
        DisclosureContradictory: No scores at all agree with the statements.
    """
    untrue = tuple(one for one in said if is_true(one, points) is False)
    standing = [one for one in said if one not in untrue]
    kept = set(sealed)
    then, now = confine_further(board, standing, release)
    before = tuple(one for one in then if (one.team, one.part) in kept)
    after = tuple(one for one in now if (one.team, one.part) in kept)
    refused = tuple(
        one
        for was, one in zip(before, after, strict=True)
        if one.width < narrowest_points and was.width - one.width > NARROWED_POINTS
    )
    return Review(before, after, refused, narrowest_points, untrue)


def sealed_scores(
    sight: Sight, board: Scoreboard, said: Iterable[PublishedStatement]
) -> tuple[tuple[str, str], ...]:
    """Return the (team, part) pairs that somebody is not shown and was not told by name."""
    told = {(team, one.part) for one in said if one.of == "team" for team in one.teams}
    sealed = []
    for team in board.teams:
        seen = sight.fields(team)
        for part in (*board.points, TOTAL):
            field = Disclosed.TOTALS if part == TOTAL else Disclosed.PART_SCORES
            if field not in seen and (team, part) not in told:
                sealed.append((team, part))
    return tuple(sealed)
