"""Names can be taken away; shapes, order and, in the end, the weights themselves still tell."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dokja.anatomy import Anatomy, Component, Part, describe, groups
from dokja.anatomy.part import ComponentKind
from dokja.anatomy.repeats import longest_run
from tests.anatomy.conftest import Tiny
from tests.anatomy.memory_checkpoint import MemoryCheckpoint

# Families whose blocks shapes can tell; GPT-2 and BERT fuse or bias what only names could tell apart.
TOLD_BY_SHAPE = ("llama", "mistral", "qwen3", "gemma2", "gemma3", "exaone4", "hyperclovax", "mixtral")


def obfuscated(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"t{number:04}": array for number, array in enumerate(arrays.values())}


def placed(
    anatomy: Anatomy, names: dict[str, str]
) -> dict[tuple[str, int | None, int | None], tuple[object, ...]]:
    return {
        (part.role, part.layer, part.expert): (names[part.source.tensor], part.source.transposed)
        for component in anatomy.components
        for part in component.parts
    }


def orders(tiny: Tiny) -> dict[str, dict[str, np.ndarray]]:
    """As written alphabetically by safetensors, and as constructed by the model's class."""
    disk = tiny.on_disk().arrays
    alphabetical = dict(sorted(disk.items()))
    constructed = {name: tiny.arrays[name] for name in tiny.arrays if name in disk}
    return {"alphabetical": alphabetical} | (
        {"constructed": constructed} if len(constructed) == len(disk) else {}
    )


@pytest.mark.parametrize("tiny", TOLD_BY_SHAPE, indirect=True)
def test_numbered_names_in_the_original_order_give_the_same_parts(tiny: Tiny) -> None:
    for arrays in orders(tiny).values():
        hidden = obfuscated(arrays)
        names = dict(zip(hidden, arrays, strict=True))
        inferred = describe(MemoryCheckpoint(hidden, tiny.config))
        assert inferred.inferred
        found = placed(inferred, names)
        truth = placed(describe(MemoryCheckpoint(arrays, tiny.config)), {name: name for name in arrays})
        norms = {
            key for key in truth if key[0].startswith("norm.") and key[0] not in {"norm.query", "norm.key"}
        }
        matrices = {key: where for key, where in truth.items() if key not in norms}
        assert {key: where for key, where in found.items() if key in matrices} == matrices


def test_heads_are_unknown_when_nothing_declares_them(llama: Tiny) -> None:
    anatomy = describe(MemoryCheckpoint(obfuscated(llama.on_disk().arrays)))
    assert anatomy.components[0].head_dim == 0
    assert "anatomy.head_size_unknown" in [key for key, _ in anatomy.warnings]


@pytest.mark.parametrize("tiny", ["gpt2", "bert", "clip", "siglip"], indirect=True)
def test_what_shapes_leave_open_is_left_out_rather_than_wrong(tiny: Tiny) -> None:
    arrays = dict(sorted(tiny.on_disk().arrays.items()))
    hidden = obfuscated(arrays)
    found = placed(describe(MemoryCheckpoint(hidden, tiny.config)), dict(zip(hidden, arrays, strict=True)))
    truth = placed(describe(MemoryCheckpoint(arrays, tiny.config)), {name: name for name in arrays})
    assert {key: where for key, where in found.items() if truth.get(key) != where} == {}
    assert {role for role, _, _ in found} >= {"mlp.up", "mlp.down"}


def test_a_name_that_still_counts_layers_puts_ten_after_two() -> None:
    rng = np.random.default_rng(0)
    shapes = {"a": (96, 64), "b": (96, 64), "c": (64, 96), "n": (64,)}
    arrays = {
        f"stack.{layer}.{key}": rng.standard_normal(shape, dtype=np.float32)
        for layer in range(12)
        for key, shape in shapes.items()
    }
    anatomy = describe(MemoryCheckpoint(dict(sorted(arrays.items()))))
    gate = anatomy.components[0].find("mlp.gate", 10)
    assert gate is not None
    assert gate.source.tensor == "stack.10.a"


def units(component: Component) -> set[frozenset[str]]:
    return {
        frozenset(member.part.source.tensor for member in group.members)
        for group in groups(component)
        if group.kind == "mlp_units"
    }


def trained_like(seed: int, layers: int = 6, width: int = 64, hidden: int = 160) -> dict[str, np.ndarray]:
    """Simulated: random MLPs whose units differ in strength, as trained ones do, in shuffled order without names."""
    rng = np.random.default_rng(seed)
    named: dict[str, np.ndarray] = {}
    for layer in range(layers):
        strength = np.exp(0.5 * rng.standard_normal(hidden))[:, None]
        named[f"{layer}.gate"] = strength * rng.standard_normal((hidden, width))
        named[f"{layer}.up"] = strength * rng.standard_normal((hidden, width))
        named[f"{layer}.down"] = (strength * rng.standard_normal((hidden, width))).T
    order = list(named)
    random.Random(seed).shuffle(order)
    return {name: named[name].astype(np.float32) for name in order}


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_mlps_are_paired_by_the_strength_of_their_units(seed: int) -> None:
    arrays = trained_like(seed)
    hidden = obfuscated(arrays)
    truth = dict(zip(hidden, arrays, strict=True))
    anatomy = describe(MemoryCheckpoint(hidden))
    found = {frozenset(truth[name] for name in three) for three in units(anatomy.components[0])}
    assert found == {frozenset({f"{layer}.gate", f"{layer}.up", f"{layer}.down"}) for layer in range(6)}
    assert "anatomy.layer_order_unknown" in [key for key, _ in anatomy.warnings]


def test_shuffled_fresh_weights_are_left_unknown() -> None:
    rng = np.random.default_rng(1)
    shapes = [(160, 64)] * 8 + [(64, 160)] * 4
    random.Random(1).shuffle(shapes)
    arrays = {
        f"t{number}": rng.standard_normal(shape, dtype=np.float32) for number, shape in enumerate(shapes)
    }
    (component,) = describe(MemoryCheckpoint(arrays)).components
    assert component.kind is ComponentKind.OTHER
    assert [part.source.tensor for part in component.parts] == list(arrays)
    assert {part.role for part in component.parts[:-1]} == {"dense"}


def test_every_inferred_part_agrees_with_its_shape(tiny: Tiny) -> None:
    checkpoint = MemoryCheckpoint(obfuscated(dict(sorted(tiny.on_disk().arrays.items()))), tiny.config)
    anatomy = describe(checkpoint)
    used = [part.source.tensor for component in anatomy.components for part in component.parts]
    assert len(used) == len(set(used))
    assert set(used) | set(anatomy.unassigned) == set(checkpoint.tensors)
    for component in anatomy.components:
        for part in component.parts:
            assert _agrees(part, checkpoint)


def _agrees(part: Part, checkpoint: MemoryCheckpoint) -> bool:
    stored = checkpoint.tensors[part.source.tensor].shape
    return int(np.prod(stored)) == int(np.prod(part.shape)) and len(part.axes) == len(part.shape)


def test_the_longest_run_is_found_between_other_tensors() -> None:
    block = [(4,), (8, 4), (8, 4), (4, 8)]
    run = longest_run([(100, 4), *block, *block, *block, (4,), (7, 7)])
    assert run is not None
    assert (run.start, run.period, run.n_blocks) == (1, 4, 3)
