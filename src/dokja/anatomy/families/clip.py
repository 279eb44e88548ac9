"""CLIP and SigLIP by themselves: a vision tower, with or without its text tower."""

from dokja.anatomy.families.shared import CLIP_LAYERS, clip_like_vision
from dokja.anatomy.family import ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

SIGHT = r"(?!(?:\w+\.)*text_model\.)(?:\w+\.)*?"
TEXT = r"(?:\w+\.)*?text_model\."

VISION = clip_like_vision(SIGHT)
TEXT_ENCODER = ComponentRules(
    ComponentKind.TEXT_ENCODER,
    (
        Rule("embeddings.position_embedding", "position_embedding"),
        *CLIP_LAYERS,
        Rule("final_layer_norm", "norm.final"),
        Rule("head", "pooler"),
    ),
    prefix=TEXT,
    norm="layer",
)
TOKENS = ComponentRules(
    ComponentKind.TOKEN_EMBEDDING,
    (Rule("embeddings.token_embedding", "token_embedding"),),
    prefix=TEXT,
)

FAMILY = Family(
    "clip",
    (VISION, TEXT_ENCODER, TOKENS),
    requires=(r"embeddings\.patch_embedding\.weight$", r"encoder\.layers\.\d+\.layer_norm1\.weight$"),
    ignored=((r"(^|\.)logit_(scale|bias)$", "single_number"),),
)
