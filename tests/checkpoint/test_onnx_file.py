"""ONNX against the onnx package: raw and typed values, branches, constants, external data, quantised weights."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dokja.checkpoint import open_checkpoint
from tests.checkpoint.model_files import save_onnx

RAW = [
    "float32",
    "float64",
    "float16",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "int64",
    "uint32",
    "uint64",
    "bool",
]


@pytest.mark.parametrize("dtype", RAW)
def test_raw_values_are_read_as_the_onnx_package_reads_them(tmp_path, dtype):
    array = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 100, (3, 5)).astype(dtype)
    save_onnx(tmp_path / "m.onnx", [], [numpy_helper.from_array(array, "w")])
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w"), array.astype(np.float32))
        np.testing.assert_array_equal(checkpoint.read("w", 1, 2), array[1:2].astype(np.float32))


TYPED = [
    "FLOAT",
    "DOUBLE",
    "FLOAT16",
    "BFLOAT16",
    "INT8",
    "UINT8",
    "INT16",
    "UINT16",
    "INT32",
    "INT64",
    "UINT32",
    "UINT64",
    "BOOL",
]


@pytest.mark.parametrize("kind", TYPED)
def test_typed_fields_are_read_as_the_onnx_package_reads_them(tmp_path, kind):
    signed = kind not in ("UINT8", "UINT16", "UINT32", "UINT64", "BOOL")
    values = [0, 1, 1, 0, 1, 0] if kind == "BOOL" else [0, 1, 2, 100, 127, -3 if signed else 3]
    tensor = helper.make_tensor("w", getattr(TensorProto, kind), [2, 3], values)
    assert not tensor.raw_data
    save_onnx(tmp_path / "m.onnx", [], [tensor])
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w"), numpy_helper.to_array(tensor).astype(np.float32))
        np.testing.assert_array_equal(
            checkpoint.read("w", 1), numpy_helper.to_array(tensor)[1:].astype(np.float32)
        )


def constant(name: str, array: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))


def test_weights_in_branches_and_constants_are_found_under_names_of_their_own(tmp_path):
    arrays = [np.full((2, 2), number, np.float32) for number in range(4)]
    then = helper.make_graph(
        [constant("c", arrays[0])], "then", [], [], [numpy_helper.from_array(arrays[1], "w")]
    )
    other = helper.make_graph(
        [constant("c", arrays[2])], "else", [], [], [numpy_helper.from_array(arrays[3], "w")]
    )
    node = helper.make_node("If", ["cond"], ["y"], name="choose", then_branch=then, else_branch=other)
    save_onnx(tmp_path / "m.onnx", [node], [])
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        found = {name: checkpoint.read(name)[0, 0] for name in checkpoint.tensors}
    assert sorted(found.values()) == [0, 1, 2, 3]
    assert {"c", "w"} < set(found)
    assert all(name in ("c", "w") or name.startswith("choose.") for name in found)


def test_external_data_in_the_folder_is_read_in_place(tmp_path):
    array = np.arange(64, dtype=np.float32).reshape(8, 8)
    model = helper.make_model(helper.make_graph([], "g", [], [], [numpy_helper.from_array(array, "w")]))
    onnx.save_model(
        model, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0
    )
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w", 2, 5), array[2:5])
        assert checkpoint.tensors["w"].file == "m.data"
        assert [threat.kind for threat in checkpoint.threats] == ["external_data"]


INTEGERS = np.random.default_rng(3).integers(-128, 128, (4, 6)).astype(np.int8)
SCALE = np.linspace(0.1, 0.9, 6).astype(np.float32)
ZERO = np.arange(6).astype(np.int8)


def test_dynamically_quantised_weights_are_read_as_weights_too(tmp_path):
    parts = {"w_quantized": INTEGERS, "w_scale": SCALE, "w_zero_point": ZERO}
    node = helper.make_node(
        "MatMulInteger", ["x", "w_quantized", "xz", "w_zero_point"], ["y"], name="product"
    )
    save_onnx(
        tmp_path / "m.onnx", [node], [numpy_helper.from_array(array, name) for name, array in parts.items()]
    )
    expected = (INTEGERS.astype(np.float32) - ZERO) * SCALE
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w"), expected)
        np.testing.assert_array_equal(checkpoint.read("w", 1, 3), expected[1:3])
        np.testing.assert_array_equal(checkpoint.read("w_quantized"), INTEGERS.astype(np.float32))
        assert checkpoint.metadata["dequantised"] == {"w": "w_quantized"}
        assert checkpoint.metadata["consumers"]["w"] == "product"


@pytest.mark.parametrize("axis", [0, 1])
def test_dequantize_linear_and_cast_with_mul_give_the_same_weights(tmp_path, axis):
    scale = SCALE[:4] if axis == 0 else SCALE
    column = scale.reshape(-1, 1) if axis == 0 else scale
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s"], ["a"], axis=axis),
        helper.make_node("Cast", ["q"], ["float_q"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float_q", "c"], ["b"]),
        helper.make_node("MatMul", ["x", "b"], ["y"], name="product"),
        helper.make_node("Add", ["layer.0.query.bias", "y"], ["z"]),
    ]
    parts = {"q": INTEGERS, "s": scale, "c": column, "layer.0.query.bias": SCALE}
    save_onnx(
        tmp_path / "m.onnx", nodes, [numpy_helper.from_array(array, name) for name, array in parts.items()]
    )
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("a"), INTEGERS * column)
        np.testing.assert_array_equal(checkpoint.read("b", 1, 4), (INTEGERS * column)[1:4])
        assert checkpoint.metadata["biases"] == {"b": "layer.0.query.bias"}
        assert checkpoint.metadata["consumer_ops"]["b"] == "MatMul"


def test_scales_that_could_belong_to_either_axis_add_nothing(tmp_path):
    square = INTEGERS[:, :4]
    parts = {"w_quantized": square, "w_scale": SCALE[:4], "w_zero_point": ZERO[:4]}
    save_onnx(
        tmp_path / "m.onnx", [], [numpy_helper.from_array(array, name) for name, array in parts.items()]
    )
    with open_checkpoint(tmp_path / "m.onnx") as checkpoint:
        assert set(checkpoint.tensors) == set(parts)
