"""The wire format of protocol buffers: numbered fields, walked without a schema and without recursion into payloads.

ONNX models and sentencepiece tokenizers are written in it. Payloads are handed out as places in the file; every
field counts against one budget, so that no message, however nested, is walked for long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.cursor import Cursor
from dokja.checkpoint.limits import Limits, unreadable

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field of a message.

    Args:
        number: Its number in the schema.
        wire: How it is written: VARINT, FIXED64, LENGTH or FIXED32.
        value: The integer of a VARINT; else the offset of its payload in the file.
        length: Bytes of the payload; 0 for a VARINT.
    """

    number: int
    wire: int
    value: int
    length: int

    @property
    def end(self) -> int:
        """Offset behind the payload."""
        return self.value + self.length


class Wire:
    """Messages of one file, under one budget of fields."""

    def __init__(self, file: ByteSource, limits: Limits) -> None:
        """Take a file.

        Args:
            file: The file.
            limits: Its bound on fields and on texts.
        """
        self.file = file
        self._cursor = Cursor(file, 0, file.size)
        self._limits = limits
        self._left = limits.steps

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message at start..end.

        Raises:
            UnreadableArtifact: A field is malformed, reaches beyond its message, or is one too many.
        """
        cursor = self._cursor
        offset = start
        while offset < end:
            self._left -= 1
            if self._left < 0:
                raise unreadable(self.file.name, f"it has more than {self._limits.steps} fields")
            # Messages inside this one are walked with the same cursor, between two steps of this loop.
            cursor.offset, cursor.end = offset, end
            tag = cursor.varint()
            number, wire = tag >> 3, tag & 7
            if number == 0:
                raise unreadable(self.file.name, f"the field at offset {offset} has the number 0")
            if wire == VARINT:
                field = Field(number, wire, cursor.varint(), 0)
            elif wire == LENGTH:
                length = cursor.varint()
                field = Field(number, wire, cursor.offset, length)
                cursor.skip(length)
            elif wire in _WIDTHS:
                field = Field(number, wire, cursor.offset, _WIDTHS[wire])
                cursor.skip(field.length)
            else:
                raise unreadable(
                    self.file.name, f"the field at offset {offset} has the unknown wire type {wire}"
                )
            offset = cursor.offset
            yield field

    def payload(self, field: Field, longest: int) -> bytes:
        """Return the bytes of a field, of bounded length."""
        self._require_payload(field, longest)
        self._cursor.offset, self._cursor.end = field.value, field.end
        return self._cursor.take(field.length)

    def text(self, field: Field, longest: int = 0) -> str:
        """Return the text of a field; at most `longest` bytes, or those of a name."""
        longest = longest or 4 * self._limits.name_chars
        self._require_payload(field, longest)
        self._cursor.offset, self._cursor.end = field.value, field.end
        return self._cursor.text(field.length, longest)

    def integers(self, field: Field) -> list[int]:
        """Return the signed 64-bit integers of a repeated field, packed or not; few, because they are a shape."""
        if field.wire == VARINT:
            return [_signed(field.value)]
        self._require_payload(field, 10 * self._limits.dimensions)
        self._cursor.offset, self._cursor.end = field.value, field.end
        found: list[int] = []
        while self._cursor.offset < field.end:
            found.append(_signed(self._cursor.varint()))
        return found

    def _require_payload(self, field: Field, longest: int) -> None:
        if field.wire != LENGTH or field.length > longest:
            raise unreadable(
                self.file.name,
                f"field {field.number} at offset {field.value} is no payload of at most {longest} bytes",
            )


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
