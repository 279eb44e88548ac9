"""GGUF: one set of names for every decoder. Some converters store rotary pairs side by side."""

from dokja.anatomy.family import ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

DECODER = ComponentRules(
    ComponentKind.LANGUAGE_MODEL,
    (
        Rule("position_embd", "position_embedding"),
        Rule("blk.{layer}.attn_norm", "norm.attention"),
        Rule("blk.{layer}.attn_q", "attention.query", interleaved=True),
        Rule("blk.{layer}.attn_k", "attention.key", interleaved=True),
        Rule("blk.{layer}.attn_v", "attention.value"),
        Rule("blk.{layer}.attn_qkv", ("attention.query", "attention.key", "attention.value")),
        Rule("blk.{layer}.attn_output", "attention.output"),
        Rule("blk.{layer}.attn_q_norm", "norm.query"),
        Rule("blk.{layer}.attn_k_norm", "norm.key"),
        Rule("blk.{layer}.post_attention_norm", "norm.attention_post"),
        Rule("blk.{layer}.ffn_norm", "norm.mlp"),
        Rule("blk.{layer}.ffn_gate", "mlp.gate"),
        Rule("blk.{layer}.ffn_up", "mlp.up"),
        Rule("blk.{layer}.ffn_down", "mlp.down"),
        Rule("blk.{layer}.post_ffw_norm", "norm.mlp_post"),
        Rule("blk.{layer}.ffn_gate_inp", "router"),
        Rule("blk.{layer}.exp_probs_b", "router.correction"),
        Rule("blk.{layer}.ffn_gate_exps", "mlp.gate", stacked=True),
        Rule("blk.{layer}.ffn_up_exps", "mlp.up", stacked=True),
        Rule("blk.{layer}.ffn_down_exps", "mlp.down", stacked=True),
        Rule("blk.{layer}.ffn_gate_shexp", "mlp.gate", shared=True),
        Rule("blk.{layer}.ffn_up_shexp", "mlp.up", shared=True),
        Rule("blk.{layer}.ffn_down_shexp", "mlp.down", shared=True),
        Rule("output_norm", "norm.final"),
    ),
    prefix="",
    rotary=True,
    norm="rms",
)

FAMILY = Family(
    "gguf",
    (
        DECODER,
        ComponentRules(ComponentKind.TOKEN_EMBEDDING, (Rule("token_embd", "token_embedding"),), prefix=""),
        ComponentRules(ComponentKind.LM_HEAD, (Rule("output", "lm_head"),), prefix=""),
    ),
    requires=(r"^blk\.\d+\.", r"^token_embd\.weight$"),
    ties_head=True,
)
