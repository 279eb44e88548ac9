"""Which re-labellings leave a model unchanged: LINEAGE.md's table, as data.

A `Group` is a set of interchangeable units (hidden units of one MLP, value dimensions of one head, ...) and its
`GroupMember`s are the axes those units label, all of which move together. Applying one permutation to every member of a
group gives other stored weights and the same function; the tests of this room check that on real models.

Never permuted, hence in no group: query and key rows inside a head (tied to rotary frequencies, and to the norms of
queries and keys), token rows, pixels, positions, classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dokja.anatomy.part import Anatomy, Axis, Component, ComponentKind, Part
from dokja.anatomy.roles import EXCLUDED_FROM_TESTS

MLP_UNITS, VALUE_DIMS, HEADS, QUERY_HEADS = "mlp_units", "value_dims", "heads", "query_heads"
EXPERTS, RESIDUAL, PATCH_CHANNELS = "experts", "residual", "patch_channels"


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One axis (or a range of it) that a group labels.

    The range is laid out as repeats × units × unit entries, slowest first: `repeats` copies of the labelling, each
    unit being `unit` neighbouring entries.

    Args:
        component: Name of the component the part belongs to.
        part: The part.
        axis: The axis of the part that the group labels; 0 for a stack.
        start: First entry of the range.
        stop: Past its last entry.
        unit: Neighbouring entries that make one unit (a head's rows), 1 for single rows.
        repeats: Copies of the labelling (the query heads that share a key/value head, merged patches).
        stack: One part per unit, where whole parts are the units (experts); empty otherwise.
        is_tested: False where the axis moves with the group but no test may look at it.
    """

    component: str
    part: Part
    axis: int
    start: int
    stop: int
    unit: int = 1
    repeats: int = 1
    stack: tuple[Part, ...] = ()
    is_tested: bool = True

    @property
    def n_features(self) -> int:
        """Entries each unit has in this member."""
        whole = 1
        for length in self.part.shape:
            whole *= length
        return whole if self.stack else self.unit * self.repeats * whole // self.part.shape[self.axis]


@dataclass(frozen=True, slots=True)
class Group:
    """Units that can be re-labelled freely, and everything their labels appear in.

    Args:
        kind: `mlp_units`, `value_dims`, `heads`, `query_heads`, `experts`, `residual` or `patch_channels`.
        component: Name of the component.
        layer: Layer number, None where the group spans layers.
        expert: Expert number as in `Part`, None elsewhere.
        n_units: Units in it.
        private: Whether the labelling belongs to this component alone, so that agreement means descent and not only
            a shared frame.
        members: Every axis the units label.
        head: Key/value head number for `value_dims` and `query_heads`.
        n_blocks: Units may be exchanged only inside this many equal, consecutive blocks; 1 when freely.
    """

    kind: str
    component: str
    layer: int | None
    expert: int | None
    n_units: int
    private: bool
    members: tuple[GroupMember, ...]
    head: int | None = None
    n_blocks: int = 1


_Index = dict[tuple[str, int | None, int | None], Part]


def groups(component: Component) -> tuple[Group, ...]:
    """Return every group of a component: private ones layer by layer, then its residual stream.

    The residual group covers this component alone; `residual_stream` gives the one shared by several.
    """
    index: _Index = {(part.role, part.layer, part.expert): part for part in component.parts}
    found = [
        *_mlp_groups(component, index),
        *_attention_groups(component, index),
        *_expert_groups(component, index),
    ]
    members = tuple(_residual_members(component, Axis.RESIDUAL, component.residual))
    patch = tuple(member for member in members if member.part.role == "patch_embedding")
    if patch:
        found.append(Group(PATCH_CHANNELS, component.name, None, None, component.residual, False, patch))
    if members:
        found.append(Group(RESIDUAL, component.name, None, None, component.residual, False, members))
    return tuple(found)


def residual_stream(anatomy: Anatomy, component: Component) -> Group:
    """Return the residual group of the whole network a component lives in: one labelling, one permutation.

    A language model shares it with its embedding, its head and the output of its projectors; an encoder with the
    input of the projector that reads it.
    """
    trunk = _trunk(anatomy, component)
    members: list[GroupMember] = []
    for other in anatomy.components:
        if _trunk(anatomy, other) == trunk and other.residual == trunk.residual:
            members += _residual_members(other, Axis.RESIDUAL, trunk.residual)
        if other.reads is trunk.kind and trunk == _first(anatomy, trunk.kind):
            members += _residual_members(other, Axis.INPUT, trunk.residual)
    return Group(RESIDUAL, trunk.name, None, None, trunk.residual, False, tuple(members))


_BEARERS = (ComponentKind.LANGUAGE_MODEL, ComponentKind.TEXT_ENCODER)
_BORROWERS = (ComponentKind.TOKEN_EMBEDDING, ComponentKind.LM_HEAD, ComponentKind.PROJECTOR)


def _trunk(anatomy: Anatomy, component: Component) -> Component:
    """The component whose layers carry the stream this one writes to."""
    if component.kind not in _BORROWERS:
        return component
    same_width = (
        other
        for other in anatomy.components
        if other.kind in _BEARERS and other.residual == component.residual
    )
    return next(same_width, component)


def _first(anatomy: Anatomy, kind: ComponentKind) -> Component | None:
    return next((other for other in anatomy.components if other.kind is kind), None)


def _residual_members(component: Component, axis: Axis, width: int) -> Iterator[GroupMember]:
    for part in component.parts:
        if axis not in part.axes or not width:
            continue
        number = part.axes.index(axis)
        length = part.shape[number]
        if length % width == 0:
            yield GroupMember(
                component.name,
                part,
                number,
                0,
                length,
                repeats=length // width,
                is_tested=part.role.removesuffix(".bias") not in EXCLUDED_FROM_TESTS,
            )


def _with_bias(
    name: str, part: Part | None, bias: Part | None, start: int, stop: int, unit: int = 1
) -> list[GroupMember]:
    """Members on the output axis of a matrix and of its bias."""
    return [GroupMember(name, one, 0, start, stop, unit=unit) for one in (part, bias) if one is not None]


_UNIT_ROLES = (("mlp.gate", "mlp.up"), ("projector.up",))
_UNIT_READERS = ("mlp.down", "projector.down", "projector.merge")


def _mlp_groups(component: Component, index: _Index) -> Iterator[Group]:
    for (role, layer, expert), reader in index.items():
        if role not in _UNIT_READERS:
            continue
        n_units, name = reader.shape[1], component.name
        writers = _UNIT_ROLES[0] if role == "mlp.down" else _UNIT_ROLES[1]
        members: list[GroupMember] = []
        for writer in writers:
            matrix, bias = index.get((writer, layer, expert)), index.get((f"{writer}.bias", layer, expert))
            members += _with_bias(name, matrix, bias, 0, n_units)
        if members and all(member.part.shape[0] == n_units for member in members):
            members.append(GroupMember(name, reader, 1, 0, n_units))
            yield Group(MLP_UNITS, name, layer, expert, n_units, True, tuple(members))


def _attention_groups(component: Component, index: _Index) -> Iterator[Group]:
    if not component.head_dim:
        return
    for role, layer, _ in list(index):
        if role == "attention.output":
            yield from _head_groups(component, index, layer)


def _head_groups(component: Component, index: _Index, layer: int | None) -> Iterator[Group]:
    """Groups of one attention layer whose rows are laid out head by head."""
    name, n_kv, value_dim = component.name, component.n_kv_heads, component.value_dim
    per_kv = component.n_heads // n_kv
    query, key, value, output = (index.get((f"attention.{role}", layer, None)) for role in _ATTENTION)
    if query is None or key is None or value is None or output is None:
        return
    biases = {role: index.get((f"attention.{role}.bias", layer, None)) for role in _ATTENTION}
    whole = [
        *_with_bias(name, query, biases["query"], 0, query.shape[0], unit=per_kv * component.head_dim),
        *_with_bias(name, key, biases["key"], 0, key.shape[0], unit=component.head_dim),
        *_with_bias(name, value, biases["value"], 0, value.shape[0], unit=value_dim),
        GroupMember(name, output, 1, 0, output.shape[1], unit=per_kv * value_dim),
        *_wide_norms(component, index, layer, per_kv),
    ]
    if n_kv > 1:
        yield Group(HEADS, name, layer, None, n_kv, True, tuple(whole))
    for head in range(n_kv):
        rows, columns = head * value_dim, head * per_kv * value_dim
        last = columns + per_kv * value_dim
        yield Group(
            VALUE_DIMS,
            name,
            layer,
            None,
            value_dim,
            True,
            (
                *_with_bias(name, value, biases["value"], rows, rows + value_dim),
                GroupMember(name, output, 1, columns, last, repeats=per_kv),
            ),
            head=head,
        )
        if per_kv > 1:
            first = head * per_kv * component.head_dim
            stop = first + per_kv * component.head_dim
            inside = [
                *_with_bias(name, query, biases["query"], first, stop, unit=component.head_dim),
                GroupMember(name, output, 1, columns, last, unit=value_dim),
                *_wide_query_norm(component, index, layer, first, stop),
            ]
            yield Group(QUERY_HEADS, name, layer, None, per_kv, True, tuple(inside), head=head)


_ATTENTION = ("query", "key", "value", "output")


def _wide_norms(component: Component, index: _Index, layer: int | None, per_kv: int) -> Iterator[GroupMember]:
    """Norms that span all heads have gains of their own per head, which move with the heads."""
    sizes = {"norm.query": per_kv * component.head_dim, "norm.key": component.head_dim}
    for role, unit in sizes.items():
        for name in (role, f"{role}.bias"):
            part = index.get((name, layer, None))
            if part is not None and part.shape[0] == unit * component.n_kv_heads != component.head_dim:
                yield GroupMember(component.name, part, 0, 0, part.shape[0], unit=unit)


def _wide_query_norm(
    component: Component, index: _Index, layer: int | None, first: int, stop: int
) -> Iterator[GroupMember]:
    for name in ("norm.query", "norm.query.bias"):
        part = index.get((name, layer, None))
        if part is not None and part.shape[0] == component.n_heads * component.head_dim:
            yield GroupMember(component.name, part, 0, first, stop, unit=component.head_dim)


_EXPERT_ROLES = ("mlp.gate", "mlp.up", "mlp.down", "mlp.gate.bias", "mlp.up.bias", "mlp.down.bias")


def _expert_groups(component: Component, index: _Index) -> Iterator[Group]:
    n = component.n_experts
    for (role, layer, _), router in list(index.items()):
        if role != "router" or router.shape[0] != n or n < 2:
            continue
        members = [GroupMember(component.name, router, 0, 0, n)]
        for name in ("router.bias", "router.correction"):
            extra = index.get((name, layer, None))
            if extra is not None:
                tested = name not in EXCLUDED_FROM_TESTS
                members.append(GroupMember(component.name, extra, 0, 0, n, is_tested=tested))
        for name in _EXPERT_ROLES:
            stack = [index.get((name, layer, expert)) for expert in range(n)]
            parts = tuple(part for part in stack if part is not None)
            if len(parts) == n and len({part.shape for part in parts}) == 1:
                members.append(GroupMember(component.name, parts[0], 0, 0, n, stack=parts))
        yield Group(
            EXPERTS, component.name, layer, None, n, True, tuple(members), n_blocks=component.routing_groups
        )
