"""Many tiny models that never saw each other's weights, each trained in a second or two and kept as a sketch.

Every second model of an architecture sees the same data in the same order and differs in its seed alone; the others
see the same data, each in an order of its own.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    PreTrainedModel,
)

from dokja.lineage.sketch import Sketch
from dokja.lineage.sketch_file import read_sketch
from dokja.workflows.sketch import load_sketch, write_sketch
from studies.zoo import corpus, pictures, train

# A sampling seed of the study's own; every tensor of a model this small is sampled whole anyway.
SAMPLE_SEED = 20260401
TOKENS = 80_000
CONTEXT = 32
BATCH = 16
SIDE = 24
PICTURES = 2048
SAME_ORDER = 1
FIRST_SEED = 1000

COUNTS = {"llama": 48, "gpt2": 32, "clip_vision": 32, "mixtral": 20}
STEPS = {"llama": 120, "gpt2": 150, "clip_vision": 150, "mixtral": 120}
RATES = {"llama": 5e-3, "gpt2": 5e-3, "clip_vision": 3e-3, "mixtral": 5e-3}


@dataclass(frozen=True, slots=True)
class Tiny:
    """How one tiny model is made.

    Args:
        architecture: Key of `COUNTS`.
        seed: Of its initial weights.
        order: Seed of the order of its data.
        data: Seed of its data.
        steps: Optimiser steps.
    """

    architecture: str
    seed: int
    order: int
    data: int = 1
    steps: int = 0

    @property
    def name(self) -> str:
        """Unique over all ways to make one."""
        return f"{self.architecture}-{self.seed}-{self.data}-{self.order}-{self.steps}"


def independent() -> dict[str, list[Tiny]]:
    """Return the models of each architecture; no two share a seed."""
    made: dict[str, list[Tiny]] = {}
    for at, (architecture, count) in enumerate(COUNTS.items()):
        first = FIRST_SEED * (at + 1)
        made[architecture] = [
            Tiny(
                architecture,
                seed=first + i,
                order=SAME_ORDER if i % 2 == 0 else first + i,
                steps=STEPS[architecture],
            )
            for i in range(count)
        ]
    return made


def fresh(tiny: Tiny) -> PreTrainedModel:
    """Return the model with random weights from its seed."""
    torch.manual_seed(tiny.seed)
    words = len(corpus.word_pieces())
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    size = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    text = size | {"num_key_value_heads": 2, "head_dim": 12, "vocab_size": words} | ends
    text |= {"max_position_embeddings": 64}
    if tiny.architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(**text))
    if tiny.architecture == "mixtral":
        experts = {"num_local_experts": 4, "num_experts_per_tok": 2, "intermediate_size": 48}
        return MixtralForCausalLM(MixtralConfig(**text | experts | {"experts_implementation": "eager"}))
    if tiny.architecture == "gpt2":
        shape = {"n_embd": 48, "n_inner": 96, "n_layer": 2, "n_head": 4, "n_positions": 64}
        none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(GPT2Config(**shape, **none, **ends, vocab_size=words))
    shape = {"image_size": SIDE, "patch_size": 6, "projection_dim": pictures.LABELS}
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**size | shape))


def loss_of(tiny: Tiny) -> Callable[[nn.Module, int], Tensor]:
    """Return the loss of a step: the next token, or what a picture shows."""
    if tiny.architecture == "clip_vision":
        pixels, label = _pictures(tiny.data)
        chosen = _batches(len(pixels), tiny)

        def picture_loss(model: nn.Module, step: int) -> Tensor:
            seen = chosen[step]
            return nn.functional.cross_entropy(model(pixel_values=pixels[seen]).image_embeds, label[seen])

        return picture_loss
    windows = _windows(tiny.data)
    chosen = _batches(len(windows), tiny)

    def text_loss(model: nn.Module, step: int) -> Tensor:
        seen = windows[chosen[step]]
        return model(input_ids=seen, labels=seen).loss

    return text_loss


def make(tiny: Tiny, folder: Path) -> dict[str, object]:
    """Train a model, write its sketch into a folder, and return what happened."""
    train.be_deterministic(tiny.seed)
    model = fresh(tiny)
    began = time.process_time()
    seen = train.optimise(model, loss_of(tiny), tiny.steps, RATES[tiny.architecture])
    seconds = time.process_time() - began
    with tempfile.TemporaryDirectory() as written:
        model.half().save_pretrained(written)
        sketch = load_sketch(written, "full", SAMPLE_SEED, name=tiny.name)
    write_sketch(sketch, folder / f"{tiny.name}.sketch")
    last = seen[-10:]
    return {
        "first_loss": round(seen[0], 3),
        "final_loss": round(sum(last) / len(last), 3),
        "chance_loss": round(chance(tiny), 3),
        "steps": tiny.steps,
        "seconds": round(seconds, 2),
    }


def made(tiny: Tiny, folder: Path) -> Sketch:
    """Return the sketch of a model, trained now if it was not trained before; the record is kept beside it."""
    record = folder / f"{tiny.name}.json"
    if not record.exists():
        folder.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(make(tiny, folder)), "utf-8")
    return read_sketch(folder / f"{tiny.name}.sketch")


def record_of(tiny: Tiny, folder: Path) -> dict[str, float]:
    """Return what happened when a model was trained."""
    found: dict[str, float] = json.loads((folder / f"{tiny.name}.json").read_text("utf-8"))
    return found


def chance(tiny: Tiny) -> float:
    """Return the loss of a model that knows only how frequent words are, or no more than the number of labels."""
    if tiny.architecture == "clip_vision":
        return math.log(pictures.LABELS)
    return corpus.unigram_entropy(corpus.token_ids(tiny.data, TOKENS))


@cache
def _windows(data: int) -> Tensor:
    ids = corpus.token_ids(data, TOKENS)
    return torch.tensor(ids[: len(ids) // CONTEXT * CONTEXT].reshape(-1, CONTEXT))


@cache
def _pictures(data: int) -> tuple[Tensor, Tensor]:
    drawn = pictures.draw(data, PICTURES, SIDE)
    return torch.from_numpy(drawn.pixels), torch.from_numpy(drawn.label)


def _batches(number: int, tiny: Tiny) -> Tensor:
    rng = np.random.default_rng(tiny.order)
    epochs = math.ceil(tiny.steps * BATCH / number)
    drawn = np.concatenate([rng.permutation(number) for _ in range(epochs)])
    return torch.from_numpy(drawn[: tiny.steps * BATCH].reshape(tiny.steps, BATCH))
