"""What config.json or a GGUF header declares, read for comparison with shapes and nothing more."""

from __future__ import annotations

from collections.abc import Mapping

from dokja.anatomy.heads import HeadHint
from dokja.anatomy.part import Component, ComponentKind
from dokja.canonical import JSON
from dokja.checkpoint.checkpoint import Checkpoint

_SECTIONS = {
    ComponentKind.VISION_ENCODER: ("vision_config", "visual"),
    ComponentKind.AUDIO_ENCODER: ("audio_config",),
    ComponentKind.LANGUAGE_MODEL: ("text_config", "llm_config", "language_config"),
    ComponentKind.TEXT_ENCODER: ("text_config",),
}

# What is declared, under every name it goes by.
_KEYS: dict[str, tuple[str, ...]] = {
    "residual": ("hidden_size", "n_embd", "d_model", "embed_dim"),
    "n_layers": ("num_hidden_layers", "n_layer", "depth", "num_layers"),
    "n_heads": ("num_attention_heads", "n_head", "num_heads"),
    "n_kv_heads": ("num_key_value_heads",),
    "head_dim": ("head_dim",),
    "n_experts": ("num_local_experts", "n_routed_experts", "num_experts"),
    "routing_groups": ("n_group",),
}
_GGUF_KEYS = {
    "residual": "embedding_length",
    "n_layers": "block_count",
    "n_heads": "attention.head_count",
    "n_kv_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "n_experts": "expert_count",
    "routing_groups": "expert_group_count",
}


def declared(checkpoint: Checkpoint, kind: ComponentKind) -> dict[str, int]:
    """Return what is declared of a component of this kind, in anatomy's words; silent fields are missing."""
    architecture = checkpoint.metadata.get("general.architecture")
    if isinstance(architecture, str):
        named = {word: checkpoint.metadata.get(f"{architecture}.{key}") for word, key in _GGUF_KEYS.items()}
        return {word: value for word, value in named.items() if _is_count(value)}  # type: ignore[misc]
    section = _section(checkpoint.config, kind)
    if section is None:
        return {}
    found: dict[str, int] = {}
    for word, keys in _KEYS.items():
        value = next((section[key] for key in keys if _is_count(section.get(key))), None)
        if isinstance(value, int):
            found[word] = value
    return found


def _section(config: Mapping[str, JSON], kind: ComponentKind) -> Mapping[str, JSON] | None:
    for name in _SECTIONS.get(kind, ()):
        inner = config.get(name)
        if isinstance(inner, dict):
            return inner
    sighted = kind in (ComponentKind.VISION_ENCODER, ComponentKind.AUDIO_ENCODER)
    if sighted and isinstance(config.get("text_config"), dict):
        return None
    return config


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31


def hint_of(said: Mapping[str, int]) -> HeadHint:
    """Return the part of a declaration that concerns heads."""
    return HeadHint(said.get("n_heads", 0), said.get("n_kv_heads", 0), said.get("head_dim", 0))


def disagreements(said: Mapping[str, int], component: Component) -> list[tuple[str, dict[str, object]]]:
    """Return a warning for every declared number that the shapes contradict."""
    warnings: list[tuple[str, dict[str, object]]] = []
    for word, value in sorted(said.items()):
        if word == "routing_groups":
            continue  # no shape shows how experts are grouped
        actual = getattr(component, word)
        if actual and actual != value:
            warnings.append(
                (
                    "config.disagrees_with_shapes",
                    {"component": component.name, "field": word, "declared": value, "shapes": actual},
                )
            )
    return warnings
