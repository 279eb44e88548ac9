"""A decoder's forward pass in numpy float32: the log-likelihood of continuations, and nothing else.

A prompt and all its continuations go through the network once, packed in one sequence. Every token sees the prompt
and its own continuation only, and its position is counted along its own branch, so the prompt is computed once and
no padding is. Logits are computed where a continuation is predicted and nowhere else, a few rows at a time: with a
vocabulary of 262,144 a full table would be most of the work.

Peak memory is the float32 weights plus, for T packed tokens, about `4 * T * (T * heads + 6 * widest)` bytes of
activations and `4 * 32 * vocabulary` bytes of logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dokja.compute.architecture import Architecture
from dokja.compute.rotary import inverse_frequencies, rotate
from dokja.encodings.encoding import FloatArray
from dokja.errors import InvalidInput

_LOGIT_ROWS = 32
_GELU = float(np.sqrt(2.0 / np.pi))
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linear:
    """A matrix (outputs, inputs) and an optional bias (outputs,)."""

    weight: FloatArray
    bias: FloatArray | None = None

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return (tokens, outputs) for (tokens, inputs)."""
        y: FloatArray = x @ self.weight.T
        if self.bias is not None:
            y += self.bias
        return y


@dataclass(frozen=True, slots=True)
class DecoderLayer:
    """One block. A norm that the model does not have is None; gains already contain the family's offset."""

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    gate: Linear
    up: Linear
    down: Linear
    norm_attention: FloatArray
    norm_mlp: FloatArray
    norm_attention_post: FloatArray | None = None
    norm_mlp_post: FloatArray | None = None
    norm_query: FloatArray | None = None
    norm_key: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Packed:
    """A prompt and its continuations as one sequence.

    Args:
        tokens: (T,) token ids.
        positions: (T,) position of each token along its own branch.
        visible: (T, T) bool; whether row's token sees column's.
        rows: (R,) indices whose next token is scored.
        targets: (R,) the token each row predicts.
        owners: (R,) continuation each target belongs to.
    """

    tokens: IntArray
    positions: IntArray
    visible: NDArray[np.bool_]
    rows: IntArray
    targets: IntArray
    owners: IntArray


def pack(prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> Packed:
    """Return a prompt (at least one token) and non-empty continuations as one packed sequence."""
    if not prompt or not continuations or not all(len(tokens) for tokens in continuations):
        raise InvalidInput(
            "A likelihood needs a prompt of at least one token and continuations that are not empty."
        )
    start = len(prompt)
    tokens, positions = list(prompt), list(range(start))
    branch = [-1] * start
    rows: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    for owner, continuation in enumerate(continuations):
        first = len(tokens)
        # The last token of a continuation predicts nothing that is asked for, so it is never fed.
        fed = list(continuation[:-1])
        tokens += fed
        positions += range(start, start + len(fed))
        branch += [owner] * len(fed)
        rows += [start - 1, *range(first, first + len(fed))]
        targets += continuation
        owners += [owner] * len(continuation)
    of = np.asarray(branch)
    at = np.asarray(positions, dtype=np.int64)
    visible = ((of[None, :] == -1) | (of[:, None] == of[None, :])) & (at[:, None] >= at[None, :])
    return Packed(
        tokens=np.asarray(tokens, dtype=np.int64),
        positions=at,
        visible=visible,
        rows=np.asarray(rows, dtype=np.int64),
        targets=np.asarray(targets, dtype=np.int64),
        owners=np.asarray(owners, dtype=np.int64),
    )


class LanguageModel:
    """A decoder language model held in memory as float32.

    Args:
        architecture: How it is wired.
        embedding: (vocabulary, width) token embeddings.
        layers: The blocks, first to last.
        norm: (width,) gains of the last norm, the family's offset included.
        head: (vocabulary, width) output matrix; the embedding itself when tied.
    """

    def __init__(
        self,
        architecture: Architecture,
        embedding: FloatArray,
        layers: Sequence[DecoderLayer],
        norm: FloatArray,
        head: Linear,
    ) -> None:
        self.architecture = architecture
        self._embedding = embedding
        self._layers = tuple(layers)
        self._norm = norm
        self._head = head
        self._speeds = [
            inverse_frequencies(theta, architecture.head_dim, scaling)
            for theta, scaling in architecture.rotary
        ]

    @property
    def vocabulary_size(self) -> int:
        """Rows of the token embedding."""
        return int(self._embedding.shape[0])

    def log_likelihoods(self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[float]:
        """Return the natural-log probability of each continuation after the prompt.

        Args:
            prompt: Token ids, at least one.
            continuations: Token ids of each continuation, at least one each.

        Raises:
            InvalidInput: An id outside the vocabulary, or a sequence longer than the model's context.
        """
        packed = pack(prompt, continuations)
        largest = max(int(packed.tokens.max()), int(packed.targets.max()))
        if min(int(packed.tokens.min()), int(packed.targets.min())) < 0 or largest >= self.vocabulary_size:
            raise InvalidInput(
                f"Token {largest} is not one of the model's {self.vocabulary_size} embeddings."
            )
        longest = int(packed.positions.max()) + 2
        if longest > self.architecture.context_tokens:
            raise InvalidInput(
                f"{longest} tokens do not fit a context of {self.architecture.context_tokens}.",
                hint="Shorten the item, or leave the suite out for this model.",
            )
        scores = self._target_scores(self._hidden(packed), packed)
        return [float(total) for total in np.bincount(packed.owners, scores, minlength=len(continuations))]

    def _hidden(self, packed: Packed) -> FloatArray:
        """Return the (T, width) residual stream after the last block."""
        shape = self.architecture
        x: FloatArray = self._embedding[packed.tokens] * np.float32(shape.embedding_scale)
        masks: dict[int | None, FloatArray] = {}
        turns: dict[int, tuple[FloatArray, FloatArray]] = {}
        distance = packed.positions[:, None] - packed.positions[None, :]
        for number, layer in enumerate(self._layers):
            window = shape.windows[number]
            if window not in masks:
                seen = packed.visible if window is None else packed.visible & (distance < window)
                masks[window] = np.where(seen, np.float32(0), np.float32(-np.inf))
            speeds = self._speeds[number]
            key = hash(speeds.tobytes())
            if key not in turns:
                angles = packed.positions[:, None] * speeds[None, :]
                turns[key] = (
                    np.cos(angles).astype(np.float32)[:, None, :],
                    np.sin(angles).astype(np.float32)[:, None, :],
                )
            x = self._block(layer, x, masks[window], turns[key])
        return x

    def _block(
        self, layer: DecoderLayer, x: FloatArray, mask: FloatArray, turn: tuple[FloatArray, FloatArray]
    ) -> FloatArray:
        shape = self.architecture
        scale = np.float32(shape.residual_scale)
        added = self._attention(layer, self._normed(x, layer.norm_attention), mask, turn)
        if layer.norm_attention_post is not None:
            added = self._normed(added, layer.norm_attention_post)
        x = x + scale * added
        inner = self._normed(x, layer.norm_mlp)
        added = layer.down(_activate(layer.gate(inner), shape.activation) * layer.up(inner))
        if layer.norm_mlp_post is not None:
            added = self._normed(added, layer.norm_mlp_post)
        return x + scale * added

    def _attention(
        self, layer: DecoderLayer, x: FloatArray, mask: FloatArray, turn: tuple[FloatArray, FloatArray]
    ) -> FloatArray:
        shape = self.architecture
        n_tokens, groups = x.shape[0], shape.n_heads // shape.n_kv_heads
        query = layer.query(x).reshape(n_tokens, shape.n_heads, shape.head_dim)
        key = layer.key(x).reshape(n_tokens, shape.n_kv_heads, shape.head_dim)
        value = layer.value(x).reshape(n_tokens, shape.n_kv_heads, -1)
        if layer.norm_query is not None:
            query = self._normed(query, layer.norm_query)
        if layer.norm_key is not None:
            key = self._normed(key, layer.norm_key)
        query = rotate(query, *turn)
        key = rotate(key, *turn)
        # (kv heads, groups * T, head_dim): the query heads of a group share one matrix product with their key head.
        query = query.transpose(1, 0, 2).reshape(shape.n_kv_heads, groups * n_tokens, shape.head_dim)
        scores = query @ key.transpose(1, 2, 0) * np.float32(shape.attention_scale)
        scores = _softcap(scores, shape.attention_softcap).reshape(
            shape.n_kv_heads, groups, n_tokens, n_tokens
        )
        scores = scores + mask
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = scores.reshape(shape.n_kv_heads, groups * n_tokens, n_tokens) @ value.transpose(1, 0, 2)
        mixed = mixed.reshape(shape.n_heads, n_tokens, -1).transpose(1, 0, 2).reshape(n_tokens, -1)
        return layer.output(mixed)

    def _normed(self, x: FloatArray, gain: FloatArray) -> FloatArray:
        mean_square = np.mean(np.square(x), axis=-1, keepdims=True)
        y: FloatArray = x / np.sqrt(mean_square + np.float32(self.architecture.norm_epsilon)) * gain
        return y

    def _target_scores(self, hidden: FloatArray, packed: Packed) -> NDArray[np.float64]:
        """Return the (R,) log-probability of each target."""
        scores = np.empty(len(packed.rows), dtype=np.float64)
        rows, back = np.unique(packed.rows, return_inverse=True)
        for start in range(0, len(rows), _LOGIT_ROWS):
            x = self._normed(hidden[rows[start : start + _LOGIT_ROWS]], self._norm)
            logits = self._head(x) * np.float32(self.architecture.logit_scale)
            logits = _softcap(logits, self.architecture.logit_softcap)
            logits -= logits.max(axis=-1, keepdims=True)
            totals = np.log(np.exp(logits).sum(axis=-1, dtype=np.float64))
            here = np.flatnonzero((back >= start) & (back < start + _LOGIT_ROWS))
            scores[here] = logits[back[here] - start, packed.targets[here]] - totals[back[here] - start]
        return scores


def _softcap(x: FloatArray, bound: float | None) -> FloatArray:
    if bound is None:
        return x
    capped: FloatArray = np.tanh(x / np.float32(bound)) * np.float32(bound)
    return capped


def _activate(x: FloatArray, kind: str) -> FloatArray:
    if kind == "silu":
        # exp(-x) may overflow to infinity for very negative x, where x * sigmoid(x) is 0 as it should be.
        with np.errstate(over="ignore"):
            y: FloatArray = x / (1 + np.exp(-x))
        return y
    cubed = x * x * x
    gelu: FloatArray = 0.5 * x * (1 + np.tanh(np.float32(_GELU) * (x + np.float32(0.044715) * cubed)))
    return gelu
