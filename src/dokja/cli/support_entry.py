"""What every command that records support shares beside a call: what it corrects, and where it was published."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dokja.cli.shared import Call, added, option, stage_command

if TYPE_CHECKING:
    from dokja.record.events import AnyEvent
    from dokja.record.kinds.ledger import LedgerEntry
    from dokja.workflows.support import Correction

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Entry:
    """How an entry is recorded.

    Args:
        call: Where, by whom and when; how the answer is given.
        supersedes: Which event it corrects; empty when it corrects nothing.
        reason: Why, where it corrects something.
        cites: Where what it says was published.
    """

    call: Call
    supersedes: str
    reason: str
    cites: tuple[str, ...]

    @property
    def correction(self) -> Correction:
        """What it corrects, and why."""
        from dokja.workflows.support import Correction

        return Correction(self.supersedes, self.reason)

    def record(self, payload: LedgerEntry) -> AnyEvent:
        """Record an entry, or only check it in a dry run."""
        from dokja.workflows.support import record_support

        call = self.call
        return record_support(
            call.stage, payload, call.actor, correction=self.correction, dry_run=call.dry_run
        )

    def show(self, event: AnyEvent, what: str) -> None:
        """Say what was recorded, or would be."""
        say = self.call.out.say
        key = "support.would_record" if self.call.dry_run else "support.recorded"
        lines = [say(key, {"event": event.id, "what": what})]
        if event.supersedes is not None:
            lines.append(say("support.corrects", {"event": event.supersedes, "reason": event.reason}))
        self.call.show_recorded(event, *lines)


def entry_command(*, csv: bool = False) -> Callable[[_F], _F]:
    """Add the options of a command that records support, and hand it an `Entry` as its first argument.

    Args:
        csv: Add `--csv`, where the command shows rows when it records nothing.
    """

    def decorate(command: _F) -> _F:
        @functools.wraps(command)
        def entering(
            call: Call, *, supersedes: str, reason: str, cites: tuple[str, ...], **given: Any
        ) -> Any:
            return command(Entry(call, supersedes, reason, cites), **given)

        options = added(
            option("--supersedes", default="", metavar="EVENT", help="The entry this one corrects; that one stays readable."),
            option("--reason", default="", help="Why, where it corrects something."),
            option("--cite", "cites", multiple=True, metavar="URL", help="Where it was published; may be repeated."),
        )  # fmt: skip
        return options(stage_command(acts=True, dry_run=True, csv=csv)(entering))  # type: ignore[return-value]

    return decorate
