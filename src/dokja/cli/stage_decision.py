"""The part of `dokja stage` that reads and decides: score, status, events, decide, sign."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.options import (
    FILE,
    SEED,
    csv_option,
    desk_option,
    json_option,
    language_option,
    now,
    show_csv,
    show_json,
    stage_option,
    table,
)
from dokja.report.words import Language, say, say_reason

if TYPE_CHECKING:
    from dokja.deciding.decision import Decision
    from dokja.workflows.decide import Seen

_EXIT_CLOSED = 1
_SEED = 20260115


@click.command()
@desk_option
@stage_option
@csv_option
@language_option
@json_option
def score(desk_folder: Path, stage: str, as_csv: bool, language: Language, as_json: bool) -> None:
    """Every score the rules give now, by team and part; what has no result says why."""
    from dokja.deciding.score import Points
    from dokja.workflows.decide import look
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        scores = look(desk, stage, seed=None).decision.scores
    if as_json:
        show_json({"scores": scores.rows()})
    elif as_csv:
        show_csv(scores.rows())
    else:
        rows = []
        reasons = []
        for team in scores.teams:
            found = [scores.of(team, part) for part in scores.parts]
            rows.append([team, *[f"{one.points:.2f}" if isinstance(one, Points) else "–" for one in found]])
            reasons += [say_reason(one.reason, language) for one in found if not isinstance(one, Points)]
        click.echo(table(rows, ["", *scores.parts]))
        for reason in dict.fromkeys(reasons):
            click.echo(f"  – {reason}")


@click.command()
@desk_option
@stage_option
def events(desk_folder: Path, stage: str) -> None:
    """Every event of the stage as recorded, one JSON object a line; for `rulebook diff --events`. For auditors' eyes."""
    from dokja.canonical import canonical_bytes
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        for event in desk.store.events(desk.require_stage(stage)):
            click.echo(canonical_bytes(event.as_json()).decode())


@click.command()
@desk_option
@stage_option
@language_option
@json_option
def status(desk_folder: Path, stage: str, language: Language, as_json: bool) -> int:
    """Where the stage stands: what the rules give now, what is missing, what would change it. Exit 1: a gate is closed."""
    from dokja.workflows.decide import look
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        seen = look(desk, stage, seed=None)
    if as_json:
        show_json(seen.decision.as_json())
    else:
        click.echo("\n".join(outcome_lines(seen.decision, language)))
    return _closed(seen.decision)


@click.command()
@click.option(
    "--key", "keys", type=FILE, multiple=True, help="Sign at once with this key file; may be repeated."
)
@click.option("--seed", type=SEED, default=_SEED, show_default=True, help="Of the resamples.")
@click.option(
    "--replicates", type=click.IntRange(100, 100_000), default=10_000, show_default=True, help="Resamples."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the two dossiers here once enough people have signed.")  # fmt: skip
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the decision's page here."
)
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@stage_option
@language_option
@json_option
def decide(
    keys: Sequence[Path],
    seed: int,
    replicates: int,
    out: Path | None,
    report: Path | None,
    at: str,
    desk_folder: Path,
    stage: str,
    language: Language,
    as_json: bool,
) -> int:
    """Compute what the rules give, keep it as a proposal people can sign, and write the dossiers once they have.

    Exit 1 when a team's gate stays closed.
    """
    from dokja.workflows.decide import look, propose
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        seen = look(desk, stage, seed=seed, replicates=replicates)
        proposal = propose(desk, seen)
        told = _sign_and_write(desk, stage, proposal, keys, out, at)
        if report is not None:
            _write_report(desk, stage, seen, report, language)
    if as_json:
        show_json({"decision": proposal.digest, "body": proposal.body, **told})
    else:
        click.echo("\n".join(outcome_lines(seen.decision, language)))
        click.echo("\n".join(_certainty_lines(seen, language)))
        click.echo(say("stage.proposed", {"digest": proposal.digest}, language))
        _echo_signed(told, language)
    return _closed(seen.decision)


@click.command()
@click.argument("digest")
@click.option("--key", "keys", type=FILE, multiple=True, help="Key file of who signs; may be repeated.")
@click.option(
    "--credential", "passkeys", type=FILE, multiple=True,
    help="Passkey file with its answer, of who signs with a passkey; may be repeated.",
)  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the two dossiers here once enough people have signed.")  # fmt: skip
@click.option("--at", default="", metavar="TIME", help="RFC 3339 time in UTC; now by default.")
@desk_option
@stage_option
@language_option
@json_option
def sign(
    digest: str,
    keys: Sequence[Path],
    passkeys: Sequence[Path],
    out: Path | None,
    at: str,
    desk_folder: Path,
    stage: str,
    language: Language,
    as_json: bool,
) -> None:
    """Sign the proposal DIGEST; with --out, write the dossiers once enough people have."""
    from dokja.signature.passkey_file import load_passkey
    from dokja.workflows.decide import read_proposal
    from dokja.workflows.decide import sign as sign_proposal
    from dokja.workflows.desk import Desk

    if not keys and not passkeys:
        raise click.UsageError("Give --key or --credential of who signs.")
    with Desk(desk_folder) as desk:
        proposal = read_proposal(desk, stage, digest)
        for passkey in [load_passkey(path).signer() for path in passkeys]:
            sign_proposal(desk, stage, proposal, passkey, at or passkey.at)
        told = _sign_and_write(desk, stage, proposal, keys, out, at)
    if as_json:
        show_json({"decision": digest, **told})
    else:
        _echo_signed(told, language)


def _sign_and_write(
    desk: Any, stage: str, proposal: Any, keys: Sequence[Path], out: Path | None, at: str
) -> dict[str, Any]:
    from dokja.procedure.signature_rule import Enough
    from dokja.signature import SigningKey
    from dokja.workflows.decide import sign, who_signed, write_dossiers

    for path in keys:
        sign(desk, stage, proposal, SigningKey.load(path), at or now())
    signed = who_signed(desk, stage, proposal)
    short = signed.enough is Enough.SHORT
    written = () if out is None or short else write_dossiers(desk, stage, proposal, out)
    return {
        "signed": list(signed.people),
        "needed": signed.needed,
        "missing": dict(signed.missing),
        "dossiers": [str(path) for path in written],
    }


def _write_report(desk: Any, stage: str, seen: Seen, report: Path, language: Language) -> None:
    from dokja.report.decision_page import render_decision_page

    name = desk.require_stage(stage)
    page = render_decision_page(
        seen.rulebook, seen.decision, seen.uncertainty, desk.store.events(name, before=seen.before), language
    )
    report.write_text(page, encoding="utf-8")
    click.echo(f"  {report}", err=True)


def _echo_signed(told: dict[str, Any], language: Language) -> None:
    if told["needed"] is not None:
        figures = {
            "people": len(told["signed"]),
            "needed": told["needed"],
            "who": ", ".join(told["signed"]) or "–",
        }
        click.echo(say("stage.signed", figures, language))
    for role, people in told["missing"].items():
        click.echo(say("signature.role_missing", {"role": role, "people": people}, language))
    for path in told["dossiers"]:
        click.echo(path)


def outcome_lines(decision: Decision, language: Language) -> list[str]:
    """Return a decision as lines for a terminal: a row per team, then what is missing and why."""
    rows = []
    for row in decision.rows():
        total = row["total"]
        rows.append(
            [
                str(row["name"]),
                "–" if total is None else f"{total:.2f}",
                say(f"outcome.{row['outcome']}", {}, language),
                ", ".join(say(f"exit.{way}", {}, language) for way in decision.of(str(row["team"])).exits)
                or "–",
                say("stage.judged_short", {}, language) if row["judged"] else "",
            ]
        )
    header = [
        say(f"stage.column.{name}", {}, language) for name in ("team", "total", "outcome", "exit", "note")
    ]
    lines = [table(rows, header), ""]
    for team in decision.teams:
        lines += [f"{team.name}: {say_reason(reason, language)}" for reason in team.missing]
    lines += [say_reason(reason, language) for reason in decision.remarks]
    if decision.vacancies:
        lines.append(
            say(
                "stage.vacancies",
                {
                    "count": decision.vacancies,
                    "rule": say(f"rulebook.value.{decision.filled_by}", {}, language),
                },
                language,
            )
        )
    return lines


def _certainty_lines(seen: Seen, language: Language) -> list[str]:
    if seen.uncertainty is None:
        return []
    return [
        say(
            "stage.certainty",
            {
                "team": team.team,
                "pass_share": team.pass_share,
                "low": team.total.low,
                "high": team.total.high,
                "rank_low": team.rank_low,
                "rank_high": team.rank_high,
            },
            language,
        )
        for team in seen.uncertainty.teams
    ]


def _closed(decision: Decision) -> int:
    return _EXIT_CLOSED if any(not team.advances for team in decision.teams) else 0
