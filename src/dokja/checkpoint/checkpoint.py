"""What every reader of weights offers: names, shapes and bounded slices, whatever the file format.

A reader never executes anything of the file, holds at most what was asked for, and raises `UnreadableArtifact`
and nothing else when the file is not what it says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from dokja.canonical import JSON
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One stored tensor, as its header declares it and its file confirms.

    Args:
        name: As stored.
        dtype: Stored type: F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I8 U8 I16 ... BOOL, or a GGUF block type (Q4_K, ...).
        shape: Row-major (torch order), also for GGUF, whose files write it reversed.
        stored_bytes: Bytes it takes in its file.
        file: Name of the file it lies in, relative to the model.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    stored_bytes: int
    file: str

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1


@dataclass(frozen=True, slots=True)
class Threat:
    """Something in a submission that could harm a careless reader. Reported, never acted on.

    Args:
        kind: Stable slug: `pickle_global`, `chat_template`, `code_file`, `symlink`, `external_data`, ...
        where: File and, where known, place.
        detail: The offending name or figure.
    """

    kind: str
    where: str
    detail: str


class Checkpoint(ABC):
    """Weights opened for looking. Use as a context manager; close releases files.

    Attributes:
        source: What the person named: a path, a URL, `hf://org/name`.
        format: `safetensors`, `gguf`, `torch`, `onnx`.
        tensors: Stored tensors by name, in file order.
        metadata: Header key-values (GGUF keys, safetensors `__metadata__`); never trusted for shapes.
        config: The parsed config.json, or {} when there is none; never trusted for shapes.
        vocabulary: Token string to row of the embedding, or None when no tokenizer came along.
        threats: What a careless reader should fear.
        bytes_read: Bytes of weight data read so far.
    """

    source: str
    format: str
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, JSON]
    config: Mapping[str, JSON]
    threats: tuple[Threat, ...]
    bytes_read: int

    @property
    @abstractmethod
    def vocabulary(self) -> Mapping[str, int] | None:
        """Token string to embedding row; read on first use; None when unknown."""

    @abstractmethod
    def read(self, name: str, start: int = 0, stop: int | None = None) -> FloatArray:
        """Return rows [start, stop) along the first axis, decoded to float32.

        Only the bytes of those rows are read. A zero-dimensional tensor ignores the range. Integers and booleans
        come as float32 of their value; quantised blocks come dequantised.

        Raises:
            InvalidInput: No such tensor, or a range outside it.
            UnreadableArtifact: The stored bytes cannot be what the header says.
        """

    def read_within(self, name: str, index: int, start: int, stop: int) -> FloatArray:
        """Return rows [start, stop) of entry `index` of the first axis: some rows of one of many stacked matrices.

        Readers that can find those rows read no others; this one reads the whole entry.

        Raises:
            InvalidInput: No such tensor, entry or rows, or fewer than two axes.
            UnreadableArtifact: The stored bytes cannot be what the header says.
        """
        shape = self.tensors[name].shape if name in self.tensors else ()
        if len(shape) < 2 or not (0 <= index < shape[0] and 0 <= start <= stop <= shape[1]):
            raise InvalidInput(f"{self.source} has no rows {start} to {stop} in entry {index} of {name!r}.")
        rows: FloatArray = self.read(name, index, index + 1)[0, start:stop]
        return rows

    @abstractmethod
    def read_stored(self, name: str) -> Iterator[bytes]:
        """Yield the stored bytes of one tensor in bounded pieces, for digests."""

    @abstractmethod
    def close(self) -> None:
        """Release open files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
