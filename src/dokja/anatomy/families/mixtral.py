"""Mixtral: experts w1 (gate), w3 (up), w2 (down), one by one or stacked."""

from dokja.anatomy.families.shared import EMBEDDING, HEAD, PRE_NORMS, SELF_ATTENTION, decoder
from dokja.anatomy.family import Family, Rule

EXPERTS = (
    Rule("layers.{layer}.block_sparse_moe.gate", "router"),
    Rule("layers.{layer}.block_sparse_moe.experts.{expert}.w1", "mlp.gate"),
    Rule("layers.{layer}.block_sparse_moe.experts.{expert}.w3", "mlp.up"),
    Rule("layers.{layer}.block_sparse_moe.experts.{expert}.w2", "mlp.down"),
    Rule(
        "layers.{layer}.block_sparse_moe.experts.gate_up_proj",
        ("mlp.gate", "mlp.up"),
        stacked=True,
        bare=True,
    ),
    Rule("layers.{layer}.block_sparse_moe.experts.down_proj", "mlp.down", stacked=True, bare=True),
)

FAMILY = Family(
    "mixtral",
    (decoder(*SELF_ATTENTION, *EXPERTS, *PRE_NORMS), EMBEDDING, HEAD),
    requires=(r"\.block_sparse_moe\.gate\.weight$",),
    ties_head=True,
)
