"""`dokja document`: decision notice, minutes, publication notice, feedback letter, acknowledgement; HTML, PDF, HWPX."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from dokja.cli.shared import DAY, NEW_FILE, Call, added, option, stage_command

_F = TypeVar("_F", bound=Callable[..., Any])


@click.group(name="document")
def command() -> None:
    """Official documents of a stage, in Korean or English. Each shows only what its reader's profile may see."""


def _document(function: _F) -> _F:
    options = added(
        option("--format", "form", type=click.Choice(["html", "pdf", "hwpx"]), default="html", show_default=True, help="HTML for the screen, PDF for filing, HWPX for Korean offices."),
        option("--out", "-o", "file", type=NEW_FILE, required=True, help="Where it is written."),
        option("--issued", type=DAY, default=None, metavar="DAY", help="The day it bears; today by default."),
        option("--number", default="", help="The office's reference number; made of stage and decision by default."),
        option("--issuer", default="", help="Who issues it; the programme office by default."),
        option("--by", default="", metavar="ID", help="Who draws it up; needed while an embargo runs, and recorded."),
    )  # fmt: skip
    return options(stage_command(at=True)(function))


@command.command()
@click.option("--team", default="", help="To this team, about itself; otherwise to everyone concerned.")
@_document
def decision(call: Call, **given: Any) -> None:
    """Notice of a signed decision: to one team with its own result, or to everyone with what is public."""
    _write(call, "decision", **given)


@command.command()
@click.option(
    "--profile",
    type=click.Choice(["panel", "auditor"]),
    default="panel",
    show_default=True,
    help="Who reads them.",
)
@_document
def minutes(call: Call, **given: Any) -> None:
    """Minutes: what was proposed and when, what the rules give, remarks, recusals, who signed."""
    _write(call, "minutes", **given)


@command.command()
@_document
def publication(call: Call, **given: Any) -> None:
    """Notice to the public: outcomes the public may see, and figures only as they were released."""
    _write(call, "publication", **given)


@command.command()
@click.option("--team", required=True, help="To which team.")
@_document
def feedback(call: Call, **given: Any) -> None:
    """Letter to a team: its own full result, what was strong and what is to gain, what comes next until when."""
    _write(call, "feedback", **given)


@command.command()
@click.option("--objection", required=True, metavar="EVENT", help="The objection's event.")
@_document
def acknowledgement(call: Call, **given: Any) -> None:
    """Letter to a team whose objection came in: who hears it, and by when it is answered."""
    _write(call, "acknowledgement", **given)


def _write(
    call: Call,
    letter: str,
    *,
    form: str,
    file: Path,
    issued: date | None,
    number: str,
    issuer: str,
    by: str,
    team: str = "",
    profile: str = "panel",
    objection: str = "",
) -> None:
    from dokja.canonical import digest_bytes
    from dokja.report.document import render_document
    from dokja.rulebook import Profile
    from dokja.workflows.documents import Asked, Letter, make_document

    asked = Asked(
        letter=Letter(letter), at=call.at, issued=issued or call.today, language=call.out.language, team=team,
        profile=Profile(profile), objection=objection, by=by, number=number, issuer=issuer,
    )  # fmt: skip
    made = make_document(call.stage, asked)
    data = render_document(made, form)
    file.write_bytes(data)
    value = {"file": str(file), "title": made.title, "number": made.number, "digest": digest_bytes(data)}
    call.out.show(value, [str(file)])
