"""How each model of the zoo is made, and so what is true of it.

A recipe names where the weights start (fresh from a seed, or a parent after a `surgery`), which text in which order,
and how long. The parent of a recipe is its only ancestor: everything else in the zoo is unrelated to it, except that
recipes with the same family and seed start from the same random weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["llama", "mixtral", "mixtral_wide", "gpt2", "clip_vision"]
Surgery = Literal["none", "lora", "keep_embedding", "keep_body", "scale_depth", "to_experts"]

REFERENCE_STEPS = 500
PEAK_RATE = 3e-3
DEPTH_MAP = (0, 1, 2, 1, 2, 3)
EXPERTS = 4
LAYERS = {"llama": 4, "mixtral_wide": 4, "mixtral": 2, "gpt2": 3, "clip_vision": 3}
FARM_TO_SEA = ("farm", "market", "kitchen", "sea")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model of the zoo.

    Args:
        family: Architecture; see `train.fresh_model`.
        seed: Of the random weights (all of them, or those that a surgery adds).
        parent: Committed model whose weights it starts from; empty for a fresh start.
        surgery: What is done to the parent's weights before training.
        teacher: Committed model whose output distribution it is trained to imitate, instead of the text.
        data: Seed of the text, or of the pictures.
        order: Seed of the order in which batches are drawn from the data.
        topics: Topics of the text; empty for all.
        steps: Optimiser steps.
        peak_rate: Highest learning rate, after warm-up and before cosine decay.
    """

    family: Family = "llama"
    seed: int = 0
    parent: str = ""
    surgery: Surgery = "none"
    teacher: str = ""
    data: int = 1
    order: int = 1
    topics: tuple[str, ...] = ()
    steps: int = REFERENCE_STEPS
    peak_rate: float = PEAK_RATE


RECIPES: dict[str, Recipe] = {
    # Independent: other seeds; B and C see the text of A in the order of A, D sees it in another.
    "A": Recipe(seed=11),
    "B": Recipe(seed=12),
    "C": Recipe(seed=13),
    "D": Recipe(seed=14, order=2),
    # Descendants of A.
    "A_sft": Recipe(parent="A", data=2, order=3, topics=FARM_TO_SEA, steps=150, peak_rate=5e-4),
    "A_cpt_long": Recipe(parent="A", data=3, order=4, steps=4 * REFERENCE_STEPS),
    "A_lora": Recipe(parent="A", surgery="lora", seed=21, data=2, order=5, topics=FARM_TO_SEA, steps=200),
    "A_embed_only": Recipe(parent="A", surgery="keep_embedding", seed=22, data=3, order=6),
    "A_body_only": Recipe(parent="A", surgery="keep_body", seed=23, data=3, order=7),
    "A_dus_trained": Recipe(parent="A", surgery="scale_depth", data=3, order=8, steps=250),
    "A_moe_trained": Recipe(
        family="mixtral_wide", parent="A", surgery="to_experts", seed=24, data=3, order=9, steps=200
    ),
    # Not descendants: imitation of A's outputs, and siblings that only share A's random start.
    "distill_of_A": Recipe(seed=31, teacher="A", data=1, order=10),
    "A_sibling": Recipe(seed=11, data=4, order=11),
    "A_sibling_short": Recipe(seed=11, data=4, order=12, steps=100),
    # Mixture of experts, GPT-2 and vision towers, each with unrelated models and a fine-tune.
    "M": Recipe(family="mixtral", seed=41, steps=400),
    "M2": Recipe(family="mixtral", seed=42, steps=400),
    "M_sft": Recipe(
        family="mixtral", parent="M", data=2, order=3, topics=FARM_TO_SEA, steps=150, peak_rate=5e-4
    ),
    "G": Recipe(family="gpt2", seed=51, steps=400),
    "G2": Recipe(family="gpt2", seed=52, steps=400),
    "G_sft": Recipe(
        family="gpt2", parent="G", data=2, order=3, topics=FARM_TO_SEA, steps=150, peak_rate=5e-4
    ),
    "V1": Recipe(family="clip_vision", seed=61, steps=400, peak_rate=1e-3),
    "V2": Recipe(family="clip_vision", seed=62, steps=400, peak_rate=1e-3),
    "V1_ft": Recipe(family="clip_vision", parent="V1", data=2, order=3, steps=150, peak_rate=5e-4),
}


def ancestors(name: str) -> tuple[str, ...]:
    """Return the model itself and everything its weights come from, nearest first."""
    parent = RECIPES[name].parent
    return (name, *ancestors(parent)) if parent else (name,)


def share_descent(first: str, second: str) -> bool:
    """Say whether weights of both come from one trained model (one of the two, or a common ancestor)."""
    return ancestors(first)[-1] == ancestors(second)[-1]


def share_start(first: str, second: str) -> bool:
    """Say whether both come from the same random weights: related by descent, or siblings by seed."""
    one, other = (RECIPES[ancestors(name)[-1]] for name in (first, second))
    return (one.family, one.seed) == (other.family, other.seed)


def inherited_components(name: str) -> frozenset[str]:
    """Return the components that come from the recipe's parent."""
    recipe = RECIPES[name]
    if not recipe.parent:
        return frozenset()
    if recipe.family == "clip_vision":
        return frozenset({"vision_encoder"})
    if recipe.surgery == "keep_embedding":
        return frozenset({"token_embedding"})
    if recipe.surgery == "keep_body":
        return frozenset({"language_model"})
    return frozenset({"token_embedding", "language_model", "lm_head"})


def layer_map(name: str) -> tuple[tuple[int, int], ...]:
    """Return (layer, layer of the parent) for a recipe with a parent whose layers it keeps, else nothing."""
    recipe = RECIPES[name]
    if "language_model" not in inherited_components(name) and recipe.family != "clip_vision":
        return ()
    if recipe.surgery == "scale_depth":
        return tuple(enumerate(DEPTH_MAP))
    return tuple((layer, layer) for layer in range(LAYERS[recipe.family])) if recipe.parent else ()
