"""Which slices of a part are looked at: chosen by a seed and the length of the axis, never by the values.

Every sampled row and column has a *key*: its index, or, for tokens, a hash of the token string. Two models are
compared on the keys both have, so samples of one seed meet whatever the files, shards and tokenizers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dokja.anatomy.part import Axis, Component

Keys = NDArray[np.int64]
Depth = Literal["screen", "full"]

# Published so that anyone can repeat a comparison. An auditor who fears scrubbing draws a secret one.
DEFAULT_SEED = 20260115

# 80 MB of samples in single precision; a comparison holds a few times that.
_MOST_VALUES = 20_000_000
_LEAST_UNITS, _LEAST_ROWS = 64, 32
_RUN = 8  # neighbouring units are read together, so that a ranged read is worth its request


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sampled.

    Args:
        seed: Of the choice; two sketches of different seeds share few slices and are compared on those.
        units: Hidden units of each MLP; experts share twice as many between them, 16 each at least.
        residual: Residual dimensions.
        tokens: Rows of an embedding.
        rows: Rows or columns of any other axis.
        heads: Key/value heads of each layer, each with all its value dimensions.
    """

    seed: int = DEFAULT_SEED
    units: int = 384
    residual: int = 96
    tokens: int = 768
    rows: int = 64
    heads: int = 2


def plan_of(depth: Depth, seed: int = DEFAULT_SEED) -> Plan:
    """Return the sampling plan of a depth: `screen` touches little, `full` enough to saturate the statistic."""
    if depth == "screen":
        return Plan(seed)
    return Plan(seed, units=512, residual=192, tokens=1536, rows=96, heads=4)


def fitted(plan: Plan, components: Iterable[Component]) -> Plan:
    """Return the plan with fewer units, rows and heads per layer where a deep model's sample would not fit in memory.

    Samples of fewer are nested in samples of more, so models of different depth meet on what both have. What is tested
    in all stays about equal: many layers with fewer units each.

    Args:
        plan: How much is sampled of a model of ordinary depth.
        components: Of the model.

    Assumes:
        Nothing of the values: depth and widths alone decide.

    Source:
        Residual dimensions and tokens are kept; docs/methods/lineage-exact.md, "Speed and memory".
    """
    model = list(components)
    while plan.units > _LEAST_UNITS and _sampled_values(plan, model) > _MOST_VALUES:
        plan = replace(
            plan,
            units=max(_LEAST_UNITS, plan.units * 3 // 4 // _RUN * _RUN),
            rows=max(_LEAST_ROWS, plan.rows * 3 // 4),
            heads=max(1, plan.heads - 1),
        )
    return plan


def _sampled_values(plan: Plan, components: Iterable[Component]) -> int:
    """Return how many values the plan samples, tokens counted by row."""
    total = 0
    for component in components:
        counts: dict[tuple[Axis, int], int] = {}
        for part in component.parts:
            values = 1
            for at in list(zip(part.axes, part.shape, strict=False))[:2]:
                if at not in counts:
                    counts[at] = len(axis_keys(plan, component, *at)[0])
                values *= counts[at]
            total += values
    return total


def axis_keys(
    plan: Plan, component: Component, axis: Axis, length: int, vocabulary: Mapping[str, int] | None = None
) -> tuple[Keys, NDArray[np.intp]]:
    """Return the keys sampled on an axis and where they lie, in order of position.

    Args:
        plan: How much.
        component: Whose axis it is; its head sizes shape the attention axes.
        axis: Which axis.
        length: Of the axis.
        vocabulary: Token string to row, where known.

    Returns:
        (m,) keys and (m,) positions. Keys are positions, except that tokens known by their string have negative
        keys made of a hash of it.
    """
    if axis is Axis.TOKEN:
        return _tokens(plan, length, vocabulary)
    if axis is Axis.RESIDUAL:
        return _both(lowest_hashes(plan.seed, "residual", length, plan.residual))
    if axis is Axis.MLP_UNIT:
        count = plan.units if not component.n_experts else max(16, 2 * plan.units // component.n_experts)
        return _both(_runs(plan.seed, "mlp_unit", length, min(count, plan.units)))
    if axis is Axis.EXPERT:
        return _both(np.arange(length))
    if axis is Axis.OUTPUT_UNIT:
        return _both(_quartered(plan, length))
    if axis is Axis.INPUT_UNIT:
        return _both(lowest_hashes(plan.seed, "input_unit", length, plan.units))
    if axis in (Axis.KEY_VALUE, Axis.VALUE_OUT) and component.value_dim and component.n_kv_heads:
        return _both(_head_rows(plan, component, axis, length))
    return _both(lowest_hashes(plan.seed, axis.value, length, plan.rows))


def _both(positions: NDArray[np.intp]) -> tuple[Keys, NDArray[np.intp]]:
    return positions.astype(np.int64), positions


def lowest_hashes(seed: int, name: str, length: int, count: int) -> NDArray[np.intp]:
    """Return the positions whose seeded hashes are lowest, sorted: nested over counts, stable over lengths.

    Args:
        seed: Of the hashes.
        name: Of what is sampled; different names give unrelated samples.
        length: Positions to choose from.
        count: How many; all when there are no more.

    Assumes:
        Nothing of the values at those positions, which are never looked at.

    Source:
        Bottom-k sampling, Cohen and Kaplan 2007.
    """
    if length <= count:
        return np.arange(length)
    order = np.argsort(_mix(seed, name, np.arange(length, dtype=np.uint64)), kind="stable")
    return np.sort(order[:count])


def _runs(seed: int, name: str, length: int, count: int) -> NDArray[np.intp]:
    if length <= count:
        return np.arange(length)
    runs = lowest_hashes(seed, name, -(-length // _RUN), max(1, count // _RUN))
    positions = (runs[:, None] * _RUN + np.arange(_RUN)).ravel()
    return positions[positions < length]


def _quartered(plan: Plan, length: int) -> NDArray[np.intp]:
    """Return the same places in each quarter of many rows, so that gates of one recurrent unit come together."""
    if length <= plan.units or length % 4:
        return lowest_hashes(plan.seed, "output_unit", length, plan.units)
    within = lowest_hashes(plan.seed, "output_unit", length // 4, plan.units // 4)
    return (np.arange(4)[:, None] * (length // 4) + within).ravel()


def _head_rows(plan: Plan, component: Component, axis: Axis, length: int) -> NDArray[np.intp]:
    """Return all value dimensions of some key/value heads, or of all query heads that read those."""
    dim, groups = component.value_dim, component.n_kv_heads
    per_group = length // (groups * dim) if axis is Axis.VALUE_OUT else 1
    if per_group * groups * dim != length:
        return lowest_hashes(plan.seed, axis.value, length, plan.rows)
    heads = lowest_hashes(plan.seed, "kv_head", groups, plan.heads)
    width = per_group * dim
    return (heads[:, None] * width + np.arange(width)).ravel()


def _tokens(plan: Plan, length: int, vocabulary: Mapping[str, int] | None) -> tuple[Keys, NDArray[np.intp]]:
    by_row = lowest_hashes(plan.seed, "token_row", length, plan.tokens)
    keys, positions = _both(by_row)
    if not vocabulary:
        return keys, positions
    salt = plan.seed.to_bytes(16, "little", signed=True)
    hashed = sorted(
        (-1 - (int.from_bytes(_digest(token, salt), "little") >> 2), row)
        for token, row in vocabulary.items()
        if 0 <= row < length
    )[-plan.tokens :]
    named = {row: key for key, row in hashed}
    keys = np.concatenate([keys, np.array(list(named.values()), dtype=np.int64)])
    positions = np.concatenate([positions, np.array(list(named), dtype=np.intp)])
    order = np.argsort(positions, kind="stable")
    return keys[order], positions[order]


def _digest(token: str, salt: bytes) -> bytes:
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8, key=salt).digest()


def _mix(seed: int, name: str, index: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64-bit hashes of the indices (the finaliser of SplitMix64, seeded by seed and axis)."""
    start = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little")
    with np.errstate(over="ignore"):
        x = index * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)
