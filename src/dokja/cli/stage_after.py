"""The part of `dokja stage` after the decision: publish, object, answer, re-enter, close."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.options import (
    FILE,
    acting,
    actor_options,
    desk_option,
    dry_run_option,
    json_option,
    language_option,
    show_json,
    stage_option,
    table,
)
from dokja.cli.publication import EXIT_REFUSED, release_lines, statement_line, terms_options
from dokja.report.words import Language, say

if TYPE_CHECKING:
    from dokja.publishing.correction import Difference
    from dokja.workflows.appeal import Answered


@click.command()
@click.argument("digest", default="")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write the two dossiers here.")
@terms_options
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def publish(
    digest: str,
    out: Path | None,
    until: str,
    early: tuple[str, ...],
    assumptions: tuple[str, ...],
    reason: str,
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> int:
    """Announce the signed decision DIGEST (the one signed last by default) and open the objection period.

    The public sees what the rulebook's table grants it. Exit 1 when that would confine a sealed score more narrowly
    than the policy allows; then nothing is recorded. A corrected decision needs --reason and takes the place of the
    one before.
    """
    from dokja.procedure.objection import period_of
    from dokja.workflows.desk import Desk
    from dokja.workflows.publish import Terms, publish_decision

    terms = Terms(until, early, assumptions, "", reason)
    last_days: dict[str, str] = {}
    with Desk(desk_folder) as desk:
        actor = acting(by, at, key)
        published = publish_decision(desk, stage, actor, terms, digest=digest, out=out, dry_run=dry_run)
        if published.event is not None:
            name = published.event.stage
            rulebook, events = desk.rulebook(name), desk.store.events(name)
            for team in published.event.payload["announces"]:  # type: ignore[union-attr]  # a list of names
                period = period_of(rulebook, events, str(team))
                last_days[str(team)] = "" if period is None else period.last.isoformat()
    if as_json:
        show_json({**published.as_json(), "last_days": last_days})
    else:
        click.echo("\n".join(release_lines(published, terms, language)))
        if published.event is not None:
            last = max(last_days.values(), default="–")
            figures = {"event": published.event.id, "last_day": last}
            click.echo(say("publication.announced", figures, language))
        for path in published.dossiers:
            click.echo(str(path))
    return 0 if published.allowed else EXIT_REFUSED


@click.command("object")
@click.argument("team")
@click.option("--ground", required=True, metavar="GROUND", help="What it rests on: decisive_evaluator_error, misreading_of_the_work, clerical_error. What is often brought forward and is none is answered with the reason: disagreement_with_a_judgement, new_material, another_teams_score, the_rules_themselves.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="The objection in the team's own words.")
@click.option("--about", default="", metavar="EVENT", help="The event objected to; the whole decision by default.")  # fmt: skip
@click.option("--evidence", type=FILE, multiple=True, help="A file; may be repeated.")
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def object_(
    team: str,
    ground: str,
    text: Path,
    about: str,
    evidence: tuple[Path, ...],
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> int:
    """Object to the announced decision for TEAM. Exit 1 when it may not be taken in; the reason is said."""
    from dokja.workflows.appeal import Complaint, object_to_decision
    from dokja.workflows.desk import Desk
    from dokja.workflows.evidence import read_statement_text

    complaint = Complaint(team, ground, read_statement_text(text), about, evidence)
    with Desk(desk_folder) as desk:
        done = object_to_decision(desk, stage, complaint, acting(by, at, key), dry_run=dry_run)
    if as_json:
        show_json(done.as_json())
    elif done.refused is not None:
        click.echo(say(done.refused.key, done.refused.figures, language))
    else:
        figures = {"last_day": done.last_day, "answer_by": done.answer_by}
        key_ = "objection.would_be_recorded" if done.event is None else "objection.recorded"
        event = "" if done.event is None else done.event.id
        click.echo(say(key_, {**figures, "event": event}, language))
    return 0 if done.refused is None else EXIT_REFUSED


@click.command()
@click.argument("objection")
@click.option("--uphold/--dismiss", "upheld", default=None, required=True, help="What the hearing came to.")
@click.option("--heard-by", "heard_by", multiple=True, required=True, metavar="PERSON", help="Who heard it: an enrolled person; may be repeated.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="Why, in words.")
@click.option("--correction", "corrections", type=FILE, multiple=True, help="JSON with kind, payload, supersedes: what an upheld objection corrects; may be repeated.")  # fmt: skip
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def answer(
    objection: str,
    upheld: bool,
    heard_by: tuple[str, ...],
    text: Path,
    corrections: tuple[Path, ...],
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Answer OBJECTION and replay the whole stage, before and after.

    It is signed with --key of one who heard it. Where the rulebook asks for another panel, whoever marked, judged,
    voted, signed or stepped back may not hear it. An upheld objection comes with the events it corrects, and shows
    which published statements are no longer true.
    """
    from dokja.workflows.appeal import Hearing, answer_objection, read_corrections
    from dokja.workflows.desk import Desk
    from dokja.workflows.evidence import read_statement_text

    read = read_corrections(corrections, objection)
    hearing = Hearing(objection, upheld, heard_by, read_statement_text(text), read)
    with Desk(desk_folder) as desk:
        done = answer_objection(desk, stage, hearing, acting(by, at, key), dry_run=dry_run)
    if as_json:
        show_json(done.as_json())
    else:
        result = say(f"objection.result.{'upheld' if upheld else 'dismissed'}", {}, language)
        figures = {"objection": objection, "result": result, "corrections": len(read)}
        click.echo(say("objection.answered", figures, language))
        click.echo("\n".join(_answer_lines(done, language)))


def _answer_lines(done: Answered, language: Language) -> Iterator[str]:
    if done.late_by_days:
        yield say("objection.late_answer", {"days": done.late_by_days}, language)
    for one in done.differences:
        yield from _difference_lines(one, language)
    if not done.differences:
        yield say("objection.no_difference", {}, language)
    if done.no_longer_true:
        yield say("objection.correct_publication", {}, language)
        yield from (f"  {statement_line(one.statement, language)}" for one in done.no_longer_true)
    if done.differences:
        yield say("objection.decide_again", {}, language)
    if not done.recorded:
        yield say("publication.tried", {}, language)


def _difference_lines(one: Difference, language: Language) -> Iterator[str]:
    def words(value: str) -> str:
        return say(f"outcome.{value}", {}, language)

    if one.outcome:
        before, after = map(words, one.outcome)
        yield say("objection.outcome_changes", {"team": one.team, "before": before, "after": after}, language)
    for gate, pair in one.gates.items():
        before, after = map(words, pair)
        figures = {"team": one.team, "gate": gate, "before": before, "after": after}
        yield say("objection.gate_changes", figures, language)
    for part, points in one.points.items():
        shown = ["–" if value is None else f"{value:.2f}" for value in points]
        figures = {"team": one.team, "part": part, "before": shown[0], "after": shown[1]}
        yield say("objection.points_change", figures, language)


@click.command()
@click.option("--team", default="", help="Show the words of this team's objections too.")
@desk_option
@stage_option
@language_option
@json_option
def objections(team: str, desk_folder: Path, stage: str, language: Language, as_json: bool) -> int:
    """Where every objection stands: received, to be answered by, answered. Exit 1 when one waits for its answer."""
    from dokja.procedure.objection import objections as find
    from dokja.workflows.desk import Desk

    with Desk(desk_folder) as desk:
        name = desk.require_stage(stage)
        found = find(desk.rulebook(name), desk.store.events(name))
    rows = [one.as_json(with_text=bool(team) and one.event.payload["team"] == team) for one in found]
    if as_json:
        show_json({"objections": rows})
    elif rows:
        names = ("objection", "team", "ground", "received", "answer_by", "answered", "upheld")
        lines = [["–" if row[name] is None else str(row[name]) for name in names] for row in rows]
        click.echo(table(lines, [say(f"objection.column.{name}", {}, language) for name in names]))
    else:
        click.echo(say("objection.none", {}, language))
    return int(any(row["answered"] is None for row in rows))


@click.command()
@click.argument("rulebook", type=FILE, required=False)
@click.option("--round", "round_", default="", help="Name of the new stage; the rulebook's id by default.")
@click.option("--applicant", "applicants", multiple=True, metavar="TEAM=NAME", help="A team that applies; may be repeated.")  # fmt: skip
@click.option("--result", is_flag=True, help="Record the round's announced result with the stage whose vacancy it fills.")  # fmt: skip
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def reenter(
    rulebook: Path | None,
    round_: str,
    applicants: tuple[str, ...],
    result: bool,
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """A re-entry round for a vacant place: open it, take in applicants, record its result.

    With RULEBOOK, opens a round under it for the vacancy of --stage. With --applicant alone, records applicants of the
    round --stage. With --result, records what the round --stage announced. In between it is a stage like any other.
    """
    from dokja.workflows.desk import Desk, told
    from dokja.workflows.reenter import apply_for_reentry, open_reentry, record_reentry
    from dokja.workflows.rulebook import read_rulebook

    if (rulebook is not None) + result + (rulebook is None and bool(applicants)) != 1:
        raise click.UsageError("Give a RULEBOOK to open a round, or --applicant alone, or --result.")
    actor, named = acting(by, at, key), _applicants(applicants)
    with Desk(desk_folder) as desk:
        if rulebook is not None:
            book = read_rulebook(rulebook)
            events = open_reentry(desk, stage, book, actor, named, stage=round_, dry_run=dry_run)
            said = "stage.reentry_opened", {"stage": events[0].stage, "applicants": len(named)}
        elif result:
            events = [record_reentry(desk, stage, actor, dry_run=dry_run)]
            payload = events[0].payload
            selected = ", ".join(map(str, payload["selected"])) or "–"  # type: ignore[arg-type]  # a list of names
            figures = {"round": payload["stage"], "stage": events[0].stage, "selected": selected}
            said = "stage.reentry_result", {**figures, "vacancies": payload["vacancies"]}
        else:
            events = apply_for_reentry(desk, stage, named, actor, dry_run=dry_run)
            said = "stage.reentry_applied", {"stage": events[0].stage, "applicants": len(named)}
    if as_json:
        show_json({"recorded": not dry_run, "events": [told(event) for event in events]})
        return
    click.echo(say("publication.tried", {}, language) if dry_run else say(*said, language))


def _applicants(texts: tuple[str, ...]) -> dict[str, str]:
    named = {team: name or team for team, _, name in (text.partition("=") for text in texts)}
    if len(named) != len(texts):
        raise click.UsageError("An applicant is named twice.")
    return named


@click.command()
@dry_run_option
@desk_option
@stage_option
@actor_options
@language_option
@json_option
def close(
    dry_run: bool,
    desk_folder: Path,
    stage: str,
    by: str,
    at: str,
    key: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Make the announced decision final, once its objection period has ended and every objection is answered.

    Afterwards nothing is recorded but corrections that name what they correct, and why.
    """
    from dokja.workflows.close_stage import close_stage
    from dokja.workflows.desk import Desk, told

    with Desk(desk_folder) as desk:
        event = close_stage(desk, stage, acting(by, at, key), dry_run=dry_run)
    if as_json:
        show_json({"recorded": not dry_run, "event": told(event)})
    elif dry_run:
        click.echo(say("stage.may_close", {}, language))
    else:
        click.echo(say("stage.closed", {"decision": event.payload["decision"]}, language))


AFTER_DECISION = (publish, object_, answer, objections, reenter, close)
