"""How attention is cut into heads: what shapes settle, what a declaration may add, and what stays unknown.

Shapes give the rows of queries, keys and values, and a query norm of fewer entries than rows gives the head size.
Without one, the number of heads is nowhere in the weights, so the declared number is taken if, and only if, it
divides every one of those row counts into heads of one size. A declaration that does not is reported and ignored,
and the head size is left unknown (0): groups inside heads are then untestable rather than wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dokja.anatomy.part import Part


@dataclass(frozen=True)
class HeadHint:
    """What a config or header declares; 0 where it is silent."""

    n_heads: int = 0
    n_kv_heads: int = 0
    head_dim: int = 0


@dataclass(frozen=True)
class Heads:
    """The attention shape of a component; all 0 where there is none, or it varies or is unknown."""

    n_heads: int = 0
    n_kv_heads: int = 0
    head_dim: int = 0
    value_dim: int = 0
    is_known: bool = True


def heads_of(parts: Mapping[tuple[str, int | None], Part], layers: list[int], hint: HeadHint) -> Heads:
    """Return the attention shape all attention layers agree on.

    Args:
        parts: (role, layer) to part of one component.
        layers: Its layer numbers.
        hint: What is declared.
    """
    seen: set[Heads] = set()
    for layer in layers:
        rows = [parts.get((f"attention.{role}", layer)) for role in ("query", "key", "value", "output")]
        query, key, value, output = rows
        if query is None or key is None or value is None or output is None:
            continue
        norm = parts.get(("norm.query", layer))
        seen.add(
            _one_layer(
                query.shape[0],
                key.shape[0],
                value.shape[0],
                output.shape[1],
                0 if norm is None or norm.shape[0] == query.shape[0] else norm.shape[0],
                hint,
            )
        )
    if not seen:
        return Heads()
    return seen.pop() if len(seen) == 1 else Heads(is_known=False)


def _one_layer(query: int, key: int, value: int, output: int, norm: int, hint: HeadHint) -> Heads:
    for head_dim in (norm, *_declared_sizes(query, key, hint)):
        if head_dim <= 0 or query % head_dim or key % head_dim:
            continue
        n_heads, n_kv = query // head_dim, key // head_dim
        if n_heads % n_kv or value % n_kv or output % n_heads or value // n_kv != output // n_heads:
            continue
        return Heads(n_heads, n_kv, head_dim, value // n_kv)
    return Heads(is_known=False)


def _declared_sizes(query: int, key: int, hint: HeadHint) -> list[int]:
    """Head sizes the declaration gives and the shapes allow, the one with most support first."""
    sizes = []
    if hint.n_heads and query % hint.n_heads == 0:
        sizes.append(query // hint.n_heads)
    n_kv = hint.n_kv_heads or hint.n_heads
    if n_kv and key % n_kv == 0:
        sizes.append(key // n_kv)
    if hint.head_dim and query % hint.head_dim == 0 and key % hint.head_dim == 0:
        sizes.append(hint.head_dim)
    agreed = [size for size in sizes if sizes.count(size) > 1]
    return agreed[:1]


def rotary_rows(n_heads: int, head_dim: int) -> tuple[int, ...]:
    """Return where each canonical row lies when rotary pairs are stored side by side.

    Canonical order keeps the two halves of a head apart: (half, frequency). Stored order is (frequency, half).
    """
    half = head_dim // 2
    return tuple(
        head * head_dim + 2 * frequency + side
        for head in range(n_heads)
        for side in range(2)
        for frequency in range(half)
    )
