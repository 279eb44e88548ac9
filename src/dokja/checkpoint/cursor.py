"""Reading forward through a file without holding it: every length is checked against what remains."""

from __future__ import annotations

import struct

from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.limits import unreadable

_LOCAL_WINDOW_BYTES = 1 << 18
_REMOTE_WINDOW_BYTES = 1 << 20


class Cursor:
    """A place in a file and an end it must not pass. Only a window of the file is in memory."""

    def __init__(self, file: ByteSource, offset: int, end: int) -> None:
        """Start at an offset.

        Args:
            file: The file.
            offset: First byte to read.
            end: First byte not to read; at most the file's size.
        """
        self.file = file
        self.offset = offset
        self.end = end
        self._window = b""
        self._window_start = 0
        self._window_bytes = _REMOTE_WINDOW_BYTES if file.remote else _LOCAL_WINDOW_BYTES

    def require(self, length: int) -> None:
        """Refuse a length beyond the end."""
        if length > self.end - self.offset:
            raise unreadable(
                self.file.name,
                f"it asks for {length} bytes at offset {self.offset}, where {max(0, self.end - self.offset)} may be read",
            )

    def take(self, length: int) -> bytes:
        """Return the next bytes and step over them."""
        self.require(length)
        first = self.offset - self._window_start
        if first < 0 or first + length > len(self._window):
            size = max(length, min(self._window_bytes, self.file.size - self.offset))
            self._window, self._window_start, first = self.file.read(self.offset, size), self.offset, 0
        self.offset += length
        return self._window[first : first + length]

    def skip(self, length: int) -> None:
        """Step over bytes without reading them."""
        self.require(length)
        self.offset += length

    def number(self, code: str) -> int | float:
        """Return one little-endian number by its struct code."""
        (value,) = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))
        return value  # type: ignore[no-any-return]  # struct says nothing of what a code yields

    def integer(self, code: str) -> int:
        """Return one little-endian integer by its struct code."""
        return int(self.number(code))

    def text(self, length: int, longest: int) -> str:
        """Return a UTF-8 string of bounded length."""
        if length > longest:
            raise unreadable(
                self.file.name,
                f"a text at offset {self.offset} has {length} bytes; at most {longest} are read",
            )
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise unreadable(
                self.file.name, f"the text at offset {self.offset - length} is no UTF-8"
            ) from error

    def varint(self) -> int:
        """Return one protobuf base-128 integer, unsigned, below 2^64."""
        start = self.offset
        at = start - self._window_start
        piece = self._window[at : at + 10] if at >= 0 else b""
        if piece and piece[0] < 0x80 and start < self.end:  # nearly all of them
            self.offset = start + 1
            return piece[0]
        if len(piece) < 10:
            piece = self.take(min(10, self.end - start))
            self.offset = start
        value = 0
        for position, byte in enumerate(piece[: self.end - start]):
            value |= (byte & 0x7F) << (7 * position)
            if byte < 0x80:
                self.offset = start + position + 1
                return value & 0xFFFFFFFFFFFFFFFF
        raise unreadable(self.file.name, f"the integer at offset {start} has no end")
