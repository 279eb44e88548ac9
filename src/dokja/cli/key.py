"""`dokja key`: keys and passkeys of people: make, ask, enrol, rotate, revoke, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.shared import (
    FILE,
    KEY,
    NEW_FILE,
    PASSKEY,
    SIGNER,
    Call,
    Output,
    answering,
    stage_command,
    table,
)

if TYPE_CHECKING:
    from dokja.signature import SigningKey
    from dokja.signature.key import Signer
    from dokja.signature.passkey_file import PasskeyAnswer


@click.group(name="key")
def command() -> None:
    """Keys of people: make, enrol in a role, rotate, revoke, list. A key file is readable by its owner alone.

    A passkey stands for a key file wherever FILE may be a passkey's: docs/guides/passkeys.md.
    """


@command.command()
@click.argument("file", type=NEW_FILE)
@answering(language=False)
def new(out: Output, file: Path) -> None:
    """Make a key in a new FILE and print its public half."""
    from dokja.workflows.open_stage import new_key

    key = new_key(file)
    out.show({"key": key.id, "file": str(file)}, [key.id])


@command.command()
@click.argument("person")
@click.argument("role")
@click.option("--key", type=KEY, help="The person's key file.")
@click.option(
    "--credential", type=PASSKEY, help="The person's passkey file with its answer, in place of --key."
)
@click.option(
    "--organiser",
    type=SIGNER,
    help="Key or passkey file of an organiser who vouches; not for the first organiser.",
)
@stage_command(at=True, stage=False)
def enrol(
    call: Call,
    person: str,
    role: str,
    key: SigningKey | None,
    credential: PasskeyAnswer | None,
    organiser: Signer | None,
) -> None:
    """Enrol PERSON's key in ROLE (organiser, chair, auditor, expert, team, or as the rulebook names it)."""
    from dokja.workflows.open_stage import enrol as enrol_key

    own = key or credential
    if own is None or (key and credential):
        raise click.UsageError("Give either --key or --credential.")
    place = enrol_key(call.desk, person, role, own, organiser, call.signed_at(own, organiser))
    value = {"key": own.id, "person": person, "role": role, "place": place}
    call.out.show(value, [call.out.say("key.enrolled", value)])


@command.command()
@click.option("--old", type=SIGNER, required=True, help="The person's key or passkey file until now.")
@click.option(
    "--new", "fresh", type=SIGNER, required=True, help="The key or passkey file that takes its place."
)
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@stage_command(at=True, stage=False)
def rotate(call: Call, old: Signer, fresh: Signer, reason: str) -> None:
    """Replace a person's key by a new one; what the old one signed and logged before stays valid."""
    from dokja.workflows.open_stage import rotate as rotate_key

    place = rotate_key(call.desk, old, fresh, call.signed_at(old, fresh), reason)
    value = {"key": fresh.id, "place": place}
    call.out.show(value, [call.out.say("key.rotated", value)])


@command.command()
@click.argument("key_id")
@click.option(
    "--by",
    "signer",
    type=SIGNER,
    required=True,
    help="Key or passkey file of that person, or of an organiser.",
)
@click.option("--reason", required=True, help="Why; it is recorded for ever.")
@stage_command(at=True, stage=False)
def revoke(call: Call, key_id: str, signer: Signer, reason: str) -> None:
    """Revoke KEY_ID from now on; what it signed and logged before stays valid."""
    from dokja.workflows.open_stage import revoke as revoke_key

    place = revoke_key(call.desk, key_id, signer, call.signed_at(signer), reason)
    value = {"key": key_id, "place": place}
    call.out.show(value, [call.out.say("key.revoked", value)])


@command.command()
@click.argument("what", type=click.Choice(["decision", "event", "enrol", "rotate", "revoke"]))
@click.argument("about", nargs=-1, required=True)
@click.option("--credential", type=FILE, required=True, help="File of the passkey that will sign.")
@click.option(
    "--reason", default="", help="Why, where a key is rotated or revoked; the same as will be given then."
)
@answering(language=False, at=True)
def challenge(out: Output, what: str, about: tuple[str, ...], credential: Path, reason: str, at: str) -> None:
    """Print what a passkey must sign: decision DIGEST, event DIGEST, enrol PERSON ROLE [KEY], rotate OLD NEW, or revoke KEY.

    An event is one kept with dokja stage record --draft. With --json, also the request a page hands to the browser. The answer goes into the passkey's file, with the time.
    """
    from dokja.signature.passkey_file import load_passkey
    from dokja.workflows.challenge import challenge as ask

    asked = ask(load_passkey(credential), what, about, at, reason)
    out.show(asked.as_json(), [asked.text, asked.at, str(asked.passkey.credential)])


@command.command("list")
@stage_command(stage=False)
def list_(call: Call) -> None:
    """Every key ever enrolled, and which of them still count."""
    ring = call.desk.store.key_ring()
    rows = [[key, ring[key].person, ring[key].role, ring[key].ended or "–"] for key in ring]
    names = ("key", "person", "role", "ended")
    value = {"keys": [dict(zip(names, row, strict=True)) for row in rows]}
    call.out.show(value, [table(rows, names)])
