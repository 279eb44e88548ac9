"""Bytes at an offset: what a reader needs of a file, whether it lies on disk or behind a server."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from pathlib import Path

from dokja.checkpoint.limits import unreadable
from dokja.errors import InvalidInput

_IOV_BYTES = 1 << 30  # Linux moves at most 2 GiB per call


class ByteSource(ABC):
    """A file of known size, read at offsets. Reads may come from several threads at once.

    Attributes:
        name: File name, for messages and `TensorInfo.file`.
        size: Length in bytes.
        piece_bytes: How much to ask for at a time when decoding a large tensor.
        remote: Whether every read costs a request.
    """

    name: str
    size: int
    piece_bytes: int
    remote: bool

    @abstractmethod
    def _fill(self, offset: int, buffer: memoryview) -> int:
        """Fill the buffer from offset on, and return how many bytes came."""

    @abstractmethod
    def close(self) -> None:
        """Release the file."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill a whole byte buffer from an offset on.

        Raises:
            UnreadableArtifact: The range lies outside the file, or the file became shorter.
        """
        length = buffer.nbytes
        if not 0 <= offset <= self.size - length:
            raise unreadable(
                self.name, f"{length} bytes at offset {offset} lie outside its {self.size} bytes"
            )
        if length and self._fill(offset, buffer) != length:
            raise unreadable(self.name, f"it ended while {length} bytes at offset {offset} were read")

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from an offset on; errors as `read_into`."""
        if not 0 <= length <= self.size:
            raise unreadable(
                self.name, f"{length} bytes at offset {offset} lie outside its {self.size} bytes"
            )
        buffer = bytearray(length)
        self.read_into(offset, memoryview(buffer))
        return bytes(buffer)


class LocalFile(ByteSource):
    """A regular file on disk."""

    remote = False
    piece_bytes = 1 << 20

    def __init__(self, path: Path, name: str = "") -> None:
        """Open a file.

        Args:
            path: Where it lies.
            name: How messages call it; its own name when empty.

        Raises:
            InvalidInput: There is no such file, or it is no regular file.
        """
        self.name = name or path.name
        try:
            # A pipe or device must not block the reader, so it is opened without waiting and then refused.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} cannot be opened: {getattr(error, 'strerror', error)}.") from error
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise InvalidInput(f"{path} is no regular file.")
        self.size = status.st_size

    def _fill(self, offset: int, buffer: memoryview) -> int:
        done = 0
        while done < buffer.nbytes:
            piece = buffer[done : done + _IOV_BYTES]
            try:
                count = os.preadv(self._descriptor, [piece], offset + done)
            except OSError as error:
                raise unreadable(self.name, f"the disk could not read it ({error.strerror})") from error
            if count == 0:
                break
            done += count
        return done

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
