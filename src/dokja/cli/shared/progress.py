"""How far long work is, on stderr: on a terminal one line that is rewritten, elsewhere a line now and then.

`click.progressbar` was tried and is not used. Where stderr is no terminal it prints its label at once and at every
change, so that short work is not silent and long work says no figures; it counts a Korean letter as one column, so
that a rewritten line wraps; each of a work's parts (a model read, components compared) has a length of its own and
would leave a bar behind in front of the answer.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

import click

from dokja.cli.shared.output import one_line, width_of

_REWRITTEN_EVERY_SECONDS = 0.1
_A_LINE_EVERY_SECONDS = 5.0


class Showing:
    """Shows progress while it is open; is a `Progress`. Use as a context manager, and answer after it is closed.

    Args:
        stream: Where it is shown; stderr when None.
        clock: Seconds that only grow.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._shown_at = clock()
        self._what = ""
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._erase()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far the work is, if the last time is long enough ago."""
        now = self._clock()
        every = _REWRITTEN_EVERY_SECONDS if self._is_terminal else _A_LINE_EVERY_SECONDS
        # What takes a minute may begin right after something quick: a terminal names it at once.
        is_new = self._is_terminal and what != self._what
        if now - self._shown_at < every and not is_new:
            return
        self._shown_at, self._what = now, what
        line = f"  {one_line(what)}  {done}/{total}  {done / max(total, 1):.0%}"
        if not self._is_terminal:
            click.echo(line, file=self._stream)
            return
        self._erase()
        line = _cut(line, shutil.get_terminal_size().columns - 1)
        click.echo(line, file=self._stream, nl=False)
        self._stream.flush()
        self._width = width_of(line)

    def tell(self, line: str) -> None:
        """Print a line that stays, above the one that is rewritten."""
        self._erase()
        click.echo(line, file=self._stream)

    def _erase(self) -> None:
        if self._width:
            click.echo(f"\r{' ' * self._width}\r", file=self._stream, nl=False)
            self._stream.flush()
            self._width = 0


def _cut(line: str, columns: int) -> str:
    """Return a line that fits; the figures at its end stay, as what is named may be a long path."""
    while line and width_of(line) > columns:
        line = line[1:]
    return line
