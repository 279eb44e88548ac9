"""`dokja rulebook` says every mistake, marks what was not published, and compares two rulebooks."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from dokja.cli.main import app, main
from dokja.rulebook import parse_rulebook
from dokja.sensitivity.simulation import Assumptions, simulate_stage

EXAMPLES = Path(__file__).parents[2] / "examples" / "rulebooks"
TEMPLATE = EXAMPLES / "template.toml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rulebook", *map(str, arguments)], standalone_mode=False)


@pytest.fixture
def altered(tmp_path: Path):
    def write(*replacements: tuple[str, str]) -> Path:
        text = TEMPLATE.read_text("utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "altered.toml"
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_sound_rulebook_is_checked_with_its_digest() -> None:
    result = run("check", TEMPLATE)
    assert result.return_value == 0
    assert result.stdout.splitlines()[-1] == parse_rulebook(TEMPLATE.read_bytes()).digest()


def test_every_mistake_is_one_line_in_the_language_asked_for(altered) -> None:
    path = altered(("points = 35", "points = 36"), ("quorum = 7", "quorum = 17"))
    english, korean = run("check", path), run("check", path, "--lang", "ko")
    assert english.return_value == korean.return_value == 2
    assert english.stdout.splitlines() == [
        "points: the parts add up to 101 points, not to 100.",
        "panels.experts.quorum: a quorum of 17 can never be met by 10 seats.",
    ]
    assert len(korean.stdout.splitlines()) == 2
    assert "배점" in korean.stdout
    assert "2 mistakes" in english.stderr


def test_a_check_as_json_carries_key_place_and_sentence(altered) -> None:
    value = json.loads(run("check", altered(("k = 3", "k = 6")), "--json").stdout)
    assert value["valid"] is False
    assert value["digest"] is None
    assert [(one["at"], one["key"]) for one in value["mistakes"]] == [("signatures.k", "rulebook.k_above_n")]
    sound = json.loads(run("check", TEMPLATE, "--json").stdout)
    assert sound["valid"] is True
    assert "suites.individual.benchmarks" in sound["unknown"]


def test_a_check_before_opening_names_every_unknown_that_a_stage_needs() -> None:
    published = EXAMPLES / "korea-2026-08-stage2.toml"
    assert run("check", published).return_value == 0
    refused = run("check", published, "--to-open")
    assert refused.return_value == 2
    assert (
        "signatures.k: this is unknown, and a stage cannot be opened without it."
        in refused.stdout.splitlines()
    )
    assert run("check", TEMPLATE, "--to-open").return_value == 0


@pytest.mark.parametrize(
    ("language", "unpublished", "line"),
    [("en", "not published", "teams kept: 4"), ("ko", "공개되지 않음", "남기는 팀 수: 4")],
)
def test_show_says_the_whole_rulebook_and_marks_what_was_not_published(
    language: str, unpublished: str, line: str
) -> None:
    text = run("show", EXAMPLES / "korea-2026-01-stage1.toml", "--lang", language).stdout
    assert text.count(unpublished) > 40
    assert "sha256:" in text.splitlines()[1]
    assert line in text


def test_show_as_json_is_the_canonical_rulebook() -> None:
    value = json.loads(run("show", TEMPLATE, "--json").stdout)
    rulebook = parse_rulebook(TEMPLATE.read_bytes())
    assert value == {"digest": rulebook.digest(), "rulebook": rulebook.canonical()}


def test_diff_names_each_change_and_with_events_each_changed_outcome(altered, tmp_path: Path) -> None:
    rulebook = parse_rulebook(TEMPLATE.read_bytes())
    events = tmp_path / "events.jsonl"
    simulated = simulate_stage(rulebook, Assumptions(), np.random.default_rng(3))
    events.write_text("\n".join(json.dumps(event.as_json()) for event in simulated), "utf-8")
    new = altered(("points = 60", "points = 100"))
    alone = run("diff", TEMPLATE, new).stdout
    assert alone == "gates.threshold.points: points changes from 60 to 100.\n"
    value = json.loads(run("diff", TEMPLATE, new, "--events", events, "--json").stdout)
    assert [one["at"] for one in value["changes"]] == ["gates.threshold.points"]
    assert value["outcomes"], "nobody reaches 100 points"
    assert all("score" in one["after"]["exits"] for one in value["outcomes"])
    text = run("diff", TEMPLATE, new, "--events", events, "--lang", "ko").stdout
    assert "효력 없음" in text
    same = run("diff", TEMPLATE, TEMPLATE, "--events", events).stdout
    assert "say the same" in same
    assert "No team's outcome" in same


def test_events_that_cannot_be_read_are_named_by_line(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text('{"id": "e1"}\n', "utf-8")
    result = run("diff", TEMPLATE, TEMPLATE, "--events", events)
    assert "Line 1 of events.jsonl" in str(result.exception)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ([], "  points: the parts add up to 101 points, not to 100."),
        (["--lang", "ko"], "  points: 부문 배점을 더하면 101점으로, 100점과 맞지 않습니다."),
        (["--lang=ko"], "  points: 부문 배점을 더하면 101점으로, 100점과 맞지 않습니다."),
    ],
)
def test_a_rulebook_with_mistakes_is_not_shown_but_explained_in_the_language_asked_for(
    altered, capsys: pytest.CaptureFixture[str], language: list[str], sentence: str
) -> None:
    path = altered(("points = 35", "points = 36"), ("quorum = 7", "quorum = 17"))
    with pytest.raises(SystemExit) as stopped:
        main(["rulebook", "show", str(path), *language])
    told = capsys.readouterr()
    assert stopped.value.code == 2
    assert told.out == ""
    assert sentence in told.err.splitlines()
    assert "rulebook.points_do_not_add_up" not in told.err
    assert sum("panels.experts.quorum: " in line for line in told.err.splitlines()) == 1


def test_a_refusal_as_json_carries_each_mistake_as_place_key_and_sentence(
    altered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = altered(("quorum = 7", "qourum = 7"))
    with pytest.raises(SystemExit):
        main(["stage", "open", str(path), "--desk", str(tmp_path / "desk"), "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "invalid.rulebook"
    assert error["mistakes"] == [
        {
            "at": "panels.experts.qourum",
            "key": "grammar.unknown_key_near",
            "sentence": "panels.experts.qourum: there is no field qourum; did you mean quorum?",
        }
    ]
