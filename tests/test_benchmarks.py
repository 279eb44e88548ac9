"""The benchmarks of recording and of a whole stage run from end to end at a tiny size; what they print is not timed here."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(script: str, *words: str) -> str:
    """Run a benchmark as its page says, and return what it prints."""
    beside = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "benchmarks" / script), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=beside).stdout


def test_recording_prints_a_row_for_each_size(tmp_path: Path) -> None:
    said = run("recording.py", "--events", "90,120", "--samples", "3", "--work", str(tmp_path)).splitlines()
    rows = [line.split() for line in said if line.split()[0].isdigit()]
    assert [row[0] for row in rows] == ["90", "120"]
    assert json.loads(said[-1]).keys() == {"last_over_first", "processor_ms_at_the_end", "aim_ms"}


def test_a_whole_stage_is_decided_published_and_verified(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    size = {"teams": 4, "experts": 4, "users": 4, "suites": 6, "items": 6}
    words = [word for name, value in size.items() for word in (f"--{name}", str(value))]
    said = run("scale.py", *words, "--replicates", "20", "--json", str(figures))
    assert "simulated" in said
    told = json.loads(figures.read_text("utf-8"))
    assert told["size"] == size
    steps = {row["step"]: row for row in told["steps"]}
    assert steps["record runs"]["rows"] == (4 * 6 + 5) * 6
    assert steps["verify auditor dossier"]["COULD_NOT_RECOMPUTE"] == 0
    assert all(row["seconds"] >= 0 and row["peak_megabytes"] > 0 for row in steps.values())
