"""The demo from end to end, offline, on the committed models alone; and another model behind a team gives another end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from dokja.cli.main import main
from dokja.demo.cast import read_cast
from dokja.workflows.benchmark import read_suite

EXAMPLES = Path(__file__).parents[2] / "examples" / "demo"
ITEMS = 6

CAST = """
seed = 7
suspects = ["stretched", "vlm", "vlm_honest"]
[models.scratch]
folder = "models/scratch"
[models.stretched]
stretched = "scratch"
layers = 6
naming = "blocks"
encoding = "Q8_0"
shards = 3
[models.donor]
folder = "models/donor"
[models.vlm]
folder = "models/vlm"
[models.vlm_honest]
folder = "models/vlm_honest"
[[library]]
model = "scratch"
owner = "Garam (fictional)"
licence = "Apache-2.0"
[[library]]
model = "donor"
owner = "Demo Vision Lab (fictional)"
licence = "Apache-2.0"
[clerical_error]
team = "nuri"
criterion = "strategy"
"""
TEXT, SIGHT = ("language_model", "token_embedding"), ("vision_encoder", "projector")


def team(name: str, model: str, expert: float, *, owners: str = "", sight: bool = False) -> str:
    lines = [
        "[[teams]]", f'id = "{name}"', f'name = "{name.title()}"', f'model = "{model}"',
        'chooses = "en_minimal_pairs"', f"expert_share = {expert}", f"user_share = {expert}",
        f"owners = [{owners}]", 'reply = "We declared it."',
    ]  # fmt: skip
    for component in TEXT + (SIGHT if sight else ()):
        lines += ["[[teams.components]]", f'name = "{component}"', 'origin = "own"']
    return "\n".join(lines) + "\n"


def applicant(name: str, model: str, approval: float) -> str:
    whole = team(name, model, 0.5, sight=True).replace("teams", "applicants")
    return re.sub(r"(?m)^(chooses|expert_share|user_share).*\n", "", whole).replace(
        'reply = "We declared it."', f"approval_share = {approval}"
    )


def reduced_examples(folder: Path, seeing: str) -> Path:
    """Return the demo's examples cut down to committed models, few items, and four teams; `seeing` backs one of them."""
    shutil.copytree(EXAMPLES / "models", folder / "models")
    (folder / "suites").mkdir(parents=True)
    rules = (EXAMPLES / "rulebook.toml").read_text("utf-8")
    for source in sorted((EXAMPLES / "suites").glob("*.jsonl")):
        whole, few = read_suite(source), folder / "suites" / source.name
        few.write_text("".join(source.read_text("utf-8").splitlines(keepends=True)[: ITEMS + 1]), "utf-8")
        rules = rules.replace(whole.digest(), read_suite(few).digest())
        rules = re.sub(rf'(id = "{whole.name}".*items = )\d+', rf"\g<1>{ITEMS}", rules)
    rules = rules.replace("keep = 4", "keep = 3").replace("entering = 5", "entering = 4")
    rules = (
        rules.replace("places = 4", "places = 3")
        .replace("size = 49", "size = 9")
        .replace("quorum = 30", "quorum = 5")
    )
    (folder / "rulebook.toml").write_text(rules, "utf-8")
    shutil.copy(EXAMPLES / "reentry.toml", folder)
    teams = team("garam", "scratch", 0.8, owners='"Garam (fictional)"') + team("nuri", "stretched", 0.35)
    teams += team("daon", "vlm_honest", 0.7, sight=True) + team("raon", seeing, 0.85, sight=True)
    (folder / "cast.toml").write_text(
        CAST + teams + applicant("bada", "vlm_honest", 1.0) + applicant("saebyeok", "donor", 0.0), "utf-8"
    )
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, told.out, told.err


def by_team(stage: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["team"]: row for row in stage["teams"]}


def test_a_stage_ends_with_one_exit_by_score_one_by_independence_and_a_vacancy_that_is_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples, out = reduced_examples(tmp_path / "examples", "vlm"), tmp_path / "out"
    code, printed, told = run(capsys, "demo", "--examples", examples, "--out", out, "--json")
    assert code == 0
    assert "Downloads nothing" in told
    assert "Simulated and fictional" in told
    result = json.loads(printed)

    compared = {one["suspect"]: one for one in result["comparisons"]}
    taller = next(row for row in compared["stretched"]["components"] if row["component"] == "language_model")
    assert [taller["verdict"], taller["reference"]] == ["REFUTED", "scratch"]
    assert taller["layer_map"] == [[0, 0], [1, 1], [2, 2], [3, 2], [4, 3], [5, 4]]
    verdicts = {row["component"]: row["verdict"] for row in compared["vlm"]["components"]}
    assert verdicts["vision_encoder"] == "REFUTED"
    assert verdicts["language_model"] == verdicts["token_embedding"] == "INCONCLUSIVE"
    assert compared["vlm_honest"]["verdict"] == "INCONCLUSIVE"

    teams = by_team(result["stage"])
    assert "score" in teams["nuri"]["exits"]
    assert teams["raon"]["exits"] == "independence"
    assert result["stage"]["advancing"] == ["garam", "daon"]
    assert result["stage"]["vacancies"] == 1
    assert result["reentry"]["advancing"] == ["bada"]
    assert teams["garam"]["judged"]

    public, auditor = result["stage"]["verified"]
    assert {one["standing"] for one in auditor["statements"]} == {"HOLDS"}
    assert public["intact"]
    assert "COULD_NOT_RECOMPUTE" in {one["standing"] for one in public["statements"]}
    heard = result["objection"]
    assert heard["upheld"]
    assert heard["typed"] < heard["meant"]
    assert {one["team"] for one in heard["scores"]} == {"Nuri"}
    assert heard["closed"]["verified"][1]["intact"]

    code, _, _ = run(capsys, "verify", result["stage"]["dossiers"][1], "--log-key", result["log_key"])
    assert code == 0
    page = (out / "index.html").read_text("utf-8")
    links = re.findall(r'href="([^"#]+)"', page)
    assert links
    assert all((out / link).is_file() for link in links)
    ballots = out / "stage" / "ballots" / "experts.simulated.csv"
    assert ballots.read_text("utf-8").splitlines()[1].endswith("true")


def test_another_model_behind_a_team_changes_its_verdict_and_opens_its_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = reduced_examples(tmp_path / "examples", "vlm_honest")
    arguments = ("--examples", examples, "--out", tmp_path / "out", "--only", "stage", "--json")
    code, printed, _ = run(capsys, "demo", *arguments)
    assert code == 0
    result = json.loads(printed)
    assert by_team(result["stage"])["raon"]["advances"]
    assert result["stage"]["vacancies"] == 0
    assert result["reentry"] is None
    assert result["comparisons"] == []


def test_a_folder_the_demo_did_not_make_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    code, _, told = run(capsys, "demo", "--examples", EXAMPLES, "--out", out, "--only", "lineage")
    assert code == 2
    assert "did not make" in told
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_without_examples_the_demo_says_where_they_come_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, told = run(capsys, "demo", "--examples", tmp_path, "--out", tmp_path / "out")
    assert code == 3
    assert "source checkout" in told


def test_the_demo_says_honestly_how_much_it_downloads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dokja.demo import plan_demo

    plan = plan_demo(EXAMPLES, tmp_path / "cache", tmp_path / "out", "en")
    assert plan.downloads == ("smollm2-135m", "gemma3-270m")
    assert 300e6 < plan.download_bytes < 400e6
    assert plan.of_origin("made") == ("stretched",)
    assert set(plan.of_origin("trained")) == {"donor", "vlm", "vlm_honest", "scratch"}


def test_every_model_of_the_cast_is_there_or_published() -> None:
    from dokja.demo.fetch import real_models

    cast = read_cast(EXAMPLES)
    for model in cast.models.values():
        assert model.stretch or model.real in real_models() or (EXAMPLES / model.folder).is_dir()
