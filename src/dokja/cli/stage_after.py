"""The part of `dokja stage` after the decision: publish, object, answer, re-enter, close."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.publication import release_lines, statement_line, terms_options
from dokja.cli.shared import FILE, FOLDER, Call, Output, stage_command, table

if TYPE_CHECKING:
    from dokja.publishing.correction import TeamDifference
    from dokja.workflows.appeal import AnswerGiven


@click.command()
@click.argument("digest", default="")
@click.option("--out", "folder", type=FOLDER, help="Write the two dossiers here.")
@terms_options
@stage_command(acts=True, dry_run=True)
def publish(
    call: Call,
    digest: str,
    folder: Path | None,
    until: str,
    early: tuple[str, ...],
    assumptions: tuple[str, ...],
    reason: str,
) -> int:
    """Announce the signed decision DIGEST (the one signed last by default) and open the objection period.

    The public sees what the rulebook's table grants it. Exit 1 when that would confine a sealed score more narrowly
    than the policy allows; then nothing is recorded. A corrected decision needs --reason and takes the place of the
    one before.
    """
    from dokja.procedure.objection import period_of
    from dokja.workflows.decide import sealed_without_salt
    from dokja.workflows.publish import Terms, publish_decision

    terms = Terms(until, early, assumptions, "", reason)
    last_days: dict[str, str] = {}
    published = publish_decision(
        call.stage, call.actor, terms, digest=digest, out=folder, dry_run=call.dry_run
    )
    lines = release_lines(published, terms, call.out)
    if published.event is not None:
        for team in published.event.payload.announces:
            period = period_of(call.stage.rulebook, call.stage.history, team)
            last_days[team] = "" if period is None else period.last.isoformat()
        last = max(last_days.values(), default="–")
        lines.append(call.out.say("publication.announced", {"event": published.event.id, "last_day": last}))
    lines += map(str, published.dossiers)
    if published.dossiers and until:
        lines.append(call.out.say("publication.dossier_under_embargo", {"until": until}))
    bare = sealed_without_salt(call.stage, call.stage.rulebook) if published.dossiers else ()
    if bare:
        lines.append(call.out.say("stage.sealed_without_salt", {"events": len(bare)}))
    call.out.show({**published.as_json(), "last_days": last_days, "sealed_without_salt": list(bare)}, lines)
    return EXIT_DONE if published.allowed else EXIT_AGAINST


@click.command("object")
@click.argument("team")
@click.option("--ground", required=True, metavar="GROUND", help="What it rests on: decisive_evaluator_error, misreading_of_the_work, clerical_error. What is often brought forward and is none is answered with the reason: disagreement_with_a_judgement, new_material, another_teams_score, the_rules_themselves.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="The objection in the team's own words.")
@click.option("--about", default="", metavar="EVENT", help="The event objected to; the whole decision by default.")  # fmt: skip
@click.option("--evidence", type=FILE, multiple=True, help="A file; may be repeated.")
@stage_command(acts=True, dry_run=True)
def object_(call: Call, team: str, ground: str, text: Path, about: str, evidence: tuple[Path, ...]) -> int:
    """Object to the announced decision for TEAM. Exit 1 when it may not be taken in; the reason is said."""
    from dokja.workflows.appeal import Complaint, object_to_decision
    from dokja.workflows.evidence import read_statement_text

    complaint = Complaint(team, ground, read_statement_text(text), about, evidence)
    done = object_to_decision(call.stage, complaint, call.actor, dry_run=call.dry_run)
    if done.refused is not None:
        line = call.out.say(done.refused.key, done.refused.figures)
    else:
        figures = {"last_day": done.last_day, "answer_by": done.answer_by}
        key = "objection.would_be_recorded" if done.event is None else "objection.recorded"
        line = call.out.say(key, {**figures, "event": "" if done.event is None else done.event.id})
    call.out.show(done.as_json(), [line])
    return EXIT_DONE if done.refused is None else EXIT_AGAINST


@click.command()
@click.argument("objection")
@click.option("--uphold/--dismiss", "upheld", default=None, required=True, help="What the hearing came to.")
@click.option("--heard-by", "heard_by", multiple=True, required=True, metavar="PERSON", help="Who heard it: an enrolled person; may be repeated.")  # fmt: skip
@click.option("--text", type=FILE, required=True, help="Why, in words.")
@click.option("--correction", "corrections", type=FILE, multiple=True, help="JSON with kind, payload, supersedes: what an upheld objection corrects; may be repeated.")  # fmt: skip
@stage_command(acts=True, dry_run=True)
def answer(
    call: Call,
    objection: str,
    upheld: bool,
    heard_by: tuple[str, ...],
    text: Path,
    corrections: tuple[Path, ...],
) -> None:
    """Answer OBJECTION and replay the whole stage, before and after.

    It is signed with --key of one who heard it. Where the rulebook asks for another panel, whoever marked, judged,
    voted, signed or stepped back may not hear it. An upheld objection comes with the events it corrects, and shows
    which published statements are no longer true.
    """
    from dokja.workflows.appeal import Hearing, answer_objection, read_corrections
    from dokja.workflows.evidence import read_statement_text

    read = read_corrections(corrections, objection)
    hearing = Hearing(objection, upheld, heard_by, read_statement_text(text), read)
    done = answer_objection(call.stage, hearing, call.actor, dry_run=call.dry_run)
    result = call.out.say(f"objection.result.{'upheld' if upheld else 'dismissed'}")
    figures = {"objection": objection, "result": result, "corrections": len(read)}
    said = call.out.say("objection.answered", figures)
    call.out.show(done.as_json(), [said, *_answer_lines(done, call.out)])


def _answer_lines(done: AnswerGiven, out: Output) -> Iterator[str]:
    if done.late_by_days:
        yield out.say("objection.late_answer", {"days": done.late_by_days})
    for one in done.differences:
        yield from _difference_lines(one, out)
    if not done.differences:
        yield out.say("objection.no_difference")
    if done.no_longer_true:
        yield out.say("objection.correct_publication")
        yield from (f"  {statement_line(one.statement, out)}" for one in done.no_longer_true)
    if done.differences:
        yield out.say("objection.decide_again")
    if not done.recorded:
        yield out.say("publication.tried")


def _difference_lines(one: TeamDifference, out: Output) -> Iterator[str]:
    def words(value: str) -> str:
        return out.say(f"outcome.{value}")

    if one.outcome:
        before, after = map(words, one.outcome)
        yield out.say("objection.outcome_changes", {"team": one.team, "before": before, "after": after})
    for gate, pair in one.gates.items():
        before, after = map(words, pair)
        figures = {"team": one.team, "gate": gate, "before": before, "after": after}
        yield out.say("objection.gate_changes", figures)
    for part, points in one.points.items():
        shown = ["–" if value is None else f"{value:.2f}" for value in points]
        figures = {"team": one.team, "part": part, "before": shown[0], "after": shown[1]}
        yield out.say("objection.points_change", figures)


@click.command()
@click.option("--team", default="", help="Show the words of this team's objections too.")
@stage_command()
def objections(call: Call, team: str) -> int:
    """Where every objection stands: received, to be answered by, answered. Exit 1 when one waits for its answer."""
    from dokja.procedure.objection import objections as find

    found = find(call.stage.rulebook, call.stage.history)
    rows = [one.as_json(with_text=bool(team) and one.event.payload.team == team) for one in found]
    names = ("objection", "team", "ground", "received", "answer_by", "answered", "upheld")
    cells = [["–" if row[name] is None else str(row[name]) for name in names] for row in rows]
    shown = table(cells, call.out.columns("objection", names)) if rows else call.out.say("objection.none")
    call.out.show({"objections": rows}, [shown])
    return int(any(row["answered"] is None for row in rows))


@click.command()
@click.argument("rulebook", type=FILE, required=False)
@click.option("--round", "round_", default="", help="Name of the new stage; the rulebook's id by default.")
@click.option("--applicant", "applicants", multiple=True, metavar="TEAM=NAME", help="A team that applies; may be repeated.")  # fmt: skip
@click.option("--result", is_flag=True, help="Record the round's announced result with the stage whose vacancy it fills.")  # fmt: skip
@stage_command(acts=True, dry_run=True)
def reenter(
    call: Call, rulebook: Path | None, round_: str, applicants: tuple[str, ...], result: bool
) -> None:
    """A re-entry round for a vacant place: open it, take in applicants, record its result.

    With RULEBOOK, opens a round under it for the vacancy of --stage. With --applicant alone, records applicants of the
    round --stage. With --result, records what the round --stage announced. In between it is a stage like any other.
    """
    from dokja.workflows.reenter import apply_for_reentry, open_reentry, record_reentry
    from dokja.workflows.rulebook import read_rulebook

    if (rulebook is not None) + result + (rulebook is None and bool(applicants)) != 1:
        raise click.UsageError("Give a RULEBOOK to open a round, or --applicant alone, or --result.")
    named, tried = _applicants(applicants), call.dry_run
    if rulebook is not None:
        book = read_rulebook(rulebook)
        events = open_reentry(call.stage, book, call.actor, named, stage=round_, dry_run=tried)
        said = "stage.reentry_opened", {"stage": events[0].stage, "applicants": len(named)}
    elif result:
        events = [record_reentry(call.stage, call.actor, dry_run=tried)]
        payload = events[0].payload
        selected = ", ".join(payload.selected) or "–"
        figures = {"round": payload.stage, "stage": events[0].stage, "selected": selected}
        said = "stage.reentry_result", {**figures, "vacancies": payload.vacancies}
    else:
        events = apply_for_reentry(call.stage, named, call.actor, dry_run=tried)
        said = "stage.reentry_applied", {"stage": events[0].stage, "applicants": len(named)}
    call.show_recorded(events, call.out.say("publication.tried") if tried else call.out.say(*said))


def _applicants(texts: tuple[str, ...]) -> dict[str, str]:
    named = {team: name or team for team, _, name in (text.partition("=") for text in texts)}
    if len(named) != len(texts):
        raise click.UsageError("An applicant is named twice.")
    return named


@click.command()
@stage_command(acts=True, dry_run=True)
def close(call: Call) -> None:
    """Make the announced decision final, once its objection period has ended and every objection is answered.

    Afterwards nothing is recorded but corrections that name what they correct, and why.
    """
    from dokja.workflows.close_stage import close_stage

    event = close_stage(call.stage, call.actor, dry_run=call.dry_run)
    closed = call.out.say("stage.closed", {"decision": event.payload.decision})
    call.show_recorded(event, call.out.say("stage.may_close") if call.dry_run else closed)


AFTER_DECISION = (publish, object_, answer, objections, reenter, close)
