"""The journal of a run: what was opened, asked, answered and scored, one canonical JSON object to a line.

Nothing is ever changed or removed in it. A process that dies leaves at most one line without its end, which is no
line; whatever stands in full lines has happened.

    opened    what runs on what: engine, weights, suites with their digests, attempts, total number of questions
    queued    a question: suite, item, repeat, its cluster, its right option, the length of each option
    answered  its log-likelihoods
    failed    one attempt that gave none, and why
    scored    the option chosen and the credit, or that it is a fault
    closed    how many were scored and how many of them are faults; written once, when nothing is missing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dokja.benchmark.suite import Scorer, Suite
from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput, JournalInvalid

FORMAT = 1
Event: TypeAlias = dict[str, JSON]
Key: TypeAlias = tuple[str, str, int]

_FIELDS: Mapping[str, frozenset[str]] = {
    "opened": frozenset({"format", "model", "engine", "weights", "suites", "attempts", "total"}),
    "queued": frozenset({"suite", "item", "repeat", "cluster", "answer", "option_bytes"}),
    "answered": frozenset({"suite", "item", "repeat", "log_likelihoods"}),
    "failed": frozenset({"suite", "item", "repeat", "attempt", "code", "message"}),
    "scored": frozenset({"suite", "item", "repeat", "chosen", "credit", "fault"}),
    "closed": frozenset({"scored", "faults"}),
}


def render_event(event: Event) -> bytes:
    """Return an event as one line."""
    return canonical_bytes(event) + b"\n"


def parse_journal(data: bytes, where: str = "journal") -> tuple[list[Event], int]:
    """Return the events of a journal's full lines, and how many bytes these lines take.

    Args:
        data: The file's bytes.
        where: Name of the file, for the sentence.

    Raises:
        JournalInvalid: A full line is not an event of the documented form.
    """
    end = data.rfind(b"\n") + 1
    events: list[Event] = []
    for number, line in enumerate(data[:end].split(b"\n")[:-1], start=1):
        try:
            events.append(_parse_event(parse_json(line)))
        except (InvalidInput, UnicodeDecodeError) as error:
            raise JournalInvalid(f"{where} line {number}: {error}") from error
    if events and events[0]["event"] != "opened":
        raise JournalInvalid(f"{where} line 1: a journal begins with what was opened.")
    return events, end


def _parse_event(value: JSON) -> Event:
    if not isinstance(value, dict):
        raise InvalidInput("An event is a JSON object.")
    kind = value.get("event")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InvalidInput(f"There is no event {kind!r}.")
    if set(value) != _FIELDS[kind] | {"event"}:
        raise InvalidInput(f"An event {kind!r} has exactly the fields {', '.join(sorted(_FIELDS[kind]))}.")
    if kind in _TYPES:
        for field, wanted in _TYPES[kind].items():
            if not wanted(value[field]):
                raise InvalidInput(f"The {field} of this {kind!r} is {value[field]!r}.")
    return value


def _is_count(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: JSON) -> bool:
    return isinstance(value, str)


_QUESTION = {"suite": _is_text, "item": _is_text, "repeat": _is_count}
_Fits: TypeAlias = Callable[[Any], bool]
_TYPES: Mapping[str, Mapping[str, _Fits]] = {
    "opened": {
        "format": lambda v: v == FORMAT,
        "model": _is_text,
        "engine": _is_text,
        "weights": _is_text,
        "suites": lambda v: isinstance(v, list) and all(map(_is_suite_row, v)),
        "attempts": lambda v: _is_count(v) and v > 0,
        "total": _is_count,
    },
    "queued": {
        **_QUESTION,
        "cluster": _is_text,
        "answer": _is_count,
        "option_bytes": lambda v: (
            isinstance(v, list) and len(v) > 1 and all(_is_count(n) and n > 0 for n in v)
        ),
    },
    "answered": {
        **_QUESTION,
        "log_likelihoods": lambda v: isinstance(v, list) and all(map(_is_number, v)),
    },
    "failed": {**_QUESTION, "attempt": _is_count, "code": _is_text, "message": _is_text},
    "scored": {
        **_QUESTION,
        "chosen": lambda v: isinstance(v, list) and all(map(_is_count, v)),
        "credit": lambda v: _is_number(v) and 0 <= v <= 1,
        "fault": lambda v: isinstance(v, bool),
    },
    "closed": {"scored": _is_count, "faults": _is_count},
}
_SUITE_ROW: Mapping[str, _Fits] = {
    "suite": _is_text,
    "digest": _is_text,
    "language": _is_text,
    "custody": _is_text,
    "scorer": lambda v: v in {s.value for s in Scorer},
    "repeats": _is_count,
    "items": _is_count,
}


def _is_suite_row(value: JSON) -> bool:
    if not isinstance(value, dict) or set(value) != set(_SUITE_ROW):
        return False
    return all(fits(value[field]) for field, fits in _SUITE_ROW.items())


def suite_row(suite: Suite) -> dict[str, JSON]:
    """Return what the first event says of a suite."""
    return {
        "suite": suite.name,
        "digest": suite.digest(),
        "language": suite.language,
        "custody": suite.custody.value,
        "scorer": suite.scorer.value,
        "repeats": suite.repeats,
        "items": len(suite.items),
    }


def opened(model: str, engine: str, weights: str, suites: Sequence[Suite], attempts: int) -> Event:
    """Return the first event of a run."""
    rows: list[JSON] = [suite_row(suite) for suite in suites]
    return {
        "event": "opened",
        "format": FORMAT,
        "model": model,
        "engine": engine,
        "weights": weights,
        "suites": rows,
        "attempts": attempts,
        "total": sum(len(suite.items) * suite.repeats for suite in suites),
    }


def key_of(event: Event) -> Key:
    """Return which question an event is about: suite, item, repeat."""
    suite, item, repeat = event["suite"], event["item"], event["repeat"]
    assert isinstance(suite, str)
    assert isinstance(item, str)
    assert isinstance(repeat, int)
    return suite, item, repeat


@dataclass(frozen=True, slots=True)
class Choice:
    """What a list of log-likelihoods comes to.

    Args:
        options: The best option, or all that tie for it.
        credit: 1 for the right option, an equal share where it ties with others, 0 otherwise.
    """

    options: tuple[int, ...]
    credit: float


def choose(
    log_likelihoods: Sequence[float], option_bytes: Sequence[int], scorer: Scorer, answer: int
) -> Choice:
    """Return the choice a scorer makes; a tie shares the credit, so that no position is favoured.

    Args:
        log_likelihoods: One finite number for each option.
        option_bytes: UTF-8 length of each option.
        scorer: Whether to divide by the length.
        answer: Index of the right option.
    """
    values = [
        value / length if scorer is Scorer.PER_BYTE else value
        for value, length in zip(log_likelihoods, option_bytes, strict=True)
    ]
    best = max(values)
    options = tuple(index for index, value in enumerate(values) if value == best)
    return Choice(options, 1 / len(options) if answer in options else 0.0)
