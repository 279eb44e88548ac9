"""The command line: quick help, one map from errors to exit codes, errors as one sentence."""

import subprocess
import sys

import pytest

from dokja import errors
from dokja.cli.main import COMMANDS, EXIT_CODES, app, exit_code_of, main
from dokja.errors import DokjaError


def every_error() -> list[type[DokjaError]]:
    found, queue = [], [DokjaError]
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        found.append(kind)
    return [kind for kind in found if kind is not DokjaError and kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_a_hint_and_an_exit_status(kind: type[DokjaError]) -> None:
    error = kind("Something is wrong.")
    assert exit_code_of(error) in {2, 3}
    assert error.hint
    parent = next(root for root in EXIT_CODES if issubclass(kind, root))
    assert kind is parent or kind.code.startswith(parent.code + ".")


def test_every_code_is_used_once_and_drawn_in_the_tree() -> None:
    kinds = every_error()
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in kinds)


def test_help_names_every_command_and_every_command_explains_itself() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "dokja", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for name in COMMANDS:
        assert name in shown
        command = app.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.help, name


def test_help_does_not_load_what_it_does_not_need() -> None:
    probe = (
        "import sys, dokja.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'torch', 'pydantic', 'sqlalchemy', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True)


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "--no-such-option"])
    assert stopped.value.code == 2
    assert capsys.readouterr().out == ""
