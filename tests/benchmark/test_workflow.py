"""Journals on disk: killed processes, torn lines, two writers at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dokja.benchmark.journal import parse_journal
from dokja.errors import InvalidInput, JournalInvalid, NotAllowed, SuiteInvalid
from dokja.finding import Verdict
from dokja.workflows.benchmark import read_suite, run_benchmark, score_journal
from tests.benchmark.small_suites import HashEngine, suite

ROOT = Path(__file__).parents[2]
SUITES = [suite("letters", 40, repeats=2)]

# The engine of the child writes down what it was asked, so that what is asked twice can be counted.
CHILD = """
import sys, time
from pathlib import Path
from dokja.workflows.benchmark import run_benchmark
from tests.benchmark.small_suites import HashEngine
from tests.benchmark.test_workflow import SUITES

class Slow(HashEngine):
    def loglikelihoods(self, prompt, options):
        with open(sys.argv[2], "ab", buffering=0) as asked:
            asked.write(prompt.encode() + b"\\n")
        time.sleep(0.0005)
        return super().loglikelihoods(prompt, options)

run_benchmark(Slow(), SUITES, Path(sys.argv[1]), model="m")
"""


def test_killed_again_and_again_a_run_ends_with_the_journal_of_an_undisturbed_one(tmp_path: Path) -> None:
    journal, asked, undisturbed = tmp_path / "run.jsonl", tmp_path / "asked", tmp_path / "undisturbed.jsonl"
    run_benchmark(HashEngine(), SUITES, undisturbed, model="m")
    rng = np.random.default_rng(3)
    kills = 0
    for _ in range(50):
        size = journal.stat().st_size if journal.exists() else 0
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(journal), str(asked)], cwd=ROOT)
        until = time.monotonic() + 20
        while child.poll() is None and time.monotonic() < until:
            if journal.exists() and journal.stat().st_size > size + 4000:
                break
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.004))
        if child.poll() is not None:
            break
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        kills += 1
    assert child.returncode == 0
    assert kills >= 3
    assert journal.read_bytes() == undisturbed.read_bytes()
    questions = asked.read_bytes().count(b"\n")
    assert 80 <= questions <= 80 + kills  # at most the one in flight is asked again


def test_a_torn_last_line_is_cut_off_and_written_again(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    run_benchmark(HashEngine(), SUITES, journal, model="m")
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) // 2])
    run_benchmark(HashEngine(), SUITES, journal, model="m")
    assert journal.read_bytes() == whole


def test_two_runs_never_write_one_journal(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"

    class Meddling(HashEngine):
        def loglikelihoods(self, prompt: str, options: object) -> list[float]:
            with pytest.raises(NotAllowed, match="another process"):
                run_benchmark(HashEngine(), SUITES, journal, model="m")
            return [-1.0, -2.0, -3.0]

    run_benchmark(Meddling(), SUITES, journal, model="m")
    score, finding = score_journal(journal, SUITES)
    assert finding.verdict is Verdict.SUPPORTED
    assert score.faults == 0


def test_progress_counts_what_was_already_done(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    seen: list[tuple[str, int, int]] = []
    run_benchmark(HashEngine(), SUITES, journal, model="m", progress=lambda *at: seen.append(at))
    assert seen == [("m", done, 80) for done in range(1, 81)]
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:31]))  # 10 questions of three events, after the opening
    seen.clear()
    run_benchmark(HashEngine(), SUITES, journal, model="m", progress=lambda *at: seen.append(at))
    assert seen[0] == ("m", 11, 80)


def test_the_score_of_a_journal_is_the_score_of_its_run(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    score = run_benchmark(HashEngine(), SUITES, journal, model="m")
    assert score_journal(journal) == (score, score_journal(journal, SUITES)[1])


def test_files_that_are_not_there_or_not_what_they_should_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no suite file"):
        read_suite(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInput, match="no journal"):
        score_journal(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes("가".encode("euc-kr"))
    with pytest.raises(SuiteInvalid, match="UTF-8"):
        read_suite(tmp_path / "latin.jsonl")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(InvalidInput, match="never began"):
        score_journal(tmp_path / "empty.jsonl")
    (tmp_path / "prose.jsonl").write_bytes(b"Dear reader,\n")
    with pytest.raises(JournalInvalid, match=r"prose.jsonl line 1"):
        run_benchmark(HashEngine(), SUITES, tmp_path / "prose.jsonl", model="m")
    assert (tmp_path / "prose.jsonl").read_bytes() == b"Dear reader,\n"
    assert parse_journal(b"") == ([], 0)
