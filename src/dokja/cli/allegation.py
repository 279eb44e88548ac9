"""`dokja allegation`: what third parties allege of a submission, the team's reply, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dokja.cli.shared import DAY, FILE, Call, Output, profile_options, stage_command

if TYPE_CHECKING:
    from dokja.publishing.principal import Principal
    from dokja.workflows.allegation import Filed

_BASES = [
    "norm_gain_cosine",
    "equal_configuration",
    "code_likeness",
    "vocabulary_overlap",
    "weight_comparison",
    "training_record",
    "licence_or_notice",
]


@click.group(name="allegation")
def command() -> None:
    """Allegations by third parties: an evidence standard, a right of reply, and a status anyone concerned can see."""


@command.command("file")
@click.argument("team")
@click.option("--reference", required=True, help="The model it is said to descend from, and its owner.")
@click.option("--basis", "bases", multiple=True, required=True, type=click.Choice(_BASES), help="What it rests on; may be repeated.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="The allegation in the party's own words.")
@click.option("--evidence", type=FILE, multiple=True, help="A file that lets others repeat it; may be repeated.")  # fmt: skip
@click.option("--reply-by", type=DAY, default=None, metavar="DAY", help="Last day for the team's reply; the rulebook's objection period by default.")  # fmt: skip
@stage_command(acts=True, dry_run=True)
def file_(
    call: Call,
    team: str,
    reference: str,
    bases: tuple[str, ...],
    text: Path,
    evidence: tuple[Path, ...],
    reply_by: date | None,
) -> int:
    """Record an allegation about TEAM. What its basis cannot show is answered at once, with the reason; then exit 1."""
    from dokja.procedure.allegation import Status
    from dokja.record.terms import Basis
    from dokja.workflows.allegation import Accusation, file_allegation
    from dokja.workflows.evidence import read_statement_text

    complaint = Accusation(
        team, reference, tuple(Basis(one) for one in bases), read_statement_text(text), evidence, reply_by
    )
    filed = file_allegation(call.stage, complaint, call.actor, dry_run=call.dry_run)
    call.out.show(filed.as_json(), _filed_lines(filed, team, call.out))
    return int(filed.answer.status is Status.NO_EVIDENCE)


def _filed_lines(filed: Filed, team: str, out: Output) -> Iterator[str]:
    status = out.say(f"allegation.status.{filed.answer.status}")
    if filed.event is None:
        yield out.say("allegation.tried", {"status": status})
    else:
        yield out.say("allegation.filed", {"allegation": filed.event.id, "team": team, "status": status})
    for reason in filed.answer.reasons:
        yield f"  {out.say(reason.key, reason.figures)}"
    if filed.answer.can_tell:
        yield out.say("allegation.reply_until", {"reply_by": filed.reply_by.isoformat()})


@command.command()
@click.argument("allegation")
@click.option("--text", type=FILE, required=True, help="The team's reply.")
@stage_command(acts=True, dry_run=True)
def reply(call: Call, allegation: str, text: Path) -> None:
    """Record the team's reply to ALLEGATION."""
    from dokja.workflows.allegation import reply_to_allegation
    from dokja.workflows.evidence import read_statement_text

    words = read_statement_text(text)
    event = reply_to_allegation(call.stage, allegation, words, call.actor, dry_run=call.dry_run)
    recorded = call.out.say("stage.recorded", {"event": event.id, "kind": event.kind})
    call.show_recorded(event, call.out.say("publication.tried") if call.dry_run else recorded)


@command.command()
@click.argument("allegation", default="")
@profile_options("Who asks.")
@stage_command(at=True)
def status(call: Call, allegation: str, principal: Principal) -> None:
    """Where ALLEGATION, or every one, stands. What was written is shown to the team it is about and to the auditor."""
    from dokja.publishing.see import see
    from dokja.workflows.allegation import allegation_rows

    sight = see(principal, call.stage.rulebook)
    rows = allegation_rows(call.stage, sight, call.at, allegation)
    lines = (line for row in rows for line in _row_lines(row, call.out))
    call.out.show({"allegations": rows}, lines if rows else [call.out.say("allegation.none")])


def _row_lines(row: Mapping[str, Any], out: Output) -> Iterator[str]:
    yield out.say("allegation.filed", {**row, "status": out.say(f"allegation.status.{row['status']}")})
    for reason in row["reasons"]:
        yield f"  {out.say(reason['key'], reason['figures'])}"
    if row["status"] == "awaiting_reply":
        yield f"  {out.say('allegation.reply_until', row)}"
    for name in ("reference", "text", "reply"):
        if row.get(name):
            yield f"  {name}: {row[name]}"
