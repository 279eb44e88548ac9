"""`dokja verify`: recompute a published decision, offline, from the file alone."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import Output, answering
from dokja.errors import Unavailable
from dokja.report.words import Language, say, say_reason
from dokja.workflows.verify import StatementStanding, VerificationReport, verify_dossier


@click.command()
@click.argument("dossier", type=click.Path(path_type=Path))
@click.option("--log-key", default="", metavar="KEY", help="The log's verifier key, as published elsewhere.")
@answering()
def command(out: Output, dossier: Path, log_key: str) -> int:
    """Recompute everything DOSSIER states, and name what no longer holds.

    Needs nothing but the file. Exit status: 0 when nothing is broken (what could not be recomputed is listed), 1 when a
    statement no longer holds, 3 when the file cannot be read.
    """
    try:
        data = dossier.read_bytes()
    except OSError as error:
        raise Unavailable(f"{dossier} cannot be read: {error.strerror}.") from error
    report = verify_dossier(data, log_key=log_key)
    out.show(report.as_json(), [render_report(report, out.language)])
    return EXIT_DONE if report.intact else EXIT_AGAINST


def render_report(report: VerificationReport, language: Language) -> str:
    """Return the report as lines of text: one per statement, and a summary."""
    width = max(len(statement.name) for statement in report.statements)
    lines = [
        f"{statement.name:<{width}}  {say(f'dossier.standing.{statement.standing}', {}, language)}: "
        f"{say_reason(statement.reason, language)}"
        for statement in report.statements
    ]
    broken = report.named(StatementStanding.BROKEN)
    figures = {
        "stage": report.stage,
        "profile": report.profile,
        "holds": len(report.named(StatementStanding.HOLDS)),
        "unknown": len(report.named(StatementStanding.COULD_NOT_RECOMPUTE)),
        "broken": len(broken),
        "names": ", ".join(broken),
    }
    key = "dossier.summary.broken" if broken else "dossier.summary.intact"
    return "\n".join([*lines, "", say(key, figures, language)])
