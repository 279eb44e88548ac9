"""`dokja stage`: open a stage, take in submissions, examine, evaluate, decide, and see where it stands."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.options import (
    FILE,
    SEED,
    actor_options,
    desk_option,
    json_option,
    language_option,
    now,
    show_json,
    stage_option,
)
from dokja.cli.stage_after import AFTER_DECISION
from dokja.cli.stage_decision import decide, events, score, sign, status
from dokja.cli.stage_export import export
from dokja.report.words import Language, say, say_reason


@click.group(name="stage")
def command() -> None:
    """A stage, from a frozen rulebook to a signed decision. Everything is kept in the desk's folder."""


def _actor(by: str, at: str, key: Path | None):  # type: ignore[no-untyped-def]  # Actor is imported where it is used
    from dokja.signature import SigningKey
    from dokja.workflows.desk import Actor

    return Actor(by, at or now(), None if key is None else SigningKey.load(key))


def _echo_events(events: list[object], as_json: bool, language: Language) -> None:
    from dokja.workflows.desk import told

    values = [told(event) for event in events]  # type: ignore[arg-type]
    if as_json:
        show_json({"events": values})
        return
    for value in values:
        click.echo(say("stage.recorded", {"event": value["id"], "kind": value["kind"]}, language))


@command.command("open")
@click.argument("rulebook", type=FILE)
@desk_option
@click.option("--stage", default="", help="Name of the stage; the rulebook's id by default.")
@click.option("--store", default="", help="Address of the store for a new desk; a SQLite file by default.")
@click.option("--origin", default="", help="The log's name for a new desk; local/STAGE by default.")
@click.option(
    "--allow-unknown",
    is_flag=True,
    help="Open although rules a stage needs were never published, e.g. to replay a past stage.",
)
@actor_options
@language_option
@json_option
def open_(
    rulebook: Path,
    desk_folder: Path,
    stage: str,
    store: str,
    origin: str,
    allow_unknown: bool,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Freeze RULEBOOK and open a stage under it; make the desk if there is none yet."""
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import open_stage
    from dokja.workflows.rulebook import read_openable_rulebook, read_rulebook

    book = read_rulebook(rulebook) if allow_unknown else read_openable_rulebook(rulebook)
    is_new = not (desk_folder / "desk.toml").exists()
    made = (
        Desk.create(desk_folder, origin=origin or f"local/{stage or book.id}", store=store)
        if is_new
        else None
    )
    with made or Desk(desk_folder) as desk:
        event = open_stage(desk, book, _actor(by, at, key), stage)
        log_key = str(desk.note_key)
    if as_json:
        show_json({"event": event.as_json(), "rulebook": book.digest(), "log_key": log_key})
        return
    click.echo(say("stage.opened", {"stage": event.stage, "digest": book.digest()}, language))
    click.echo(say("stage.log_key", {"key": log_key}, language))


@command.command()
@click.argument("rulebook", type=FILE)
@click.option(
    "--effective-at", required=True, metavar="TIME", help="RFC 3339 time in UTC from which it applies."
)
@click.option("--consents", multiple=True, metavar="TEAM", help="A team that consents; may be repeated.")
@click.option("--objects", multiple=True, metavar="TEAM", help="A team that objects; may be repeated.")
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def amend(
    rulebook: Path,
    effective_at: str,
    consents: tuple[str, ...],
    objects: tuple[str, ...],
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Record RULEBOOK as the next version, with who consented or objected. Nothing before it is rewritten."""
    from dokja.workflows.desk import Desk
    from dokja.workflows.open_stage import amend_stage
    from dokja.workflows.rulebook import read_rulebook

    positions = dict.fromkeys(consents, "consents") | dict.fromkeys(objects, "objects")
    with Desk(desk_folder) as desk:
        event = amend_stage(
            desk,
            stage,
            read_rulebook(rulebook),
            _actor(by, at, key),
            effective_at=effective_at,
            positions=positions,
        )
    _echo_events([event], as_json, language)


@command.command()
@click.argument("team")
@click.argument("model")
@click.option(
    "--declaration", type=FILE, required=True, help="TOML or JSON: owners and components with their origin."
)
@click.option("--name", default="", help="The team's display name; its id by default.")
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def submit(
    team: str,
    model: str,
    declaration: Path,
    name: str,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Record TEAM's MODEL by the digest of its weights, with the team's declaration."""
    from dokja.workflows.desk import Desk
    from dokja.workflows.submit import Submission, read_declaration
    from dokja.workflows.submit import submit as submit_model

    handed_in = Submission(team, name or team, model, read_declaration(declaration))
    with Desk(desk_folder) as desk:
        event = submit_model(desk, stage, handed_in, _actor(by, at, key))
    _echo_events([event], as_json, language)


@command.command()
@click.argument("team")
@click.argument("model")
@click.option(
    "--reference", "references", multiple=True, help="A model or sketch to compare with; may be repeated."
)
@click.option(
    "--owner", "owners", multiple=True, help="Owner of a reference, in the order of the references."
)
@click.option(
    "--library", type=click.Path(file_okay=False, path_type=Path), help="Compare with all of a library."
)
@click.option("--depth", type=click.Choice(["screen", "full"]), default="screen", show_default=True, help="How much to read.")  # fmt: skip
@click.option("--seed", type=SEED, default=None, help="Of the sample; an auditor draws a secret one.")
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def examine(
    team: str,
    model: str,
    references: tuple[str, ...],
    owners: tuple[str, ...],
    library: Path | None,
    depth: str,
    seed: int | None,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> int:
    """Compare TEAM's submitted MODEL with references and record the findings. Exit 1 when something is refuted."""
    from dokja.workflows.desk import Desk, told
    from dokja.workflows.examine import Looking, examine_submission, load_references

    looking = Looking(depth=depth) if seed is None else Looking(depth=depth, seed=seed)  # type: ignore[arg-type]
    sketches = load_references(references, owners, library, looking)
    with Desk(desk_folder) as desk:
        events = examine_submission(desk, stage, team, model, sketches, _actor(by, at, key), looking)
    findings = [event.payload["finding"] for event in events]
    if as_json:
        show_json({"events": [told(event) for event in events]})
    else:
        for event in events:
            click.echo(_finding_line(event, language))
    return int(any(finding["verdict"] == "REFUTED" for finding in findings))  # type: ignore[index,call-overload]


def _finding_line(event: object, language: Language) -> str:
    from dokja.finding import Finding

    finding = Finding.from_json(event.payload["finding"])  # type: ignore[attr-defined]
    verdict = say(f"verdict.{finding.verdict}", {}, language)
    return f"{event.id}  {finding.claim}  {verdict}: {say_reason(finding.reason, language)}"  # type: ignore[attr-defined]


@command.command()
@click.argument("subject")
@click.argument("model")
@click.argument("suites", nargs=-1, required=True, type=FILE)
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def evaluate(
    subject: str,
    model: str,
    suites: tuple[Path, ...],
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Run SUITES on the MODEL of a team or comparator and record every row. An interrupted run is resumed."""
    from dokja.workflows.desk import Desk
    from dokja.workflows.evaluate import evaluate_benchmarks, read_suites

    def progress(done: int, total: int) -> None:
        if done == total or done % 20 == 0:
            click.echo(f"  {subject}: {done}/{total}", err=True)

    with Desk(desk_folder) as desk:
        events = evaluate_benchmarks(
            desk, stage, subject, model, read_suites(suites), _actor(by, at, key), progress
        )
    _echo_events(list(events), as_json, language)


@command.command()
@click.argument("file", type=FILE)
@click.option(
    "--panel", default="", help="Panel of the rulebook; raters not yet registered are registered on it."
)
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def ballots(
    file: Path,
    panel: str,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Record the ballots of a panel from a CSV or JSON FILE; all of them, or none when a line is wrong."""
    from dokja.workflows.ballots import record_ballots
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        events = record_ballots(desk, stage, file, _actor(by, at, key), panel)
    if as_json:
        _echo_events(list(events), as_json, language)
    else:
        click.echo(say("stage.ballots", {"count": len(events), "file": file.name}, language))


@command.command()
@click.argument("kind")
@click.argument("payload", type=FILE)
@click.option("--supersedes", default="", metavar="EVENT", help="The event this one corrects.")
@click.option("--reason", default="", help="Why, where it corrects something.")
@click.option("--personal", type=FILE, help="JSON object that identifies a person; kept apart and erasable.")
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def record(
    kind: str,
    payload: Path,
    supersedes: str,
    reason: str,
    personal: Path | None,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Record one event of KIND from a JSON file: a reply, a recusal, a withdrawal, a vote, a correction, ...

    The kinds and their fields are in docs/reference/events.md.
    """
    from dokja.workflows.desk import Desk
    from dokja.workflows.record import record_event

    with Desk(desk_folder) as desk:
        event = record_event(
            desk,
            stage,
            kind,
            payload,
            _actor(by, at, key),
            supersedes=supersedes,
            reason=reason,
            personal=personal,
        )
    _echo_events([event], as_json, language)


@command.command()
@click.argument("rulebook", type=FILE)
@click.option(
    "--rounds", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Simulated stages."
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="Reproduces them.")
@language_option
@json_option
def rehearse(rulebook: Path, rounds: int, seed: int, language: Language, as_json: bool) -> None:
    """Run RULEBOOK on simulated teams and say how often a stage ends in each way. Everything shown is simulated."""
    from dokja.report.rehearsal import render_rehearsal
    from dokja.workflows.rulebook import rehearse_rulebook

    rehearsed = rehearse_rulebook(rulebook, rounds, seed)
    if as_json:
        show_json(rehearsed.as_json())
    else:
        click.echo(render_rehearsal(rehearsed, language))


for _later in (score, status, events, decide, sign, *AFTER_DECISION, export):
    command.add_command(_later)
