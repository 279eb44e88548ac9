"""`dokja benchmark run` and `dokja benchmark score`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dokja.benchmark.score import RunScore
from dokja.cli.options import json_option, language_option
from dokja.finding import Finding
from dokja.report.words import Language, say, say_reason
from dokja.workflows.benchmark import read_suite, run_benchmark, score_journal


@click.group()
def command() -> None:
    """Suites of multiple-choice items on a local model."""


@command.command("run")
@click.argument(
    "suites", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--model", required=True, help="A model file or folder.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Journal to write, or to resume.",
)
@click.option("--name", default="", help="How to call the model; its file name when left out.")
@language_option
@json_option
def run_command(
    suites: tuple[Path, ...], model: str, output: Path, name: str, language: Language, as_json: bool
) -> None:
    """Ask MODEL every item of the SUITES; run again to resume after a stop."""
    from dokja.compute.local_engine import LocalEngine

    parsed = [read_suite(path) for path in suites]
    click.echo(say("benchmark.loading", {"model": model}, language), err=True)
    engine = LocalEngine.load(model)
    shown = name or Path(model).name
    score = run_benchmark(engine, parsed, output, model=shown, progress=_show_progress)
    _show(score, None, language, as_json=as_json)


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done}/{total}", nl=done == total, err=True)
    elif done == total or done % 50 == 0:
        click.echo(f"{done}/{total}", err=True)


@command.command("score")
@click.argument("journal", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Suite file to check the journal's questions and answers against; may be repeated.",
)
@language_option
@json_option
def score_command(journal: Path, suites: tuple[Path, ...], language: Language, as_json: bool) -> None:
    """Derive the scores of JOURNAL again from what was asked and answered."""
    score, finding = score_journal(journal, [read_suite(path) for path in suites])
    _show(score, finding, language, as_json=as_json)


def _show(score: RunScore, finding: Finding | None, language: Language, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_as_json(score, finding), ensure_ascii=False))
        return
    click.echo(f"{score.model}  {score.weights_digest}  {score.engine}")
    click.echo(say("benchmark.table_head", {}, language))
    for suite in score.suites:
        figures: dict[str, Any] = {
            "suite": suite.suite,
            "items": len(suite.items),
            "accuracy": suite.accuracy,
            "low": suite.interval.low,
            "high": suite.interval.high,
            "chance": suite.chance,
            "faults": suite.faults,
        }
        click.echo(say("benchmark.table_row", figures, language))
    if finding is not None:
        click.echo(say_reason(finding.reason, language))


def _as_json(score: RunScore, finding: Finding | None) -> dict[str, object]:
    suites = [asdict(suite) for suite in score.suites]
    result: dict[str, object] = {
        "model": score.model,
        "engine": score.engine,
        "weights_digest": score.weights_digest,
        "suites": suites,
        "faults": score.faults,
    }
    if finding is not None:
        result["finding"] = finding.as_json()
    return result
