"""Names and shapes made up by an adversary: anatomy answers, keeps to the stored numbers, and never crashes."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.anatomy import Anatomy, describe, groups, load_part, residual_stream, unit_features
from tests.anatomy.memory_checkpoint import MemoryCheckpoint

PREFIXES = st.sampled_from(
    ["model.", "", "visual.", "model.vision_tower.", "a.b.c.", "language_model.model."]
)
MODULES = st.sampled_from(
    [
        "embed_tokens.weight",
        "lm_head.weight",
        "norm.weight",
        "layers.{}.self_attn.q_proj.weight",
        "layers.{}.self_attn.k_proj.weight",
        "layers.{}.self_attn.v_proj.weight",
        "layers.{}.self_attn.o_proj.weight",
        "layers.{}.self_attn.q_proj.bias",
        "layers.{}.self_attn.q_norm.weight",
        "layers.{}.self_attn.qkv_proj.weight",
        "layers.{}.mlp.gate_proj.weight",
        "layers.{}.mlp.up_proj.weight",
        "layers.{}.mlp.down_proj.weight",
        "layers.{}.mlp.gate_up_proj.weight",
        "layers.{}.mlp.gate.weight",
        "layers.{}.mlp.experts.gate_up_proj",
        "layers.{}.mlp.experts.down_proj",
        "layers.{}.mlp.experts.99999.up_proj.weight",
        "blk.{}.attn_q.weight",
        "blk.{}.ffn_down.weight",
        "token_embd.weight",
        "h.{}.attn.c_attn.weight",
        "blocks.{}.attn.qkv.weight",
        "patch_embed.proj.weight",
        "merger.mlp.0.weight",
        "merger.mlp.2.weight",
        "x{}",
    ]
)
NAMES = st.builds(
    lambda prefix, module, layer: prefix + module.format(layer),
    PREFIXES,
    MODULES,
    st.integers(0, 3) | st.just(99999),
)
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 8, 12]), max_size=4).map(tuple)
COUNTS = st.none() | st.sampled_from([0, 1, 2, 3, 4, -1, 1 << 70, "4", [2], True, 1.5])
CONFIGS = st.dictionaries(
    st.sampled_from(
        ["num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size", "n_group", "text_config"]
    ),
    COUNTS | st.dictionaries(st.sampled_from(["num_attention_heads", "head_dim"]), COUNTS),
)


def checkpoint_of(
    shapes: dict[str, tuple[int, ...]], config: dict[str, object], **more: object
) -> MemoryCheckpoint:
    start, arrays = 0, {}
    for name, shape in shapes.items():
        arrays[name] = np.arange(start, start + prod(shape), dtype=np.float32).reshape(shape)
        start += prod(shape)
    return MemoryCheckpoint(arrays, config, **more)  # type: ignore[arg-type]


def assert_sound(anatomy: Anatomy, checkpoint: MemoryCheckpoint) -> None:
    seen: list[float] = []
    for component in anatomy.components:
        for part in component.parts:
            value = load_part(checkpoint, part)
            assert value.shape == part.shape
            seen += value.ravel().tolist()
        for group in (*groups(component), residual_stream(anatomy, component)):
            for member in group.members:
                assert unit_features(checkpoint, group, member).shape == (group.n_units, member.n_features)
    assert len(seen) == len(set(seen)), "one stored number belongs to two parts"
    assigned = {part.source.tensor for component in anatomy.components for part in component.parts}
    assert assigned | set(anatomy.unassigned) == set(checkpoint.tensors)
    assert not assigned & set(anatomy.unassigned)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, SHAPES, max_size=12), CONFIGS)
def test_any_names_with_any_shapes(shapes: dict[str, tuple[int, ...]], config: dict[str, object]) -> None:
    checkpoint = checkpoint_of(shapes, config)
    assert_sound(describe(checkpoint), checkpoint)


@settings(max_examples=150, deadline=None)
@given(st.lists(SHAPES, max_size=14), CONFIGS)
def test_any_shapes_without_names(shapes: list[tuple[int, ...]], config: dict[str, object]) -> None:
    repeated = [*shapes, *shapes, *shapes]
    checkpoint = checkpoint_of({f"t{number:03}": shape for number, shape in enumerate(repeated)}, config)
    assert_sound(describe(checkpoint), checkpoint)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=8), st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers())
    )
)
def test_any_header_of_an_exported_graph(table: dict[str, object]) -> None:
    shapes = {"onnx::MatMul_1": (8, 12), "encoder.layer.0.attention.self.query.bias": (12,), "val": ()}
    metadata = {"biases": table, "consumers": table, "consumer_ops": table, "dequantised": table}
    checkpoint = checkpoint_of(shapes, {}, metadata=metadata)
    checkpoint.format = "onnx"
    assert_sound(describe(checkpoint), checkpoint)


def test_a_tensor_with_no_entries_is_no_part() -> None:
    shapes = {"model.embed_tokens.weight": (9, 4), "model.layers.0.self_attn.o_proj.weight": (4, 0)}
    anatomy = describe(checkpoint_of(shapes, {}))
    assert dict(anatomy.unassigned) == {"model.layers.0.self_attn.o_proj.weight": "shape_contradicts_role"}


def test_a_name_with_a_thousand_dots_costs_nothing() -> None:
    name = "a." * 500 + "layers.0.mlp.up_proj.weight"
    anatomy = describe(checkpoint_of({name: (8, 4), name + "x": (4, 4)}, {}))
    assert set(anatomy.unassigned) <= {name + "x"}
