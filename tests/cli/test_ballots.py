"""A panel's file is taken whole or not at all, and a wrong line is named."""

from pathlib import Path

import pytest

from tests.cli.test_key import desk, run

__all__ = ["desk"]
ROOT = Path(__file__).parents[2]
DECLARED = 'owners = ["Garam"]\n[[components]]\nname = "language_model"\norigin = "own"\n'
AT = "2027-04-02T00:00:00Z"


def test_a_misspelt_criterion_and_a_mark_off_the_scale_refuse_the_whole_file(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declaration, ballots = tmp_path / "declaration.toml", tmp_path / "users.csv"
    declaration.write_text(DECLARED)
    here = ["--desk", str(desk), "--at", AT]
    model = str(ROOT / "examples" / "demo" / "models" / "scratch")
    run(capsys, "stage", "submit", "garam", model, "--declaration", str(declaration), *here)
    ballots.write_text("rater,team,criterion,score\nu1,garam,acuracy,3\nu1,garam,usefulness,9\n")
    said = run(capsys, "stage", "ballots", str(ballots), "--panel", "users", *here, status=2)
    assert "line 2: there is no criterion 'acuracy'" in said
    assert "line 3: the mark 9 is not from 1 to 5" in said
    assert "expert_score" not in run(capsys, "stage", "events", "--desk", str(desk))
    ballots.write_text("rater,team,criterion,score\nu1,garam,accuracy,3\nu1,garam,usefulness,5\n")
    assert "2" in run(capsys, "stage", "ballots", str(ballots), "--panel", "users", *here)
