"""The rows of a run: one answer each, kept in columns, since a run has thousands of them and a stage hundreds of runs."""

from __future__ import annotations

import math
import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from dokja.canonical import JSON
from dokja.grammar.types import ID_PATTERN, wrong
from dokja.record.terms import RowState

_STATES = tuple(RowState)
_is_id = re.compile(ID_PATTERN).fullmatch
_ROW = {
    "type": "array",
    "prefixItems": [
        {"type": "string", "pattern": f"^(?:{ID_PATTERN})$"},
        {"type": "string", "pattern": f"^(?:{ID_PATTERN})$"},
        {"type": "integer", "minimum": 0},
        {"enum": [state.value for state in _STATES]},
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]},
    ],
    "minItems": 5,
    "maxItems": 5,
}


class Row(NamedTuple):
    """One answer of a run.

    Args:
        item: Which question.
        passage: What it is about; items of one passage are not independent.
        repeat: Which time it was asked, from 0.
        state: How it ended.
        score: In [0, 1] when it was scored; None otherwise.
    """

    item: str
    passage: str
    repeat: int
    state: RowState
    score: float | None


class Rows(Sequence[Row]):
    """The rows of a run, read-only.

    Args:
        items: (rows,) ids of the items.
        passages: (rows,) ids of their passages.
        repeats: (rows,) which time each was asked.
        states: (rows,) index of each row's state among `RowState`.
        scores: (rows,) scores; NaN where there is none.
    """

    __slots__ = ("items", "passages", "repeats", "scores", "states")

    def __init__(
        self,
        items: tuple[str, ...],
        passages: tuple[str, ...],
        repeats: array[int],
        states: bytes,
        scores: array[float],
    ) -> None:
        self.items, self.passages, self.repeats = items, passages, repeats
        self.states, self.scores = states, scores

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Row]:
        for item, passage, repeat, state, score in zip(
            self.items, self.passages, self.repeats, self.states, self.scores, strict=True
        ):
            yield Row(item, passage, repeat, _STATES[state], None if math.isnan(score) else score)

    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self.as_json() == other.as_json()

    def __hash__(self) -> int:
        return hash((self.items, self.states))

    def count_states(self) -> Counter[str]:
        """Return how many answers ended in each state; states in which none did are left out."""
        counts = {state.value: self.states.count(index) for index, state in enumerate(_STATES)}
        return Counter({state: count for state, count in counts.items() if count})

    def as_json(self) -> list[JSON]:
        """Return the rows as an event's JSON holds them: `[item, passage, repeat, state, score]` each."""
        return [[row.item, row.passage, row.repeat, row.state.value, row.score] for row in self]

    @classmethod
    def read(cls, value: object) -> Rows:
        """Return the rows a JSON list holds.

        Raises:
            PydanticCustomError: A row is none, an item is answered twice under one repeat, or stands in two passages.
        """
        if isinstance(value, Rows):
            return value
        if not isinstance(value, (list, tuple)):
            raise wrong("expected_list", "is not a list")
        items, passages, states = [], [], bytearray()
        repeats, scores = array("l"), array("d")
        for row in value:
            problem = _problem(row)
            if problem:
                raise wrong(
                    "not_a_row", "holds a row that {problem}: {row}", problem=problem, row=repr(row)[:80]
                )
            item, passage, repeat, state, score = row
            items.append(sys.intern(item))
            passages.append(sys.intern(passage))
            repeats.append(repeat)
            states.append(_STATE_OF[state])
            scores.append(math.nan if score is None else score)
        rows = cls(tuple(items), tuple(passages), repeats, bytes(states), scores)
        rows.require_consistent()
        return rows

    def require_consistent(self) -> None:
        """Require that every item is answered once under each repeat, and stands in one passage."""
        answered = set(zip(self.items, self.repeats, strict=True))
        if len(answered) != len(self.items):
            seen: set[tuple[str, int]] = set()
            for key in zip(self.items, self.repeats, strict=True):
                if key in seen:
                    raise wrong(
                        "answered_twice",
                        "answers item {item}, repeat {repeat}, twice",
                        item=key[0],
                        repeat=key[1],
                    )
                seen.add(key)
        passage_of: dict[str, str] = {}
        for item, passage in zip(self.items, self.passages, strict=True):
            if passage_of.setdefault(item, passage) != passage:
                raise wrong("in_two_passages", "puts item {item} in two passages", item=item)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda rows: rows.as_json()),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "array", "items": _ROW}


_STATE_OF = {state.value: index for index, state in enumerate(_STATES)}


def _problem(row: object) -> str:
    """Return what is wrong with a row, empty when nothing is."""
    if not isinstance(row, (list, tuple)) or len(row) != 5:
        return "is not [item, passage, repeat, state, score]"
    item, passage, repeat, state, score = row
    if not (isinstance(item, str) and isinstance(passage, str) and _is_id(item) and _is_id(passage)):
        return "has an item or passage that is not an identifier"
    if type(repeat) is not int or not 0 <= repeat < 2**31:
        return "has a repeat that is not a whole number, zero or more"
    if not isinstance(state, str) or state not in _STATE_OF:
        return f"has a state that is not one of {', '.join(_STATES)}"
    if state == RowState.SCORED:
        good = type(score) in (int, float) and 0 <= score <= 1
        return "" if good else "has no score from 0 to 1"
    return "" if score is None else "was not scored and yet has a score"
