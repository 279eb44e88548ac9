"""Models that share no descent, made to look alike: none of them is called a copy or derived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn
from torch.nn.functional import cross_entropy, relu
from transformers import LlamaConfig, LlamaForCausalLM

from dokja.workflows.compare import Comparison, compare

Matrix = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Matrix]
SHAPES = {"a.weight": (64, 32), "b.weight": (128, 64), "c.weight": (64, 128), "d.weight": (10, 64)}


def written(folder: Path, tensors: dict[str, Any]) -> str:
    folder.mkdir()
    arrays = {name: np.ascontiguousarray(value, np.float32) for name, value in tensors.items()}
    save_file(arrays, folder / "model.safetensors")
    return str(folder)


def relations(suspect: str, reference: str) -> set[str]:
    return {row["relation"] for row in compare(Comparison(suspect, (reference,)))["components"]}


ACCUSATIONS = {"copy", "derived", "partly_derived"}
ALIKE: dict[str, Draw] = {
    "near one constant": lambda rng, shape: 0.5 + 1e-6 * rng.standard_normal(shape),
    "identities": lambda _, shape: np.eye(*shape),
    "identities and noise": lambda rng, shape: np.eye(*shape) + 0.02 * rng.standard_normal(shape),
    "sorted columns": lambda rng, shape: np.sort(rng.standard_normal(shape), axis=0),
    "heavy tails": lambda rng, shape: rng.standard_t(1.2, shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "rank one": lambda rng, shape: np.outer(*(rng.standard_normal(n) for n in shape)),
    "outlier units": lambda rng, shape: (
        rng.standard_normal(shape) * np.where(np.arange(shape[0]) % 9, 1, 50)[:, None]
    ),
}


@pytest.mark.parametrize("alike", ALIKE)
def test_strangers_alike_in_structure_are_not_accused(alike: str, tmp_path: Path) -> None:
    suspect, reference = (
        written(tmp_path / str(seed), {n: ALIKE[alike](np.random.default_rng(seed), s) for n, s in SHAPES.items()})
        for seed in (1, 2)
    )  # fmt: skip
    assert not relations(suspect, reference) & ACCUSATIONS


def test_a_handful_of_coarse_values_agrees_by_chance_and_is_no_copy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    suspect, reference = (
        written(tmp_path / str(n), {f"m{i}": rng.choice([-1.0, 1.0], (2, 3)) for i in range(n)})
        for n in (4, 500)
    )
    assert not relations(suspect, reference) & ACCUSATIONS


class Convolutions(nn.Module):
    """As torch starts them: the biases are drawn, like the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 3, stride=2)
        self.third = nn.Conv2d(64, 64, 3, stride=2)
        self.head = nn.Linear(64, 10)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        hidden = relu(self.third(relu(self.second(relu(self.first(pictures))))))
        answer: torch.Tensor = self.head(hidden.mean((2, 3)))
        return answer


def trained_little(folder: Path, data_seed: int) -> str:
    torch.manual_seed(5)
    model = Convolutions()
    draws = torch.Generator().manual_seed(data_seed)
    classes = torch.randn(10, 3, 10, 10, generator=draws)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.0)
    for _ in range(20):
        labels = torch.randint(0, 10, (32,), generator=draws)
        pictures = classes[labels] + 0.7 * torch.randn(32, 3, 10, 10, generator=draws)
        optimiser.zero_grad()
        cross_entropy(model(pictures), labels).backward()
        optimiser.step()
    return written(folder, {name: value.numpy() for name, value in model.state_dict().items()})


def test_siblings_by_seed_whose_biases_were_drawn_are_linked_and_not_derived(tmp_path: Path) -> None:
    assert relations(trained_little(tmp_path / "1", 1), trained_little(tmp_path / "2", 2)) == {"linked"}


def language_model(folder: Path, data_seed: int, *, drawn_biases: bool) -> str:
    torch.manual_seed(5)
    sizes: dict[str, Any] = {
        "vocab_size": 200,
        "hidden_size": 64,
        "intermediate_size": 176,
        "num_hidden_layers": 2,
    }
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2}
    biases: dict[str, Any] = {"attention_bias": drawn_biases, "mlp_bias": drawn_biases}
    model = LlamaForCausalLM(LlamaConfig(**sizes, **heads, **biases))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.uniform_(parameter, -0.125, 0.125)
    draws = torch.Generator().manual_seed(data_seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5)
    for _ in range(10):
        text = torch.randint(0, 200, (8, 24), generator=draws)
        optimiser.zero_grad()
        model(input_ids=text, labels=text).loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("drawn_biases", [False, True])
def test_siblings_of_a_language_model_that_hardly_trained_are_linked_in_every_component(
    drawn_biases: bool, tmp_path: Path
) -> None:
    pair = [language_model(tmp_path / str(seed), seed, drawn_biases=drawn_biases) for seed in (1, 2)]
    assert relations(*pair) == {"linked"}
