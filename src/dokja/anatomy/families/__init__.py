"""One file per family; this table is the order in which equals are preferred."""

from dokja.anatomy.families import (
    bert,
    clip,
    exaone4,
    gemma,
    gguf,
    gpt2,
    hyperclovax,
    hyperclovax_vision_v2,
    llama,
    llava,
    mixtral,
    qwen2_5_vl,
    routed_llama,
)
from dokja.anatomy.family import Family

FAMILIES: tuple[Family, ...] = (
    hyperclovax_vision_v2.FAMILY,
    qwen2_5_vl.FAMILY,
    llava.FAMILY,
    hyperclovax.FAMILY,
    exaone4.FAMILY,
    gemma.FAMILY,
    mixtral.FAMILY,
    routed_llama.FAMILY,
    gpt2.FAMILY,
    bert.FAMILY,
    clip.FAMILY,
    gguf.FAMILY,
    llama.FAMILY,
)
