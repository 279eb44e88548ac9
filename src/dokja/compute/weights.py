"""From the parts of a checkpoint to a language model in memory, whatever its tensors are called.

Anatomy has already said which stored tensor plays which role and in which row order, so a renamed, re-sharded or
re-quantised copy runs exactly like its original.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dokja.anatomy import Anatomy, Component, ComponentKind, Part, load_part
from dokja.checkpoint.checkpoint import Checkpoint
from dokja.compute.architecture import Architecture, read_architecture
from dokja.compute.language_model import DecoderLayer, LanguageModel, Linear
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput, Unavailable

_MEMORY_BYTES = 6 << 30


def load_language_model(
    checkpoint: Checkpoint, anatomy: Anatomy, *, memory_bytes: int = _MEMORY_BYTES
) -> LanguageModel:
    """Return the language model of a checkpoint, decoded to float32.

    Args:
        checkpoint: Opened weights.
        anatomy: What its tensors are.
        memory_bytes: Most that the decoded weights may take.

    Raises:
        Unavailable: It has no dense decoder this engine computes, or is too large for it.
        InvalidInput: Its configuration is missing, or contradicts its weights.
        UnreadableArtifact: The weights cannot be read.
    """
    decoder = _component(anatomy, ComponentKind.LANGUAGE_MODEL)
    embedding = _component(anatomy, ComponentKind.TOKEN_EMBEDDING)
    if decoder is None or embedding is None:
        raise Unavailable(
            f"{checkpoint.source} has no language model with token embeddings, so it cannot answer items."
        )
    parts = _Parts(checkpoint, (*decoder.parts, *embedding.parts))
    head = _component(anatomy, ComponentKind.LM_HEAD)
    if head is not None:
        parts.add(head.parts)
    parts.require_dense()
    parts.require_within(memory_bytes)
    tokens = parts.need("token_embedding")
    architecture = read_architecture(checkpoint, n_layers=decoder.n_layers, width=tokens.shape[1])
    output = parts.linear("lm_head") if head is not None else Linear(tokens)
    if output.weight.shape[1] != tokens.shape[1]:
        raise InvalidInput("The output matrix and the token embedding differ in width.")
    layers = [_layer(parts, architecture, number) for number in range(decoder.n_layers)]
    norm = parts.need("norm.final") + np.float32(architecture.norm_offset)
    return LanguageModel(architecture, tokens, layers, norm, output)


def _component(anatomy: Anatomy, kind: ComponentKind) -> Component | None:
    return next((component for component in anatomy.components if component.kind is kind), None)


class _Parts:
    """The parts of one model by role and layer, read when asked for."""

    def __init__(self, checkpoint: Checkpoint, parts: Iterable[Part]) -> None:
        self._checkpoint = checkpoint
        self._parts: list[Part] = []
        self._by_place: dict[tuple[str, int | None], Part] = {}
        self.add(parts)

    def add(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._parts.append(part)
            self._by_place[part.role, part.layer] = part

    def require_dense(self) -> None:
        if any(part.expert is not None for part in self._parts):
            raise Unavailable(
                "Mixtures of experts are not run by the built-in engine.",
                hint="Serve the model and run the suites on it there.",
            )

    def require_within(self, memory_bytes: int) -> None:
        needed = 4 * sum(int(np.prod(part.shape, dtype=np.int64)) for part in self._parts)
        if needed > memory_bytes:
            raise Unavailable(
                f"In float32 this model takes {needed / 2**30:.1f} GiB, more than the {memory_bytes / 2**30:.1f} "
                "the built-in engine allows.",
                hint="Serve the model and run the suites on it there.",
            )

    def find(self, role: str, layer: int | None = None) -> FloatArray | None:
        part = self._by_place.get((role, layer))
        return None if part is None else load_part(self._checkpoint, part)

    def need(self, role: str, layer: int | None = None) -> FloatArray:
        found = self.find(role, layer)
        if found is None:
            where = "" if layer is None else f" in layer {layer}"
            raise Unavailable(f"The model has no {role}{where}; the built-in engine runs decoders that do.")
        return found

    def linear(self, role: str, layer: int | None = None) -> Linear:
        return Linear(self.need(role, layer), self.find(f"{role}.bias", layer))


def _layer(parts: _Parts, architecture: Architecture, number: int) -> DecoderLayer:
    """Return one block, its attention checked against the declared heads."""

    def gain(role: str) -> FloatArray | None:
        found = parts.find(role, number)
        return None if found is None else found + np.float32(architecture.norm_offset)

    block = DecoderLayer(
        query=parts.linear("attention.query", number),
        key=parts.linear("attention.key", number),
        value=parts.linear("attention.value", number),
        output=parts.linear("attention.output", number),
        gate=parts.linear("mlp.gate", number),
        up=parts.linear("mlp.up", number),
        down=parts.linear("mlp.down", number),
        norm_attention=parts.need("norm.attention", number) + np.float32(architecture.norm_offset),
        norm_mlp=parts.need("norm.mlp", number) + np.float32(architecture.norm_offset),
        norm_attention_post=gain("norm.attention_post"),
        norm_mlp_post=gain("norm.mlp_post"),
        norm_query=gain("norm.query"),
        norm_key=gain("norm.key"),
    )
    declared = (
        architecture.n_heads * architecture.head_dim,
        architecture.n_kv_heads * architecture.head_dim,
        architecture.n_kv_heads * architecture.head_dim,
        architecture.n_heads * architecture.head_dim,
    )
    found = (
        block.query.weight.shape[0],
        block.key.weight.shape[0],
        block.value.weight.shape[0],
        block.output.weight.shape[1],
    )
    if declared != found:
        raise InvalidInput(
            f"The declared heads ({architecture.n_heads} and {architecture.n_kv_heads} of {architecture.head_dim}) "
            f"do not fit the attention of layer {number}, whose matrices have {found} rows and columns.",
            hint="Correct the config.json; the engine does not guess which of the two is right.",
        )
    return block
