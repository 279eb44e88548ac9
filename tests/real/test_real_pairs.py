"""Real packages whose relation is documented: each pair gets the answer that is true of it.

The models are downloaded once, 641 MB in all, into `.cache/models`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dokja.demo.fetch import real_models
from dokja.errors import UnreadableArtifact
from dokja.lineage.sampling import DEFAULT_SEED
from dokja.lineage.sketch import Sketch
from dokja.workflows.compare import Comparison, compare_sketches
from dokja.workflows.sketch import load_sketch

FOUND = {"copy", "derived", "partly_derived"}

Compared = Callable[[str, str], dict[str, Any]]


@pytest.fixture(scope="session")
def compared(real_model: Callable[[str], Path]) -> Compared:
    """Compare two real models by name, each sketched once."""
    sketches: dict[str, Sketch] = {}

    def run(suspect: str, reference: str) -> dict[str, Any]:
        for name in (suspect, reference):
            if name not in sketches:
                sketches[name] = load_sketch(str(real_model(name)), "screen", DEFAULT_SEED)
        return compare_sketches(Comparison(suspect, (reference,)), sketches[suspect], [sketches[reference]])

    return run


def relations(result: dict[str, Any]) -> dict[str, str]:
    return {row["component"]: row["relation"] for row in result["components"]}


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [("minilm-l6", "minilm-l6-gt"), ("minilm-l6-int8", "minilm-l6"), ("smollm2-135m", "smollm2-135m")],
)
def test_the_same_weights_are_a_copy_in_every_component_whoever_packaged_or_quantised_them(
    compared: Compared, suspect: str, reference: str
) -> None:
    assert set(relations(compared(suspect, reference)).values()) == {"copy"}


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [("silero-vad-6.2.1-half", "silero-vad-5.1"), ("silero-vad-6.0.0-16k", "silero-vad-6.0.0")],
)
def test_a_voice_detector_is_found_inside_the_bigger_file_it_was_taken_from(
    compared: Compared, suspect: str, reference: str
) -> None:
    (row,) = compared(suspect, reference)["components"]
    assert (row["relation"], row["verdict"]) == ("copy", "REFUTED")
    assert row["p_value_log10"] < -50


def test_the_bigger_file_shares_only_the_part_that_was_taken_out_of_it(compared: Compared) -> None:
    (row,) = compared("silero-vad-6.0.0", "silero-vad-6.0.0-16k")["components"]
    assert row["relation"] == "partly_derived"
    assert row["p_value_log10"] < -50


@pytest.mark.parametrize("reference", ["silero-vad-6.0.0", "silero-vad-6.2.1"])
def test_half_precision_voice_detector_shipped_with_version_six_is_not_of_version_six(
    compared: Compared, reference: str
) -> None:
    (row,) = compared("silero-vad-6.2.1-half", reference)["components"]
    assert row["relation"] == "no_link_found"
    assert row["power"] > 0.99


def test_a_documented_fine_tune_of_a_graph_network_is_found(compared: Compared) -> None:
    (row,) = compared("chgnet-r2scan", "chgnet-0.3.0")["components"]
    assert (row["relation"], row["basis"]) == ("derived", "exact")
    assert row["effect"] > 0.97
    assert row["p_value_log10"] < -20


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [("chgnet-0.2.0", "chgnet-0.3.0"), pytest.param("chgnet-0.3.0", "chgnet-0.2.0", marks=pytest.mark.all)],
)
def test_an_equal_table_of_physical_constants_links_no_networks(
    compared: Compared, suspect: str, reference: str
) -> None:
    (row,) = compared(suspect, reference)["components"]
    assert row["relation"] == "no_link_found"
    assert row["p_value_log10"] > -2
    assert row["power"] > 0.99


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [
        ("magika-v3-2", "magika-v3-0"),
        pytest.param("magika-v3-3", "magika-v3-0", marks=pytest.mark.all),
        ("magika-v3-3", "magika-v3-2"),
        ("magika-v3-0", "magika-v3-3"),
    ],
)
def test_packages_that_share_a_seed_or_a_warm_start_are_linked_and_nothing_more(
    compared: Compared, suspect: str, reference: str
) -> None:
    (row,) = compared(suspect, reference)["components"]
    assert (row["relation"], row["verdict"]) == ("linked", "INCONCLUSIVE")
    assert row["p_value_log10"] < -20


@pytest.mark.parametrize(
    ("suspect", "reference"), [("magika-v2-1", "magika-v3-0"), ("magika-v3-0", "magika-v2-1")]
)
def test_another_generation_of_a_file_classifier_shows_no_link(
    compared: Compared, suspect: str, reference: str
) -> None:
    (row,) = compared(suspect, reference)["components"]
    assert row["relation"] == "no_link_found"
    assert row["p_value_log10"] > -2


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [
        ("smollm2-135m", "gemma3-270m"),
        pytest.param("gemma3-270m", "smollm2-135m", marks=pytest.mark.all),
        ("smollm2-135m", "minilm-l6"),
        ("chgnet-0.3.0", "silero-vad-5.1"),
        ("silero-vad-5.1", "magika-v3-0"),
        ("magika-v3-0", "smollm2-135m"),
    ],
)
def test_unrelated_laboratories_are_never_accused_and_no_p_value_is_made_up(
    compared: Compared, suspect: str, reference: str
) -> None:
    result = compared(suspect, reference)
    assert result["verdict"] != "REFUTED"
    for row in result["components"]:
        assert row["relation"] in {"no_link_found", "untestable"}
        if row["relation"] == "untestable":
            assert row["p_value_log10"] is None
            assert row["effect"] is None


@pytest.mark.parametrize("name", ["spacy-en-sm-3.6", "spacy-en-sm-3.8"])
def test_a_format_that_is_not_read_is_refused_in_one_clear_sentence(
    real_model: Callable[[str], Path], name: str
) -> None:
    with pytest.raises(UnreadableArtifact, match="none of safetensors, GGUF, PyTorch zip or ONNX"):
        load_sketch(str(real_model(name) / "tok2vec" / "model"), "screen", DEFAULT_SEED)


def test_all_packages_together_stay_a_moderate_download() -> None:
    packages = {
        package.sha256: package.bytes for model in real_models().values() for package in model.packages
    }
    assert sum(packages.values()) < 645e6
