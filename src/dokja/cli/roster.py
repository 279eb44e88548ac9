"""`dokja roster`: who belongs to a consortium, in versions, and what changed between stages."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from dokja.cli.options import csv_option, desk_option, json_option, language_option, show_csv, show_json
from dokja.cli.support_entry import DAY, Entering, day_of, entry_options, today
from dokja.report.words import Language, say


@click.group(name="roster")
def command() -> None:
    """Members of each consortium, in versions. A version never changes; the next one takes its place from a day on."""


@command.command("set")
@click.argument("team")
@click.option("--effective", type=DAY, required=True, metavar="DAY", help="First day it applies.")
@click.option("--lead", required=True, help="The lead organisation.")
@click.option("--participant", "participants", multiple=True, help="A participant; may be repeated.")
@click.option("--university", "universities", multiple=True, help="A university; may be repeated.")
@click.option(
    "--user-site", "user_sites", multiple=True, help="Where the model is to be used; may be repeated."
)
@click.option("--why", default="", help="Why it replaces the version before; not needed for the first.")
@entry_options
def set_(
    team: str,
    effective: datetime,
    lead: str,
    participants: tuple[str, ...],
    universities: tuple[str, ...],
    user_sites: tuple[str, ...],
    why: str,
    entering: Entering,
) -> None:
    """Record the next version of TEAM's roster: every member, not only who is new."""
    from dokja.procedure.support_record import roster_version
    from dokja.record.roster import MemberRole
    from dokja.report.support import say_roster
    from dokja.workflows.desk import Desk
    from dokja.workflows.roster import set_roster
    from dokja.workflows.support import Correction

    members = {
        MemberRole.LEAD: (lead,), MemberRole.PARTICIPANT: participants, MemberRole.UNIVERSITY: universities, MemberRole.USER_SITE: user_sites,
    }  # fmt: skip
    with Desk(entering.desk_folder) as desk:
        event = set_roster(
            desk,
            entering.stage,
            team,
            members,
            effective.date(),
            why,
            entering.actor(),
            correction=Correction(entering.supersedes, entering.reason),
            dry_run=entering.dry_run,
        )
    entering.show(event, say_roster(roster_version(event), entering.language))


@command.command()
@click.argument("team", default="")
@click.option(
    "--on", "day", type=DAY, default=None, metavar="DAY", help="The day asked about; today by default."
)
@desk_option
@csv_option
@language_option
@json_option
def show(
    team: str, day: datetime | None, desk_folder: Path, as_csv: bool, language: Language, as_json: bool
) -> None:
    """The roster of TEAM, or of every team, in effect on a day."""
    from dokja.report.support import roster_rows, say_roster
    from dokja.workflows.desk import Desk
    from dokja.workflows.roster import rosters_on
    from dokja.workflows.support import look_at_support

    with Desk(desk_folder) as desk:
        asked = day_of(day) or today(desk)
        found = rosters_on(look_at_support(desk), team, asked)
    rows = roster_rows(version for version in found.values() if version is not None)
    if as_json:
        show_json({"on": asked.isoformat(), "members": rows})
    elif as_csv:
        show_csv(rows)
    else:
        for name, version in found.items():
            none = say("roster.none", {"team": name, "day": asked}, language)
            click.echo(none if version is None else say_roster(version, language))


@command.command()
@click.argument("team", default="")
@click.option("--from", "first", type=DAY, default=None, metavar="DAY", help="Changes after this day.")
@click.option(
    "--to", "last", type=DAY, default=None, metavar="DAY", help="Changes up to this day; today by default."
)
@click.option(
    "--from-stage", default="", metavar="STAGE", help="Changes after the day this stage's evaluation opened."
)
@click.option(
    "--to-stage", default="", metavar="STAGE", help="Changes up to the day this stage's evaluation opens."
)
@desk_option
@csv_option
@language_option
@json_option
def changes(
    team: str,
    first: datetime | None,
    last: datetime | None,
    from_stage: str,
    to_stage: str,
    desk_folder: Path,
    as_csv: bool,
    language: Language,
    as_json: bool,
) -> None:
    """Who joined and who left TEAM, or every team, between two days or two stages."""
    from dokja.report.support import change_rows, say_changes
    from dokja.workflows.desk import Desk
    from dokja.workflows.roster import day_of_stage, roster_changes
    from dokja.workflows.support import look_at_support

    with Desk(desk_folder) as desk:
        begin = day_of_stage(desk, from_stage) if from_stage else day_of(first) or date.min
        end = day_of_stage(desk, to_stage) if to_stage else day_of(last) or today(desk)
        found = roster_changes(look_at_support(desk), team, begin, end)
    rows = change_rows(found)
    if as_json:
        show_json({"first": begin.isoformat(), "last": end.isoformat(), "changes": rows})
    elif as_csv:
        show_csv(rows)
    else:
        said = list(say_changes(found, language))
        click.echo("\n".join(said or [say("roster.no_change", {"first": begin, "last": end}, language)]))
