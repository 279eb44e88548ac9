"""The page of a comparison: a sentence on top, then every component with its pictures, controls and gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dokja.report.page import render_page
from dokja.report.pictures import draw_against_null, draw_heat_map
from dokja.report.words import Language, name_component, say

Row = Mapping[str, Any]


def render_compare_page(result: Mapping[str, Any], language: Language) -> str:
    """Return one self-contained page, in both languages, of what `dokja compare --json` prints.

    Args:
        result: The object of the JSON contract.
        language: The language shown first.
    """
    return render_page("compare.html.jinja", lambda each: _view(result, each), language)


def _view(result: Mapping[str, Any], language: Language) -> Mapping[str, object]:
    references = result["reference"] if isinstance(result["reference"], list) else [result["reference"]]
    names = ", ".join(reference["name"] for reference in references)
    detail = result["detail"]
    return {
        "title": say("compare.title", {"suspect": result["suspect"]["name"], "references": names}, language),
        "result": result,
        "references": references,
        "headline": headline(result, language),
        "components": [_component(row, language) for row in result["components"]],
        "others": [row for row in detail["per_reference"] if row not in result["components"]],
        "design": [say(said["key"], said["figures"], language) for said in detail["said_warnings"]],
        "detail": detail,
    }


def headline(result: Mapping[str, Any], language: Language) -> str:
    """Return the one sentence of a comparison: what was found, in which components, against whom."""
    relation = result["relation"]
    concerned = [row for row in result["components"] if row["relation"] == relation]
    figures = {
        "suspect": result["suspect"]["name"],
        "components": ", ".join(name_component(row["component"], language) for row in concerned),
        "references": ", ".join(dict.fromkeys(str(row["reference"]) for row in concerned)),
        "n_others": len(result["components"]) - len(concerned),
    }
    return say(f"compare.headline.{relation}" if concerned else "compare.headline.nothing", figures, language)


def _component(row: Row, language: Language) -> Mapping[str, object]:
    detail = row.get("detail", {})
    said = row["said"]
    return {
        "row": row,
        "name": name_component(row["component"], language),
        "reason": say(said["reason"]["key"], said["reason"]["figures"], language),
        "warnings": [say(one["key"], one["figures"], language) for one in said["warnings"]],
        "heat_map": _heat_map(row, detail, language),
        "against_null": _against_null(row, detail, language),
        "roles": _roles(detail),
        "left_out": detail.get("left_out", []),
    }


def _heat_map(row: Row, detail: Row, language: Language) -> str:
    layers = detail.get("layers")
    if not layers or not layers["z"]:
        return ""
    strengths = np.array(
        [[np.nan if z is None else z for z in line] for line in layers["z"]], dtype=np.float64
    )
    rows, columns = layers["suspect_layers"], layers["reference_layers"]
    path = [(rows.index(s), columns.index(r)) for s, r in row["layer_map"] if s in rows and r in columns]
    axes = (say("compare.axis.suspect", {}, language), say("compare.axis.reference", {}, language))
    title = say("compare.heat_map", {"rows": len(rows), "columns": len(columns)}, language)
    return draw_heat_map(strengths, (list(map(str, rows)), list(map(str, columns))), path, title, axes)


def _against_null(row: Row, detail: Row, language: Language) -> str:
    null = detail.get("null")
    if not null:
        return ""
    controls = [
        (
            say(f"compare.control.{name}", {"z": control["z"], "n": control["n_groups"]}, language),
            control["z"],
        )
        for name, control in row["controls"].items()
        if control
    ]
    title = say("compare.against_null", {"draws": null["draws"], "z": null["z"]}, language)
    return draw_against_null(
        (null["bin_edges"], null["counts"]), null["z"], controls, title, say("compare.axis.z", {}, language)
    )


def _roles(detail: Row) -> Sequence[Mapping[str, object]]:
    return [
        {
            "role": role,
            "share": figures["sampled"] / figures["parameters"] if figures["parameters"] else 0.0,
            "how": figures["how"],
            "parameters": figures["parameters"],
        }
        for role, figures in sorted(detail.get("coverage_by_role", {}).items())
    ]
