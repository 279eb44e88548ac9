"""How a command answers: one JSON object, CSV, or sentences on stdout; everything else on stderr."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import click

from dokja.report.csv_table import render_csv
from dokja.report.words import Language, say


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command's answer goes, and in which form.

    Args:
        language: Of sentences.
        as_json: Print one JSON object; wins over CSV.
        as_csv: Print rows as CSV.
    """

    language: Language = "en"
    as_json: bool = False
    as_csv: bool = False

    def show(
        self,
        value: object,
        lines: Iterable[str],
        rows: Sequence[Mapping[str, object]] | None = None,
    ) -> None:
        """Print an answer in the form asked for.

        Args:
            value: All of it, as one JSON-able object.
            lines: For people; looked at only when they are printed.
            rows: For CSV; nested values are written as JSON. None where the answer has no rows: it is said in lines.
        """
        if self.as_json:
            print_json(value)
        elif self.as_csv and rows is not None:
            click.echo(render_csv(rows), nl=False)
        else:
            for line in lines:
                click.echo(line)

    def say(self, key: str, figures: Mapping[str, object] | None = None) -> str:
        """Return a sentence of the catalogue in the language asked for."""
        return say(key, figures or {}, self.language)

    def columns(self, part: str, names: Iterable[str]) -> list[str]:
        """Return the heads of a table's columns, each the catalogue's `part`.column.`name`."""
        return [self.say(f"{part}.column.{name}") for name in names]


def print_json(value: object, *, default: Callable[[object], object] | None = None) -> None:
    """Print one JSON object on stdout; what it has no form for is given to `default`, or refused."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False, default=default))


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return rows of text as columns padded for a terminal, counting Korean letters as two wide."""
    lines = [list(header), *[[one_line(cell) for cell in row] for row in rows]]
    widths = [max(width_of(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - width_of(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def one_line(text: str) -> str:
    """Return text with control characters and line ends as escapes: what a file names must not imitate our lines."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
