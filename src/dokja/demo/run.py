"""Plan and run the demo: which parts, into which folder, with what it downloads said before it starts."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import dokja
from dokja.canonical import JSON
from dokja.demo.cast import Cast, read_cast
from dokja.demo.fetch import is_fetched, real_models
from dokja.demo.lineage import Compared, run_lineage
from dokja.demo.objection import Heard, hear_objection
from dokja.demo.office import ClosedStage, Office, moment
from dokja.demo.stage import ASPECTS, Staged, run_stage
from dokja.demo.workshop import Tell, Workshop
from dokja.errors import NotAllowed
from dokja.progress import Progress, unheard
from dokja.report.demo_page import render_demo_page
from dokja.report.words import Language
from dokja.workflows.rulebook import read_rulebook

Part = Literal["lineage", "stage"]
PARTS: tuple[Part, ...] = ("lineage", "stage")

# The demo empties only a folder that bears this mark, and only of what it makes itself.
_MARK = "made-by-dokja-demo.txt"
_MADE = ("desk", "lineage", "library", "models", "stage", "reentry", "index.html", "demo.json")


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What a run would do.

    Args:
        cast: Who takes part.
        parts: Which parts are run.
        examples: Folder of the examples.
        cache: Where published models are kept.
        out: Where everything goes.
        language: Of pages, the one shown first.
    """

    cast: Cast
    parts: tuple[Part, ...]
    examples: Path
    cache: Path
    out: Path
    language: Language

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models the run needs, each once."""
        names = [entry.model for entry in self.cast.library]
        if "lineage" in self.parts:
            names += self.cast.suspects
        if "stage" in self.parts:
            names += [team.model for team in (*self.cast.teams, *self.cast.applicants)]
        return tuple(dict.fromkeys(names))

    @property
    def downloads(self) -> tuple[str, ...]:
        """Keys of the published models that are not cached yet."""
        return tuple(name for name in self.packages if not is_fetched(name, self.cache))

    @property
    def packages(self) -> tuple[str, ...]:
        """Keys of the published models the run needs."""
        return self.cast.packages(self.models)

    @property
    def download_bytes(self) -> int:
        """Bytes that have to be downloaded."""
        return sum(real_models()[name].download_bytes for name in self.downloads)

    def of_origin(self, origin: str) -> tuple[str, ...]:
        """Return the models that are `real`, `trained` by committed scripts, or `made` in the run."""
        return tuple(
            name
            for name in self.models
            if origin in self.cast.origins(name) and ("made" in self.cast.origins(name)) == (origin == "made")
        )


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What a run gave.

    Args:
        plan: What was run.
        comparisons: First part; empty when it was left out.
        stage: Second part; None when it was left out.
        reentry: The re-entry round; None where there was no vacancy to fill.
        objection: The objection; None when no ballot was mistyped.
        seconds: Step to how long it took.
        log_key: Key of the desk's log, with which dossiers are verified; empty without a stage.
    """

    plan: DemoPlan
    comparisons: tuple[Compared, ...] = ()
    stage: ClosedStage | None = None
    reentry: ClosedStage | None = None
    objection: Heard | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    log_key: str = ""

    def as_json(self) -> dict[str, JSON]:
        """Return everything as one JSON object; paths are relative to the output's folder."""
        plan = self.plan
        origins: dict[str, JSON] = {kind: list(plan.of_origin(kind)) for kind in ("real", "trained", "made")}
        value: dict[str, JSON] = {
            "models": origins,
            "simulated": [
                "expert marks",
                "user ratings",
                "votes",
                "judged findings",
                "calendar",
                "team names",
            ],
            "comparisons": [
                {
                    "suspect": one.suspect,
                    "relation": one.result["relation"],
                    "verdict": one.result["verdict"],
                    "components": one.result["components"],
                    "page": str(one.page),
                }
                for one in self.comparisons
            ],
            "stage": None if self.stage is None else self.stage.as_json(),
            "reentry": None if self.reentry is None else self.reentry.as_json(),
            "objection": None if self.objection is None else self.objection.as_json(),
            "log_key": self.log_key,
            "seconds": {name: round(seconds, 1) for name, seconds in self.seconds.items()},
        }
        return value


def find_examples() -> Path:
    """Return where the examples lie in a source checkout, whether or not they are there."""
    return Path(dokja.__file__).resolve().parents[2] / "examples" / "demo"


def plan_demo(
    examples: Path, cache: Path, out: Path, language: Language, only: Part | None = None
) -> DemoPlan:
    """Return what a run would do.

    Raises:
        Unavailable: The examples are not there.
        InvalidInput: The cast cannot be read.
    """
    return DemoPlan(read_cast(examples), PARTS if only is None else (only,), examples, cache, out, language)


def run_demo(plan: DemoPlan, tell: Tell, progress: Progress = unheard) -> DemoResult:
    """Run the parts of a plan and write everything under its folder.

    Args:
        plan: What to run.
        tell: Told what happens, as it happens.
        progress: Told how far what takes long is.

    Raises:
        NotAllowed: The folder holds something the demo did not make.
        Unavailable: A model cannot be downloaded.
    """
    _make_empty(plan.out)
    workshop = Workshop(plan.cast, plan.examples, plan.cache, plan.out, tell, progress)
    with workshop.step("models"):
        for name in plan.models:
            workshop.folder(name)
    compared = run_lineage(workshop, plan.language) if "lineage" in plan.parts else ()
    if "stage" in plan.parts:
        result = _run_stages(plan, workshop, compared)
    else:
        result = DemoResult(plan, compared, seconds=workshop.seconds)
    text = json.dumps(result.as_json(), ensure_ascii=False, indent=1, allow_nan=False)
    (plan.out / "demo.json").write_text(text + "\n", encoding="utf-8")
    (plan.out / "index.html").write_text(
        render_demo_page(result.as_json(), plan.out, plan.language), encoding="utf-8"
    )
    return result


def _run_stages(plan: DemoPlan, workshop: Workshop, compared: tuple[Compared, ...]) -> DemoResult:
    rulebook = read_rulebook(plan.examples / "rulebook.toml")
    again = read_rulebook(plan.examples / "reentry.toml")
    experts = tuple(
        f"{book.panels[0].id}:{number:03d}" for book in (rulebook, again) for number in range(len(ASPECTS))
    )
    at = moment(rulebook.clock.frozen, hour=0)
    office = Office.open(plan.out / "desk", plan.cast.seed, experts, at)
    with office.desk:
        staged = Staged(workshop, office, rulebook, plan.cast.teams, plan.out / "stage", plan.language)
        closed, mistyped = run_stage(staged)
        reentry = None
        if closed.seen.decision.filled_by == "reentry":
            workshop.tell("demo.heading.reentry", {})
            applicants = plan.cast.applicants
            round_ = Staged(workshop, office, again, applicants, plan.out / "reentry", plan.language)
            reentry, _ = run_stage(round_)
        heard = None if mistyped is None else hear_objection(staged, closed, mistyped)
        log_key = str(office.desk.note_key)
    return DemoResult(plan, compared, closed, reentry, heard, workshop.seconds, log_key)


def _make_empty(out: Path) -> None:
    """Empty the demo's own folder of what an earlier run made, and of nothing else."""
    mark = out / _MARK
    if out.exists() and not mark.is_file() and any(out.iterdir()):
        raise NotAllowed(
            f"The folder {str(out)!r} holds something the demo did not make.",
            hint="Name an empty folder, or one that does not exist yet, with --out.",
        )
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text("Everything beside this file was made by `dokja demo` and goes when it runs again.\n")
    for name in _MADE:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
