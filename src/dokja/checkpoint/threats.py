"""What lies in a submission beside its weights that could harm a careless reader. Looked at as text, never run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

from dokja.canonical import JSON
from dokja.checkpoint.bytesource import ByteSource
from dokja.checkpoint.checkpoint import Threat
from dokja.checkpoint.choose import SUFFIXES
from dokja.checkpoint.folder import Folder
from dokja.checkpoint.limits import Limits
from dokja.errors import UnreadableArtifact

_CODE_SUFFIXES = {".py", ".pyc", ".so", ".sh", ".dll", ".exe", ".ipynb"}
_PICKLE_SUFFIXES = {".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz"}
_LONGEST_TEMPLATE = 1 << 16
_MOST_NAMED = 20
# Ways out of a template sandbox: dunder attributes (also spelled in pieces), attr filters, and loading other files.
_ESCAPES = {
    "dunder attribute": re.compile(r"__\w+__"),
    "attr filter": re.compile(r"\|\s*(attr|map\s*\(\s*(attribute|['\"]attr))\b"),
    "escaped or joined underscore": re.compile(r"\\x5f|\\u005f|\\137|_['\"]\s*[~+]\s*['\"]_"),
    "load of another template": re.compile(r"\{%-?\s*(include|import|extends|from)\b"),
    "global object": re.compile(r"\b(lipsum|cycler|joiner|self\s*\.|request\s*\.|config\s*\.)"),
    "format of text": re.compile(r"\.\s*format(_map)?\s*\("),
}


def find_threats(
    folder: Folder,
    files: list[ByteSource],
    config: Mapping[str, JSON],
    metadata: Mapping[str, JSON],
    limits: Limits,
    *,
    whole_folder: bool,
) -> list[Threat]:
    """Return the threats in a model's folder, its configuration, its templates, and the disguise of its files.

    Args:
        folder: Where the model lies.
        files: The weight files that were opened.
        config: Its config.json.
        metadata: Header of the weights; GGUF keeps the chat template there.
        limits: Bounds on what is read.
        whole_folder: Whether everything in the folder belongs to the model.
    """
    names = (folder.names() or []) if whole_folder else []
    threats = folder.threats() if whole_folder else []
    code = [name for name in names if PurePath(name).suffix in _CODE_SUFFIXES]
    threats += [Threat("code_file", name, "is code and was not run") for name in code[:_MOST_NAMED]]
    pickles = [name for name in names if PurePath(name).suffix in _PICKLE_SUFFIXES]
    threats += [
        Threat("pickle", name, "may be a pickle and was not opened") for name in pickles[:_MOST_NAMED]
    ]
    if config.get("auto_map") or config.get("trust_remote_code"):
        threats.append(
            Threat("remote_code", "config.json", "auto_map asks a loader to run code of the submission")
        )
    for where, template in _templates(folder, metadata, limits):
        threats += _template_threats(where, template)
    for file in files:
        threats += _disguises(file)
    return threats


def _templates(folder: Folder, metadata: Mapping[str, JSON], limits: Limits) -> list[tuple[str, str]]:
    found: list[tuple[str, JSON]] = [
        (f"metadata {key}", value)
        for key, value in metadata.items()
        if key.startswith("tokenizer.chat_template")
    ]
    try:
        if folder.has("tokenizer_config.json"):
            template = folder.read_json("tokenizer_config.json", limits).get("chat_template")
            several = template if isinstance(template, list) else [template]
            parts = [part.get("template") if isinstance(part, dict) else part for part in several]
            found += [("tokenizer_config.json", part) for part in parts]
        if folder.has("chat_template.jinja"):
            found.append(("chat_template.jinja", folder.read_text("chat_template.jinja", limits)))
    except UnreadableArtifact as error:
        # A broken tokenizer file hides no weight: it is reported, and the weights are still looked at.
        found.append(("tokenizer_config.json", None))
        return [*_texts(found), ("unreadable", error.message)]
    return _texts(found)


def _texts(found: list[tuple[str, JSON]]) -> list[tuple[str, str]]:
    return [(where, template) for where, template in found if isinstance(template, str)]


def _template_threats(where: str, template: str) -> list[Threat]:
    if where == "unreadable":
        return [Threat("unreadable_file", "tokenizer_config.json", template)]
    if len(template) > _LONGEST_TEMPLATE:
        return [Threat("chat_template", where, f"{len(template)} characters long")]
    return [
        Threat("chat_template", where, f"{kind}: {match[0][:40]!a}")
        for kind, pattern in _ESCAPES.items()
        if (match := pattern.search(template))
    ]


def _disguises(file: ByteSource) -> list[Threat]:
    """Return how a file could be taken for another: a name of another format, or an archive hidden at its end."""
    head = file.read(0, min(file.size, 16))
    actual = "torch" if head.startswith(b"PK\3\4") else "gguf" if head.startswith(b"GGUF") else ""
    actual = actual or ("safetensors" if head[8:9] == b"{" else "onnx")
    named = SUFFIXES.get(PurePath(file.name).suffix)
    threats: list[Threat] = []
    if named and named != actual:
        threats.append(Threat("polyglot", file.name, f"is named like {named}, but is {actual}"))
    if actual != "torch" and not file.remote:
        tail = file.read(max(0, file.size - 65557), min(file.size, 65557))
        at = tail.rfind(b"PK\5\6")
        if (
            at >= 0
            and len(tail) >= at + 22
            and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
        ):
            threats.append(Threat("polyglot", file.name, "ends as a zip archive does"))
    return threats
