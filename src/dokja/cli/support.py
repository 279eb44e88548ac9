"""`dokja support`: what was promised and delivered, by whom, when, at what speed, and what that does to deadlines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.shared import DAY, Call, Output, stage_command, table
from dokja.cli.shared.options import day_text
from dokja.cli.support_entry import Entry, entry_command

if TYPE_CHECKING:
    from dokja.procedure.support import SupportStanding
    from dokja.procedure.support_record import Left, SupportRecord

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
@entry_command()
def promise(
    entry: Entry,
    support: str,
    team: str,
    first: date,
    last: date,
    **fields: str | float | int | None,
) -> None:
    """Record the promise SUPPORT to TEAM. SUPPORT is a short name of your own for it, used from then on."""
    from dokja.procedure.support_record import promised_by
    from dokja.report.support import say_promise
    from dokja.workflows.support import promise_payload

    named: dict[str, Any] = {
        **fields,
        "support": support,
        "team": team,
        "first": day_text(first),
        "last": day_text(last),
        "cites": list(entry.cites) or None,
    }
    call = entry.call
    event = entry.record(promise_payload(call.stage, named))
    entry.show(event, say_promise(promised_by(event), call.out.language))


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
@entry_command()
def deliver(
    entry: Entry,
    support: str,
    units: float | str,
    throughput_share: float | None,
    first: date | None,
    last: date | None,
    measured_by: str,
) -> None:
    """Record what really ran under the promise SUPPORT: how many, how fast, from when to when, measured by whom."""
    from dokja.procedure.support_record import delivered_by
    from dokja.report.support import say_delivery
    from dokja.workflows.support import delivery_payload, look_at_support

    promised = look_at_support(entry.call.desk).ledger.promise(support)
    payload = delivery_payload(
        promised,
        delivered=units,
        throughput_share=throughput_share,
        first=first,
        last=last,
        measured_by=measured_by,
        cites=entry.cites,
    )
    event = entry.record(payload)
    entry.show(event, say_delivery(promised, delivered_by(event), entry.call.out.language))


@command.command("return")
@click.argument("support")
@click.option(
    "--day", type=DAY, required=True, metavar="DAY", help="From this day on the team no longer has it."
)
@entry_command()
def return_(entry: Entry, support: str, day: date) -> None:
    """Record that what SUPPORT promised was given back. Data stays with a team that leaves and is refused here."""
    from dokja.workflows.support import look_at_support, return_payload

    promised = look_at_support(entry.call.desk).ledger.promise(support)
    event = entry.record(return_payload(promised, day, entry.cites))
    figures = {"support": support, "team": promised.team, "day": day}
    entry.show(event, entry.call.out.say("support.return", figures))


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
@stage_command(stage=False, csv=True)
def status(call: Call, team: str, day: date | None) -> None:
    """Promised against delivered, for every promise: late days, stopped days, conflicts, what goes back on exit."""
    from dokja.report.support import delivery_row, standing_row
    from dokja.workflows.support import look_at_support, on_exit

    record, end = look_at_support(call.desk), day or call.today
    left = [one for one in on_exit(call.desk, record) if team in ("", one.team)]
    standings = [record.ledger.standing(p, end) for p in record.ledger.promises if team in ("", p.team)]
    names = {standing.promise.id for standing in standings}
    rows = [standing_row(one) for one in standings]
    value = {
        "on": end.isoformat(),
        "promises": rows,
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
    call.out.show(value, _status_lines(record, standings, left, call.out), rows)


def _status_lines(
    record: SupportRecord, standings: Sequence[SupportStanding], left: Sequence[Left], out: Output
) -> Iterator[str]:
    from dokja.report.support import STANDING_COLUMNS, say_left, say_standing, say_statements, standing_cells

    if standings:
        cells = [standing_cells(one, out.language) for one in standings]
        yield table(cells, out.columns("support", STANDING_COLUMNS))
    elif not record.statements:
        yield out.say("support.none")
    for standing in standings:
        yield from say_standing(record.ledger, standing, out.language)
    yield from say_statements(record, out.language)
    yield from say_left(left, out.language)


@command.command()
@click.option(
    "--deadline",
    type=DAY,
    default=None,
    metavar="DAY",
    help="Last day of development; the rulebook's last day of submission by default.",
)
@stage_command(csv=True)
def deadlines(call: Call, deadline: date | None) -> None:
    """Each team's development deadline, moved by the days its clock stood still, with the arithmetic."""
    from dokja.report.support import deadline_row, say_deadline
    from dokja.workflows.support import deadlines as team_deadlines
    from dokja.workflows.support import look_at_support

    moved = team_deadlines(call.stage, look_at_support(call.desk), deadline)
    rows = [deadline_row(team, one) for team, one in moved.items()]
    lines = (line for team, one in moved.items() for line in say_deadline(team, one, call.out.language))
    call.out.show({"deadlines": rows}, lines, rows)


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
@entry_command(csv=True)
def budget(entry: Entry, line: str, title: str, resource: str, year: int | None, won: float | str) -> None:
    """Whether what was promised adds up: against budget lines, and against the rulebook's support table.

    With LINE, --title and --year, record a budget line.
    """
    from dokja.record.kinds.ledger import BudgetLineRecorded
    from dokja.report.support import line_row, rule_row, say_line, say_rule
    from dokja.workflows.stage import read_payload
    from dokja.workflows.support import look_at_budget, look_at_support

    call, out = entry.call, entry.call.out
    if line:
        if not title or year is None:
            raise click.UsageError("Recording a budget line needs --title and --year.")
        payload = {
            "line": line, "title": title, "resource": resource, "year": year,
            "won": won if isinstance(won, str) else int(won),
        }  # fmt: skip
        event = entry.record(read_payload(BudgetLineRecorded, _citing(payload, entry)))
        told = {**payload, "won": won if isinstance(won, str) else f"{int(won):,}"}
        entry.show(event, out.say("support.budget_line", told))
        return
    found = look_at_budget(call.stage, look_at_support(call.desk))
    rows = [line_row(one) for one in found.lines]
    said = [say_line(one, out.language) for one in found.lines]
    said += [say_rule(one, out.language) for one in found.rules]
    value = {"lines": rows, "rules": [rule_row(one) for one in found.rules]}
    out.show(value, said or [out.say("support.none")], rows)


@command.command()
@click.argument("team", default="")
@click.argument("name", default="")
@click.option("--first", type=DAY, default=None, metavar="DAY", help="First day; recording needs it.")
@click.option(
    "--last", type=DAY, default=None, metavar="DAY", help="Last day, included; left out while no end is set."
)
@entry_command(csv=True)
def naming(entry: Entry, team: str, name: str, first: date | None, last: date | None) -> None:
    """Which team may carry which name of the programme. With TEAM, NAME and --first, record a naming right."""
    from dokja.procedure.support_record import naming_right
    from dokja.record.kinds.ledger import NamingRightRecorded
    from dokja.report.support import naming_row, say_naming
    from dokja.workflows.stage import read_payload
    from dokja.workflows.support import look_at_support, teams_that_left

    desk, out = entry.call.desk, entry.call.out
    left = teams_that_left(desk)
    if team:
        if not name or first is None:
            raise click.UsageError("Recording a naming right needs TEAM, NAME and --first.")
        payload = {"team": team, "name": name, "first": day_text(first), "last": day_text(last)}
        event = entry.record(read_payload(NamingRightRecorded, _citing(payload, entry)))
        entry.show(event, next(say_naming(naming_right(event), {}, out.language)))
        return
    rights = look_at_support(desk).naming
    rows = [naming_row(one) for one in rights]
    said = [line for one in rights for line in say_naming(one, left, out.language)]
    out.show({"naming": rows}, said or [out.say("support.none")], rows)


def _citing(payload: Mapping[str, object], entry: Entry) -> dict[str, object]:
    stated = {name: value for name, value in payload.items() if value is not None}
    return {**stated, "cites": list(entry.cites)} if entry.cites else stated
