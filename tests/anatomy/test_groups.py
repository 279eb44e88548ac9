"""Every group is a symmetry of the real model: re-labelling its units leaves what it computes unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dokja.anatomy import Group, describe, groups, load_part, relabel, residual_stream
from dokja.anatomy.groups import GroupMember
from tests.anatomy.conftest import Tiny
from tests.anatomy.memory_checkpoint import MemoryCheckpoint, place_part

KINDS = ("mlp_units", "value_dims", "heads", "query_heads", "experts", "residual")

# What each real class has; anything missing here would go untested in silence.
EXPECTED = {
    "llama": {"mlp_units", "value_dims", "heads", "query_heads", "residual"},
    "mixtral": {"mlp_units", "value_dims", "heads", "query_heads", "experts", "residual"},
    "gpt2": {"mlp_units", "value_dims", "heads", "residual"},
}
EXPECTED |= dict.fromkeys(("exaone_moe", "solar_open"), EXPECTED["mixtral"])
EXPECTED |= {"bert": EXPECTED["gpt2"]}


def groups_of_kind(tiny: Tiny, kind: str) -> list[Group]:
    if kind != "residual":
        return [group for part in tiny.anatomy.components for group in groups(part) if group.kind == kind]
    streams = [residual_stream(tiny.anatomy, component) for component in tiny.anatomy.components]
    return [
        stream for number, stream in enumerate(streams) if stream not in streams[:number] and stream.members
    ]


def permuted(
    arrays: dict[str, np.ndarray], found: list[Group], members: slice = slice(None)
) -> dict[str, np.ndarray]:
    """Re-label every group by a permutation of its own, through its members alone."""
    rng = np.random.default_rng(3)
    result = {name: array.copy() for name, array in arrays.items()}
    for group in found:
        order = rng.permutation(group.n_units)
        for member in group.members[members]:
            _apply(result, group, member, order)
    return result


def _apply(arrays: dict[str, np.ndarray], group: Group, member: GroupMember, order: np.ndarray) -> None:
    checkpoint = MemoryCheckpoint(arrays)
    if member.stack:
        values = [load_part(checkpoint, part).copy() for part in member.stack]
        for part, source in zip(member.stack, order, strict=True):
            place_part(arrays[part.source.tensor], part, values[source])
        return
    part = member.part
    values = relabel(load_part(checkpoint, part), group, member, order)
    place_part(arrays[part.source.tensor], part, values)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


@pytest.mark.parametrize("kind", KINDS)
def test_relabelling_a_group_leaves_the_real_model_unchanged(tiny: Tiny, kind: str) -> None:
    found = groups_of_kind(tiny, kind)
    if not found:
        assert kind not in EXPECTED.get(tiny.name, {"mlp_units", "residual"})
        return
    assert distance(tiny.answer_with(permuted(tiny.arrays, found)), tiny.answer) < 2e-5


@pytest.mark.parametrize("kind", KINDS)
def test_leaving_the_last_member_behind_breaks_the_model(tiny: Tiny, kind: str) -> None:
    found = groups_of_kind(tiny, kind)
    if found:
        broken = tiny.answer_with(permuted(tiny.arrays, found, slice(0, -1)))
        assert distance(broken, tiny.answer) > 1e-3


def test_every_private_group_lies_inside_its_component(tiny: Tiny) -> None:
    for component in tiny.anatomy.components:
        for group in groups(component):
            assert {member.component for member in group.members} == {component.name}
            assert group.private == (group.kind not in {"residual", "patch_channels"})


def test_no_group_touches_tokens_pixels_positions_or_rotary_rows(tiny: Tiny) -> None:
    for component in tiny.anatomy.components:
        for group in groups(component):
            for member in group.members:
                axis = member.part.axes[member.axis]
                assert axis.value not in {"token", "pixel", "position", "class", "head_dim"} or member.stack
                if axis.value in {"query", "key_value"} and group.kind != "value_dims":
                    assert member.unit % component.head_dim == 0


def test_the_units_of_a_group_cover_its_range_exactly(tiny: Tiny) -> None:
    for component in tiny.anatomy.components:
        for group in groups(component):
            for member in group.members:
                if not member.stack:
                    assert member.stop - member.start == member.repeats * group.n_units * member.unit


def test_value_dims_of_a_layer_partition_the_value_rows(llama: Tiny) -> None:
    component = describe(llama.in_memory()).components[0]
    covered = sorted(
        (member.start, member.stop)
        for group in groups(component)
        if group.kind == "value_dims" and group.layer == 0
        for member in group.members
        if member.axis == 0
    )
    assert covered == [(0, 16), (16, 32)]
