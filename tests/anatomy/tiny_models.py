"""Tiny models made by the real classes of transformers, with random weights, one per family. Nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 160,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
SIGHT = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
QWEN_SIGHT = {
    "depth": 2,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_heads": 4,
    "out_hidden_size": 64,
    "patch_size": 14,
    "fullatt_block_indexes": [1],
}
ROUTED = {"moe_intermediate_size": 32, "num_experts_per_tok": 2}


def _causal(model_type: str, **more: Any) -> Any:
    config = transformers.AutoConfig.for_model(model_type, **(SIZES | more))
    return transformers.AutoModelForCausalLM.from_config(config)


def _sighted(model_type: str, **more: Any) -> Any:
    config = transformers.AutoConfig.for_model(model_type, image_token_id=5, **more)
    return transformers.AutoModelForImageTextToText.from_config(config)


def _llava(text: str, sight: str, strategy: str) -> Any:
    return _sighted(
        "llava",
        text_config={"model_type": text, **SIZES},
        vision_config={"model_type": sight, **SIGHT},
        vision_feature_select_strategy=strategy,
        vision_feature_layer=-1,
    )


def _bert() -> Any:
    sizes = {key: value for key, value in SIZES.items() if key != "num_key_value_heads"}
    return transformers.BertModel(transformers.BertConfig(**sizes))


def _gpt2() -> Any:
    sizes = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": 160}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=1, eos_token_id=2))


MAKERS: dict[str, Callable[[], Any]] = {
    "llama": lambda: _causal("llama"),
    "mistral": lambda: _causal("mistral"),
    "qwen2": lambda: _causal("qwen2", tie_word_embeddings=True),
    "qwen3": lambda: _causal("qwen3", head_dim=20),
    "gemma2": lambda: _causal("gemma2", head_dim=32),
    "gemma3": lambda: _causal("gemma3_text", head_dim=32),
    "exaone4": lambda: _causal("exaone4"),
    "olmo2": lambda: _causal("olmo2"),  # norms of queries and keys that span all heads
    "hyperclovax": lambda: _causal("hyperclovax"),
    "mixtral": lambda: _causal("mixtral", num_local_experts=4),
    "exaone_moe": lambda: _causal("exaone_moe", num_experts=4, first_k_dense_replace=1, **ROUTED),
    "solar_open": lambda: _causal("solar_open", n_routed_experts=4, head_dim=16, **ROUTED),
    "gpt2": _gpt2,
    "bert": _bert,
    "llava_clip": lambda: _llava("llama", "clip_vision_model", "default"),
    "llava_siglip": lambda: _llava("qwen2", "siglip_vision_model", "full"),
    "clip": lambda: transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(**SIGHT, projection_dim=40)
    ),
    "siglip": lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**SIGHT)),
    "qwen2_5_vl": lambda: _sighted(
        "qwen2_5_vl",
        text_config={**SIZES, "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]}},
        vision_config=QWEN_SIGHT,
    ),
    "hyperclovax_vision_v2": lambda: _sighted(
        "hyperclovax_vision_v2",
        text_config={"model_type": "hyperclovax", **SIZES},
        vision_config={"model_type": "qwen2_5_vl_vision", **QWEN_SIGHT},
    ),
}


def make(name: str) -> Any:
    """Return the tiny model, with every weight random so that no tensor is blind to a wrong permutation."""
    torch.manual_seed(20)
    model = MAKERS[name]().eval().float()
    with torch.no_grad():
        for key, value in model.named_parameters():
            centre = 1.0 if value.ndim == 1 and key.endswith("weight") else 0.0
            value.copy_(centre + 0.1 * torch.randn_like(value))
    return model


def save(name: str, folder: Path) -> Path:
    """Write the tiny model as its users would and return the folder."""
    make(name).save_pretrained(folder / name)
    return folder / name


def answer(model: Any) -> torch.Tensor:
    """Return what the model computes on a fixed input, with an image where it sees."""
    ids = torch.arange(10, 22).reshape(1, 12)
    with torch.no_grad():
        if model.config.model_type in {"clip_vision_model", "siglip_vision_model"}:
            out = model(pixel_values=torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(1)))
            return out.image_embeds if hasattr(out, "image_embeds") else out.pooler_output
        if not hasattr(model.config, "vision_config"):
            out = model(ids)
            return out.logits if hasattr(out, "logits") else out.pooler_output
        generator = torch.Generator().manual_seed(1)
        if model.config.model_type == "llava":
            pixels = {"pixel_values": torch.randn(1, 3, 28, 28, generator=generator)}
            n_patches = 4
        else:
            pixels = {
                "pixel_values": torch.randn(16, 3 * 2 * 14 * 14, generator=generator),
                "image_grid_thw": torch.tensor([[1, 4, 4]]),
            }
            n_patches = 4
        ids = torch.cat([ids[:, :4], torch.full((1, n_patches), 5), ids[:, 4:]], dim=1)
        extra = {"mm_token_type_ids": (ids == 5).long()} if model.config.model_type == "qwen2_5_vl" else {}
        return model(input_ids=ids, attention_mask=torch.ones_like(ids), **pixels, **extra).logits
