"""Names decide roles, shapes decide sizes, and nothing else matters."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dokja.anatomy import Anatomy, Component, describe, load_part
from dokja.anatomy.families import FAMILIES
from dokja.checkpoint.checkpoint import Checkpoint
from tests.anatomy.conftest import Tiny
from tests.anatomy.memory_checkpoint import MemoryCheckpoint

FAMILY_OF = {
    "mistral": "llama",
    "qwen2": "llama",
    "qwen3": "llama",
    "gemma2": "gemma",
    "gemma3": "gemma",
    "exaone_moe": "routed_llama",
    "solar_open": "routed_llama",
    "olmo2": "exaone4",
    "siglip": "clip",
    "llava_clip": "llava",
    "llava_siglip": "llava",
}
LANGUAGE_MODEL = {"n_layers": 2, "residual": 64, "n_heads": 4, "n_kv_heads": 2}
SIZES = {
    "llama": LANGUAGE_MODEL | {"head_dim": 16, "value_dim": 16},
    "qwen3": LANGUAGE_MODEL | {"head_dim": 20, "value_dim": 20},
    "gemma3": LANGUAGE_MODEL | {"head_dim": 32, "value_dim": 32},
    "gpt2": LANGUAGE_MODEL | {"n_kv_heads": 4, "head_dim": 16},
    "mixtral": LANGUAGE_MODEL | {"n_experts": 4},
    "solar_open": LANGUAGE_MODEL | {"n_experts": 4},
}


def values(anatomy: Anatomy, checkpoint: Checkpoint) -> dict[tuple[object, ...], np.ndarray]:
    return {
        (component.name, part.role, part.layer, part.expert): load_part(checkpoint, part)
        for component in anatomy.components
        for part in component.parts
    }


def shape_of(component: Component) -> list[object]:
    return [(part.role, part.layer, part.expert, part.axes, part.shape) for part in component.parts]


def without_sources(anatomy: Anatomy) -> list[object]:
    return [
        (
            component.name,
            component.n_layers,
            component.residual,
            component.n_heads,
            component.head_dim,
            shape_of(component),
        )
        for component in anatomy.components
    ]


def named(anatomy: Anatomy, name: str) -> Component:
    return next(component for component in anatomy.components if component.name == name)


def test_the_family_is_recognised_and_nothing_is_left_over(tiny: Tiny) -> None:
    on_disk = describe(tiny.on_disk())
    assert on_disk.family == FAMILY_OF.get(tiny.name, tiny.name)
    assert not on_disk.inferred
    assert on_disk.unassigned == {}
    assert on_disk.warnings == ()


def test_every_stored_number_belongs_to_exactly_one_part(tiny: Tiny) -> None:
    checkpoint = tiny.on_disk()
    covered = {name: np.zeros(info.shape, dtype=int) for name, info in checkpoint.tensors.items()}
    numbers = MemoryCheckpoint(
        {name: np.arange(count.size).reshape(count.shape) for name, count in covered.items()}
    )
    for component in describe(checkpoint).components:
        for part in component.parts:
            where = load_part(numbers, part).ravel().astype(int)
            np.add.at(covered[part.source.tensor].reshape(-1), where, 1)
    assert all((count == 1).all() for count in covered.values())


def test_a_model_reads_alike_from_memory_and_from_disk(tiny: Tiny) -> None:
    """Names, fusing and stacking differ between the two; the parts may not."""
    disk, memory = tiny.on_disk(), tiny.in_memory()
    on_disk, in_memory = values(describe(disk), disk), values(tiny.anatomy, memory)
    is_tied = any(component.tied_head for component in describe(disk).components)
    tied = {key for key in in_memory if key[0] == "lm_head"} if is_tied else set()
    assert set(on_disk) == set(in_memory) - tied
    for key, value in on_disk.items():
        assert np.array_equal(value, in_memory[key]), key


@pytest.mark.parametrize("tiny", SIZES, indirect=True)
def test_sizes_come_out_as_the_model_was_made(tiny: Tiny) -> None:
    trunk = named(tiny.anatomy, "language_model")
    for field, size in SIZES[tiny.name].items():
        assert getattr(trunk, field) == size, field


def test_order_of_tensors_and_their_type_do_not_matter(tiny: Tiny) -> None:
    arrays = list(tiny.on_disk().arrays.items())
    random.Random(4).shuffle(arrays)
    shuffled = MemoryCheckpoint({name: array.astype(np.float16) for name, array in arrays}, tiny.config)
    assert without_sources(describe(shuffled)) == without_sources(describe(tiny.on_disk()))


def test_a_wrapper_in_front_of_every_name_does_not_matter(llama: Tiny) -> None:
    wrapped = MemoryCheckpoint(
        {f"module.{name}": array for name, array in llama.arrays.items()}, llama.config
    )
    assert without_sources(describe(wrapped)) == without_sources(describe(llama.in_memory()))


@pytest.mark.parametrize(
    ("key", "lie"),
    [("hidden_size", 128), ("num_hidden_layers", 40), ("head_dim", 32)],
)
def test_an_edited_config_changes_nothing_but_a_warning(llama: Tiny, key: str, lie: int) -> None:
    edited = describe(MemoryCheckpoint(llama.arrays, llama.config | {key: lie}))
    assert edited.components == describe(llama.in_memory()).components
    assert [warning for warning, _ in edited.warnings] == ["config.disagrees_with_shapes"]


@pytest.mark.parametrize("lie", [5, 3, 1 << 40, -4, True, "4", None, [4]])
def test_a_head_count_that_shapes_contradict_makes_heads_unknown(llama: Tiny, lie: object) -> None:
    config = {key: value for key, value in llama.config.items() if key != "head_dim"}
    edited = describe(MemoryCheckpoint(llama.arrays, config | {"num_attention_heads": lie}))
    component = named(edited, "language_model")
    assert (component.n_heads, component.head_dim, component.value_dim) == (0, 0, 0)
    assert "anatomy.head_size_unknown" in [warning for warning, _ in edited.warnings]


def test_a_query_norm_settles_the_head_size_whatever_the_config_says(tiny_folder: object) -> None:
    from tests.anatomy import tiny_models

    arrays = {key: value.detach().numpy() for key, value in tiny_models.make("qwen3").state_dict().items()}
    config = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 12}
    component = named(describe(MemoryCheckpoint(arrays, config)), "language_model")
    assert (component.n_heads, component.n_kv_heads, component.head_dim) == (4, 2, 20)


def test_a_shape_that_contradicts_its_name_is_left_out_and_said(llama: Tiny) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    arrays = llama.arrays | {name: np.zeros((96, 63), dtype=np.float32)}
    anatomy = describe(MemoryCheckpoint(arrays, llama.config))
    assert anatomy.unassigned == {name: "shape_contradicts_role"}
    assert ("anatomy.unassigned", {"reason": "shape_contradicts_role", "tensors": 1}) in anatomy.warnings


def test_fixed_tables_are_left_out_without_alarm(llama: Tiny) -> None:
    table = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(8, dtype=np.float32)}
    anatomy = describe(MemoryCheckpoint(llama.arrays | table, llama.config))
    assert anatomy.unassigned == dict.fromkeys(table, "fixed_table")
    assert anatomy.warnings == ()


def test_nothing_is_read_to_describe(tiny: Tiny) -> None:
    checkpoint = tiny.on_disk()
    describe(checkpoint)
    assert checkpoint.bytes_read == 0


def test_an_empty_checkpoint_has_no_components() -> None:
    assert describe(MemoryCheckpoint({})).components == ()


def test_family_names_are_unique() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_a_second_model_in_the_same_files_is_a_component_of_its_own(llama: Tiny) -> None:
    twice = llama.arrays | {
        "other.layers.0.mlp.up_proj.weight": llama.arrays["model.layers.0.mlp.up_proj.weight"]
    }
    anatomy = describe(MemoryCheckpoint(twice, llama.config))
    assert [component.name for component in anatomy.components][:2] == ["language_model", "language_model#2"]
