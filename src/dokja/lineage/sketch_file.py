"""The sketch as canonical bytes: the same model, plan and declarations always give the same file.

    "DOKJASK1" | header length, 8 bytes little-endian | canonical JSON header | keys, int64 | values, float16

The header names every block and, by position, its keys and values. Nothing in the file is executed, and nothing
it declares is believed beyond the bytes that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Axis
from dokja.canonical import canonical_bytes, digest_bytes, parse_json
from dokja.errors import InvalidInput, UnreadableArtifact
from dokja.lineage.sampling import Plan
from dokja.lineage.sketch import Block, Sketch, SketchedComponent, from_half_precision, half_precision

MAGIC = b"DOKJASK1"
_MOST_HEADER_BYTES = 64 << 20
_MOST_FILE_BYTES = 4 << 30


def sketch_bytes(sketch: Sketch) -> bytes:
    """Return the one encoding of a sketch."""
    keys: dict[bytes, int] = {}
    values: list[NDArray[np.float16]] = []
    components = []
    for component in sketch.components:
        described = {k: v for k, v in _asdict_shallow(component).items() if k != "blocks"}
        described["blocks"] = [_describe(block, keys, values) for block in component.blocks]
        components.append(described)
    header = canonical_bytes(
        {
            "version": 1,
            "name": sketch.name,
            "owner": sketch.owner,
            "licence": sketch.licence,
            "family": sketch.family,
            "plan": asdict(sketch.plan),
            "bytes_read": sketch.bytes_read,
            "total_bytes": sketch.total_bytes,
            "unassigned": sketch.unassigned,
            "key_counts": [len(raw) // 8 for raw in keys],
            "components": components,
        }
    )
    body = b"".join(keys) + b"".join(v.astype("<f2").tobytes() for v in values)
    return MAGIC + len(header).to_bytes(8, "little") + header + body


def sketch_digest(sketch: Sketch) -> str:
    """Return the digest by which findings name a sketch."""
    return digest_bytes(sketch_bytes(sketch))


def is_sketch(path: Path) -> bool:
    """Return whether a path is a file that begins as sketches do."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_sketch(path: Path) -> Sketch:
    """Return the sketch in a file.

    Raises:
        UnreadableArtifact: It is no sketch, is cut short, or asks for more than its bytes hold.
    """
    if path.stat().st_size > _MOST_FILE_BYTES:
        raise UnreadableArtifact(f"{path.name} is larger than any sketch ({_MOST_FILE_BYTES >> 30} GiB).")
    return parse_sketch(path.read_bytes(), path.name)


def parse_sketch(data: bytes, name: str = "the sketch") -> Sketch:
    """Return the sketch that bytes encode.

    Raises:
        UnreadableArtifact: They do not encode one, and where they fail to.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise UnreadableArtifact(f"{name} does not begin as a sketch does.")
    length = int.from_bytes(data[8:16], "little")
    if length > min(_MOST_HEADER_BYTES, len(data) - 16):
        raise UnreadableArtifact(f"{name} declares a header longer than the file.")
    try:
        header = parse_json(data[16 : 16 + length])
        if not isinstance(header, dict):
            raise UnreadableArtifact(f"{name} has a header that is no object.")
        return _rebuild(header, memoryview(data)[16 + length :])
    except (InvalidInput, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnreadableArtifact(f"{name} has a header that does not describe its bytes: {error}.") from error


def _asdict_shallow(component: SketchedComponent) -> dict[str, Any]:
    """Return a component's fields without copying its blocks."""
    return {field: getattr(component, field) for field in component.__slots__}


def _describe(block: Block, keys: dict[bytes, int], values: list[NDArray[np.float16]]) -> dict[str, object]:
    half, exponent = half_precision(block.values)
    values.append(half)
    return {
        "role": block.role,
        "layer": block.layer,
        "expert": block.expert,
        "axes": [axis.value for axis in block.axes],
        "shape": list(block.shape),
        "dtype": block.dtype,
        "status": block.status,
        "rows": keys.setdefault(block.row_keys.astype("<i8").tobytes(), len(keys)),
        "columns": keys.setdefault(block.column_keys.astype("<i8").tobytes(), len(keys)),
        "exponent": exponent,
    }


class _Body:
    """Takes arrays off the bytes after the header, never more than are there."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int, dtype: str) -> NDArray[Any]:
        size = count * np.dtype(dtype).itemsize
        if count < 0 or self._at + size > len(self._data):
            raise ValueError("the file ends before the values it declares")
        out = np.frombuffer(self._data, dtype=dtype, count=count, offset=self._at)
        self._at += size
        return out

    def require_end(self) -> None:
        if self._at != len(self._data):
            raise ValueError("bytes follow the last declared value")


def _rebuild(header: Mapping[str, Any], data: memoryview) -> Sketch:
    if header["version"] != 1:
        raise ValueError(f"version {header['version']} is not known here")
    body = _Body(data)
    keys = [body.take(int(count), "<i8").astype(np.int64) for count in header["key_counts"]]
    components = []
    for described in header["components"]:
        fields = {k: v for k, v in described.items() if k != "blocks"}
        blocks = tuple(_rebuild_block(b, keys, body) for b in described["blocks"])
        components.append(SketchedComponent(**fields, blocks=blocks))
    body.require_end()
    return Sketch(
        name=str(header["name"]),
        owner=str(header["owner"]),
        licence=str(header["licence"]),
        family=str(header["family"]),
        plan=Plan(**header["plan"]),
        components=tuple(components),
        unassigned={str(k): str(v) for k, v in header["unassigned"].items()},
        bytes_read=int(header["bytes_read"]),
        total_bytes=int(header["total_bytes"]),
    )


def _rebuild_block(b: Mapping[str, Any], keys: list[NDArray[np.int64]], body: _Body) -> Block:
    rows, columns = keys[_index(b["rows"], keys)], keys[_index(b["columns"], keys)]
    half = body.take(len(rows) * len(columns), "<f2").reshape(len(rows), len(columns))
    if not np.isfinite(half).all():
        raise ValueError("a value is NaN or infinite")
    if not -2000 < b["exponent"] < 2000:
        raise ValueError("an exponent is out of range")
    return Block(
        role=str(b["role"]),
        layer=None if b["layer"] is None else int(b["layer"]),
        expert=None if b["expert"] is None else int(b["expert"]),
        axes=(Axis(b["axes"][0]), Axis(b["axes"][1])),
        shape=tuple(int(n) for n in b["shape"]),
        dtype=str(b["dtype"]),
        row_keys=rows,
        column_keys=columns,
        values=from_half_precision(half, int(b["exponent"])),
        status=str(b["status"]),
    )


def _index(value: object, keys: list[NDArray[np.int64]]) -> int:
    if not isinstance(value, int) or not 0 <= value < len(keys):
        raise ValueError("a block names keys that are not there")
    return value
