"""Tables that several families share. A family file puts them together and adds what is its own."""

from __future__ import annotations

from dokja.anatomy.family import VISION_PREFIX, ComponentRules, Rule
from dokja.anatomy.part import ComponentKind

SELF_ATTENTION = (
    Rule("layers.{layer}.self_attn.q_proj", "attention.query"),
    Rule("layers.{layer}.self_attn.k_proj", "attention.key"),
    Rule("layers.{layer}.self_attn.v_proj", "attention.value"),
    Rule("layers.{layer}.self_attn.o_proj", "attention.output"),
    Rule("layers.{layer}.self_attn.q_norm", "norm.query"),
    Rule("layers.{layer}.self_attn.k_norm", "norm.key"),
    Rule("layers.{layer}.self_attn.qkv_proj", ("attention.query", "attention.key", "attention.value")),
)

GATED_MLP = (
    Rule("layers.{layer}.mlp.gate_proj", "mlp.gate"),
    Rule("layers.{layer}.mlp.up_proj", "mlp.up"),
    Rule("layers.{layer}.mlp.down_proj", "mlp.down"),
    Rule("layers.{layer}.mlp.gate_up_proj", ("mlp.gate", "mlp.up")),
)

PRE_NORMS = (
    Rule("layers.{layer}.input_layernorm", "norm.attention"),
    Rule("layers.{layer}.post_attention_layernorm", "norm.mlp"),
    Rule("norm", "norm.final"),
)

# Experts one by one, or stacked and fused, routed by `mlp.gate`.
ROUTED_MLP = (
    Rule("layers.{layer}.mlp.gate", "router"),
    Rule("layers.{layer}.mlp.gate.e_score_correction_bias", "router.correction", bare=True),
    Rule("layers.{layer}.mlp.e_score_correction_bias", "router.correction", bare=True),
    Rule("layers.{layer}.mlp.experts.{expert}.gate_proj", "mlp.gate"),
    Rule("layers.{layer}.mlp.experts.{expert}.up_proj", "mlp.up"),
    Rule("layers.{layer}.mlp.experts.{expert}.down_proj", "mlp.down"),
    Rule("layers.{layer}.mlp.experts.gate_up_proj", ("mlp.gate", "mlp.up"), stacked=True, bare=True),
    Rule("layers.{layer}.mlp.experts.down_proj", "mlp.down", stacked=True, bare=True),
    Rule("layers.{layer}.mlp.shared_experts.gate_proj", "mlp.gate", shared=True),
    Rule("layers.{layer}.mlp.shared_experts.up_proj", "mlp.up", shared=True),
    Rule("layers.{layer}.mlp.shared_experts.down_proj", "mlp.down", shared=True),
)

EMBEDDING = ComponentRules(ComponentKind.TOKEN_EMBEDDING, (Rule("embed_tokens", "token_embedding"),))
HEAD = ComponentRules(ComponentKind.LM_HEAD, (Rule("lm_head", "lm_head"),))


def decoder(*rules: Rule) -> ComponentRules:
    """Return a rotary, RMS-normed language model with these rules."""
    return ComponentRules(ComponentKind.LANGUAGE_MODEL, rules, rotary=True, norm="rms")


LLAMA_DECODER = decoder(*SELF_ATTENTION, *GATED_MLP, *PRE_NORMS)

CLIP_LAYERS = (
    Rule("encoder.layers.{layer}.layer_norm1", "norm.attention"),
    Rule("encoder.layers.{layer}.self_attn.q_proj", "attention.query"),
    Rule("encoder.layers.{layer}.self_attn.k_proj", "attention.key"),
    Rule("encoder.layers.{layer}.self_attn.v_proj", "attention.value"),
    Rule("encoder.layers.{layer}.self_attn.out_proj", "attention.output"),
    Rule("encoder.layers.{layer}.layer_norm2", "norm.mlp"),
    Rule("encoder.layers.{layer}.mlp.fc1", "mlp.up"),
    Rule("encoder.layers.{layer}.mlp.fc2", "mlp.down"),
)


def clip_like_vision(prefix: str) -> ComponentRules:
    """Return a CLIP or SigLIP tower; CLIP adds a class token to what they share, SigLIP an attention pool."""
    pool = ("pooling.query", "pooling.key", "pooling.value")
    rules = (
        Rule("embeddings.patch_embedding", "patch_embedding"),
        Rule("embeddings.position_embedding", "position_embedding"),
        Rule("embeddings.class_embedding", "class_token", bare=True),
        Rule("pre_layrnorm", "norm.embedding"),
        *CLIP_LAYERS,
        Rule("post_layernorm", "norm.final"),
        Rule("head.probe", "pooling.probe", bare=True),
        Rule("head.attention.in_proj_weight", pool, bare=True),
        Rule("head.attention.in_proj_bias", tuple(f"{role}.bias" for role in pool), bare=True),
        Rule("head.attention.out_proj", "pooling.output"),
        Rule("head.layernorm", "pooling.norm"),
        Rule("head.mlp.fc1", "pooling.up"),
        Rule("head.mlp.fc2", "pooling.down"),
        Rule("visual_projection", "pooler"),
    )
    return ComponentRules(
        ComponentKind.VISION_ENCODER, rules, prefix, norm="layer", inner=r"(?:vision_model\.)?"
    )


QWEN_VISION = ComponentRules(
    ComponentKind.VISION_ENCODER,
    (
        Rule("patch_embed.proj", "patch_embedding"),
        Rule("blocks.{layer}.norm1", "norm.attention"),
        Rule("blocks.{layer}.attn.qkv", ("attention.query", "attention.key", "attention.value")),
        Rule("blocks.{layer}.attn.proj", "attention.output"),
        Rule("blocks.{layer}.norm2", "norm.mlp"),
        Rule("blocks.{layer}.mlp.gate_proj", "mlp.gate"),
        Rule("blocks.{layer}.mlp.up_proj", "mlp.up"),
        Rule("blocks.{layer}.mlp.down_proj", "mlp.down"),
        Rule("merger.ln_q", "norm.final"),
    ),
    prefix=VISION_PREFIX,
    rotary=True,
    norm="rms",
)
