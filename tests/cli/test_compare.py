"""`dokja compare`, `dokja sketch` and `dokja library` as a person runs them."""

from __future__ import annotations

import json

import pytest

from dokja.cli.main import main
from dokja.report.layers import layer_runs
from tests.fixtures import zoo_models

CONTRACT = {
    "component", "relation", "basis", "verdict", "p_value_log10", "effect", "power", "coverage_share",
    "reference_component", "reference_owner", "layer_map", "shares", "controls", "warnings", "reason",
}  # fmt: skip


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_a_descendant_ends_with_status_one_and_the_object_of_the_contract(capsys):
    status, out, _ = run(
        capsys, "compare", zoo_models.path("V1_ft"), zoo_models.path("V1"), "--json", "--owner", "Lab V"
    )
    result = json.loads(out)
    assert status == 1
    assert (result["verdict"], result["relation"]) == ("REFUTED", "derived")
    assert {"suspect", "reference", "components", "bytes_read", "seconds"} <= set(result)
    for row in result["components"]:
        assert set(row) >= CONTRACT
        assert row["reference_owner"] == "Lab V"
        assert row["p_value_log10"] < -100
        assert row["layer_map"] == [[0, 0], [1, 1], [2, 2]]
        assert row["controls"]["negative"]["p_value_log10"] > -3


def test_strangers_end_with_status_zero_and_a_sentence_in_korean_without_claiming_independence(capsys):
    status, out, _ = run(capsys, "compare", zoo_models.path("V2"), zoo_models.path("V1"), "--lang", "ko")
    assert status == 0
    assert "연결을 찾지 못했습니다" in out
    assert "독립의 증명이 아닙니다" in out
    assert "SUPPORTED" not in out


def test_full_depth_streams_every_value_and_explains_down_to_tensors(capsys):
    status, out, _ = run(
        capsys, "compare", zoo_models.path("V1_ft"), zoo_models.path("V1"), "--depth", "full", "--explain"
    )
    assert status == 1
    assert "mlp.down.0" in out
    assert "relative error" in out
    assert "mlp_units" in out


def test_a_sketch_stands_in_for_the_reference_and_gives_the_same_answer(capsys, tmp_path):
    file = tmp_path / "v1.sketch"
    status, out, _ = run(capsys, "sketch", zoo_models.path("V1"), "-o", file, "--owner", "Lab V", "--json")
    assert status == 0
    again = tmp_path / "again.sketch"
    run(capsys, "sketch", zoo_models.path("V1"), "-o", again, "--owner", "Lab V")
    assert file.read_bytes() == again.read_bytes()
    _, by_sketch, _ = run(capsys, "compare", zoo_models.path("V1_ft"), file, "--json")
    _, by_weights, _ = run(capsys, "compare", zoo_models.path("V1_ft"), zoo_models.path("V1"), "--json")
    first, second = json.loads(by_sketch), json.loads(by_weights)
    assert first["reference"]["owner"] == "Lab V"
    for a, b in zip(first["components"], second["components"], strict=True):
        assert (a["p_value_log10"], a["effect"], a["layer_map"]) == (
            b["p_value_log10"],
            b["effect"],
            b["layer_map"],
        )
    assert json.loads(out)["bytes"] == file.stat().st_size


def test_a_library_finds_the_reference_among_others(capsys, tmp_path):
    for name in ("V1", "V2"):
        status, _, _ = run(
            capsys, "library", "add", zoo_models.path(name), "--owner", f"Lab {name}", "--library", tmp_path
        )
        assert status == 0
    _, listed, _ = run(capsys, "library", "list", "--library", tmp_path, "--json")
    assert [entry["owner"] for entry in json.loads(listed)["entries"]] == ["Lab V1", "Lab V2"]
    status, out, _ = run(
        capsys, "library", "search", zoo_models.path("V1_ft"), "--library", tmp_path, "--json"
    )
    result = json.loads(out)
    assert status == 1
    assert [row["reference_owner"] for row in result["components"]] == ["Lab V1"]
    assert len(result["reference"]) == 2


def test_a_library_refuses_a_reference_without_an_owner_and_a_sketch_that_was_changed(capsys, tmp_path):
    status, _, err = run(capsys, "library", "add", zoo_models.path("V1"), "--library", tmp_path)
    assert status == 2
    assert "owner" in err
    run(capsys, "library", "add", zoo_models.path("V1"), "--owner", "Lab", "--library", tmp_path)
    sketch = next(tmp_path.glob("*.sketch"))
    data = bytearray(sketch.read_bytes())
    data[-1] ^= 1
    sketch.write_bytes(bytes(data))
    status, _, err = run(capsys, "library", "search", zoo_models.path("V2"), "--library", tmp_path)
    assert status == 3
    assert "changed" in err


def test_an_empty_library_says_what_to_do(capsys, tmp_path):
    status, _, err = run(capsys, "library", "search", zoo_models.path("V1"), "--library", tmp_path)
    assert status == 2
    assert "dokja library add" in err


def test_a_model_that_is_not_there_is_an_error_and_never_a_verdict(capsys, tmp_path):
    status, out, _ = run(capsys, "compare", tmp_path / "nothing", zoo_models.path("V1"), "--json")
    assert status in (2, 3)
    assert "verdict" not in out


def test_a_layer_map_is_said_in_runs():
    assert layer_runs([[0, 0], [1, 1], [2, 1], [3, 2]]) == "0-1 ← 0-1, 2-3 ← 1-2"
    assert layer_runs([[4, 0]]) == "4 ← 0"
