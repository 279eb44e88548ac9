"""`dokja support`: what was promised and delivered, by whom, when, at what speed, and what that does to deadlines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dokja.cli.options import (
    csv_option,
    desk_option,
    json_option,
    language_option,
    show_csv,
    show_json,
    stage_option,
    table,
)
from dokja.cli.support_entry import DAY, Entering, day_of, day_text, entry_options, today
from dokja.report.words import Language, say

_RESOURCES = click.Choice(["gpu", "data", "talent"])


class _Units(click.ParamType):
    """A number of units, or one of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.name = "|".join(["number", *words])

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if isinstance(value, (float, str)) and value in self.words:
            return value
        try:
            return float(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {' nor '.join(self.words)}.", param, ctx)


@click.group(name="support")
def command() -> None:
    """GPUs, data and talent: promised, delivered, returned; a late GPU stops the development clock of its team.

    What is not known is written `unknown` or left out, never guessed. A mistake is corrected with --supersedes.
    """


@command.command()
@click.argument("support")
@click.argument("team")
@click.option("--resource", type=_RESOURCES, required=True, help="What kind of support it is.")
@click.option("--what", default=None, help="In words, e.g. B200; by default as the rulebook's row says.")
@click.option(
    "--units", type=_Units("unknown"), default=None, help="How many; by default as the rulebook's row says."
)
@click.option(
    "--supplier", default=None, metavar="ID", help="Who delivers; a team's id where a contestant does."
)
@click.option("--first", type=DAY, required=True, metavar="DAY", help="First day of it.")
@click.option("--last", type=DAY, required=True, metavar="DAY", help="Last day of it, included.")
@click.option(
    "--throughput", default=None, help="Throughput agreed, in words; deliveries are measured against it."
)
@click.option("--rule", default=None, metavar="ROW", help="Row of the rulebook's support table it follows.")
@click.option(
    "--on-exit",
    type=click.Choice(["returned", "kept"]),
    default=None,
    help="What becomes of it when the team leaves; GPUs are returned by default, the rest is kept.",
)
@click.option("--budget-line", default=None, metavar="LINE", help="Where it is paid from.")
@click.option("--won", type=click.IntRange(min=0), default=None, help="What it costs, in won.")
@entry_options
def promise(
    support: str,
    team: str,
    first: datetime,
    last: datetime,
    entering: Entering,
    **fields: str | float | int | None,
) -> None:
    """Record the promise SUPPORT to TEAM. SUPPORT is a short name of your own for it, used from then on."""
    from dokja.procedure.support_record import promised_by
    from dokja.record.payloads import Kind
    from dokja.report.support import say_promise
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import promise_payload

    named: dict[str, Any] = {
        **fields,
        "support": support,
        "team": team,
        "first": day_text(first),
        "last": day_text(last),
        "cites": list(entering.cites) or None,
    }
    with Desk(entering.desk_folder) as desk:
        event = entering.record(desk, Kind.SUPPORT_PROMISED, promise_payload(desk, entering.stage, named))
    entering.show(event, say_promise(promised_by(event), entering.language))


@command.command()
@click.argument("support")
@click.option(
    "--units", type=_Units("all", "unknown"), required=True, help="How many ran: a number, all, or unknown."
)
@click.option(
    "--throughput-share",
    type=click.FloatRange(0, 1.5),
    default=None,
    help="Throughput of one unit over what was agreed, 0 to 1.5; left out where nobody knows it.",
)
@click.option(
    "--first", type=DAY, default=None, metavar="DAY", help="First day; left out where it was not published."
)
@click.option(
    "--last", type=DAY, default=None, metavar="DAY", help="Last day, included; left out while it goes on."
)
@click.option(
    "--measured-by",
    default="",
    metavar="WHO",
    help="Who measured the throughput; left out where it is the supplier's own word.",
)
@entry_options
def deliver(
    support: str,
    units: float | str,
    throughput_share: float | None,
    first: datetime | None,
    last: datetime | None,
    measured_by: str,
    entering: Entering,
) -> None:
    """Record what really ran under the promise SUPPORT: how many, how fast, from when to when, measured by whom."""
    from dokja.procedure.support_record import delivered_by
    from dokja.record.payloads import Kind
    from dokja.report.support import say_delivery
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import delivery_payload, look_at_support

    with Desk(entering.desk_folder) as desk:
        promised = look_at_support(desk).ledger.promise(support)
        payload = delivery_payload(
            promised,
            delivered=units,
            throughput_share=throughput_share,
            first=day_of(first),
            last=day_of(last),
            measured_by=measured_by,
            cites=entering.cites,
        )
        event = entering.record(desk, Kind.SUPPORT_DELIVERED, payload)
    entering.show(event, say_delivery(promised, delivered_by(event), entering.language))


@command.command("return")
@click.argument("support")
@click.option(
    "--day", type=DAY, required=True, metavar="DAY", help="From this day on the team no longer has it."
)
@entry_options
def return_(support: str, day: datetime, entering: Entering) -> None:
    """Record that what SUPPORT promised was given back. Data stays with a team that leaves and is refused here."""
    from dokja.record.payloads import Kind
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import look_at_support, return_payload

    with Desk(entering.desk_folder) as desk:
        promised = look_at_support(desk).ledger.promise(support)
        payload = return_payload(promised, day.date(), entering.cites)
        event = entering.record(desk, Kind.SUPPORT_RETURNED, payload)
    figures = {"support": support, "team": promised.team, "day": day.date()}
    entering.show(event, say("support.return", figures, entering.language))


@command.command()
@click.option("--team", default="", help="Only this team.")
@click.option(
    "--on",
    "day",
    type=DAY,
    default=None,
    metavar="DAY",
    help="How it stands at the end of this day; today by default.",
)
@desk_option
@csv_option
@language_option
@json_option
def status(
    team: str, day: datetime | None, desk_folder: Path, as_csv: bool, language: Language, as_json: bool
) -> None:
    """Promised against delivered, for every promise: late days, stopped days, conflicts, what goes back on exit."""
    from dokja.report.support import delivery_row, standing_row
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import look_at_support, on_exit

    with Desk(desk_folder) as desk:
        record, end = look_at_support(desk), day_of(day) or today(desk)
        left = [one for one in on_exit(desk, record) if team in ("", one.team)]
    standings = [record.ledger.standing(p, end) for p in record.ledger.promises if team in ("", p.team)]
    if as_json:
        names = {standing.promise.id for standing in standings}
        show_json(
            {
                "on": end.isoformat(),
                "promises": [standing_row(one) for one in standings],
                "deliveries": [delivery_row(one) for one in record.ledger.deliveries if one.promise in names],
                "statements": [asdict(one) for one in record.statements if team in ("", one.team)],
                "on_exit": [
                    {
                        "team": one.team,
                        "stage": one.stage,
                        "returns": [p.id for p in one.returns],
                        "keeps": [p.id for p in one.keeps],
                    }
                    for one in left
                ],
            }
        )
    elif as_csv:
        show_csv([standing_row(one) for one in standings])
    else:
        _echo_status(record, standings, left, language)


def _echo_status(record, standings, left, language: Language) -> None:  # type: ignore[no-untyped-def]  # loaded when used
    from dokja.report.support import STANDING_COLUMNS, say_left, say_standing, say_statements, standing_cells

    if standings:
        header = [say(f"support.column.{name}", {}, language) for name in STANDING_COLUMNS]
        click.echo(table([standing_cells(one, language) for one in standings], header))
    elif not record.statements:
        click.echo(say("support.none", {}, language))
    for standing in standings:
        for line in say_standing(record.ledger, standing, language):
            click.echo(line)
    for line in [*say_statements(record, language), *say_left(left, language)]:
        click.echo(line)


@command.command()
@click.option(
    "--deadline",
    type=DAY,
    default=None,
    metavar="DAY",
    help="Last day of development; the rulebook's last day of submission by default.",
)
@desk_option
@stage_option
@csv_option
@language_option
@json_option
def deadlines(
    deadline: datetime | None, desk_folder: Path, stage: str, as_csv: bool, language: Language, as_json: bool
) -> None:
    """Each team's development deadline, moved by the days its clock stood still, with the arithmetic."""
    from dokja.report.support import deadline_row, say_deadline
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import deadlines as team_deadlines
    from dokja.workflows.support import look_at_support

    with Desk(desk_folder) as desk:
        moved = team_deadlines(desk, stage, look_at_support(desk), day_of(deadline))
    rows = [deadline_row(team, one) for team, one in moved.items()]
    if as_json:
        show_json({"deadlines": rows})
    elif as_csv:
        show_csv(rows)
    else:
        for team, one in moved.items():
            click.echo("\n".join(say_deadline(team, one, language)))


@command.command()
@click.argument("line", default="")
@click.option("--title", default="", help="What the money is for; recording a line needs it.")
@click.option(
    "--resource", type=_RESOURCES, default="gpu", show_default=True, help="What kind of support it pays for."
)
@click.option(
    "--year", type=click.IntRange(2000, 2100), default=None, help="Of which budget year; recording needs it."
)
@click.option("--won", type=_Units("unknown"), default="unknown", show_default=True, help="How much, in won.")
@csv_option
@entry_options
def budget(
    line: str, title: str, resource: str, year: int | None, won: float | str, as_csv: bool, entering: Entering
) -> None:
    """Whether what was promised adds up: against budget lines, and against the rulebook's support table.

    With LINE, --title and --year, record a budget line.
    """
    from dokja.record.payloads import Kind
    from dokja.report.support import line_row, rule_row, say_line, say_rule
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import look_at_budget, look_at_support

    with Desk(entering.desk_folder) as desk:
        if line:
            if not title or year is None:
                raise click.UsageError("Recording a budget line needs --title and --year.")
            payload = {
                "line": line, "title": title, "resource": resource, "year": year,
                "won": won if isinstance(won, str) else int(won),
            }  # fmt: skip
            event = entering.record(desk, Kind.BUDGET_LINE, _citing(payload, entering))
            told = {**payload, "won": won if isinstance(won, str) else f"{int(won):,}"}
            entering.show(event, say("support.budget_line", told, entering.language))
            return
        found = look_at_budget(desk, entering.stage, look_at_support(desk))
    if entering.as_json:
        show_json(
            {"lines": [line_row(one) for one in found.lines], "rules": [rule_row(one) for one in found.rules]}
        )
    elif as_csv:
        show_csv([line_row(one) for one in found.lines])
    else:
        said = [say_line(one, entering.language) for one in found.lines]
        said += [say_rule(one, entering.language) for one in found.rules]
        click.echo("\n".join(said or [say("support.none", {}, entering.language)]))


@command.command()
@click.argument("team", default="")
@click.argument("name", default="")
@click.option("--first", type=DAY, default=None, metavar="DAY", help="First day; recording needs it.")
@click.option(
    "--last", type=DAY, default=None, metavar="DAY", help="Last day, included; left out while no end is set."
)
@csv_option
@entry_options
def naming(
    team: str, name: str, first: datetime | None, last: datetime | None, as_csv: bool, entering: Entering
) -> None:
    """Which team may carry which name of the programme. With TEAM, NAME and --first, record a naming right."""
    from dokja.procedure.support_record import naming_right
    from dokja.record.payloads import Kind
    from dokja.report.support import naming_row, say_naming
    from dokja.workflows.desk import Desk
    from dokja.workflows.support import look_at_support, teams_that_left

    with Desk(entering.desk_folder) as desk:
        left = teams_that_left(desk)
        if team:
            if not name or first is None:
                raise click.UsageError("Recording a naming right needs TEAM, NAME and --first.")
            payload = {"team": team, "name": name, "first": day_text(first), "last": day_text(last)}
            event = entering.record(desk, Kind.NAMING_RIGHT, _citing(payload, entering))
            entering.show(event, next(say_naming(naming_right(event), {}, entering.language)))
            return
        rights = look_at_support(desk).naming
    if entering.as_json:
        show_json({"naming": [naming_row(one) for one in rights]})
    elif as_csv:
        show_csv([naming_row(one) for one in rights])
    else:
        said = [line for one in rights for line in say_naming(one, left, entering.language)]
        click.echo("\n".join(said or [say("support.none", {}, entering.language)]))


def _citing(payload: Mapping[str, object], entering: Entering) -> dict[str, object]:
    stated = {name: value for name, value in payload.items() if value is not None}
    return {**stated, "cites": list(entering.cites)} if entering.cites else stated
