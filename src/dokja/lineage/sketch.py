"""A sketch: the sampled slices of a model, enough to compare it later without its weights.

make_sketch(checkpoint, anatomy, ...) -> Sketch -> sketch_bytes -> file -> parse_sketch -> Sketch
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Anatomy, Axis, Component, Part, load_part
from dokja.anatomy.roles import EXCLUDED_FROM_TESTS
from dokja.checkpoint.checkpoint import Checkpoint
from dokja.encodings.encoding import FloatArray
from dokja.lineage.sampling import Keys, Plan, axis_keys
from dokja.progress import Progress, unheard

_SPAN_BYTES = 32 << 20
_GAP_ROWS = 8
# Small scattered reads wait for a disk or a server: several at a time.
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Block:
    """One sampled slice of one part.

    Args:
        role, layer, expert: Which part.
        axes: Of rows and columns; a vector has one column on no axis (`Axis.OTHER`).
        shape: Of the whole part.
        dtype: As stored in the file.
        row_keys, column_keys: What was sampled, see `lineage.sampling`.
        values: (rows, columns) float32, rounded to half precision relative to the block's largest value.
        status: `ok`, `not_finite` or `constant`; only `ok` is tested.
    """

    role: str
    layer: int | None
    expert: int | None
    axes: tuple[Axis, Axis]
    shape: tuple[int, ...]
    dtype: str
    row_keys: Keys
    column_keys: Keys
    values: FloatArray
    status: str

    @property
    def place(self) -> tuple[str, int | None, int | None]:
        """Role, layer and expert."""
        return self.role, self.layer, self.expert

    @property
    def n_parameters(self) -> int:
        """Parameters of the whole part."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class SketchedComponent:
    """A component as a comparison sees it; the first fields are those of `anatomy.part.Component`."""

    name: str
    kind: str
    n_layers: int
    residual: int
    n_heads: int
    n_kv_heads: int
    value_dim: int
    n_experts: int
    norm: str
    tied_head: bool
    blocks: tuple[Block, ...]

    @property
    def n_parameters(self) -> int:
        """Parameters of all its parts."""
        return sum(block.n_parameters for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What one model gives to a comparison.

    Args:
        name: What the person called the model.
        owner, licence: Of the model, as whoever made the sketch declared them; empty when not said.
        family: As anatomy recognised it.
        plan: How it was sampled.
        components: In the order of the model.
        unassigned: Stored tensors nobody could place, with why.
        bytes_read: Weight bytes read to make it.
        total_bytes: Weight bytes of the model.
    """

    name: str
    owner: str
    licence: str
    family: str
    plan: Plan
    components: tuple[SketchedComponent, ...]
    unassigned: dict[str, str]
    bytes_read: int
    total_bytes: int


def make_sketch(
    checkpoint: Checkpoint,
    anatomy: Anatomy,
    plan: Plan,
    *,
    name: str,
    owner: str = "",
    licence: str = "",
    progress: Progress = unheard,
) -> Sketch:
    """Return the sketch of a model.

    Args:
        checkpoint: Open weights.
        anatomy: What its tensors are.
        plan: How much to sample.
        name: What to call it.
        owner: Who owns the model, for the lineage edge.
        licence: Under which licence it may be used.
        progress: Told of the model, parts sampled, and parts in all.

    Raises:
        UnreadableArtifact: A stored tensor is not what its header says.
    """
    before = checkpoint.bytes_read
    total = sum(len(component.parts) for component in anatomy.components)
    done = 0
    components = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for component in anatomy.components:
            blocks = []
            for block in threads.map(partial(_sample, checkpoint, component, plan=plan), component.parts):
                blocks.append(block)
                done += 1
                progress(name, done, total)
            components.append(_sketched(component, tuple(blocks)))
    return Sketch(
        name=name,
        owner=owner,
        licence=licence,
        family=anatomy.family,
        plan=plan,
        components=tuple(components),
        unassigned=dict(anatomy.unassigned),
        bytes_read=checkpoint.bytes_read - before,
        total_bytes=sum(info.stored_bytes for info in checkpoint.tensors.values()),
    )


def half_precision(values: FloatArray) -> tuple[NDArray[np.float16], int]:
    """Return values as float16 and the exponent e so that values are those times 2^e, within 2^-11 of the largest.

    Args:
        values: Any finite float32 array.
    """
    largest = float(np.abs(values).max(initial=0.0))
    exponent = int(np.frexp(largest)[1]) if largest > 0 else 0
    # Scaling by a power of two rounds nothing that half precision would keep.
    return np.ldexp(values, np.int32(-exponent)).astype(np.float16), exponent


def from_half_precision(values: NDArray[np.float16], exponent: int) -> FloatArray:
    """Return float32 values from what `half_precision` made."""
    return np.asarray(np.ldexp(values.astype(np.float32), np.int32(exponent)))


def _sketched(component: Component, blocks: tuple[Block, ...]) -> SketchedComponent:
    return SketchedComponent(
        name=component.name,
        kind=str(component.kind.value),
        n_layers=component.n_layers,
        residual=component.residual,
        n_heads=component.n_heads,
        n_kv_heads=component.n_kv_heads,
        value_dim=component.value_dim,
        n_experts=component.n_experts,
        norm=component.norm,
        tied_head=component.tied_head,
        blocks=blocks,
    )


def _sample(checkpoint: Checkpoint, component: Component, part: Part, plan: Plan) -> Block:
    vocabulary = checkpoint.vocabulary if Axis.TOKEN in part.axes else None
    row_keys, rows = axis_keys(plan, component, part.axes[0], part.shape[0], vocabulary)
    column_axis, column_keys, columns = Axis.OTHER, np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.intp)
    if len(part.shape) > 1:
        column_axis = part.axes[1]
        column_keys, columns = axis_keys(plan, component, column_axis, part.shape[1], vocabulary)
    if part.role in EXCLUDED_FROM_TESTS:
        row_keys, rows = row_keys[:0], rows[:0]
    values = _read(checkpoint, part, rows, columns)
    status = "ok"
    if not np.isfinite(values).all():
        values, status = np.zeros((0, len(columns)), dtype=np.float32), "not_finite"
        row_keys = row_keys[:0]
    elif not values.size or np.ptp(values) == 0:
        status = "constant" if values.size else "excluded"
    if status in ("ok", "constant"):
        values = from_half_precision(*half_precision(values))
    dtype = checkpoint.tensors[part.source.tensor].dtype
    return Block(
        part.role, part.layer, part.expert, (part.axes[0], column_axis), part.shape, dtype,
        row_keys, column_keys, values, status,
    )  # fmt: skip


def _read(
    checkpoint: Checkpoint, part: Part, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> FloatArray:
    out = np.empty((len(rows), len(columns)), dtype=np.float32)
    everything = np.array_equal(columns, np.arange(int(np.prod(part.shape[1:], dtype=np.int64))))
    done = 0
    for span in _spans(rows, part):
        block = load_part(checkpoint, part, int(span[0]), int(span[-1]) + 1)
        block = block.reshape(len(block), -1)
        # A row may be asked for more than once, so the numbers of rows do not tell whether these are all of them.
        if not np.array_equal(span, np.arange(span[0], span[0] + len(block))):
            block = block[span - span[0]]
        out[done : done + len(span)] = block if everything else block.take(columns, axis=1)
        done += len(span)
    return out


def _spans(rows: NDArray[np.intp], part: Part) -> Iterator[NDArray[np.intp]]:
    """Yield runs of sampled rows that are near enough to be read in one request."""
    if not len(rows):
        return
    if part.source.transposed:
        yield rows
        return
    width = int(np.prod(part.shape[1:], dtype=np.int64))
    longest = max(1, _SPAN_BYTES // (4 * width))
    start = 0
    for cut in [*(np.flatnonzero(np.diff(rows) > _GAP_ROWS) + 1).tolist(), len(rows)]:
        while start < cut:
            stop = min(cut, int(np.searchsorted(rows, rows[start] + longest)))
            yield rows[start:stop]
            start = stop
