"""`dokja benchmark run` and `dokja benchmark score`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from dokja.benchmark.score import RunScore
from dokja.cli.shared import FILE, NEW_FILE, Output, Showing, answering
from dokja.finding import Finding
from dokja.report.words import say_reason
from dokja.workflows.benchmark import read_suite, run_benchmark, score_journal


@click.group()
def command() -> None:
    """Suites of multiple-choice items on a local model."""


@command.command("run")
@click.argument("suites", nargs=-1, required=True, type=FILE)
@click.option("--model", required=True, help="A model file or folder.")
@click.option(
    "-o", "--output", "journal", required=True, type=NEW_FILE, help="Journal to write, or to resume."
)
@click.option("--name", default="", help="How to call the model; its file name when left out.")
@answering()
def run_command(out: Output, suites: tuple[Path, ...], model: str, journal: Path, name: str) -> None:
    """Ask MODEL every item of the SUITES; run again to resume after a stop."""
    from dokja.compute.local_engine import LocalEngine

    parsed = [read_suite(path) for path in suites]
    click.echo(out.say("benchmark.loading", {"model": model}), err=True)
    engine = LocalEngine.load(model)
    with Showing() as progress:
        score = run_benchmark(engine, parsed, journal, model=name or Path(model).name, progress=progress)
    out.show(_as_json(score, None), _lines(score, None, out))


@command.command("score")
@click.argument("journal", type=FILE)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=FILE,
    help="Suite file to check the journal's questions and answers against; may be repeated.",
)
@answering()
def score_command(out: Output, journal: Path, suites: tuple[Path, ...]) -> None:
    """Derive the scores of JOURNAL again from what was asked and answered."""
    score, finding = score_journal(journal, [read_suite(path) for path in suites])
    out.show(_as_json(score, finding), _lines(score, finding, out))


def _lines(score: RunScore, finding: Finding | None, out: Output) -> Iterator[str]:
    yield f"{score.model}  {score.weights_digest}  {score.engine}"
    yield out.say("benchmark.table_head")
    for suite in score.suites:
        figures = {
            "suite": suite.suite,
            "items": len(suite.items),
            "accuracy": suite.accuracy,
            "low": suite.interval.low,
            "high": suite.interval.high,
            "chance": suite.chance,
            "faults": suite.faults,
        }
        yield out.say("benchmark.table_row", figures)
    if finding is not None:
        yield say_reason(finding.reason, out.language)


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
