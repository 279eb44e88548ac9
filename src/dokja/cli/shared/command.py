"""The one place where a command gets its desk, its clock, its actor and its way of answering.

`@stage_command()` adds the options every command at a desk has and hands the command one `Call`; `@answering()` does
so for commands that need no desk, with an `Output` alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from dokja.cli.shared.options import (
    STAGE_HELP,
    actor_options,
    added,
    at_option,
    desk_option,
    dry_run_option,
    option,
)
from dokja.cli.shared.output import Output
from dokja.report.words import LANGUAGES

if TYPE_CHECKING:
    from dokja.record.events import AnyEvent
    from dokja.signature.key import Signer
    from dokja.workflows.desk import Desk
    from dokja.workflows.stage import Actor, Stage

_F = TypeVar("_F", bound=Callable[..., Any])

_LANGUAGE = option("--lang", "language", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of sentences.")  # fmt: skip
_JSON = option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
_CSV = option("--csv", "as_csv", is_flag=True, help="Print rows as CSV on stdout.")


def _present() -> datetime:
    return datetime.now(UTC)


def _written(now: datetime) -> str:
    """Return a time as events write it."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


class Call:
    """One call of a command at a desk. The desk is opened when first looked at, and closed when the command ends.

    Args:
        out: How it answers.
        given: What the options of `stage_command` gave, by name; what a command does not take is left out.
        clock: Gives the present time; asked once at most.
    """

    def __init__(
        self, out: Output, given: Mapping[str, Any], clock: Callable[[], datetime] = _present
    ) -> None:
        self.out = out
        self.folder: Path = given["desk_folder"]
        self.dry_run: bool = given.get("dry_run", False)
        self._given = given
        self._clock = clock
        self.held = ExitStack()

    @cached_property
    def desk(self) -> Desk:
        """The desk.

        Raises:
            Unavailable: There is none in the folder.
        """
        from dokja.workflows.desk import Desk

        return self.held.enter_context(Desk(self.folder))

    @cached_property
    def stage(self) -> Stage:
        """The stage in hand: everything recorded of it, read once.

        Raises:
            InvalidInput: There is no such stage, or several and none was named.
        """
        return self.held.enter_context(self.desk.stage(self.stage_name))

    @property
    def stage_name(self) -> str:
        """Name of the stage as it was given; empty where none was."""
        return str(self._given.get("stage", ""))

    def new_desk(self, origin: str, store: str) -> None:
        """Make the desk, if there is none in the folder yet.

        Args:
            origin: The log's name for ever.
            store: Address of the store; empty for a SQLite file in the folder.
        """
        from dokja.workflows.desk import Desk

        if not (self.folder / "desk.toml").exists():
            self.desk = self.held.enter_context(Desk.create(self.folder, origin=origin, store=store))

    @cached_property
    def now(self) -> datetime:
        """The present time in UTC: read when first asked for, and never again."""
        return self._clock()

    @property
    def at(self) -> str:
        """When it happens, RFC 3339 in UTC: as given, or the present."""
        return str(self._given.get("at") or _written(self.now))

    def signed_at(self, *signers: Signer | None) -> str:
        """When it is signed: as given, else the time a passkey among the signers was asked for, else the present."""
        from dokja.signature.passkey_file import time_asked_for

        return str(self._given.get("at") or time_asked_for(signers) or self.at)

    @property
    def today(self) -> date:
        """The present day where the programme is: in the zone of its first rulebook."""
        stages = self.desk.store.stages()
        zone = self.desk.stage(stages[0]).rulebook.clock.timezone if stages else "Asia/Seoul"
        return self.now.astimezone(ZoneInfo(zone)).date()

    @cached_property
    def actor(self) -> Actor:
        """Who records, when, and with which key."""
        from dokja.workflows.stage import Actor, acting

        actor = Actor(self._given["by"] or "", self.at, self._given["key"])
        return replace(actor, id=actor.id or "office") if actor.key is None else acting(self.desk, actor)

    def show_recorded(self, events: AnyEvent | Sequence[AnyEvent], *lines: str) -> None:
        """Answer with what was recorded, or would be in a dry run."""
        from dokja.record.events import Event
        from dokja.workflows.stage import told

        what: dict[str, object]
        if isinstance(events, Event):
            what = {"event": told(events)}
        else:
            what = {"events": [told(event) for event in events]}
        self.out.show({"recorded": not self.dry_run, **what}, lines)


def answering(*, csv: bool = False, language: bool = True, at: bool = False) -> Callable[[_F], _F]:
    """Add `--lang` and `--json` to a command, and hand it an `Output` as its first argument.

    Args:
        csv: Add `--csv` too.
        language: False where a command says no sentences.
        at: Add `--at`; the command is handed the time, the present where none is given.
    """

    def decorate(command: _F) -> _F:
        @functools.wraps(command)
        def answered(
            *, language: Any = "en", as_json: bool = False, as_csv: bool = False, **given: Any
        ) -> Any:
            if at:
                given["at"] = given["at"] or _written(_present())
            return command(Output(language, as_json, as_csv), **given)

        options = [
            *([at_option] if at else []),
            *([_CSV] if csv else []),
            *([_LANGUAGE] if language else []),
            _JSON,
        ]
        return added(*options)(answered)  # type: ignore[return-value]  # the same command, less its output

    return decorate


def stage_command(
    *,
    acts: bool = False,
    dry_run: bool = False,
    at: bool = False,
    csv: bool = False,
    stage: bool | str = True,
) -> Callable[[_F], _F]:
    """Add the options of a command at a desk, and hand it a `Call` as its first argument.

    `--desk`, `--lang` and `--json` are always there.

    Args:
        acts: It records: add `--by`, `--at` and `--key`.
        dry_run: Add `--dry-run`.
        at: Add `--at` alone, where it matters when and not by whom.
        csv: Add `--csv`.
        stage: Add `--stage`; a text says what it means there.
    """
    options = [
        *([dry_run_option] if dry_run else []),
        desk_option,
        *([option("--stage", default="", help=stage if isinstance(stage, str) else STAGE_HELP)] if stage else []),
        *([actor_options] if acts else []),
        *([at_option] if at and not acts else []),
    ]  # fmt: skip
    mine = {"desk_folder", *(["dry_run"] if dry_run else []), *(["stage"] if stage else [])}
    mine |= {"by", "at", "key"} if acts else {"at"} if at else set()

    def decorate(command: _F) -> _F:
        @functools.wraps(command)
        def called(out: Output, **given: Any) -> Any:
            call = Call(out, {name: given.pop(name) for name in mine})
            with call.held:
                return command(call, **given)

        return added(*options)(answering(csv=csv)(called))  # type: ignore[return-value]  # less its call

    return decorate
