"""`dokja document`: decision notice, minutes, publication notice, feedback letter, acknowledgement; HTML, PDF, HWPX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from dokja.cli.options import desk_option, json_option, language_option, now, show_json, stage_option
from dokja.cli.support_entry import DAY, today
from dokja.report.words import Language

_F = TypeVar("_F", bound=Callable[..., Any])


@click.group(name="document")
def command() -> None:
    """Official documents of a stage, in Korean or English. Each shows only what its reader's profile may see."""


def _document_options(function: _F) -> _F:
    for option in (
        json_option,
        language_option,
        click.option("--by", default="", metavar="ID", help="Who draws it up; needed while an embargo runs, and recorded."),
        click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default."),
        click.option("--issuer", default="", help="Who issues it; the programme office by default."),
        click.option("--number", default="", help="The office's reference number; made of stage and decision by default."),
        click.option("--issued", type=DAY, default=None, metavar="DAY", help="The day it bears; today by default."),
        click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where it is written."),
        click.option("--format", "form", type=click.Choice(["html", "pdf", "hwpx"]), default="html", show_default=True, help="HTML for the screen, PDF for filing, HWPX for Korean offices."),
        stage_option,
        desk_option,
    ):  # fmt: skip
        function = option(function)
    return function


@command.command()
@click.option("--team", default="", help="To this team, about itself; otherwise to everyone concerned.")
@_document_options
def decision(**given: Any) -> None:
    """Notice of a signed decision: to one team with its own result, or to everyone with what is public."""
    _write("decision", **given)


@command.command()
@click.option(
    "--profile",
    type=click.Choice(["panel", "auditor"]),
    default="panel",
    show_default=True,
    help="Who reads them.",
)
@_document_options
def minutes(**given: Any) -> None:
    """Minutes: what was proposed and when, what the rules give, remarks, recusals, who signed."""
    _write("minutes", **given)


@command.command()
@_document_options
def publication(**given: Any) -> None:
    """Notice to the public: outcomes the public may see, and figures only as they were released."""
    _write("publication", **given)


@command.command()
@click.option("--team", required=True, help="To which team.")
@_document_options
def feedback(**given: Any) -> None:
    """Letter to a team: its own full result, what was strong and what is to gain, what comes next until when."""
    _write("feedback", **given)


@command.command()
@click.option("--objection", required=True, metavar="EVENT", help="The objection's event.")
@_document_options
def acknowledgement(**given: Any) -> None:
    """Letter to a team whose objection came in: who hears it, and by when it is answered."""
    _write("acknowledgement", **given)


def _write(
    letter: str,
    *,
    desk_folder: Path,
    stage: str,
    form: str,
    out: Path,
    issued: datetime | None,
    number: str,
    issuer: str,
    at: str,
    by: str,
    language: Language,
    as_json: bool,
    team: str = "",
    profile: str = "panel",
    objection: str = "",
) -> None:
    from dokja.canonical import digest_bytes
    from dokja.report.document import render_document
    from dokja.rulebook import Profile
    from dokja.workflows.desk import Desk
    from dokja.workflows.documents import Asked, Letter, make_document

    with Desk(desk_folder) as desk:
        asked = Asked(
            letter=Letter(letter), at=at or now(), issued=today(desk) if issued is None else issued.date(),
            language=language, team=team, profile=Profile(profile), objection=objection, by=by, number=number,
            issuer=issuer,
        )  # fmt: skip
        made = make_document(desk, stage, asked)
    data = render_document(made, form)
    out.write_bytes(data)
    if as_json:
        show_json(
            {"file": str(out), "title": made.title, "number": made.number, "digest": digest_bytes(data)}
        )
    else:
        click.echo(out)
