"""Promise: whatever the bytes, a reader reads them or raises UnreadableArtifact; it hangs on none and runs none."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dokja.checkpoint import Limits, digest_tensors, open_checkpoint
from dokja.checkpoint.pickled import read_pickle
from dokja.errors import UnreadableArtifact
from tests.checkpoint.model_files import FORMATS, small_weights, write_model

SECONDS = 2.0
# What a fuzzed count may ask for is kept small, so that an example that reads fine also reads quickly.
LIMITS = Limits(header_bytes=1 << 20, steps=50_000)


@pytest.fixture(scope="module")
def valid(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("valid")
    return {kind: write_model(folder / f"m.{kind}", kind, small_weights()).read_bytes() for kind in FORMATS}


@st.composite
def mutations(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """A few edits, each at a share of the file's length; most fall near the front, where headers are."""
    edit = st.tuples(
        st.sampled_from(["flip", "overwrite", "insert", "delete", "truncate"]),
        st.floats(0, 1) | st.floats(0, 0.2),
        st.binary(min_size=1, max_size=9)
        | st.sampled_from([b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7, b"\x80" * 11]),
    )
    return draw(st.lists(edit, min_size=1, max_size=4))


def mutated(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, payload in edits:
        at = int(share * len(data))
        if kind == "flip" and at < len(data):
            data = data[:at] + bytes([data[at] ^ (payload[0] or 1)]) + data[at + 1 :]
        elif kind == "overwrite":
            data = data[:at] + payload + data[at + len(payload) :]
        elif kind == "insert":
            data = data[:at] + payload + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(payload) :]
        elif kind == "truncate":
            data = data[:at]
    return data


def read_everything(path: Path) -> None:
    with open_checkpoint(path, LIMITS) as checkpoint:
        for name, info in checkpoint.tensors.items():
            assert checkpoint.read(name).shape == info.shape
            assert sum(map(len, checkpoint.read_stored(name))) == info.stored_bytes
        assert checkpoint.vocabulary is None or len(checkpoint.vocabulary) <= 3
        digest_tensors(checkpoint)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=mutations())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, valid, kind, edits):
    path = tmp_path_factory.getbasetemp() / f"fuzz.{kind}"
    path.write_bytes(mutated(valid[kind], edits))
    started = time.perf_counter()
    with contextlib.suppress(UnreadableArtifact):
        read_everything(path)
    assert time.perf_counter() - started < SECONDS


@pytest.mark.parametrize("kind", FORMATS)
def test_every_truncation_is_read_or_refused_and_none_gives_other_values(tmp_path, valid, kind):
    data = valid[kind]
    path = tmp_path / f"cut.{kind}"
    expected = {name: tensor.numpy() for name, tensor in small_weights().items()}
    for length in range(0, len(data), max(1, len(data) // 150)):
        path.write_bytes(data[:length])
        try:
            with open_checkpoint(path) as checkpoint:
                for name in checkpoint.tensors:
                    np.testing.assert_array_equal(checkpoint.read(name), expected[name])
        except UnreadableArtifact:
            continue


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=300),
    mark=st.sampled_from([b"", b"GGUF\3\0\0\0", b"PK\3\4", b"\x08\x07\x3a", b"\x40" + b"\0" * 7 + b"{"]),
)
def test_arbitrary_bytes_are_refused(tmp_path_factory, data, mark):
    path = tmp_path_factory.getbasetemp() / "noise.onnx"
    path.write_bytes(mark + data)
    with contextlib.suppress(UnreadableArtifact):
        read_everything(path)


PICKLE_PIECES = [bytes([code]) for code in b"(01N\x88\x89]})t\x85\x86\x87laesubQR\x81.\x94"] + [
    b"\x80\x02",
    b"K\x03",
    b"J\xff\xff\xff\xff",
    b"X\x03\0\0\0abc",
    b"X\x07\0\0\0storage",
    b"X\x01\0\0\x000",
    b"q\0",
    b"h\0",
    b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ccollections\nOrderedDict\n",
    b"c__torch__.A\nB\n",
]


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(st.sampled_from(PICKLE_PIECES), max_size=60))
def test_any_sequence_of_known_pickle_operations_is_read_or_refused(pieces):
    with contextlib.suppress(UnreadableArtifact):
        read_pickle(b"".join(pieces) + b".", "m.pt", LIMITS)
