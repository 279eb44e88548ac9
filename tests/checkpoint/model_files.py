"""The same small weights written by the real libraries in every format that is read."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

FORMATS = ("safetensors", "torch", "gguf", "onnx")


def small_weights(dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        "layers.0.weight": torch.randn(6, 4, generator=generator).to(dtype),
        "layers.0.bias": torch.randn(6, generator=generator).to(dtype),
        "layers.1.kernel": torch.randn(3, 4, 2, generator=generator).to(dtype),
    }


def write_model(path: Path, kind: str, tensors: dict[str, torch.Tensor]) -> Path:
    """Write tensors to a file in the named format, with that format's own library."""
    if kind == "safetensors":
        save_file(tensors, path)
    elif kind == "torch":
        torch.save(tensors, path)
    elif kind == "gguf":
        write_gguf(path, tensors)
    else:
        initializers = [numpy_helper.from_array(tensor.numpy(), name) for name, tensor in tensors.items()]
        save_onnx(path, [], initializers)
    return path


def write_gguf(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_token_list(["<s>", "a", "b"])
    writer.add_string("tokenizer.chat_template", "{{ messages }}")
    for name, tensor in tensors.items():
        writer.add_tensor(name, np.ascontiguousarray(tensor.numpy()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def save_onnx(path: Path, nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto]) -> None:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [], [output], initializers)), path)
