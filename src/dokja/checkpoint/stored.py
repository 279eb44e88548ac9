"""Where a tensor's bytes lie, and the one checkpoint class all formats share.

A format's parser only says what lies where (`Layout`); counting, bounds, decoding and streaming happen here.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from dokja.canonical import JSON, digest_chunks, digest_weights
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import Checkpoint, TensorInfo, Threat
from dokja.checkpoint.limits import Limits, unreadable
from dokja.encodings.encoding import Encoding, FloatArray
from dokja.errors import InvalidInput

_STREAM_BYTES = 1 << 22


class Placement(ABC):
    """A tensor's place among the bytes of a file.

    Attributes:
        info: What it is.
    """

    info: TensorInfo

    @abstractmethod
    def rows(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows [start, stop) of the first axis as float32, and how many stored bytes that took."""

    def within(self, index: int, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows [start, stop) of entry `index` of the first axis, and how many stored bytes that took."""
        whole, count = self.rows(index, index + 1)
        return whole[0, start:stop], count

    @abstractmethod
    def stored(self) -> Iterator[bytes]:
        """Yield the stored bytes, row-major, in bounded pieces."""


def decoded(file: ByteSource, offset: int, elements: int, encoding: Encoding) -> FloatArray:
    """Return so many consecutive elements as flat float32, reading and decoding piece by piece.

    Args:
        file: Where they lie.
        offset: First byte.
        elements: How many, in whole blocks.
        encoding: How they are stored.

    Raises:
        UnreadableArtifact: The bytes are not there, or the type cannot be decoded.
    """
    if encoding.decode is None:
        raise unreadable(file.name, f"tensors stored as {encoding.name} can be listed but not decoded")
    out = np.empty(elements, np.float32)
    if not elements:
        return out
    if encoding.name == "F32":
        file.read_into(offset, out.data.cast("B"))
        return out
    blocks = elements // encoding.block_elements
    # Pieces stay inside the processor's cache, so that decoding costs little beside reading.
    step = max(1, file.piece_bytes // encoding.block_bytes)
    buffer = np.empty(min(step, blocks) * encoding.block_bytes, np.uint8)
    for first in range(0, blocks, step):
        last = min(first + step, blocks)
        piece = buffer[: (last - first) * encoding.block_bytes]
        file.read_into(offset + first * encoding.block_bytes, piece.data)
        encoding.decode(piece, out[first * encoding.block_elements : last * encoding.block_elements])
    return out


def streamed(file: ByteSource, offset: int, length: int) -> Iterator[bytes]:
    """Yield a range of a file in bounded pieces."""
    for first in range(0, length, _STREAM_BYTES):
        yield file.read(offset + first, min(_STREAM_BYTES, length - first))


@dataclass(frozen=True, slots=True)
class Contiguous(Placement):
    """A row-major tensor lying in one run of bytes.

    Args:
        info: What it is.
        file: Where it lies.
        offset: Its first byte.
        encoding: How its elements are stored.
    """

    info: TensorInfo
    file: ByteSource
    offset: int
    encoding: Encoding

    def rows(self, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows as float32 and the bytes read for them."""
        shape = (stop - start, *self.info.shape[1:]) if self.info.shape else ()
        row = prod(self.info.shape[1:])
        first, last = start * row, stop * row
        block = self.encoding.block_elements
        # Only a one-dimensional quantised tensor can be cut inside a block: read whole blocks around the cut.
        low, high = first // block * block, -(-last // block) * block
        flat = decoded(self.file, self.offset + self.encoding.stored_bytes(low), high - low, self.encoding)
        return flat[first - low : last - low].reshape(shape), self.encoding.stored_bytes(high - low)

    def within(self, index: int, start: int, stop: int) -> tuple[FloatArray, int]:
        """Return rows [start, stop) of entry `index` as float32 and the bytes read for them."""
        entries, rows, *rest = self.info.shape
        unstacked = replace(self, info=replace(self.info, shape=(entries * rows, *rest)))
        return unstacked.rows(index * rows + start, index * rows + stop)

    def stored(self) -> Iterator[bytes]:
        """Yield the stored bytes in bounded pieces."""
        return streamed(self.file, self.offset, self.info.stored_bytes)


@dataclass(slots=True)
class Layout:
    """What a format's parser found in one file or one set of shards.

    Args:
        placements: Tensors in file order, names unique.
        metadata: Header key-values.
        threats: What a careless reader should fear.
        vocabulary: Reads the tokens a header carries; None when it carries none.
    """

    placements: list[Placement]
    metadata: dict[str, JSON] = field(default_factory=dict)
    threats: list[Threat] = field(default_factory=list)
    vocabulary: Callable[[], Mapping[str, int]] | None = None


def merged(layouts: Iterable[Layout], where: str, limits: Limits) -> Layout:
    """Return the layouts of several shards as one; metadata is the first shard's.

    Raises:
        UnreadableArtifact: A tensor lies in two shards, or there are too many.
    """
    whole = Layout([])
    seen: set[str] = set()
    for position, layout in enumerate(layouts):
        for placement in layout.placements:
            if placement.info.name in seen:
                raise unreadable(where, f"tensor {placement.info.name} is stored twice, in different shards")
            seen.add(placement.info.name)
        whole.placements += layout.placements
        whole.threats += layout.threats
        if position == 0:
            whole.metadata, whole.vocabulary = layout.metadata, layout.vocabulary
        if len(seen) > limits.tensors:
            raise unreadable(where, f"more than {limits.tensors} tensors")
    return whole


class StoredCheckpoint(Checkpoint):
    """Weights of any supported format, opened for looking."""

    def __init__(
        self,
        source: str,
        format_name: str,
        layout: Layout,
        files: Iterable[ByteSource],
        *,
        config: Mapping[str, JSON] | None = None,
        vocabulary: Callable[[], Mapping[str, int] | None] | None = None,
    ) -> None:
        """Put a parsed layout behind the common interface.

        Args:
            source: What the person named.
            format_name: `safetensors`, `gguf`, `torch` or `onnx`.
            layout: What lies where.
            files: Open files, closed with the checkpoint.
            config: Parsed config.json.
            vocabulary: Reads the tokenizer lying beside the weights; the header's own tokens come first.
        """
        self.source = source
        self.format = format_name
        self._placements = {placement.info.name: placement for placement in layout.placements}
        self.tensors = {name: placement.info for name, placement in self._placements.items()}
        self.metadata = layout.metadata
        self.config = config or {}
        self.threats = tuple(layout.threats)
        self.bytes_read = 0
        self._files = list(files)
        self._read_vocabulary = layout.vocabulary or vocabulary
        self._vocabulary: Mapping[str, int] | None = None
        self._lock = threading.Lock()

    @property
    def vocabulary(self) -> Mapping[str, int] | None:
        """Token string to embedding row; read on first use; None when unknown."""
        with self._lock:
            if self._read_vocabulary is not None:
                self._vocabulary = self._read_vocabulary()
                self._read_vocabulary = None
            return self._vocabulary

    def read(self, name: str, start: int = 0, stop: int | None = None) -> FloatArray:
        placement = self._place(name)
        shape = placement.info.shape
        if not shape:
            start, stop = 0, 1
        elif stop is None:
            stop = shape[0]
        if shape and not 0 <= start <= stop <= shape[0]:
            raise InvalidInput(f"Rows {start} to {stop} lie outside the {shape[0]} rows of {name}.")
        return self._counted(placement, lambda: placement.rows(start, stop))

    def read_within(self, name: str, index: int, start: int, stop: int) -> FloatArray:
        placement = self._place(name)
        shape = placement.info.shape
        if len(shape) < 2 or not (0 <= index < shape[0] and 0 <= start <= stop <= shape[1]):
            raise InvalidInput(f"Rows {start} to {stop} of entry {index} lie outside {name}.")
        return self._counted(placement, lambda: placement.within(index, start, stop))

    def _counted(self, placement: Placement, rows_of: Callable[[], tuple[FloatArray, int]]) -> FloatArray:
        try:
            rows, count = rows_of()
        except MemoryError as error:
            name = placement.info.name
            raise unreadable(
                placement.info.file, f"{name} does not fit in memory; read fewer rows"
            ) from error
        with self._lock:
            self.bytes_read += count
        return rows

    def read_stored(self, name: str) -> Iterator[bytes]:
        for piece in self._place(name).stored():
            with self._lock:
                self.bytes_read += len(piece)
            yield piece

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _place(self, name: str) -> Placement:
        try:
            return self._placements[name]
        except KeyError:
            raise InvalidInput(f"{self.source} has no tensor {name!r}.") from None


def digest_tensors(checkpoint: Checkpoint) -> str:
    """Return the weights digest: it names the tensors whatever files, shards or order they lie in.

    Args:
        checkpoint: Every stored byte of it is streamed once.

    Raises:
        UnreadableArtifact: A file became shorter while it was read.
    """
    return digest_weights(
        (info.name, info.dtype, info.shape, digest_chunks(checkpoint.read_stored(info.name)))
        for info in checkpoint.tensors.values()
    )
