"""Opening a model: find its files, recognise the format by content, hand out one `Checkpoint`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dokja.canonical import JSON
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import Checkpoint, Threat
from dokja.checkpoint.folder import Folder, LocalFolder, require_file_name
from dokja.checkpoint.gguf import parse_gguf
from dokja.checkpoint.limits import Limits, unreadable
from dokja.checkpoint.onnx_file import parse_onnx
from dokja.checkpoint.safetensors import parse_safetensors
from dokja.checkpoint.stored import Layout, StoredCheckpoint, merged
from dokja.checkpoint.torch_file import parse_torch
from dokja.checkpoint.vocabulary import find_vocabulary
from dokja.errors import InvalidInput

# Preferred first. A folder may hold several; exactly one is read, and the others are named as a threat.
_SUFFIXES = {
    ".safetensors": "safetensors",
    ".bin": "torch",
    ".pt": "torch",
    ".pth": "torch",
    ".ckpt": "torch",
    ".gguf": "gguf",
    ".onnx": "onnx",
}
_NOT_WEIGHTS = re.compile(r"(training_args|optimizer|scheduler|rng_state.*)\.(bin|pt|pth)")
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.[a-z]+)")


def open_checkpoint(source: str | Path, limits: Limits = Limits()) -> Checkpoint:  # noqa: B008  # frozen
    """Open a model's weights for looking; nothing of it is executed.

    Args:
        source: A file, or a folder with one model (config.json, tokenizer and weights in one format).
        limits: What its files may ask for.

    Raises:
        InvalidInput: There is no such file or folder, or no model in it.
        UnreadableArtifact: A file is not what it says.
    """
    path = Path(source)
    if path.is_dir():
        folder: Folder = LocalFolder(path)
        chosen, others = _choose(folder, limits)
    elif path.exists():
        folder, chosen, others = (
            LocalFolder(path.parent),
            _shards_of(LocalFolder(path.parent), path.name, limits),
            [],
        )
    else:
        raise InvalidInput(
            f"There is no file or folder {str(source)!r}.", hint="Name a model file or its folder."
        )
    files: list[ByteSource] = []
    try:
        return _open_files(str(source), folder, chosen, others, files, limits)
    except BaseException:
        for file in files:
            file.close()
        raise


def _open_files(
    source: str, folder: Folder, chosen: list[str], others: list[str], files: list[ByteSource], limits: Limits
) -> Checkpoint:
    layouts: list[Layout] = []
    formats: set[str] = set()
    for name in chosen:
        files.append(folder.open(name))
        format_name = _recognise(files[-1])
        formats.add(format_name)
        layouts.append(_parse(format_name, files[-1], folder, files, limits))
    if len(formats) != 1:
        raise unreadable(source, f"its shards are of different formats: {', '.join(sorted(formats))}")
    layout = merged(layouts, source, limits)
    layout.threats += [
        Threat("other_weights", name, "lies beside the weights and was not read") for name in others
    ]
    layout.threats += folder.threats()
    config: Mapping[str, JSON] = folder.read_json("config.json", limits) if folder.has("config.json") else {}
    return StoredCheckpoint(
        source,
        formats.pop(),
        layout,
        files,
        config=config,
        vocabulary=lambda: find_vocabulary(folder, limits),
    )


def _parse(
    format_name: str, file: ByteSource, folder: Folder, files: list[ByteSource], limits: Limits
) -> Layout:
    """Return what lies where in one file; files it points to are opened in the same folder and closed with it."""

    def open_beside(name: str) -> ByteSource:
        files.append(folder.open(name))
        return files[-1]

    if format_name == "onnx":
        return parse_onnx(file, limits, open_beside)
    parsers = {"safetensors": parse_safetensors, "torch": parse_torch, "gguf": parse_gguf}
    return parsers[format_name](file, limits)


def _recognise(file: ByteSource) -> str:
    """Return the format of a file by its first bytes; its name decides nothing."""
    head = file.read(0, min(file.size, 64))
    if head.startswith(b"GGUF"):
        return "gguf"
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"PK\3\4"):
        return "torch"
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        raise unreadable(
            file.name,
            "it is a bare pickle (PyTorch before 1.6, or another library), which is not read",
            hint="Ask for safetensors, or for a file saved by a PyTorch of 1.6 or later.",
        )
    if head.startswith(b"version https://git-lfs"):
        raise unreadable(file.name, "it is a pointer left by git-lfs, not the weights")
    if head[:1] == b"\x08" or file.name.endswith(".onnx"):  # ONNX has no magic; its first field is ir_version
        return "onnx"
    raise unreadable(file.name, "it is none of safetensors, GGUF, PyTorch zip or ONNX")


def _choose(folder: Folder, limits: Limits) -> tuple[list[str], list[str]]:
    """Return the files of the one format to read, and the weight files left unread."""
    names = folder.names() or []
    weights: dict[str, list[str]] = {}
    for name in names:
        kind = _SUFFIXES.get(Path(name).suffix)
        if kind and not _NOT_WEIGHTS.fullmatch(name):
            weights.setdefault(kind, []).append(name)
    for kind in dict.fromkeys(_SUFFIXES.values()):
        if kind in weights:
            chosen = _of_one_format(folder, names, weights[kind], kind, limits)
            return chosen, [name for others in weights.values() for name in others if name not in chosen]
    raise InvalidInput(
        f"{folder.name} holds no weights.",
        hint="A model folder holds .safetensors, .bin, .pt, .gguf or .onnx files.",
    )


def _of_one_format(
    folder: Folder, names: list[str], weights: list[str], kind: str, limits: Limits
) -> list[str]:
    index = {"safetensors": "model.safetensors.index.json", "torch": "pytorch_model.bin.index.json"}.get(kind)
    whole = {"safetensors": "model.safetensors", "torch": "pytorch_model.bin", "onnx": "model.onnx"}.get(kind)
    if index in names:
        return _indexed(folder, str(index), limits)
    if whole in weights:
        return [str(whole)]
    shards = _shards_of(folder, weights[0], limits)
    if set(shards) == set(weights):
        return shards
    raise InvalidInput(
        f"{folder.name} holds several models: {', '.join(weights[:5])}.",
        hint="Name one of the files instead.",
    )


def _indexed(folder: Folder, index: str, limits: Limits) -> list[str]:
    """Return the shards an index names, refusing anything but plain names of files that are there."""
    mapping = folder.read_json(index, limits).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise unreadable(index, "it has no weight_map")
    if len(mapping) > limits.tensors:
        raise unreadable(index, f"it maps more than {limits.tensors} tensors")
    shards = list(dict.fromkeys(require_file_name(shard, index) for shard in mapping.values()))
    if len(shards) > limits.files:
        raise unreadable(index, f"it names {len(shards)} shards; at most {limits.files} are read")
    for shard in shards:
        if not folder.has(shard):
            raise unreadable(index, f"it names the shard {shard}, which is not there")
    return sorted(shards)


def _shards_of(folder: Folder, name: str, limits: Limits) -> list[str]:
    """Return all shards of the set `name` belongs to (`x-00001-of-00003.gguf`), or itself alone."""
    match = _SHARD.fullmatch(name)
    if not match:
        return [name]
    count = int(match["count"])
    if not 1 <= count <= limits.files:
        raise unreadable(name, f"it says it is one of {count} shards; at most {limits.files} are read")
    shards = [
        f"{match['stem']}-{number:05d}-of-{count:05d}{match['suffix']}" for number in range(1, count + 1)
    ]
    missing = [shard for shard in shards if not folder.has(shard)]
    if missing:
        raise unreadable(name, f"the shard {missing[0]} is not there")
    return shards
