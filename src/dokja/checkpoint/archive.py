"""The directory of a zip archive, read with suspicion; nothing is ever unpacked.

Only stored (uncompressed) entries can be reached, so no archive grows when read. The directory must end exactly
where its end record begins, entries must not overlap, and each local header must repeat its entry's name.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.limits import Limits, unreadable

_END = struct.Struct("<4s4H2IH")
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_MASK32, _MASK16 = 0xFFFFFFFF, 0xFFFF
_ENCRYPTED = 1
_STORED = 0
_EXTRA64 = 1


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file of an archive.

    Args:
        name: Path inside the archive.
        size: Bytes of the file.
        stored: Whether it lies uncompressed.
        offset: Where its local header begins.
        limit: Where the next entry, or the directory, begins.
    """

    name: str
    size: int
    stored: bool
    offset: int
    limit: int


def parse_archive(file: ByteSource, limits: Limits) -> Mapping[str, ArchiveMember]:
    """Return the entries of a zip archive by name.

    Args:
        file: The archive.
        limits: What it may ask for.

    Raises:
        UnreadableArtifact: Its directory is not what it says.
    """
    count, size, start = _find_directory(file)
    if size > limits.header_bytes or count > limits.tensors + limits.files:
        raise unreadable(
            file.name, f"its archive directory has {count} entries in {size} bytes, more than is read"
        )
    raw = _parse_entries(file.read(start, size), count, file.name)
    raw.sort(key=lambda entry: entry[3])
    if raw and raw[0][3] != 0:
        raise unreadable(file.name, f"{raw[0][3]} bytes precede the first entry of the archive")
    entries: dict[str, ArchiveMember] = {}
    bounds = [offset for _, _, _, offset, _ in raw[1:]] + [start]
    for (name, entry_size, stored, offset, packed), limit in zip(raw, bounds, strict=True):
        if offset + _LOCAL.size + len(name.encode()) + packed > limit:
            raise unreadable(file.name, f"archive entry {name[:80]!r} overlaps what follows it")
        if name in entries:
            raise unreadable(file.name, f"archive entry {name[:80]!r} occurs twice")
        entries[name] = ArchiveMember(name, entry_size, stored, offset, limit)
    return entries


def data_offset(file: ByteSource, entry: ArchiveMember) -> int:
    """Return where the bytes of a stored entry begin.

    Raises:
        UnreadableArtifact: It is compressed, or its local header disagrees with the directory.
    """
    if not entry.stored:
        raise unreadable(
            file.name, f"archive entry {entry.name[:80]!r} is compressed; tensors lie uncompressed"
        )
    name = entry.name.encode()
    fixed = file.read(entry.offset, _LOCAL.size + len(name))
    magic, _, _, method, *_, name_length, extra_length = _LOCAL.unpack(fixed[: _LOCAL.size])
    if (magic, method, name_length, fixed[_LOCAL.size :]) != (b"PK\3\4", _STORED, len(name), name):
        raise unreadable(file.name, f"archive entry {entry.name[:80]!r} differs from its local header")
    offset = entry.offset + len(fixed) + extra_length
    if offset + entry.size > entry.limit:
        raise unreadable(file.name, f"archive entry {entry.name[:80]!r} overlaps what follows it")
    return int(offset)


def _find_directory(file: ByteSource) -> tuple[int, int, int]:
    """Return entry count, size and offset of the central directory."""
    tail_length = min(file.size, _END.size + _MASK16)
    tail = file.read(file.size - tail_length, tail_length)
    position = tail.rfind(b"PK\5\6")
    if position < 0 or position + _END.size > len(tail):
        raise unreadable(file.name, "its archive has no directory; it was cut short")
    _, disk, first_disk, on_disk, count, size, start, comment = _END.unpack_from(tail, position)
    if position + _END.size + comment != len(tail):
        raise unreadable(file.name, "bytes follow the end of its archive")
    end = file.size - tail_length + position
    if end >= _LOCATOR64.size and file.read(end - _LOCATOR64.size, 4) == b"PK\6\7":
        _, _, end64, _ = _LOCATOR64.unpack(file.read(end - _LOCATOR64.size, _LOCATOR64.size))
        if end64 + _END64.size + _LOCATOR64.size != end:
            raise unreadable(file.name, "its archive's 64-bit end record is not where it is said to be")
        magic, length, _, _, disk, first_disk, on_disk, count, size, start = _END64.unpack(
            file.read(end64, _END64.size)
        )
        if magic != b"PK\6\6" or length != _END64.size - 12:
            raise unreadable(file.name, "its archive's 64-bit end record is malformed")
        end = end64
    if disk or first_disk or on_disk != count:
        raise unreadable(file.name, "its archive claims to span several disks")
    if start + size != end:
        raise unreadable(
            file.name, f"its archive directory of {size} bytes at {start} does not end where it should"
        )
    return count, size, start


def _parse_entries(directory: bytes, count: int, where: str) -> list[tuple[str, int, bool, int, int]]:
    """Return (name, size, stored, header offset, packed size) of each entry."""
    found: list[tuple[str, int, bool, int, int]] = []
    position = 0
    for _ in range(count):
        if position + _ENTRY.size > len(directory):
            raise unreadable(where, "its archive directory ends before its last entry")
        magic, _, _, flags, method, _, _, _, packed, size, name_length, extra_length, comment, *_, offset = (
            _ENTRY.unpack_from(directory, position)
        )
        after = position + _ENTRY.size
        position = after + name_length + extra_length + comment
        if magic != b"PK\1\2" or position > len(directory):
            raise unreadable(where, "its archive directory is malformed")
        name = _entry_name(directory[after : after + name_length], where)
        extra = directory[after + name_length : after + name_length + extra_length]
        size, packed, offset = _widen(size, packed, offset, extra, where)
        if flags & _ENCRYPTED:
            raise unreadable(where, f"archive entry {name[:80]!r} is encrypted")
        if method == _STORED and size != packed:
            raise unreadable(
                where, f"archive entry {name[:80]!r} is stored, yet {packed} bytes stand for {size}"
            )
        found.append((name, size, method == _STORED, offset, packed))
    if position != len(directory):
        raise unreadable(where, "its archive directory holds more than its entries")
    return found


def _entry_name(raw: bytes, where: str) -> str:
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(where, "an archive entry's name is no UTF-8") from error
    if not name or not name.isprintable() or name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise unreadable(where, f"the archive entry {name[:80]!a} is no plain path")
    return name


def _widen(size: int, packed: int, offset: int, extra: bytes, where: str) -> tuple[int, int, int]:
    """Return the sizes and offset with 64-bit values from the extra field where the 32-bit ones are full."""
    if _MASK32 not in (size, packed, offset):
        return size, packed, offset
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == _EXTRA64:
            wide = (
                list(struct.unpack_from(f"<{length // 8}Q", extra[: position + 4 + length], position + 4))
                if (position + 4 + length <= len(extra))
                else []
            )
            values = [wide.pop(0) if value == _MASK32 and wide else value for value in (size, packed, offset)]
            return values[0], values[1], values[2]
        position += 4 + length
    raise unreadable(where, "an archive entry's 64-bit sizes are missing")
