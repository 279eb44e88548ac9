"""Gemma 2 and 3: a norm before and after both attention and MLP."""

from dokja.anatomy.families.shared import EMBEDDING, GATED_MLP, HEAD, SELF_ATTENTION, decoder
from dokja.anatomy.family import Family, Rule

NORMS = (
    Rule("layers.{layer}.input_layernorm", "norm.attention"),
    Rule("layers.{layer}.post_attention_layernorm", "norm.attention_post"),
    Rule("layers.{layer}.pre_feedforward_layernorm", "norm.mlp"),
    Rule("layers.{layer}.post_feedforward_layernorm", "norm.mlp_post"),
    Rule("norm", "norm.final"),
)

FAMILY = Family(
    "gemma",
    (decoder(*SELF_ATTENTION, *GATED_MLP, *NORMS), EMBEDDING, HEAD),
    requires=(r"pre_feedforward_layernorm\.weight$",),
    ties_head=True,
)
