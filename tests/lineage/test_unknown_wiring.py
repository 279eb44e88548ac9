"""Models whose wiring nobody described: what their matrices may and may not show."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.anatomy import describe
from dokja.anatomy.part import ComponentKind
from dokja.lineage.compare_unknown import gather_unknown
from dokja.lineage.examine import Settings, examine
from dokja.lineage.relation import Relation
from dokja.lineage.row_order import shows_order
from dokja.lineage.sampling import plan_of
from dokja.lineage.sketch import Sketch, make_sketch
from dokja.lineage.unknown_wiring import align
from dokja.stats.permutation import cross_product, equilibrate, trace_statistic
from tests.anatomy.memory_checkpoint import MemoryCheckpoint

SHAPES = st.lists(st.sampled_from([(64, 32), (64, 64), (128, 64), (10, 64)]), max_size=12)


def network(seed: int) -> dict[str, np.ndarray]:
    """Simulated weights of a small network with a class table, skip connections and a recurrent cell."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    skip = 3.0 * np.eye(64, dtype=np.float32)
    gates = drawn(4 * 64, 64)
    gates[64:128] += 2.0  # the forget gates of every cell start open
    return {
        "bank": drawn(64, 40),
        "bank.bias": drawn(64),
        "one.weight": drawn(64, 64) + skip,
        "two.weight": drawn(64, 64) - skip,
        "mixer.kernel": drawn(64, 64, 3) + skip[:, :, None],
        "cell.weight_ih": gates,
        "cell.weight_hh": drawn(4 * 64, 64) + np.vstack([skip] * 4),
        "head": drawn(30, 64),
        "norm.gain": 1 + 0.1 * drawn(64),
        "answer": drawn(1, 64),
    }


def sketched(arrays: dict[str, np.ndarray], name: str = "model") -> Sketch:
    checkpoint = MemoryCheckpoint(arrays)
    return make_sketch(checkpoint, describe(checkpoint), plan_of("screen"), name=name)


def judged(suspect: dict[str, np.ndarray], reference: dict[str, np.ndarray]):
    (result,) = examine(sketched(suspect), [sketched(reference)], Settings(draws=50)).gravest
    return result


@given(SHAPES, SHAPES)
@settings(max_examples=100, deadline=None)
def test_an_alignment_keeps_order_and_shape(suspect, reference):
    pairs = align(suspect, reference)
    assert all(suspect[i] == reference[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in itertools.pairwise(pairs))
    assert align(suspect, suspect) == [(i, i) for i in range(len(suspect))]


@given(SHAPES, SHAPES, SHAPES)
@settings(max_examples=50, deadline=None)
def test_a_run_inside_a_bigger_model_is_aligned_whole(before, run, after):
    assert len(align(run, [*before, *run, *after])) == len(run)


def test_tables_heads_and_optimiser_state_are_no_hidden_units():
    arrays = network(0) | {"optimizer.state.0.exp_avg": np.ones((64, 40), np.float32)}
    anatomy = describe(MemoryCheckpoint(arrays))
    (component,) = anatomy.components
    roles = {part.source.tensor: part.role for part in component.parts}
    assert component.kind is ComponentKind.OTHER
    assert roles["head"] == "table"
    assert roles["answer"] == "vector"
    assert roles["bank"] == "dense"
    assert roles["mixer.kernel"] == "convolution/3"
    assert roles["cell.weight_hh"] == "recurrent/4"
    assert anatomy.unassigned == {"optimizer.state.0.exp_avg": "optimiser_state"}


def test_units_that_read_themselves_link_no_strangers_though_rows_alone_would():
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal((64, 64)) + 3 * np.eye(64) for _ in range(2))
    left, right = equilibrate(a), equilibrate(b)
    naive = trace_statistic(
        cross_product(left, right), float(np.linalg.norm(left)), float(np.linalg.norm(right))
    )
    assert naive.z > 8
    for seed in range(12):
        evidence = gather_unknown(
            sketched(network(2 * seed)).components[0],
            sketched(network(2 * seed + 1)).components[0],
            -6.0, 1.0, 0, 50,
        )  # fmt: skip
        assert abs(evidence.z) < 4
        assert evidence.log10_p == pytest.approx(0, abs=0.5)


def test_a_stranger_shows_no_link_and_a_drifted_child_does():
    parent = network(1)
    rng = np.random.default_rng(9)
    child = {k: v + 0.02 * rng.standard_normal(v.shape).astype(np.float32) for k, v in parent.items()}
    assert judged(network(2), parent).relation is Relation.NO_LINK_FOUND
    found = judged(child, parent)
    assert found.relation is Relation.DERIVED
    assert found.log10_p < -20


def test_weights_that_agree_more_than_gains_and_biases_are_linked_at_most():
    parent, other = network(1), network(2)
    rng = np.random.default_rng(9)
    sibling = {
        k: other[k] if v.ndim == 1 else v + 0.02 * rng.standard_normal(v.shape).astype(np.float32)
        for k, v in parent.items()
    }
    found = judged(sibling, parent)
    assert found.evidence.effect > 0.99
    assert found.relation is Relation.LINKED


def test_half_of_what_was_taken_is_linked_because_a_shared_seed_reaches_as_far():
    parent = network(1)
    rng = np.random.default_rng(9)
    mixed = {k: v + 1.5 * rng.standard_normal(v.shape).astype(np.float32) for k, v in parent.items()}
    assert judged(mixed, parent).relation is Relation.LINKED


def test_a_copy_is_found_whatever_its_matrices_are_called_and_in_whatever_order():
    parent = network(3)
    shuffled = {f"t{i}": parent[k] for i, k in enumerate(reversed(parent))}
    assert judged(shuffled, parent).relation is Relation.COPY
    changed = shuffled | {"t3": shuffled["t3"][::-1].copy()}
    assert judged(changed, parent).relation is not Relation.COPY


def test_rows_that_lie_in_an_order_are_left_out():
    waves = np.cos(np.outer(np.arange(64), np.linspace(0.02, 0.4, 40))).astype(np.float32)
    parent, stranger = network(1) | {"bank": waves}, network(2) | {"bank": waves}
    evidence = judged(stranger, parent).evidence
    assert evidence.detail["left_out_for_order"] == [0]
    assert abs(evidence.z) < 4


def test_rows_without_an_order_are_seldom_left_out():
    rng = np.random.default_rng(0)
    found = sum(shows_order(rng.standard_normal((24, 16)), rng) for _ in range(150))
    assert found <= 5  # 0.75 expected at most


def test_a_model_of_vectors_alone_is_untestable():
    vectors = {"a": np.ones(40, np.float32), "b": np.arange(40, dtype=np.float32)}
    assert describe(MemoryCheckpoint(vectors)).components == ()
