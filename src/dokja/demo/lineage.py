"""First part of the demo: which component of which model shares a descent with which reference."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dokja.demo.workshop import Workshop
from dokja.report.compare_page import render_compare_page
from dokja.report.words import Language
from dokja.workflows.compare import Comparison, render_result


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison.

    Args:
        suspect: Name of the model.
        result: What `dokja compare --json` prints.
        page: Its report.
    """

    suspect: str
    result: dict[str, Any]
    page: Path


def run_lineage(workshop: Workshop, language: Language) -> tuple[Compared, ...]:
    """Compare the cast's suspects with the library, say what is found as it comes, and write a page for each."""
    with workshop.step("library"):
        for entry in workshop.cast.library:
            workshop.folder(entry.model)
        references = workshop.library
    done = []
    with workshop.step("lineage"):
        for suspect in workshop.cast.suspects:
            began = time.perf_counter()
            sketch = workshop.sketch(suspect)
            examination = workshop.examination(suspect)
            comparison = Comparison(suspect, tuple(one.name for one in references), language=language)
            read = sketch.bytes_read + sum(reference.bytes_read for reference in references)
            seconds = time.perf_counter() - began
            result = render_result(comparison, sketch, references, examination, read, seconds)
            done.append(_write(workshop, suspect, result, language))
            _tell(workshop, result)
    return tuple(done)


def _write(workshop: Workshop, suspect: str, result: dict[str, Any], language: Language) -> Compared:
    folder = workshop.out / "lineage"
    folder.mkdir(exist_ok=True)
    page = folder / f"{suspect}.html"
    page.write_text(render_compare_page(result, language), encoding="utf-8")
    text = json.dumps(result, ensure_ascii=False, allow_nan=False, indent=1)
    (folder / f"{suspect}.json").write_text(text + "\n", encoding="utf-8")
    return Compared(suspect, result, page)


def _tell(workshop: Workshop, result: dict[str, Any]) -> None:
    for row in result["components"]:
        workshop.tell(
            "demo.found",
            {"suspect": result["suspect"]["name"], "component": row["component"], "sentence": row["reason"]},
        )
