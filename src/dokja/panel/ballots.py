"""Ballot files: CSV or JSON, three kinds, every mistake with its line, all or nothing.

One file holds one kind of ballot, told by its columns:

- marks: `rater, team, criterion, score`
- approvals: `rater, team, choice` (approve, reject, abstain)
- preferences: `rater, prompt, first, second, preferred` (first, second, tie)

Optional columns: `comment`, in the rater's own words; `simulated`, true or false, the same on every line. A file is
taken whole or not at all; the same thing said twice is a mistake even when both say the same.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dokja.canonical import JSON, parse_json
from dokja.errors import BallotsInvalid, InvalidInput

SCHEMA = "dokja/ballots/1"
MOST_BYTES = 1 << 26
MOST_BALLOTS = 1_000_000

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_MOST_MISTAKES = 50


class BallotKind(StrEnum):
    """What a ballot says."""

    MARK = "mark"
    APPROVAL = "approval"
    PREFERENCE = "preference"


COLUMNS: Mapping[BallotKind, tuple[str, ...]] = {
    BallotKind.MARK: ("rater", "team", "criterion", "score"),
    BallotKind.APPROVAL: ("rater", "team", "choice"),
    BallotKind.PREFERENCE: ("rater", "prompt", "first", "second", "preferred"),
}
_OPTIONAL = ("comment", "simulated")
_KEYS: Mapping[BallotKind, tuple[str, ...]] = {
    BallotKind.MARK: ("rater", "team", "criterion"),
    BallotKind.APPROVAL: ("rater", "team"),
    BallotKind.PREFERENCE: ("rater", "prompt", "first", "second"),
}
_CHOICES = {"choice": ("approve", "reject", "abstain"), "preferred": ("first", "second", "tie")}


@dataclass(frozen=True, slots=True)
class Ballot:
    """One ballot.

    Args:
        line: Line of the CSV file, or place in the JSON list, from 1.
        values: Column to value; `score` is a number, everything else a text.
        comment: In the rater's own words: personal, to be kept apart from what is published.
    """

    line: int
    values: Mapping[str, str | float]
    comment: str = ""

    def payload(self, weights: Mapping[str, str]) -> dict[str, JSON]:
        """Return the payload of the event that records this ballot, naming the weights it is about.

        Args:
            weights: Team to digest of the weights that were judged.

        Raises:
            InvalidInput: A team that submitted nothing was judged.
        """
        payload: dict[str, JSON] = dict(self.values)
        named = {"team": "weights", "first": "first_weights", "second": "second_weights"}
        for column, field in named.items():
            if column in self.values and "choice" not in self.values:
                team = str(self.values[column])
                if team not in weights:
                    raise InvalidInput(f"Line {self.line} judges {team}, which submitted no weights.")
                payload[field] = weights[team]
        return payload


@dataclass(frozen=True, slots=True)
class BallotFile:
    """The ballots of one file.

    Args:
        kind: What each ballot says.
        ballots: In the order of the file.
        simulated: Whether no person gave them. Whatever is made of them says so.
    """

    kind: BallotKind
    ballots: tuple[Ballot, ...]
    simulated: bool

    def render_csv(self) -> str:
        """Return the file as CSV text, which `parse_ballots_csv` reads back."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        columns = COLUMNS[self.kind]
        writer.writerow([*columns, *_OPTIONAL])
        for ballot in self.ballots:
            simulated = "true" if self.simulated else "false"
            writer.writerow([*(_written(ballot.values[name]) for name in columns), ballot.comment, simulated])
        return out.getvalue()


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else repr(value)


def parse_ballots_csv(data: bytes) -> BallotFile:
    """Return the ballots of a CSV file: UTF-8, comma-separated, the first line naming the columns.

    Args:
        data: The bytes of the file; at most `MOST_BYTES`.

    Raises:
        BallotsInvalid: The file has mistakes; each is a sentence with its line.
    """
    text = _text(data)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))
            if len(rows) > MOST_BALLOTS + 1:
                raise _refused([(reader.line_num, f"more than {MOST_BALLOTS} ballots")])
    except csv.Error as error:
        raise _refused([(reader.line_num, f"not comma-separated text: {error}")]) from error
    if not rows:
        raise _refused([(1, "the file is empty; its first line names the columns")])
    header = [name.strip() for name in rows[0][1]]
    kind = _kind(header, 1)
    records: list[tuple[int, dict[str, object]]] = []
    mistakes: list[tuple[int, str]] = []
    for line, row in rows[1:]:
        if len(row) != len(header):
            mistakes.append((line, f"{len(row)} fields where the first line names {len(header)} columns"))
        else:
            records.append((line, dict(zip(header, (value.strip() for value in row), strict=True))))
    return _checked(kind, records, mistakes)


def parse_ballots_json(data: bytes) -> BallotFile:
    """Return the ballots of a JSON file: `{"schema": "dokja/ballots/1", "simulated": …, "ballots": [{…}, …]}`.

    Args:
        data: The bytes of the file; at most `MOST_BYTES`.

    Raises:
        BallotsInvalid: The file has mistakes; each is a sentence with the place of the ballot in the list.
    """
    try:
        value = parse_json(_text(data))
    except InvalidInput as error:
        raise _refused([(1, error.message)]) from error
    if (
        not isinstance(value, dict)
        or set(value) != {"schema", "simulated", "ballots"}
        or value["schema"] != SCHEMA
    ):
        raise _refused([(1, f"not an object with exactly schema ({SCHEMA}), simulated and ballots")])
    listed, simulated = value["ballots"], value["simulated"]
    if not isinstance(simulated, bool) or not isinstance(listed, list) or not listed:
        raise _refused([(1, "simulated is not true or false, or ballots is not a list that holds any")])
    if len(listed) > MOST_BALLOTS:
        raise _refused([(MOST_BALLOTS + 1, f"more than {MOST_BALLOTS} ballots")])
    if not all(isinstance(one, dict) for one in listed):
        raise _refused([(n, "not an object") for n, one in enumerate(listed, 1) if not isinstance(one, dict)])
    records = [(n, dict(one)) for n, one in enumerate(listed, 1) if isinstance(one, dict)]
    kind = _kind(list(records[0][1]), 1)
    allowed = {*COLUMNS[kind], "comment"}
    mistakes = [
        (n, f"has the fields {', '.join(sorted(one))} where {', '.join(COLUMNS[kind])} belong")
        for n, one in records
        if not set(COLUMNS[kind]) <= set(one) <= allowed
    ]
    sound = [(n, one) for n, one in records if set(COLUMNS[kind]) <= set(one) <= allowed]
    stated: list[tuple[int, dict[str, object]]] = [(n, {**one, "simulated": simulated}) for n, one in sound]
    return _checked(kind, stated, mistakes)


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise _refused([(1, f"larger than {MOST_BYTES} bytes")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused([(data[: error.start].count(b"\n") + 1, "not UTF-8 text")]) from error
    if "\x00" in text:
        raise _refused([(text[: text.index("\x00")].count("\n") + 1, "holds a null character")])
    return text


def _kind(columns: Sequence[str], line: int) -> BallotKind:
    for kind, needed in COLUMNS.items():
        extra = set(columns) - set(needed)
        if set(needed) <= set(columns) and extra <= set(_OPTIONAL) and len(set(columns)) == len(columns):
            return kind
    known = "; or ".join(", ".join(columns) for columns in COLUMNS.values())
    raise _refused([(line, f"the columns are {', '.join(columns)[:200]}, and should be {known}")])


def _checked(
    kind: BallotKind, records: Iterable[tuple[int, Mapping[str, object]]], mistakes: list[tuple[int, str]]
) -> BallotFile:
    ballots: list[Ballot] = []
    seen: dict[tuple[str, ...], int] = {}
    labels: set[bool] = set()
    for line, record in records:
        values = {name: _value(name, record[name]) for name in COLUMNS[kind]}
        wrong = [f"{name} {value}" for name, value in values.items() if isinstance(value, _Wrong)]
        wrong += ["first and second are the same team"] * (
            "first" in values and values["first"] == values["second"]
        )
        label, comment = record.get("simulated", "false"), record.get("comment", "")
        wrong += ["simulated is not true or false"] * (label not in ("true", "false", True, False))
        wrong += ["comment is not a text"] * (not isinstance(comment, str))
        key = tuple(str(values[name]) for name in _KEYS[kind])
        first = seen.setdefault(key, line)
        if first != line:
            wrong.append(f"says again what line {first} says ({', '.join(key)})")
        mistakes += [(line, one) for one in wrong]
        if not wrong:
            labels.add(label in ("true", True))
            kept = {name: value for name, value in values.items() if not isinstance(value, _Wrong)}
            ballots.append(Ballot(line, kept, str(comment)))
    if len(labels) > 1:
        mistakes.append((1, "some ballots are simulated and some are not; keep them in two files"))
    if not ballots and not mistakes:
        mistakes.append((1, "holds no ballot"))
    if mistakes:
        raise _refused(sorted(mistakes))
    return BallotFile(kind, tuple(ballots), labels.pop())


class _Wrong(str):
    """What is wrong with a value, the end of a sentence."""

    __slots__ = ()


def _value(name: str, value: object) -> str | float | _Wrong:
    if name == "score":
        return _score(value)
    if name in _CHOICES:
        choices = _CHOICES[name]
        return (
            str(value) if value in choices else _Wrong(f"is {value!r:.60}, not one of {', '.join(choices)}")
        )
    pattern = _ID if name in ("rater", "prompt") else _NAME
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    return _Wrong(f"is {value!r:.60}, not a name in letters, digits and . _ -")


def _score(value: object) -> float | _Wrong:
    if isinstance(value, bool):
        return _Wrong("is not a number")
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or (isinstance(value, str) and "_" in value):
        return _Wrong(f"is {value!r:.60}, not a number")
    return number


def _refused(mistakes: Sequence[tuple[int, str]]) -> BallotsInvalid:
    shown = [f"line {line}: {what}" for line, what in mistakes[:_MOST_MISTAKES]]
    more = f" (and {len(mistakes) - _MOST_MISTAKES} more)" if len(mistakes) > _MOST_MISTAKES else ""
    listed: list[dict[str, object]] = [
        {"line": line, "sentence": what} for line, what in mistakes[:_MOST_MISTAKES]
    ]
    return BallotsInvalid(f"The ballots cannot be read: {'; '.join(shown)}{more}.", mistakes=listed)
