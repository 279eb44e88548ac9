"""Every model of the zoo has a known truth; here is what the exact arm says of each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dokja.finding import Verdict
from dokja.lineage.cells import make_cell
from dokja.lineage.compare_components import _private
from dokja.lineage.units import mlp_groups
from dokja.stats.permutation import log10_tail, monte_carlo_p_value
from tests.fixtures import zoo_models
from tests.lineage.zoo_cases import compared, layer_map, relations, sketch_of, written

IN_PLACE = [(0, 0), (1, 1), (2, 2), (3, 3)]


def _independent_cells():
    for first, second in (("A", "B"), ("C", "D"), ("G", "G2"), ("V1", "V2")):
        for component, other in zip(sketch_of(first).components, sketch_of(second).components, strict=True):
            for s in _private(component):
                for r in _private(other):
                    cell = make_cell(s, r) if (s.head is None) == (r.head is None) else None
                    if cell is not None:
                        yield cell


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [("B", "A"), ("C", "A"), ("distill_of_A", "A"), ("G2", "G"), ("V2", "V1"), ("M2", "M")],
)
def test_independent_models_show_no_link_in_any_component(suspect, reference):
    examination = compared(suspect, reference)
    assert set(relations(examination).values()) == {"no_link_found"}
    assert examination.verdict is Verdict.INCONCLUSIVE
    for result in examination.gravest:
        assert result.log10_p is not None
        assert result.log10_p > -3
        assert result.evidence.power.power > 0.99


def test_independent_models_have_norm_gains_that_look_alike_and_it_means_nothing():
    body = next(r for r in compared("B", "A").gravest if r.component == "language_model")
    assert body.evidence.gain_cosine > 0.99
    assert body.relation.value == "no_link_found"
    assert "lineage.gain_cosine_means_nothing" in {w.key for w in body.warnings}


def test_monte_carlo_p_values_are_uniform_on_pairs_that_share_no_model_and_the_bound_is_above():
    cells = list(_independent_cells())
    p_values = np.sort([monte_carlo_p_value([cell.c], 99, i) for i, cell in enumerate(cells)])
    n = len(p_values)
    assert n >= 150
    assert np.max(np.abs(p_values - (np.arange(n) + 0.5) / n)) < 1.63 / math.sqrt(n)
    bounds = np.array([10 ** log10_tail(cell.c) for cell in cells])
    assert np.mean(bounds <= 0.05) <= 0.05
    assert abs(np.mean([cell.statistic.z for cell in cells])) < 0.25


@pytest.mark.parametrize(
    ("suspect", "reference"),
    [("A_sft", "A"), ("A_lora", "A"), ("A_cpt_long", "A"), ("M_sft", "M"), ("G_sft", "G")],
)
def test_a_descendant_is_derived_with_its_layers_in_place(suspect, reference):
    examination = compared(suspect, reference)
    assert relations(examination)["language_model"] == "derived"
    assert all(s == r for s, r in layer_map(examination))
    assert examination.verdict is Verdict.REFUTED


def test_a_fine_tuned_vision_encoder_is_derived():
    examination = compared("V1_ft", "V1")
    assert relations(examination)["vision_encoder"] == "derived"
    assert layer_map(examination, "vision_encoder") == IN_PLACE[:3]


def test_a_depth_up_scaled_descendant_maps_its_layers_twice():
    examination = compared("A_dus_trained", "A")
    assert relations(examination)["language_model"] == "derived"
    assert layer_map(examination) == [(0, 0), (1, 1), (2, 2), (3, 1), (4, 2), (5, 3)]


def test_experts_up_cycled_from_one_mlp_are_derived():
    examination = compared("A_moe_trained", "A")
    assert relations(examination)["language_model"] == "derived"
    assert layer_map(examination) == IN_PLACE


def test_a_kept_embedding_under_a_fresh_body_is_the_only_thing_derived():
    found = relations(compared("A_embed_only", "A"))
    assert found["token_embedding"] == "derived"
    assert found["language_model"] in ("no_link_found", "linked")
    assert found["lm_head"] in ("no_link_found", "linked")


def test_a_kept_body_under_fresh_embeddings_is_found():
    examination = compared("A_body_only", "A")
    assert relations(examination)["language_model"] == "derived"
    assert relations(examination)["token_embedding"] == "no_link_found"
    assert layer_map(examination) == IN_PLACE


@pytest.mark.parametrize("sibling", ["A_sibling", "A_sibling_short"])
def test_a_sibling_by_seed_is_linked_and_never_called_derived_nor_unrelated(sibling):
    examination = compared(sibling, "A")
    assert set(relations(examination).values()) == {"linked"}
    assert examination.verdict is Verdict.INCONCLUSIVE


def test_a_model_compared_with_itself_is_a_copy():
    examination = compared("A", "A")
    assert set(relations(examination).values()) == {"copy"}
    assert examination.verdict is Verdict.REFUTED


@pytest.mark.parametrize("how", ["opaque names", "gguf names", "three shards", "bf16", "float32"])
def test_a_copy_stays_a_copy_whatever_it_is_called_and_however_it_is_stored(how, tmp_path):
    model = zoo_models.load("A")
    made = {
        "opaque names": lambda: written(zoo_models.opaque_names(model), tmp_path),
        "gguf names": lambda: written(zoo_models.rename(model, "gguf"), tmp_path),
        "three shards": lambda: written(model, tmp_path, shards=3),
        "bf16": lambda: written(model, tmp_path, encoding="BF16"),
        "float32": lambda: written(model, tmp_path, encoding="F32"),
    }[how]()
    assert relations(compared(made, "A"))["language_model"] == "copy"


@pytest.mark.parametrize(("bits", "group"), [(8, 0), (4, 32)])
def test_values_rounded_to_few_bits_and_stored_in_half_precision_are_derived_or_a_copy(bits, group, tmp_path):
    examination = compared(written(zoo_models.quantise(zoo_models.load("A_sft"), bits, group), tmp_path), "A")
    assert relations(examination)["language_model"] in ("derived", "copy")
    assert layer_map(examination) == IN_PLACE


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((0, 1, 3), [(0, 0), (1, 1), (2, 3)]),
        ((2, 3), [(0, 2), (1, 3)]),
        ((2, 0, 3, 1), [(0, 2), (1, 0), (2, 3), (3, 1)]),
        ((0,), [(0, 0)]),
    ],
)
def test_dropped_and_shuffled_layers_are_found_where_they_came_from(layers, expected, tmp_path):
    suspect = written(zoo_models.stack_layers(zoo_models.load("A_sft"), layers), tmp_path)
    examination = compared(suspect, "A")
    assert relations(examination)["language_model"] == "derived"
    assert layer_map(examination) == expected


def test_experts_copied_from_one_mlp_are_found(tmp_path):
    suspect = written(zoo_models.to_experts(zoo_models.load("A")), tmp_path)
    assert relations(compared(suspect, "A"))["language_model"] in ("derived", "copy")


def test_layers_of_two_models_are_partly_derived(tmp_path):
    mixed = zoo_models.transplant(zoo_models.load("A_sft"), zoo_models.load("B"), r"layers\.[23]\.")
    examination = compared(written(mixed, tmp_path), "A")
    assert relations(examination)["language_model"] == "partly_derived"
    assert layer_map(examination) == [(0, 0), (1, 1)]


def test_one_suspect_is_compared_with_several_references_and_the_edge_names_the_owner():
    examination = compared("A_sft", "B", "A")
    body = next(r for r in examination.gravest if r.component == "language_model")
    assert (body.relation.value, body.reference, body.reference_owner) == ("derived", "A", "Lab A")
    assert len(examination.all_results) == 6
    assert examination.n_tests == 6


def test_the_controls_of_every_run_behave():
    for suspect in ("A_sft", "B"):
        for result in compared(suspect, "A").gravest:
            assert result.evidence.negative.log10_p > -3
            assert result.evidence.positive.log10_p < -20
            assert result.evidence.positive.effect == pytest.approx(math.exp(-1.0), abs=0.05)


def test_the_least_detectable_drift_is_stated_and_a_drift_beyond_it_would_not_be_seen():
    power = compared("B", "A").gravest[0].evidence.power
    assert 2 < power.detectable_kappa < 8
    assert power.detectable_rho == pytest.approx(math.exp(-power.detectable_kappa))


def test_every_mlp_of_a_mixture_is_a_group_of_its_own():
    body = next(c for c in sketch_of("M").components if c.kind == "language_model")
    groups = mlp_groups(body)
    assert len(groups) == body.n_layers * body.n_experts
