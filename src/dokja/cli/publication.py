"""`dokja publication`: what a profile sees, what is released to it, and what everything said so far gives away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import Call, Output, added, option, print_json, profile_options, stage_command, table

if TYPE_CHECKING:
    from dokja.publishing.disclosure import PublishedStatement
    from dokja.publishing.principal import Principal
    from dokja.workflows.publish import Released, Terms

_FIELDS = ["decision", "stage_means", "stage_tops", "totals", "part_scores", "ranks"]

_assume = option(
    "--assume", "assumptions", multiple=True, metavar="TEXT",
    help="What readers are taken to know: first:PART:TEAM, last:PART:TEAM, knows:TEAM; may be repeated.",
)  # fmt: skip
# On which terms something is released.
terms_options = added(
    option("--until", default="", metavar="TIME", help="End of the embargo, RFC 3339 in UTC; none by default."),
    option("--to", "early", multiple=True, metavar="WHO", help="Who may look before the embargo ends; may be repeated."),
    _assume,
    option("--reason", default="", help="Why, where it takes an earlier release's place."),
)  # fmt: skip


@click.group(name="publication")
def command() -> None:
    """Who sees what: previews, releases with disclosure control, and the log of early access."""


@command.command()
@profile_options()
@click.option("--by", default="", help="Who looks: an actor's id; recorded while an embargo runs.")
@stage_command(at=True)
def preview(call: Call, principal: Principal, by: str) -> None:
    """Show what a profile sees of the decision and its releases, as JSON; events are in `dokja stage export`.

    While an embargo runs, every look is recorded.
    """
    from dokja.workflows.preview import preview as look_as

    seen = look_as(call.stage, principal, call.at, by).seen
    if not call.out.as_json:
        state = call.out.say(f"publication.state.{seen['state']}", {"decision": seen["decision"]})
        click.echo(state, err=True)
    print_json(seen)


@command.command()
@profile_options()
@click.option("--field", "fields", multiple=True, type=click.Choice(_FIELDS), required=True, help="What is released; may be repeated.")  # fmt: skip
@click.option("--digits", type=click.IntRange(0, 9), default=1, show_default=True, help="Decimals figures are rounded to.")  # fmt: skip
@click.option("--of", "teams", multiple=True, metavar="TEAM", help="Whose own scores, where such a field is released; all by default.")  # fmt: skip
@click.option("--supersedes", default="", metavar="RELEASE", help="The release it takes the place of.")
@terms_options
@stage_command(acts=True, dry_run=True)
def release(
    call: Call,
    principal: Principal,
    fields: Sequence[str],
    digits: int,
    teams: Sequence[str],
    supersedes: str,
    until: str,
    early: tuple[str, ...],
    assumptions: tuple[str, ...],
    reason: str,
) -> int:
    """Release figures of the announced decision, rounded, after disclosure control.

    Shows to which interval each sealed score is confined before and after. Exit 1 when the policy refuses it; then
    nothing is recorded. A release is taken back by superseding alone.
    """
    from dokja.rulebook import Disclosed
    from dokja.workflows.publish import Figures, Terms, release_figures

    figures = Figures(principal, tuple(Disclosed(field) for field in fields), digits, tuple(teams))
    terms = Terms(until, early, assumptions, supersedes, reason)
    released = release_figures(call.stage, figures, call.actor, terms, dry_run=call.dry_run)
    lines = release_lines(released, terms, call.out)
    if released.event is not None:
        lines.append(call.out.say("publication.released", {"event": released.event.id}))
    call.out.show(released.as_json(), lines)
    return EXIT_DONE if released.allowed else EXIT_AGAINST


@command.command()
@profile_options()
@_assume
@stage_command()
def intervals(call: Call, principal: Principal, assumptions: tuple[str, ...]) -> None:
    """Show what everything said so far leaves of every score, and which release confines it."""
    from dokja.workflows.publish import intervals as find

    found = find(call.stage, principal, assumptions)
    rows = [
        {"team": one.team, "part": one.part, "low": round(one.low, 6), "high": round(one.high, 6)}
        | {"confined_by": one.confined_by}
        for one in found
    ]
    header = call.out.columns("publication", ("team", "part", "interval", "confined_by"))
    lines = [[one.team, one.part, _interval(one.low, one.high), one.confined_by or "–"] for one in found]
    call.out.show({"intervals": rows}, [table(lines, header)])


@command.command()
@stage_command()
def accesses(call: Call) -> None:
    """Show who saw what when before an embargo ended."""
    from dokja.workflows.preview import accesses as read

    rows = read(call.stage)
    lines = [call.out.say("publication.access", row) for row in rows]
    call.out.show({"accesses": rows}, lines or [call.out.say("publication.no_access")])


def release_lines(released: Released, terms: Terms, out: Output) -> list[str]:
    """Return what a release says and what it would leave of every sealed score, as lines for a terminal."""
    lines = [statement_line(one, out) for one in released.statements]
    rows = [
        [
            str(row["team"]),
            str(row["part"]),
            _interval(*row["before"]),  # type: ignore[misc]  # two numbers
            _interval(*row["after"]),  # type: ignore[misc]
            str(row["confined_by"]) or "–",
            out.say("publication.column.refused") if row["refused"] else "",
        ]
        for row in released.review.rows()
    ]
    if rows:
        names = ("team", "part", "before", "after", "confined_by")
        lines += ["", table(rows, [*out.columns("publication", names), ""])]
    for untrue in released.review.untrue:
        lines.append(out.say("publication.untrue", {"release": untrue.release, "part": untrue.part}))
    narrowest = released.review.narrowest_points
    if released.allowed:
        lines.append(out.say("publication.allowed", {"narrowest": narrowest}))
        if terms.until:
            figures = {"until": terms.until, "to": ", ".join(terms.to) or "–"}
            lines.append(out.say("publication.embargo", figures))
        if released.event is None:
            lines.append(out.say("publication.tried"))
    else:
        figures_: dict[str, object] = {"count": len(released.review.refused), "narrowest": narrowest}
        lines.append(out.say("publication.too_narrow", figures_))
    return lines


def statement_line(said: PublishedStatement, out: Output) -> str:
    """Return one statement as a sentence."""
    figures = {
        "release": said.release,
        "part": said.part,
        "teams": ", ".join(said.teams) or "–",
        "points": f"{said.points:g}",
        "half_unit": f"{said.half_unit:g}",
    }
    return out.say(f"publication.statement.{said.of}", figures)


def _interval(low: float, high: float) -> str:
    return f"{low:.2f}–{high:.2f}"
