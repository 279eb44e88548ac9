"""Evaluate: run suites on a submitted model and record the rows; record ballots as they were handed in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dokja.benchmark.journal import Event as JournalEvent
from dokja.benchmark.suite import Suite
from dokja.canonical import JSON, digest_file
from dokja.compute.local_engine import LocalEngine
from dokja.errors import InvalidInput, NotAllowed
from dokja.progress import Progress, unheard
from dokja.record.events import AnyEvent
from dokja.record.kinds.judging import RunResult
from dokja.record.rows import Rows
from dokja.record.terms import RowState
from dokja.rulebook import Rulebook, Unknown
from dokja.workflows.benchmark import read_journal, run_benchmark
from dokja.workflows.stage import Actor, Draft, Stage


def evaluate_benchmarks(
    stage: Stage,
    subject: str,
    model: str,
    suites: Sequence[Suite],
    actor: Actor,
    progress: Progress = unheard,
) -> list[AnyEvent]:
    """Run suites on a model, record one run per suite, and return the events.

    The journal is kept in the desk's folder, named after stage and subject; an interrupted run resumes from it.

    Args:
        stage: The stage.
        subject: Team, or comparator, whose model it is.
        model: Where its weights lie; for a team, the very weights it submitted.
        suites: Suites as the rulebook names them, by id and digest.
        actor: Who records.
        progress: Told of the subject, questions scored, and their total.

    Raises:
        NotAllowed: The weights are not the ones submitted, or a suite is not the one the rulebook froze.
    """
    for suite in suites:
        require_frozen(stage.rulebook, suite)
    engine = LocalEngine.load(model)

    def require_submitted(stage: Stage) -> None:
        submitted = stage.history.weights.get(subject)
        if submitted is not None and submitted != engine.weights_digest:
            raise NotAllowed(f"The weights in {model} are not the ones {subject} submitted.")

    require_submitted(stage)
    journals = stage.desk.folder / "journals"
    journals.mkdir(exist_ok=True)
    journal = journals / f"{stage.name}.{subject}.jsonl"
    run_benchmark(engine, suites, journal, model=subject, progress=progress)
    runs = [_run(read_journal(journal), suite, subject, engine, digest_file(journal)) for suite in suites]

    def drafts(stage: Stage) -> list[Draft]:
        require_submitted(stage)
        return [Draft(run) for run in runs]

    return stage.record(actor, drafts)


def require_frozen(rulebook: Rulebook, suite: Suite) -> None:
    """Require that a suite is one the rulebook names, with the digest it froze.

    Raises:
        NotAllowed: It is not.
    """
    frozen = {
        benchmark.id: benchmark.digest
        for one in rulebook.suites
        if not isinstance(one.benchmarks, Unknown)
        for benchmark in one.benchmarks
    }
    if suite.name not in frozen:
        raise NotAllowed(
            f"The rulebook names no benchmark {suite.name!r}.", hint=f"It names: {', '.join(frozen)}."
        )
    digest = frozen[suite.name]
    if isinstance(digest, Unknown) or digest != suite.digest():
        raise NotAllowed(
            f"The items of {suite.name!r} are not the ones the rulebook froze.",
            hint="Use the frozen file, or amend the rulebook.",
        )


def _run(
    journal: Sequence[JournalEvent], suite: Suite, subject: str, engine: LocalEngine, digest: str
) -> RunResult:
    clusters = {item.id: item.cluster for item in suite.items}
    rows: list[JSON] = []
    for event in journal:
        if event["event"] == "scored" and event["suite"] == suite.name:
            item = str(event["item"])
            fault = event["fault"] is True
            state = RowState.FAILED if fault else RowState.SCORED
            rows.append(
                [item, clusters[item], event["repeat"], state.value, None if fault else event["credit"]]
            )
    if not rows:
        raise InvalidInput(f"The journal has no answer for {suite.name!r}.")
    return RunResult(
        subject=subject,
        benchmark=suite.name,
        items=suite.digest(),
        engine=engine.name,
        weights=engine.weights_digest,
        completed=len(rows),
        total=len(suite.items) * suite.repeats,
        rows=Rows.read(rows),
        journal=digest,
    )


def read_suites(paths: Sequence[Path]) -> list[Suite]:
    """Return the suites of files, each named once.

    Raises:
        InvalidInput: Two files hold a suite of one name.
        SuiteInvalid: A file is no suite.
    """
    from dokja.workflows.benchmark import read_suite

    suites = [read_suite(path) for path in paths]
    names = [suite.name for suite in suites]
    if len(set(names)) != len(names):
        raise InvalidInput("Two of the files hold a suite of the same name.")
    return suites
