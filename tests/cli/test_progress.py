"""Long work says how far it is, on stderr alone: one line on a terminal, a line now and then elsewhere, then silence."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dokja.cli.main import main
from dokja.cli.shared import Showing
from dokja.cli.shared.output import width_of
from dokja.workflows.rulebook import rehearse_rulebook

RULEBOOK = Path(__file__).parents[2] / "examples" / "demo" / "rulebook.toml"

Step = tuple[float, str, int, int]
steps = st.lists(
    st.tuples(st.floats(0, 8), st.text(max_size=120), st.integers(0, 10**6), st.integers(0, 10**6)),
    max_size=30,
)


class Terminal(io.StringIO):
    """Keeps what is written, as a terminal shows it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines = []
        for line in self.getvalue().split("\n"):
            shown: list[str] = []
            for part in line.split("\r"):
                shown[: len(part)] = part
            lines.append("".join(shown).rstrip())
        return lines


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def shown_on(stream: io.StringIO, work: list[Step], then: Callable[[Showing], None] | None = None) -> None:
    clock = Clock()
    with Showing(stream, clock) as progress:
        for wait, what, done, total in work:
            clock.seconds += wait
            progress(what, done, total)
            if then is not None:
                then(progress)


@given(steps)
def test_a_log_gets_at_most_a_line_every_five_seconds(work: list[Step]) -> None:
    stream = io.StringIO()
    shown_on(stream, work)
    assert len(stream.getvalue().splitlines()) <= sum(wait for wait, *_ in work) / 5


@given(steps)
def test_short_work_says_nothing_where_there_is_no_terminal(work: list[Step]) -> None:
    stream = io.StringIO()
    shown_on(stream, [(0.0, *rest) for _, *rest in work])  # type: ignore[misc]
    assert stream.getvalue() == ""


@given(steps)
def test_a_terminal_is_left_as_it_was(work: list[Step]) -> None:
    terminal = Terminal()
    shown_on(terminal, work)
    assert "\n" not in terminal.getvalue()
    assert all(line == "" for line in terminal.screen())


@given(steps)
def test_a_rewritten_line_never_wraps_and_no_name_drives_the_terminal(work: list[Step]) -> None:
    terminal = Terminal()
    shown_on(terminal, work)
    assert all(width_of(part) < 80 for part in terminal.getvalue().split("\r"))
    assert all(letter.isprintable() or letter == "\r" for letter in terminal.getvalue())


def test_what_is_worked_on_is_named_at_once_on_a_terminal() -> None:
    terminal = Terminal()
    shown_on(terminal, [(0.0, "vision ↔ A", 0, 4), (0.0, "language ↔ A", 1, 4)])
    assert "language ↔ A  1/4  25%" in terminal.getvalue()


def test_a_line_that_stays_is_not_mixed_with_the_one_that_is_rewritten() -> None:
    terminal = Terminal()
    shown_on(terminal, [(1.0, "items", 1, 2), (1.0, "items", 2, 2)], lambda progress: progress.tell("said"))
    assert terminal.screen() == ["said", "said", ""]


def test_a_rehearsal_says_how_far_it_is() -> None:
    seen: list[tuple[str, int, int]] = []
    rehearsed = rehearse_rulebook(RULEBOOK, 3, 1, progress=lambda *at: seen.append(at))
    assert rehearsed.rounds == 3
    assert [(done, total) for _, done, total in seen] == [(1, 3), (2, 3), (3, 3)]


def test_progress_keeps_stdout_clean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["stage", "rehearse", str(RULEBOOK), "--rounds", "1", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["rounds"] == 1
