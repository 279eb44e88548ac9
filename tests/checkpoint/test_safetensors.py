"""safetensors against the public library: same names, shapes and values; shards and dtypes included."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from dokja.checkpoint import digest_tensors, open_checkpoint
from dokja.errors import InvalidInput, UnreadableArtifact

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e8m0fnu: "F8_E8M0",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.uint16: "U16",
    torch.uint32: "U32",
    torch.uint64: "U64",
    torch.bool: "BOOL",
}


def every_bit_pattern(dtype: torch.dtype) -> torch.Tensor:
    """All values of a type of one or two bytes; random bits of a wider one."""
    if dtype == torch.bool:
        return torch.tensor([[False, True]] * 3)
    width = torch.empty(0, dtype=dtype).element_size()
    if width <= 2:
        bits = np.arange(256**width, dtype=f"u{width}")
    else:
        bits = np.random.default_rng(width).integers(0, 256, 4096 * width, dtype=np.uint8).view(f"u{width}")
    return torch.from_numpy(bits.view(f"i{width}").copy()).view(dtype).reshape(-1, 16)


@pytest.mark.parametrize("dtype", DTYPES, ids=DTYPES.values())
def test_every_dtype_decodes_as_torch_decodes_it(tmp_path, dtype):
    tensor = every_bit_pattern(dtype)
    save_file({"w": tensor}, tmp_path / "m.safetensors")
    with open_checkpoint(tmp_path / "m.safetensors") as checkpoint:
        assert checkpoint.tensors["w"].dtype == DTYPES[dtype]
        # numpy's own cast is the oracle for integers, because torch has none for wide unsigned types.
        integer = dtype in (torch.uint16, torch.uint32, torch.uint64)
        expected = tensor.numpy().astype(np.float32) if integer else tensor.to(torch.float32).numpy()
        np.testing.assert_array_equal(checkpoint.read("w"), expected)


@st.composite
def tensor_sets(draw):
    """A few tensors of any supported type and small shape, some empty, some scalar."""
    names = draw(
        st.lists(
            st.from_regex(r"[abc](\.?[abc0_]){0,8}", fullmatch=True), min_size=1, max_size=5, unique=True
        )
    )
    tensors = {}
    for name in names:
        shape = draw(st.lists(st.integers(0, 5), max_size=3))
        dtype = draw(st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.int64]))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
        tensors[name] = (torch.randn(shape, generator=generator) * 20).to(dtype)
    return tensors


@settings(max_examples=60, deadline=None)
@given(tensors=tensor_sets())
def test_it_reads_what_the_public_library_reads(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("st") / "m.safetensors"
    save_file(tensors, path)
    with safe_open(path, "pt") as theirs, open_checkpoint(path) as ours:
        assert set(theirs.keys()) == set(ours.tensors)
        for name in theirs.keys():  # noqa: SIM118  # not a mapping
            whole = theirs.get_tensor(name).to(torch.float32).numpy()
            np.testing.assert_array_equal(ours.read(name), whole)
            if whole.ndim:
                middle = whole.shape[0] // 2
                np.testing.assert_array_equal(ours.read(name, middle), whole[middle:])
                np.testing.assert_array_equal(ours.read(name, 0, middle), whole[:middle])


def write_shards(folder: Path, shards: dict[str, dict[str, torch.Tensor]]) -> Path:
    for file, tensors in shards.items():
        save_file(tensors, folder / file)
    mapping = {name: file for file, tensors in shards.items() for name in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": mapping}))
    return folder


def test_sharding_changes_neither_values_nor_the_weights_digest(tmp_path):
    a, b = torch.randn(4, 3), torch.randn(5).to(torch.bfloat16)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    save_file({"a": a, "b": b}, tmp_path / "one" / "model.safetensors")
    write_shards(tmp_path / "two", {"x-1.safetensors": {"b": b}, "x-2.safetensors": {"a": a}})
    with open_checkpoint(tmp_path / "one") as one, open_checkpoint(tmp_path / "two") as two:
        assert set(one.tensors) == set(two.tensors)
        np.testing.assert_array_equal(one.read("a"), two.read("a"))
        assert digest_tensors(one) == digest_tensors(two)


@pytest.mark.parametrize("change", ["value", "name", "dtype", "shape"])
def test_the_weights_digest_notices_every_change(tmp_path, change):
    base = torch.arange(6, dtype=torch.int16).reshape(2, 3)
    other = {
        "value": {"w": base + torch.tensor([[0, 0, 0], [0, 0, 1]], dtype=torch.int16)},
        "name": {"v": base},
        "dtype": {"w": base.view(torch.float16)},
        "shape": {"w": base.reshape(3, 2)},
    }[change]
    save_file({"w": base}, tmp_path / "a.safetensors")
    save_file(other, tmp_path / "b.safetensors")
    with open_checkpoint(tmp_path / "a.safetensors") as a, open_checkpoint(tmp_path / "b.safetensors") as b:
        assert digest_tensors(a) != digest_tensors(b)


def test_asking_for_what_is_not_there_is_the_callers_mistake(tmp_path):
    save_file({"w": torch.zeros(3, 2)}, tmp_path / "m.safetensors")
    with open_checkpoint(tmp_path / "m.safetensors") as checkpoint:
        with pytest.raises(InvalidInput, match="no tensor"):
            checkpoint.read("v")
        with pytest.raises(InvalidInput, match="outside"):
            checkpoint.read("w", 2, 4)
    with pytest.raises(InvalidInput, match="no file or folder"):
        open_checkpoint(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no weights"):
        open_checkpoint(tmp_path / "empty")


def test_a_shard_that_is_missing_or_mapped_outside_is_refused(tmp_path):
    write_shards(
        tmp_path, {"x-1.safetensors": {"a": torch.zeros(2)}, "x-2.safetensors": {"b": torch.zeros(2)}}
    )
    (tmp_path / "x-2.safetensors").unlink()
    with pytest.raises(UnreadableArtifact, match=r"x-2\.safetensors, which is not there"):
        open_checkpoint(tmp_path)
