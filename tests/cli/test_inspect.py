"""`dokja inspect` says what a model is made of: for people by default, for programs with --json."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dokja.cli.main import main
from dokja.report.words import LANGUAGES, sentences

ANATOMY = Path(__file__).parents[2] / "src" / "dokja" / "anatomy"
WIDTH, HIDDEN, VOCABULARY = 64, 96, 200


def llama_arrays(n_layers: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, WIDTH),
        "model.norm.weight": (WIDTH,),
    }
    for layer in range(n_layers):
        shapes |= {
            f"model.layers.{layer}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (WIDTH,),
                "post_attention_layernorm": (WIDTH,),
                "self_attn.q_proj": (64, WIDTH),
                "self_attn.k_proj": (32, WIDTH),
                "self_attn.v_proj": (32, WIDTH),
                "self_attn.o_proj": (WIDTH, 64),
                "mlp.gate_proj": (HIDDEN, WIDTH),
                "mlp.up_proj": (HIDDEN, WIDTH),
                "mlp.down_proj": (WIDTH, HIDDEN),
            }.items()
        }
    return {name: rng.standard_normal(shape).astype(np.float16) for name, shape in shapes.items()}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_file(llama_arrays(), tmp_path / "model.safetensors")
    config = {"num_attention_heads": 4, "num_key_value_heads": 2, "hidden_size": 128}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", *arguments])
    shown = capsys.readouterr()
    return int(str(stopped.value.code)), shown.out, shown.err


def test_json_counts_every_parameter_and_names_every_role(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, str(model), "--json")
    seen = json.loads(out)
    assert (status, err) == (0, "")
    assert seen["parameters"] == sum(array.size for array in llama_arrays().values())
    assert seen["stored_bytes"] == 2 * seen["parameters"]
    language_model, embedding = seen["components"]
    assert (language_model["layers"], language_model["n_kv_heads"], language_model["head_dim"]) == (3, 2, 16)
    assert embedding["tied_head"]
    down = next(line for line in language_model["roles"] if line["role"] == "mlp.down")
    assert down == {
        "role": "mlp.down",
        "shape": [WIDTH, HIDDEN],
        "axes": ["residual", "mlp_unit"],
        "count": 3,
        "parameters": 3 * WIDTH * HIDDEN,
        "dtypes": ["F16"],
    }
    assert language_model["groups"]["mlp_units"] == 3


def test_an_edited_config_is_a_warning_with_a_sentence(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, str(model), "--json")
    (warning,) = json.loads(out)["warnings"]
    assert warning["key"] == "config.disagrees_with_shapes"
    assert "128" in warning["sentence"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_people_get_a_summary_first_and_the_tables_after(
    model: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    status, out, err = run(capsys, str(model), "--lang", language)
    assert (status, err) == (0, "")
    first = out.splitlines()[0]
    assert "llama" in first
    assert "safetensors" in first
    for word in ("language_model", "token_embedding", "mlp.gate", "96 × 64", "F16"):
        assert word in out


def test_a_hostile_name_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_file(llama_arrays(), tmp_path / "model.safetensors")
    (tmp_path / "\x1b[2Jevil.py").write_text("print()")
    _, out, _ = run(capsys, str(tmp_path))
    assert "evil.py" in out
    assert "\x1b" not in out


def test_nothing_there_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, str(tmp_path / "missing"))
    assert (status, out) == (2, "")
    assert "error [invalid" in err


def test_a_file_that_is_no_model_could_not_be_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00notjson!")
    status, out, err = run(capsys, str(tmp_path / "model.safetensors"))
    assert (status, out) == (3, "")
    assert "error [unreadable" in err


def test_every_warning_and_reason_of_anatomy_has_a_sentence() -> None:
    source = "".join(path.read_text("utf-8") for path in ANATOMY.rglob("*.py"))
    keys = set(re.findall(r'"((?:anatomy|config)\.[a-z_]+)"', source))
    reasons = set(re.findall(r'"(unknown|fixed_table|[a-z]+_[a-z_]*(?:role|constant|another))"', source))
    assert len(keys) >= 5
    assert len(reasons) >= 6
    assert keys | {f"inspect.reason.{reason}" for reason in reasons} <= set(sentences())
