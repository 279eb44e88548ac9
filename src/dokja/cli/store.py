"""`dokja store`: migrate, check, back up, restore, move and overwrite the database of a programme."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import Output, Showing, answering

if TYPE_CHECKING:
    from dokja.store.integrity import Integrity


@click.group(name="store")
def command() -> None:
    """The database: migrate, check, back up, restore, move, overwrite what was deleted.

    URL is sqlite:///FILE or postgresql://USER@HOST/NAME.
    """


@command.command()
@click.argument("url")
@click.option("--to", "revision", default="head", show_default=True, help="Revision to bring the tables to.")
@click.option("--down", is_flag=True, help="Go back to that revision; refused where rows would be lost.")
@answering()
def migrate(out: Output, url: str, revision: str, down: bool) -> None:
    """Bring the tables of URL to this version, with the rows in them."""
    from dokja.store.database import database_revision, migrate_database

    migrate_database(url, revision, down=down)
    at = {"revision": database_revision(url) or "base"}
    out.show(at, [out.say("store.migrated", at)])


@command.command()
@click.argument("url")
@answering()
def check(out: Output, url: str) -> None:
    """Recompute the whole log of URL from what was recorded. Exit 3 when something no longer fits."""
    from dokja.store.database import Database
    from dokja.store.integrity import recompute

    database = Database(url)
    try:
        with database.reading() as connection, Showing() as progress:
            found = recompute(connection, progress)
    finally:
        database.close()
    _show("store.checked", found, out)


@command.command()
@click.argument("url")
@click.argument("file", type=click.Path(path_type=Path))
@answering()
def backup(out: Output, url: str, file: Path) -> None:
    """Write everything in URL to FILE, which only you can read: it holds personal data."""
    from dokja.store.backup import backup_store

    with Showing() as progress:
        found = backup_store(url, file, progress)
    _show("store.backed_up", found, out)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("url")
@answering()
def restore(out: Output, file: Path, url: str) -> None:
    """Fill the empty database URL from the backup FILE and recompute the log's root."""
    from dokja.store.backup import restore_store

    with Showing() as progress:
        found = restore_store(file, url, progress)
    _show("store.restored", found, out)


@command.command()
@click.argument("source")
@click.argument("target")
@answering()
def move(out: Output, source: str, target: str) -> None:
    """Copy the database SOURCE into the empty database TARGET and compare the log's roots. SOURCE is left as it is."""
    from dokja.store.move import move_store

    with Showing() as progress:
        found = move_store(source, target, progress)
    _show("store.moved", found, out)


@command.command()
@click.argument("url")
@answering()
def overwrite(out: Output, url: str) -> int:
    """Overwrite what was deleted in URL, after an erasure that could not. Exit 1 when somebody keeps it from being done.

    On PostgreSQL the owner of the tables does it. What else may hold an erased text is in docs/guides/erasing.md.
    """
    from dokja.store.database import Database

    database = Database(url)
    try:
        done = database.overwrite_deleted()
    finally:
        database.close()
    out.show({"overwritten": done}, [out.say("store.overwritten" if done else "store.not_overwritten")])
    return EXIT_DONE if done else EXIT_AGAINST


def _show(key: str, found: Integrity, out: Output) -> None:
    figures = {"size": found.size, "root": found.root}
    out.show(figures, [out.say(key, figures)])
