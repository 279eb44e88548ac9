"""Opening a model: find its files, recognise the format by content, hand out one `Checkpoint`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

from dokja.canonical import JSON
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import Checkpoint, Threat
from dokja.checkpoint.choose import SUFFIXES, Choice, choose_files, choose_with
from dokja.checkpoint.folder import Folder, LocalFolder
from dokja.checkpoint.gguf import parse_gguf
from dokja.checkpoint.limits import Limits, unreadable
from dokja.checkpoint.onnx_file import parse_onnx
from dokja.checkpoint.remote import HUGGING_FACE, RemoteFolder, resolve_repository
from dokja.checkpoint.safetensors import parse_safetensors
from dokja.checkpoint.stored import Layout, StoredCheckpoint, merged
from dokja.checkpoint.threats import find_threats
from dokja.checkpoint.torch_file import parse_torch
from dokja.checkpoint.vocabulary import find_vocabulary
from dokja.errors import InvalidInput

_DEFAULT_LIMITS = Limits()
_MOST_UNLISTED = 20


def open_checkpoint(
    source: str | Path, limits: Limits = _DEFAULT_LIMITS, *, endpoint: str = HUGGING_FACE
) -> Checkpoint:
    """Open a model's weights for looking; nothing of it is executed.

    Args:
        source: A file, a folder with one model (config.json, tokenizer and weights in one format), the https://
            address of either, or `hf://org/name[@revision]`.
        limits: What its files may ask for.
        endpoint: Server that `hf://` addresses are resolved at.

    Raises:
        InvalidInput: There is no such file or folder, or no model in it.
        UnreadableArtifact: A file is not what it says.
        Unavailable: A server cannot be reached or does not honour ranges.
    """
    folder, choice = _locate(str(source), limits, endpoint)
    files: list[ByteSource] = []
    try:
        return _open_files(str(source), folder, choice, files, limits)
    except BaseException:
        for file in files:
            file.close()
        raise


def _locate(source: str, limits: Limits, endpoint: str) -> tuple[Folder, Choice]:
    """Return the folder of a model and the files of it to read."""
    if source.startswith("hf://"):
        source = resolve_repository(source, endpoint)
    if source.startswith(("https://", "http://")):
        address, _, last = source.rstrip("/").rpartition("/")
        if PurePath(last).suffix in SUFFIXES:
            folder: Folder = RemoteFolder(address)
            return folder, choose_with(folder, last, limits)
        folder = RemoteFolder(source)
        return folder, choose_files(folder, limits)
    path = Path(source)
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        is_folder, exists = False, False
    if is_folder:
        folder = LocalFolder(path)
        return folder, choose_files(folder, limits)
    if exists:
        folder = LocalFolder(path.parent, named=path.name)
        return folder, choose_with(folder, path.name, limits)
    raise InvalidInput(f"There is no file or folder {source!r}.", hint="Name a model file or its folder.")


def _open_files(
    source: str, folder: Folder, choice: Choice, files: list[ByteSource], limits: Limits
) -> Checkpoint:
    layouts: list[Layout] = []
    formats: set[str] = set()
    for name in choice.files:
        files.append(folder.open(name))
        format_name = _recognise(files[-1])
        formats.add(format_name)
        layouts.append(_parse(format_name, files[-1], folder, files, limits))
    if len(formats) != 1:
        raise unreadable(source, f"its shards are of different formats: {', '.join(sorted(formats))}")
    layout = merged(layouts, source, limits)
    _compare_with_index(layout, choice)
    layout.threats += [
        Threat("other_weights", name, "lies beside the weights and was not read") for name in choice.unread
    ]
    config: Mapping[str, JSON] = folder.read_json("config.json", limits) if folder.has("config.json") else {}
    layout.threats += find_threats(
        folder, files, config, layout.metadata, limits, whole_folder=not choice.named
    )
    return StoredCheckpoint(
        source,
        formats.pop(),
        layout,
        files,
        config=config,
        vocabulary=lambda: find_vocabulary(folder, limits),
    )


def _compare_with_index(layout: Layout, choice: Choice) -> None:
    """Refuse an index that says a tensor is where it is not; report tensors the index keeps silent about."""
    if not choice.index:
        return
    found = {placement.info.name: placement.info.file for placement in layout.placements}
    for tensor, shard in choice.mapping.items():
        if found.get(tensor) != shard:
            raise unreadable(choice.index, f"it says {tensor[:80]!a} is in {shard}, where it is not")
    unlisted = [name for name in found if name not in choice.mapping]
    layout.threats += [
        Threat("unlisted_tensor", found[name], f"{name} is stored, but not in the index")
        for name in unlisted[:_MOST_UNLISTED]
    ]


def _parse(
    format_name: str, file: ByteSource, folder: Folder, files: list[ByteSource], limits: Limits
) -> Layout:
    """Return what lies where in one file; files it points to are opened in the same folder and closed with it."""

    def open_beside(name: str) -> ByteSource:
        if not folder.has(name):
            raise unreadable(file.name, f"it keeps tensors in {name}, which is not there")
        files.append(folder.open(name))
        return files[-1]

    if format_name == "onnx":
        return parse_onnx(file, limits, open_beside)
    parsers = {"safetensors": parse_safetensors, "torch": parse_torch, "gguf": parse_gguf}
    return parsers[format_name](file, limits)


def _recognise(file: ByteSource) -> str:
    """Return the format of a file by its first bytes; its name decides only where a format has no mark of its own."""
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
            hint="Ask for safetensors, or for a file saved by PyTorch 1.6 or later.",
        )
    if head.startswith(b"version https://git-lfs"):
        raise unreadable(
            file.name,
            "it is a pointer left by git-lfs, not the weights",
            hint="Run git lfs pull in its repository.",
        )
    if head[:1] == b"\x08" or file.name.endswith(
        ".onnx"
    ):  # ir_version, the first field of nearly every ONNX file
        return "onnx"
    if file.name.endswith(".safetensors"):
        return "safetensors"
    raise unreadable(file.name, "it is none of safetensors, GGUF, PyTorch zip or ONNX")
