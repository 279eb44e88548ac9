"""Rows as CSV that a spreadsheet opens without running anything in it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

# A spreadsheet runs a cell that begins like this; leading blanks and control characters do not stop it.
_FORMULA = ("=", "+", "-", "@")


def render_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = ()) -> str:
    """Return rows as CSV with a header; nested values are written as JSON.

    A text that a spreadsheet would run as a formula is put behind an apostrophe; numbers stay numbers.

    Args:
        rows: (n,) rows; all columns come from the first where none are named.
        columns: Names of the columns, in order.
    """
    names = list(columns) or (list(rows[0]) if rows else [])
    lines: list[list[object]] = [[row.get(name) for name in names] for row in rows]
    header: list[object] = [*names]
    return "".join(_line(line) for line in ([header, *lines] if names else []))


def _line(cells: Sequence[object]) -> str:
    # Only with this line end does the module quote a lone carriage return, which readers take for the end of a row.
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: object) -> object:
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and _seen_first(value) in _FORMULA:
        return "'" + value
    return value


def _seen_first(text: str) -> str:
    """Return the first letter a spreadsheet would look at: blanks, controls and byte-order marks left out."""
    return next((letter for letter in text if letter.isprintable() and not letter.isspace()), " ")
