"""Features are what the weights say, whichever columns are asked for and however they are read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.anatomy import Group, GroupMember, feature_blocks, groups, load_part, relabel, unit_features
from dokja.errors import InvalidInput
from tests.anatomy.conftest import Tiny


def every_member(tiny: Tiny) -> list[tuple[Group, GroupMember]]:
    found = [group for component in tiny.anatomy.components for group in groups(component)]
    return [(group, member) for group in found for member in group.members]


@pytest.mark.parametrize("tiny", ["solar_open", "gpt2", "hyperclovax_vision_v2"], indirect=True)
def test_chosen_columns_are_those_of_the_whole(tiny: Tiny) -> None:
    checkpoint, rng = tiny.in_memory(), np.random.default_rng(0)
    for group, member in every_member(tiny):
        whole = unit_features(checkpoint, group, member)
        assert whole.shape == (group.n_units, member.n_features)
        columns = rng.permutation(member.n_features)[:7]
        assert np.array_equal(unit_features(checkpoint, group, member, columns), whole[:, columns])


@pytest.mark.parametrize("tiny", ["mixtral", "gpt2", "qwen2_5_vl"], indirect=True)
@pytest.mark.parametrize("max_bytes", [1, 3000, 1 << 30])
def test_blocks_give_every_feature_once(tiny: Tiny, max_bytes: int) -> None:
    checkpoint = tiny.in_memory()
    for group, member in every_member(tiny)[:40]:
        whole = unit_features(checkpoint, group, member)
        seen: list[int] = []
        for columns, block in feature_blocks(checkpoint, group, member, max_bytes):
            assert np.array_equal(block, whole[:, columns])
            seen += columns.tolist()
        assert sorted(seen) == list(range(member.n_features))


def test_features_of_a_relabelled_part_are_relabelled_rows(tiny: Tiny) -> None:
    rng = np.random.default_rng(1)
    for group, member in every_member(tiny):
        if member.stack or member.part.source.index is not None:
            continue
        order = rng.permutation(group.n_units)
        checkpoint = tiny.in_memory()
        before = unit_features(checkpoint, group, member)
        moved = relabel(load_part(checkpoint, member.part), group, member, order)
        alone = tiny.in_memory()
        from tests.anatomy.memory_checkpoint import place_part

        alone.arrays = {name: array.copy() for name, array in alone.arrays.items()}
        place_part(alone.arrays[member.part.source.tensor], member.part, moved)
        assert np.array_equal(unit_features(alone, group, member), before[order])


def test_down_columns_come_with_the_unit_first(llama: Tiny) -> None:
    group = next(group for group in groups(llama.anatomy.components[0]) if group.kind == "mlp_units")
    down = next(member for member in group.members if member.part.role == "mlp.down")
    stored = llama.arrays["model.layers.0.mlp.down_proj.weight"]
    assert np.array_equal(unit_features(llama.in_memory(), group, down), stored.T)


def test_few_features_of_a_down_matrix_cost_few_rows(llama: Tiny) -> None:
    group = next(group for group in groups(llama.anatomy.components[0]) if group.kind == "mlp_units")
    down = next(member for member in group.members if member.part.role == "mlp.down")
    checkpoint = llama.in_memory()
    unit_features(checkpoint, group, down, np.array([3, 17, 40]))
    assert checkpoint.bytes_read == 3 * 96 * 4


@pytest.mark.parametrize("columns", [[-1], [64], [0, 1 << 40]])
def test_a_feature_that_is_not_there_is_refused(llama: Tiny, columns: list[int]) -> None:
    group = next(group for group in groups(llama.anatomy.components[0]) if group.kind == "mlp_units")
    with pytest.raises(InvalidInput):
        unit_features(llama.in_memory(), group, group.members[0], np.array(columns))


@given(st.lists(st.integers(0, 63), max_size=20))
@settings(max_examples=25)
def test_columns_may_repeat_and_come_in_any_order(columns: list[int]) -> None:
    rng = np.random.default_rng(2)
    from dokja.anatomy import describe
    from tests.anatomy.memory_checkpoint import MemoryCheckpoint

    shapes = {"gate": (96, 64), "up": (96, 64), "down": (64, 96)}
    arrays = {
        f"model.layers.{layer}.mlp.{key}_proj.weight": rng.standard_normal(shape, dtype=np.float32)
        for layer in range(2)
        for key, shape in shapes.items()
    }
    checkpoint = MemoryCheckpoint(arrays)
    group = groups(describe(checkpoint).components[0])[0]
    for member in group.members:
        whole = unit_features(checkpoint, group, member)
        assert np.array_equal(
            unit_features(checkpoint, group, member, np.array(columns, dtype=int)), whole[:, columns]
        )
