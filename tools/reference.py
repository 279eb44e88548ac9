"""Write docs/reference/commands.md and errors.md from the program itself: `python tools/reference.py`.

A test runs `pages()` and compares, so that the reference cannot drift from the program.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from dokja import errors
from dokja.cli.main import COMMANDS, app, exit_code_of
from dokja.errors import DokjaError

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

EXITS = """Exit status: 0 done and nothing against; 1 done, and something was refuted or a gate stays closed; 2 usage;
3 could not look. Data goes to stdout, everything else to stderr."""


def pages() -> dict[str, str]:
    """Return file name -> text of every generated page."""
    return {"commands.md": "\n".join(_commands()) + "\n", "errors.md": "\n".join(_errors()) + "\n"}


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", "<!-- written by tools/reference.py -->", "", EXITS, "")
    for name in COMMANDS:
        command = app.get_command(click.Context(app), name)
        assert command is not None
        yield from _command(name, command)


def _command(path: str, command: click.Command) -> Iterator[str]:
    usage = command.collect_usage_pieces(click.Context(command, info_name=path))
    level = "##" if " " not in path else "###"
    yield from (f"{level} `dokja {path} {' '.join(usage)}`", "", _prose(command.help or ""), "")
    rows = [_row(parameter) for parameter in command.params if isinstance(parameter, click.Option)]
    if rows:
        yield from ("| option | meaning | default |", "|---|---|---|", *rows, "")
    if isinstance(command, click.Group):
        for inner in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), inner)
            assert found is not None
            yield from _command(f"{path} {inner}", found)


def _prose(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.replace("\b", "").split("\n\n"))


def _row(option: click.Option) -> str:
    shown = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag else f" {option.make_metavar(click.Context(app))}".replace("|", r"\|")
    default = option.default
    plain = not option.is_flag and isinstance(default, (str, int, float)) and default != ""
    required = "required" if option.required else (f"`{default}`" if plain else "")
    return f"| {shown}{metavar} | {_prose(option.help or '')} | {required} |"


def _errors() -> Iterator[str]:
    yield from ("# Errors", "", "<!-- written by tools/reference.py -->", "")
    yield "An error means dokja could not look; what it saw is a finding, never an error. With `--json` the same"
    yield 'object goes to stdout: `{"error": {"code", "message", "hint", "fields"}}`.'
    yield from ("", "| code | exit | meaning | what to do |", "|---|---|---|---|")
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DokjaError)
    ]
    for kind in sorted((kind for kind in kinds if kind is not DokjaError), key=lambda kind: kind.code):
        meaning = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        yield f"| `{kind.code}` | {exit_code_of(kind('x'))} | {meaning} | {kind.default_hint} |"


if __name__ == "__main__":
    for file, text in pages().items():
        (REFERENCE / file).write_text(text, encoding="utf-8")
