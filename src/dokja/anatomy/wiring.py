"""What the tensors of one block do, told by their shapes and, where shapes tie, by the order writers use.

Two orders are met in practice: *construction* order (query, key, value, output, gate, up, down) and *alphabetical*
order (down, gate, up; key, output, query, value). Gate stands before up, key before value and the attention norm
before the MLP norm in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dokja.anatomy.repeats import Shape

Item = tuple[str, Shape]


@dataclass(frozen=True, slots=True)
class Told:
    """A role recognised by shape.

    Args:
        tensor: Stored name.
        role: Its role.
        transposed: Whether it is stored input axis first.
        expert: Expert number, None where dense.
    """

    tensor: str
    role: str
    transposed: bool = False
    expert: int | None = None


def roles_in_block(block: Sequence[Item], residual: int) -> list[Told]:
    """Return the roles shapes allow to tell in one block; tensors not named there stay unknown.

    Args:
        block: (name, shape) of the block's tensors in file order.
        residual: Width of the residual stream.
    """
    matrices = [(name, shape) for name, shape in block if len(shape) == 2 and residual in shape]
    hidden = _hidden_width(matrices, residual)
    mlp = [(name, shape) for name, shape in matrices if hidden and set(shape) == {hidden, residual}]
    # Fused queries, keys and values show which way round this writer stores its matrices.
    flipped = any(shape == (residual, 3 * residual) for _, shape in matrices)
    told = _mlp(mlp, hidden, residual, flipped=flipped)
    # Only a gated MLP shows the order of writing: its reader stands first in one order and last in the other.
    alphabetical = mlp[0][1] == (residual, hidden) if len(mlp) > 2 else None
    others = [item for item in matrices if item not in mlp]
    n_experts = len({one.expert for one in told if one.expert is not None})
    routers = [name for name, shape in others if n_experts and shape == (n_experts, residual)]
    told += [Told(name, "router") for name in routers[:1]]
    attention = _attention(
        [item for item in others if item[0] not in routers], residual, alphabetical=alphabetical
    )
    told += attention
    return told + _gains(block, residual, attention, alphabetical=bool(alphabetical))


def _other(shape: Shape, residual: int) -> int:
    return shape[1] if shape[0] == residual else shape[0]


def _hidden_width(matrices: Iterable[Item], residual: int) -> int:
    """The hidden width of the block's MLP, 0 when none can be told.

    A gated MLP has two matrices one way and one the other; a plain one has one each way, like queries and output of
    an attention that is wider than the residual stream, and then the larger width is the MLP's.
    """
    ways: dict[int, list[int]] = {}
    for _, shape in matrices:
        width = _other(shape, residual)
        if width != residual:
            ways.setdefault(width, [0, 0])[shape[0] == residual] += 1
    gated = [
        width
        for width, (reads, writes) in ways.items()
        if reads and writes and max(reads, writes) == 2 * min(reads, writes)
    ]
    plain = [width for width, (reads, writes) in ways.items() if reads == writes == 1]
    return max(gated or plain, default=0)


def _mlp(mlp: Sequence[Item], hidden: int, residual: int, *, flipped: bool) -> list[Told]:
    into_hidden = [item for item in mlp if item[1] == (hidden, residual)]
    # Two matrices of the other orientation mean that this writer stores input axes first.
    transposed = len(into_hidden) * 2 < len(mlp)
    if len(mlp) == 2:
        roles = ("mlp.up", "mlp.down") if flipped else ("mlp.down", "mlp.up")
        return [Told(name, roles[shape[0] != residual], flipped) for name, shape in mlp]
    n_mlps = len(mlp) // 3
    told: list[Told] = []
    for number in range(n_mlps):
        three = mlp[3 * number : 3 * number + 3]
        writers = [name for name, shape in three if (shape == (hidden, residual)) != transposed]
        readers = [name for name, shape in three if (shape == (hidden, residual)) == transposed]
        if len(writers) != 2:
            return []
        expert = number if n_mlps > 1 else None
        told += [
            Told(writers[0], "mlp.gate", transposed, expert),
            Told(writers[1], "mlp.up", transposed, expert),
            Told(readers[0], "mlp.down", transposed, expert),
        ]
    return told


def _attention(matrices: Sequence[Item], residual: int, *, alphabetical: bool | None) -> list[Told]:
    """Queries, keys, values and output of one attention, or nothing when order and shapes leave them open."""
    if len(matrices) != 4:
        return []
    widths = [_other(shape, residual) for _, shape in matrices]
    narrow = [number for number, width in enumerate(widths) if width < max(widths)]
    if len(narrow) == 2:
        wide = [number for number in range(4) if number not in narrow]
        # Narrow ones outside the wide ones: key, output, query, value. Otherwise: query, key, value, output.
        is_alphabetical = narrow[0] < wide[0] and narrow[1] > wide[1]
        if not is_alphabetical and wide != [0, 3]:
            return []
    elif narrow or alphabetical is None:
        return []
    else:
        is_alphabetical = alphabetical
    order = ("key", "output", "query", "value") if is_alphabetical else ("query", "key", "value", "output")
    told = []
    for (name, shape), role in zip(matrices, order, strict=True):
        wants = shape[1] if role == "output" else shape[0]
        transposed = wants == residual != _other(shape, residual)
        told.append(Told(name, f"attention.{role}", transposed))
    return told


def _gains(
    block: Sequence[Item], residual: int, attention: Sequence[Told], *, alphabetical: bool
) -> list[Told]:
    """Norm gains: of the residual stream in pairs, of queries and keys in a pair of head size."""
    wide = [name for name, shape in block if shape == (residual,)]
    names = {2: ("norm.attention", "norm.mlp"), 4: _FOUR_ALPHABETICAL if alphabetical else _FOUR}.get(
        len(wide), ()
    )
    told = [Told(name, role) for name, role in zip(wide, names, strict=False)]
    small = [(name, shape) for name, shape in block if len(shape) == 1 and shape[0] < residual]
    shapes = {shape for _, shape in small}
    if attention and len(small) == 2 and len(shapes) == 1:
        roles = ("norm.key", "norm.query") if alphabetical else ("norm.query", "norm.key")
        told += [Told(name, role) for (name, _), role in zip(small, roles, strict=True)]
    return told


_FOUR = ("norm.attention", "norm.attention_post", "norm.mlp", "norm.mlp_post")
_FOUR_ALPHABETICAL = ("norm.attention", "norm.attention_post", "norm.mlp_post", "norm.mlp")
