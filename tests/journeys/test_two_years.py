"""A simulated two-year programme through commands alone: a call, two stages, a re-entry round, and the final two.

Every team, mark, vote, date and figure here is made up; ballots carry `simulated`. Five of the models are small
and real enough to run: they answer a benchmark, and one of them was given another's vision encoder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from dokja.finding import Claim, Evidence, Finding, Reason, Verdict
from dokja.panel.simulate import Simulation, simulate_approvals, simulate_marks
from dokja.workflows.benchmark import read_suite
from tests.journeys import two_year_rules as rules
from tests.journeys.decided_desk import Said, run
from tests.journeys.two_year_rules import Days

DEMO = Path(__file__).parents[2] / "examples" / "demo"
PEOPLE = {"office": "organiser", "chair": "chair", "judge": "reviewer", "experts:000": "expert"}
ITEMS = 6
TEXT = ("language_model",)
SEEING = ("language_model", "token_embedding", "vision_encoder", "projector")


@dataclass
class Programme:
    """A programme office in a folder: everything it does is a command."""

    folder: Path
    log_key: str = ""

    def file(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def key(self, person: str) -> Path:
        return self.folder / f"{person}.key"

    def tried(self, *command: object, stage: str = "", at: str = "") -> Said:
        where = [*(["--stage", stage] if stage else []), *(["--at", at] if at else [])]
        return run(*command, "--desk", self.folder / "desk", *where)

    def done(self, *command: object, stage: str = "", at: str = "", exits: tuple[int, ...] = (0,)) -> Any:
        said = self.tried(*command, "--json", stage=stage, at=at)
        assert said.status in exits, (command, said.status, said.err)
        return json.loads(said.out)

    def open(self, rulebook: str, stage: str, days: Days) -> None:
        book = self.file(f"{stage}.toml", rulebook)
        self.log_key = self.done("stage", "open", book, stage=stage, at=days.at(0))["log_key"]

    def appoint(self, at: str) -> None:
        for person, role in PEOPLE.items():
            assert run("key", "new", self.key(person)).status == 0
            vouch = [] if person == "office" else ["--organiser", self.key("office")]
            said = self.tried("key", "enrol", person, role, "--key", self.key(person), *vouch, at=at)
            assert said.status == 0, said.err

    def submit(
        self, stage: str, team: str, model: Path, days: Days, components: tuple[str, ...] = TEXT
    ) -> None:
        listed = [{"name": name, "origin": "own"} for name in components]
        declared = self.file("declaration.json", {"owners": [f"{team} (fictional)"], "components": listed})
        command = ["stage", "submit", team, model, "--declaration", declared, "--name", team.title()]
        self.done(*command, stage=stage, at=days.submitting)

    def mark(self, stage: str, quality: Mapping[str, float], days: Days) -> None:
        """Let simulated experts and users mark every team: severity and noise on top of the quality given."""
        for number, (panel, raters) in enumerate({"experts": 5, "users": 6}.items()):
            simulation = Simulation(
                panel=panel, raters=raters, quality=quality, criteria=[f"{panel}-overall"], lowest=0.0,
                highest=100.0, severity=3.0, noise=2.0,
            )  # fmt: skip
            ballots = simulate_marks(simulation, np.random.default_rng([number, len(quality)]))
            file = self.file(f"ballots/{stage}-{panel}.simulated.csv", ballots.render_csv())
            self.done("stage", "ballots", file, "--panel", panel, stage=stage, at=days.judging)

    def vote(self, stage: str, approval: Mapping[str, float], days: Days) -> None:
        ballots = simulate_approvals("reviewers", 7, approval, np.random.default_rng(3))
        file = self.file(f"ballots/{stage}.simulated.csv", ballots.render_csv())
        self.done("stage", "ballots", file, "--panel", "reviewers", stage=stage, at=days.judging)

    def decide(self, stage: str, at: str) -> None:
        keys = [word for person in ("office", "chair") for word in ("--key", self.key(person))]
        told = self.done("stage", "decide", "--replicates", 100, *keys, stage=stage, at=at, exits=(0, 1))
        assert told["signed"] == ["chair", "office"]

    def publish(self, stage: str, at: str, *more: object) -> list[Path]:
        told = self.done("stage", "publish", "--out", self.folder / "out" / at, *more, stage=stage, at=at)
        assert told["event"] is not None
        return [Path(name) for name in told["dossiers"]]

    def outcome(self, stage: str) -> dict[str, Any]:
        view = self.done("publication", "preview", stage=stage, at="2027-12-31T00:00:00Z")["view"]
        assert isinstance(view, dict)
        return view

    def record(self, stage: str, kind: str, payload: object, at: str, *more: object) -> str:
        file = self.file("payload.json", payload)
        return str(self.done("stage", "record", kind, file, *more, stage=stage, at=at)["events"][0]["id"])


def tiny_model(folder: Path, seed: int) -> Path:
    """Weights nobody trained, to be submitted where no model is run."""
    path = folder / f"tiny-{seed}.safetensors"
    weights = np.random.default_rng(seed).normal(size=(8, 8)).astype(np.float32)
    save_file({"model.embed_tokens.weight": weights}, str(path))
    return path


def untrained(folder: Path, seed: int) -> Path:
    """A model that runs and was never trained: the shapes of a committed one, weights drawn anew."""
    made = folder / f"untrained-{seed}"
    shutil.copytree(DEMO / "models" / "scratch", made)
    rng = np.random.default_rng(seed)
    tensors = load_file(made / "model.safetensors")
    drawn = {
        name: tensor if tensor.ndim == 1 else rng.normal(0, 0.02, tensor.shape).astype(tensor.dtype)
        for name, tensor in tensors.items()
    }
    save_file(drawn, str(made / "model.safetensors"))
    return made


def the_call(office: Programme, days: Days) -> list[Path]:
    """Eight apply, five are taken."""
    quality = {"garam": 0.9, "daon": 0.85, "haneul": 0.8, "raon": 0.75, "nuri": 0.7}
    quality |= {"bada": 0.4, "mirae": 0.35, "saebom": 0.3}
    office.open(rules.by_panels("call", days, 8, 5), "call", days)
    office.appoint(days.at(1))
    for number, team in enumerate(quality):
        office.submit("call", team, tiny_model(office.folder, number), days)
    office.mark("call", quality, days)
    office.decide("call", days.deciding)
    dossiers = office.publish("call", days.announcing)
    assert set(office.outcome("call")["advancing"]) == {"garam", "daon", "haneul", "raon", "nuri"}
    office.done("stage", "close", stage="call", at=days.closing)
    return dossiers


def support_for_development(office: Programme, call: Days) -> None:
    """GPUs promised to two teams; one of them waits ten days for its own, and its deadline moves with them."""
    terms = ["--resource", "gpu", "--units", 64, "--what", "B200", "--supplier", "cloud-office"]
    terms += ["--first", "2025-11-01", "--last", "2026-12-31"]
    at = "2025-11-30T00:00:00Z"
    for team, began in {"garam": "2025-11-11", "nuri": "2025-11-01"}.items():
        office.done("support", "promise", f"{team}-gpu", team, *terms, stage="call", at=call.closing)
        delivered = ["--units", "all", "--throughput-share", 1, "--first", began]
        office.done("support", "deliver", f"{team}-gpu", *delivered, stage="call", at=at)
    moved = office.done("support", "deadlines", "--deadline", "2025-12-31", stage="call")["deadlines"]
    days = {row["team"]: row["moved_to"] for row in moved}
    assert (days["garam"], days["nuri"]) == ("2026-01-10", "2025-12-31")


def examine_and_judge(office: Programme, days: Days, models: Mapping[str, Path]) -> None:
    """Two models that see are compared with another's; an expert judges everything, which outweighs no measurement."""
    donor = ["--reference", DEMO / "models" / "donor", "--owner", "Demo Vision Lab (fictional)"]
    refuted = {}
    for team in ("daon", "raon"):
        command = ["stage", "examine", team, models[team], *donor]
        found = office.done(*command, stage="stage-1", at=days.judging, exits=(0, 1))["events"]
        refuted[team] = [
            event["id"] for event in found if event["payload"]["finding"]["verdict"] == "REFUTED"
        ]
    assert not refuted["daon"]
    reply = {"team": "raon", "to": refuted["raon"][0], "text": "We declared it as our own. (simulated)"}
    office.record("stage-1", "team_reply", reply, days.judging)
    submitted = {
        event["payload"]["team"]: event["payload"]["weights"]
        for event in events_of(office, "stage-1")
        if event["kind"] == "submission"
    }
    for team, weights in submitted.items():
        for component in SEEING if team in refuted else TEXT:
            finding = Finding(
                Claim("weights.independent_of", component), Verdict.SUPPORTED, Reason("test.made"),
                Evidence.JUDGED, {"subject": weights},
            )  # fmt: skip
            payload = {
                "team": team, "rater": "experts:000", "finding": finding.as_json(), "cites": [weights]
            }  # fmt: skip
            signed = ["--by", "simulator", "--key", office.key("experts:000")]
            office.record("stage-1", "judged_finding", payload, days.judging, *signed)


def events_of(office: Programme, stage: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in office.tried("stage", "events", stage=stage).out.splitlines()]


def the_first_stage(office: Programme, days: Days) -> None:
    """Five enter; the weakest leaves by score, a borrowed encoder by independence, and one place stays vacant."""
    lines = (DEMO / "suites" / "en_minimal_pairs.jsonl").read_text("utf-8").splitlines(keepends=True)
    suite = office.file("few.jsonl", "".join(lines[: ITEMS + 1]))
    digest = read_suite(suite).digest()
    office.open(rules.first_stage(days, "en_minimal_pairs", digest, ITEMS), "stage-1", days)
    models = {
        "garam": DEMO / "models" / "scratch", "daon": DEMO / "models" / "vlm_honest",
        "raon": DEMO / "models" / "vlm", "haneul": untrained(office.folder, 1), "nuri": untrained(office.folder, 2),
    }  # fmt: skip
    for team, model in models.items():
        office.submit("stage-1", team, model, days, SEEING if team in ("daon", "raon") else TEXT)
    for team, model in models.items():
        office.done("stage", "evaluate", team, model, suite, stage="stage-1", at=days.judging)
    office.mark("stage-1", {"garam": 0.9, "raon": 0.88, "daon": 0.85, "haneul": 0.8, "nuri": 0.3}, days)
    examine_and_judge(office, days, models)
    # One mark is typed wrongly on purpose; the team it belongs to objects below.
    wrong = next(
        e for e in events_of(office, "stage-1")
        if e["kind"] == "expert_score" and e["payload"]["team"] == "nuri"
    )  # fmt: skip
    typed = {**wrong["payload"], "score": 0.0}
    more = ["--supersedes", wrong["id"], "--reason", "typed from the sheet (a mistake, on purpose)"]
    office.record("stage-1", "expert_score", typed, days.judging, *more)
    office.decide("stage-1", days.deciding)


def publish_the_first_stage(office: Programme, days: Days) -> list[Path]:
    """Scores stay sealed: what four teams together could work out of the fifth is refused."""
    before = events_of(office, "stage-1")
    comparing = [
        word
        for team in ("garam", "raon", "daon", "haneul")
        for word in ("--assume", f"knows:{team}")
    ]  # fmt: skip
    refused = office.tried("stage", "publish", *comparing, stage="stage-1", at=days.announcing)
    assert refused.status == 1, refused.err
    assert "Refused" in refused.out
    sealed = office.tried("publication", "release", "--field", "totals", stage="stage-1", at=days.announcing)
    assert sealed.status == 2
    assert events_of(office, "stage-1") == before
    dossiers = office.publish("stage-1", days.announcing)
    shown = office.outcome("stage-1")
    outcome = {row["team"]: row for row in shown["teams"]}
    assert outcome["nuri"]["exits"] == ["score"]
    assert "independence" in outcome["raon"]["exits"]
    assert set(shown["advancing"]) == {"garam", "daon", "haneul"}
    assert shown["vacancies"] == 1
    assert not any(row["scores"] for row in outcome.values())
    return dossiers


def hear_the_objection(office: Programme, days: Days) -> list[Path]:
    """The mistyped mark is objected to in time, heard by another, corrected and replayed; the correction is published."""
    text = office.file("words.txt", "The sheet says otherwise. (simulated)")
    command = ["stage", "object", "nuri", "--ground", "clerical_error", "--text", text]
    late = office.tried(*command, stage="stage-1", at=days.at(23))
    assert late.status == 1
    assert days[22] in late.out
    objection = office.done(*command, stage="stage-1", at=days.last_to_object)["event"]["id"]
    gone = {e["supersedes"] for e in events_of(office, "stage-1") if e["supersedes"]}
    sheet, typed = (
        next(e for e in events_of(office, "stage-1") if e["id"] in gone),
        next(e for e in events_of(office, "stage-1") if e["supersedes"]),
    )
    fix = {"kind": "expert_score", "supersedes": typed["id"], "payload": sheet["payload"]}
    fixing = ["--uphold", "--correction", office.file("fix.json", fix), "--text", text]
    answer = ["stage", "answer", objection, *fixing, "--heard-by"]
    at = days.at(24)
    signer = office.tried(*answer, "chair", "--key", office.key("chair"), stage="stage-1", at=at)
    assert signer.status == 2, "whoever signed hears no objection"
    replayed = office.done(*answer, "judge", "--key", office.key("judge"), stage="stage-1", at=at)
    (changed,) = replayed["differences"]
    assert changed["team"] == "nuri"
    assert replayed["no_longer_true"], "the published means held the mistyped mark"
    assert office.tried("stage", "close", stage="stage-1", at=days.closing).status == 2
    office.decide("stage-1", days.at(25))
    dossiers = office.publish("stage-1", days.at(25, hour=5), "--reason", f"upheld {objection}")
    office.done("stage", "close", stage="stage-1", at=days.closing)
    return dossiers


def re_enter(
    office: Programme, stage: str, round_: str, days: Days, approval: Mapping[str, float]
) -> tuple[list[str], list[Path]]:
    """Run a re-entry round to its recorded result; return whom it selected, and its dossiers."""
    book = office.file(f"{round_}.toml", rules.reentry(days, round_))
    first, *rest = approval
    opening = ["stage", "reenter", book, "--applicant", f"{first}={first.title()}"]
    office.done(*opening, stage=stage, at=days.at(0))
    for team in rest:
        office.done("stage", "reenter", "--applicant", f"{team}={team.title()}", stage=round_, at=days.at(2))
    late = office.tried("stage", "reenter", "--applicant", "saebom=Saebom", stage=round_, at=days.at(5))
    assert late.status == 2
    for number, team in enumerate(approval):
        office.submit(round_, team, tiny_model(office.folder, 20 + number), days)
    office.vote(round_, approval, days)
    office.decide(round_, days.deciding)
    dossiers = office.publish(round_, days.announcing)
    result = office.done("stage", "reenter", "--result", stage=round_, at=days.at(13))["events"][0]["payload"]
    office.done("stage", "close", stage=round_, at=days.closing)
    return result["selected"], dossiers


def later_stage(
    office: Programme, id_: str, days: Days, quality: Mapping[str, float], *, final: bool = False
) -> tuple[list[str], list[Path]]:
    """Run a stage in which the last of the teams leaves; return who goes on, and its dossiers."""
    office.open(rules.by_panels(id_, days, len(quality), len(quality) - 1, final=final), id_, days)
    for number, team in enumerate(quality):
        office.submit(id_, team, tiny_model(office.folder, 40 + number), days)
    office.mark(id_, quality, days)
    office.decide(id_, days.deciding)
    dossiers = office.publish(id_, days.announcing)
    office.done("stage", "close", stage=id_, at=days.closing)
    return sorted(office.outcome(id_)["advancing"]), dossiers


def between_the_stages(office: Programme, first: Days, second: Days) -> None:
    """Whoever left gives its GPUs back; a consortium changes its members."""
    stands = office.done("support", "status", "--on", first[60])
    leaving = {row["team"]: row["returns"] for row in stands["on_exit"]}
    assert leaving["nuri"] == ["nuri-gpu"]
    office.done("support", "return", "nuri-gpu", "--day", first[60], stage="stage-1", at=first.closing)
    after = office.done("support", "status", "--on", first[61])["on_exit"]
    assert {row["team"]: row["returns"] for row in after}["nuri"] == []
    lead = ["roster", "set", "garam", "--lead", "Garam (fictional)", "--participant"]
    office.done(*lead, "Alpha (fictional)", "--effective", first[0], stage="stage-1", at=first.at(0))
    why = ["--why", "Beta took the place of Alpha (simulated)"]
    changed = ["Beta (fictional)", "--effective", second[0], *why]
    office.done(*lead, *changed, stage="stage-1", at=first.closing)
    told = office.done("roster", "changes", "garam", "--from", first[1], "--to", second[1])["changes"]
    assert {"Alpha (fictional)", "Beta (fictional)"} <= {str(row.get("name")) for row in told}


def verify_everything(office: Programme, dossiers: list[Path]) -> None:
    """Nothing in any dossier is broken; what the auditor holds is recomputed, but for other stages' leaves."""
    for path in dossiers:
        said = run("verify", path, "--log-key", office.log_key, "--json")
        assert said.status == 0, (path, said.out, said.err)
        if ".auditor." in path.name:
            left = {one["reason"]["key"] for one in said.json["statements"] if one["standing"] != "HOLDS"}
            # A dossier proves its own events in a log that other stages share; `store check` recomputes the whole.
            assert left <= {"dossier.log.root.others_left_out"}


def test_a_programme_of_two_years_ends_with_two_teams_and_dossiers_that_verify(tmp_path: Path) -> None:
    office = Programme(tmp_path)
    call, one = Days(date(2025, 8, 1)), Days(date(2026, 1, 2))
    again, two, last = Days(date(2026, 4, 1)), Days(date(2026, 8, 1)), Days(date(2027, 2, 1))
    dossiers = the_call(office, call)
    support_for_development(office, call)
    the_first_stage(office, one)
    dossiers += publish_the_first_stage(office, one) + hear_the_objection(office, one)
    between_the_stages(office, one, two)
    selected, papers = re_enter(office, "stage-1", "re-entry", again, {"bada": 1.0, "mirae": 0.0})
    assert selected == ["bada"]
    remaining = {"garam": 0.9, "daon": 0.8, "haneul": 0.7, selected[0]: 0.4}
    advancing, more = later_stage(office, "stage-2", two, remaining)
    assert advancing == ["daon", "garam", "haneul"]
    winners, rest = later_stage(
        office, "final", last, {team: remaining[team] for team in advancing}, final=True
    )
    assert winners == ["daon", "garam"]
    dossiers += papers + more + rest
    assert len(dossiers) == 12
    verify_everything(office, dossiers)
    checked = run("store", "check", f"sqlite:///{tmp_path / 'desk' / 'store.db'}", "--json")
    assert checked.status == 0, checked.err
    assert checked.json["size"] == sum(
        len(events_of(office, stage)) for stage in ("call", "stage-1", "re-entry", "stage-2", "final")
    ) + len(PEOPLE)


@pytest.mark.parametrize(
    ("approval", "selected"), [({"bada": 1.0, "mirae": 0.0}, ["bada"]), ({"bada": 0.0, "mirae": 0.0}, [])]
)
def test_a_vacant_place_is_filled_by_a_majority_or_by_nobody(
    tmp_path: Path, approval: dict[str, float], selected: list[str]
) -> None:
    office, days = Programme(tmp_path), Days(date(2026, 1, 2))
    office.open(rules.by_panels("stage-1", days, 2, 2, floor=50.0), "stage-1", days)
    office.appoint(days.at(1))
    for number, team in enumerate(("garam", "nuri")):
        office.submit("stage-1", team, tiny_model(tmp_path, number), days)
    office.mark("stage-1", {"garam": 0.9, "nuri": 0.2}, days)
    office.decide("stage-1", days.deciding)
    dossiers = office.publish("stage-1", days.announcing)
    found, more = re_enter(office, "stage-1", "re-entry", Days(date(2026, 4, 1)), approval)
    assert found == selected
    second = office.tried(
        "stage", "reenter", office.file("more.toml", rules.reentry(Days(date(2026, 7, 1)), "once-more")),
        stage="stage-1", at="2026-07-01T00:00:00Z",
    )  # fmt: skip
    assert second.status == (2 if selected else 0), (
        "a place is filled once, and stays open while nobody fills it"
    )
    verify_everything(office, [*dossiers, *more])
