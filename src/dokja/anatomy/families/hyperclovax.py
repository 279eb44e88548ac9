"""HyperCLOVA X: Llama with a second norm after attention and after the MLP."""

from dokja.anatomy.families.shared import EMBEDDING, GATED_MLP, HEAD, PRE_NORMS, SELF_ATTENTION, decoder
from dokja.anatomy.family import Family, Rule

POST_NORMS = (
    Rule("layers.{layer}.post_norm1", "norm.attention_post"),
    Rule("layers.{layer}.post_norm2", "norm.mlp_post"),
)
DECODER = decoder(*SELF_ATTENTION, *GATED_MLP, *PRE_NORMS, *POST_NORMS)

FAMILY = Family(
    "hyperclovax",
    (DECODER, EMBEDDING, HEAD),
    requires=(r"\.post_norm1\.weight$",),
    ties_head=True,
)
