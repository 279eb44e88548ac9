"""Whoever runs commands gives numbers no one means and paths that refuse: one sentence, never "refuted"."""

from __future__ import annotations

from pathlib import Path

import pytest

from dokja.cli.main import COMMANDS, main

ZOO = Path(__file__).parent.parent / "fixtures" / "zoo"


def status_of(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    "option",
    [("--seed", -1), ("--seed", 1 << 60), ("--kappa", "nan"), ("--kappa", "inf")],
    ids=lambda option: " ".join(map(str, option)),
)
def test_a_number_nothing_can_be_computed_with_is_a_usage_error(option: tuple[str, object]) -> None:
    assert status_of("compare", ZOO / "A", ZOO / "B", *option) == 2


def test_a_page_that_cannot_be_written_is_no_accusation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "no" / "such" / "folder" / "page.html"
    assert status_of("compare", ZOO / "A", ZOO / "B", "--report", nowhere) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_a_defect_of_ours_does_not_end_as_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "verify", ("dokja.no_such_module", "Broken."))
    assert status_of("verify", "x") == 3
