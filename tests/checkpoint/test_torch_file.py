"""PyTorch files against torch.save: views, ties, nesting and every element type, without unpickling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.checkpoint import open_checkpoint
from tests.checkpoint.test_safetensors import DTYPES, every_bit_pattern


@pytest.mark.parametrize("dtype", DTYPES, ids=DTYPES.values())
def test_every_dtype_decodes_as_torch_decodes_it(tmp_path, dtype):
    tensor = every_bit_pattern(dtype)
    torch.save({"w": tensor}, tmp_path / "m.pt")
    integer = dtype in (torch.uint16, torch.uint32, torch.uint64)
    expected = tensor.numpy().astype(np.float32) if integer else tensor.to(torch.float32).numpy()
    with open_checkpoint(tmp_path / "m.pt") as checkpoint:
        assert checkpoint.tensors["w"].dtype == DTYPES[dtype]
        np.testing.assert_array_equal(checkpoint.read("w"), expected)


@st.composite
def views(draw: st.DrawFn) -> torch.Tensor:
    """A transposed, cut or stepped view of a contiguous tensor."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    tensor = torch.arange(
        int(np.prod(shape)), dtype=draw(st.sampled_from([torch.float32, torch.int16]))
    ).reshape(shape)
    tensor = tensor.permute(draw(st.permutations(range(len(shape)))))
    for axis in range(tensor.ndim):
        start = draw(st.integers(0, tensor.shape[axis] - 1))
        stop = draw(st.integers(start, tensor.shape[axis]))
        step = draw(st.integers(1, 3))
        tensor = tensor[(slice(None),) * axis + (slice(start, stop, step),)]
    return tensor


@settings(max_examples=80, deadline=None)
@given(tensor=views(), data=st.data())
def test_any_view_is_read_as_torch_shows_it(tmp_path_factory, tensor, data):
    path = tmp_path_factory.getbasetemp() / "view.pt"
    torch.save({"w": tensor}, path)
    start = data.draw(st.integers(0, tensor.shape[0]))
    stop = data.draw(st.integers(start, tensor.shape[0]))
    with open_checkpoint(path) as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w"), tensor.to(torch.float32).numpy())
        np.testing.assert_array_equal(
            checkpoint.read("w", start, stop), tensor[start:stop].to(torch.float32).numpy()
        )
        assert b"".join(checkpoint.read_stored("w")) == tensor.contiguous().numpy().tobytes()


def test_nested_containers_become_dotted_names(tmp_path):
    weight = torch.randn(2, 2)
    saved = {
        "state_dict": {"a": weight, "b": torch.nn.Parameter(weight)},
        "epoch": 3,
        "more": [weight, (weight,)],
    }
    torch.save(saved, tmp_path / "m.ckpt")
    with open_checkpoint(tmp_path / "m.ckpt") as checkpoint:
        assert list(checkpoint.tensors) == ["state_dict.a", "state_dict.b", "more.0", "more.1.0"]
        for name in checkpoint.tensors:
            np.testing.assert_array_equal(checkpoint.read(name), weight.numpy())


def test_a_module_state_with_tied_tensors_is_read(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    module[1].weight = module[0].weight
    torch.save(module.state_dict(), tmp_path / "pytorch_model.bin")
    with open_checkpoint(tmp_path) as checkpoint:
        assert list(checkpoint.tensors) == ["0.weight", "0.bias", "1.weight", "1.bias"]
        np.testing.assert_array_equal(checkpoint.read("1.weight"), module[0].weight.detach().numpy())


@pytest.mark.filterwarnings("ignore")
def test_a_torchscript_archive_is_read_and_its_code_reported(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(3, 2))
    torch.jit.save(torch.jit.script(module), tmp_path / "m.pt")
    with open_checkpoint(tmp_path / "m.pt") as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("0.weight"), module[0].weight.detach().numpy())
        assert {threat.kind for threat in checkpoint.threats} == {"pickle", "code_file"}
