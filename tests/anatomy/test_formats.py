"""The same model reads alike from every format: safetensors whole and sharded, GGUF, ONNX."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from dokja.anatomy import describe, load_part
from dokja.checkpoint import Checkpoint, open_checkpoint
from tests.anatomy.conftest import Tiny
from tests.anatomy.test_describe import named, values

GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def assert_same(tiny: Tiny, checkpoint: Checkpoint) -> None:
    original = tiny.on_disk()
    expected, found = values(describe(original), original), values(describe(checkpoint), checkpoint)
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert np.array_equal(found[key], value), key


@pytest.mark.parametrize("tiny", ["mixtral", "llava_siglip", "gpt2", "bert"], indirect=True)
def test_a_saved_folder_reads_as_the_arrays_it_holds(tiny: Tiny) -> None:
    with open_checkpoint(tiny.saved) as checkpoint:
        assert_same(tiny, checkpoint)


@pytest.mark.parametrize("tiny", ["exaone_moe"], indirect=True)
def test_sharding_does_not_matter(tiny: Tiny, tmp_path: Path) -> None:
    tiny.model.save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    with open_checkpoint(tmp_path) as checkpoint:
        assert_same(tiny, checkpoint)


def test_gguf_of_a_llama_gives_the_rotary_rows_back_in_place(llama: Tiny, tmp_path: Path) -> None:
    """Written as the usual converter writes it: other names, rotary halves side by side."""
    writer = gguf.GGUFWriter(tmp_path / "model.gguf", "llama")
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    for name, array in llama.on_disk().arrays.items():
        heads = 4 if "q_proj" in name else 2 if "k_proj" in name else 0
        if heads:
            halves = array.reshape(heads, 2, -1, array.shape[1])
            array = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(array.shape)
        writer.add_tensor(gguf_name(name), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with open_checkpoint(tmp_path / "model.gguf") as checkpoint:
        assert describe(checkpoint).family == "gguf"
        assert_same(llama, checkpoint)


def gguf_name(name: str) -> str:
    module = name.removesuffix(".weight")
    if module in GGUF_NAMES:
        return f"{GGUF_NAMES[module]}.weight"
    _, _, layer, rest = module.split(".", 3)
    return f"blk.{layer}.{GGUF_NAMES[rest]}.weight"


@pytest.mark.parametrize("tiny", ["bert"], indirect=True)
def test_onnx_products_are_known_by_the_bias_beside_them(tiny: Tiny, tmp_path: Path) -> None:
    """Written as exporters write it: anonymous matrices, input axis first, each followed by its named bias."""
    nodes, tensors = [], []
    for number, (name, array) in enumerate(tiny.on_disk().arrays.items()):
        bias = name.replace(".weight", ".bias")
        if array.ndim == 2 and bias in tiny.arrays:
            anonymous = f"onnx::MatMul_{number}"
            tensors.append(numpy_helper.from_array(np.ascontiguousarray(array.T), anonymous))
            nodes.append(helper.make_node("MatMul", [f"in{number}", anonymous], [f"product{number}"]))
            nodes.append(helper.make_node("Add", [bias, f"product{number}"], [f"sum{number}"]))
        else:
            tensors.append(numpy_helper.from_array(array, name))
    tensors.append(numpy_helper.from_array(np.array([1, -1]), "shape_constant"))
    inputs = [helper.make_tensor_value_info("in0", TensorProto.FLOAT, None)]
    onnx.save(
        helper.make_model(helper.make_graph(nodes, "bert", inputs, [], tensors)), tmp_path / "model.onnx"
    )
    with open_checkpoint(tmp_path / "model.onnx") as checkpoint:
        anatomy = describe(checkpoint)
        assert dict(anatomy.unassigned) == {"shape_constant": "graph_constant"}
        assert anatomy.family == "bert"
        assert_same(tiny, checkpoint)


def test_a_row_range_reads_only_its_rows(llama: Tiny) -> None:
    checkpoint = llama.on_disk()
    up = named(describe(checkpoint), "language_model").find("mlp.up", 0)
    assert up is not None
    assert load_part(checkpoint, up, 10, 14).shape == (4, 64)
    assert checkpoint.bytes_read == 4 * 64 * 4


def test_a_row_range_of_one_stacked_expert_reads_only_its_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stacked = rng.standard_normal((4, 192, 64), dtype=np.float32)
    arrays = {
        "model.layers.0.mlp.gate.weight": rng.standard_normal((4, 64), dtype=np.float32),
        "model.layers.0.mlp.experts.gate_up_proj": stacked,
        "model.layers.0.mlp.experts.down_proj": rng.standard_normal((4, 64, 96), dtype=np.float32),
    }
    save_file(arrays, tmp_path / "model.safetensors")
    with open_checkpoint(tmp_path / "model.safetensors") as checkpoint:
        up = describe(checkpoint).components[0].find("mlp.up", 0, 2)
        assert up is not None
        assert np.array_equal(load_part(checkpoint, up, 10, 13), stacked[2, 96 + 10 : 96 + 13])
        assert checkpoint.bytes_read == 3 * 64 * 4
