"""Write weights as sharded safetensors or split GGUF, in plain numpy, a bounded piece at a time.

The counterpart of `dokja.checkpoint`, which only reads. Encodings: F32, F16, BF16 in both formats, Q8_0 and Q4_0 in
GGUF.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_PIECE_ELEMENTS = 1 << 21
_BLOCK = 32
_ALIGNMENT = 32
_GGUF_CODES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "BF16": 30}
_BLOCK_BYTES = {"Q4_0": 18, "Q8_0": 34}
_ELEMENT_BYTES = {"F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor to be written, read only when its turn comes.

    Args:
        name: Name in the file.
        shape: Row-major.
        rows: Returns rows [start, stop) along the first axis as float32.
    """

    name: str
    shape: tuple[int, ...]
    rows: Callable[[int, int], FloatArray]

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def pieces(self) -> Iterator[FloatArray]:
        """Yield the tensor's rows in order, a few million values at a time."""
        step = max(1, _PIECE_ELEMENTS // max(1, self.size // self.shape[0]))
        for start in range(0, self.shape[0], step):
            yield self.rows(start, min(start + step, self.shape[0]))


def encode(values: FloatArray, encoding: str) -> bytes:
    """Return the stored bytes of float32 values, rounded to nearest.

    Args:
        values: Any shape; for block encodings the number of values is a multiple of 32.
        encoding: F32, F16, BF16, Q8_0 or Q4_0.
    """
    if encoding == "BF16":
        bits = np.ascontiguousarray(values).view(np.uint32)
        # Nearest, ties to even: half a unit of the last kept place, less one where that place is already even.
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    if encoding == "Q8_0":
        return _encode_q8_0(values.reshape(-1, _BLOCK)).tobytes()
    if encoding == "Q4_0":
        return _encode_q4_0(values.reshape(-1, _BLOCK)).tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[encoding]).tobytes()


def write_safetensors(
    folder: Path, tensors: Sequence[Tensor], *, encoding: str = "BF16", shards: int = 1
) -> None:
    """Write tensors as `model.safetensors`, or as shards with an index.

    Args:
        folder: Existing folder.
        tensors: What to write, in file order.
        encoding: F32, F16 or BF16.
        shards: Number of files, or fewer where one tensor outweighs a share.
    """
    files: dict[str, str] = {}
    groups = _split(tensors, shards)
    for number, group in enumerate(groups, start=1):
        name = (
            "model.safetensors" if len(groups) == 1 else f"model-{number:05}-of-{len(groups):05}.safetensors"
        )
        with (folder / name).open("wb") as out:
            _write_safetensors_file(out, group, encoding)
        files.update({tensor.name: name for tensor in group})
    if len(groups) > 1:
        total = sum(tensor.size for tensor in tensors) * _ELEMENT_BYTES[encoding]
        index = {"metadata": {"total_size": total}, "weight_map": files}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1), "utf-8")


def write_gguf(
    folder: Path,
    tensors: Sequence[Tensor],
    metadata: Mapping[str, int | float | str],
    *,
    encoding: str = "Q8_0",
    shards: int = 1,
) -> None:
    """Write tensors as `model.gguf`, or split the way llama.cpp splits.

    Vectors stay F32; matrices whose rows are no whole blocks fall back to F16.

    Args:
        folder: Existing folder.
        tensors: What to write, in file order.
        metadata: GGUF keys; integers become UINT32 and floats FLOAT32.
        encoding: F32, F16, BF16, Q8_0 or Q4_0.
        shards: Number of files, or fewer where one tensor outweighs a share.
    """
    groups = _split(tensors, shards)
    for number, group in enumerate(groups):
        name = "model.gguf" if len(groups) == 1 else f"model-{number + 1:05}-of-{len(groups):05}.gguf"
        keys = dict(metadata) if number == 0 else {}
        if len(groups) > 1:
            keys |= {"split.no": number, "split.count": len(groups), "split.tensors.count": len(tensors)}
        with (folder / name).open("wb") as out:
            _write_gguf_file(out, group, keys, encoding)


def _split(tensors: Sequence[Tensor], shards: int) -> list[list[Tensor]]:
    """Cut the list into consecutive groups of about equal size; fewer where one tensor outweighs a group."""
    total = sum(tensor.size for tensor in tensors)
    groups: dict[int, list[Tensor]] = {}
    before = 0
    for tensor in tensors:
        middle = before + tensor.size / 2
        groups.setdefault(min(int(middle / total * shards), shards - 1), []).append(tensor)
        before += tensor.size
    return list(groups.values())


def _write_safetensors_file(out: BinaryIO, tensors: Sequence[Tensor], encoding: str) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for tensor in tensors:
        end = offset + tensor.size * _ELEMENT_BYTES[encoding]
        header[tensor.name] = {"dtype": encoding, "shape": tensor.shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(struct.pack("<Q", len(text)) + text)
    for tensor in tensors:
        for piece in tensor.pieces():
            out.write(encode(piece, encoding))


def _write_gguf_file(
    out: BinaryIO, tensors: Sequence[Tensor], metadata: Mapping[str, int | float | str], encoding: str
) -> None:
    out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata.items():
        out.write(_gguf_text(key) + _gguf_value(value))
    offset = 0
    encodings = [_gguf_encoding(tensor, encoding) for tensor in tensors]
    for tensor, chosen in zip(tensors, encodings, strict=True):
        axes = tensor.shape[::-1]
        out.write(_gguf_text(tensor.name) + struct.pack(f"<I{len(axes)}Q", len(axes), *axes))
        out.write(struct.pack("<IQ", _GGUF_CODES[chosen], offset))
        offset += _padded(_stored_bytes(tensor.size, chosen))
    out.write(b"\0" * (-out.tell() % _ALIGNMENT))
    for tensor, chosen in zip(tensors, encodings, strict=True):
        for piece in tensor.pieces():
            out.write(encode(piece, chosen))
        out.write(b"\0" * (-out.tell() % _ALIGNMENT))


def _gguf_encoding(tensor: Tensor, wanted: str) -> str:
    if len(tensor.shape) < 2:
        return "F32"
    return "F16" if wanted in _BLOCK_BYTES and tensor.shape[-1] % _BLOCK else wanted


def _stored_bytes(size: int, encoding: str) -> int:
    if encoding in _BLOCK_BYTES:
        return size // _BLOCK * _BLOCK_BYTES[encoding]
    return size * _ELEMENT_BYTES[encoding]


def _padded(length: int) -> int:
    return length + -length % _ALIGNMENT


def _gguf_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _gguf_value(value: int | float | str) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _gguf_text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<II", 4, value)


def _encode_q8_0(blocks: FloatArray) -> NDArray[np.uint8]:
    """One half-precision step and 32 signed bytes per block; (blocks, 34) bytes."""
    step = np.abs(blocks).max(axis=1) / np.float32(127)
    quotient = np.divide(blocks, step[:, None], out=np.zeros_like(blocks), where=step[:, None] > 0)
    packed = np.empty((len(blocks), _BLOCK_BYTES["Q8_0"]), dtype=np.uint8)
    packed[:, :2] = step.astype("<f2").view(np.uint8).reshape(-1, 2)
    packed[:, 2:] = np.rint(quotient).astype(np.int8).view(np.uint8)
    return packed


def _encode_q4_0(blocks: FloatArray) -> NDArray[np.uint8]:
    """One half-precision step and 16 bytes of two nibbles per block; (blocks, 18) bytes.

    The value of largest magnitude takes level -8, so the step carries its sign.
    """
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=1)[:, None], axis=1)
    step = largest / np.float32(-8)
    quotient = np.divide(blocks, step, out=np.zeros_like(blocks), where=step != 0)
    level = np.clip(np.rint(quotient) + 8, 0, 15).astype(np.uint8)
    packed = np.empty((len(blocks), _BLOCK_BYTES["Q4_0"]), dtype=np.uint8)
    packed[:, :2] = step.astype("<f2").view(np.uint8).reshape(-1, 2)
    packed[:, 2:] = level[:, : _BLOCK // 2] | (level[:, _BLOCK // 2 :] << 4)
    return packed
