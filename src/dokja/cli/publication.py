"""`dokja publication`: what a profile sees, what is released to it, and what everything said so far gives away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.options import (
    acting,
    actor_options,
    desk_option,
    dry_run_option,
    json_option,
    language_option,
    now,
    show_json,
    stage_option,
    table,
)
from dokja.report.words import Language, say

if TYPE_CHECKING:
    from dokja.publishing.disclosure import PublishedStatement
    from dokja.workflows.publish import Released, Terms

EXIT_REFUSED = 1
PROFILES = ["public", "own_team", "other_teams", "panel", "auditor"]
_FIELDS = ["decision", "stage_means", "stage_tops", "totals", "part_scores", "ranks"]


def terms_options(command: Any) -> Any:
    """Add `--until`, `--to`, `--assume` and `--reason`: on which terms something is released."""
    for option in (
        click.option("--reason", default="", help="Why, where it takes an earlier release's place."),
        click.option(
            "--assume", "assumptions", multiple=True, metavar="TEXT",
            help="What readers are taken to know: first:PART:TEAM, last:PART:TEAM, knows:TEAM; may be repeated.",
        ),
        click.option("--to", "early", multiple=True, metavar="WHO", help="Who may look before the embargo ends; may be repeated."),
        click.option("--until", default="", metavar="TIME", help="End of the embargo, RFC 3339 in UTC; none by default."),
    ):  # fmt: skip
        command = option(command)
    return command


profile_option = click.option(
    "--profile", type=click.Choice(PROFILES), default="public", show_default=True, help="Who looks."
)
team_option = click.option("--team", default="", help="The team, for the profile own_team.")


@click.group(name="publication")
def command() -> None:
    """Who sees what: previews, releases with disclosure control, and the log of early access."""


@command.command()
@profile_option
@team_option
@click.option("--by", default="", help="Who looks: an actor's id; recorded while an embargo runs.")
@click.option("--at", default="", help="RFC 3339 time in UTC; now by default.", metavar="TIME")
@desk_option
@stage_option
@language_option
@json_option
def preview(
    profile: str,
    team: str,
    by: str,
    at: str,
    desk_folder: Path,
    stage: str,
    language: Language,
    as_json: bool,
) -> None:
    """Show exactly what a profile sees of the stage, as JSON. While an embargo runs, every look is recorded."""
    from dokja.publishing.see import Viewer
    from dokja.rulebook import Profile
    from dokja.workflows.desk import Desk
    from dokja.workflows.preview import preview as look_as

    with Desk(desk_folder) as desk:
        seen = look_as(desk, stage, Viewer(Profile(profile), team), at or now(), by).seen
    if not as_json:
        figures = {"decision": seen["decision"]}
        click.echo(say(f"publication.state.{seen['state']}", figures, language), err=True)
    show_json(seen)


@command.command()
@profile_option
@team_option
@click.option("--field", "fields", multiple=True, type=click.Choice(_FIELDS), required=True, help="What is released; may be repeated.")  # fmt: skip
@click.option("--digits", type=click.IntRange(0, 9), default=1, show_default=True, help="Decimals figures are rounded to.")  # fmt: skip
@click.option("--of", "teams", multiple=True, metavar="TEAM", help="Whose own scores, where such a field is released; all by default.")  # fmt: skip
@click.option("--supersedes", default="", metavar="RELEASE", help="The release it takes the place of.")
@terms_options
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def release(
    profile: str,
    team: str,
    fields: Sequence[str],
    digits: int,
    teams: Sequence[str],
    supersedes: str,
    until: str,
    early: tuple[str, ...],
    assumptions: tuple[str, ...],
    reason: str,
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> int:
    """Release figures of the announced decision, rounded, after disclosure control.

    Shows to which interval each sealed score is confined before and after. Exit 1 when the policy refuses it; then
    nothing is recorded. A release is taken back by superseding alone.
    """
    from dokja.publishing.see import Viewer
    from dokja.rulebook import Disclosed, Profile
    from dokja.workflows.desk import Desk
    from dokja.workflows.publish import Figures, Terms, release_figures

    viewer = Viewer(Profile(profile), team)
    figures = Figures(viewer, tuple(Disclosed(field) for field in fields), digits, tuple(teams))
    terms = Terms(until, early, assumptions, supersedes, reason)
    with Desk(desk_folder) as desk:
        released = release_figures(desk, stage, figures, acting(by, at, key), terms, dry_run=dry_run)
    if as_json:
        show_json(released.as_json())
    else:
        click.echo("\n".join(release_lines(released, terms, language)))
        if released.event is not None:
            click.echo(say("publication.released", {"event": released.event.id}, language))
    return 0 if released.allowed else EXIT_REFUSED


@command.command()
@profile_option
@team_option
@click.option("--assume", "assumptions", multiple=True, metavar="TEXT", help="What readers are taken to know: first:PART:TEAM, last:PART:TEAM, knows:TEAM; may be repeated.")  # fmt: skip
@desk_option
@stage_option
@language_option
@json_option
def intervals(
    profile: str,
    team: str,
    assumptions: tuple[str, ...],
    desk_folder: Path,
    stage: str,
    language: Language,
    as_json: bool,
) -> None:
    """Show what everything said so far leaves of every score, and which release confines it."""
    from dokja.publishing.see import Viewer
    from dokja.rulebook import Profile
    from dokja.workflows.desk import Desk
    from dokja.workflows.publish import intervals as find

    with Desk(desk_folder) as desk:
        found = find(desk, stage, Viewer(Profile(profile), team), assumptions)
    if as_json:
        rows = [
            {"team": one.team, "part": one.part, "low": round(one.low, 6), "high": round(one.high, 6)}
            | {"confined_by": one.confined_by}
            for one in found
        ]
        show_json({"intervals": rows})
        return
    header = [_word(name, language) for name in ("team", "part", "interval", "confined_by")]
    lines = [[one.team, one.part, _interval(one.low, one.high), one.confined_by or "–"] for one in found]
    click.echo(table(lines, header))


@command.command()
@desk_option
@stage_option
@language_option
@json_option
def accesses(desk_folder: Path, stage: str, language: Language, as_json: bool) -> None:
    """Show who saw what when before an embargo ended."""
    from dokja.workflows.desk import Desk
    from dokja.workflows.preview import accesses as read

    with Desk(desk_folder) as desk:
        rows = read(desk, stage)
    if as_json:
        show_json({"accesses": rows})
        return
    for row in rows:
        click.echo(say("publication.access", row, language))
    if not rows:
        click.echo(say("publication.no_access", {}, language))


def release_lines(released: Released, terms: Terms, language: Language) -> list[str]:
    """Return what a release says and what it would leave of every sealed score, as lines for a terminal."""
    lines = [statement_line(one, language) for one in released.statements]
    rows = [
        [
            str(row["team"]),
            str(row["part"]),
            _interval(*row["before"]),  # type: ignore[misc]  # two numbers
            _interval(*row["after"]),  # type: ignore[misc]
            str(row["confined_by"]) or "–",
            _word("refused", language) if row["refused"] else "",
        ]
        for row in released.review.rows()
    ]
    if rows:
        names = ("team", "part", "before", "after", "confined_by")
        lines += ["", table(rows, [*[_word(name, language) for name in names], ""])]
    for untrue in released.review.untrue:
        lines.append(say("publication.untrue", {"release": untrue.release, "part": untrue.part}, language))
    narrowest = released.review.narrowest_points
    if released.allowed:
        lines.append(say("publication.allowed", {"narrowest": narrowest}, language))
        if terms.until:
            figures = {"until": terms.until, "to": ", ".join(terms.to) or "–"}
            lines.append(say("publication.embargo", figures, language))
        if released.event is None:
            lines.append(say("publication.tried", {}, language))
    else:
        figures_: dict[str, object] = {"count": len(released.review.refused), "narrowest": narrowest}
        lines.append(say("publication.too_narrow", figures_, language))
    return lines


def statement_line(said: PublishedStatement, language: Language) -> str:
    """Return one statement as a sentence."""
    figures = {
        "release": said.release,
        "part": said.part,
        "teams": ", ".join(said.teams) or "–",
        "points": f"{said.points:g}",
        "half_unit": f"{said.half_unit:g}",
    }
    return say(f"publication.statement.{said.of}", figures, language)


def _interval(low: float, high: float) -> str:
    return f"{low:.2f}–{high:.2f}"


def _word(name: str, language: Language) -> str:
    return say(f"publication.column.{name}", {}, language)
