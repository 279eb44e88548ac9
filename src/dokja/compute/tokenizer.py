"""From text to token ids: a folder's tokenizer.json, or a tokenizer rebuilt from a GGUF file's keys.

The file of a submission is hostile: it is parsed by the `tokenizers` library, which executes nothing, after its size
is bounded; chat templates are never rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from dokja.checkpoint import Checkpoint, Limits, open_checkpoint
from dokja.errors import InvalidInput, Unavailable, UnreadableArtifact

if TYPE_CHECKING:
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as Backend
    from tokenizers.normalizers import Normalizer
    from tokenizers.pre_tokenizers import PreTokenizer

_LARGEST_FILE_BYTES = 64 << 20
# Merges, scores and token types are arrays of vocabulary length, which a reader otherwise steps over.
_WITH_ARRAYS = Limits(metadata_items=2_000_000)
# GGUF tokenizer.ggml.token_type
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6
_SPACE = "▁"


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Text to token ids, without special tokens except a begin token in front.

    Args:
        backend: The `tokenizers` object.
        begin: Token that opens a text; where a model names none, the one that ends the text before; or None.
        always_begins: Whether it opens every text, or only an empty prompt, which needs something to follow.
    """

    backend: Backend
    begin: int | None
    always_begins: bool

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, the begin token in front where the model is used to it.

        Raises:
            InvalidInput: The text is not Unicode that can be encoded.
        """
        try:
            ids: list[int] = self.backend.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise InvalidInput(f"This text cannot be tokenised: {error}.") from error
        return [self.begin, *ids] if self.always_begins and self.begin is not None else ids

    def encode_continuations(
        self, prompt: str, continuations: Sequence[str]
    ) -> tuple[list[int], list[list[int]]]:
        """Return the tokens all texts share at the front, and for each text the tokens that follow.

        Prompt and continuation are tokenised together, as a model would meet them, and split where the first of
        them leaves the tokens of the prompt; a token that straddles the border counts with the continuation.

        Raises:
            InvalidInput: Two empty texts, or an empty prompt with a tokenizer that has no begin token.
        """
        wholes = [self.encode(prompt + continuation) for continuation in continuations]
        start = self.encode(prompt)
        shared = min((_shared_length(start, whole) for whole in wholes), default=0)
        # Something must be left to score, also where a continuation merges away into the prompt.
        shared = min([shared, *(len(whole) - 1 for whole in wholes)])
        if shared < 1:
            if self.begin is None or shared < 0:
                raise InvalidInput(
                    "An empty prompt needs a tokenizer with a begin token, and a continuation."
                )
            return [self.begin], wholes
        return wholes[0][:shared], [whole[shared:] for whole in wholes]


def _shared_length(first: Sequence[int], second: Sequence[int]) -> int:
    for length, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return length
    return min(len(first), len(second))


def load_tokenizer(source: Path, checkpoint: Checkpoint) -> Tokenizer:
    """Return the tokenizer that came with a model: in its folder, or in its GGUF file.

    Args:
        source: The model's file or folder.
        checkpoint: The same, opened.

    Raises:
        Unavailable: None came along, it is of an unknown kind, or the `tokenizers` package is not installed.
        UnreadableArtifact: It is too large or is not a tokenizer.
    """
    path = (source if source.is_dir() else source.parent) / "tokenizer.json"
    if checkpoint.format == "gguf" and "tokenizer.ggml.model" in checkpoint.metadata:
        with open_checkpoint(source, _WITH_ARRAYS) as whole:
            return tokenizer_of_gguf(_with_tokens(whole))
    if not path.is_file():
        raise Unavailable(
            f"No tokenizer came with {checkpoint.source}, so no text can be given to the model.",
            hint="Put the model's tokenizer.json into its folder.",
        )
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise UnreadableArtifact(f"{path.name} is larger than {_LARGEST_FILE_BYTES >> 20} MiB.")
    try:
        return parse_tokenizer(path.read_text(encoding="utf-8"), checkpoint.config)
    except UnicodeDecodeError as error:
        raise UnreadableArtifact(f"{path.name} is not UTF-8.") from error


def _with_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    """Return the metadata with the list of tokens in it, which a reader keeps apart."""
    vocabulary = checkpoint.vocabulary or {}
    size = max(vocabulary.values(), default=-1) + 1
    # A row whose token string occurs before stays unreachable, as it is in the file.
    tokens = [f"<row {number}>" for number in range(size)]
    for token, row in vocabulary.items():
        tokens[row] = token
    return {**checkpoint.metadata, "tokenizer.ggml.tokens": tokens}


def parse_tokenizer(text: str, config: Mapping[str, object]) -> Tokenizer:
    """Return the tokenizer a tokenizer.json text describes; see `load_tokenizer`."""
    tokenizers = _library()
    try:
        backend = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises bare Exception for every malformed file
        raise UnreadableArtifact(f"This tokenizer.json does not parse: {error}.") from error
    backend.no_truncation()
    backend.no_padding()
    begins = backend.encode("", add_special_tokens=True).ids
    if begins:
        return Tokenizer(backend, begins[0], always_begins=True)
    inner = config.get("text_config")
    settings = inner if isinstance(inner, dict) else config
    named = (settings.get("bos_token_id"), settings.get("eos_token_id"))
    begin = next((token for token in named if isinstance(token, int) and backend.id_to_token(token)), None)
    return Tokenizer(backend, begin, always_begins=False)


def tokenizer_of_gguf(metadata: Mapping[str, object]) -> Tokenizer:
    """Return the tokenizer a GGUF file's `tokenizer.ggml.*` keys describe.

    Kinds `gpt2` (byte-level BPE with merges) and `llama` (SentencePiece BPE with scores and byte fallback).

    Raises:
        Unavailable: Another kind, or a pre-tokenizer not known here.
        UnreadableArtifact: The keys contradict one another.
    """
    kind = metadata.get("tokenizer.ggml.model")
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise Unavailable("The GGUF file carries no list of tokens, so text cannot be given to the model.")
    types = metadata.get("tokenizer.ggml.token_type")
    types = types if isinstance(types, list) and len(types) == len(tokens) else [_NORMAL] * len(tokens)
    if kind == "gpt2":
        backend = _byte_level(tokens, metadata)
    elif kind == "llama":
        backend = _sentencepiece(tokens, types, metadata)
    else:
        raise Unavailable(f"A GGUF tokenizer of kind {kind!r} is not rebuilt here; gpt2 and llama are.")
    backend.add_special_tokens(_added(tokens, types, _CONTROL, special=True))
    backend.add_tokens(_added(tokens, types, _USER_DEFINED, special=False))
    named = (metadata.get(f"tokenizer.ggml.{kind}_token_id") for kind in ("bos", "eos"))
    begin = next((token for token in named if isinstance(token, int) and 0 <= token < len(tokens)), None)
    # llama.cpp's own default where a file is silent: SentencePiece models begin, byte-level ones do not.
    always = bool(metadata.get("tokenizer.ggml.add_bos_token", kind == "llama"))
    return Tokenizer(backend, begin, always_begins=always)


def _added(tokens: Sequence[str], types: Sequence[object], wanted: int, *, special: bool) -> list[AddedToken]:
    added_token = _library().AddedToken
    return [
        added_token(token, special=special, normalized=False)
        for token, kind in zip(tokens, types, strict=True)
        if kind == wanted
    ]


# GGUF tokenizer.ggml.pre -> (digits stand alone, regular expression or None for GPT-2's own)
_LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PRE_TOKENIZERS: Mapping[str, tuple[bool, str | None]] = {
    "default": (False, None),
    "gpt-2": (False, None),
    "smollm": (True, None),
    "llama-bpe": (False, _LLAMA3_WORDS),
    "qwen2": (False, _LLAMA3_WORDS.replace(r"\p{N}{1,3}", r"\p{N}")),
}


def _byte_level(tokens: Sequence[str], metadata: Mapping[str, object]) -> Backend:
    tokenizers = _library()
    from tokenizers import models, pre_tokenizers

    name = str(metadata.get("tokenizer.ggml.pre", "default"))
    if name not in _PRE_TOKENIZERS:
        known = ", ".join(sorted(_PRE_TOKENIZERS))
        raise Unavailable(f"The pre-tokenizer {name!r} is not known here.", hint=f"These are: {known}.")
    merges = metadata.get("tokenizer.ggml.merges")
    if not isinstance(merges, list):
        raise UnreadableArtifact("A byte-level tokenizer without merges splits every text into bytes.")
    pairs = [(left, right) for left, _, right in (str(merge).partition(" ") for merge in merges)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    try:
        backend: Backend = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    except Exception as error:  # the library raises bare Exception for every bad merge
        raise UnreadableArtifact(f"The merges of this tokenizer do not fit its tokens: {error}.") from error
    digits_alone, words = _PRE_TOKENIZERS[name]
    steps: list[PreTokenizer] = [pre_tokenizers.Digits(individual_digits=True)] if digits_alone else []
    if words is not None:
        steps.append(pre_tokenizers.Split(tokenizers.Regex(words), behavior="isolated"))
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words is None))
    backend.pre_tokenizer = pre_tokenizers.Sequence(steps)
    return backend


def _sentencepiece(tokens: Sequence[str], types: Sequence[object], metadata: Mapping[str, object]) -> Backend:
    tokenizers = _library()
    from tokenizers import models, normalizers

    scores = metadata.get("tokenizer.ggml.scores")
    if not isinstance(scores, list) or len(scores) != len(tokens):
        raise UnreadableArtifact("A SentencePiece tokenizer needs one score for each token.")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    unknown = next((token for token, kind in zip(tokens, types, strict=True) if kind == _UNKNOWN), None)
    bpe = models.BPE(
        vocab=vocabulary,
        merges=_merges_from_scores(tokens, types, scores),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=any(kind == _BYTE for kind in types),
    )
    backend: Backend = tokenizers.Tokenizer(bpe)
    steps: list[Normalizer] = [normalizers.Replace(" ", _SPACE)]
    if metadata.get("tokenizer.ggml.add_space_prefix", True):
        steps.insert(0, normalizers.Prepend(_SPACE))
    backend.normalizer = normalizers.Sequence(steps)
    return backend


def _merges_from_scores(
    tokens: Sequence[str], types: Sequence[object], scores: Sequence[float]
) -> list[tuple[str, str]]:
    """Return the merges equivalent to SentencePiece's rule, the pair whose union scores highest goes first.

    SentencePiece merges whatever neighbouring pieces form a token; every split of a token into two tokens is hence
    a merge, ranked by the score of what it forms.
    """
    mergeable = {token for token, kind in zip(tokens, types, strict=True) if kind == _NORMAL}
    ranked: list[tuple[float, int, int, str, str]] = []
    for number, token in enumerate(tokens):
        if token not in mergeable:
            continue
        for cut in range(1, len(token)):
            left, right = token[:cut], token[cut:]
            if left in mergeable and right in mergeable:
                ranked.append((-scores[number], number, cut, left, right))
    ranked.sort()
    return [(left, right) for *_, left, right in ranked]


def _library() -> ModuleType:
    try:
        import tokenizers
    except ImportError as error:
        raise Unavailable(
            "Running a model on text needs the package `tokenizers`.",
            hint="Install it with: pip install 'dokja[stage]'",
        ) from error
    module: ModuleType = tokenizers
    return module
