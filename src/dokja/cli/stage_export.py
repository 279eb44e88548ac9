"""`dokja stage export`: everything a profile may see of a stage, as files."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.options import desk_option, json_option, now, show_json, stage_option

_PROFILES = click.Choice(["public", "own_team", "other_teams", "panel", "auditor"])


@click.command()
@click.option("--profile", type=_PROFILES, default="public", show_default=True, help="For whom.")
@click.option("--team", default="", help="Which team, for own_team.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="Of the tables.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="A folder that does not exist yet.",
)
@click.option(
    "--by", default="", metavar="ID", help="Who exports; needed while an embargo runs, and recorded."
)
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@stage_option
@json_option
def export(
    profile: str,
    team: str,
    form: str,
    out: Path,
    by: str,
    at: str,
    desk_folder: Path,
    stage: str,
    as_json: bool,
) -> None:
    """Write everything a profile may see of a stage as CSV or JSON tables, with a README and digests."""
    from dokja.publishing.see import Viewer
    from dokja.rulebook import Profile
    from dokja.workflows.desk import Desk
    from dokja.workflows.export import export_stage

    with Desk(desk_folder) as desk:
        files = export_stage(desk, stage, Viewer(Profile(profile), team), out, form, at or now(), by)
    if as_json:
        show_json({"folder": str(out), "files": [file.name for file in files]})
    else:
        click.echo("\n".join(map(str, files)))
