"""`dokja rulebook`: check a rulebook, show it in words, compare two, describe one to an editor."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dokja.cli.main import EXIT_DONE, EXIT_USAGE
from dokja.cli.options import json_option, language_option
from dokja.report.words import Language, say, say_reason

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(name="rulebook")
def command() -> None:
    """The rules of a stage: check, show, compare, describe."""


@command.command()
@click.argument("file", type=_FILE)
@click.option("--to-open", is_flag=True, help="Also refuse every unknown that a stage cannot be opened with.")
@language_option
@json_option
def check(file: Path, to_open: bool, language: Language, as_json: bool) -> int:
    """Say every mistake in a rulebook, or that there is none. Exit 2 when there is one."""
    from dokja.rulebook import unknown_places
    from dokja.workflows.rulebook import check_rulebook

    checked = check_rulebook(file, to_open=to_open)
    sentences = [say_reason(reason, language) for reason in checked.mistakes]
    canonical = checked.rulebook.canonical() if checked.rulebook else {}
    unknown = list(unknown_places(canonical))
    if as_json:
        _print_json(
            {
                "valid": checked.rulebook is not None,
                "digest": checked.rulebook.digest() if checked.rulebook else None,
                "mistakes": [
                    {"at": reason.figures["at"], "key": reason.key, "sentence": sentence}
                    for reason, sentence in zip(checked.mistakes, sentences, strict=True)
                ],
                "unknown": unknown,
            }
        )
    elif checked.rulebook:
        click.echo(say("rulebook.check.valid", {"mistakes": 0, "unknown": len(unknown)}, language))
        click.echo(checked.rulebook.digest())
    else:
        key = "rulebook.check.invalid_one" if len(sentences) == 1 else "rulebook.check.invalid"
        click.echo("\n".join(sentences))
        click.echo(say(key, {"mistakes": len(sentences)}, language), err=True)
    return EXIT_DONE if checked.rulebook else EXIT_USAGE


@command.command()
@click.argument("file", type=_FILE)
@language_option
@json_option
def show(file: Path, language: Language, as_json: bool) -> int:
    """Say a rulebook in words, with its digest; what was not published is marked."""
    from dokja.report.rulebook import render_rulebook
    from dokja.workflows.rulebook import read_rulebook

    rulebook = read_rulebook(file)
    if as_json:
        _print_json({"digest": rulebook.digest(), "rulebook": rulebook.canonical()})
    else:
        click.echo(render_rulebook(rulebook, language))
    return EXIT_DONE


@command.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@click.option(
    "--events", type=_FILE, help="Events of a stage, one JSON object a line: whose outcome would change?"
)
@language_option
@json_option
def diff(old: Path, new: Path, events: Path | None, language: Language, as_json: bool) -> int:
    """Say every place where two rulebooks differ and, with events, whose outcome would have been another."""
    from dokja.report.rulebook import render_change, render_outcome_change
    from dokja.workflows.rulebook import diff_rulebooks, read_rulebook

    before, after = read_rulebook(old), read_rulebook(new)
    found = diff_rulebooks(before, after, events)
    changed = [(change.as_json(), render_change(change, language)) for change in found.changes]
    outcomes = [(one.as_json(), render_outcome_change(one, language)) for one in found.outcomes or ()]
    remarks = [say_reason(reason, language) for reason in found.remarks]
    if as_json:
        _print_json(
            {
                "old": before.digest(),
                "new": after.digest(),
                "remarks": remarks,
                "changes": [{**value, "sentence": sentence} for value, sentence in changed],
                "outcomes": None
                if found.outcomes is None
                else [{**value, "sentence": sentence} for value, sentence in outcomes],
            }
        )
        return EXIT_DONE
    for remark in remarks:
        click.echo(remark, err=True)
    click.echo("\n".join(sentence for _, sentence in changed) or say("rulebook.diff.same", {}, language))
    if found.outcomes is not None:
        click.echo("\n" + say("rulebook.diff.counterfactual", {}, language))
        told = "\n".join(sentence for _, sentence in outcomes)
        click.echo(told or say("rulebook.diff.outcome_none", {}, language))
    return EXIT_DONE


@command.command()
@json_option
def schema(as_json: bool) -> int:  # noqa: ARG001  # it is JSON in any case
    """Print the JSON Schema of a rulebook, by which an editor completes and checks one and a form can ask for it."""
    from dokja.grammar.json_schema import render_json_schema
    from dokja.rulebook import Rulebook

    _print_json(render_json_schema(Rulebook, "dokja rulebook"))
    return EXIT_DONE


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
