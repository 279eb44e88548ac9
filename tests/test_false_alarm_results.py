"""The published audit says what its raw results say, its claims hold, and a slice of it comes out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from studies.false_alarms import calibration, models, page, pipeline, summary

from dokja.lineage.sketch_file import read_sketch

STUDY = Path(summary.__file__).parent
SUMMARY = page.load("summary")
GROUPS = page.load("groups")
CALIBRATION = SUMMARY["calibration"]
# (architecture, its number among them): models 0 and 2 of these lie beside the study as sketches.
SLICE = (("llama", 0), ("clip_vision", 2))


def sketch(architecture: str, number: int):
    tiny = models.independent()[architecture][number]
    return read_sketch(STUDY / "slice" / f"{tiny.name}.sketch")


def test_the_summary_is_what_the_raw_results_of_every_group_say():
    again = json.loads(json.dumps(summary.calibrated(summary.rows_of(GROUPS))))
    assert again == {name: found for name, found in CALIBRATION.items() if name != "extremes"}


def test_the_page_shows_the_committed_results_and_nothing_else():
    text = page.PAGE.read_text("utf-8")
    assert page.rendered(text) == text, "run: python -m studies.false_alarms summary"
    assert all(f"<!-- measured: {part} -->" in text for part in page.PARTS)


def test_there_are_ten_thousand_groups_of_models_that_learned():
    assert CALIBRATION["groups"] >= 10_000
    for found in SUMMARY["models"].values():
        assert found["final_loss"][1] < 0.75 * found["chance_loss"]


def test_p_values_of_groups_that_share_no_model_are_uniform():
    for name, found in CALIBRATION["uniformity"].items():
        # Six tests: one below 0.05 / 6 would be news.
        assert found["p"] > 0.05 / len(CALIBRATION["uniformity"]), name


@pytest.mark.parametrize("level", ["0.05", "0.01", "0.001"])
def test_as_many_p_values_fall_below_a_level_as_the_level_says(level):
    apart = CALIBRATION["size"]["pairs that share no model"][level]
    assert apart["low"] <= float(level) <= apart["high"]


def test_the_bound_is_never_below_what_relabelling_allows():
    assert CALIBRATION["bound"]["below_lower_limit"] == 0
    assert CALIBRATION["extremes"]["below_lower_limit"] == 0
    for level, share in CALIBRATION["bound"]["share_at_most"].items():
        assert share <= float(level)


def test_no_pair_of_unrelated_models_was_accused():
    said = [found for pairs in page.load("pairs").values() for found in pairs.values()]
    relations = {component[0] for found in said for component in found.values()}
    assert relations <= set(pipeline.INNOCENT)
    assert SUMMARY["pipeline"]["false_alarms"] == 0
    assert SUMMARY["pipeline"]["model_pairs"] == len(said)
    assert page.load("power")["strangers"]["false_alarms"] == []


@pytest.mark.parametrize(("architecture", "number"), SLICE)
def test_a_slice_of_the_audit_comes_out_again(architecture, number):
    suspect, reference = sketch(architecture, 0), sketch(architecture, 2)
    labels, rows = calibration.calibrate_pair(suspect, reference, (number, 0, 2))
    exceed, z, effect, bound = GROUPS[architecture]["pairs"]["0-2"]
    assert labels == GROUPS[architecture]["labels"]
    # A re-labelling that ties within rounding may fall on either side on another processor.
    assert rows[:, 0] == pytest.approx(exceed, abs=2)
    assert rows[:, 1] == pytest.approx(z, abs=1e-2)
    assert rows[:, 2] == pytest.approx(effect, abs=1e-3)
    assert rows[:, 3] == pytest.approx(bound, abs=2e-2)


@pytest.mark.parametrize(("architecture", "number"), SLICE)
def test_the_whole_comparison_says_of_the_slice_what_it_said(architecture, number):
    said = pipeline.examine_pair(sketch(architecture, 0), sketch(architecture, 2))
    committed = page.load("pairs")[architecture]["0-2"]
    assert {name: found["relation"] for name, found in said.items()} == {
        name: found[0] for name, found in committed.items()
    }
    for name, found in said.items():
        assert found["z"] == pytest.approx(committed[name][2], abs=2e-3)


def test_a_tiny_model_is_trained_again_to_nearly_the_same_loss(tmp_path):
    tiny = models.independent()["clip_vision"][0]
    again = models.make(tiny, tmp_path)
    before = json.loads((STUDY / "slice" / f"{tiny.name}.json").read_text("utf-8"))
    assert again["first_loss"] == pytest.approx(before["first_loss"], abs=0.01)
    assert again["final_loss"] == pytest.approx(before["final_loss"], abs=0.3)
