"""`dokja stage`: open a stage, take in submissions, examine, evaluate, decide, and see where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.shared import (
    FILE,
    FOLDER,
    Call,
    Output,
    Showing,
    answering,
    depth_option,
    seed_option,
    stage_command,
)
from dokja.cli.stage_after import AFTER_DECISION
from dokja.cli.stage_decision import decide, events, score, sign, status
from dokja.cli.stage_drafts import drafts, show_kept
from dokja.cli.stage_erase import erase
from dokja.cli.stage_export import export
from dokja.report.words import say_reason

if TYPE_CHECKING:
    from dokja.record.events import Event


@click.group(name="stage")
def command() -> None:
    """A stage, from a frozen rulebook to a signed decision. Everything is kept in the desk's folder."""


def _show_events(call: Call, events: Sequence[Event], *lines: str) -> None:
    from dokja.workflows.stage import told

    recorded = (call.out.say("stage.recorded", {"event": one.id, "kind": one.kind}) for one in events)
    call.out.show({"events": [told(event) for event in events]}, lines or recorded)


@command.command("open")
@click.argument("rulebook", type=FILE)
@click.option("--store", default="", help="Address of the store for a new desk; a SQLite file by default.")
@click.option("--origin", default="", help="The log's name for a new desk; local/STAGE by default.")
@click.option(
    "--allow-unknown",
    is_flag=True,
    help="Open although rules a stage needs were never published, e.g. to replay a past stage.",
)
@stage_command(acts=True, stage="Name of the stage; the rulebook's id by default.")
def open_(call: Call, rulebook: Path, store: str, origin: str, allow_unknown: bool) -> None:
    """Freeze RULEBOOK and open a stage under it; make the desk if there is none yet."""
    from dokja.workflows.open_stage import open_stage
    from dokja.workflows.rulebook import read_openable_rulebook, read_rulebook

    book = read_rulebook(rulebook) if allow_unknown else read_openable_rulebook(rulebook)
    call.new_desk(origin or f"local/{call.stage_name or book.id}", store)
    event = open_stage(call.desk, book, call.actor, call.stage_name)
    log_key, digest = str(call.desk.note_key), book.digest()
    call.out.show(
        {"event": event.as_json(), "rulebook": digest, "log_key": log_key},
        [
            call.out.say("stage.opened", {"stage": event.stage, "digest": digest}),
            call.out.say("stage.log_key", {"key": log_key}),
        ],
    )


@command.command()
@click.argument("rulebook", type=FILE)
@click.option(
    "--effective-at", required=True, metavar="TIME", help="RFC 3339 time in UTC from which it applies."
)
@click.option("--consents", multiple=True, metavar="TEAM", help="A team that consents; may be repeated.")
@click.option("--objects", multiple=True, metavar="TEAM", help="A team that objects; may be repeated.")
@stage_command(acts=True)
def amend(
    call: Call, rulebook: Path, effective_at: str, consents: tuple[str, ...], objects: tuple[str, ...]
) -> None:
    """Record RULEBOOK as the next version, with who consented or objected. Nothing before it is rewritten."""
    from dokja.workflows.open_stage import amend_stage
    from dokja.workflows.rulebook import read_rulebook

    book = read_rulebook(rulebook)
    positions = dict.fromkeys(consents, "consents") | dict.fromkeys(objects, "objects")
    event = amend_stage(call.stage, book, call.actor, effective_at=effective_at, positions=positions)
    _show_events(call, [event])


@command.command()
@click.argument("team")
@click.argument("model")
@click.option(
    "--declaration", type=FILE, required=True, help="TOML or JSON: owners and components with their origin."
)
@click.option("--name", default="", help="The team's display name; its id by default.")
@stage_command(acts=True)
def submit(call: Call, team: str, model: str, declaration: Path, name: str) -> None:
    """Record TEAM's MODEL by the digest of its weights, with the team's declaration."""
    from dokja.workflows.submit import Submission, read_declaration
    from dokja.workflows.submit import submit as submit_model

    handed_in = Submission(team, name or team, model, read_declaration(declaration))
    _show_events(call, [submit_model(call.stage, handed_in, call.actor)])


@command.command()
@click.argument("team")
@click.argument("model")
@click.option(
    "--reference", "references", multiple=True, help="A model or sketch to compare with; may be repeated."
)
@click.option(
    "--owner", "owners", multiple=True, help="Owner of a reference, in the order of the references."
)
@click.option("--library", type=FOLDER, help="Compare with all of a library.")
@depth_option("How much to read.")
@seed_option(None, "Of the sample; an auditor draws a secret one.", show=False)
@stage_command(acts=True)
def examine(
    call: Call,
    team: str,
    model: str,
    references: tuple[str, ...],
    owners: tuple[str, ...],
    library: Path | None,
    depth: str,
    seed: int | None,
) -> int:
    """Compare TEAM's submitted MODEL with references and record the findings. Exit 1 when something is refuted."""
    from dokja.finding import Verdict
    from dokja.workflows.examine import Looking, examine_submission, load_references

    looking = Looking(depth=depth) if seed is None else Looking(depth=depth, seed=seed)  # type: ignore[arg-type]
    with Showing() as progress:
        sketches = load_references(references, owners, library, looking, progress)
        events = examine_submission(call.stage, team, model, sketches, call.actor, looking, progress)
    _show_events(call, events, *(_finding_line(event, call.out) for event in events))
    return int(any(event.payload.finding.verdict is Verdict.REFUTED for event in events))


def _finding_line(event: Event, out: Output) -> str:
    finding = event.payload.finding
    verdict = out.say(f"verdict.{finding.verdict}")
    return f"{event.id}  {finding.claim}  {verdict}: {say_reason(finding.reason, out.language)}"


@command.command()
@click.argument("subject")
@click.argument("model")
@click.argument("suites", nargs=-1, required=True, type=FILE)
@stage_command(acts=True)
def evaluate(call: Call, subject: str, model: str, suites: tuple[Path, ...]) -> None:
    """Run SUITES on the MODEL of a team or comparator and record every row. An interrupted run is resumed."""
    from dokja.workflows.evaluate import evaluate_benchmarks, read_suites

    frozen = read_suites(suites)
    with Showing() as progress:
        events = evaluate_benchmarks(call.stage, subject, model, frozen, call.actor, progress)
    _show_events(call, events)


@command.command()
@click.argument("file", type=FILE)
@click.option(
    "--panel", default="", help="Panel of the rulebook; raters not yet registered are registered on it."
)
@stage_command(acts=True)
def ballots(call: Call, file: Path, panel: str) -> None:
    """Record the ballots of a panel from a CSV or JSON FILE; all of them, or none when a line is wrong."""
    from dokja.workflows.ballots import record_ballots

    events = record_ballots(call.stage, file, call.actor, panel)
    _show_events(call, events, call.out.say("stage.ballots", {"count": len(events), "file": file.name}))


@command.command()
@click.argument("kind")
@click.argument("payload", type=FILE)
@click.option("--supersedes", default="", metavar="EVENT", help="The event this one corrects.")
@click.option("--reason", default="", help="Why, where it corrects something.")
@click.option("--personal", type=FILE, help="JSON object that identifies a person; kept apart and erasable.")
@click.option("--draft", "waits", is_flag=True, help="Keep it without recording it, to be signed by its digest with dokja stage sign.")  # fmt: skip
@stage_command(acts=True)
def record(
    call: Call, kind: str, payload: Path, supersedes: str, reason: str, personal: Path | None, waits: bool
) -> None:
    """Record one event of KIND from a JSON file: a reply, a recusal, a withdrawal, a vote, a correction, ...

    The kinds and their fields are in docs/reference/events.md. With --draft it waits for the signature of somebody who
    signs with a passkey, or whose key is elsewhere, and is recorded once it is signed.
    """
    from dokja.workflows.record import RecordAs, record_event

    said = RecordAs(kind, payload, supersedes, reason, personal)
    if not waits:
        _show_events(call, [record_event(call.stage, said, call.actor)])
        return
    if call.actor.key is not None:
        raise click.UsageError(
            "What waits for a signature is signed with dokja stage sign: give no --key with --draft."
        )
    from dokja.workflows.drafts import keep_draft

    show_kept(call, keep_draft(call.stage, said, call.actor))


@command.command()
@click.argument("rulebook", type=FILE)
@click.option(
    "--rounds", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Simulated stages."
)
@seed_option(1, "Reproduces them.")
@answering()
def rehearse(out: Output, rulebook: Path, rounds: int, seed: int) -> None:
    """Run RULEBOOK on simulated teams and say how often a stage ends in each way. Everything shown is simulated."""
    from dokja.report.rehearsal import render_rehearsal
    from dokja.workflows.rulebook import rehearse_rulebook

    with Showing() as progress:
        rehearsed = rehearse_rulebook(rulebook, rounds, seed, progress=progress)
    out.show(rehearsed.as_json(), [render_rehearsal(rehearsed, out.language)])


for _later in (score, status, events, drafts, decide, sign, *AFTER_DECISION, erase, export):
    command.add_command(_later)
