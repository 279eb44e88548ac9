"""`dokja sketch`: a small fingerprint that can be compared later without the weights."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from dokja.cli.shared import NEW_FILE, Output, Showing, answering, depth_option, seed_option
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.lineage.sketch_file import sketch_digest
from dokja.workflows.sketch import load_sketch, write_sketch


@click.command("sketch")
@click.argument("model")
@click.option("-o", "--output", "file", required=True, type=NEW_FILE, help="File to write.")
@click.option("--owner", default="", help="Who owns the model; named in every lineage edge.")
@click.option("--licence", default="", help="Under which licence it may be used.")
@seed_option(DEFAULT_SEED)
@depth_option("How much to sample of weights; a sketch file keeps what it has.")
@answering(language=False)
def command(out: Output, model: str, file: Path, owner: str, licence: str, seed: int, depth: str) -> None:
    """Write the sketch of MODEL: enough to compare it later, too little to run it."""
    with Showing() as progress:
        sketch = load_sketch(model, cast(Depth, depth), seed, owner=owner, licence=licence, progress=progress)
    size, digest = write_sketch(sketch, file), sketch_digest(sketch)
    out.show(
        {"file": str(file), "digest": digest, "bytes": size, "bytes_read": sketch.bytes_read},
        [f"{file}: {size / 1e6:.1f} MB of {sketch.total_bytes / 1e6:,.1f} MB, {digest}"],
    )
