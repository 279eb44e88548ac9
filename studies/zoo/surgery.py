"""What is done to a parent's weights before a child is trained on. Works on state dictionaries in torch.

A LoRA is trained as one (rank 8 on every projection) and merged at the end; the other surgeries only prepare a start.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from studies.zoo.recipes import DEPTH_MAP

Weights = dict[str, Tensor]

LORA_RANK = 8


def keep_embedding(parent: Weights, fresh: Weights) -> Weights:
    """Take only the parent's token embedding; everything else is fresh."""
    return {name: parent[name] if "embed_tokens" in name else value for name, value in fresh.items()}


def keep_body(parent: Weights, fresh: Weights) -> Weights:
    """Take everything but the parent's token embedding and output head, which are fresh."""
    ends = ("embed_tokens", "lm_head")
    return {
        name: fresh[name] if any(end in name for end in ends) else value for name, value in parent.items()
    }


def scale_depth(parent: Weights) -> Weights:
    """Stack the parent's layers as DEPTH_MAP says: the first and the last few of them overlap in the middle."""
    child = {name: value for name, value in parent.items() if ".layers." not in name}
    for new, old in enumerate(DEPTH_MAP):
        prefix = f"model.layers.{old}."
        for name, value in parent.items():
            if name.startswith(prefix):
                child[f"model.layers.{new}." + name.removeprefix(prefix)] = value.clone()
    return child


def to_experts(dense: Weights, experts: Weights) -> None:
    """Copy a dense model into every expert of a Mixtral model, in place; routers stay fresh.

    Args:
        dense: State dictionary of a Llama-shaped model.
        experts: State dictionary of a Mixtral of the same sizes, whose class stacks experts along the first axis.
    """
    for name, value in experts.items():
        head, _, role = name.partition("experts.")
        if role == "gate_up_proj":
            value.copy_(
                torch.cat([dense[f"{head}gate_proj.weight"], dense[f"{head}up_proj.weight"]]).expand_as(value)
            )
        elif role == "down_proj":
            value.copy_(dense[f"{head}down_proj.weight"].expand_as(value))
        elif name in dense:
            value.copy_(dense[name])


class LowRankLinear(nn.Module):
    """A frozen linear layer plus a trainable low-rank change, `W + B A`."""

    def __init__(self, base: nn.Linear, generator: torch.Generator) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        bound = 1 / math.sqrt(base.in_features)
        down = torch.empty(LORA_RANK, base.in_features).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(down)
        self.up = nn.Parameter(torch.zeros(base.out_features, LORA_RANK))

    def forward(self, hidden: Tensor) -> Tensor:
        return self.base(hidden) + (hidden @ self.down.T) @ self.up.T

    def merged(self) -> nn.Linear:
        """Return the plain layer with the change added in."""
        with torch.no_grad():
            self.base.weight += self.up @ self.down
        return self.base.requires_grad_(True)


def add_low_rank(model: nn.Module, seed: int) -> None:
    """Replace every projection inside the layers by a `LowRankLinear` and freeze the rest."""
    generator = torch.Generator().manual_seed(seed)
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and name.endswith("_proj"):
                setattr(parent, name, LowRankLinear(child, generator))


def merge_low_rank(model: nn.Module) -> None:
    """Undo `add_low_rank`, keeping what was learned."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LowRankLinear):
                setattr(parent, name, child.merged())
