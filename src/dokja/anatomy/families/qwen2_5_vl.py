"""Qwen2.5-VL: fused-attention vision encoder, a merger of 2×2 patches, and a Qwen2 language model."""

from dokja.anatomy.families.shared import EMBEDDING, HEAD, LLAMA_DECODER, QWEN_VISION
from dokja.anatomy.family import ANY_PREFIX, ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

MERGER = ComponentRules(
    ComponentKind.PROJECTOR,
    (Rule("visual.merger.mlp.0", "projector.up"), Rule("visual.merger.mlp.2", "projector.down")),
    prefix=ANY_PREFIX,
    input_kind=ComponentKind.VISION_ENCODER,
)

FAMILY = Family(
    "qwen2_5_vl",
    (QWEN_VISION, MERGER, LLAMA_DECODER, EMBEDDING, HEAD),
    requires=(r"visual\.merger\.mlp\.0\.weight$",),
    ties_head=True,
)
