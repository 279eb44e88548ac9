"""`dokja sketch`: a small fingerprint that can be compared later without the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import click

from dokja.cli.options import SEED
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.lineage.sketch_file import sketch_digest
from dokja.workflows.sketch import load_sketch, write_sketch


@click.command("sketch")
@click.argument("model")
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write."
)
@click.option("--owner", default="", help="Who owns the model; named in every lineage edge.")
@click.option("--licence", default="", help="Under which licence it may be used.")
@click.option("--seed", type=SEED, default=DEFAULT_SEED, show_default=True, help="Of the sample.")
@click.option(
    "--depth", type=click.Choice(["screen", "full"]), default="screen", show_default=True,
    help="How much to sample of weights; a sketch file keeps what it has.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: str, output: Path, owner: str, licence: str, seed: int, depth: str, as_json: bool) -> None:
    """Write the sketch of MODEL: enough to compare it later, too little to run it."""
    sketch = load_sketch(model, cast(Depth, depth), seed, owner=owner, licence=licence)
    size = write_sketch(sketch, output)
    if as_json:
        said = {
            "file": str(output),
            "digest": sketch_digest(sketch),
            "bytes": size,
            "bytes_read": sketch.bytes_read,
        }
        click.echo(json.dumps(said, ensure_ascii=False))
        return
    click.echo(
        f"{output}: {size / 1e6:.1f} MB of {sketch.total_bytes / 1e6:,.1f} MB, {sketch_digest(sketch)}"
    )
