"""The tokenizer beside the weights, as far as lineage needs it: which token string has which row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dokja.canonical import JSON
from dokja.checkpoint.folder import Folder
from dokja.checkpoint.limits import Limits, unreadable
from dokja.checkpoint.wire import LENGTH, Wire


def find_vocabulary(folder: Folder, limits: Limits) -> Mapping[str, int] | None:
    """Return token string to row from the first tokenizer file there is, or None.

    Args:
        folder: The model's folder.
        limits: Its bounds on JSON and on tokens.

    Raises:
        UnreadableArtifact: A tokenizer file is not what it says.
    """
    readers = {
        "tokenizer.json": _from_tokenizer_json,
        "vocab.json": _from_vocab_json,
        "vocab.txt": _from_vocab_txt,
        "tokenizer.model": _from_sentencepiece,
    }
    for name, reader in readers.items():
        if folder.has(name):
            return reader(folder, name, limits)
    return None


def _from_tokenizer_json(folder: Folder, name: str, limits: Limits) -> Mapping[str, int]:
    """Read BPE, WordPiece, WordLevel (token to row) or Unigram (list of [token, score]), then the added tokens."""
    whole = folder.read_json(name, limits)
    model = whole.get("model")
    tokens = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(tokens, dict):
        pairs = list(tokens.items())
    elif isinstance(tokens, list):
        pairs = [(_first(piece, name), row) for row, piece in enumerate(tokens)]
    else:
        raise unreadable(name, "its model has no vocabulary")
    added = whole.get("added_tokens") or []
    if not isinstance(added, list):
        raise unreadable(name, "added_tokens is no list")
    for token in added:
        if not isinstance(token, dict) or not isinstance(token.get("content"), str):
            raise unreadable(name, "an added token has no content")
        pairs.append((str(token["content"]), token.get("id")))
    return _checked(pairs, name, limits)


def _first(piece: JSON, name: str) -> str:
    if not isinstance(piece, list) or not piece or not isinstance(piece[0], str):
        raise unreadable(name, "a piece of its vocabulary is no pair of text and score")
    return piece[0]


def _from_vocab_json(folder: Folder, name: str, limits: Limits) -> Mapping[str, int]:
    return _checked(folder.read_json(name, limits).items(), name, limits)


def _from_vocab_txt(folder: Folder, name: str, limits: Limits) -> Mapping[str, int]:
    lines = folder.read_text(name, limits).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return _checked(((line.rstrip("\r"), row) for row, line in enumerate(lines)), name, limits)


def _from_sentencepiece(folder: Folder, name: str, limits: Limits) -> Mapping[str, int]:
    """Read the pieces (field 1) of a sentencepiece model, each with its text in field 1."""
    file = folder.open(name)
    try:
        if file.size > limits.json_bytes:
            raise unreadable(
                name, f"its {file.size} bytes are more than the {limits.json_bytes} that are read"
            )
        wire = Wire(file, limits)
        pieces = [field for field in wire.fields(0, file.size) if field.number == 1 and field.wire == LENGTH]
        # The text comes first in a piece; its score and type are never walked to.
        firsts = [next(wire.fields(piece.value, piece.end), None) for piece in pieces]
        tokens = [wire.text(first) for first in firsts if first is not None and first.number == 1]
    finally:
        file.close()
    if not tokens or len(tokens) != len(pieces):
        raise unreadable(name, "it is no sentencepiece model: a piece of it does not begin with its text")
    return _checked(((token, row) for row, token in enumerate(tokens)), name, limits)


def _checked(pairs: Iterable[tuple[str, JSON]], name: str, limits: Limits) -> Mapping[str, int]:
    vocabulary: dict[str, int] = {}
    for token, row in pairs:
        if type(row) is not int or not 0 <= row < limits.vocabulary:
            raise unreadable(name, f"token {ascii(token)[:60]} has the row {str(row)[:40]}")
        # Some real files repeat a token; the embedding row that a tokenizer finds first is the one in use.
        vocabulary.setdefault(token, row)
        if len(vocabulary) > limits.vocabulary:
            raise unreadable(name, f"its vocabulary has more than {limits.vocabulary} tokens")
    return vocabulary
