"""HyperCLOVA X with sight: Qwen2.5-VL's vision encoder and merger, then a projector of its own."""

from dokja.anatomy.families.hyperclovax import DECODER
from dokja.anatomy.families.shared import EMBEDDING, HEAD, QWEN_VISION
from dokja.anatomy.family import ANY_PREFIX, ComponentRules, Family, Rule
from dokja.anatomy.part import ComponentKind

PROJECTOR = ComponentRules(
    ComponentKind.PROJECTOR,
    (
        Rule("vision_model.merger.mlp.0", "projector.up"),
        Rule("vision_model.merger.mlp.2", "projector.merge"),
        Rule("vision_projector", "projector.linear"),
        Rule("projector", "projector.linear"),  # the same, as held in memory
    ),
    prefix=ANY_PREFIX,
    input_kind=ComponentKind.VISION_ENCODER,
)

FAMILY = Family(
    "hyperclovax_vision_v2",
    (QWEN_VISION, PROJECTOR, DECODER, EMBEDDING, HEAD),
    requires=(r"(^|\.)(vision_)?projector\.weight$", r"vision_model\.merger\.mlp\.0\.weight$"),
    ties_head=True,
)
