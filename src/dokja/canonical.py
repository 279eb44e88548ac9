"""Canonical JSON (RFC 8785) and digests: every hash in dokja is one of the functions here.

A digest is written `sha256:<64 hex digits>`. JSON values are hashed under a *domain*, a short name of what the
value is, so that a digest of one kind of thing can never be passed off as another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import rfc8785

from dokja.errors import InvalidInput

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

_CHUNK_BYTES = 1 << 22
_LARGEST_EXACT = 2**53 - 1
# Python writes smaller numbers with an exponent, RFC 8785 only from a thousandth of it on.
_SMALLEST_PLAIN = 1e-4
_SPELL = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_bytes(value: object) -> bytes:
    """Return the one RFC 8785 encoding of a JSON value.

    Args:
        value: A JSON-able value: None, bool, int within ±2^53, finite float, str, list or tuple, dict with str keys.

    Raises:
        InvalidInput: The value has no canonical form (NaN, infinity, a huge integer, another type).
    """
    try:
        return _SPELL(_spellable(value)).encode()
    except (_Unusual, RecursionError, UnicodeEncodeError):
        pass  # the library spells it, or says what is wrong with it
    try:
        encoded: bytes = rfc8785.dumps(_plain(value))  # type: ignore[arg-type]  # checked by the library itself
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidInput(f"This value has no canonical JSON form: {error}.") from error
    return encoded


class _Unusual(Exception):
    """A value that Python's own encoder might spell in another way than RFC 8785."""


def _spellable(value: object) -> object:
    """Return a value that Python's own encoder, written in C, spells as RFC 8785 does.

    Both write texts alike, sort ASCII keys alike, and spell a float by its shortest digits; RFC 8785 leaves out `.0`, and
    begins to write exponents elsewhere.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is list or kind is tuple:
        return [one if type(one) is str else _spellable(one) for one in value]  # type: ignore[attr-defined]
    if kind is int and -_LARGEST_EXACT <= value <= _LARGEST_EXACT:  # type: ignore[operator]
        return value
    if kind is float and value.is_integer() and -_LARGEST_EXACT <= value <= _LARGEST_EXACT:  # type: ignore[attr-defined,operator]
        return int(value)  # type: ignore[call-overload]
    if kind is float and _SMALLEST_PLAIN <= abs(value) <= _LARGEST_EXACT:  # type: ignore[arg-type]
        return value
    if isinstance(value, Mapping):
        if not all(type(key) is str and key.isascii() for key in value):
            raise _Unusual
        return {key: _spellable(inner) for key, inner in value.items()}
    raise _Unusual


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value


def parse_json(data: bytes | str) -> JSON:
    """Return the value of a JSON text, refusing what two readers could read differently.

    Raises:
        InvalidInput: Not JSON, a repeated key, NaN or infinity, or nested too deeply.
    """
    try:
        text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
        value: JSON = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"This is not JSON that reads in only one way: {error}.") from error
    return value


def parse_json_at(text: str, start: int) -> tuple[JSON, int]:
    """Return the JSON value that begins at a place of a text, and where it ends; the rest is not looked at.

    Raises:
        InvalidInput: As for `parse_json`.
    """
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"This is not JSON that reads in only one way: {error}.") from error


def _number(digits: str) -> JSON:
    # RFC 8785 numbers are doubles: an integer beyond 2^53 is read as the double it stands for.
    if len(digits) > 17 or abs(int(digits)) > _LARGEST_EXACT:
        return float(digits)
    return int(digits)


def _unique_keys(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


def _no_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_int=_number)


def digest_bytes(data: bytes | memoryview) -> str:
    """Return the digest of raw bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_chunks(chunks: Iterable[bytes | memoryview]) -> str:
    """Return the digest of the concatenation of chunks, without holding it."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return "sha256:" + state.hexdigest()


def digest_file(path: Path) -> str:
    """Return the digest of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return digest_chunks(iter(lambda: file.read(_CHUNK_BYTES), b""))


def digest_json(domain: str, value: object) -> str:
    """Return the digest of a JSON value as a thing of the named kind.

    Args:
        domain: What the value is, e.g. `rulebook`, `event`, `finding`.
        value: Any value `canonical_bytes` accepts.
    """
    return digest_bytes(_prefix(domain) + canonical_bytes(value))


def _prefix(domain: str) -> bytes:
    return b"dokja/" + domain.encode() + b"/v1\x00"


def digest_canonical(domain: str, pieces: Iterable[bytes]) -> str:
    """Return the digest of a JSON value whose canonical bytes are at hand, in pieces: as `digest_json` of the value.

    Args:
        domain: What the value is, as for `digest_json`.
        pieces: What `canonical_bytes` gives for the value, cut anywhere.
    """
    return digest_chunks(chain([_prefix(domain)], pieces))


def digest_salted(salt: bytes, value: object) -> str:
    """Return a digest that hides a small or guessable value until its salt is revealed.

    Args:
        salt: At least 16 random bytes, kept beside the value and erased with it.
        value: Any value `canonical_bytes` accepts.

    Raises:
        InvalidInput: The salt is too short to hide anything.
    """
    if len(salt) < 16:
        raise InvalidInput("A salt of fewer than 16 bytes hides nothing.")
    return digest_json("salted", {"salt": salt.hex(), "value": value})


def digest_weights(tensors: Iterable[tuple[str, str, tuple[int, ...], str]]) -> str:
    """Return the digest of a set of weights, whatever files they lie in.

    Re-sharding keeps it; renaming, another dtype or one changed bit changes it.

    Args:
        tensors: (name, stored dtype, shape, digest of the stored bytes), in any order.
    """
    rows = sorted([name, dtype, list(shape), digest] for name, dtype, shape, digest in tensors)
    return digest_json("weights", rows)
