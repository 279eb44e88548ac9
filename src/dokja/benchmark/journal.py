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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dokja.benchmark.journal_lines import FORMAT, LINES
from dokja.benchmark.suite import Scorer, Suite
from dokja.canonical import JSON, canonical_bytes, parse_json
from dokja.errors import InvalidInput, JournalInvalid
from dokja.grammar.model import Misread, Model, read_model

Event: TypeAlias = dict[str, JSON]
Key: TypeAlias = tuple[str, str, int]


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
            events.append(_parse_event(parse_json(line), f"{where}:{number}"))
        except Misread as misread:
            listed: list[object] = [one.as_json() for one in misread.mistakes]
            told = f"{where} line {number}: this is no event of a journal."
            raise JournalInvalid(told, mistakes=listed) from None
        except (InvalidInput, UnicodeDecodeError) as error:
            raise JournalInvalid(f"{where} line {number}: {error}") from error
    if events and events[0]["event"] != "opened":
        raise JournalInvalid(f"{where} line 1: a journal begins with what was opened.")
    return events, end


def _parse_event(value: JSON, at: str) -> Event:
    kind = value.get("event") if isinstance(value, dict) else None
    read_model(LINES.get(kind, _AnyEvent) if isinstance(kind, str) else _AnyEvent, value, at)
    assert isinstance(value, dict)
    return value


class _AnyEvent(Model):
    """What every line says first; read where a line's kind is none, to say which there are."""

    event: Literal["opened", "queued", "answered", "failed", "scored", "closed"]


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
class RunChoice:
    """What a list of log-likelihoods comes to.

    Args:
        options: The best option, or all that tie for it.
        credit: 1 for the right option, an equal share where it ties with others, 0 otherwise.
    """

    options: tuple[int, ...]
    credit: float


def choose(
    log_likelihoods: Sequence[float], option_bytes: Sequence[int], scorer: Scorer, answer: int
) -> RunChoice:
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
    return RunChoice(options, 1 / len(options) if answer in options else 0.0)
