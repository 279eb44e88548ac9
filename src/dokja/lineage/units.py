"""From sampled slices to features of units: one group of units is one labelling that training cannot know.

Private groups belong to one component: hidden units of an MLP, value dimensions of a key/value head. Residual
dimensions are one group for the whole component.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Axis
from dokja.lineage.sampling import Keys
from dokja.lineage.sketch import Block, SketchedComponent
from dokja.stats.permutation import equilibrate, rank_scores

Features = NDArray[np.float32]

# Fewer units cannot carry a test worth its multiplicity: 8! is 10^4.6.
LEAST_UNITS = 8


@dataclass(frozen=True, slots=True)
class Slab:
    """Features of units from one part: units down, another axis across.

    Args:
        role: Of the part, with what distinguishes several slabs of it.
        column_keys: What the features are.
        values: (units, features) raw, float32.
        is_gain: Whether the one feature is a gain or bias, tested by rank.
    """

    role: str
    column_keys: Keys
    values: Features
    is_gain: bool = False


@dataclass(frozen=True)
class UnitGroup:
    """Units that share one labelling.

    Args:
        kind: `mlp_units`, `value_dims` or `residual`.
        layer, expert: Where; for value dimensions `expert` is None and `head` names the key/value head.
        head: Key/value head, or None.
        unit_keys: Which units were sampled.
        slabs: Their features, part by part.
        n_parameters: Parameters of the parts the slabs were taken from.
    """

    kind: str
    layer: int | None
    expert: int | None
    head: int | None
    unit_keys: Keys
    slabs: tuple[Slab, ...]
    n_parameters: int

    @cached_property
    def living(self) -> NDArray[np.bool_]:
        """(units,) which are not all zero; gains count only where there is nothing else."""
        dense = [slab.values for slab in self.slabs if not slab.is_gain] or [s.values for s in self.slabs]
        return np.asarray(np.any([values.any(axis=1) for values in dense], axis=0))

    @property
    def features(self) -> Features:
        """(units, features) of all units, equilibrated slab by slab; kept for groups that meet many others."""
        return self._kept_features if self.kind == "mlp_units" else self._made_features()

    @cached_property
    def _kept_features(self) -> Features:
        return self._made_features()

    def _made_features(self) -> Features:
        out = np.empty((len(self.unit_keys), sum(slab.values.shape[1] for slab in self.slabs)), np.float32)
        done = 0
        for scaled in self.slab_features():
            out[:, done : done + scaled.shape[1]] = scaled
            done += scaled.shape[1]
        return out

    def slab_features(self) -> Iterator[Features]:
        """Yield the columns of `features` slab by slab, for groups too wide to lay side by side."""
        return (_scaled(slab.values, slab.is_gain) for slab in self.slabs)


def mlp_groups(component: SketchedComponent) -> list[UnitGroup]:
    """Return one group per MLP, in order of layer and expert: gate and up rows, down columns."""
    collected: dict[tuple[int, int], list[Block]] = {}
    for block in _testable(component.blocks):
        if Axis.MLP_UNIT in block.axes and len(block.shape) > 1:
            place = (
                -1 if block.layer is None else block.layer,
                -(1 << 30) if block.expert is None else block.expert,
            )
            collected.setdefault(place, []).append(block)
    groups = (_units_of(collected[place], Axis.MLP_UNIT) for place in sorted(collected))
    return [group for group in groups if group is not None]


def value_groups(component: SketchedComponent) -> list[UnitGroup]:
    """Return one group per sampled key/value head and layer: value rows, and output columns of its query heads."""
    dim, kv_heads = component.value_dim, component.n_kv_heads
    if dim < LEAST_UNITS or not kv_heads:
        return []
    by_layer: dict[int, dict[str, Block]] = {}
    for block in _testable(component.blocks):
        if block.layer is not None and block.role in ("attention.value", "attention.output"):
            by_layer.setdefault(block.layer, {})[block.role] = block
    groups = []
    for layer, blocks in sorted(by_layer.items()):
        if len(blocks) == 2:
            value, output = blocks["attention.value"], blocks["attention.output"]
            per_group = output.shape[1] // (kv_heads * dim)
            if value.shape[0] == kv_heads * dim and output.shape[1] == per_group * kv_heads * dim:
                groups += list(_heads(layer, value, output, dim, per_group))
    return groups


def residual_group(component: SketchedComponent, layers: Mapping[int, int] | None = None) -> UnitGroup | None:
    """Return the residual dimensions of a component with every part that touches them as features.

    Args:
        component: Whose.
        layers: Suspect layer to reference layer; slabs are named by the reference layer, and those of layers that
            are not in the map are left out. None keeps the component's own numbers (the reference's side).
    """
    slabs: list[Slab] = []
    unit_keys: Keys | None = None
    parameters = 0
    for block in _testable(component.blocks):
        if Axis.RESIDUAL not in block.axes:
            continue
        layer = block.layer
        if layer is not None and layers is not None:
            if layer not in layers:
                continue
            layer = layers[layer]
        keys, columns, values = _oriented(block, Axis.RESIDUAL)
        if unit_keys is None:
            unit_keys = keys
        if not np.array_equal(keys, unit_keys):
            continue
        is_gain = len(block.shape) == 1
        if is_gain and not block.role.startswith("norm."):
            continue
        slabs.append(Slab(f"{block.role}/{layer}/{block.expert}", columns, values, is_gain))
        parameters += block.n_parameters
    if unit_keys is None or not slabs:
        return None
    return UnitGroup("residual", None, None, None, unit_keys, tuple(slabs), parameters)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two groups on common units and features, equilibrated: what a permutation test takes.

    Args:
        a, b: (n, k) float32; each slab has the same weight, so ‖a‖² is the number of slabs (up to zero columns).
        roles: Slabs in common.
    """

    a: Features
    b: Features
    roles: tuple[str, ...]


def pair_up(suspect: UnitGroup, reference: UnitGroup) -> Pair | None:
    """Return the two groups on what both have, or None when there is too little.

    Units that are all zero in either model are dropped: padding at fixed places carries no label.

    Args:
        suspect: One side.
        reference: The other.

    Assumes:
        Which units are zero is conditioned on; the rest is re-labelled among itself.

    Source:
        docs/methods/lineage-exact.md.
    """
    if sampled_alike(suspect, reference):
        enough = len(suspect.unit_keys) >= LEAST_UNITS and suspect.slabs
        roles = tuple(slab.role for slab in suspect.slabs)
        return Pair(suspect.features, reference.features, roles) if enough else None
    keys, at_s, at_r = np.intersect1d(suspect.unit_keys, reference.unit_keys, return_indices=True)
    if len(keys) < LEAST_UNITS:
        return None
    of_reference = {slab.role: slab for slab in reference.slabs}
    raw: list[tuple[str, Features, Features, bool]] = []
    for slab in suspect.slabs:
        other = of_reference.get(slab.role)
        if other is None:
            continue
        columns = common_columns(slab.column_keys, other.column_keys)
        if columns is not None:
            raw.append(
                (slab.role, slab.values[at_s][:, columns[0]], other.values[at_r][:, columns[1]], slab.is_gain)
            )
    dense = [(a, b) for _, a, b, is_gain in raw if not is_gain] or [(a, b) for _, a, b, _ in raw]
    if not dense:
        return None
    alive = np.any([a.any(axis=1) for a, _ in dense], axis=0) & np.any(
        [b.any(axis=1) for _, b in dense], axis=0
    )
    if np.count_nonzero(alive) < LEAST_UNITS:
        return None
    a = np.hstack([_scaled(a[alive], is_gain) for _, a, _, is_gain in raw])
    b = np.hstack([_scaled(b[alive], is_gain) for _, _, b, is_gain in raw])
    return Pair(a, b, tuple(role for role, *_ in raw))


def sampled_alike(suspect: UnitGroup, reference: UnitGroup) -> bool:
    """Return whether both hold the same units and features in the same order, all living.

    Args:
        suspect: One side.
        reference: The other.

    Assumes:
        Nothing. Features known by a token's string are left to `common_columns`.

    Source:
        docs/methods/lineage-exact.md.
    """
    if len(suspect.slabs) != len(reference.slabs):
        return False
    if not np.array_equal(suspect.unit_keys, reference.unit_keys):
        return False
    alike = all(
        s.role == r.role
        and np.array_equal(s.column_keys, r.column_keys)
        and s.column_keys.min(initial=0) >= 0
        for s, r in zip(suspect.slabs, reference.slabs, strict=True)
    )
    return bool(alike and suspect.living.all() and reference.living.all())


def _scaled(values: Features, is_gain: bool) -> Features:
    x = rank_scores(values[:, 0]) if is_gain else equilibrate(values)
    return np.asarray(x / np.sqrt(x.shape[1]), dtype=np.float32)


def common_columns(left: Keys, right: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
    """Return positions of common keys; where both know tokens by string (negative keys), by string only.

    Args:
        left: Keys of one side.
        right: Keys of the other.

    Assumes:
        Equal keys name equal features (`lineage.sampling`).

    Source:
        docs/methods/lineage-exact.md.
    """
    if left.min(initial=0) < 0 and right.min(initial=0) < 0:
        left, right = np.where(left < 0, left, np.iinfo(np.int64).max), np.where(right < 0, right, 0)
    _, at_left, at_right = np.intersect1d(left, right, return_indices=True)
    return (at_left, at_right) if len(at_left) else None


def _testable(blocks: Iterable[Block]) -> Iterator[Block]:
    return (block for block in blocks if block.status == "ok")


def _oriented(block: Block, axis: Axis) -> tuple[Keys, Keys, Features]:
    """Return keys of the axis, keys of the other, and values with the axis down."""
    if block.axes[0] is axis:
        return block.row_keys, block.column_keys, block.values
    return block.column_keys, block.row_keys, block.values.T


def _units_of(blocks: list[Block], axis: Axis) -> UnitGroup | None:
    unit_keys, slabs, parameters = None, [], 0
    for block in blocks:
        keys, columns, values = _oriented(block, axis)
        unit_keys = keys if unit_keys is None else unit_keys
        if np.array_equal(keys, unit_keys):
            slabs.append(Slab(block.role, columns, values))
            parameters += block.n_parameters
    if unit_keys is None or len(unit_keys) < LEAST_UNITS:
        return None
    return UnitGroup(
        "mlp_units", blocks[0].layer, blocks[0].expert, None, unit_keys, tuple(slabs), parameters
    )


def _heads(layer: int, value: Block, output: Block, dim: int, per_group: int) -> Iterator[UnitGroup]:
    for head in np.unique(value.row_keys // dim):
        rows = value.values[value.row_keys // dim == head]
        of_head = output.column_keys // (dim * per_group) == head
        columns = output.values[:, of_head]
        if len(rows) != dim or columns.shape[1] != dim * per_group:
            continue
        slabs = [Slab("attention.value", value.column_keys, rows)]
        for query in range(per_group):
            across = columns[:, query * dim : (query + 1) * dim].T
            slabs.append(Slab(f"attention.output/{query}", output.row_keys, across))
        share = (value.n_parameters + output.n_parameters) // max(1, value.shape[0] // dim)
        yield UnitGroup(
            "value_dims", layer, None, int(head), np.arange(dim, dtype=np.int64), tuple(slabs), share
        )
