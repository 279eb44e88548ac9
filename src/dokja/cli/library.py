"""`dokja library`: the references to compare against."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import cast

import click

from dokja.cli.compare import table
from dokja.cli.options import SEED, json_option
from dokja.errors import InvalidInput
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.lineage.sketch_file import parse_sketch, sketch_bytes
from dokja.report.words import LANGUAGES, Language, printable
from dokja.store.library import Library
from dokja.workflows.compare import Comparison, compare_sketches
from dokja.workflows.sketch import load_sketch

_FOLDER = click.option(
    "--library",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dokja-library"),
    show_default=True,
    envvar="DOKJA_LIBRARY",
    help="Folder of the library.",
)


@click.group("library")
def command() -> None:
    """Keep sketches of references, and compare a suspect against all of them."""


@command.command("add")
@click.argument("model")
@click.option("--owner", default="", help="Who owns the model; needed unless its sketch says so.")
@click.option("--licence", default="", help="Under which licence it may be used.")
@click.option("--name", default="", help="What to call it; the folder's or file's name otherwise.")
@click.option("--seed", type=SEED, default=DEFAULT_SEED, show_default=True, help="Of the sample.")
@click.option(
    "--depth", type=click.Choice(["screen", "full"]), default="screen", show_default=True,
    help="How much to sample of weights; a sketch file keeps what it has.",
)  # fmt: skip
@_FOLDER
@json_option
def add(
    model: str, owner: str, licence: str, name: str, seed: int, depth: str, folder: Path, as_json: bool
) -> None:
    """Add the sketch of MODEL, or a sketch file."""
    sketch = load_sketch(model, cast(Depth, depth), seed, owner=owner, licence=licence, name=name)
    entry = Library(folder).add(
        sketch_bytes(sketch), sketch.name, sketch.owner, sketch.licence, sketch.family
    )
    click.echo(
        json.dumps(asdict(entry), ensure_ascii=False)
        if as_json
        else printable(f"{entry.name} ({entry.owner}): {entry.digest}")
    )


@command.command("list")
@_FOLDER
@json_option
def list_entries(folder: Path, as_json: bool) -> None:
    """List the references."""
    entries = Library(folder).entries()
    if as_json:
        click.echo(json.dumps({"entries": [asdict(e) for e in entries]}, ensure_ascii=False))
        return
    for entry in entries:
        line = f"{entry.name:<28} {entry.owner:<24} {entry.licence:<16} {entry.bytes / 1e6:6.1f} MB"
        click.echo(printable(f"{line}  {entry.digest[:19]}…"))
    if not entries:
        click.echo(
            f"The library in {folder} is empty. Add a reference with `dokja library add MODEL --owner WHO`."
        )


@command.command("search")
@click.argument("suspect")
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of sentences."
)
@click.option("--explain", is_flag=True, help="Show every reference, down to tensors.")
@_FOLDER
@json_option
def search(suspect: str, lang: str, explain: bool, folder: Path, as_json: bool) -> int:
    """Compare SUSPECT with every reference of the library, one family-wise error over all."""
    library = Library(folder)
    references = [parse_sketch(library.read(entry), entry.name) for entry in library.entries()]
    if not references:
        raise InvalidInput(
            f"The library in {folder} is empty, so there is nothing to compare with.",
            hint="Add a reference with `dokja library add MODEL --owner WHO`.",
        )
    plan = references[0].plan
    comparison = Comparison(
        suspect, tuple(r.name for r in references), seed=plan.seed, language=cast(Language, lang)
    )
    sketch = load_sketch(suspect, "screen", plan.seed)
    result = compare_sketches(
        comparison, sketch, references, progress=lambda line: click.echo(f"  {printable(line)}", err=True)
    )
    click.echo(
        json.dumps(result, ensure_ascii=False, allow_nan=False) if as_json else table(result, explain=explain)
    )
    return 1 if result["verdict"] == "REFUTED" else 0
