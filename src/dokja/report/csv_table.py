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
    out = io.StringIO()
    names = list(columns) or (list(rows[0]) if rows else [])
    writer = csv.DictWriter(out, fieldnames=names, lineterminator="\n")
    if names:
        writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and (value.lstrip().startswith(_FORMULA) or value[:1] in ("\t", "\r", "\n")):
        return "'" + value
    return value
