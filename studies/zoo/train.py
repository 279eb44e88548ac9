"""Train models of the zoo: `python -m studies.zoo.train A B` or `python -m studies.zoo.train all`.

Deterministic on one CPU thread: the same machine makes the same bytes, another machine nearly the same weights.
Children start from the committed half-precision weights of their parent, so each model can be made again on its own.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
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

from studies.zoo import corpus, pictures, surgery
from studies.zoo.recipes import DEPTH_MAP, EXPERTS, RECIPES, Recipe

ZOO = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "zoo"
RESULTS = Path(__file__).with_name("results.json")

CORPUS_TOKENS = 400_000
CONTEXT_TOKENS = 32
BATCH = 32
PICTURES = 4096
PICTURE_SIDE = 24
WEIGHT_DECAY = 0.1
WARM_UP_SHARE = 0.05
FINAL_RATE_SHARE = 0.1
LAST_STEPS = 20

Loss = Callable[[nn.Module, int], Tensor]


def be_deterministic(seed: int) -> None:
    """One thread, deterministic kernels, seeded."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def fresh_model(recipe: Recipe) -> PreTrainedModel:
    """Return a model of the recipe's family with random weights from its seed."""
    torch.manual_seed(recipe.seed)
    words = len(corpus.word_pieces())
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    wide = {"hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 6}
    wide |= {
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": words,
        "max_position_embeddings": 256,
    } | ends
    slim = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    experts = {"num_local_experts": EXPERTS, "num_experts_per_tok": 2, "output_router_logits": True}
    experts |= {"router_aux_loss_coef": 0.01, "experts_implementation": "eager"}
    if recipe.family == "llama":
        layers = len(DEPTH_MAP) if recipe.surgery == "scale_depth" else wide["num_hidden_layers"]
        return LlamaForCausalLM(LlamaConfig(**wide | {"num_hidden_layers": layers}))
    if recipe.family == "mixtral_wide":
        return MixtralForCausalLM(MixtralConfig(**wide | experts))
    if recipe.family == "mixtral":
        return MixtralForCausalLM(MixtralConfig(**wide | slim | experts))
    if recipe.family == "gpt2":
        size = {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 64, "vocab_size": words}
        none = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        return GPT2LMHeadModel(GPT2Config(**size | none | ends))
    tower = {"hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3, "num_attention_heads": 4}
    shape = {"image_size": PICTURE_SIDE, "patch_size": 6, "projection_dim": pictures.LABELS}
    return CLIPVisionModelWithProjection(CLIPVisionConfig(**tower | shape))


def starting_model(recipe: Recipe) -> PreTrainedModel:
    """Return the model at step 0: fresh, or the parent's weights after the recipe's surgery."""
    model = fresh_model(recipe)
    if not recipe.parent:
        return model
    parent = load_model(recipe.parent)
    if recipe.surgery in ("none", "lora"):
        if recipe.surgery == "lora":
            surgery.add_low_rank(parent, recipe.seed)
        return parent
    weights = parent.state_dict()
    if recipe.surgery == "scale_depth":
        model.load_state_dict(surgery.scale_depth(weights))
    elif recipe.surgery == "keep_embedding":
        model.load_state_dict(surgery.keep_embedding(weights, model.state_dict()))
    elif recipe.surgery == "keep_body":
        model.load_state_dict(surgery.keep_body(weights, model.state_dict()))
    else:
        with torch.no_grad():
            surgery.to_experts(weights, model.state_dict())
    return model


def load_model(name: str) -> PreTrainedModel:
    """Load a committed model of the zoo in single precision, ready to train."""
    if RECIPES[name].family == "clip_vision":
        return CLIPVisionModelWithProjection.from_pretrained(ZOO / name, dtype=torch.float32)
    return AutoModelForCausalLM.from_pretrained(ZOO / name, dtype=torch.float32)


def batches(number: int, order: int, steps: int) -> np.ndarray:
    """Return which examples each step sees, (steps, BATCH); every epoch is shuffled anew."""
    rng = np.random.default_rng(order)
    epochs = math.ceil(steps * BATCH / number)
    drawn = np.concatenate([rng.permutation(number) for _ in range(epochs)])
    return drawn[: steps * BATCH].reshape(steps, BATCH)


def text_loss(recipe: Recipe) -> Loss:
    """Next-token loss on the recipe's text, or the distance to its teacher's output distribution on that text."""
    ids = corpus.token_ids(recipe.data, CORPUS_TOKENS, recipe.topics or None)
    windows = torch.tensor(ids[: len(ids) // CONTEXT_TOKENS * CONTEXT_TOKENS].reshape(-1, CONTEXT_TOKENS))
    chosen = batches(len(windows), recipe.order, recipe.steps)
    teacher = load_model(recipe.teacher).eval() if recipe.teacher else None

    def loss(model: nn.Module, step: int) -> Tensor:
        seen = windows[torch.from_numpy(chosen[step])]
        if teacher is None:
            return model(input_ids=seen, labels=seen).loss
        with torch.no_grad():
            target = teacher(input_ids=seen).logits.softmax(-1)
        log_share = model(input_ids=seen).logits.log_softmax(-1)
        return -(target * log_share).sum(-1).mean()

    return loss


def picture_loss(recipe: Recipe) -> Loss:
    """Cross-entropy of naming shape, colour and size of the recipe's pictures."""
    drawn = pictures.draw(recipe.data, PICTURES, PICTURE_SIDE)
    pixels, label = torch.from_numpy(drawn.pixels), torch.from_numpy(drawn.label)
    chosen = batches(PICTURES, recipe.order, recipe.steps)

    def loss(model: nn.Module, step: int) -> Tensor:
        seen = torch.from_numpy(chosen[step])
        return nn.functional.cross_entropy(model(pixel_values=pixels[seen]).image_embeds, label[seen])

    return loss


def optimise(model: nn.Module, loss: Loss, steps: int, peak_rate: float) -> list[float]:
    """Run AdamW with warm-up, cosine decay and clipping; return the loss of every step."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=peak_rate, betas=(0.9, 0.95))
    model.train()
    seen = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = peak_rate * rate_share(step, steps)
        optimiser.zero_grad()
        value = loss(model, step)
        value.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        seen.append(value.item())
    return seen


def rate_share(step: int, steps: int) -> float:
    """Return the learning rate at a step as a share of the peak."""
    warm_up = max(1, round(steps * WARM_UP_SHARE))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * done))


def make(name: str) -> tuple[PreTrainedModel, dict[str, object]]:
    """Train one model; return it and what happened."""
    recipe = RECIPES[name]
    be_deterministic(recipe.seed)
    model = starting_model(recipe)
    loss = picture_loss(recipe) if recipe.family == "clip_vision" else text_loss(recipe)
    begun = time.perf_counter()
    seen = optimise(model, loss, recipe.steps, recipe.peak_rate)
    seconds = time.perf_counter() - begun
    if recipe.surgery == "lora":
        surgery.merge_low_rank(model)
    tail = seen[-LAST_STEPS:]
    ids = corpus.token_ids(recipe.data, CORPUS_TOKENS, recipe.topics or None)
    chance = math.log(pictures.LABELS) if recipe.family == "clip_vision" else corpus.unigram_entropy(ids)
    return model, {
        "command": f"python -m studies.zoo.train {name}",
        "seed": recipe.seed,
        "parent": recipe.parent,
        "steps": recipe.steps,
        "first_loss": round(seen[0], 4),
        "final_loss": round(sum(tail) / len(tail), 4),
        "chance_loss": round(chance, 4),
        "seconds": round(seconds, 1),
    }


def save(name: str, model: PreTrainedModel, result: dict[str, object]) -> None:
    """Write the model in half precision and record what happened."""
    folder = ZOO / name
    model.half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    results[name] = result | {"file_bytes": (folder / "model.safetensors").stat().st_size}
    ordered = {known: results[known] for known in RECIPES if known in results}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


def main() -> None:
    """Train the models named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=[*RECIPES, "all"], metavar="NAME")
    names = parser.parse_args().names
    for name in RECIPES if "all" in names else names:
        model, result = make(name)
        save(name, model, result)
        print(
            f"{name}: loss {result['first_loss']} -> {result['final_loss']}, {result['seconds']} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
