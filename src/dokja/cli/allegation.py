"""`dokja allegation`: what third parties allege of a submission, the team's reply, and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from dokja.cli.options import (
    FILE,
    acting,
    actor_options,
    desk_option,
    dry_run_option,
    json_option,
    language_option,
    now,
    show_json,
    stage_option,
)
from dokja.cli.publication import PROFILES
from dokja.report.words import Language, say

_BASES = [
    "norm_gain_cosine",
    "equal_configuration",
    "code_likeness",
    "vocabulary_overlap",
    "weight_comparison",
    "training_record",
    "licence_or_notice",
]


@click.group(name="allegation")
def command() -> None:
    """Allegations by third parties: an evidence standard, a right of reply, and a status anyone concerned can see."""


@command.command("file")
@click.argument("team")
@click.option("--reference", required=True, help="The model it is said to descend from, and its owner.")
@click.option("--basis", "bases", multiple=True, required=True, type=click.Choice(_BASES), help="What it rests on; may be repeated.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="The allegation in the party's own words.")
@click.option("--evidence", type=FILE, multiple=True, help="A file that lets others repeat it; may be repeated.")  # fmt: skip
@click.option("--reply-by", type=click.DateTime(["%Y-%m-%d"]), default=None, metavar="DAY", help="Last day for the team's reply; the rulebook's objection period by default.")  # fmt: skip
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def file_(
    team: str,
    reference: str,
    bases: tuple[str, ...],
    text: Path,
    evidence: tuple[Path, ...],
    reply_by: datetime | None,
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> int:
    """Record an allegation about TEAM. What its basis cannot show is answered at once, with the reason; then exit 1."""
    from dokja.procedure.allegation import Status
    from dokja.record.payloads import Basis
    from dokja.workflows.allegation import Accusation, file_allegation
    from dokja.workflows.desk import Desk
    from dokja.workflows.evidence import read_statement_text

    day: date | None = None if reply_by is None else reply_by.date()
    complaint = Accusation(
        team, reference, tuple(Basis(one) for one in bases), read_statement_text(text), evidence, day
    )
    with Desk(desk_folder) as desk:
        filed = file_allegation(desk, stage, complaint, acting(by, at, key), dry_run=dry_run)
    if as_json:
        show_json(filed.as_json())
    else:
        status = say(f"allegation.status.{filed.answer.status}", {}, language)
        if filed.event is None:
            click.echo(say("allegation.tried", {"status": status}, language))
        else:
            figures = {"allegation": filed.event.id, "team": team, "status": status}
            click.echo(say("allegation.filed", figures, language))
        for reason in filed.answer.reasons:
            click.echo(f"  {say(reason.key, reason.figures, language)}")
        if filed.answer.can_tell:
            click.echo(say("allegation.reply_until", {"reply_by": filed.reply_by.isoformat()}, language))
    return int(filed.answer.status is Status.NO_EVIDENCE)


@command.command()
@click.argument("allegation")
@click.option("--text", type=FILE, required=True, help="The team's reply.")
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def reply(
    allegation: str,
    text: Path,
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Record the team's reply to ALLEGATION."""
    from dokja.workflows.allegation import reply_to_allegation
    from dokja.workflows.desk import Desk, told
    from dokja.workflows.evidence import read_statement_text

    words = read_statement_text(text)
    with Desk(desk_folder) as desk:
        event = reply_to_allegation(desk, stage, allegation, words, acting(by, at, key), dry_run=dry_run)
    if as_json:
        show_json({"recorded": not dry_run, "event": told(event)})
    elif dry_run:
        click.echo(say("publication.tried", {}, language))
    else:
        click.echo(say("stage.recorded", {"event": event.id, "kind": event.kind.value}, language))


@command.command()
@click.argument("allegation", default="")
@click.option("--profile", type=click.Choice(PROFILES), default="public", show_default=True, help="Who asks.")
@click.option("--team", default="", help="The team, for the profile own_team.")
@click.option("--at", default="", help="RFC 3339 time in UTC; now by default.", metavar="TIME")
@desk_option
@stage_option
@language_option
@json_option
def status(
    allegation: str,
    profile: str,
    team: str,
    at: str,
    desk_folder: Path,
    stage: str,
    language: Language,
    as_json: bool,
) -> None:
    """Where ALLEGATION, or every one, stands. What was written is shown to the team it is about and to the auditor."""
    from dokja.publishing.see import Viewer
    from dokja.rulebook import Profile
    from dokja.workflows.allegation import allegation_rows
    from dokja.workflows.desk import Desk

    viewer = Viewer(Profile(profile), team)
    with Desk(desk_folder) as desk:
        name = desk.require_stage(stage)
        rows = allegation_rows(desk.rulebook(name), desk.store.events(name), viewer, at or now(), allegation)
    if as_json:
        show_json({"allegations": rows})
        return
    for row in rows:
        _echo(row, language)
    if not rows:
        click.echo(say("allegation.none", {}, language))


def _echo(row: Mapping[str, Any], language: Language) -> None:
    word = say(f"allegation.status.{row['status']}", {}, language)
    click.echo(say("allegation.filed", {**row, "status": word}, language))
    for reason in row["reasons"]:
        click.echo(f"  {say(reason['key'], reason['figures'], language)}")
    if row["status"] == "awaiting_reply":
        click.echo(f"  {say('allegation.reply_until', row, language)}")
    for name in ("reference", "text", "reply"):
        if row.get(name):
            click.echo(f"  {name}: {row[name]}")
