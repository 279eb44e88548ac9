"""Tiny decoders of transformers' own classes, random and never trained, saved as people save models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers

VOCABULARY = 97
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 7,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
_STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}

# What is asked of the forward pass beyond a plain llama is in each case's settings.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama_with_biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama_tied_and_stretched": ("llama", {"tie_word_embeddings": True, "rope_parameters": _STRETCHED}),
    "mistral_sliding": ("mistral", {"sliding_window": 4, "head_dim": 8}),
    "qwen2_biases": ("qwen2", {}),
    "qwen3_normed_heads": ("qwen3", {"head_dim": 16}),
    "granite_multipliers": (
        "granite",
        {
            "embedding_multiplier": 12.0,
            "logits_scaling": 8.0,
            "residual_multiplier": 0.22,
            "attention_multiplier": 0.1,
        },
    ),
    "hyperclovax_multipliers": (
        "hyperclovax",
        {
            "embedding_multiplier": 10.0,
            "logits_scaling": 0.125,
            "residual_multiplier": 0.3,
            "attention_multiplier": 0.2,
        },
    ),
    "gemma3_alternating": ("gemma3_text", {"head_dim": 16, "sliding_window": 5, "query_pre_attn_scalar": 24}),
}


def make(case: str, folder: Path) -> Any:
    """Save the case's model into a folder and return the torch model."""
    model_type, more = CASES[case]
    config = transformers.AutoConfig.for_model(model_type, **(_SIZES | more))
    torch.manual_seed(len(case))
    model = transformers.AutoModelForCausalLM.from_config(config).eval().float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Wide enough that every layer matters to the last digit compared.
            centre = 1.0 if "norm" in name and not model_type.startswith("gemma") else 0.0
            parameter.copy_(torch.randn_like(parameter) * 0.3 + centre)
    model.save_pretrained(folder)
    return model


def reference_log_likelihood(model: Any, prompt: list[int], continuation: list[int]) -> float:
    """What transformers says, summed in float64."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + continuation])).logits[0].double()
    scores = logits.log_softmax(-1)
    return sum(scores[len(prompt) - 1 + place, token].item() for place, token in enumerate(continuation))
