"""A whole stage of a given size, from its opening to its verified dossiers: seconds and peak memory of each step.

    python benchmarks/scale.py [--teams 40 --experts 30 --users 500 --suites 20 --items 5000]
                               [--replicates 10000] [--work DIR] [--json FILE]

Everything is simulated, from one fixed seed, and recorded by `simulator`, so that every page says so: items are answered
right with a chance that is the team's ability, made easier or harder by the item; two items share a passage; raters have
a severity and noise; a target model answers the suites of the first part. Each suite is one benchmark, every team answers
every one of them, and the parts read five suites each. Nothing of the software is left out or made smaller: each event is
checked, hashed, logged and committed to the disk; the decision is exact, its uncertainty drawn with the usual
replicates; people sign; it is published with both dossiers; both are verified from the file alone, in a process of its
own, recomputing the decision and the uncertainty.

Beside the whole, the physical limit in the same run: writing and fsyncing, then reading and hashing, as many bytes as
the auditor's dossier has.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from made_office import (
    ANNOUNCED,
    DECIDED,
    SIGNING,
    SIMULATED,
    Size,
    items_digest,
    keys,
    make_desk,
    rulebook,
    weights_digest,
)

from dokja.canonical import digest_file
from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.record.kinds.entry import TeamRegistered, WeightsSubmitted
from dokja.record.kinds.findings import FindingRecorded
from dokja.record.kinds.judging import ExpertScore, RaterRegistered, RunResult, UserRating
from dokja.record.rows import Rows
from dokja.record.terms import RowState
from dokja.workflows.decide import DEFAULT_REPLICATES, look, propose, sign
from dokja.workflows.desk import Desk
from dokja.workflows.publish import Terms, publish_decision
from dokja.workflows.stage import Actor, Draft, Stage

SEED = 20270101
ITEMS_OF_A_PASSAGE = 2
SCORED = list(RowState).index(RowState.SCORED)
AIM_SECONDS, AIM_GIGABYTES = 3600, 4.0

# A child's `ru_maxrss` begins with what its parent held when it was forked; VmHWM is its own.
VERIFY = """
import json, re, resource, sys
from pathlib import Path
from dokja.workflows.verify import StatementStanding, verify_dossier
report = verify_dossier(Path(sys.argv[1]).read_bytes(), log_key=sys.argv[2])
used = resource.getrusage(resource.RUSAGE_SELF)
told = {str(one): list(report.named(one)) for one in StatementStanding}
peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([told, used.ru_utime + used.ru_stime, peak]))
"""


@dataclass
class Steps:
    """What each step took, printed as it ends."""

    rows: list[dict[str, object]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, object]]:
        """Measure one step; what is put into the mapping is printed beside it."""
        more: dict[str, object] = {}
        wall, processor = time.perf_counter(), time.process_time()
        yield more
        row = {
            "step": name,
            "seconds": round(time.perf_counter() - wall, 1),
            "processor_seconds": round(more.pop("processor", None) or time.process_time() - processor, 1),
            "peak_megabytes": round((more.pop("peak", None) or _peak()) / 1024),
        }
        self.rows.append(row | more)
        said = ", ".join(f"{name} {value}" for name, value in more.items())
        print(
            f"{name:34s} {row['seconds']:9.1f} {row['processor_seconds']:9.1f} {row['peak_megabytes']:9d}   {said}",
            flush=True,
        )


def _peak() -> int:
    """Return the most memory this process has held so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Answers:
    """Simulated answers: right with a chance that is the subject's ability, made easier or harder by the item."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.rng = np.random.default_rng(SEED)
        self.ability = dict(zip(size.team_ids(), self.rng.uniform(0.45, 0.8, size.teams), strict=True))
        self.ability["target"] = 0.85
        self.hardness = {suite: self.rng.normal(0, 0.12, size.items) for suite in size.suite_ids()}
        self.items = tuple(f"q{number:05d}" for number in range(size.items))
        self.passages = tuple(f"p{number // ITEMS_OF_A_PASSAGE:05d}" for number in range(size.items))

    def run(self, subject: str, suite: str) -> RunResult:
        """Return one subject's answers to one suite, each scored 0 or 1."""
        right = self.rng.random(self.size.items) < self.ability[subject] - self.hardness[suite]
        count = self.size.items
        rows = Rows(
            self.items,
            self.passages,
            array("l", bytes(8 * count)),
            bytes([SCORED]) * count,
            array("d", right.astype(float)),
        )
        return RunResult(
            subject=subject, benchmark=suite, items=items_digest(suite), engine="simulated",
            weights=weights_digest(subject), completed=count, total=count, rows=rows,
        )  # fmt: skip

    def mark(self, team: str, severity: float, low: float, high: float) -> float:
        """Return one rater's mark, whole as people give them, within the scale."""
        share = self.ability[team] - severity + self.rng.normal(0, 0.08)
        return float(np.clip(round(low + share * (high - low)), low, high))


def record_entries(stage: Stage, size: Size) -> None:
    """Record every team with its weights, and the finding that they are its own."""
    for team in size.team_ids():
        weights = weights_digest(team)
        found = Finding(
            Claim("weights.independent_of"),
            Verdict.SUPPORTED,
            Reason("rehearsal.simulated"),
            Evidence.MEASURED,
            {"subject": weights},
        )
        said = [
            TeamRegistered(team=team, name=team),
            WeightsSubmitted(team=team, weights=weights, declaration={}),
            FindingRecorded(team=team, finding=found),
        ]
        stage.record(SIMULATED, [Draft(one) for one in said])


def record_runs(stage: Stage, size: Size, answers: Answers) -> int:
    """Record every run, one at a time, and return how many rows they have."""
    asked = [(subject, suite) for subject in size.team_ids() for suite in size.suite_ids()]
    asked += [("target", suite) for suite in size.compared()]
    for subject, suite in asked:
        stage.record(SIMULATED, [Draft(answers.run(subject, suite))])
    return len(asked) * size.items


def record_marks(stage: Stage, size: Size, answers: Answers) -> int:
    """Record every rater and their marks, one rater at a time, and return how many marks there are."""
    recorded = 0
    for panel, seats, criteria, kind, high in (
        ("experts", size.experts, 3, ExpertScore, 10.0),
        ("users", size.users, 1, UserRating, 5.0),
    ):
        for number in range(seats):
            rater, severity = f"{panel}:{number:04d}", answers.rng.normal(0, 0.05)
            drafts = [Draft(RaterRegistered(rater=rater, panel=panel))]
            for team in size.team_ids():
                for criterion in range(criteria):
                    mark = answers.mark(team, severity, 1.0, high)
                    said = {"rater": rater, "team": team, "criterion": f"{panel}-c{criterion}", "score": mark}
                    drafts.append(Draft(kind(**said, weights=weights_digest(team))))
            recorded += len(stage.record(SIMULATED, drafts)) - 1
    return recorded


def verify(steps: Steps, path: Path, log_key: str) -> dict[str, list[str]]:
    """Verify a dossier in a process of its own, as a stranger would, and return what it says."""
    with steps.step(f"verify {path.name.split('.')[1]} dossier") as more:
        command = [sys.executable, "-c", VERIFY, str(path), log_key]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told, more["processor"], more["peak"] = json.loads(done.stdout)
        more |= {standing: len(names) for standing, names in told.items()}
    return told


def physical_limit(steps: Steps, folder: Path, size: int) -> None:
    """Write and fsync so many bytes, read them again, and hash them."""
    path = folder / "bare"
    with steps.step("bare write, fsync, read, hash"):
        with path.open("wb") as file:
            for _ in range(0, size, 1 << 20):
                file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
        digest_file(path)
    path.unlink()


def whole_stage(steps: Steps, size: Size, folder: Path, replicates: int) -> None:
    """Run a stage of a size from its opening to its verified dossiers."""
    answers, signers = Answers(size), keys(SEED)
    with steps.step("open"):
        desk = make_desk(folder / "desk", rulebook(size), SEED)
    with desk.stage() as stage:
        with steps.step("record teams and findings"):
            record_entries(stage, size)
        with steps.step("record runs") as more:
            more["rows"] = record_runs(stage, size, answers)
        with steps.step("record marks") as more:
            more["marks"] = record_marks(stage, size, answers)
        del stage
    with steps.step("read the stage anew") as more:
        stage = desk.stage()
        more["events"] = len(stage.events)
    with steps.step("decide, with uncertainty") as more:
        seen = look(stage, seed=SEED, replicates=replicates)
        more["replicates"] = replicates
    with steps.step("propose and sign"):
        proposal = propose(stage, seen)
        for name in SIGNING:
            sign(stage, proposal, signers[name], DECIDED)
    del seen
    with steps.step("publish, with both dossiers") as more:
        released = publish_decision(stage, Actor("office", ANNOUNCED), Terms(), out=folder / "out")
        public, auditor = released.dossiers
        more["public_megabytes"] = round(public.stat().st_size / 1e6, 1)
        more["auditor_megabytes"] = round(auditor.stat().st_size / 1e6, 1)
    require_intact(steps, desk, public, auditor)
    physical_limit(steps, folder, auditor.stat().st_size)


def require_intact(steps: Steps, desk: Desk, public: Path, auditor: Path) -> None:
    """Verify both dossiers; the auditor's must hold in every statement, the public one break in none."""
    log_key = str(desk.note_key)
    desk.store.close()
    told = verify(steps, auditor, log_key)
    if told["BROKEN"] or told["COULD_NOT_RECOMPUTE"]:
        raise SystemExit(f"the auditor's dossier does not hold: {told}")
    if broken := verify(steps, public, log_key)["BROKEN"]:
        raise SystemExit(f"the public dossier does not hold: {broken}")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser()
    for name, default in (("teams", 40), ("experts", 30), ("users", 500), ("suites", 20), ("items", 5000)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--replicates", type=int, default=DEFAULT_REPLICATES)
    arguments.add_argument("--work", type=Path, help="where the desk lies; a temporary folder by default")
    arguments.add_argument("--json", type=Path, help="where the figures are written as JSON")
    chosen = arguments.parse_args()
    size = Size(chosen.teams, chosen.experts, chosen.users, chosen.suites, chosen.items)
    print(f"simulated: {size}, seed {SEED}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'step':34s} {'seconds':>9s} {'CPU s':>9s} {'peak MB':>9s}")
    steps, began = Steps(), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=chosen.work) as folder:
        whole_stage(steps, size, Path(folder), chosen.replicates)
    seconds = time.perf_counter() - began
    peak = max(row["peak_megabytes"] for row in steps.rows)
    processor = sum(row["processor_seconds"] for row in steps.rows)
    print(f"{'in all':34s} {seconds:9.1f} {processor:9.1f} {peak:9d}")
    print(
        f"aim: {AIM_SECONDS} s and {AIM_GIGABYTES} GB in any one process; load {os.getloadavg()[0]:.1f} at the end"
    )
    if chosen.json:
        chosen.json.write_text(json.dumps({"size": asdict(size), "steps": steps.rows}, indent=1))


if __name__ == "__main__":
    main()
