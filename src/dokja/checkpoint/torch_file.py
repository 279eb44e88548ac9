"""PyTorch's zip files (`.bin`, `.pt`, `.pth`, TorchScript): a pickle that describes, storages that hold.

Nothing is unpickled: `pickled` reads the description, `archive` finds the storages, and tensors are views of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from dokja.checkpoint.archive import ArchiveMember, data_offset, parse_archive
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import TensorInfo, Threat
from dokja.checkpoint.limits import Limits, require_name, require_shape, unreadable
from dokja.checkpoint.pickled import Record, StorageRef, TensorRef, Value, read_pickle
from dokja.checkpoint.stored import Contiguous, Layout, Placement, decoded
from dokja.encodings.encoding import PLAIN, Encoding, FloatArray

_STREAM_BYTES = 1 << 22
_MOST_VISITS = 64


def parse_torch(file: ByteSource, limits: Limits) -> Layout:
    """Return what lies where in one PyTorch zip file.

    Args:
        file: The file.
        limits: What it may ask for.

    Raises:
        UnreadableArtifact: It is not what it says, or its pickle asks for more than containers and tensors.
    """
    entries = parse_archive(file, limits)
    prefix = _prefix_of(entries, file.name)
    order = entries.get(prefix + "byteorder")
    if order is not None and file.read(data_offset(file, order), min(order.size, 16)) != b"little":
        raise unreadable(file.name, "its tensors are stored big-endian")
    pickle = entries[prefix + "data.pkl"]
    if pickle.size > limits.header_bytes:
        raise unreadable(
            file.name, f"its pickle has {pickle.size} bytes; at most {limits.header_bytes} are read"
        )
    whole = read_pickle(
        file.read(data_offset(file, pickle), pickle.size), f"{file.name}/{pickle.name}", limits
    )
    if not isinstance(whole, (TensorRef, Record, dict, list, tuple)):
        raise unreadable(file.name, "its pickle holds no tensors")
    offsets: dict[str, int] = {}
    placements = [
        _place(name, tensor, file, entries, prefix, offsets, limits)
        for name, tensor in _flatten(whole, file.name, limits).items()
    ]
    threats = [Threat("pickle", file.name, "a reader that unpickles this file runs whatever it says")]
    code = sum(name.startswith(prefix + "code/") and name.endswith(".py") for name in entries)
    if code:
        threats.append(Threat("code_file", file.name, f"TorchScript archive with {code} files of code"))
    return Layout(list(placements), threats=threats)


def _prefix_of(entries: Mapping[str, ArchiveMember], where: str) -> str:
    """Return the one folder of the archive that holds data.pkl, with its slash."""
    found = [name for name in entries if name.endswith("data.pkl") and name.count("/") <= 1]
    found = [name for name in found if name.rpartition("/")[2] == "data.pkl"]
    if len(found) != 1:
        raise unreadable(where, "it is a zip archive, but no PyTorch file: it has no single data.pkl")
    return found[0].removesuffix("data.pkl")


def _flatten(whole: Value, where: str, limits: Limits) -> dict[str, TensorRef]:
    """Return the tensors of nested containers, their keys joined by dots, in order.

    Visits are counted, because containers that hold each other twice describe exponentially many paths.
    """
    found: dict[str, TensorRef] = {}
    visits: dict[int, int] = {}
    pending: list[tuple[str, Value, int]] = [("", whole, 0)]
    while pending:
        name, value, depth = pending.pop()
        if isinstance(value, TensorRef):
            name = require_name(name or "tensor", where, limits)
            if name in found:
                raise unreadable(where, f"tensor {name} is stored twice")
            found[name] = value
            if len(found) > limits.tensors:
                raise unreadable(where, f"more than {limits.tensors} tensors")
            continue
        children = _children(name, value, depth + 1)
        if not children:
            continue
        visits[id(value)] = visits.get(id(value), 0) + 1
        if depth >= limits.depth or visits[id(value)] > _MOST_VISITS:
            raise unreadable(
                where, f"its containers nest deeper than {limits.depth}, or one is held too many times"
            )
        pending += reversed(children)
    return found


def _children(name: str, value: Value, depth: int) -> list[tuple[str, Value, int]]:
    """Return the containers and tensors a container holds, each under its dotted name."""
    inner = value.state if isinstance(value, Record) else value
    pairs = inner.items() if isinstance(inner, dict) else enumerate(inner)
    return [
        (f"{name}.{key}" if name else str(key), child, depth)
        for key, child in pairs
        if isinstance(child, (TensorRef, Record, dict, list, tuple))
    ]


def _place(
    name: str,
    tensor: TensorRef,
    file: ByteSource,
    entries: Mapping[str, ArchiveMember],
    prefix: str,
    offsets: dict[str, int],
    limits: Limits,
) -> Placement:
    encoding = PLAIN[tensor.dtype]
    shape = require_shape(tensor.shape, name, file.name, limits)
    entry = _storage_entry(name, tensor.storage, file, entries, prefix)
    available = entry.size // encoding.block_bytes
    if len(tensor.stride) != len(shape) or min(tensor.stride, default=0) < 0 or tensor.offset < 0:
        raise unreadable(file.name, f"tensor {name} has strides {list(tensor.stride)} at {tensor.offset}")
    elements = prod(shape)
    span = (
        1 + sum((length - 1) * step for length, step in zip(shape, tensor.stride, strict=True))
        if elements
        else 0
    )
    if tensor.offset + span > available or elements > available:
        raise unreadable(file.name, f"tensor {name} reaches outside its storage of {available} elements")
    if entry.name not in offsets:
        offsets[entry.name] = data_offset(file, entry)
    offset = offsets[entry.name] + tensor.offset * encoding.block_bytes
    info = TensorInfo(name, encoding.name, shape, elements * encoding.block_bytes, file.name)
    if not elements or tensor.stride == _row_major(shape, tensor.stride):
        return Contiguous(info, file, offset, encoding)
    return Strided(info, file, offset, encoding, tensor.stride)


def _storage_entry(
    name: str, storage: StorageRef, file: ByteSource, entries: Mapping[str, ArchiveMember], prefix: str
) -> ArchiveMember:
    entry = entries.get(f"{prefix}data/{storage.key}")
    if entry is None:
        raise unreadable(
            file.name, f"the storage {storage.key[:40]!r} of tensor {name} is not in the archive"
        )
    width = PLAIN[storage.dtype].block_bytes if storage.dtype else 1
    if entry.size != storage.elements * width:
        raise unreadable(
            file.name,
            f"the storage of tensor {name} has {entry.size} bytes, not {storage.elements} times {width}",
        )
    return entry


def _row_major(shape: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """Return row-major strides of a shape; an axis of length 1 keeps whatever stride it has."""
    steps: list[int] = []
    step = 1
    for length, given in zip(reversed(shape), reversed(stride), strict=True):
        steps.append(given if length == 1 else step)
        step *= length
    return tuple(reversed(steps))


@dataclass(frozen=True, slots=True)
class Strided(Placement):
    """A tensor that is a transposed or cut view of its storage.

    Args:
        info: What it is.
        file: Where it lies.
        offset: Byte of its first element.
        encoding: How its elements are stored.
        stride: Elements from one index to the next, per axis; never negative.
    """

    info: TensorInfo
    file: ByteSource
    offset: int
    encoding: Encoding
    stride: tuple[int, ...]

    def rows(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows as float32 and the bytes of the run of storage they lie in."""
        shape = (stop - start, *self.info.shape[1:])
        if not prod(shape):
            return np.empty(shape, np.float32), 0
        span = self._span(shape)
        first = self.offset + start * self.stride[0] * self.encoding.block_bytes
        flat = decoded(self.file, first, span, self.encoding)
        steps = [step * flat.itemsize for step in self.stride]
        view = np.lib.stride_tricks.as_strided(flat, shape, steps, writeable=False)
        return np.ascontiguousarray(view), span * self.encoding.block_bytes

    def stored(self) -> Iterator[bytes]:
        """Yield the bytes as they would lie row-major, so that a digest does not depend on the view."""
        width = self.encoding.block_bytes
        raw = np.empty(self._span(self.info.shape) * width, np.uint8)
        self.file.read_into(self.offset, raw.data)
        elements: NDArray = raw.view(f"V{width}")
        steps = [step * width for step in self.stride]
        view = np.lib.stride_tricks.as_strided(elements, self.info.shape, steps, writeable=False)
        row_bytes = max(1, prod(self.info.shape[1:]) * width)
        count = max(1, _STREAM_BYTES // row_bytes)
        for first in range(0, self.info.shape[0], count):
            yield view[first : first + count].tobytes()

    def _span(self, shape: tuple[int, ...]) -> int:
        """Return how many elements of storage lie between the first and the last, both included."""
        return 1 + sum((length - 1) * step for length, step in zip(shape, self.stride, strict=True))
