"""`dokja store`: migrate, check, back up, restore and move the database of a programme."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dokja.cli.options import json_option, language_option
from dokja.report.words import Language, say


@click.group(name="store")
def command() -> None:
    """The database: migrate, check, back up, restore, move.

    URL is sqlite:///FILE or postgresql://USER@HOST/NAME.
    """


@command.command()
@click.argument("url")
@click.option("--to", "revision", default="head", show_default=True, help="Revision to bring the tables to.")
@click.option("--down", is_flag=True, help="Go back to that revision; refused where rows would be lost.")
@language_option
@json_option
def migrate(url: str, revision: str, down: bool, language: Language, as_json: bool) -> None:
    """Bring the tables of URL to this version, with the rows in them."""
    from dokja.store.database import database_revision, migrate_database

    migrate_database(url, revision, down=down)
    at = database_revision(url) or "base"
    click.echo(json.dumps({"revision": at}) if as_json else say("store.migrated", {"revision": at}, language))


@command.command()
@click.argument("url")
@language_option
@json_option
def check(url: str, language: Language, as_json: bool) -> None:
    """Recompute the whole log of URL from what was recorded. Exit 3 when something no longer fits."""
    from dokja.store.database import Database
    from dokja.store.integrity import recompute

    database = Database(url)
    try:
        with database.reading() as connection:
            found = recompute(connection)
    finally:
        database.close()
    _show("store.checked", found.size, found.root, language, as_json)


@command.command()
@click.argument("url")
@click.argument("file", type=click.Path(path_type=Path))
@language_option
@json_option
def backup(url: str, file: Path, language: Language, as_json: bool) -> None:
    """Write everything in URL to FILE, which only you can read: it holds personal data."""
    from dokja.store.backup import backup_store

    found = backup_store(url, file)
    _show("store.backed_up", found.size, found.root, language, as_json)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("url")
@language_option
@json_option
def restore(file: Path, url: str, language: Language, as_json: bool) -> None:
    """Fill the empty database URL from the backup FILE and recompute the log's root."""
    from dokja.store.backup import restore_store

    found = restore_store(file, url)
    _show("store.restored", found.size, found.root, language, as_json)


@command.command()
@click.argument("source")
@click.argument("target")
@language_option
@json_option
def move(source: str, target: str, language: Language, as_json: bool) -> None:
    """Copy the database SOURCE into the empty database TARGET and compare the log's roots. SOURCE is left as it is."""
    from dokja.store.move import move_store

    found = move_store(source, target)
    _show("store.moved", found.size, found.root, language, as_json)


def _show(key: str, size: int, root: str, language: Language, as_json: bool) -> None:
    figures = {"size": size, "root": root}
    click.echo(json.dumps(figures) if as_json else say(key, figures, language))
