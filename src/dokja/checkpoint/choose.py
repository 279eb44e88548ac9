"""Which files of a folder are the model: one format, whole or in shards, and what is left unread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from dokja.checkpoint.folder import Folder, require_file_name
from dokja.checkpoint.limits import Limits, unreadable
from dokja.errors import InvalidInput

# Preferred first. A folder may hold several formats; exactly one is read, and the others are named as a threat.
SUFFIXES = {
    ".safetensors": "safetensors",
    ".bin": "torch",
    ".pt": "torch",
    ".pth": "torch",
    ".ckpt": "torch",
    ".gguf": "gguf",
    ".onnx": "onnx",
}
_INDEXES = {"safetensors": "model.safetensors.index.json", "torch": "pytorch_model.bin.index.json"}
_WHOLES = {"safetensors": "model.safetensors", "torch": "pytorch_model.bin", "onnx": "model.onnx"}
_NOT_WEIGHTS = re.compile(r"(training_args|optimizer|scheduler|rng_state.*)\.(bin|pt|pth)")
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.[a-z]+)")


@dataclass(frozen=True, slots=True)
class Choice:
    """The files to read.

    Args:
        files: Their names, all of one model.
        unread: Weight files of the folder that are not read.
        index: Name of the index the files were found by, or empty.
        mapping: Tensor to file, as the index says.
        named: Whether the person named a file; what else lies in its folder is then none of the submission.
    """

    files: list[str]
    unread: list[str] = field(default_factory=list)
    index: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    named: bool = False


def choose_files(folder: Folder, limits: Limits) -> Choice:
    """Return the files of the one model in a folder.

    Args:
        folder: Where to look.
        limits: Bounds on indexes and shards.

    Raises:
        InvalidInput: It holds no weights, or several models.
        UnreadableArtifact: An index or a set of shards is not what it says.
    """
    listed = folder.names()
    # A server lists nothing: ask for the usual names, and for no more once one is there.
    names = listed if listed is not None else _usual_names(folder)
    weights: dict[str, list[str]] = {}
    for name in names:
        kind = SUFFIXES.get(PurePath(name).suffix)
        if kind and not _NOT_WEIGHTS.fullmatch(name):
            weights.setdefault(kind, []).append(name)
    for kind in dict.fromkeys(SUFFIXES.values()):
        index = _INDEXES.get(kind, "")
        if index in names:
            mapping = _read_index(folder, index, limits)
            files = sorted(set(mapping.values()))
            return Choice(files, _others(weights, files), index, mapping)
        if kind in weights:
            files = _of_one_format(folder, weights[kind], kind, limits)
            return Choice(files, _others(weights, files))
    raise InvalidInput(
        f"{folder.name} holds no weights.",
        hint="A model folder holds .safetensors, .bin, .pt, .gguf or .onnx files; or name the file itself.",
    )


def choose_with(folder: Folder, name: str, limits: Limits) -> Choice:
    """Return all shards of the set a named file belongs to (`x-00001-of-00003.gguf`), or itself alone."""
    return Choice(_shards_of(folder, name, limits), named=True)


def _usual_names(folder: Folder) -> list[str]:
    usual = [
        name
        for kind in dict.fromkeys(SUFFIXES.values())
        for name in (_INDEXES.get(kind), _WHOLES.get(kind))
        if name
    ]
    return next(([name] for name in usual if folder.has(name)), [])


def _others(weights: Mapping[str, list[str]], files: list[str]) -> list[str]:
    return [name for names in weights.values() for name in names if name not in files]


def _of_one_format(folder: Folder, weights: list[str], kind: str, limits: Limits) -> list[str]:
    if _WHOLES.get(kind) in weights:
        return [_WHOLES[kind]]
    shards = _shards_of(folder, weights[0], limits)
    if set(shards) == set(weights):
        return shards
    raise InvalidInput(
        f"{folder.name} holds several models: {', '.join(weights[:5])}.",
        hint="Name one of the files instead.",
    )


def _read_index(folder: Folder, index: str, limits: Limits) -> dict[str, str]:
    """Return tensor to shard, refusing anything but plain names of files that are there."""
    mapping = folder.read_json(index, limits).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise unreadable(index, "it has no weight_map")
    if len(mapping) > limits.tensors:
        raise unreadable(index, f"it maps more than {limits.tensors} tensors")
    checked = {tensor: require_file_name(shard, index) for tensor, shard in mapping.items()}
    shards = set(checked.values())
    if len(shards) > limits.files:
        raise unreadable(index, f"it names {len(shards)} shards; at most {limits.files} are read")
    for shard in sorted(shards):
        if not folder.has(shard):
            raise unreadable(index, f"it names the shard {shard}, which is not there")
    return checked


def _shards_of(folder: Folder, name: str, limits: Limits) -> list[str]:
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
