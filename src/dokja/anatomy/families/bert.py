"""BERT and sentence encoders built on it (MiniLM), also as exported to ONNX: norms after each block."""

from dokja.anatomy.family import ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

ENCODER = ComponentRules(
    ComponentKind.TEXT_ENCODER,
    (
        Rule("embeddings.position_embeddings", "position_embedding"),
        Rule("embeddings.token_type_embeddings", "token_type_embedding"),
        Rule("embeddings.LayerNorm", "norm.embedding"),
        Rule("encoder.layer.{layer}.attention.self.query", "attention.query"),
        Rule("encoder.layer.{layer}.attention.self.key", "attention.key"),
        Rule("encoder.layer.{layer}.attention.self.value", "attention.value"),
        Rule("encoder.layer.{layer}.attention.output.dense", "attention.output"),
        Rule("encoder.layer.{layer}.attention.output.LayerNorm", "norm.attention_post"),
        Rule("encoder.layer.{layer}.intermediate.dense", "mlp.up"),
        Rule("encoder.layer.{layer}.output.dense", "mlp.down"),
        Rule("encoder.layer.{layer}.output.LayerNorm", "norm.mlp_post"),
        Rule("pooler.dense", "pooler"),
    ),
    norm="layer",
)

FAMILY = Family(
    "bert",
    (
        ENCODER,
        ComponentRules(
            ComponentKind.TOKEN_EMBEDDING, (Rule("embeddings.word_embeddings", "token_embedding"),)
        ),
        ComponentRules(
            ComponentKind.LM_HEAD,
            (
                Rule("cls.predictions.decoder", "lm_head"),
                Rule("cls.predictions.transform.dense", "head_transform"),
                Rule("cls.predictions.transform.LayerNorm", "head_norm"),
                Rule("cls.predictions.bias", "token_bias", bare=True),
            ),
        ),
    ),
    requires=(r"attention\.self\.query\.(weight|bias)$",),
)
