"""How much a reader accepts before it refuses: every bound in one place, with its number."""

from __future__ import annotations

from dataclasses import dataclass

from dokja.errors import UnreadableArtifact

MIB = 1 << 20
MAX_DIMENSION = 1 << 40
MAX_ELEMENTS = 1 << 48


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a file may ask of its reader.

    The defaults leave room for the largest open models of today (a trillion parameters, 200 000 tensors, 300 000
    tokens) and keep opening any one file, honest or not, under a few seconds and 512 MiB. Decoding holds the rows
    asked for and one piece of at most 16 MiB beside them.

    Args:
        header_bytes: Header, directory, pickle or graph of one file, in bytes.
        json_bytes: config.json, an index, or a tokenizer file, in bytes.
        metadata_bytes: Free text inside a header (`__metadata__`, a GGUF string), in bytes.
        metadata_items: Keys of a header's metadata; a longer array is named by its length only.
        tensors: Tensors of one model.
        name_chars: Length of a tensor's name.
        dimensions: Axes of one tensor.
        vocabulary: Tokens of one tokenizer.
        array_items: Elements of one array inside a GGUF header.
        files: Shards of one model; also the entries of one archive, times 1000.
        steps: Operations of one pickle, or fields of one ONNX graph or sentencepiece model.
        depth: Nesting of containers in a pickle or of graphs in ONNX.
    """

    header_bytes: int = 32 * MIB
    json_bytes: int = 64 * MIB
    metadata_bytes: int = 4 * MIB
    metadata_items: int = 4096
    tensors: int = 300_000
    name_chars: int = 1024
    dimensions: int = 16
    vocabulary: int = 2_000_000
    array_items: int = 2_000_000
    files: int = 2000
    steps: int = 1_000_000
    depth: int = 32


def unreadable(where: str, what: str, *, hint: str = "") -> UnreadableArtifact:
    """Return the one error a reader raises, naming the file (and place) and what is wrong with it."""
    return UnreadableArtifact(f"{where}: {what}.", hint=hint, where=where)


def require_name(name: str, where: str, limits: Limits, *, rooted: bool = False) -> str:
    """Return the tensor's name if it is printable, of bounded length, and no path that climbs.

    Args:
        name: As stored.
        where: File it is stored in.
        limits: Its bound on length.
        rooted: Whether the format's names may begin with a slash (ONNX node paths do).

    Raises:
        UnreadableArtifact: The name is none.
    """
    shown = name[:60].encode("unicode_escape").decode()
    if not name or len(name) > limits.name_chars:
        raise unreadable(
            where, f"a tensor's name has {len(name)} characters, outside 1 to {limits.name_chars}"
        )
    if not name.isprintable():
        raise unreadable(where, f"the tensor name {shown!r} has characters that cannot be printed")
    segments = name.replace("\\", "/").split("/")
    if ".." in segments or (segments[0] == "" and not rooted):
        raise unreadable(where, f"the tensor name {shown!r} is a path")
    return name


def require_shape(shape: object, name: str, where: str, limits: Limits) -> tuple[int, ...]:
    """Return a declared shape as integers, refusing what no real tensor has.

    Raises:
        UnreadableArtifact: Not a list of non-negative integers, too many axes, or a product that overflows.
    """
    if not isinstance(shape, (list, tuple)) or len(shape) > limits.dimensions:
        raise unreadable(where, f"tensor {name} has no shape of at most {limits.dimensions} axes")
    elements = 1
    for length in shape:
        if type(length) is not int or not 0 <= length <= MAX_DIMENSION:
            raise unreadable(where, f"tensor {name} has an axis of length {str(length)[:40]}")
        elements *= max(length, 1)
    if elements > MAX_ELEMENTS:
        raise unreadable(where, f"tensor {name} has a shape of more than 2^48 elements")
    return tuple(shape)
