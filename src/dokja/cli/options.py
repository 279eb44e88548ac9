"""Options that several commands share, each a named decorator; and how results go to stdout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dokja.report.csv_table import render_csv
from dokja.report.words import LANGUAGES, printable

if TYPE_CHECKING:
    from dokja.workflows.desk import Actor

_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Seeds are written into results as JSON, whose integers are exact up to here.
SEED = click.IntRange(0, 2**53 - 1)

desk_option = click.option(
    "--desk", "desk_folder", type=click.Path(file_okay=False, path_type=Path), default=Path("desk"), show_default=True,
    help="Folder of the office's desk: store, log key, proposals.",
)  # fmt: skip
stage_option = click.option(
    "--stage", default="", help="Name of the stage; may be left out where there is only one."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print rows as CSV on stdout.")
language_option = click.option(
    "--lang",
    "language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of sentences.",
)


def actor_options(command: _F) -> _F:
    """Add `--by`, `--at` and `--key`: who records, when, and with which key the event is signed."""
    for option in (
        click.option("--key", type=FILE, help="The actor's key file; the event is signed with it."),
        click.option("--at", default="", help="RFC 3339 time in UTC; now by default.", metavar="TIME"),
        click.option("--by", default="office", show_default=True, help="Actor's id, never a person's name."),
    ):
        command = option(command)
    return command


dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Do everything but write; show what would be recorded."
)


def acting(by: str, at: str, key: Path | None) -> Actor:
    """Return who acts, from what `actor_options` gives."""
    from dokja.signature import SigningKey
    from dokja.workflows.desk import Actor

    return Actor(by, at or now(), None if key is None else SigningKey.load(key))


def now() -> str:
    """Return the present time as events write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show_json(value: object) -> None:
    """Print one JSON object on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def show_csv(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows as CSV on stdout; nested values are written as JSON."""
    click.echo(render_csv(rows), nl=False)


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return rows of text as columns padded for a terminal, counting Korean letters as two wide."""
    lines = [list(header), *[[printable(cell) for cell in row] for row in rows]]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
