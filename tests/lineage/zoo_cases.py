"""Sketches of zoo models and of what tests make of them; a model's sketch is taken once per process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dokja.anatomy import describe
from dokja.checkpoint import open_checkpoint
from dokja.lineage.examine import Examination, Settings, examine
from dokja.lineage.sampling import plan_of
from dokja.lineage.sketch import Sketch, make_sketch
from tests.fixtures import zoo_models

SETTINGS = Settings(draws=60)


@cache
def sketch_of(name: str) -> Sketch:
    """Return the sketch of a committed model."""
    return sketch_at(zoo_models.path(name), name)


def sketch_at(folder: Path, name: str = "suspect") -> Sketch:
    """Return the sketch of a model in a folder."""
    with open_checkpoint(folder) as checkpoint:
        return make_sketch(
            checkpoint, describe(checkpoint), plan_of("screen"), name=name, owner=f"Lab {name}"
        )


def compared(suspect: Sketch | str, *references: str) -> Examination:
    """Return the examination of a suspect against committed models."""
    sketch = sketch_of(suspect) if isinstance(suspect, str) else suspect
    return examine(sketch, [sketch_of(r) for r in references], SETTINGS)


def written(model: zoo_models.Model, folder: Path, **how: object) -> Sketch:
    """Return the sketch of a model after it was written to files and read back."""
    return sketch_at(zoo_models.write(model, folder / "suspect", **how))  # type: ignore[arg-type]


def relations(examination: Examination) -> dict[str, str]:
    """Return component to relation."""
    return {r.component: r.relation.value for r in examination.gravest}


def layer_map(examination: Examination, component: str = "language_model") -> list[tuple[int, int]]:
    """Return the layer map of a component."""
    result = next(r for r in examination.gravest if r.component == component)
    assert result.evidence is not None
    return list(result.evidence.layer_pairs)
