"""JSON as text that is read a piece at a time: objects kept as their canonical text, and lists walked one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dokja.canonical import JSON, canonical_bytes, parse_json, parse_json_at
from dokja.errors import InvalidInput

_space = re.compile(r"[ \t\n\r]*").match


class Spelt(Mapping[str, JSON]):
    """An object whose values are kept as their canonical text and parsed whenever they are asked for.

    The rows of a run are ten times as large as values as they are as text.

    Args:
        texts: Name to the canonical bytes of its value.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = dict(texts)

    @classmethod
    def of(cls, value: Mapping[str, JSON]) -> Spelt:
        """Return an object's values, spelt.

        Raises:
            InvalidInput: One has no canonical form.
        """
        return cls({name: canonical_bytes(inner) for name, inner in value.items()})

    def __getitem__(self, name: str) -> JSON:
        return parse_json(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, name: str) -> bytes:
        """Return the canonical bytes of a value; KeyError when there is none."""
        return self._texts[name]


def text_of(value: Mapping[str, JSON], name: str) -> bytes:
    """Return the canonical bytes of one value of an object."""
    return value.text(name) if isinstance(value, Spelt) else canonical_bytes(value[name])


class Walker:
    """Reads a JSON text from its beginning to its end, a member or an element at a time.

    Args:
        text: The whole text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self) -> JSON:
        """Return the value that comes next, whole.

        Raises:
            InvalidInput: Nothing that reads in only one way comes next.
        """
        self._skip()
        value, self._at = parse_json_at(self._text, self._at)
        return value

    def members(self) -> Iterator[str]:
        """Yield the names of the object that comes next; whoever asks reads each one's value before the next name.

        Raises:
            InvalidInput: No object comes next, or it has the same key twice.
        """
        seen: set[str] = set()
        for _ in self._separated("{", "}"):
            name = self.value()
            if not isinstance(name, str) or name in seen:
                raise InvalidInput("An object has the same key twice, or a key that is no text.")
            seen.add(name)
            self._expect(":")
            yield name

    def elements(self) -> Iterator[JSON]:
        """Yield the elements of the list that comes next.

        Raises:
            InvalidInput: No list comes next.
        """
        for _ in self._separated("[", "]"):
            yield self.value()

    def begins(self, mark: str) -> bool:
        """Return whether a mark comes next."""
        self._skip()
        return self._text.startswith(mark, self._at)

    def end(self) -> None:
        """Require that nothing follows.

        Raises:
            InvalidInput: Something does.
        """
        self._skip()
        if self._at != len(self._text):
            raise InvalidInput(f"Something follows the end, at character {self._at}.")

    def _separated(self, first: str, last: str) -> Iterator[None]:
        self._expect(first)
        if not self.begins(last):
            yield None
            while self.begins(","):
                self._at += 1
                yield None
        self._expect(last)

    def _expect(self, mark: str) -> None:
        if not self.begins(mark):
            raise InvalidInput(f"{mark!r} is missing at character {self._at}.")
        self._at += len(mark)

    def _skip(self) -> None:
        found = _space(self._text, self._at)
        self._at = found.end() if found else self._at
