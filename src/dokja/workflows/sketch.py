"""Make the sketch of a model, or read one that was made before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dokja.anatomy import describe
from dokja.checkpoint import open_checkpoint
from dokja.lineage.sampling import Depth, fitted, plan_of
from dokja.lineage.sketch import Sketch, make_sketch
from dokja.lineage.sketch_file import is_sketch, read_sketch, sketch_bytes
from dokja.progress import Progress, unheard


def load_sketch(
    source: str,
    depth: Depth,
    seed: int,
    *,
    owner: str = "",
    licence: str = "",
    name: str = "",
    progress: Progress = unheard,
) -> Sketch:
    """Return the sketch of a model, or the sketch in a file.

    Args:
        source: A model (folder or file), or a sketch file.
        depth: How much to sample of a model; a sketch file keeps what it has.
        seed: Of the sample.
        owner: Who owns the model; overrides what a sketch file says.
        licence: Under which licence it may be used.
        name: What to call it; the last part of the source otherwise.
        progress: Told of the model, parts sampled, and parts in all.

    Raises:
        InvalidInput: There is no model there.
        UnreadableArtifact: A file is not what it says.
    """
    path = Path(source)
    if is_sketch(path):
        return named_sketch(path, name=name, owner=owner, licence=licence)
    with open_checkpoint(source) as checkpoint:
        anatomy = describe(checkpoint)
        return make_sketch(
            checkpoint,
            anatomy,
            fitted(plan_of(depth, seed), anatomy.components),
            name=name or path.name or source,
            owner=owner,
            licence=licence,
            progress=progress,
        )


def named_sketch(path: Path, *, name: str = "", owner: str = "", licence: str = "") -> Sketch:
    """Return the sketch in a file, with what is said here in place of what it says."""
    sketch = read_sketch(path)
    return replace(
        sketch, name=name or sketch.name, owner=owner or sketch.owner, licence=licence or sketch.licence
    )


def write_sketch(sketch: Sketch, to: Path) -> int:
    """Write a sketch to a file, whole or not at all; return its size in bytes."""
    data = sketch_bytes(sketch)
    partial = to.with_name(to.name + ".partial")
    partial.write_bytes(data)
    partial.replace(to)
    return len(data)
