"""Quantised weights of an ONNX model, seen as the weights they stand for.

Three ways of writing (integers - zero point) * scale are known; where one is ambiguous, nothing is added and the
integers stand alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from dokja.checkpoint.checkpoint import TensorInfo
from dokja.checkpoint.onnx_graph import Graph, GraphNode
from dokja.checkpoint.stored import Placement
from dokja.encodings.encoding import FloatArray

_INTEGERS = {"I8", "U8", "I16", "U16", "I32"}
_FLOATS = {"F32", "F16", "BF16"}
_LAST_AXIS_OPS = {"MatMulInteger", "QLinearMatMul"}
_LONGEST_SCALE = 1 << 20


@dataclass(frozen=True, slots=True)
class Dequantised(Placement):
    """Integers with their scale and zero point, read as the weights they stand for.

    Args:
        info: Dtype, bytes and file of the integers, under the name of the weights.
        integers: The stored integers.
        scale: One value, or one per index of an axis, shaped to broadcast.
        zero_point: As `scale`.
    """

    info: TensorInfo
    integers: Placement
    scale: FloatArray
    zero_point: FloatArray

    def rows(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows of (integers - zero point) * scale and the bytes read."""
        rows, count = self.integers.rows(start, stop)
        per_row = self.scale.ndim > 0 and self.scale.shape[0] > 1
        chosen = slice(start, stop) if per_row else slice(None)
        zero_point = (
            self.zero_point[chosen]
            if self.zero_point.ndim and self.zero_point.shape[0] > 1
            else self.zero_point
        )
        rows -= zero_point
        with np.errstate(over="ignore", invalid="ignore"):
            rows *= self.scale[chosen] if per_row else self.scale
        return rows, count

    def stored(self) -> Iterator[bytes]:
        """Yield the stored integers."""
        return self.integers.stored()


def find_dequantised(graph: Graph, placements: Mapping[str, Placement]) -> dict[str, Dequantised]:
    """Return by name the weights that integers with a scale stand for, where there is one reading only.

    Known are `w_quantized` with `w_scale` and `w_zero_point` (dynamic quantisation), the node DequantizeLinear, and a
    Cast of integers followed by a Mul with a stored scale. The weights take the name of `w`, or of the node's output.

    Args:
        graph: Nodes and tensors of the model.
        placements: Where its tensors lie.
    """
    found: dict[str, Dequantised] = {}
    for weights in (*_by_name(graph, placements), *_by_node(graph, placements), *_by_cast(graph, placements)):
        name = weights.info.name
        if name not in placements and name not in found:
            found[name] = weights
    return found


def find_consumers(
    graph: Graph, placements: Mapping[str, Placement], dequantised: Mapping[str, Dequantised]
) -> dict[str, GraphNode]:
    """Return the first node that consumes each tensor; of dequantised weights, who consumes them or their integers."""
    found: dict[str, GraphNode] = {}
    for node in graph.nodes:
        for name in node.inputs:
            if name in placements or name in dequantised:
                found.setdefault(name, node)
    for name, weights in dequantised.items():
        if name not in found and weights.integers.info.name in found:
            found[name] = found[weights.integers.info.name]
    return found


def find_biases(
    graph: Graph, placements: Mapping[str, Placement], consumers: Mapping[str, GraphNode]
) -> dict[str, str]:
    """Return the stored tensor that is added right behind the product with each weight.

    Exporters rename the weights of a product (`onnx::MatMul_1234`, `val_49`) and keep the names of their biases.
    """
    added = {
        given: other
        for node in graph.nodes
        if node.op == "Add" and len(node.inputs) == 2
        for given, other in (node.inputs, node.inputs[::-1])
        if other in placements and given not in placements
    }
    return {
        name: added[node.outputs[0]]
        for name, node in consumers.items()
        if node.op.startswith("MatMul") and node.outputs and node.outputs[0] in added
    }


def _by_name(graph: Graph, placements: Mapping[str, Placement]) -> Iterator[Dequantised]:
    last_axis = {name for node in graph.nodes if node.op in _LAST_AXIS_OPS for name in node.inputs}
    for name in placements:
        if name.endswith("_quantized"):
            base = name.removesuffix("_quantized")
            axis = -1 if name in last_axis else None
            yield from _joined(placements, base, (name, base + "_scale", base + "_zero_point"), axis)


def _by_node(graph: Graph, placements: Mapping[str, Placement]) -> Iterator[Dequantised]:
    for node in graph.nodes:
        if node.op == "DequantizeLinear" and len(node.inputs) >= 2 and node.outputs:
            zero_point = node.inputs[2] if len(node.inputs) > 2 else ""
            axis = 1 if node.axis is None else node.axis
            yield from _joined(
                placements, node.outputs[0], (node.inputs[0], node.inputs[1], zero_point), axis
            )


def _by_cast(graph: Graph, placements: Mapping[str, Placement]) -> Iterator[Dequantised]:
    casts = {
        node.outputs[0]: node.inputs[0]
        for node in graph.nodes
        if node.op == "Cast" and node.outputs and node.inputs and node.inputs[0] in placements
    }
    for node in graph.nodes:
        if node.op != "Mul" or len(node.inputs) != 2 or not node.outputs:
            continue
        for cast, scale in (node.inputs, node.inputs[::-1]):
            if cast in casts and scale in placements:
                yield from _joined(
                    placements, node.outputs[0], (casts[cast], scale, ""), None, broadcast=True
                )


def _joined(
    placements: Mapping[str, Placement],
    name: str,
    parts: tuple[str, str, str],
    axis: int | None,
    *,
    broadcast: bool = False,
) -> Iterator[Dequantised]:
    """Yield the weights made of (integers, scale, zero point), or nothing where they do not fit in one way.

    Args:
        placements: Where the tensors lie.
        name: Name of the weights.
        parts: Names of integers, scale and zero point; an empty zero point is 0.
        axis: Axis the scales belong to, None when unknown.
        broadcast: Whether the scale meets the integers by its own shape.
    """
    integers, scale, zero_point = (placements.get(part) for part in parts)
    if integers is None or scale is None or (zero_point is None and parts[2]):
        return
    length = prod(scale.info.shape)
    if (
        integers.info.dtype not in _INTEGERS
        or scale.info.dtype not in _FLOATS
        or not 1 <= length <= _LONGEST_SCALE
    ):
        return
    if zero_point is not None and prod(zero_point.info.shape) != length:
        return
    given = scale.info.shape if broadcast else None
    shape = _meeting(integers.info.shape, length, axis, given)
    if shape is None:
        return
    stored = integers.info
    info = TensorInfo(name, stored.dtype, stored.shape, stored.stored_bytes, stored.file)
    zeros = np.zeros(shape, np.float32) if zero_point is None else _whole(zero_point).reshape(shape)
    yield Dequantised(info, integers, _whole(scale).reshape(shape), zeros)


def _whole(placement: Placement) -> FloatArray:
    return placement.rows(0, placement.info.shape[0] if placement.info.shape else 1)[0]


def _meeting(
    shape: tuple[int, ...], length: int, axis: int | None, given: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """Return the shape in which `length` scales meet the tensor; None where more than one axis, or none, would do."""
    if length == 1:
        return (1,) * len(shape)
    if given is not None:
        padded = (1,) * (len(shape) - len(given)) + given
        fits = len(given) <= len(shape) and all(
            size in (1, full) for size, full in zip(padded, shape, strict=True)
        )
        return padded if fits else None
    candidates = [position for position, size in enumerate(shape) if size == length]
    if axis is not None and -len(shape) <= axis < len(shape):
        candidates = [position for position in candidates if position == axis % len(shape)]
    if len(candidates) != 1:
        return None
    return tuple(size if position == candidates[0] else 1 for position, size in enumerate(shape))
