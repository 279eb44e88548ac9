"""Train the demo's models: `python -m studies.zoo.demo_models donor vlm vlm_honest scratch` (or `all`).

`donor` is a tiny model of Qwen2.5-VL's class, trained on invented pictures and text. `vlm` is a tiny model of HyperCLOVA
X Vision's class: its language model is trained from scratch, with its own seed, tokenizer and text; its vision encoder is
`donor`'s, frozen; its projector is fresh. `vlm_honest` is the same but trains a vision encoder of its own. `scratch` is a
text model trained from scratch. Deterministic as `studies.zoo.train` is.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    HyperCLOVAXConfig,
    HyperCLOVAXVisionV2Config,
    HyperCLOVAXVisionV2ForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
)

from studies.zoo import corpus, pictures
from studies.zoo.tokenizer import byte_level_tokenizer, caption
from studies.zoo.train import BATCH, CONTEXT_TOKENS, LAST_STEPS, Loss, batches, be_deterministic, optimise

MODELS = Path(__file__).resolve().parents[2] / "examples" / "demo" / "models"
RESULTS = MODELS / "results.json"

TEXT_TOKENS = 600_000
PICTURES = 4096
PICTURE_SIDE = 32
PATCH_SIDE = 4
MERGE = 2
PATCHES_A_SIDE = PICTURE_SIDE // PATCH_SIDE
IMAGE_TOKENS = (PATCHES_A_SIDE // MERGE) ** 2
PAD, BOS, EOS, IMAGE = range(4)
IGNORED = -100

_ENDS = {"pad_token_id": PAD, "bos_token_id": BOS, "eos_token_id": EOS}
_TEXT = {
    "hidden_size": 96,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
} | _ENDS
_VISION = {
    "depth": 4,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_heads": 4,
    "patch_size": PATCH_SIDE,
    "temporal_patch_size": 2,
    "spatial_merge_size": MERGE,
    "window_size": PICTURE_SIDE,
    "fullatt_block_indexes": [1, 3],
    "out_hidden_size": _TEXT["hidden_size"],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How one of the demo's models is trained.

    Args:
        seed: Of its random weights.
        data: Seed of its text and pictures.
        vocabulary: Size of its tokenizer.
        text_steps: Steps on text alone.
        picture_steps: Steps on text and captioned pictures together.
        borrowed_vision: Whether its vision encoder is the donor's, kept frozen.
    """

    seed: int
    data: int
    vocabulary: int
    text_steps: int
    picture_steps: int = 0
    borrowed_vision: bool = False
    peak_rate: float = 3e-3


PLANS = {
    "donor": Plan(seed=71, data=11, vocabulary=640, text_steps=200, picture_steps=500),
    "vlm": Plan(seed=72, data=12, vocabulary=768, text_steps=600, picture_steps=200, borrowed_vision=True),
    "vlm_honest": Plan(seed=72, data=12, vocabulary=768, text_steps=600, picture_steps=500),
    "scratch": Plan(seed=73, data=13, vocabulary=1024, text_steps=1000, peak_rate=2e-3),
}


def fresh_model(name: str, vocabulary: int) -> PreTrainedModel:
    """Return the model's class with random weights."""
    text = _TEXT | {"vocab_size": vocabulary}
    pixels = {"image_token_id": IMAGE, "video_token_id": vocabulary - 1, "tie_word_embeddings": True}
    if name == "donor":
        rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
        text |= {"rope_parameters": rope, "tie_word_embeddings": True}
        return Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(text_config=text, vision_config=_VISION, **pixels)
        )
    if name == "scratch":
        size = {
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
        }
        return LlamaForCausalLM(LlamaConfig(**text | size, tie_word_embeddings=True))
    text |= {"model_type": "hyperclovax", "use_post_norm": False, "tie_word_embeddings": True}
    vision = _VISION | {"model_type": "qwen2_5_vl_vision"}
    config = HyperCLOVAXVisionV2Config(text_config=HyperCLOVAXConfig(**text), vision_config=vision, **pixels)
    return HyperCLOVAXVisionV2ForConditionalGeneration(config)


def text_windows(plan: Plan, tokenizer: Tokenizer) -> Tensor:
    """Tokenise the plan's corpus into training windows, (windows, CONTEXT_TOKENS)."""
    ids: list[int] = []
    texts = corpus.documents_as_text(plan.data)
    while len(ids) < TEXT_TOKENS:
        for encoded in tokenizer.encode_batch(list(itertools.islice(texts, 500))):
            ids.extend([BOS, *encoded.ids, EOS])
    kept = len(ids) // CONTEXT_TOKENS * CONTEXT_TOKENS
    return torch.tensor(ids[:kept]).reshape(-1, CONTEXT_TOKENS)


def patches(pixels: np.ndarray) -> np.ndarray:
    """Cut pictures (n, 3, side, side) into the rows that the vision encoder reads, (n, patches, values).

    Patches of one merged square lie together, and each is repeated for the two frames of a still picture.
    """
    number = len(pixels)
    squares = PATCHES_A_SIDE // MERGE
    cut = pixels.reshape(number, 3, squares, MERGE, PATCH_SIDE, squares, MERGE, PATCH_SIDE)
    rows = cut.transpose(0, 2, 5, 3, 6, 1, 4, 7)[:, :, :, :, :, :, None]
    return np.repeat(rows, 2, axis=6).reshape(number, PATCHES_A_SIDE**2, -1)


def captioned(plan: Plan, tokenizer: Tokenizer) -> tuple[Tensor, Tensor]:
    """Return patches (n, patches, values) and token ids (n, tokens): BOS, image tokens, caption, EOS, padding."""
    drawn = pictures.draw(plan.data, PICTURES, PICTURE_SIDE)
    rng = np.random.default_rng(plan.data)
    written = []
    for words in zip(drawn.shape, drawn.colour, drawn.size, strict=True):
        sentence = caption(*words, corpus.LANGUAGES[rng.integers(2)])
        written.append([BOS, *[IMAGE] * IMAGE_TOKENS, *tokenizer.encode(sentence).ids, EOS])
    longest = max(map(len, written))
    ids = torch.tensor([row + [PAD] * (longest - len(row)) for row in written])
    return torch.from_numpy(patches(drawn.pixels)), ids


def text_loss(windows: Tensor, order: int, steps: int) -> Loss:
    """Next-token loss on text."""
    chosen = torch.from_numpy(batches(len(windows), order, steps))

    def loss(model: PreTrainedModel, step: int) -> Tensor:
        seen = windows[chosen[step]]
        return model(input_ids=seen, labels=seen).loss

    return loss


def caption_loss(patched: Tensor, ids: Tensor, order: int, steps: int) -> Loss:
    """Next-token loss on captions, given their pictures."""
    chosen = torch.from_numpy(batches(len(ids), order, steps))
    grid = torch.tensor([[1, PATCHES_A_SIDE, PATCHES_A_SIDE]]).expand(BATCH, 3)
    labels = ids.masked_fill((ids == PAD) | (ids == IMAGE), IGNORED)

    def loss(model: PreTrainedModel, step: int) -> Tensor:
        seen = chosen[step]
        pixels = patched[seen].flatten(0, 1)
        return model(input_ids=ids[seen], labels=labels[seen], pixel_values=pixels, image_grid_thw=grid).loss

    return loss


def borrow_vision(model: PreTrainedModel) -> None:
    """Put the committed donor's vision encoder into the model and freeze it."""
    donor = load_file(MODELS / "donor" / "model.safetensors")
    tower = {
        name.removeprefix("visual."): value for name, value in donor.items() if name.startswith("visual.")
    }
    model.model.vision_model.load_state_dict(tower)
    model.model.vision_model.requires_grad_(False)


def make(name: str) -> tuple[PreTrainedModel, Tokenizer, dict[str, object]]:
    """Train one model; return it, its tokenizer and what happened."""
    plan = PLANS[name]
    be_deterministic(plan.seed)
    tokenizer = byte_level_tokenizer(plan.data, plan.vocabulary)
    model = fresh_model(name, plan.vocabulary)
    windows = text_windows(plan, tokenizer)
    begun = time.perf_counter()
    seen = optimise(model, text_loss(windows, plan.seed, plan.text_steps), plan.text_steps, plan.peak_rate)
    result = {
        "command": f"python -m studies.zoo.demo_models {name}",
        "seed": plan.seed,
        "steps": plan.text_steps + plan.picture_steps,
        "text_loss": round(float(np.mean(seen[-LAST_STEPS:])), 4),
        "unigram_entropy": round(corpus.unigram_entropy(windows.flatten().numpy()), 4),
    }
    if plan.picture_steps:
        result |= learn_pictures(model, plan, tokenizer, windows)
    result["seconds"] = round(time.perf_counter() - begun, 1)
    return model, tokenizer, result


def learn_pictures(
    model: PreTrainedModel, plan: Plan, tokenizer: Tokenizer, windows: Tensor
) -> dict[str, float]:
    """Train on text and captioned pictures together; return the losses of both at the end."""
    if plan.borrowed_vision:
        borrow_vision(model)
    about_text = text_loss(windows, plan.seed + 100, plan.picture_steps)
    about_pictures = caption_loss(*captioned(plan, tokenizer), plan.seed, plan.picture_steps)
    captions: list[float] = []

    def both(trained: PreTrainedModel, step: int) -> Tensor:
        described = about_pictures(trained, step)
        captions.append(described.item())
        return described + about_text(trained, step)

    sums = optimise(model, both, plan.picture_steps, plan.peak_rate / 3)
    described, summed = np.mean(captions[-LAST_STEPS:]), np.mean(sums[-LAST_STEPS:])
    return {"text_loss": round(float(summed - described), 4), "caption_loss": round(float(described), 4)}


def save(name: str, model: PreTrainedModel, tokenizer: Tokenizer, result: dict[str, object]) -> None:
    """Write weights in half precision, config, tokenizer, and what happened."""
    folder = MODELS / name
    model.half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    results[name] = result | {"file_bytes": (folder / "model.safetensors").stat().st_size}
    RESULTS.write_text(json.dumps({n: results[n] for n in PLANS if n in results}, indent=1) + "\n", "utf-8")


def main() -> None:
    """Train the models named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=[*PLANS, "all"], metavar="NAME")
    names = parser.parse_args().names
    for name in PLANS if "all" in names else names:
        model, tokenizer, result = make(name)
        save(name, model, tokenizer, result)
        print(f"{name}: {result}", flush=True)


if __name__ == "__main__":
    main()
