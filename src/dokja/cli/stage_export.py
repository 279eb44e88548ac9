"""`dokja stage export`: everything a profile may see of a stage, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.shared import FOLDER, Call, profile_options, stage_command

if TYPE_CHECKING:
    from dokja.publishing.principal import Principal


@click.command()
@profile_options("For whom.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="Of the tables.",
)
@click.option("--out", "-o", "folder", type=FOLDER, required=True, help="A folder that does not exist yet.")
@click.option(
    "--by", default="", metavar="ID", help="Who exports; needed while an embargo runs, and recorded."
)
@stage_command(at=True)
def export(call: Call, principal: Principal, form: str, folder: Path, by: str) -> None:
    """Write everything a profile may see of a stage as CSV or JSON tables, with a README and digests."""
    from dokja.workflows.export import export_stage

    files = export_stage(call.stage, principal, folder, form, call.at, by)
    call.out.show({"folder": str(folder), "files": [file.name for file in files]}, map(str, files))
