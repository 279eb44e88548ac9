"""What every command that records support shares: where it is recorded, by whom, what it corrects, and the dry run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dokja.cli.options import (
    acting,
    actor_options,
    desk_option,
    dry_run_option,
    json_option,
    language_option,
    show_json,
    stage_option,
)
from dokja.report.words import Language, say

if TYPE_CHECKING:
    from dokja.record.events import Event
    from dokja.record.payloads import Kind
    from dokja.workflows.desk import Actor, Desk

_F = TypeVar("_F", bound=Callable[..., Any])

DAY = click.DateTime(formats=["%Y-%m-%d"])


@dataclass(frozen=True, slots=True)
class Entering:
    """How an entry is recorded.

    Args:
        desk_folder, stage: Where.
        by, at, key: Who records, when, and with which key.
        supersedes, reason: Which event it corrects, and why.
        cites: Where what it says was published.
        dry_run: Check everything and write nothing.
        language, as_json: How the answer is given.
    """

    desk_folder: Path
    stage: str
    by: str
    at: str
    key: Path | None
    supersedes: str
    reason: str
    cites: tuple[str, ...]
    dry_run: bool
    language: Language
    as_json: bool

    def actor(self) -> Actor:
        """Return who records, and when."""
        return acting(self.by, self.at, self.key)

    def record(self, desk: Desk, kind: Kind, payload: Mapping[str, Any]) -> Event:
        """Record an entry, or only check it in a dry run."""
        from dokja.workflows.support import Correction, record_support

        return record_support(
            desk,
            self.stage,
            kind,
            payload,
            self.actor(),
            correction=Correction(self.supersedes, self.reason),
            dry_run=self.dry_run,
        )

    def show(self, event: Event, what: str) -> None:
        """Say what was recorded, or would be."""
        from dokja.workflows.desk import told

        if self.as_json:
            show_json({"recorded": not self.dry_run, "event": told(event)})
            return
        key = "support.would_record" if self.dry_run else "support.recorded"
        click.echo(say(key, {"event": event.id, "what": what}, self.language))
        if event.supersedes is not None:
            figures = {"event": event.supersedes, "reason": event.reason}
            click.echo(say("support.corrects", figures, self.language))


def entry_options(command: _F) -> _F:
    """Add the options of `Entering` and hand them to the command as one argument, `entering`."""

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        names = Entering.__dataclass_fields__
        return command(entering=Entering(**{name: given.pop(name) for name in names}), **given)

    made: Callable[..., Any] = gathered
    for option in (
        json_option,
        language_option,
        dry_run_option,
        click.option("--cite", "cites", multiple=True, metavar="URL", help="Where it was published; may be repeated."),
        click.option("--reason", default="", help="Why, where it corrects something."),
        click.option("--supersedes", default="", metavar="EVENT", help="The entry this one corrects; that one stays readable."),
        actor_options,
        stage_option,
        desk_option,
    ):  # fmt: skip
        made = option(made)
    return made  # type: ignore[return-value]  # click's options keep the command's kind


def day_of(given: datetime | None) -> date | None:
    """Return the day an option named."""
    return None if given is None else given.date()


def day_text(given: datetime | None) -> str | None:
    """Return the day an option named, as events write it."""
    return None if given is None else given.date().isoformat()


def today(desk: Desk) -> date:
    """Return the present day where the programme is: in the zone of its first rulebook."""
    from zoneinfo import ZoneInfo

    stages = desk.store.stages()
    zone = desk.rulebook(stages[0]).clock.timezone if stages else "Asia/Seoul"
    return datetime.now(ZoneInfo(zone)).date()
