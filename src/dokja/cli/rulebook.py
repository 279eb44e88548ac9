"""`dokja rulebook`: check a rulebook, show it in words, compare two, describe one to an editor."""

from __future__ import annotations

from pathlib import Path

import click

from dokja.cli.main import EXIT_DONE, EXIT_USAGE
from dokja.cli.shared import FILE, Output, answering
from dokja.report.words import say_reason


@click.group(name="rulebook")
def command() -> None:
    """The rules of a stage: check, show, compare, describe."""


@command.command()
@click.argument("file", type=FILE)
@click.option("--to-open", is_flag=True, help="Also refuse every unknown that a stage cannot be opened with.")
@answering()
def check(out: Output, file: Path, to_open: bool) -> int:
    """Say every mistake in a rulebook, or that there is none. Exit 2 when there is one."""
    from dokja.rulebook import unknown_places
    from dokja.workflows.rulebook import check_rulebook

    checked = check_rulebook(file, to_open=to_open)
    sentences = [say_reason(reason, out.language) for reason in checked.mistakes]
    unknown = list(unknown_places(checked.rulebook.canonical() if checked.rulebook else {}))
    digest = checked.rulebook.digest() if checked.rulebook else None
    value = {
        "valid": checked.rulebook is not None,
        "digest": digest,
        "mistakes": [
            {"at": reason.figures["at"], "key": reason.key, "sentence": sentence}
            for reason, sentence in zip(checked.mistakes, sentences, strict=True)
        ],
        "unknown": unknown,
    }
    if digest:
        valid = out.say("rulebook.check.valid", {"mistakes": 0, "unknown": len(unknown)})
        out.show(value, [valid, digest])
        return EXIT_DONE
    out.show(value, sentences)
    if not out.as_json:
        key = "rulebook.check.invalid_one" if len(sentences) == 1 else "rulebook.check.invalid"
        click.echo(out.say(key, {"mistakes": len(sentences)}), err=True)
    return EXIT_USAGE


@command.command()
@click.argument("file", type=FILE)
@answering()
def show(out: Output, file: Path) -> None:
    """Say a rulebook in words, with its digest; what was not published is marked."""
    from dokja.report.rulebook import render_rulebook
    from dokja.workflows.rulebook import read_rulebook

    rulebook = read_rulebook(file)
    value = {"digest": rulebook.digest(), "rulebook": rulebook.canonical()}
    out.show(value, [render_rulebook(rulebook, out.language)])


@command.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option(
    "--events", type=FILE, help="Events of a stage, one JSON object a line: whose outcome would change?"
)
@answering()
def diff(out: Output, old: Path, new: Path, events: Path | None) -> None:
    """Say every place where two rulebooks differ and, with events, whose outcome would have been another."""
    from dokja.report.rulebook import render_change, render_outcome_change
    from dokja.workflows.rulebook import diff_rulebooks, read_rulebook

    before, after = read_rulebook(old), read_rulebook(new)
    found = diff_rulebooks(before, after, events)
    changed = [(change.as_json(), render_change(change, out.language)) for change in found.changes]
    outcomes = [(one.as_json(), render_outcome_change(one, out.language)) for one in found.outcomes or ()]
    remarks = [say_reason(reason, out.language) for reason in found.remarks]
    value = {
        "old": before.digest(),
        "new": after.digest(),
        "remarks": remarks,
        "changes": [{**value, "sentence": sentence} for value, sentence in changed],
        "outcomes": None
        if found.outcomes is None
        else [{**value, "sentence": sentence} for value, sentence in outcomes],
    }
    lines = [sentence for _, sentence in changed] or [out.say("rulebook.diff.same")]
    if found.outcomes is not None:
        lines += ["", out.say("rulebook.diff.counterfactual")]
        lines += [sentence for _, sentence in outcomes] or [out.say("rulebook.diff.outcome_none")]
    if not out.as_json:
        for remark in remarks:
            click.echo(remark, err=True)
    out.show(value, lines)


@command.command()
@answering(language=False)
def schema(out: Output) -> None:
    """Print the JSON Schema of a rulebook, by which an editor completes and checks one and a form can ask for it."""
    from dokja.grammar.json_schema import render_json_schema
    from dokja.rulebook import Rulebook

    value = render_json_schema(Rulebook, "dokja rulebook")
    # It is JSON in any case: --json asks for what is given.
    Output(out.language, as_json=True).show(value, [])
