"""`dokja library`: the references to compare against."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import cast

import click

from dokja.cli.compare import comparison_lines
from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import FOLDER, Output, Showing, answering, depth_option, seed_option
from dokja.errors import InvalidInput
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.lineage.sketch_file import parse_sketch, sketch_bytes
from dokja.report.words import printable
from dokja.store.library import Library
from dokja.workflows.compare import Comparison, compare_sketches
from dokja.workflows.sketch import load_sketch

_folder = click.option(
    "--library",
    "folder",
    type=FOLDER,
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
@seed_option(DEFAULT_SEED)
@depth_option("How much to sample of weights; a sketch file keeps what it has.")
@_folder
@answering(language=False)
def add(
    out: Output, model: str, owner: str, licence: str, name: str, seed: int, depth: str, folder: Path
) -> None:
    """Add the sketch of MODEL, or a sketch file."""
    with Showing() as progress:
        sketch = load_sketch(
            model, cast(Depth, depth), seed, owner=owner, licence=licence, name=name, progress=progress
        )
    entry = Library(folder).add(
        sketch_bytes(sketch), sketch.name, sketch.owner, sketch.licence, sketch.family
    )
    out.show(asdict(entry), [printable(f"{entry.name} ({entry.owner}): {entry.digest}")])


@command.command("list")
@_folder
@answering(language=False)
def list_entries(out: Output, folder: Path) -> None:
    """List the references."""
    entries = Library(folder).entries()
    lines = [
        printable(
            f"{entry.name:<28} {entry.owner:<24} {entry.licence:<16} {entry.bytes / 1e6:6.1f} MB"
            f"  {entry.digest[:19]}…"
        )
        for entry in entries
    ]
    none = f"The library in {folder} is empty. Add a reference with `dokja library add MODEL --owner WHO`."
    out.show({"entries": [asdict(e) for e in entries]}, lines or [none])


@command.command("search")
@click.argument("suspect")
@click.option("--explain", is_flag=True, help="Show every reference, down to tensors.")
@_folder
@answering()
def search(out: Output, suspect: str, explain: bool, folder: Path) -> int:
    """Compare SUSPECT with every reference of the library, one family-wise error over all."""
    library = Library(folder)
    references = [parse_sketch(library.read(entry), entry.name) for entry in library.entries()]
    if not references:
        raise InvalidInput(
            f"The library in {folder} is empty, so there is nothing to compare with.",
            hint="Add a reference with `dokja library add MODEL --owner WHO`.",
        )
    seed = references[0].plan.seed
    comparison = Comparison(suspect, tuple(r.name for r in references), seed=seed, language=out.language)
    with Showing() as progress:
        sketch = load_sketch(suspect, "screen", seed, progress=progress)
        result = compare_sketches(comparison, sketch, references, progress)
    out.show(result, comparison_lines(result, explain=explain))
    return EXIT_AGAINST if result["verdict"] == "REFUTED" else EXIT_DONE
