"""The `dokja` command: a table of commands, loaded when used, and the one map from errors to exit codes.

Exit codes: 0 done and nothing against; 1 done, and something was refuted or a gate stays closed; 2 usage;
3 could not look. Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from itertools import pairwise
from typing import TYPE_CHECKING

import click

from dokja import __version__
from dokja.errors import DokjaError, InvalidInput, NotAllowed, Unavailable, UnreadableArtifact

if TYPE_CHECKING:
    from dokja.report.words import Language

EXIT_DONE, EXIT_AGAINST, EXIT_USAGE, EXIT_COULD_NOT_LOOK = 0, 1, 2, 3
_EXIT_PIPE_CLOSED = 141
_BLAS_THREADS = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"}

EXIT_CODES: dict[type[DokjaError], int] = {
    InvalidInput: EXIT_USAGE,
    NotAllowed: EXIT_USAGE,
    UnreadableArtifact: EXIT_COULD_NOT_LOOK,
    Unavailable: EXIT_COULD_NOT_LOOK,
}

# name -> (module, one line of help). The module has a click command named `command`.
COMMANDS: dict[str, tuple[str, str]] = {
    "inspect": ("dokja.cli.inspect", "Anatomy of a model: components, roles, layers, sizes, threats."),
    "compare": ("dokja.cli.compare", "Do two checkpoints share a descent? Answered per component."),
    "sketch": ("dokja.cli.sketch", "A small fingerprint that can be compared later without the weights."),
    "library": ("dokja.cli.library", "The references to compare against: add, list, search."),
    "benchmark": ("dokja.cli.benchmark", "Suites on a local model, and scores derived from the journal."),
    "rulebook": ("dokja.cli.rulebook", "The rules of a stage: check, show, compare."),
    "stage": ("dokja.cli.stage", "A stage, from a frozen rulebook to a signed decision."),
    "support": (
        "dokja.cli.support",
        "GPUs, data and talent: promised, delivered, and what that does to deadlines.",
    ),
    "roster": ("dokja.cli.roster", "Members of each consortium, in versions: set, show, changes."),
    "publication": ("dokja.cli.publication", "Who sees what: previews, releases, disclosure control."),
    "allegation": ("dokja.cli.allegation", "What third parties allege, the reply, and where it stands."),
    "document": ("dokja.cli.document", "Notices, minutes and letters of a stage as HTML, PDF or HWPX."),
    "key": ("dokja.cli.key", "Keys of people: make, enrol, rotate, revoke, list."),
    "verify": ("dokja.cli.verify", "Recompute a published decision, offline, from the dossier alone."),
    "demo": ("dokja.cli.demo", "Lineage and a whole stage on real small models, from data that comes along."),
    "store": ("dokja.cli.store", "The database of a programme: migrate, check, back up, move."),
}


class _LazyGroup(click.Group):
    """Imports a command's module only when that command is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dokja")
def app() -> None:
    """Examine foundation models: origin of weights, training, quality, advancement."""


def exit_code_of(error: DokjaError) -> int:
    """Return the exit status an error of this class ends with."""
    return next(status for kind, status in EXIT_CODES.items() if isinstance(error, kind))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not _BLAS_THREADS & os.environ.keys():
        # Matrices here are small and the work is spread over threads of our own: a BLAS that starts more beside them
        # spends several times the processor time waiting. Read when numpy is first imported, by a command.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        status = app.main(args=arguments, prog_name="dokja", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped; nothing half-written is kept.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough; say nothing more, as `cat` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_EXIT_PIPE_CLOSED)
    except DokjaError as error:
        _show(error, arguments)
        sys.exit(exit_code_of(error))
    except OSError as error:
        # Where a command has no better words for it: a full disk, a folder that may not be written to.
        _show(_unavailable(error), arguments)
        sys.exit(EXIT_COULD_NOT_LOOK)
    except Exception:  # noqa: BLE001  # the one boundary behind every command
        # A defect of ours. Python's own status, 1, would say that something was refuted.
        traceback.print_exc()
        sys.exit(EXIT_COULD_NOT_LOOK)
    sys.exit(status if isinstance(status, int) else EXIT_DONE)


def _mistakes_of(error: DokjaError, arguments: list[str]) -> list[dict[str, str]]:
    """Return each mistake an error carries as place, key and sentence, in the language asked for."""
    from dokja.grammar.mistakes import reasons_in
    from dokja.report.words import say_reason

    follows = "--lang=ko" in arguments or ("--lang", "ko") in pairwise(arguments)
    language: Language = "ko" if follows else "en"
    return [
        {"at": str(one.figures["at"]), "key": one.key, "sentence": say_reason(one, language)}
        for one in reasons_in(error)
    ]


def _unavailable(error: OSError) -> Unavailable:
    where = "" if error.filename is None else f" {error.filename!r}"
    return Unavailable(
        f"The system refused a file{where}: {error.strerror or error}.",
        hint="Look at the path, the free space and the rights, then run the command again.",
    )


def _show(error: DokjaError, arguments: list[str]) -> None:
    # Imported here, as the catalogue of sentences is more than `--help` needs.
    from dokja.cli.shared.output import print_json
    from dokja.report.words import printable

    mistakes = _mistakes_of(error, arguments)
    if "--json" in arguments:
        print_json(
            {"error": {**error.as_json(), **({"mistakes": mistakes} if mistakes else {})}}, default=str
        )
    click.echo(f"error [{error.code}]: {printable(error.message)}", err=True)
    for mistake in mistakes:
        click.echo(f"  {mistake['sentence']}", err=True)
    if error.hint:
        click.echo(f"  {printable(error.hint)}", err=True)
