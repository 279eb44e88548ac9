"""Turn one model into a suspicious other: more layers, other names, other shards, other precision. No PyTorch.

    with open_checkpoint("smollm2") as source:
        decoder = read_decoder(source)
        stretched = upscale_depth(decoder, stretched_depth(decoder.n_layers, 40))
        write_decoder(stretched, Path("submission"), naming="blocks", encoding="Q8_0", shards=3)
        write_tokenizer(Path("smollm2"), source, Path("submission"))

Nothing is hidden by rotation or permutation here; the result computes exactly what its weights say and runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from dokja.anatomy import ComponentKind, Part, describe, load_part
from dokja.checkpoint import Checkpoint
from dokja.compute.tokenizer import load_tokenizer
from dokja.demo.weight_files import FloatArray, Tensor, write_gguf, write_safetensors

DECODER_KINDS = (ComponentKind.TOKEN_EMBEDDING, ComponentKind.LANGUAGE_MODEL, ComponentKind.LM_HEAD)

# Role to stored name. `hub` is what everybody uses, `gguf` what llama.cpp uses, `blocks` is invented;
# `opaque` (see `stored_name`) tells nothing at all.
NAMINGS: Mapping[str, Mapping[str, str]] = {
    "hub": {
        "token_embedding": "model.embed_tokens",
        "norm.final": "model.norm",
        "lm_head": "lm_head",
        "norm.attention": "model.layers.{}.input_layernorm",
        "attention.query": "model.layers.{}.self_attn.q_proj",
        "attention.key": "model.layers.{}.self_attn.k_proj",
        "attention.value": "model.layers.{}.self_attn.v_proj",
        "attention.output": "model.layers.{}.self_attn.o_proj",
        "norm.mlp": "model.layers.{}.post_attention_layernorm",
        "mlp.gate": "model.layers.{}.mlp.gate_proj",
        "mlp.up": "model.layers.{}.mlp.up_proj",
        "mlp.down": "model.layers.{}.mlp.down_proj",
    },
    "gguf": {
        "token_embedding": "token_embd",
        "norm.final": "output_norm",
        "lm_head": "output",
        "norm.attention": "blk.{}.attn_norm",
        "attention.query": "blk.{}.attn_q",
        "attention.key": "blk.{}.attn_k",
        "attention.value": "blk.{}.attn_v",
        "attention.output": "blk.{}.attn_output",
        "norm.mlp": "blk.{}.ffn_norm",
        "mlp.gate": "blk.{}.ffn_gate",
        "mlp.up": "blk.{}.ffn_up",
        "mlp.down": "blk.{}.ffn_down",
    },
    "blocks": {
        "token_embedding": "transformer.wte",
        "norm.final": "transformer.ln_out",
        "lm_head": "transformer.readout",
        "norm.attention": "transformer.blocks.{}.ln1",
        "attention.query": "transformer.blocks.{}.mixer.wq",
        "attention.key": "transformer.blocks.{}.mixer.wk",
        "attention.value": "transformer.blocks.{}.mixer.wv",
        "attention.output": "transformer.blocks.{}.mixer.wo",
        "norm.mlp": "transformer.blocks.{}.ln2",
        "mlp.gate": "transformer.blocks.{}.ffn.w1",
        "mlp.up": "transformer.blocks.{}.ffn.w3",
        "mlp.down": "transformer.blocks.{}.ffn.w2",
    },
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One weight of a decoder by what it is.

    Args:
        role: Dotted role of `dokja.anatomy`.
        layer: Its layer, or None.
        shape: In canonical axis order.
        rows: Returns rows [start, stop) as float32.
    """

    role: str
    layer: int | None
    shape: tuple[int, ...]
    rows: Callable[[int, int], FloatArray]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A dense decoder, named by roles, with what is needed to run it.

    Args:
        pieces: Every weight; the source checkpoint must stay open while they are read.
        config: As in config.json, with the keys of the llama class.
    """

    pieces: tuple[Piece, ...]
    config: Mapping[str, object]

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return 1 + max(piece.layer for piece in self.pieces if piece.layer is not None)


def read_decoder(checkpoint: Checkpoint) -> Decoder:
    """Return the dense decoder of an opened checkpoint of the llama class, in whatever format it is stored."""
    anatomy = describe(checkpoint)
    pieces = tuple(
        Piece(part.role, part.layer, part.shape, partial(_rows, checkpoint, part))
        for component in anatomy.components
        if component.kind in DECODER_KINDS
        for part in component.parts
    )
    config = _config_of_gguf(checkpoint) if checkpoint.format == "gguf" else dict(checkpoint.config)
    return Decoder(pieces, config)


def stretched_depth(n_layers: int, depth: int) -> list[int]:
    """Return the layer map of depth up-scaling: the first depth/2 layers, then the last depth/2."""
    half = depth // 2
    return [*range(half), *range(n_layers - (depth - half), n_layers)]


def upscale_depth(decoder: Decoder, layer_map: Sequence[int]) -> Decoder:
    """Stack layers anew.

    Args:
        decoder: Source.
        layer_map: For every new layer the old one; may repeat, drop and re-order.
    """
    outside = [piece for piece in decoder.pieces if piece.layer is None]
    layers: dict[int, list[Piece]] = {}
    for piece in decoder.pieces:
        if piece.layer is not None:
            layers.setdefault(piece.layer, []).append(piece)
    stacked = [replace(piece, layer=new) for new, old in enumerate(layer_map) for piece in layers[old]]
    config = dict(decoder.config) | {"num_hidden_layers": len(layer_map)}
    return Decoder((*outside, *stacked), config)


def write_decoder(
    decoder: Decoder, folder: Path, *, naming: str = "hub", encoding: str = "BF16", shards: int = 1
) -> None:
    """Write config.json and weights: GGUF for block encodings or GGUF's names, safetensors otherwise.

    Args:
        decoder: What to write.
        folder: Made if it is not there.
        naming: `hub`, `gguf`, `blocks` or `opaque`.
        encoding: F32, F16, BF16, Q8_0 or Q4_0.
        shards: Number of weight files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(decoder.config, indent=1) + "\n", "utf-8")
    as_gguf = naming == "gguf" or encoding.startswith("Q")
    if naming == "gguf":
        decoder = _with_rotary_pairs_side_by_side(decoder)
    tensors = [
        Tensor(stored_name(piece.role, piece.layer, naming), piece.shape, piece.rows)
        for piece in decoder.pieces
    ]
    if naming == "opaque":
        tensors.sort(key=lambda tensor: tensor.name)
    if as_gguf:
        write_gguf(folder, tensors, _gguf_keys(decoder.config), encoding=encoding, shards=shards)
    else:
        write_safetensors(folder, tensors, encoding=encoding, shards=shards)


def write_tokenizer(source: Path, checkpoint: Checkpoint, folder: Path) -> None:
    """Write the source's tokenizer into the folder as tokenizer.json."""
    load_tokenizer(source, checkpoint).backend.save(str(folder / "tokenizer.json"), pretty=False)


def stored_name(role: str, layer: int | None, naming: str) -> str:
    """Return what a weight is called under a naming scheme."""
    if naming == "opaque":
        return "p." + hashlib.sha256(f"{role}/{layer}".encode()).hexdigest()[:12]
    base, suffix = (role.removesuffix(".bias"), "bias") if role.endswith(".bias") else (role, "weight")
    return f"{NAMINGS[naming][base].format(layer)}.{suffix}"


def _rows(checkpoint: Checkpoint, part: Part, start: int, stop: int) -> FloatArray:
    return load_part(checkpoint, part, start, stop)


def _rounded_rows(rows: Callable[[int, int], FloatArray], start: int, stop: int) -> FloatArray:
    values = rows(start, stop)
    step = np.abs(values).max(axis=1, keepdims=True) / np.float32(127)
    level = np.rint(np.divide(values, step, out=np.zeros_like(values), where=step > 0))
    rounded: FloatArray = level * step
    return rounded


def _with_rotary_pairs_side_by_side(decoder: Decoder) -> Decoder:
    """Order query and key rows as GGUF files of the llama architecture do."""
    heads = {
        "attention.query": int(str(decoder.config["num_attention_heads"])),
        "attention.key": int(str(decoder.config["num_key_value_heads"])),
    }

    def reordered(piece: Piece) -> Piece:
        if piece.role not in heads:
            return piece
        order = np.arange(piece.shape[0]).reshape(heads[piece.role], 2, -1).swapaxes(1, 2).reshape(-1)
        return replace(piece, rows=lambda start, stop: piece.rows(0, piece.shape[0])[order[start:stop]])

    return replace(decoder, pieces=tuple(map(reordered, decoder.pieces)))


_CONFIG_KEYS = {
    "num_hidden_layers": "block_count",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "max_position_embeddings": "context_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "rope_theta": "rope.freq_base",
    "vocab_size": "vocab_size",
}
_TOKEN_KEYS = {
    "bos_token_id": "bos_token_id",
    "eos_token_id": "eos_token_id",
    "pad_token_id": "padding_token_id",
}


def _config_of_gguf(checkpoint: Checkpoint) -> dict[str, object]:
    """Return a config.json of the llama class from GGUF keys."""
    keys = checkpoint.metadata
    config: dict[str, object] = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "tie_word_embeddings": "output.weight" not in checkpoint.tensors,
    }
    config |= {name: keys[f"llama.{key}"] for name, key in _CONFIG_KEYS.items() if f"llama.{key}" in keys}
    tokens = {name: f"tokenizer.ggml.{key}" for name, key in _TOKEN_KEYS.items()}
    return config | {name: keys[key] for name, key in tokens.items() if key in keys}


def _gguf_keys(config: Mapping[str, object]) -> dict[str, int | float | str]:
    """Return the GGUF keys of a config of the llama class."""
    rope = config.get("rope_parameters")
    whole = {**config, **(rope if isinstance(rope, dict) else {})}
    keys: dict[str, int | float | str] = {"general.architecture": "llama"}
    for name, key in _CONFIG_KEYS.items():
        value = whole.get(name)
        if isinstance(value, (int, float)):
            keys[f"llama.{key}"] = float(value) if name in ("rms_norm_eps", "rope_theta") else int(value)
    return keys
