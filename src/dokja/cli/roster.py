"""`dokja roster`: who belongs to a consortium, in versions, and what changed between stages."""

from __future__ import annotations

from datetime import date

import click

from dokja.cli.shared import DAY, Call, stage_command
from dokja.cli.support_entry import Entry, entry_command


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
@entry_command()
def set_(
    entry: Entry,
    team: str,
    effective: date,
    lead: str,
    participants: tuple[str, ...],
    universities: tuple[str, ...],
    user_sites: tuple[str, ...],
    why: str,
) -> None:
    """Record the next version of TEAM's roster: every member, not only who is new."""
    from dokja.procedure.support_record import roster_version
    from dokja.record.roster import MemberRole
    from dokja.report.support import say_roster
    from dokja.workflows.roster import set_roster

    members = {
        MemberRole.LEAD: (lead,), MemberRole.PARTICIPANT: participants, MemberRole.UNIVERSITY: universities, MemberRole.USER_SITE: user_sites,
    }  # fmt: skip
    call = entry.call
    event = set_roster(
        call.stage,
        team,
        members,
        effective,
        why,
        call.actor,
        correction=entry.correction,
        dry_run=call.dry_run,
    )
    entry.show(event, say_roster(roster_version(event), call.out.language))


@command.command()
@click.argument("team", default="")
@click.option(
    "--on", "day", type=DAY, default=None, metavar="DAY", help="The day asked about; today by default."
)
@stage_command(stage=False, csv=True)
def show(call: Call, team: str, day: date | None) -> None:
    """The roster of TEAM, or of every team, in effect on a day."""
    from dokja.report.support import roster_rows, say_roster
    from dokja.workflows.roster import rosters_on
    from dokja.workflows.support import look_at_support

    asked = day or call.today
    found = rosters_on(look_at_support(call.desk), team, asked)
    rows = roster_rows(version for version in found.values() if version is not None)
    lines = (
        call.out.say("roster.none", {"team": name, "day": asked})
        if version is None
        else say_roster(version, call.out.language)
        for name, version in found.items()
    )
    call.out.show({"on": asked.isoformat(), "members": rows}, lines, rows)


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
@stage_command(stage=False, csv=True)
def changes(
    call: Call, team: str, first: date | None, last: date | None, from_stage: str, to_stage: str
) -> None:
    """Who joined and who left TEAM, or every team, between two days or two stages."""
    from dokja.report.support import change_rows, say_changes
    from dokja.workflows.roster import day_of_stage, roster_changes
    from dokja.workflows.support import look_at_support

    begin = day_of_stage(call.desk.stage(from_stage)) if from_stage else first or date.min
    end = day_of_stage(call.desk.stage(to_stage)) if to_stage else last or call.today
    found = roster_changes(look_at_support(call.desk), team, begin, end)
    rows = change_rows(found)
    said = list(say_changes(found, call.out.language))
    none = call.out.say("roster.no_change", {"first": begin, "last": end})
    call.out.show(
        {"first": begin.isoformat(), "last": end.isoformat(), "changes": rows}, said or [none], rows
    )
