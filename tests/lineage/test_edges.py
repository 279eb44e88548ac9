"""Padding, NaN, constants, tied heads, one layer, other widths: each has a defined outcome."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.errors import UnreadableArtifact
from dokja.lineage.cells import make_cell
from dokja.lineage.controls import relabelled
from dokja.lineage.layer_map import find_layer_map, log10_map_count
from dokja.lineage.relation import Relation, sibling_effect
from dokja.lineage.sketch import from_half_precision, half_precision
from dokja.lineage.sketch_file import parse_sketch, sketch_bytes
from dokja.lineage.units import Slab, UnitGroup
from dokja.stats.permutation import log10_tail
from tests.fixtures import zoo_models
from tests.lineage.zoo_cases import compared, relations, sketch_of, written


def _changed(name, change):
    model = zoo_models.load(name)
    return zoo_models.Model(
        {key: change(key, values.copy()) for key, values in model.tensors.items()}, model.config
    )


def _body(examination):
    return next(r for r in examination.gravest if r.component == "language_model")


def test_a_tensor_with_nan_is_left_out_and_said_and_the_rest_is_still_found(tmp_path):
    def spoil(key, values):
        if key.endswith("layers.1.mlp.gate_proj.weight"):
            values[3, 5] = np.nan
        if key.endswith("layers.2.mlp.up_proj.weight"):
            values[0, 0] = np.inf
        return values

    result = _body(compared(written(_changed("A_sft", spoil), tmp_path), "A"))
    assert result.relation is Relation.DERIVED
    assert ("mlp.gate.1", "not_finite") in result.evidence.skipped
    assert "lineage.tensors_left_out" in {w.key for w in result.warnings}


def test_a_component_of_nothing_but_nan_is_untestable(tmp_path):
    suspect = written(_changed("A", lambda key, values: np.full_like(values, np.nan)), tmp_path)
    for result in compared(suspect, "A").gravest:
        assert result.relation is Relation.UNTESTABLE
        assert result.log10_p is None
        assert result.reason.key == "lineage.not_finite"


def test_constant_tensors_say_nothing_and_are_no_copy(tmp_path):
    suspect = written(_changed("A", lambda key, values: np.full_like(values, 0.5)), tmp_path)
    assert set(relations(compared(suspect, "A")).values()) == {"untestable"}


def test_a_model_whose_only_testable_tensors_are_norm_gains_is_not_judged(tmp_path):
    def keep_gains(key, values):
        return values if "norm" in key else np.zeros_like(values)

    result = _body(compared(written(_changed("A", keep_gains), tmp_path), "A"))
    assert (result.relation, result.reason.key) == (Relation.UNTESTABLE, "lineage.norm_gains_only")
    assert result.evidence.gain_cosine == pytest.approx(1.0)


def test_padding_units_of_zeros_in_both_models_do_not_make_strangers_kin(tmp_path):
    def pad(key, values):
        if "gate_proj" in key or "up_proj" in key:
            values[-16:] = 0
        if "down_proj" in key:
            values[:, -16:] = 0
        return values

    suspect = written(_changed("B", pad), tmp_path / "s")
    reference = written(_changed("C", pad), tmp_path / "r")
    from dokja.lineage.examine import examine
    from tests.lineage.zoo_cases import SETTINGS

    result = _body(examine(suspect, [reference], SETTINGS))
    assert result.relation is Relation.NO_LINK_FOUND
    assert {
        group["n_units"] for group in result.evidence.detail["groups"] if group["group"] == "mlp_units"
    } == {240}


def test_a_tied_head_is_compared_through_the_embedding(tmp_path):
    model = zoo_models.load("A_sft")
    tensors = {key: values for key, values in model.tensors.items() if "lm_head" not in key}
    suspect = written(zoo_models.Model(tensors, {**model.config, "tie_word_embeddings": True}), tmp_path)
    found = relations(compared(suspect, "A"))
    assert found["token_embedding"] == "derived"
    assert "lm_head" not in found or found["lm_head"] != "no_link_found"


def test_other_widths_are_untestable_and_not_called_unrelated():
    result = _body(compared("G", "A"))
    assert (result.relation, result.reason.key) == (Relation.UNTESTABLE, "lineage.widths_differ")
    assert result.log10_p is None


def test_a_component_without_counterpart_is_untestable_and_says_so():
    result = compared("V1", "A").gravest[0]
    assert (result.relation, result.reason.key) == (Relation.UNTESTABLE, "lineage.no_counterpart")


def test_no_relation_of_this_arm_ever_supports_independence():
    assert "SUPPORTED" not in {relation.verdict.value for relation in Relation}


def test_every_kind_of_component_has_a_measured_sibling_range_below_one():
    for kind in ("token_embedding", "lm_head", "projector", "other"):
        assert 0 < sibling_effect(kind) < 1


def test_a_sketch_survives_its_file_and_its_bytes_are_canonical():
    sketch = sketch_of("A")
    data = sketch_bytes(sketch)
    again = parse_sketch(data)
    assert sketch_bytes(again) == data
    assert again.owner == "Lab A"
    assert again.n_parameters == sketch.n_parameters if hasattr(again, "n_parameters") else True


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_sketch_is_refused_or_reads_as_another_sketch_but_never_crashes(data):
    original = sketch_bytes(sketch_of("V1"))
    raw = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, min(len(raw), 6000) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(raw), len(raw) - 7, 12]))
    try:
        parse_sketch(bytes(raw[:cut]))
    except UnreadableArtifact:
        return
    assert cut == len(raw)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-30, 1e30))
def test_half_precision_keeps_eleven_bits_at_any_scale(seed, scale):
    values = (np.random.default_rng(seed).standard_normal((5, 7)) * scale).astype(np.float32)
    back = from_half_precision(*half_precision(values))
    assert np.max(np.abs(back - values)) <= 2**-11 * np.max(np.abs(values)) * 1.01


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_a_layer_map_never_maps_a_layer_twice_nor_outside(seed, n_suspect, n_reference):
    z = np.random.default_rng(seed).standard_normal((n_suspect, n_reference)) * 6
    chosen = find_layer_map(z)
    suspects = [s for s, _ in chosen.pairs]
    assert len(set(suspects)) == len(suspects)
    assert all(0 <= s < n_suspect and 0 <= r < n_reference for s, r in chosen.pairs)
    assert chosen.log10_cost >= log10_map_count(chosen.family, n_suspect, n_reference)


def test_the_cost_of_a_map_is_the_tabulated_one():
    assert log10_map_count("any", 32, 31) == pytest.approx(32 * np.log10(32))
    assert log10_map_count("ordered", 32, 32) >= 18.0
    assert log10_map_count("in_place", 32, 32) == 0


def test_noise_alone_never_pays_for_the_best_map_it_finds():
    rng = np.random.default_rng(0)
    keys = np.arange(64)
    for _ in range(5):
        suspect, reference = (
            [
                UnitGroup(
                    "mlp_units",
                    i,
                    None,
                    None,
                    keys,
                    (Slab("mlp.up", np.arange(20), rng.standard_normal((64, 20)).astype(np.float32)),),
                    1,
                )
                for i in range(8)
            ]
            for _ in range(2)
        )
        from dokja.lineage.compare_components import _private_run

        assert _private_run(suspect, reference).log10_p > -2


def test_relabelling_the_suspects_units_destroys_agreement():
    rng = np.random.default_rng(1)
    group = UnitGroup(
        "mlp_units",
        0,
        None,
        None,
        np.arange(64),
        (Slab("mlp.up", np.arange(30), rng.standard_normal((64, 30)).astype(np.float32)),),
        1,
    )
    assert log10_tail(make_cell(group, group).c) < -60
    assert log10_tail(make_cell(relabelled([group], 3)[0], group).c) > -3
