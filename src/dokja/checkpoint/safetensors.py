"""safetensors: eight bytes of length, a JSON header, then the tensors without gap or overlap.

Stricter than the public library, which lets pass repeated keys, names that are paths, megabytes of free text and a
million empty tensors.
"""

from __future__ import annotations

import struct
from math import prod

from dokja.canonical import JSON, parse_json
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import TensorInfo
from dokja.checkpoint.limits import Limits, require_name, require_shape, unreadable
from dokja.checkpoint.stored import Contiguous, Layout
from dokja.encodings.encoding import PLAIN
from dokja.errors import InvalidInput

# The library writes two of the names differently from how most people say them.
_NAMES = {"F8_E4M3FN": "F8_E4M3", "F4_E2M1FN_X2": "F4"}
_FIELDS = {"dtype", "shape", "data_offsets"}


def parse_safetensors(file: ByteSource, limits: Limits) -> Layout:
    """Return what lies where in one safetensors file.

    Args:
        file: The file.
        limits: What it may ask for.

    Raises:
        UnreadableArtifact: It is not what its header says.
    """
    header, data_start = _read_header(file, limits)
    metadata = _check_metadata(header.pop("__metadata__", {}), file.name, limits)
    if len(header) > limits.tensors:
        raise unreadable(file.name, f"more than {limits.tensors} tensors")
    placed = [_place(name, entry, file, data_start, limits) for name, entry in header.items()]
    placed.sort(key=lambda tensor: (tensor.offset, tensor.info.stored_bytes))
    _require_gapless(placed, file, data_start)
    return Layout(list(placed), metadata)


def _read_header(file: ByteSource, limits: Limits) -> tuple[dict[str, JSON], int]:
    if file.size < 10:
        raise unreadable(file.name, f"its {file.size} bytes are too few for a safetensors header")
    (length,) = struct.unpack("<Q", file.read(0, 8))
    if length > limits.header_bytes:
        raise unreadable(
            file.name, f"its header declares {length} bytes; at most {limits.header_bytes} are read"
        )
    if length > file.size - 8:
        raise unreadable(file.name, f"its header declares {length} bytes, but only {file.size - 8} follow")
    text = file.read(8, length)
    if not text.startswith(b"{"):
        raise unreadable(file.name, "its header does not begin with '{'")
    # Containers are counted before they are built: a header of nothing but brackets would cost gigabytes.
    if text.count(b"{") + text.count(b"[") > 3 * limits.tensors + 16:
        raise unreadable(file.name, f"its header has more than {limits.tensors} tensors")
    try:
        header = parse_json(text.decode("utf-8"))
    except (InvalidInput, UnicodeDecodeError) as error:
        raise unreadable(file.name, f"its header cannot be read ({error})") from error
    if not isinstance(header, dict):
        raise unreadable(file.name, "its header is no JSON object")
    return header, 8 + length


def _check_metadata(metadata: JSON, where: str, limits: Limits) -> dict[str, JSON]:
    if not isinstance(metadata, dict):
        raise unreadable(where, "__metadata__ is no JSON object")
    total = 0
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise unreadable(where, f"__metadata__ entry {key[:60]!r} is no text")
        total += len(key) + len(value)
    if len(metadata) > limits.metadata_items or total > limits.metadata_bytes:
        raise unreadable(
            where, f"__metadata__ has {len(metadata)} entries and {total} characters, more than is read"
        )
    return metadata


def _place(name: str, entry: JSON, file: ByteSource, data_start: int, limits: Limits) -> Contiguous:
    require_name(name, file.name, limits)
    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise unreadable(file.name, f"tensor {name} is not declared by exactly dtype, shape and data_offsets")
    dtype = entry["dtype"]
    encoding = PLAIN.get(_NAMES.get(dtype, dtype)) if isinstance(dtype, str) else None
    if encoding is None:
        raise unreadable(file.name, f"tensor {name} has the unknown dtype {str(dtype)[:40]!r}")
    shape = require_shape(entry["shape"], name, file.name, limits)
    offsets = entry["data_offsets"]
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or any(type(offset) is not int for offset in offsets)
    ):
        raise unreadable(file.name, f"tensor {name} has no pair of data_offsets")
    begin, end = int(str(offsets[0])), int(str(offsets[1]))
    if not 0 <= begin <= end <= file.size - data_start:
        raise unreadable(file.name, f"tensor {name} lies at {begin}..{end}, outside the file's data")
    elements = prod(shape)
    if elements % encoding.block_elements or encoding.stored_bytes(elements) != end - begin:
        raise unreadable(
            file.name,
            f"tensor {name} has {end - begin} bytes, but {list(shape)} of {encoding.name} needs "
            f"{elements * encoding.block_bytes // encoding.block_elements}",
        )
    info = TensorInfo(name, encoding.name, shape, end - begin, file.name)
    return Contiguous(info, file, data_start + begin, encoding)


def _require_gapless(placed: list[Contiguous], file: ByteSource, data_start: int) -> None:
    """Refuse holes, overlaps and bytes behind the last tensor: places to hide what other readers see."""
    expected = data_start
    for tensor in placed:
        if tensor.offset != expected:
            kind = "overlaps the tensor before it" if tensor.offset < expected else "lies behind a hole"
            raise unreadable(
                file.name, f"tensor {tensor.info.name} {kind}, at data offset {tensor.offset - data_start}"
            )
        expected += tensor.info.stored_bytes
    if expected != file.size:
        raise unreadable(file.name, f"{file.size - expected} bytes follow the last tensor")
