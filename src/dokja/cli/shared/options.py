"""Kinds of values options take, and options that stand at several commands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
# Seeds are written into results as JSON, whose integers are exact up to here.
SEED = click.IntRange(0, 2**53 - 1)


class _ProfileChoice(click.ParamType):
    """One of the profiles of a rulebook's table, which are read when somebody asks."""

    name = "profile"

    def _choice(self) -> click.Choice[str]:
        from dokja.rulebook import Profile

        return click.Choice([profile.value for profile in Profile])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self._choice().get_metavar(param, ctx)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._choice().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return self._choice().shell_complete(ctx, param, incomplete)


class _KeyFile(click.Path):
    """A file of somebody who signs; the command is handed whoever signs with it."""

    def __init__(self, load: Callable[[Path], Any]) -> None:
        super().__init__(exists=True, dir_okay=False)
        self._load = load

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._load(Path(str(super().convert(value, param, ctx)))) if isinstance(value, str) else value


def _load_key(path: Path) -> Any:
    from dokja.signature import SigningKey

    return SigningKey.load(path)


def _load_passkey(path: Path) -> Any:
    from dokja.signature.passkey_file import load_passkey

    return load_passkey(path).signer()


def _load_signer(path: Path) -> Any:
    from dokja.signature.passkey_file import load_signer

    return load_signer(path)


class _Day(click.DateTime):
    """A day such as 2026-01-15; the command is handed a date."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        return found.date() if isinstance(found, datetime) else found


KEY = _KeyFile(_load_key)
PASSKEY = _KeyFile(_load_passkey)
SIGNER = _KeyFile(_load_signer)
DAY = _Day(formats=["%Y-%m-%d"])


def added(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """Return one decorator that adds options in the order in which help is to show them."""

    def add(command: _F) -> _F:
        for one in reversed(options):
            command = one(command)
        return command

    return add


def option(*names: str, **settings: Any) -> Callable[[_F], _F]:
    """Return click's option as a decorator that keeps the command's type."""
    return click.option(*names, **settings)


at_option = option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
desk_option = option("--desk", "desk_folder", type=FOLDER, default=Path("desk"), show_default=True, help="Folder of the office's desk: the store and the log's key.")  # fmt: skip
actor_options = added(
    option("--by", help="Actor's id, never a person's name; the person the key was enrolled for, or office."),
    at_option,
    option("--key", type=KEY, help="The actor's key file; the event is signed with it."),
)
dry_run_option = option(
    "--dry-run", is_flag=True, help="Do everything but write; show what would be recorded."
)
STAGE_HELP = "Name of the stage; may be left out where there is only one."


def depth_option(meaning: str = "Sampled slices, or every tensor once.") -> Callable[[_F], _F]:
    """Return `--depth`: how much of the weights is read."""
    return option("--depth", type=click.Choice(["screen", "full"]), default="screen", show_default=True, help=meaning)  # fmt: skip


def seed_option(
    default: int | None, meaning: str = "Of the sample.", *, show: bool = True
) -> Callable[[_F], _F]:
    """Return `--seed`, which reproduces what was drawn."""
    return option("--seed", type=SEED, default=default, show_default=show, help=meaning)


def profile_options(who: str = "Who looks.") -> Callable[[_F], _F]:
    """Add `--profile` and `--team`; the command is handed the `principal` they name."""

    def add(command: _F) -> _F:
        @functools.wraps(command)
        def viewing(*arguments: Any, profile: str, team: str, **given: Any) -> Any:
            from dokja.publishing.principal import principal_of
            from dokja.rulebook import Profile

            return command(*arguments, principal=principal_of(Profile(profile), team), **given)

        return added(
            option("--profile", type=_ProfileChoice(), default="public", show_default=True, help=who),
            option("--team", default="", help="The team, for the profile own_team."),
        )(viewing)  # type: ignore[return-value]  # the same command, less the principal

    return add


def day_text(day: date | None) -> str | None:
    """Return a day as events write it; None where none was given."""
    return None if day is None else day.isoformat()
