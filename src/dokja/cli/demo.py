"""`dokja demo`: lineage between real small models, and a whole stage from frozen rules to verified dossiers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.shared import FOLDER, Output, Showing, answering, table
from dokja.report.words import Language, say

if TYPE_CHECKING:
    from dokja.demo import DemoPlan, DemoResult
    from dokja.demo.office import ClosedStage


@click.command()
@click.option("--cache", type=FOLDER, default=Path(".cache/models"), show_default=True, help="Where downloaded models are kept between runs.")  # fmt: skip
@click.option("--out", "folder", type=FOLDER, default=Path("out/demo"), show_default=True, help="Where everything goes; emptied of what an earlier demo made there, and of nothing else.")  # fmt: skip
@click.option("--only", type=click.Choice(("lineage", "stage")), help="Run one of the two parts.")
@click.option("--examples", type=FOLDER, help="Folder of the examples; the source checkout's by default.")
@answering()
def command(out: Output, cache: Path, folder: Path, only: str | None, examples: Path | None) -> None:
    """Show on real small models what dokja does: who descends from whom, and a whole stage with its dossiers.

    Needs no PyTorch. Says before it starts what it downloads and what of it is real. Exit status 0 when the demo ran,
    whatever it found.
    """
    from dokja.demo import find_examples, plan_demo, run_demo

    plan = plan_demo(examples or find_examples(), cache, folder, out.language, only)  # type: ignore[arg-type]  # click's choice
    with Showing() as progress:
        progress.tell("\n".join(_announcement(plan, out.language)))

        def tell(key: str, figures: Mapping[str, Any]) -> None:
            heading = key.startswith(("demo.step.", "demo.heading."))
            said = dict(figures)
            if "verdict" in said:
                said["verdict"] = out.say(f"verdict.{said['verdict']}")
            progress.tell(("\n" if heading else "  ") + out.say(key, said))

        result = run_demo(plan, tell, progress)
    out.show(result.as_json(), ["", *_summary(result, out.language)])


def _announcement(plan: DemoPlan, language: Language) -> list[str]:
    from dokja.demo.fetch import real_models

    cache = str(plan.cache)
    titles = [f"{real_models()[name].title}" for name in plan.downloads or plan.packages]
    kind = "download" if plan.downloads else "cached" if plan.packages else "offline"
    figures = {"megabytes": plan.download_bytes / 1e6, "cache": cache, "names": "; ".join(titles)}
    lines = [say("demo.plan.title", {}, language), say(f"demo.plan.{kind}", figures, language)]
    for origin in ("real", "trained", "made"):
        if names := plan.of_origin(origin):
            lines.append(say(f"demo.plan.{origin}", {"names": ", ".join(names)}, language))
    if "stage" in plan.parts:
        lines.append(say("demo.plan.simulated", {}, language))
    return [*lines, say("demo.plan.out", {"out": str(plan.out)}, language)]


def _summary(result: DemoResult, language: Language) -> list[str]:
    from dokja.cli.stage_decision import outcome_lines
    from dokja.report.demo_page import lead, lineage_rows, objection_sentences, score_changes

    value: dict[str, Any] = result.as_json()
    lines = []
    if result.comparisons:
        columns = ("suspect", "component", "relation", "verdict", "reference", "layers")
        header = [say(f"demo.column.{name}", {}, language) for name in columns]
        rows = [row for one in value["comparisons"] for row in lineage_rows(one, language)]
        lines += [_heading("lineage", language), table(rows, header), "", say("demo.null", {}, language), ""]
    for name, closed in (("stage", result.stage), ("reentry", result.reentry)):
        if closed is not None:
            lines += [_heading(name, language), *outcome_lines(closed.seen.decision, language), ""]
            lines += [*_verified(closed, language), ""]
    if result.objection is not None:
        heard = value["objection"]
        header = [say("stage.column.team", {}, language)]
        header += [say(f"demo.column.{name}", {}, language) for name in ("part", "before", "after")]
        lines += [_heading("objection", language), *objection_sentences(heard, language)]
        lines += [table(score_changes(heard, language), header)]
        lines += [*_verified(result.objection.closed, language), ""]
    lines += [lead(value, language), ""]
    lines += _files(result, language)
    return [*lines, say("demo.took", {"seconds": sum(result.seconds.values())}, language)]


def _heading(name: str, language: Language) -> str:
    words = say(f"demo.heading.{name}", {}, language)
    return f"{words}\n"


def _verified(closed: ClosedStage, language: Language) -> list[str]:
    from dokja.report.demo_page import verified

    return [
        verified(report.as_json(), str(path), language)
        for path, report in zip(closed.dossiers, closed.verified, strict=True)
    ]


def _files(result: DemoResult, language: Language) -> list[str]:
    closed = [one for one in (result.stage, result.reentry) if one is not None]
    closed += [] if result.objection is None else [result.objection.closed]
    paths = [result.plan.out / "index.html", *(one.page for one in result.comparisons)]
    paths += [path for one in closed for path in (one.page, *one.dossiers)]
    lines = [_heading("files", language), *(f"  {path}" for path in paths), ""]
    if closed:
        figures = {"file": str(closed[0].dossiers[0]), "log_key": result.log_key}
        lines += [say("demo.verify_command", figures, language), ""]
    return lines
