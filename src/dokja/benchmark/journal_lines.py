"""What stands in a line of a run's journal: one model for each kind of event. `journal` says what each means."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from dokja.benchmark.suite import Scorer
from dokja.grammar.model import Model
from dokja.grammar.types import Count, Number

FORMAT: Literal[1] = 1

_Positive: TypeAlias = Annotated[int, Field(ge=1)]


class SuiteRow(Model):
    """A suite that is run, by its digest."""

    suite: str
    digest: str
    language: str
    custody: str
    scorer: Scorer
    repeats: Count
    items: Count


class RunOpened(Model):
    """What runs on what, the first event of a run."""

    event: Literal["opened"]
    format: Literal[1]
    model: str
    engine: str
    weights: str
    suites: tuple[SuiteRow, ...]
    attempts: _Positive
    total: Count


class _Question(Model):
    """Which question an event is about."""

    suite: str
    item: str
    repeat: Count


class Queued(_Question):
    """A question about to be asked."""

    event: Literal["queued"]
    cluster: str
    answer: Count
    option_bytes: Annotated[tuple[_Positive, ...], Field(min_length=2)]


class QuestionAnswered(_Question):
    """Its log-likelihoods, one for each option."""

    event: Literal["answered"]
    log_likelihoods: tuple[Number, ...]


class Failed(_Question):
    """One attempt that gave no answer, and why."""

    event: Literal["failed"]
    attempt: Count
    code: str
    message: str


class Scored(_Question):
    """The option chosen, or all that tie, and the credit; or that it is a fault."""

    event: Literal["scored"]
    chosen: tuple[Count, ...]
    credit: Annotated[float, Field(ge=0, le=1)]
    fault: bool


class RunClosed(Model):
    """How many were scored and how many of them are faults."""

    event: Literal["closed"]
    scored: Count
    faults: Count


LINES: dict[str, type[Model]] = {
    "opened": RunOpened,
    "queued": Queued,
    "answered": QuestionAnswered,
    "failed": Failed,
    "scored": Scored,
    "closed": RunClosed,
}
