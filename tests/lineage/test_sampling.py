"""What is sampled fits in memory however deep a model is, and samples of two sizes meet."""

from __future__ import annotations

import numpy as np
import pytest

from dokja.anatomy import describe
from dokja.anatomy.part import Axis, Component, ComponentKind, Part, Slice
from dokja.checkpoint import open_checkpoint
from dokja.lineage.examine import examine
from dokja.lineage.sampling import Plan, axis_keys, fitted, plan_of
from dokja.lineage.sketch import make_sketch
from tests.fixtures import zoo_models
from tests.lineage.zoo_cases import SETTINGS, relations, sketch_of


def _model(n_layers: int) -> Component:
    shapes = {
        "mlp.gate": ((Axis.MLP_UNIT, Axis.RESIDUAL), (28672, 8192)),
        "mlp.up": ((Axis.MLP_UNIT, Axis.RESIDUAL), (28672, 8192)),
        "mlp.down": ((Axis.RESIDUAL, Axis.MLP_UNIT), (8192, 28672)),
        "attention.query": ((Axis.QUERY, Axis.RESIDUAL), (8192, 8192)),
        "attention.value": ((Axis.KEY_VALUE, Axis.RESIDUAL), (1024, 8192)),
        "attention.output": ((Axis.RESIDUAL, Axis.VALUE_OUT), (8192, 8192)),
    }
    parts = tuple(
        Part(role, layer, None, axes, shape, Slice(f"{layer}.{role}"))
        for layer in range(n_layers)
        for role, (axes, shape) in shapes.items()
    )
    return Component(
        "language_model", ComponentKind.LANGUAGE_MODEL, parts, n_layers, 8192,
        n_heads=64, n_kv_heads=8, head_dim=128, value_dim=128,
    )  # fmt: skip


def _values(plan: Plan, component: Component) -> int:
    return sum(
        int(np.prod([len(axis_keys(plan, component, *at)[0]) for at in zip(p.axes, p.shape, strict=True)]))
        for p in component.parts
    )


@pytest.mark.parametrize("n_layers", [2, 32, 80, 126])
def test_a_sample_fits_in_memory_however_deep_the_model(n_layers):
    component = _model(n_layers)
    # Fewer than one head of values and 64 units are not taken, so a very deep and wide model comes to more than 20 million.
    assert _values(fitted(plan_of("full"), [component]), component) <= 36_000_000


def test_a_shallow_model_is_sampled_in_full_and_gains_are_sampled_alike_in_all():
    assert fitted(plan_of("full"), [_model(2)]) == plan_of("full")
    assert fitted(plan_of("full"), [_model(126)]).residual == plan_of("full").residual


def test_samples_of_two_sizes_meet_and_say_the_same():
    small = Plan(units=64, rows=32, heads=1)
    with open_checkpoint(zoo_models.path("A_sft")) as checkpoint:
        suspect = make_sketch(checkpoint, describe(checkpoint), small, name="small")
    by_small = examine(suspect, [sketch_of("A")], SETTINGS)
    assert relations(by_small) == relations(examine(sketch_of("A_sft"), [sketch_of("A")], SETTINGS))
    with open_checkpoint(zoo_models.path("B")) as checkpoint:
        stranger = make_sketch(checkpoint, describe(checkpoint), small, name="small")
    assert set(relations(examine(stranger, [sketch_of("A")], SETTINGS)).values()) == {"no_link_found"}
