"""Llama with routed MLPs: EXAONE MoE (K-EXAONE), Solar Open, GLM-4.5, Qwen3-MoE, Mixtral as stored since 2026.

One table: dense first layers, routed and shared experts, and query/key norms are each there or not.
"""

from dokja.anatomy.families.shared import (
    EMBEDDING,
    GATED_MLP,
    HEAD,
    PRE_NORMS,
    ROUTED_MLP,
    SELF_ATTENTION,
    decoder,
)
from dokja.anatomy.family import Family

FAMILY = Family(
    "routed_llama",
    (decoder(*SELF_ATTENTION, *ROUTED_MLP, *GATED_MLP, *PRE_NORMS), EMBEDDING, HEAD),
    requires=(r"\.mlp\.gate\.weight$",),
    ties_head=True,
)
