"""GGUF against the public `gguf` package: every block type value for value, every header written by its writer."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from dokja.checkpoint import open_checkpoint
from dokja.errors import UnreadableArtifact

DECODED = [
    Kind.Q4_0,
    Kind.Q4_1,
    Kind.Q5_0,
    Kind.Q5_1,
    Kind.Q8_0,
    Kind.Q2_K,
    Kind.Q3_K,
    Kind.Q4_K,
    Kind.Q5_K,
    Kind.Q6_K,
    Kind.MXFP4,
]


def write_gguf(
    path: Path, tensors: dict[str, tuple[np.ndarray, Kind | None]], tokens: list[str] | None = None
) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    if tokens:
        writer.add_token_list(tokens)
    for name, (array, kind) in tensors.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def random_blocks(kind: Kind, rows: int, blocks: int, seed: int) -> np.ndarray:
    """Any bytes are valid blocks, so random ones reach every scale, minimum and quant, infinite scales included."""
    _, width = gguf.GGML_QUANT_SIZES[kind]
    return np.random.default_rng(seed).integers(0, 256, (rows, blocks * width), dtype=np.uint8)


def public_values(raw: np.ndarray, kind: Kind) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return gguf.dequantize(raw, kind)


@pytest.mark.parametrize("kind", DECODED, ids=lambda kind: kind.name)
@settings(max_examples=12, deadline=None)
@given(rows=st.integers(1, 5), blocks=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_every_block_type_decodes_to_the_values_of_the_public_package(
    tmp_path_factory, kind, rows, blocks, seed
):
    raw = random_blocks(kind, rows, blocks, seed)
    path = write_gguf(tmp_path_factory.mktemp("gguf") / "m.gguf", {"w": (raw, kind)})
    expected = public_values(raw, kind)
    with open_checkpoint(path) as checkpoint:
        np.testing.assert_array_equal(checkpoint.read("w"), expected)
        assert checkpoint.tensors["w"].shape == expected.shape
        assert checkpoint.tensors["w"].dtype == kind.name
        for start in range(rows):
            np.testing.assert_array_equal(checkpoint.read("w", start, rows), expected[start:])


def test_only_the_bytes_of_the_rows_asked_for_are_read(tmp_path):
    raw = random_blocks(Kind.Q4_K, 64, 2, 7)
    with open_checkpoint(write_gguf(tmp_path / "m.gguf", {"w": (raw, Kind.Q4_K)})) as checkpoint:
        checkpoint.read("w", 10, 13)
        assert checkpoint.bytes_read == 3 * raw.shape[1]


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "int8", "int16", "int32", "int64"])
def test_plain_types_keep_values_and_torch_axis_order(tmp_path, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    with open_checkpoint(write_gguf(tmp_path / "m.gguf", {"w": (array, None)})) as checkpoint:
        assert checkpoint.tensors["w"].shape == (2, 3, 4)
        np.testing.assert_array_equal(checkpoint.read("w"), array.astype(np.float32))


def test_a_one_dimensional_quantised_tensor_can_be_cut_inside_a_block(tmp_path):
    raw = random_blocks(Kind.Q8_0, 1, 3, 3)[0]
    with open_checkpoint(write_gguf(tmp_path / "m.gguf", {"w": (raw, Kind.Q8_0)})) as checkpoint:
        whole = public_values(raw, Kind.Q8_0)
        np.testing.assert_array_equal(checkpoint.read("w", 30, 35), whole[30:35])


def test_the_vocabulary_is_the_token_list_in_row_order(tmp_path):
    tokens = [f"token{row}" for row in range(9000)]
    array = np.zeros((2, 2), np.float32)
    path = write_gguf(tmp_path / "m.gguf", {"w": (array, None)}, tokens)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.vocabulary == {token: row for row, token in enumerate(tokens)}
        assert checkpoint.metadata["tokenizer.ggml.tokens"] == {"array_of": "string", "length": 9000}
        assert checkpoint.metadata["general.architecture"] == "llama"


def test_types_that_are_listed_but_not_decoded_say_so_when_read(tmp_path):
    raw = np.zeros((2, gguf.GGML_QUANT_SIZES[Kind.IQ2_S][1]), np.uint8)
    with open_checkpoint(write_gguf(tmp_path / "m.gguf", {"w": (raw, Kind.IQ2_S)})) as checkpoint:
        assert checkpoint.tensors["w"].dtype == "IQ2_S"
        with pytest.raises(UnreadableArtifact, match="IQ2_S"):
            checkpoint.read("w")


def test_a_big_endian_file_is_refused(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + struct.pack(">IQQ", 3, 0, 0))
    with pytest.raises(UnreadableArtifact, match="big-endian"):
        open_checkpoint(path)
