"""The part of `dokja stage` that reads and decides: score, status, events, decide, sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import FOLDER, KEY, NEW_FILE, PASSKEY, Call, Output, seed_option, stage_command, table
from dokja.cli.stage_drafts import record_signed
from dokja.report.words import Language, say, say_reason

if TYPE_CHECKING:
    from dokja.deciding.decision import Decision
    from dokja.deciding.score import StageScores
    from dokja.signature import SigningKey
    from dokja.signature.key import Signer
    from dokja.signature.passkey_file import PasskeyAnswer
    from dokja.workflows.decide import Proposal, Seen

_SEED = 20260115
_dossiers = click.option("--out", "folder", type=FOLDER, help="Write the two dossiers here once enough people have signed.")  # fmt: skip


@click.command()
@stage_command(csv=True)
def score(call: Call) -> None:
    """Every score the rules give now, by team and part; what has no result says why."""
    from dokja.workflows.decide import look

    scores = look(call.stage, seed=None).decision.scores
    call.out.show({"scores": scores.rows()}, _score_lines(scores, call.out.language), scores.rows())


def _score_lines(scores: StageScores, language: Language) -> Iterator[str]:
    from dokja.deciding.score import Points

    rows = []
    reasons = []
    for team in scores.teams:
        found = [scores.of(team, part) for part in scores.parts]
        rows.append([team, *[f"{one.points:.2f}" if isinstance(one, Points) else "–" for one in found]])
        reasons += [say_reason(one.reason, language) for one in found if not isinstance(one, Points)]
    yield table(rows, ["", *scores.parts])
    yield from (f"  – {reason}" for reason in dict.fromkeys(reasons))


@click.command()
@stage_command()
def events(call: Call) -> None:
    """Every event of the stage as recorded, one JSON object a line; for `rulebook diff --events`. For auditors' eyes."""
    from dokja.canonical import canonical_bytes

    found = [event.as_json() for event in call.stage.events]
    call.out.show({"events": found}, (canonical_bytes(event).decode() for event in found))


@click.command()
@stage_command()
def status(call: Call) -> int:
    """Where the stage stands: what the rules give now, what is missing, what would change it. Exit 1: a gate is closed."""
    from dokja.workflows.decide import look

    decision = look(call.stage, seed=None).decision
    call.out.show(decision.as_json(), outcome_lines(decision, call.out.language))
    return _closed(decision)


@click.command()
@click.option(
    "--key", "keys", type=KEY, multiple=True, help="Sign at once with this key file; may be repeated."
)
@seed_option(_SEED, "Of the resamples.")
@click.option(
    "--replicates", type=click.IntRange(100, 100_000), default=10_000, show_default=True, help="Resamples."
)
@_dossiers
@click.option("--report", type=NEW_FILE, help="Write the decision's page here.")
@stage_command(at=True)
def decide(
    call: Call,
    keys: Sequence[SigningKey],
    seed: int,
    replicates: int,
    folder: Path | None,
    report: Path | None,
) -> int:
    """Compute what the rules give, keep it as a proposal people can sign, and write the dossiers once they have.

    Exit 1 when a team's gate stays closed.
    """
    from dokja.workflows.decide import look, propose

    seen = look(call.stage, seed=seed, replicates=replicates)
    proposal = propose(call.stage, seen)
    told = _sign_and_write(call, proposal, keys, folder)
    if report is not None:
        _write_report(call, seen, report)
    out = call.out
    lines = [
        *outcome_lines(seen.decision, out.language),
        *_certainty_lines(seen, out.language),
        out.say("stage.proposed", {"digest": proposal.digest}),
        *_signed_lines(told, out),
    ]
    out.show({"decision": proposal.digest, "body": proposal.body, **told}, lines)
    return _closed(seen.decision)


@click.command()
@click.argument("digest")
@click.option("--key", "keys", type=KEY, multiple=True, help="Key file of who signs; may be repeated.")
@click.option(
    "--credential", "passkeys", type=PASSKEY, multiple=True,
    help="Passkey file with its answer, of who signs with a passkey; may be repeated.",
)  # fmt: skip
@_dossiers
@stage_command(at=True)
def sign(
    call: Call,
    digest: str,
    keys: Sequence[SigningKey],
    passkeys: Sequence[PasskeyAnswer],
    folder: Path | None,
) -> None:
    """Sign what waits under DIGEST: a proposed decision, or an event kept with --draft, which is then recorded.

    With --out, the dossiers of a decision are written once enough people have signed it. An event is signed by one
    person; what the rules no longer allow by then is refused and still waits.
    """
    from dokja.workflows.decide import read_proposal
    from dokja.workflows.drafts import find_draft

    signers: list[Signer] = [*passkeys, *keys]
    if not signers:
        raise click.UsageError("Give --key or --credential of who signs.")
    waiting = find_draft(call.stage, digest)
    if waiting is not None:
        if len(signers) != 1 or folder is not None:
            raise click.UsageError("An event is signed with one --key or --credential, and has no dossiers.")
        record_signed(call, waiting, signers[0])
        return
    told = _sign_and_write(call, read_proposal(call.stage, digest), signers, folder)
    call.out.show({"decision": digest, **told}, _signed_lines(told, call.out))


def _sign_and_write(
    call: Call, proposal: Proposal, keys: Sequence[Signer], folder: Path | None
) -> dict[str, Any]:
    from dokja.procedure.signature_rule import Enough
    from dokja.workflows.decide import sealed_without_salt, sign, who_signed, write_dossiers

    for key in keys:
        sign(call.stage, proposal, key, call.signed_at(key))
    signed = who_signed(call.stage, proposal)
    short = signed.enough is Enough.SHORT
    written = () if folder is None or short else write_dossiers(call.stage, proposal, folder)
    return {
        "signed": list(signed.people),
        "needed": signed.needed,
        "missing": dict(signed.missing),
        "dossiers": [str(path) for path in written],
        "sealed_without_salt": list(sealed_without_salt(call.stage, proposal.rulebook)) if written else [],
    }


def _write_report(call: Call, seen: Seen, report: Path) -> None:
    from dokja.report.decision_page import render_decision_page

    page = render_decision_page(
        seen.rulebook, seen.decision, seen.uncertainty, seen.history, call.out.language
    )
    report.write_text(page, encoding="utf-8")
    click.echo(f"  {report}", err=True)


def _signed_lines(told: dict[str, Any], out: Output) -> Iterator[str]:
    if told["needed"] is not None:
        figures = {
            "people": len(told["signed"]),
            "needed": told["needed"],
            "who": ", ".join(told["signed"]) or "–",
        }
        yield out.say("stage.signed", figures)
    for role, people in told["missing"].items():
        yield out.say("signature.role_missing", {"role": role, "people": people})
    yield from told["dossiers"]
    if told["sealed_without_salt"]:
        yield out.say("stage.sealed_without_salt", {"events": len(told["sealed_without_salt"])})


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
    return EXIT_AGAINST if any(not team.advances for team in decision.teams) else EXIT_DONE
