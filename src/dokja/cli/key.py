"""`dokja key`: keys of people: make, enrol, rotate, revoke, list."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.options import FILE, desk_option, json_option, language_option, now, show_json, table
from dokja.report.words import Language, say


@click.group(name="key")
def command() -> None:
    """Keys of people: make, enrol in a role, rotate, revoke, list. A key file is readable by its owner alone."""


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def new(file: Path, as_json: bool) -> None:
    """Make a key in a new FILE and print its public half."""
    from dokja.workflows.open_stage import new_key

    key = new_key(file)
    if as_json:
        show_json({"key": key.id, "file": str(file)})
    else:
        click.echo(key.id)


@command.command()
@click.argument("person")
@click.argument("role")
@click.option("--key", type=FILE, required=True, help="The person's key file.")
@click.option(
    "--organiser", type=FILE, help="Key file of an organiser who vouches; not for the first organiser."
)
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def enrol(
    person: str, role: str, key: Path, organiser: Path | None, at: str, desk_folder: Path, language: Language
) -> None:
    """Enrol PERSON's key in ROLE (organiser, chair, auditor, expert, team, or as the rulebook names it)."""
    from dokja.signature import SigningKey
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import enrol as enrol_key

    by = None if organiser is None else SigningKey.load(organiser)
    with Desk(desk_folder) as desk:
        place = enrol_key(desk, person, role, SigningKey.load(key), by, at or now())
    click.echo(say("key.enrolled", {"person": person, "role": role, "place": place}, language))


@command.command()
@click.option("--old", type=FILE, required=True, help="The person's key file until now.")
@click.option("--new", "fresh", type=FILE, required=True, help="The key file that takes its place.")
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def rotate(old: Path, fresh: Path, reason: str, at: str, desk_folder: Path, language: Language) -> None:
    """Replace a person's key by a new one; what the old one signed and logged before stays valid."""
    from dokja.signature import SigningKey
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import rotate as rotate_key

    new_key = SigningKey.load(fresh)
    with Desk(desk_folder) as desk:
        place = rotate_key(desk, SigningKey.load(old), new_key, at or now(), reason)
    click.echo(say("key.rotated", {"key": new_key.id, "place": place}, language))


@command.command()
@click.argument("key_id")
@click.option("--by", "signer", type=FILE, required=True, help="Key file of that person, or of an organiser.")
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def revoke(key_id: str, signer: Path, reason: str, at: str, desk_folder: Path, language: Language) -> None:
    """Revoke KEY_ID from now on; what it signed and logged before stays valid."""
    from dokja.signature import SigningKey
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import revoke as revoke_key

    with Desk(desk_folder) as desk:
        place = revoke_key(desk, key_id, SigningKey.load(signer), at or now(), reason)
    click.echo(say("key.revoked", {"key": key_id, "place": place}, language))


@command.command("list")
@desk_option
@json_option
def list_(desk_folder: Path, as_json: bool) -> None:
    """Every key ever enrolled, and which of them still count."""
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        ring = desk.store.key_ring()
        rows = [[key, ring[key].person, ring[key].role, ring[key].ended or "–"] for key in ring]
    if as_json:
        names = ("key", "person", "role", "ended")
        show_json({"keys": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        click.echo(table(rows, ["key", "person", "role", "ended"]))
