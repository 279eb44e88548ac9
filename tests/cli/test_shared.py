"""What commands share stands in one place: options, the desk, the clock, keys, and how an answer is given."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import dokja.cli
from dokja.cli.main import COMMANDS, app, main
from dokja.cli.shared import Call, Output, stage_command, table
from dokja.cli.shared.output import width_of

CLI = Path(str(dokja.cli.__file__)).parent
RECORDING = {
    "stage open", "stage amend", "stage submit", "stage examine", "stage evaluate", "stage ballots", "stage record",
    "stage publish", "stage object", "stage answer", "stage reenter", "stage close", "stage erase", "publication release",
    "allegation file", "allegation reply", "roster set", "support promise", "support deliver", "support return",
    "support budget", "support naming",
}  # fmt: skip
# A rehearsal needs a rulebook alone, a new key is nobody's yet, and what a passkey must sign is the same anywhere.
WITHOUT_A_DESK = {"stage rehearse", "key new", "key challenge"}
AT_A_DESK = ("stage", "support", "roster", "publication", "allegation", "document", "key")
# Keys and rosters are one for all stages of a desk.
OF_EVERY_STAGE = {
    "key enrol", "key rotate", "key revoke", "key list", "roster show", "roster changes", "support status",
}  # fmt: skip


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        group = app.get_command(click.Context(app), name)
        assert group is not None
        if not isinstance(group, click.Group):
            yield name, group
            continue
        for inner in group.list_commands(click.Context(group)):
            found = group.get_command(click.Context(group), inner)
            assert found is not None
            yield f"{name} {inner}", found


EVERY = dict(every_command())
DESK_COMMANDS = [name for name in EVERY if name.split()[0] in AT_A_DESK and name not in WITHOUT_A_DESK]


def options_of(command: str) -> set[str]:
    return {name for parameter in EVERY[command].params for name in parameter.opts}


@pytest.mark.parametrize("command", EVERY)
def test_every_command_answers_in_json(command: str) -> None:
    assert "--json" in options_of(command)


@pytest.mark.parametrize("command", DESK_COMMANDS)
def test_every_command_at_a_desk_says_where_it_looks_and_in_which_language(command: str) -> None:
    assert {"--desk", "--lang", "--json"} <= options_of(command)
    assert ("--stage" in options_of(command)) == (command not in OF_EVERY_STAGE)


@pytest.mark.parametrize("command", EVERY)
def test_what_records_and_nothing_else_asks_who_acts_when_and_with_which_key(command: str) -> None:
    key = [one for one in EVERY[command].params if "--key" in one.opts and one.name == "key"]
    acts = bool(key) and {"--by", "--at"} <= options_of(command)
    assert acts == (command in RECORDING)


@pytest.mark.parametrize("command", EVERY)
def test_an_option_is_given_once(command: str) -> None:
    names = [name for one in EVERY[command].params for name in (*one.opts, *one.secondary_opts)]
    assert len(names) == len(set(names))


def test_the_clock_is_read_once_however_often_the_time_is_asked_for(tmp_path: Path) -> None:
    readings = iter([datetime(2027, 4, 1, 23, 59, 59, tzinfo=UTC), datetime(2027, 4, 2, tzinfo=UTC)])
    call = Call(Output(), {"desk_folder": tmp_path, "by": "office", "key": None}, lambda: next(readings))
    assert call.at == call.at == call.actor.at == "2027-04-01T23:59:59Z"
    assert call.now == datetime(2027, 4, 1, 23, 59, 59, tzinfo=UTC)


def test_a_time_that_is_given_stands_in_place_of_the_clock(tmp_path: Path) -> None:
    def clock() -> datetime:
        raise AssertionError("nobody asked for the present")

    given = {"desk_folder": tmp_path, "at": "2027-04-01T00:00:00Z", "by": "chair", "key": None}
    actor = Call(Output(), given, clock).actor
    assert (actor.id, actor.at, actor.key) == ("chair", "2027-04-01T00:00:00Z", None)


def test_a_mistake_in_what_is_given_is_told_before_a_desk_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere, damaged = str(tmp_path / "none"), tmp_path / "key.json"
    damaged.write_text("{}")
    damaged.chmod(0o600)
    with pytest.raises(SystemExit) as ended:
        main(["stage", "close", "--desk", nowhere, "--key", str(damaged)])
    said = capsys.readouterr()
    assert ended.value.code in (2, 3)
    assert "no desk" not in said.err
    with pytest.raises(SystemExit) as ended:
        main(["stage", "close", "--desk", nowhere, "--json"])
    assert ended.value.code == 3
    assert json.loads(capsys.readouterr().out)["error"]["message"].startswith("There is no desk")


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_what_a_command_holds_is_let_go_when_it(fails: bool, tmp_path: Path) -> None:
    let_go: list[str] = []

    @click.command()
    @stage_command()
    def probe(call: Call) -> None:
        call.held.callback(let_go.append, "desk")
        assert let_go == []
        if fails:
            raise click.UsageError("no")

    CliRunner().invoke(probe, ["--desk", str(tmp_path / "desk")])
    assert let_go == ["desk"]


@pytest.mark.parametrize(
    ("out", "printed"),
    [
        (Output(), "one\ntwo\n"),
        (Output(as_json=True), '{\n  "n": [\n    "하나"\n  ]\n}\n'),
        (Output(as_csv=True), "a\r\n1\r\n"),
        (Output(as_json=True, as_csv=True), '{\n  "n": [\n    "하나"\n  ]\n}\n'),
    ],
    ids=["sentences", "json", "csv", "json wins"],
)
def test_an_answer_is_given_once_and_in_the_form_asked_for(
    out: Output, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out.show({"n": ["하나"]}, iter(["one", "two"]), [{"a": 1}])
    said = capsys.readouterr()
    assert said.out.replace("\r\n", "\n") == printed.replace("\r\n", "\n")
    assert said.err == ""


def test_an_answer_without_rows_is_said_in_sentences_where_csv_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(as_csv=True).show({}, ["recorded"])
    assert capsys.readouterr().out == "recorded\n"


def test_a_table_counts_korean_letters_as_two_and_no_cell_imitates_a_row() -> None:
    lines = table([["가나", "1"], ["evil\nrow\x1b[2J", "2"]], ["team", "n"]).splitlines()
    assert len(lines) == 3
    assert all("\x1b" not in line for line in lines)
    assert len({width_of(line) for line in lines}) == 1


MODULES = sorted(path for path in CLI.glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_command_opens_a_desk_loads_a_key_or_reads_the_clock_by_itself(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own = {
        name
        for name in called
        if name in ("Desk", "Actor", "json.dumps", "SigningKey") or name.startswith(("Desk.", "SigningKey."))
    }
    clocks = {
        name for name in called if name.endswith((".now", ".today", ".utcnow", "time.time", ".strftime"))
    }
    assert own | clocks == set()


def test_the_shared_place_opens_loads_and_reads_each_in_one_spot() -> None:
    text = "\n".join(path.read_text("utf-8") for path in sorted((CLI / "shared").glob("*.py")))
    assert [text.count(once) for once in ("datetime.now(", "SigningKey.load(", "json.dumps(", "(Desk(")] == [
        1
    ] * 4
