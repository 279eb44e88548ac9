"""Known attacks on readers of weights, one named test each. Every one is answered quickly and in little memory."""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from dokja.checkpoint import open_checkpoint
from dokja.errors import InvalidInput, UnreadableArtifact
from tests.checkpoint.model_files import save_onnx, small_weights, write_model

CPU_SECONDS = 4.0
MORE_BYTES = 512 << 20


@contextmanager
def bounded() -> Iterator[None]:
    """Fail when the block computes for longer, or asks the system for more memory, than the readers promise."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_BYTES, before[1]))
    started = time.process_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - started < CPU_SECONDS


def refused(path: Path, match: str) -> None:
    with bounded(), pytest.raises(UnreadableArtifact, match=match):
        open_checkpoint(path)


def safetensors_file(path: Path, header: str | bytes, data: bytes = b"") -> Path:
    text = header.encode() if isinstance(header, str) else header
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def entry(shape: list[int], begin: int, end: int, dtype: str = "U8") -> str:
    return json.dumps({"dtype": dtype, "shape": shape, "data_offsets": [begin, end]})


def gguf_file(path: Path, n_tensors: int, n_keys: int, body: bytes) -> Path:
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_keys) + body)
    return path


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


# --- safetensors -------------------------------------------------------------------------------------------------


def test_a_header_with_the_same_tensor_twice(tmp_path):
    header = f'{{"w":{entry([2], 0, 2)},"w":{entry([2], 2, 4)}}}'
    refused(safetensors_file(tmp_path / "m.safetensors", header, b"1234"), "same key twice")


def test_a_tensor_named_like_a_path(tmp_path):
    header = f'{{"a/../../etc/passwd":{entry([2], 0, 2)}}}'
    refused(safetensors_file(tmp_path / "m.safetensors", header, b"12"), "is a path")


def test_fifty_megabytes_of_metadata(tmp_path):
    header = '{"__metadata__":{"note":"' + "x" * (50 << 20) + '"}}'
    refused(safetensors_file(tmp_path / "m.safetensors", header), "header declares")
    smaller = '{"__metadata__":{"note":"' + "x" * (8 << 20) + '"}}'
    refused(safetensors_file(tmp_path / "m.safetensors", smaller), "__metadata__ has 1 entries")


def test_a_million_empty_tensors(tmp_path):
    empty = entry([0], 0, 0)
    header = "{" + ",".join(f'"t{number}":{empty}' for number in range(1_000_000)) + "}"
    refused(safetensors_file(tmp_path / "m.safetensors", header), "header declares")
    fitting = "{" + ",".join(f'"{number}":{empty}' for number in range(440_000)) + "}"
    refused(safetensors_file(tmp_path / "m.safetensors", fitting), "more than 300000 tensors")


def test_a_header_of_nothing_but_brackets(tmp_path):
    refused(
        safetensors_file(tmp_path / "m.safetensors", '{"a":' + "[" * 20_000_000), "more than 300000 tensors"
    )
    refused(safetensors_file(tmp_path / "m.safetensors", '{"a":' + "[" * 100_000), "cannot be read")


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 4000])
def test_a_header_longer_than_its_file(tmp_path, length):
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}" + b" " * 100)
    refused(path, "header declares")


@pytest.mark.parametrize(
    ("entries", "data", "match"),
    [
        ({"a": entry([2], 0, 2), "b": entry([2], 1, 3)}, b"123", "overlaps"),
        ({"a": entry([2], 0, 2), "b": entry([2], 3, 5)}, b"12345", "hole"),
        ({"a": entry([2], 0, 2)}, b"123", "follow the last tensor"),
        ({"a": entry([2], 0, 3)}, b"123", "needs 2"),
        ({"a": entry([2**33, 2**33], 0, 2)}, b"12", r"more than 2\^48"),
        ({"a": entry([2**63], 0, 2)}, b"12", "axis of length"),
        ({"a": entry([-2], 0, 2)}, b"12", "axis of length"),
        ({"a": entry([2], 0, 200)}, b"12", "outside"),
        ({"a": entry([2], 0, 2, "F128")}, b"12", "unknown dtype"),
        ({"a": '{"dtype":"U8","shape":[true],"data_offsets":[0,1]}'}, b"1", "axis of length True"),
        ({"a": '{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1}'}, b"1", "exactly"),
        ({"a": '{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}'}, b"1", "axis of length"),
    ],
)
def test_a_header_that_lies_about_its_data(tmp_path, entries, data, match):
    header = "{" + ",".join(f'"{name}":{text}' for name, text in entries.items()) + "}"
    refused(safetensors_file(tmp_path / "m.safetensors", header, data), match)


@pytest.mark.parametrize(
    "name", ["", "a\\u0000b", "\\ud800", "a\\u202eb", "x" * 2000, "/etc/passwd", "..\\\\x"]
)
def test_a_tensor_name_nobody_should_print(tmp_path, name):
    refused(safetensors_file(tmp_path / "m.safetensors", f'{{"{name}":{entry([1], 0, 1)}}}', b"1"), "name")


@pytest.mark.parametrize(
    "shard", ["../other/m.safetensors", "/etc/passwd", "a/b.safetensors", ".hidden", "", 5]
)
def test_an_index_that_points_outside_the_folder(tmp_path, shard):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": shard}}))
    refused(tmp_path, "no plain file name")


def test_an_index_that_says_a_tensor_is_where_it_is_not(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "x.safetensors")
    save_file({"b": torch.zeros(2)}, tmp_path / "y.safetensors")
    mapping = {"a": "y.safetensors", "b": "x.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": mapping}))
    refused(tmp_path, "where it is not")


def test_the_same_tensor_in_two_shards(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "m-00001-of-00002.safetensors")
    save_file({"a": torch.ones(2)}, tmp_path / "m-00002-of-00002.safetensors")
    refused(tmp_path, "stored twice")


# --- GGUF --------------------------------------------------------------------------------------------------------


def test_a_gguf_of_113_bytes_with_an_array_of_a_million_million_elements(tmp_path):
    body = gguf_text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2**40)
    path = gguf_file(tmp_path / "m.gguf", 0, 1, body)
    path.write_bytes(path.read_bytes().ljust(113, b"\0"))
    refused(path, "may be read")


def test_a_gguf_with_eight_megabytes_of_bytes_in_an_array_is_stepped_over(tmp_path):
    body = gguf_text("blob") + struct.pack("<IIQ", 9, 0, 8 << 20) + bytes(8 << 20)
    with bounded(), open_checkpoint(gguf_file(tmp_path / "m.gguf", 0, 1, body)) as checkpoint:
        assert checkpoint.metadata["blob"] == {"array_of": "B", "length": 8 << 20}


def test_a_gguf_of_nested_arrays(tmp_path):
    body = gguf_text("nested") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 5000
    refused(gguf_file(tmp_path / "m.gguf", 0, 1, body), "do not nest")


@pytest.mark.parametrize("counts", [(2**63, 0), (0, 2**63), (2**32, 1), (1, 2**64 - 1)])
def test_a_gguf_with_more_tensors_or_keys_than_bytes(tmp_path, counts):
    refused(gguf_file(tmp_path / "m.gguf", *counts, b"\0" * 64), "more than is read")


def test_a_gguf_of_millions_of_empty_strings(tmp_path):
    body = gguf_text("many") + struct.pack("<IIQ", 9, 8, 3_000_000) + bytes(8 * 3_000_000)
    refused(gguf_file(tmp_path / "m.gguf", 0, 1, body), "more than is read")


def test_a_gguf_string_longer_than_its_file(tmp_path):
    refused(gguf_file(tmp_path / "m.gguf", 0, 1, struct.pack("<Q", 2**63) + b"key"), "at most")
    body = gguf_text("key") + struct.pack("<IQ", 8, 2**20) + b"short"
    refused(gguf_file(tmp_path / "m.gguf", 0, 1, body), "may be read")


def test_a_gguf_with_the_same_key_twice(tmp_path):
    pair = gguf_text("general.architecture") + struct.pack("<I", 8) + gguf_text("llama")
    refused(gguf_file(tmp_path / "m.gguf", 0, 2, pair + pair), "occurs twice")


@pytest.mark.parametrize(
    ("axes", "offset", "match"),
    [
        ([2**40, 2**40], 0, r"2\^48"),
        ([2**63, 2, 2], 0, "axis of length"),
        ([2**32, 2**15], 0, "behind the file"),
        ([2, 2], 2**63, "hole or is not aligned"),
        ([2, 2], 1, "hole or is not aligned"),
        ([1, 1, 1, 1, 1], 0, "5 axes"),
    ],
)
def test_a_gguf_whose_shapes_overflow(tmp_path, axes, offset, match):
    declaration = gguf_text("w") + struct.pack(f"<I{len(axes)}QIQ", len(axes), *axes, 0, offset)
    refused(gguf_file(tmp_path / "m.gguf", 1, 0, declaration + bytes(64)), match)


@pytest.mark.parametrize("alignment", [0, 3, 2**31, 2**20])
def test_a_gguf_with_an_alignment_that_is_none(tmp_path, alignment):
    body = gguf_text("general.alignment") + struct.pack("<II", 4, alignment)
    refused(gguf_file(tmp_path / "m.gguf", 0, 1, body), "alignment")


def test_a_gguf_whose_tensors_overlap(tmp_path):
    declarations = b"".join(gguf_text(name) + struct.pack("<IQIQ", 1, 4, 0, 0) for name in "ab")
    refused(gguf_file(tmp_path / "m.gguf", 2, 0, declarations + bytes(96)), "overlaps")


# --- PyTorch -----------------------------------------------------------------------------------------------------

REDUCE_CHAIN = (
    b"\x80\x02cfunctools\nreduce\ncoperator\nadd\n]q\0(X\x04\0\0\0echoX\x04\0\0\0 hiteX\0\0\0\0\x87R."
)


def torch_file(path: Path, pickle: bytes, **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickle)
        for name, data in more.items():
            archive.writestr(f"m/data/{name}", data)
    return path


def tensor_pickle(
    key: str = "s",
    elements: int = 4,
    offset: int = 0,
    shape: bytes = b"K\x04\x85",
    stride: bytes = b"K\x01\x85",
) -> bytes:
    """A pickle of {"w": tensor} over a float storage, with every number open to lies."""
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + key.encode() + b"X\x03\0\0\0cpu"
    storage += b"J" + struct.pack("<i", elements) + b"tQ"
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"J" + struct.pack("<i", offset) + shape + stride
    )
    return b"\x80\x02}X\x01\0\0\0w" + tensor + b"\x89ccollections\nOrderedDict\n)RtRs."


def test_a_pickle_that_calls_reduce_and_add(tmp_path):
    refused(torch_file(tmp_path / "m.pt", REDUCE_CHAIN), "functools.reduce")


@pytest.mark.parametrize(
    "name",
    ["os\nsystem", "builtins\neval", "torch\nload", "torch.storage\n_load_from_bytes", "torch\nnn.Module"],
)
def test_a_pickle_that_names_anything_else(tmp_path, name):
    module, attribute = name.split("\n")
    refused(torch_file(tmp_path / "a.pt", b"\x80\x02c" + name.encode() + b"\n."), "asks for")
    texts = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, attribute))
    refused(torch_file(tmp_path / "b.pt", b"\x80\x04" + texts + b"\x93."), "asks for")


class _Payload:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran')",))


def test_a_payload_saved_by_torch_itself_is_named_and_not_run(tmp_path):
    torch.save({"w": torch.zeros(2), "x": _Payload()}, tmp_path / "m.bin")
    refused(tmp_path / "m.bin", r"__builtin__.exec")


def test_a_pickle_of_doubling_lists(tmp_path):
    """Each list holds the one before it twice: 200 bytes describe 2^60 paths."""
    pickle = b"\x80\x02]" + b"q\0(h\0h\0l0](h\0h\0e" * 30
    refused(torch_file(tmp_path / "m.pt", pickle + b"."), "held too many times")


def test_a_pickle_of_endless_nesting(tmp_path):
    refused(
        torch_file(tmp_path / "m.pt", b"\x80\x02" + b"]" * 400_000 + b"a" * 399_999 + b"."), "nest deeper"
    )
    refused(
        torch_file(tmp_path / "m.pt", b"\x80\x02}" + b")" + b"\x85" * 500_000 + b"Ns."),
        "neither text nor number",
    )


def test_a_pickle_that_never_stops(tmp_path):
    refused(torch_file(tmp_path / "m.pt", b"\x80\x02" + b"N0" * 2_000_000 + b"."), "runs beyond")


@pytest.mark.parametrize(
    ("lie", "match"),
    [
        ({"elements": 2**31 - 1}, "has 16 bytes, not"),
        ({"offset": 1}, "outside its storage"),
        ({"offset": -1}, "strides"),
        ({"shape": b"K\x05\x85"}, "outside its storage"),
        (
            {"shape": b"\x8a\x06" + (2**40).to_bytes(6, "little") + b"\x85", "stride": b"K\0\x85"},
            "outside its storage",
        ),
        ({"stride": b"J\xff\xff\xff\xff\x85"}, "strides"),
        ({"stride": b")"}, "strides"),
        ({"key": "t"}, "not in the archive"),
    ],
)
def test_a_tensor_that_reaches_outside_its_storage(tmp_path, lie, match):
    good = torch_file(tmp_path / "good.pt", tensor_pickle(), s=np.arange(4, dtype="<f4").tobytes())
    with open_checkpoint(good) as checkpoint:
        assert checkpoint.read("w").tolist() == [0, 1, 2, 3]
    refused(torch_file(tmp_path / "m.pt", tensor_pickle(**lie), s=bytes(16)), match)


def test_a_zip_bomb(tmp_path):
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", bytes(30 << 20))
    assert path.stat().st_size < 200_000
    refused(path, "compressed")


def test_a_compressed_storage(tmp_path):
    path = torch_file(tmp_path / "m.pt", tensor_pickle())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data/s", bytes(16))
    refused(path, "compressed")


def test_archive_entries_that_share_their_bytes(tmp_path):
    """The overlapping zip bomb: many directory entries over one file."""
    path = torch_file(tmp_path / "m.pt", tensor_pickle(), a=bytes(16), s=bytes(16))
    data = bytearray(path.read_bytes())
    first, second = (data.rfind(b"m/data/" + key) for key in (b"a", b"s"))
    data[second - 4 : second] = data[first - 4 : first]  # the directory's offset of the second entry
    path.write_bytes(data)
    refused(path, "overlaps|differs from its local header")


def test_an_archive_directory_that_differs_from_the_local_headers(tmp_path):
    path = torch_file(tmp_path / "m.pt", tensor_pickle(), s=bytes(16))
    data = path.read_bytes()
    at = data.find(b"m/data/s")
    path.write_bytes(data[:at] + b"m/data/t" + data[at + 8 :])
    refused(path, "differs from its local header")


@pytest.mark.parametrize("name", ["../m/data.pkl", "/m/data.pkl", "m/data/\x07"])
def test_an_archive_entry_that_is_a_path(tmp_path, name):
    path = tmp_path / "m.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}.")
        archive.writestr(name, b"")
    refused(path, "no plain path")


def test_bytes_before_or_behind_an_archive(tmp_path):
    good = torch_file(tmp_path / "m.pt", tensor_pickle(), s=bytes(16)).read_bytes()
    (tmp_path / "m.pt").write_bytes(good + b"more")
    refused(tmp_path / "m.pt", "bytes follow")
    (tmp_path / "m.pt").write_bytes(b"PK\3\4" + good)
    refused(tmp_path / "m.pt", "does not end where it should")


def test_a_legacy_or_bare_pickle_is_refused_with_what_to_do(tmp_path):
    torch.save(small_weights(), tmp_path / "m.bin", _use_new_zipfile_serialization=False)
    refused(tmp_path / "m.bin", "bare pickle")


# --- ONNX --------------------------------------------------------------------------------------------------------


def external(location: str, offset: str = "0", length: str = "16") -> TensorProto:
    tensor = TensorProto(name="w", dims=[4], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=value)
    return tensor


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/w", "..", "", "w\0"])
def test_external_data_outside_the_folder(tmp_path, location):
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_bytes(bytes(16))
    path = tmp_path / "folder" / "m.onnx"
    save_onnx(path, [], [])
    graph = helper.make_graph([], "g", [], [], [external(location)])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    refused(path, "no plain file name")


@pytest.mark.parametrize(
    ("offset", "length"), [("4", "16"), ("0", "12"), ("-4", "16"), ("9" * 30, "16"), ("٣", "16")]
)
def test_external_data_that_lies_about_its_place(tmp_path, offset, length):
    (tmp_path / "w.bin").write_bytes(bytes(16))
    graph = helper.make_graph([], "g", [], [], [external("w.bin", offset, length)])
    (tmp_path / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    refused(tmp_path / "m.onnx", "lies")


def test_external_data_that_is_a_link_out_of_the_folder(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "w.bin").symlink_to(tmp_path / "secret")
    graph = helper.make_graph([], "g", [], [], [external("w.bin")])
    (tmp_path / "folder" / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    refused(tmp_path / "folder" / "m.onnx", "link that leaves")


def length_field(number: int, payload: bytes) -> bytes:
    size, varint = len(payload), b""
    while size > 127:
        varint, size = varint + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + varint + bytes([size]) + payload


def test_graphs_nested_without_end(tmp_path):
    graph = b""
    for _ in range(3000):
        graph = length_field(1, length_field(5, length_field(6, graph)))  # node, attribute, its graph
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08" + length_field(7, graph))
    refused(tmp_path / "m.onnx", "nest deeper")


def test_a_message_of_millions_of_fields(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08" + length_field(7, b"\x60\x01" * 2_500_000))
    refused(tmp_path / "m.onnx", "fields")


def test_a_shape_that_does_not_fit_its_data(tmp_path):
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "w")
    tensor.dims[:] = [2**40, 2**40]
    save_onnx(tmp_path / "m.onnx", [], [tensor])
    refused(tmp_path / "m.onnx", r"2\^48")
    tensor.dims[:] = [5]
    save_onnx(tmp_path / "m.onnx", [], [tensor])
    refused(tmp_path / "m.onnx", "needs 20")


# --- folders and disguises ---------------------------------------------------------------------------------------


def test_a_link_that_leaves_the_folder_is_reported_and_never_followed(tmp_path):
    outside = write_model(tmp_path / "outside.safetensors", "safetensors", small_weights())
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").symlink_to(outside)
    refused(folder, "link that leaves")
    (folder / "model.safetensors").unlink()
    write_model(folder / "model.safetensors", "safetensors", small_weights())
    (folder / "notes.txt").symlink_to("/etc/hostname")
    with open_checkpoint(folder) as checkpoint:
        assert [threat.where for threat in checkpoint.threats if threat.kind == "symlink"] == ["notes.txt"]


def test_a_pipe_does_not_hang_the_reader(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with bounded(), pytest.raises(InvalidInput, match="no regular file"):
        open_checkpoint(tmp_path / "model.safetensors")


def test_a_file_that_is_two_formats_at_once_is_reported(tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as inner:
        inner.writestr("evil.py", "boom")
    hidden = np.frombuffer(archive.getvalue(), np.uint8).copy()
    save_file({"w": torch.from_numpy(hidden)}, tmp_path / "m.bin")
    with open_checkpoint(tmp_path / "m.bin") as checkpoint:
        details = {threat.detail for threat in checkpoint.threats if threat.kind == "polyglot"}
    assert details == {"is named like torch, but is safetensors", "ends as a zip archive does"}


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
        "{{ lipsum.a }}",
        "{% include 'x' %}",
        "{{ '{0.a}'.format(x) }}",
        "x" * 70_000,
    ],
)
def test_a_chat_template_that_reaches_for_more_is_reported_and_never_rendered(tmp_path, template):
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    (tmp_path / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "evil.Model"}}))
    (tmp_path / "evil.py").write_text("raise SystemExit")
    with open_checkpoint(tmp_path) as checkpoint:
        assert {threat.kind for threat in checkpoint.threats} == {"chat_template", "remote_code", "code_file"}


def test_an_ordinary_chat_template_is_no_threat(tmp_path):
    template = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    write_model(tmp_path / "model.safetensors", "safetensors", small_weights())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.threats == ()
