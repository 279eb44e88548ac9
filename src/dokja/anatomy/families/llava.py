"""LLaVA: a CLIP or SigLIP tower, a two-layer projector, and a Llama-like language model."""

from dokja.anatomy.families.shared import EMBEDDING, HEAD, LLAMA_DECODER, clip_like_vision
from dokja.anatomy.family import ANY_PREFIX, VISION_PREFIX, ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

PROJECTOR = ComponentRules(
    ComponentKind.PROJECTOR,
    (
        Rule("multi_modal_projector.linear_1", "projector.up"),
        Rule("multi_modal_projector.linear_2", "projector.down"),
    ),
    prefix=ANY_PREFIX,
    input_kind=ComponentKind.VISION_ENCODER,
)

FAMILY = Family(
    "llava",
    (clip_like_vision(VISION_PREFIX), PROJECTOR, LLAMA_DECODER, EMBEDDING, HEAD),
    requires=(r"multi_modal_projector\.linear_1\.weight$",),
    ties_head=True,
)
