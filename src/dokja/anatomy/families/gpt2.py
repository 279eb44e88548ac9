"""GPT-2: matrices stored input axis first, attention fused, positions learnt."""

from dokja.anatomy.family import ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

DECODER = ComponentRules(
    ComponentKind.LANGUAGE_MODEL,
    (
        Rule("wpe", "position_embedding"),
        Rule("h.{layer}.ln_1", "norm.attention"),
        Rule(
            "h.{layer}.attn.c_attn",
            ("attention.query", "attention.key", "attention.value"),
            transposed=True,
        ),
        Rule("h.{layer}.attn.c_proj", "attention.output", transposed=True),
        Rule("h.{layer}.ln_2", "norm.mlp"),
        Rule("h.{layer}.mlp.c_fc", "mlp.up", transposed=True),
        Rule("h.{layer}.mlp.c_proj", "mlp.down", transposed=True),
        Rule("ln_f", "norm.final"),
    ),
    norm="layer",
)

FAMILY = Family(
    "gpt2",
    (
        DECODER,
        ComponentRules(ComponentKind.TOKEN_EMBEDDING, (Rule("wte", "token_embedding"),)),
        ComponentRules(ComponentKind.LM_HEAD, (Rule("lm_head", "lm_head"),)),
    ),
    requires=(r"\.attn\.c_attn\.weight$",),
    ties_head=True,
)
