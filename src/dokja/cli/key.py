"""`dokja key`: keys and passkeys of people: make, ask, enrol, rotate, revoke, list."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.options import FILE, desk_option, json_option, language_option, now, show_json, table
from dokja.report.words import Language, say


@click.group(name="key")
def command() -> None:
    """Keys of people: make, enrol in a role, rotate, revoke, list. A key file is readable by its owner alone.

    A passkey stands for a key file wherever FILE may be a passkey's: docs/guides/passkeys.md.
    """


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
@click.option("--key", type=FILE, help="The person's key file.")
@click.option("--credential", type=FILE, help="The person's passkey file with its answer, in place of --key.")
@click.option(
    "--organiser",
    type=FILE,
    help="Key or passkey file of an organiser who vouches; not for the first organiser.",
)
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def enrol(
    person: str,
    role: str,
    key: Path | None,
    credential: Path | None,
    organiser: Path | None,
    at: str,
    desk_folder: Path,
    language: Language,
) -> None:
    """Enrol PERSON's key in ROLE (organiser, chair, auditor, expert, team, or as the rulebook names it)."""
    from dokja.signature import SigningKey
    from dokja.signature.passkey_file import load_passkey, load_signer, time_asked_for
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import enrol as enrol_key

    file = key or credential
    if file is None or (key and credential):
        raise click.UsageError("Give either --key or --credential.")
    own = SigningKey.load(file) if key else load_passkey(file).signer()
    by = None if organiser is None else load_signer(organiser)
    with Desk(desk_folder) as desk:
        place = enrol_key(desk, person, role, own, by, at or time_asked_for([own, by]) or now())
    click.echo(say("key.enrolled", {"person": person, "role": role, "place": place}, language))


@command.command()
@click.option("--old", type=FILE, required=True, help="The person's key or passkey file until now.")
@click.option(
    "--new", "fresh", type=FILE, required=True, help="The key or passkey file that takes its place."
)
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def rotate(old: Path, fresh: Path, reason: str, at: str, desk_folder: Path, language: Language) -> None:
    """Replace a person's key by a new one; what the old one signed and logged before stays valid."""
    from dokja.signature.passkey_file import load_signer, time_asked_for
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import rotate as rotate_key

    old_key, new_key = load_signer(old), load_signer(fresh)
    with Desk(desk_folder) as desk:
        place = rotate_key(desk, old_key, new_key, at or time_asked_for([old_key, new_key]) or now(), reason)
    click.echo(say("key.rotated", {"key": new_key.id, "place": place}, language))


@command.command()
@click.argument("key_id")
@click.option(
    "--by", "signer", type=FILE, required=True, help="Key or passkey file of that person, or of an organiser."
)
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@language_option
def revoke(key_id: str, signer: Path, reason: str, at: str, desk_folder: Path, language: Language) -> None:
    """Revoke KEY_ID from now on; what it signed and logged before stays valid."""
    from dokja.signature.passkey_file import load_signer, time_asked_for
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import revoke as revoke_key

    by = load_signer(signer)
    with Desk(desk_folder) as desk:
        place = revoke_key(desk, key_id, by, at or time_asked_for([by]) or now(), reason)
    click.echo(say("key.revoked", {"key": key_id, "place": place}, language))


@command.command()
@click.argument("what", type=click.Choice(["decision", "enrol", "rotate", "revoke"]))
@click.argument("about", nargs=-1, required=True)
@click.option("--credential", type=FILE, required=True, help="File of the passkey that will sign.")
@click.option(
    "--reason", default="", help="Why, where a key is rotated or revoked; the same as will be given then."
)
@click.option(
    "--at", default="", metavar="TIME", help="RFC 3339 time in UTC the signature carries; now by default."
)
@json_option
def challenge(
    what: str, about: tuple[str, ...], credential: Path, reason: str, at: str, as_json: bool
) -> None:
    """Print what a passkey must sign: decision DIGEST, enrol PERSON ROLE [KEY], rotate OLD NEW, or revoke KEY.

    With --json, also the request a page hands to the browser. The answer goes into the passkey's file, with the time.
    """
    from dokja.signature.passkey_file import load_passkey
    from dokja.workflows.challenge import challenge as ask

    asked = ask(load_passkey(credential), what, about, at or now(), reason)
    if as_json:
        show_json(asked.as_json())
    else:
        click.echo(f"{asked.text}\n{asked.at}\n{asked.passkey.credential}")


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
