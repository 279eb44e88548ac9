"""Names that an exporter replaced: an ONNX product's weights are known by the bias beside them or their graph node.

Exporters call the weights of a product `onnx::MatMul_812` or `val_49` and store them input axis first, but keep the
name of the bias that is added next, and often name the node after the module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dokja.checkpoint.checkpoint import Checkpoint, TensorInfo

_INTEGERS = ("I", "U", "BOOL")


@dataclass(frozen=True, slots=True)
class Known:
    """A stored tensor under the name its module has.

    Args:
        tensor: Stored name.
        name: Name to recognise it by.
        flipped: Whether the exporter stored it the other way round.
    """

    tensor: str
    name: str
    flipped: bool = False


def known_names(checkpoint: Checkpoint) -> list[Known]:
    """Return every stored tensor with the name it should be recognised by, in file order."""
    if checkpoint.format != "onnx":
        return [Known(name, name) for name in checkpoint.tensors]
    biases, nodes, operators = (_words(checkpoint, key) for key in ("biases", "consumers", "consumer_ops"))
    known = []
    for name, info in checkpoint.tensors.items():
        is_product = len(info.shape) == 2 and operators.get(name, "").startswith("MatMul")
        module = _module(biases.get(name, ""), nodes.get(name, "")) if is_product else ""
        known.append(Known(name, f"{module}.weight", flipped=True) if module else Known(name, name))
    return known


def constants(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the stored tensors of an exported graph that are no weights, each with the reason."""
    if checkpoint.format != "onnx":
        return {}
    raw = set(_words(checkpoint, "dequantised").values())
    found = {name: "graph_constant" for name, info in checkpoint.tensors.items() if _is_constant(info)}
    found |= dict.fromkeys((name for name in checkpoint.tensors if name in raw), "stored_form_of_another")
    for name in raw:
        stem = name.removesuffix("_q").removesuffix("_quantized")
        for suffix in ("_scale", "_zero_point"):
            if stem + suffix in checkpoint.tensors:
                found[stem + suffix] = "stored_form_of_another"
    return {name: reason for name, reason in found.items() if name in checkpoint.tensors}


def _module(bias: str, node: str) -> str:
    if bias.endswith(".bias"):
        return bias.removesuffix(".bias")
    return node.strip("/").rpartition("/")[0].replace("/", ".") if node.startswith("/") else ""


def _is_constant(info: TensorInfo) -> bool:
    return info.size <= 1 or (len(info.shape) < 2 and info.dtype.startswith(_INTEGERS))


def _words(checkpoint: Checkpoint, key: str) -> Mapping[str, str]:
    table = checkpoint.metadata.get(key)
    if not isinstance(table, dict):
        return {}
    return {name: word for name, word in table.items() if isinstance(word, str)}
