"""The numbers a forward pass needs beyond the weights, read from config.json or GGUF keys and checked on the shapes.

To examine a model nothing of its configuration is trusted. To *run* it some of it must be: no shape tells the base
of a rotary embedding or the epsilon of a norm. What shapes can tell is checked against them, and what is missing is
asked for, never guessed, except where the reference implementation of the family itself has a default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dokja.checkpoint.checkpoint import Checkpoint
from dokja.errors import InvalidInput, Unavailable

# model type -> whether its safetensors norms store w where the model computes 1 + w
FAMILIES: Mapping[str, bool] = {
    "llama": False,
    "mistral": False,
    "qwen2": False,
    "qwen3": False,
    "granite": False,
    "hyperclovax": False,
    "gemma3": True,
    "gemma3_text": True,
}
_ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """How the weights of a decoder are wired.

    Args:
        family: Model type.
        n_layers: Decoder layers.
        n_heads: Query heads.
        n_kv_heads: Key and value heads; divides `n_heads`.
        head_dim: Length of a head.
        norm_epsilon: Added to the mean square under the root.
        norm_offset: Added to stored norm gains: 1 where the file stores w and the model computes 1 + w.
        activation: `silu` or `gelu_tanh`.
        rotary: Per layer, (base, scaling as in the config).
        windows: Per layer, how many positions back it sees, itself included; None for all.
        embedding_scale: Multiplies token embeddings.
        attention_scale: Multiplies query-key products.
        residual_scale: Multiplies what a block adds to the residual stream.
        logit_scale: Multiplies logits.
        attention_softcap: Bound of tanh-capped attention scores, or None.
        logit_softcap: Bound of tanh-capped logits, or None.
        context_tokens: Longest sequence the model was made for.
    """

    family: str
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    norm_epsilon: float
    norm_offset: float
    activation: str
    rotary: tuple[tuple[float, Mapping[str, object]], ...]
    windows: tuple[int | None, ...]
    embedding_scale: float
    attention_scale: float
    residual_scale: float
    logit_scale: float
    attention_softcap: float | None
    logit_softcap: float | None
    context_tokens: int


def read_architecture(checkpoint: Checkpoint, *, n_layers: int, width: int) -> Architecture:
    """Return the hyper-parameters a checkpoint declares.

    Args:
        checkpoint: Opened weights with their config.json or GGUF keys.
        n_layers: Decoder layers found in the weights.
        width: Width of the residual stream found in the weights.

    Raises:
        InvalidInput: A needed number is missing, impossible, or contradicts the weights.
        Unavailable: The family, or something it uses, is not computed by this engine.
    """
    settings = _Settings.of(checkpoint)
    settings.require_equal("num_hidden_layers", n_layers)
    settings.require_equal("hidden_size", width)
    n_heads = settings.count("num_attention_heads")
    n_kv_heads = settings.count("num_key_value_heads", n_heads)
    head_dim = settings.count("head_dim", width // n_heads)
    if n_heads % n_kv_heads:
        raise InvalidInput(f"{n_heads} query heads cannot share {n_kv_heads} key and value heads.")
    gguf = checkpoint.format == "gguf"
    scales = _scales(settings, width, head_dim)
    return Architecture(
        family=settings.family,
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=head_dim,
        norm_epsilon=settings.number("rms_norm_eps"),
        norm_offset=1.0 if FAMILIES[settings.family] and not gguf else 0.0,
        activation=_activation(settings),
        rotary=_rotary(settings, n_layers),
        windows=_windows(settings, n_layers),
        **scales,
        attention_softcap=settings.optional("attn_logit_softcapping"),
        logit_softcap=settings.optional("final_logit_softcapping"),
        context_tokens=settings.count("max_position_embeddings"),
    )


@dataclass(frozen=True, slots=True)
class _Settings:
    """A model's hyper-parameters under the names config.json gives them, whatever file they came from."""

    family: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> _Settings:
        if checkpoint.format == "gguf":
            family, values = _from_gguf(checkpoint.metadata)
        else:
            values = dict(checkpoint.config)
            inner = values.get("text_config")
            if isinstance(inner, dict):
                values = inner
            family = str(values.get("model_type", ""))
        if not values:
            raise InvalidInput(
                f"{checkpoint.source} says nothing of its rotary base, norm epsilon or head counts.",
                hint="Put its config.json beside the weights; shapes alone cannot run a model.",
            )
        if family not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise Unavailable(
                f"The built-in engine does not run models of type {family!r}.", hint=f"It runs {known}."
            )
        return cls(family, values)

    def number(self, key: str, default: float | None = None) -> float:
        value = self.values.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise InvalidInput(
                f"To run this model its configuration must give a positive {key}, not {value!r}."
            )
        return float(value)

    def optional(self, key: str) -> float | None:
        return None if self.values.get(key) is None else self.number(key)

    def count(self, key: str, default: int | None = None) -> int:
        value = self.number(key, default)
        if value != int(value):
            raise InvalidInput(f"{key} is a count, not {value}.")
        return int(value)

    def require_equal(self, key: str, found: int) -> None:
        if self.count(key, found) != found:
            raise InvalidInput(
                f"The configuration declares {key} {self.count(key)}, and the weights have {found}.",
                hint="Correct the config.json; the engine does not guess which of the two is right.",
            )


# GGUF key after the architecture's name -> config.json key
_GGUF_KEYS = {
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.sliding_window": "sliding_window",
    "attention.scale": "attention_multiplier",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
    "context_length": "max_position_embeddings",
    "rope.freq_base": "rope_theta",
    "embedding_scale": "embedding_multiplier",
    "residual_scale": "residual_multiplier",
    "logit_scale": "logits_scaling",
}


def _from_gguf(metadata: Mapping[str, object]) -> tuple[str, Mapping[str, object]]:
    family = str(metadata.get("general.architecture", ""))
    values: dict[str, object] = {
        name: metadata[f"{family}.{key}"] for key, name in _GGUF_KEYS.items() if f"{family}.{key}" in metadata
    }
    kind = metadata.get(f"{family}.rope.scaling.type")
    if kind not in (None, "none"):
        values["rope_scaling"] = {
            "rope_type": kind,
            "factor": metadata.get(f"{family}.rope.scaling.factor"),
        }
    if values:
        values.setdefault("rope_theta", 10_000.0)  # the GGUF specification's default
    return family, values


def _activation(settings: _Settings) -> str:
    gemma = settings.family.startswith("gemma3")
    named = settings.values.get("hidden_activation" if gemma else "hidden_act")
    named = ("gelu_pytorch_tanh" if gemma else "silu") if named is None else named
    if named not in _ACTIVATIONS:
        raise Unavailable(f"The activation {named!r} is not computed by the built-in engine.")
    return _ACTIVATIONS[str(named)]


def _scales(settings: _Settings, width: int, head_dim: int) -> dict[str, float]:
    """Return the four multipliers, each 1 where a family has none."""
    if settings.family.startswith("gemma3"):
        query_scalar = settings.number("query_pre_attn_scalar", head_dim)
        return {
            "embedding_scale": math.sqrt(width),
            "attention_scale": query_scalar**-0.5,
            "residual_scale": 1.0,
            "logit_scale": 1.0,
        }
    default_attention = 1.0 if settings.family == "granite" else head_dim**-0.5
    logits = settings.number("logits_scaling", 1.0)
    has_multipliers = settings.family in ("granite", "hyperclovax")
    if not has_multipliers:
        return {
            "embedding_scale": 1.0,
            "attention_scale": head_dim**-0.5,
            "residual_scale": 1.0,
            "logit_scale": 1.0,
        }
    return {
        "embedding_scale": settings.number("embedding_multiplier", 1.0),
        "attention_scale": settings.number("attention_multiplier", default_attention),
        "residual_scale": settings.number("residual_multiplier", 1.0),
        # Granite divides logits by this number, HyperCLOVA X multiplies them.
        "logit_scale": 1.0 / logits if settings.family == "granite" else logits,
    }


def _layer_kinds(settings: _Settings, n_layers: int) -> list[str]:
    declared = settings.values.get("layer_types")
    if isinstance(declared, list):
        if len(declared) != n_layers:
            raise InvalidInput(f"layer_types names {len(declared)} layers, and the weights have {n_layers}.")
        return [str(kind) for kind in declared]
    if settings.family.startswith("gemma3"):
        every = settings.count("sliding_window_pattern", 6)
        return ["full_attention" if (i + 1) % every == 0 else "sliding_attention" for i in range(n_layers)]
    slides = settings.family == "mistral" and settings.values.get("sliding_window") is not None
    return ["sliding_attention" if slides else "full_attention"] * n_layers


def _windows(settings: _Settings, n_layers: int) -> tuple[int | None, ...]:
    kinds = _layer_kinds(settings, n_layers)
    unknown = set(kinds) - {"full_attention", "sliding_attention"}
    if unknown:
        raise Unavailable(
            f"Layers of kind {', '.join(sorted(unknown))} are not computed by the built-in engine."
        )
    if "sliding_attention" not in kinds:
        return (None,) * n_layers
    window = settings.count("sliding_window")
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def _rotary(settings: _Settings, n_layers: int) -> tuple[tuple[float, Mapping[str, object]], ...]:
    """Return base and scaling per layer, from the older `rope_theta` keys or the newer `rope_parameters`."""
    parameters = settings.values.get("rope_parameters")
    per_kind: dict[str, Mapping[str, object]] = {}
    kinds = _layer_kinds(settings, n_layers)
    if isinstance(parameters, dict) and all(isinstance(parameters.get(kind), dict) for kind in kinds):
        per_kind = {kind: parameters[kind] for kind in set(kinds)}
    elif isinstance(parameters, dict):
        per_kind = dict.fromkeys(kinds, parameters)
    else:
        scaling = settings.values.get("rope_scaling")
        scaling = scaling if isinstance(scaling, dict) else {}
        shared = {"rope_theta": settings.values.get("rope_theta"), **scaling}
        per_kind = dict.fromkeys(kinds, shared)
        if settings.family.startswith("gemma3"):
            local = settings.values.get("rope_local_base_freq", 10_000.0)
            per_kind["sliding_attention"] = {"rope_theta": local}
    bases = {kind: _Settings(settings.family, found).number("rope_theta") for kind, found in per_kind.items()}
    return tuple((bases[kind], per_kind[kind]) for kind in kinds)
