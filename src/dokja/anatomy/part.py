"""What a tensor is: the words in which anatomy answers, so that nothing above ever looks at a name.

A `Part` is a view of stored tensors that plays one role in one layer of one component, with named axes in
canonical order, whatever the file called it, fused it with, stacked it in or transposed it to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from dokja.checkpoint.checkpoint import Checkpoint
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput


class ComponentKind(StrEnum):
    """The components a submission can be made of. Verdicts are given per component, never per model only."""

    LANGUAGE_MODEL = "language_model"
    VISION_ENCODER = "vision_encoder"
    AUDIO_ENCODER = "audio_encoder"
    TEXT_ENCODER = "text_encoder"
    PROJECTOR = "projector"
    TOKEN_EMBEDDING = "token_embedding"  # noqa: S105
    LM_HEAD = "lm_head"
    OTHER = "other"


class Axis(StrEnum):
    """What an axis of a part counts. Axes of one name and one component have one length and one labelling."""

    RESIDUAL = "residual"  # the residual stream, one labelling for the whole component
    MLP_UNIT = "mlp_unit"  # hidden units of one MLP (of one expert)
    QUERY = "query"  # query heads × head size, head-major
    KEY_VALUE = "key_value"  # key/value heads × head size, head-major
    VALUE_OUT = "value_out"  # input of the output projection: query heads × value head size
    HEAD_DIM = "head_dim"
    EXPERT = "expert"
    TOKEN = "token"  # noqa: S105
    PIXEL = "pixel"  # patch pixels × channels, flattened; a frame nobody can disguise
    MEL = "mel"
    LATENT = "latent"
    INPUT = (
        "input"  # residual stream of the component that feeds this one, once or several times side by side
    )
    POSITION = "position"
    CLASS = "class"
    OUTPUT_UNIT = "output_unit"  # rows of a matrix whose wiring is unknown
    INPUT_UNIT = "input_unit"  # its columns, input channels × kernel
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a part lies inside one stored tensor.

    Args:
        tensor: Stored name.
        index: Index on the stored first axis (a stacked expert), or None; taken before everything else.
        start: First row of the part on the first axis, counted after transposing.
        stop: Past-the-end row, or None for all.
        transposed: Whether the stored matrix is the transpose of the part's canonical axes.
        rows: Explicit row order on the first axis where the part is interleaved; overrides start and stop.
        flatten: Whether trailing axes are flattened into one (convolution kernels).
    """

    tensor: str
    index: int | None = None
    start: int = 0
    stop: int | None = None
    transposed: bool = False
    rows: tuple[int, ...] | None = None
    flatten: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One role of one layer.

    Args:
        role: Stable dotted role, e.g. `mlp.gate`, `mlp.up`, `mlp.down`, `attention.query`, `attention.key`,
            `attention.value`, `attention.output`, `norm.attention`, `router`, `token_embedding`, `lm_head`,
            `patch_embedding`; a bias adds `.bias`.
        layer: Layer number inside its component, from 0; None outside the layers.
        expert: Expert number inside the layer; None for dense, -1 - k for shared expert k.
        axes: Canonical axes, output axis first (torch Linear order): `mlp.gate` is (MLP_UNIT, RESIDUAL),
            `mlp.down` is (RESIDUAL, MLP_UNIT), `attention.output` is (RESIDUAL, VALUE_OUT).
        shape: Lengths of `axes`.
        source: Where it lies.
    """

    role: str
    layer: int | None
    expert: int | None
    axes: tuple[Axis, ...]
    shape: tuple[int, ...]
    source: Slice


@dataclass(frozen=True, slots=True)
class Component:
    """One examinable component of a model.

    Args:
        name: `ComponentKind` value, with `#2` and so on when a kind occurs twice.
        kind: What it is.
        parts: Every part, layer by layer.
        n_layers: Layers in it (0 for an embedding or a projector).
        residual: Width of its residual stream.
        n_heads, n_kv_heads, head_dim, value_dim: Attention shape; 0 where there is none or it varies.
        n_experts: Routed experts per layer, 0 when dense.
        rotary: Whether query/key rows are tied to rotary frequencies (then never re-labelled).
        norm: `rms` or `layer` or `none`.
        tied_head: Whether lm_head is the token embedding (token_embedding component only).
        routing_groups: Blocks of experts between which a router does not mix; 1 when it mixes all.
        reads: For a projector, the kind of component whose residual stream its INPUT axis counts.
    """

    name: str
    kind: ComponentKind
    parts: tuple[Part, ...]
    n_layers: int
    residual: int
    n_heads: int = 0
    n_kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    n_experts: int = 0
    rotary: bool = False
    norm: str = "none"
    tied_head: bool = False
    routing_groups: int = 1
    reads: ComponentKind | None = None
    _by_place: dict[tuple[str, int | None, int | None], Part] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places: dict[tuple[str, int | None, int | None], Part] = {}
        for part in self.parts:
            places.setdefault((part.role, part.layer, part.expert), part)
        object.__setattr__(self, "_by_place", places)

    def find(self, role: str, layer: int | None = None, expert: int | None = None) -> Part | None:
        """Return the part of that role, layer and expert, or None."""
        return self._by_place.get((role, layer, expert))


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a checkpoint is made of.

    Args:
        family: Name of the family file that recognised it, or `inferred`.
        inferred: Whether names were useless and shapes and wiring were used instead.
        components: In the order of the model.
        unassigned: Stored tensors no part uses, with why (`fixed_table`, `unknown`, ...).
        warnings: Message keys with figures, e.g. an edited config ("config.disagrees_with_shapes").
    """

    family: str
    inferred: bool
    components: tuple[Component, ...]
    unassigned: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[tuple[str, Mapping[str, object]], ...] = ()


def load_part(checkpoint: Checkpoint, part: Part, start: int = 0, stop: int | None = None) -> FloatArray:
    """Return a part, or rows [start, stop) of its first canonical axis, as float32 in canonical axis order.

    Rows are read without their neighbours, except where the stored matrix is transposed: then every stored row
    holds a piece of every canonical row, and all of it is read.

    Args:
        checkpoint: Where its tensors are stored.
        part: What to load.
        start: First row of the first canonical axis.
        stop: Past-the-end row, None for all.

    Raises:
        InvalidInput: The range lies outside the part.
    """
    last = part.shape[0] if stop is None else stop
    if not 0 <= start <= last <= part.shape[0]:
        raise InvalidInput(
            f"Rows {start} to {last} are not all inside {part.role}, which has {part.shape[0]}."
        )
    source = part.source
    if source.rows is not None:
        wanted = np.asarray(source.rows[start:last], dtype=np.intp)
        if not wanted.size:
            return np.zeros((0, *part.shape[1:]), dtype=np.float32)
        first = int(wanted.min())
        block = _canonical_rows(checkpoint, part, first, int(wanted.max()) + 1)[wanted - first]
    else:
        block = _canonical_rows(checkpoint, part, source.start + start, source.start + last)
    return block.reshape(block.shape[0], *part.shape[1:])


def _canonical_rows(checkpoint: Checkpoint, part: Part, first: int, last: int) -> FloatArray:
    source = part.source
    if source.transposed:
        whole = checkpoint.read(source.tensor) if source.index is None else _expert(checkpoint, part)
        return np.ascontiguousarray(whole[..., first:last].T)
    if source.index is not None:
        return checkpoint.read_within(source.tensor, source.index, first, last)
    stored = checkpoint.tensors[source.tensor].shape
    if stored[0] == 1 and part.shape[0] > 1:
        return checkpoint.read(source.tensor).reshape(part.shape)[first:last]
    return checkpoint.read(source.tensor, first, last)


def _expert(checkpoint: Checkpoint, part: Part) -> FloatArray:
    index = part.source.index
    assert index is not None
    one: FloatArray = checkpoint.read(part.source.tensor, index, index + 1)[0]
    return one
