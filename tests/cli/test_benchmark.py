"""`dokja benchmark`: from a model folder and suite files to a table, a journal, and the same figures again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from dokja.cli.main import main
from tests.compute.tiny_decoders import VOCABULARY, make

SUITES = Path(__file__).parents[2] / "examples" / "demo" / "suites"


def words_tokenizer(suite: Path) -> Tokenizer:
    """Whole words of a suite as tokens, the rest unknown: enough for a model of 97 tokens."""
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        [suite.read_text(encoding="utf-8")],
        trainers.WordLevelTrainer(
            vocab_size=VOCABULARY, special_tokens=["<unk>", "<s>"], show_progress=False
        ),
    )
    return tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    make("qwen2_biases", folder)
    words_tokenizer(SUITES / "en_commonsense.jsonl").save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def journal(model: Path) -> Path:
    path = model / "run.jsonl"
    suites = [str(SUITES / f"{name}.jsonl") for name in ("en_commonsense", "ko_language")]
    assert status_of(["benchmark", "run", *suites, "--model", str(model), "-o", str(path)]) == 0
    return path


def status_of(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_run_is_scored_again_from_its_journal_alone(
    journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["benchmark", "score", str(journal), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["finding"]["verdict"] == "SUPPORTED"
    assert printed["weights_digest"] == printed["finding"]["looked_at"]["subject"]
    assert [suite["suite"] for suite in printed["suites"]] == ["en_commonsense", "ko_language"]
    assert all(0 <= suite["accuracy"] <= 1 and suite["faults"] == 0 for suite in printed["suites"])


def test_running_again_asks_nothing_and_prints_the_same(
    journal: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = journal.read_bytes()
    suites = [str(SUITES / f"{name}.jsonl") for name in ("en_commonsense", "ko_language")]
    assert status_of(["benchmark", "run", *suites, "--model", str(model), "-o", str(journal), "--json"]) == 0
    assert journal.read_bytes() == before
    shown = capsys.readouterr()
    assert json.loads(shown.out)["model"] == model.name
    assert "/" not in shown.err.splitlines()[-1].replace(str(model), "")


@pytest.mark.parametrize(("language", "head"), [("en", "accuracy"), ("ko", "정확도")])
def test_the_table_speaks_both_languages(
    journal: Path, language: str, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["benchmark", "score", str(journal), "--lang", language]) == 0
    shown = capsys.readouterr().out
    assert head in shown
    assert "ko_language" in shown


def test_an_edited_suite_does_not_fit_the_journal(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "en_commonsense.jsonl"
    edited.write_text((SUITES / edited.name).read_text("utf-8").replace("umbrella", "parasol"), "utf-8")
    assert status_of(["benchmark", "score", str(journal), "--suite", str(edited), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "invalid.journal"


def test_an_unfinished_journal_has_no_score(
    journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "part.jsonl"
    part.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:20]))
    assert status_of(["benchmark", "score", str(part)]) == 2
    assert "unfinished" in capsys.readouterr().err


def test_a_suite_with_a_mistake_is_refused_before_the_model_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n", "utf-8")
    arguments = [
        "benchmark",
        "run",
        str(broken),
        "--model",
        "no-such-model",
        "-o",
        str(tmp_path / "run.jsonl"),
    ]
    assert status_of(arguments) == 2
    assert "broken.jsonl:1.suite: the field suite is missing." in capsys.readouterr().err
    assert not (tmp_path / "run.jsonl").exists()


def test_a_model_that_cannot_be_run_is_said_and_leaves_no_journal(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text('{"model_type": "mamba", "vocab_size": 97}', "utf-8")
    out = tmp_path / "run.jsonl"
    suite = str(SUITES / "en_commonsense.jsonl")
    assert status_of(["benchmark", "run", suite, "--model", str(tmp_path / "model"), "-o", str(out)]) == 3
    assert "mamba" in capsys.readouterr().err
    assert not out.exists()
