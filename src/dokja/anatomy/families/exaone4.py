"""EXAONE 4: norms after attention and MLP, none before, and query/key norms."""

from dokja.anatomy.families.shared import EMBEDDING, GATED_MLP, HEAD, SELF_ATTENTION, decoder
from dokja.anatomy.family import Family, Rule

NORMS = (
    Rule("layers.{layer}.post_attention_layernorm", "norm.attention_post"),
    Rule("layers.{layer}.post_feedforward_layernorm", "norm.mlp_post"),
    Rule("norm", "norm.final"),
)

FAMILY = Family(
    "exaone4",
    (decoder(*SELF_ATTENTION, *GATED_MLP, *NORMS), EMBEDDING, HEAD),
    requires=(r"post_feedforward_layernorm\.weight$",),
    lacks=(r"input_layernorm\.weight$", r"pre_feedforward_layernorm\.weight$"),
    ties_head=True,
)
