"""Closing a stage: when a decision becomes final, and what may still be recorded afterwards.

- A stage is closed once its objection period has ended, every objection is answered, and the decision that was
  announced last is the one the rules still give.
- Afterwards nothing that a result is read from is recorded, but corrections that name what they correct and why.
  What lies beside the result goes on: releases, who saw them, allegations, support, the outcome of a re-entry round.
"""

from __future__ import annotations

from collections.abc import Iterable

from dokja.errors import EventInvalid
from dokja.record.events import Event
from dokja.record.payloads import Kind

# What may be recorded of a closed stage without correcting anything.
BESIDE_THE_RESULT = frozenset(
    {
        Kind.SUPPORT_PROMISED,
        Kind.SUPPORT_DELIVERED,
        Kind.SUPPORT_RETURNED,
        Kind.BUDGET_LINE,
        Kind.NAMING_RIGHT,
        Kind.ROSTER_VERSION,
        Kind.RELEASE,
        Kind.ACCESS,
        Kind.ALLEGATION,
        Kind.ALLEGATION_REPLY,
        Kind.REENTRY_RESULT,
        Kind.PUBLISHED_SCORE,
        Kind.PUBLISHED_RANK,
        Kind.OFFICIAL_OUTCOME,
    }
)


def require_untouched_after_closing(standing: Iterable[Event]) -> None:
    """Require that nothing new follows the closing of a stage.

    Args:
        standing: The events in force, in the order of the log.

    Raises:
        EventInvalid: An event follows that neither corrects one nor lies beside the result.
    """
    closed = ""
    for event in standing:
        if event.kind is Kind.STAGE_CLOSED:
            if closed:
                raise EventInvalid(f"Event {event.id!r} closes a stage that {closed!r} closed already.")
            closed = event.id
        elif closed and event.supersedes is None and event.kind not in BESIDE_THE_RESULT:
            raise EventInvalid(
                f"Event {event.id!r} ({event.kind}) comes after the stage was closed by {closed!r}.",
                hint="A closed stage takes corrections only: name the event to correct, and give the reason.",
            )
