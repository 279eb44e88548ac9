"""The page of a demo: what is real and what is not, every result, and links to everything that was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dokja.report.layers import layer_runs
from dokja.report.page import render_page
from dokja.report.words import Language, name_component, say

Row = Mapping[str, Any]


def render_demo_page(result: Row, folder: Path, language: Language) -> str:
    """Return one self-contained page, in both languages, of what `dokja demo --json` prints.

    Args:
        result: The object that `dokja demo --json` prints.
        folder: Where the page will lie; links are relative to it.
        language: The language shown first.
    """
    return render_page("demo.html.jinja", lambda each: _view(result, folder, each), language)


def _view(result: Row, folder: Path, language: Language) -> Mapping[str, object]:
    stages = [(name, result[name]) for name in ("stage", "reentry") if result[name] is not None]
    heard = result["objection"]
    closed = [stage for _, stage in stages] + ([] if heard is None else [heard["closed"]])
    return {
        "title": say("demo.title", {}, language),
        "lead": lead(result, language),
        "origins": [
            say(f"demo.plan.{kind}", {"names": ", ".join(names)}, language)
            for kind, names in result["models"].items()
            if names
        ],
        "comparisons": [
            {**one, "page": _link(one["page"], folder), "rows": lineage_rows(one, language)}
            for one in result["comparisons"]
        ],
        "stages": [
            {
                **stage,
                "name": name,
                "selected": _selected(stage),
                "page": _link(stage["page"], folder),
                "rows": _teams(stage, language),
            }
            for name, stage in stages
        ],
        "heard": None if heard is None else _heard(heard, folder, language),
        "dossiers": [
            {"file": _link(path, folder), "says": verified(report, _link(path, folder), language)}
            for stage in closed
            for path, report in zip(stage["dossiers"], stage["verified"], strict=True)
        ],
        "log_key": result["log_key"],
        "seconds": list(result["seconds"].items()),
    }


def lead(result: Row, language: Language) -> str:
    """Return the one sentence of a demo: who left in which way, or what was found."""
    stage = result["stage"]
    if stage is None:
        refuted = sum(one["verdict"] == "REFUTED" for one in result["comparisons"])
        return say("demo.lead.lineage", {"refuted": refuted, "models": len(result["comparisons"])}, language)
    nobody = say("demo.nobody", {}, language)
    left = {
        way: ", ".join(row["name"] for row in stage["teams"] if way in row["exits"].split(", ")) or nobody
        for way in ("score", "independence")
    }
    figures = {
        "advancing": len(stage["advancing"]),
        "teams": len(stage["teams"]),
        "by_score": left["score"],
        "by_independence": left["independence"],
        "vacancies": stage["vacancies"],
    }
    return say("demo.lead", figures, language)


def lineage_rows(compared: Row, language: Language) -> list[list[str]]:
    """Return a line per component: model, component, relation, verdict, reference with owner, layers."""
    return [
        [
            compared["suspect"],
            name_component(row["component"], language),
            say(f"relation.{row['relation']}", {}, language),
            say(f"verdict.{row['verdict']}", {}, language),
            f"{row['reference']} ({row['reference_owner'] or '–'})",
            layer_runs(row["layer_map"]),
        ]
        for row in compared["components"]
    ]


def verified(report: Row, file: str, language: Language) -> str:
    """Return one line on how many statements of the dossier in a file hold."""
    standings = [statement["standing"] for statement in report["statements"]]
    figures = {
        "file": file,
        "holds": standings.count("HOLDS"),
        "unknown": standings.count("COULD_NOT_RECOMPUTE"),
        "broken": standings.count("BROKEN"),
    }
    return say("demo.verified", figures, language)


def score_changes(heard: Row, language: Language) -> list[list[str]]:
    """Return a line per score that an objection changed: team, part, before, after."""
    del language  # figures and ids read the same in both
    return [
        [one["team"], one["part"], _points(one["before"]), _points(one["after"])] for one in heard["scores"]
    ]


def objection_sentences(heard: Row, language: Language) -> list[str]:
    """Return what the objection was about, and whether an outcome changed."""
    changed = heard["outcomes"]
    key = "demo.objection.changed" if changed else "demo.objection.same"
    return [say("demo.objection", heard, language), say(key, {"teams": ", ".join(changed)}, language)]


def _points(points: float | None) -> str:
    return "–" if points is None else f"{points:.2f}"


def _teams(stage: Row, language: Language) -> list[list[str]]:
    return [
        [
            row["name"],
            _points(row["total"]),
            say(f"outcome.{row['outcome']}", {}, language),
            ", ".join(say(f"exit.{way}", {}, language) for way in row["exits"].split(", ") if way) or "–",
            say("stage.judged_short", {}, language) if row["judged"] else "",
        ]
        for row in stage["teams"]
    ]


def _selected(stage: Row) -> str:
    return ", ".join(row["name"] for row in stage["teams"] if row["advances"])


def _heard(heard: Row, folder: Path, language: Language) -> Mapping[str, object]:
    return {
        "sentences": objection_sentences(heard, language),
        "changes": score_changes(heard, language),
        "page": _link(heard["closed"]["page"], folder),
    }


def _link(path: str, folder: Path) -> str:
    return Path(path).relative_to(folder).as_posix()
