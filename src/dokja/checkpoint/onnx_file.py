"""ONNX initialisers as tensors: raw, typed, external, and integers with the scale that makes them weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from dokja.canonical import JSON
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import TensorInfo, Threat
from dokja.checkpoint.folder import require_file_name
from dokja.checkpoint.limits import Limits, require_name, require_shape, unreadable
from dokja.checkpoint.onnx_graph import GraphTensor, read_graph
from dokja.checkpoint.onnx_quantised import find_biases, find_consumers, find_dequantised
from dokja.checkpoint.stored import Contiguous, Layout, Placement
from dokja.checkpoint.wire import LENGTH, Field
from dokja.encodings.encoding import PLAIN, Encoding, FloatArray

Opener = Callable[[str], ByteSource]

_TYPES = {
    1: "F32",
    2: "U8",
    3: "I8",
    4: "U16",
    5: "I16",
    6: "I32",
    7: "I64",
    9: "BOOL",
    10: "F16",
    11: "F64",
    12: "U32",
    13: "U64",
    16: "BF16",
    17: "F8_E4M3",
    19: "F8_E5M2",
    24: "F8_E8M0",
}
_FLOAT_FIELDS = {4: "F32", 10: "F64"}  # float_data, double_data: the bytes themselves
_INTEGER_FIELDS = {  # int32_data, int64_data, uint64_data: one varint per element
    5: {"I32", "I16", "I8", "U16", "U8", "BOOL", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0"},
    7: {"I64"},
    11: {"U64", "U32"},
}


def parse_onnx(file: ByteSource, limits: Limits, open_beside: Opener) -> Layout:
    """Return what lies where in one ONNX model.

    Args:
        file: The model.
        limits: What it may ask for.
        open_beside: Opens a file of the model's folder, for tensors kept outside the model.

    Raises:
        UnreadableArtifact: It is not what it says, or points outside its folder.
    """
    graph = read_graph(file, limits)
    opened: dict[str, ByteSource] = {}
    placements: dict[str, Placement] = {}
    threats: list[Threat] = []
    for name, tensor in graph.tensors.items():
        require_name(name, file.name, limits, rooted=True)
        if tensor.data_type not in _TYPES:
            threats.append(Threat("not_read", f"{file.name}: {name}", f"ONNX data type {tensor.data_type}"))
            continue
        placements[name] = _place(tensor, file, limits, open_beside, opened)
    threats += [Threat("external_data", file.name, name) for name in sorted(opened)]
    dequantised = find_dequantised(graph, placements)
    consumers = find_consumers(graph, placements, dequantised)
    metadata: dict[str, JSON] = {
        "producer": graph.producer,
        "consumers": {name: node.name for name, node in consumers.items()},
        "consumer_ops": {name: node.op for name, node in consumers.items()},
        "biases": dict(find_biases(graph, placements, consumers)),
        "dequantised": {name: weights.integers.info.name for name, weights in dequantised.items()},
    }
    return Layout([*placements.values(), *dequantised.values()], metadata, threats)


def _place(
    tensor: GraphTensor, file: ByteSource, limits: Limits, open_beside: Opener, opened: dict[str, ByteSource]
) -> Placement:
    encoding = PLAIN[_TYPES[tensor.data_type]]
    shape = require_shape(tensor.dims, tensor.name, file.name, limits)
    elements = prod(shape)
    stored_bytes = elements * encoding.block_bytes
    info = TensorInfo(tensor.name, encoding.name, shape, stored_bytes, file.name)
    if tensor.external:
        return _place_outside(tensor, info, encoding, open_beside, opened, file.name)
    if tensor.raw is None and tensor.typed:
        return _place_typed(tensor, info, encoding, file)
    length = tensor.raw.length if tensor.raw is not None else 0
    if tensor.typed or length != stored_bytes:
        raise unreadable(
            file.name, f"tensor {tensor.name} has {length} bytes, but its shape needs {stored_bytes}"
        )
    return Contiguous(info, file, tensor.raw.value if tensor.raw is not None else 0, encoding)


def _place_typed(tensor: GraphTensor, info: TensorInfo, encoding: Encoding, file: ByteSource) -> Placement:
    if len(tensor.typed) != 1:
        raise unreadable(file.name, f"tensor {tensor.name} has its values in several typed fields")
    ((number, fields),) = tensor.typed.items()
    packed = len(fields) == 1 and fields[0].wire == LENGTH
    if packed and _FLOAT_FIELDS.get(number) == encoding.name:
        if fields[0].length != info.stored_bytes:
            raise unreadable(
                file.name,
                f"tensor {tensor.name} has {fields[0].length} bytes, but its shape needs {info.stored_bytes}",
            )
        return Contiguous(info, file, fields[0].value, encoding)
    if packed and encoding.name in _INTEGER_FIELDS.get(number, ()):
        return Varints(info, file, fields[0], encoding)
    raise unreadable(
        file.name, f"tensor {tensor.name} of {encoding.name} has its values in a field for other types"
    )


def _place_outside(
    tensor: GraphTensor,
    info: TensorInfo,
    encoding: Encoding,
    open_beside: Opener,
    opened: dict[str, ByteSource],
    where: str,
) -> Placement:
    """Place a tensor kept in another file of the folder; any other path is refused."""
    location = require_file_name(tensor.external.get("location"), where)
    numbers = [
        tensor.external.get(key, default)
        for key, default in (("offset", "0"), ("length", str(info.stored_bytes)))
    ]
    if any(not number.isascii() or not number.isdigit() or len(number) > 18 for number in numbers):
        raise unreadable(where, f"tensor {tensor.name} lies outside at no offset or length that is a number")
    offset, length = int(numbers[0]), int(numbers[1])
    if location not in opened:
        opened[location] = open_beside(location)
    file = opened[location]
    if length != info.stored_bytes or offset + length > file.size:
        raise unreadable(
            where,
            f"tensor {tensor.name} lies at {offset}, {length} bytes long, in {location} of {file.size} bytes",
        )
    outside = TensorInfo(info.name, info.dtype, info.shape, info.stored_bytes, location)
    return Contiguous(outside, file, offset, encoding)


@dataclass(frozen=True, slots=True)
class Varints(Placement):
    """A tensor whose elements are protobuf varints; small in practice, and read whole.

    Args:
        info: What it is; `stored_bytes` counts elements by their own width.
        file: Where it lies.
        payload: The packed field.
        encoding: Element type; floats of 16 bits or fewer are written as their bit pattern.
    """

    info: TensorInfo
    file: ByteSource
    payload: Field
    encoding: Encoding

    def rows(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows as float32 and the bytes read."""
        raw = self._raw()
        out = np.empty(prod(self.info.shape), np.float32)
        assert self.encoding.decode is not None
        self.encoding.decode(raw, out)
        whole = out.reshape(self.info.shape)
        return (whole[start:stop] if self.info.shape else whole), self.payload.length

    def stored(self) -> Iterator[bytes]:
        """Yield the elements as fixed-width little-endian bytes, as raw_data would hold them."""
        yield self._raw().tobytes()

    def _raw(self) -> NDArray[np.uint8]:
        elements = prod(self.info.shape)
        if not elements <= self.payload.length <= 10 * elements:
            raise unreadable(
                self.file.name, f"tensor {self.info.name} has not the {elements} values of its shape"
            )
        data = np.frombuffer(self.file.read(self.payload.value, self.payload.length), np.uint8)
        ends = np.flatnonzero(data < 0x80)
        starts = np.concatenate(([0], ends[:-1] + 1))
        if len(ends) != elements or (elements and ends[-1] != len(data) - 1) or (ends - starts >= 10).any():
            raise unreadable(
                self.file.name, f"tensor {self.info.name} has not the {elements} values of its shape"
            )
        shifts = (7 * (np.arange(len(data)) - np.repeat(starts, ends - starts + 1))).astype(np.uint64)
        values = (
            np.add.reduceat((data & 0x7F).astype(np.uint64) << shifts, starts)
            if elements
            else np.empty(0, np.uint64)
        )
        return np.ascontiguousarray(
            values.view(np.uint8).reshape(-1, 8)[:, : self.encoding.block_bytes]
        ).reshape(-1)
