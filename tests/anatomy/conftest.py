"""Each tiny model is made once, asked once, and written once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from dokja.anatomy import Anatomy, describe
from dokja.canonical import parse_json
from tests.anatomy import tiny_models
from tests.anatomy.memory_checkpoint import MemoryCheckpoint


@dataclass
class Tiny:
    """A real model in torch, its weights as arrays, and its files."""

    name: str
    folder: Path

    @cached_property
    def model(self) -> Any:
        return tiny_models.make(self.name)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        return {key: value.detach().numpy().copy() for key, value in self.model.state_dict().items()}

    @cached_property
    def config(self) -> dict[str, Any]:
        return parse_json((self.saved / "config.json").read_bytes())

    @cached_property
    def answer(self) -> torch.Tensor:
        return tiny_models.answer(self.model)

    @cached_property
    def saved(self) -> Path:
        self.model.save_pretrained(self.folder / self.name)
        return self.folder / self.name

    def in_memory(self) -> MemoryCheckpoint:
        return MemoryCheckpoint(self.arrays, self.config)

    def on_disk(self) -> MemoryCheckpoint:
        return MemoryCheckpoint(load_file(self.saved / "model.safetensors"), self.config)

    @cached_property
    def anatomy(self) -> Anatomy:
        return describe(self.in_memory())

    def answer_with(self, arrays: dict[str, np.ndarray]) -> torch.Tensor:
        """Return what the model computes with other weights, and put its own back."""
        self.model.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in arrays.items()})
        try:
            return tiny_models.answer(self.model)
        finally:
            self.model.load_state_dict(
                {key: torch.from_numpy(array.copy()) for key, array in self.arrays.items()}
            )


_MADE: dict[str, Tiny] = {}


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(params=list(tiny_models.MAKERS))
def tiny(request: pytest.FixtureRequest, tiny_folder: Path) -> Tiny:
    return _MADE.setdefault(request.param, Tiny(request.param, tiny_folder))


@pytest.fixture
def llama(tiny_folder: Path) -> Tiny:
    return _MADE.setdefault("llama", Tiny("llama", tiny_folder))
