"""A checkpoint held in memory: the real port, fed with real state dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from dokja.anatomy import Part
from dokja.canonical import JSON
from dokja.checkpoint.checkpoint import Checkpoint, TensorInfo
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput


class MemoryCheckpoint(Checkpoint):
    """Weights given as arrays; counts the bytes it hands out as if each element took four."""

    def __init__(
        self,
        arrays: Mapping[str, np.ndarray],
        config: Mapping[str, JSON] | None = None,
        metadata: Mapping[str, JSON] | None = None,
        vocabulary: Mapping[str, int] | None = None,
    ) -> None:
        self.source = "memory"
        self.format = "safetensors"
        self.arrays = dict(arrays)
        self.tensors = {
            name: TensorInfo(name, "F32", tuple(array.shape), array.nbytes, "memory")
            for name, array in self.arrays.items()
        }
        self.config = config or {}
        self.metadata = metadata or {}
        self.threats = ()
        self.bytes_read = 0
        self._vocabulary = vocabulary

    @property
    def vocabulary(self) -> Mapping[str, int] | None:
        return self._vocabulary

    def read(self, name: str, start: int = 0, stop: int | None = None) -> FloatArray:
        if name not in self.arrays:
            raise InvalidInput(f"No tensor {name}.")
        array = self.arrays[name]
        last = (array.shape[0] if array.ndim else 1) if stop is None else stop
        if array.ndim and not 0 <= start <= last <= array.shape[0]:
            raise InvalidInput(f"{name} has no rows {start} to {last}.")
        block = np.asarray(array[start:last] if array.ndim else array, dtype=np.float32)
        self.bytes_read += block.nbytes
        return block

    def read_stored(self, name: str) -> Iterator[bytes]:
        yield self.arrays[name].tobytes()

    def close(self) -> None:
        self.arrays = {}


def place_part(stored: FloatArray, part: Part, values: FloatArray) -> None:
    """Write a part into the stored array it lies in, in place: the inverse of `load_part`.

    Args:
        stored: The whole stored tensor, in its stored shape.
        part: What to write.
        values: Shape of the part, canonical axis order.
    """
    source = part.source
    target = stored if source.index is None else stored[source.index]
    if source.transposed:
        target = target.T
    rows = np.arange(source.start, source.start + part.shape[0])
    if source.rows is not None:
        rows = np.asarray(source.rows)
    while target.ndim > 1 and target.shape[0] == 1 and target.size == part.shape[0]:
        target = target[0]
    target[rows] = values.reshape(len(rows), *target.shape[1:])
