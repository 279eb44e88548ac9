"""Export everything a profile may see of a stage as files: CSV or JSON, with a README and digests.

The decision comes from `preview`, so an embargo holds here as it does there; events come through the rulebook's own
table, one by one. A decision that was not announced is exported to the panel and the auditor alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeAlias, cast

from dokja.canonical import JSON, canonical_bytes, digest_bytes
from dokja.errors import InvalidInput
from dokja.publishing.principal import Principal
from dokja.publishing.see import see
from dokja.record.events import SIMULATOR, AnyEvent
from dokja.report.csv_table import render_csv
from dokja.report.support import delivery_row, line_row, naming_row, roster_rows, standing_row
from dokja.report.words import LANGUAGES, Language, say
from dokja.rulebook import Disclosed
from dokja.workflows.preview import preview
from dokja.workflows.stage import Stage
from dokja.workflows.support import look_at_budget, look_at_support

Rows: TypeAlias = Sequence[Mapping[str, object]]

# Columns of each table, so that an empty one still says what it would hold.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "teams": ("team", "name", "outcome", "advances", "exits", "reasons", "rank", "margin_points"),
    "scores": ("team", "part", "points", "raw", "reason", "weights"),
    "findings": ("event", "team", "finding", "verdict", "evidence", "replies"),
    "figures": ("figure", "part", "points"),
    "releases": ("release", "profile", "decision", "fields", "statements", "until", "corrects", "reason"),
    "objections": (
        "objection", "team", "ground", "decision", "received", "answer_by", "answered", "upheld", "text", "evidence",
        "answer", "heard_by",
    ),
    "events": ("id", "kind", "at", "by", "payload", "supersedes", "reason", "digest"),
    "promises": (
        "event", "support", "team", "resource", "what", "units", "supplier", "conflict", "first", "last", "throughput",
        "began", "delivered_share_low", "delivered_share_high", "late_days_low", "late_days_high", "stopped_days_low",
        "stopped_days_high", "returned", "on_exit",
    ),
    "deliveries": ("event", "support", "units", "throughput_share", "first", "last", "measured", "measured_by"),
    "budget": ("event", "line", "title", "year", "won", "promised_won", "cost_unknown_of", "left_won", "adds_up"),
    "naming": ("event", "team", "name", "first", "last"),
    "rosters": ("event", "team", "version", "effective", "name", "role", "reason"),
}  # fmt: skip


def export_stage(
    stage: Stage, reader: Principal, folder: Path, form: str, at: str, by: str = ""
) -> list[Path]:
    """Write everything somebody may see of a stage into a new folder and return the files.

    Args:
        stage: The stage.
        reader: For whom.
        folder: Made; it may not be there, so that nothing of another export stays in it.
        form: `csv` or `json`.
        at: Now, RFC 3339 in UTC; also the day the support ledger is looked at.
        by: Who exports; needed while an embargo runs, and recorded.

    Raises:
        NotAllowed: An embargo runs, and who exports is not named by it.
        InvalidInput: The folder is there already, or the stage has no such team.
    """
    if folder.exists():
        raise InvalidInput(
            f"{str(folder)!r} is there already.", hint="Name a folder that does not exist yet."
        )
    tables = gather(stage, reader, at, by)
    files: dict[str, bytes] = {"rulebook.json": canonical_bytes(stage.rulebook.canonical())}
    for table, rows in tables.items():
        if form == "csv":
            files[f"{table}.csv"] = render_csv(rows, _COLUMNS[table]).encode("utf-8-sig")
        else:
            text = json.dumps(list(rows), ensure_ascii=False, indent=1, allow_nan=False, default=str)
            files[f"{table}.json"] = text.encode("utf-8")
    simulated = sum(event.by == SIMULATOR for event in stage.events)
    told = {
        "stage": stage.name,
        "profile": reader.profile.value,
        "team": reader.team or "–",
        "at": at,
        "count": simulated,
    }
    files["README.md"] = _readme(told, files).encode("utf-8")
    sums = "".join(
        f"{digest_bytes(data).removeprefix('sha256:')}  {file}\n" for file, data in sorted(files.items())
    )
    files["SHA256SUMS"] = sums.encode("ascii")
    folder.mkdir(parents=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    return [folder / file for file in sorted(files)]


def gather(stage: Stage, reader: Principal, at: str, by: str = "") -> dict[str, Rows]:
    """Return every table somebody may see of a stage."""
    seen = preview(stage, reader, at, by).seen
    sight, record = see(reader, stage.rulebook), look_at_support(stage.desk)
    shown = seen["state"] == "announced" or reader.is_inside
    tables = _decision(seen["view"] if shown else {})
    tables["releases"] = cast("Rows", seen["releases"])
    tables["objections"] = cast("Rows", seen["objections"])
    events = [event for event in stage.events if sight.event(event, stage.history, at)]
    ids = {event.id for event in events}
    tables["events"] = [_event_row(event) for event in events if event.supersedes in (None, *ids)]
    day = date.fromisoformat(at[:10])
    fields = sight.fields(reader.team) if reader.team else sight.fields()
    everything = reader.sees_everything
    if not (everything or Disclosed.ROSTERS in fields):
        record = replace(record, rosters={}, naming=())
    if not (everything or Disclosed.SUPPORT in fields):
        tables |= {name: [] for name in ("promises", "deliveries", "budget")}
        tables["naming"] = [naming_row(one) for one in record.naming]
        tables["rosters"] = roster_rows(one for versions in record.rosters.values() for one in versions)
        return tables
    ledger = record.ledger
    tables["promises"] = [standing_row(ledger.standing(promise, day)) for promise in ledger.promises]
    tables["deliveries"] = [delivery_row(one) for one in ledger.deliveries]
    tables["budget"] = [line_row(one) for one in look_at_budget(stage, record).lines]
    tables["naming"] = [naming_row(one) for one in record.naming]
    tables["rosters"] = roster_rows(one for versions in record.rosters.values() for one in versions)
    return tables


def _event_row(event: AnyEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "kind": event.kind,
        "at": event.at,
        "by": event.by,
        "payload": event.payload.as_json(),
        "supersedes": event.supersedes,
        "reason": event.reason,
        "digest": event.digest(),
    }


def _decision(view: JSON) -> dict[str, Rows]:
    """Return the tables of a decision's view; the auditor's whole outcome gives the same tables."""
    assert isinstance(view, dict)
    whole = view.get("outcome")
    view = whole if isinstance(whole, dict) else view
    teams = cast("list[dict[str, JSON]]", view.get("teams", []))
    listed = [*cast("list[JSON]", view.get("scores", [])), *_inner(teams, "scores")]
    found = [*cast("list[JSON]", view.get("findings", [])), *_inner(teams, "findings")]
    figures = [
        {"figure": figure, "part": part, "points": points}
        for figure in ("means", "tops")
        for part, points in cast("dict[str, JSON]", view.get(figure, {})).items()
    ]
    return {
        "teams": [_team_row(row) for row in teams],
        "scores": cast("Rows", listed),
        "findings": cast("Rows", found),
        "figures": figures,
    }


def _inner(teams: Sequence[Mapping[str, JSON]], name: str) -> list[JSON]:
    return [one for row in teams for one in cast("list[JSON]", row.get(name, []))]


def _team_row(row: Mapping[str, JSON]) -> dict[str, object]:
    names = ("team", "name", "outcome", "advances", "exits", "rank", "margin_points")
    return {**{name: row[name] for name in names if name in row}, "reasons": row.get("missing", [])}


def _readme(told: Mapping[str, object], files: Mapping[str, bytes]) -> str:
    """Return what the folder holds, in both languages."""
    lines: list[str] = []
    for language in LANGUAGES:
        lines += [f"# {_say('title', told, language)}", "", _say("about", told, language), ""]
        if told["count"]:
            lines += [f"**{_say('simulated', told, language)}**", ""]
        for file in sorted(files):
            lines.append(f"- `{file}`: {_say('file.' + file.partition('.')[0], told, language)}")
        lines += ["", _say("unknown", told, language), "", _say("check", told, language), ""]
    return "\n".join(lines)


def _say(key: str, figures: Mapping[str, object], language: Language) -> str:
    return say(f"export.{key}", figures, language)
