"""From names matched by a family to parts checked against shapes.

A name says what a tensor should be; only a shape that agrees makes it so. What does not agree is left unassigned
with the reason, never bent to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dokja.anatomy.family import ComponentRules, Match
from dokja.anatomy.part import Axis, Component, ComponentKind, Part, Slice
from dokja.anatomy.roles import axes_of
from dokja.checkpoint.checkpoint import TensorInfo


@dataclass
class ComponentDraft:
    """A component being put together: the matches of one prefix, then its parts."""

    rules: ComponentRules
    prefix: str
    matches: list[Match] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    residual: int = 0


def drafts_of(matches: Iterable[Match]) -> list[ComponentDraft]:
    """Return one draft per component rules and prefix, in the order the family lists them."""
    drafts: dict[tuple[int, str], ComponentDraft] = {}
    for match in matches:
        key = (id(match.component), match.prefix)
        drafts.setdefault(key, ComponentDraft(match.component, match.prefix)).matches.append(match)
    return list(drafts.values())


def assemble(draft: ComponentDraft, tensors: Mapping[str, TensorInfo]) -> dict[str, str]:
    """Fill a draft's parts and residual width; return the tensors left out, each with the reason."""
    draft.residual = _residual_width(draft, tensors)
    left_out: dict[str, str] = {}
    taken: set[tuple[str, int | None, int | None]] = set()
    value_out = _value_out_width(draft, tensors)
    for match in draft.matches:
        parts = _parts_of(match, tensors[match.tensor].shape, draft.residual, value_out)
        keys = {(part.role, part.layer, part.expert) for part in parts}
        if not parts:
            left_out[match.tensor] = "shape_contradicts_role"
        elif keys & taken:
            left_out[match.tensor] = "duplicate_role"
        else:
            taken |= keys
            draft.parts.extend(parts)
    draft.parts.sort(key=_in_model_order)
    return left_out


def _in_model_order(part: Part) -> tuple[int, int, str]:
    layer = -1 if part.layer is None else part.layer
    return (layer, 0 if part.expert is None else part.expert, part.role)


def _residual_width(draft: ComponentDraft, tensors: Mapping[str, TensorInfo]) -> int:
    """The length most tensors give the residual axis; 0 when none has one."""
    votes: Counter[int] = Counter()
    for match in draft.matches:
        shape = tensors[match.tensor].shape
        if match.rule.stacked or match.is_bias or len(match.rule.all_roles) > 1:
            continue
        axes = axes_of(match.rule.all_roles[0])
        if match.transposed:
            axes = axes[::-1]
        if Axis.RESIDUAL in axes and len(shape) >= len(axes):
            votes[shape[axes.index(Axis.RESIDUAL)]] += 1
    return max(votes, key=lambda width: (votes[width], width)) if votes else 0


def _value_out_width(draft: ComponentDraft, tensors: Mapping[str, TensorInfo]) -> int:
    """Input width of the output projection, which tells queries from keys and values where they are fused."""
    for match in draft.matches:
        shape = tensors[match.tensor].shape
        if match.rule.all_roles == ("attention.output",) and not match.is_bias and len(shape) == 2:
            return shape[0] if match.transposed else shape[1]
    return 0


def _parts_of(match: Match, shape: tuple[int, ...], residual: int, value_out: int) -> list[Part]:
    """Return the parts a stored tensor holds, or none when its shape contradicts its name."""
    roles = tuple(f"{role}.bias" for role in match.rule.all_roles) if match.is_bias else match.rule.all_roles
    axes = axes_of(roles[0])
    if match.rule.stacked:
        return _stacked(match, roles, shape, residual)
    if axes[-1:] == (Axis.PIXEL,) and len(shape) > 2:
        flat = (shape[0], _product(shape[1:]))
        return _cut(match, roles, flat, residual, value_out, flatten=True)
    shape = _without_ones(shape, len(axes))
    transposed = match.transposed and len(axes) == 2
    canonical = shape[::-1] if transposed else shape
    return _cut(match, roles, canonical, residual, value_out, transposed=transposed)


def _stacked(match: Match, roles: tuple[str, ...], shape: tuple[int, ...], residual: int) -> list[Part]:
    if len(shape) != 3:
        return []
    n_experts, rows, columns = shape
    wants_residual = axes_of(roles[0]).index(Axis.RESIDUAL)
    # Both orders occur in the wild; the residual width tells them apart unless the matrix is square.
    transposed = (rows, columns)[wants_residual] != residual and (rows, columns)[
        1 - wants_residual
    ] == residual
    canonical = (columns, rows) if transposed else (rows, columns)
    return [
        part
        for expert in range(n_experts)
        for part in _cut(match, roles, canonical, residual, 0, transposed=transposed, expert=expert)
    ]


def _cut(
    match: Match,
    roles: tuple[str, ...],
    shape: tuple[int, ...],
    residual: int,
    value_out: int,
    *,
    transposed: bool = False,
    flatten: bool = False,
    expert: int | None = None,
) -> list[Part]:
    """Cut a canonical matrix into its roles along the output axis, checking every axis length."""
    parts: list[Part] = []
    start = 0
    sizes = _sizes(roles, shape[0] if shape else 0, value_out)
    for role, size in zip(roles, sizes, strict=True):
        axes, cut = axes_of(role), (size, *shape[1:])
        if min(cut) <= 0 or len(axes) != len(cut) or not _agrees(axes, cut, residual):
            return []
        source = Slice(
            tensor=match.tensor,
            index=expert,
            start=start,
            stop=start + size,
            transposed=transposed,
            flatten=flatten,
        )
        if len(roles) == 1:
            source = Slice(match.tensor, expert, transposed=transposed, flatten=flatten)
        number = match.expert if expert is None else expert
        parts.append(Part(role, match.layer, number, axes, cut, source))
        start += size
    return parts


def _sizes(roles: tuple[str, ...], total: int, value_out: int) -> list[int]:
    """Rows of each role in a fused tensor: equal shares, or for grouped queries what the output projection says."""
    n = len(roles)
    if n == 3 and roles[0].startswith("attention.query") and value_out and total != 3 * value_out:
        rest = total - value_out
        return [value_out, rest // 2, rest // 2] if rest > 0 and rest % 2 == 0 else [0] * n
    return [total // n] * n if total % n == 0 else [0] * n


def _agrees(axes: tuple[Axis, ...], shape: tuple[int, ...], residual: int) -> bool:
    return all(
        axis is not Axis.RESIDUAL or length == residual for axis, length in zip(axes, shape, strict=True)
    )


def _without_ones(shape: tuple[int, ...], n_axes: int) -> tuple[int, ...]:
    """Drop leading axes of length one that a stored parameter carries for broadcasting."""
    while len(shape) > n_axes and shape[0] == 1:
        shape = shape[1:]
    return shape


def _product(lengths: tuple[int, ...]) -> int:
    result = 1
    for length in lengths:
        result *= length
    return result


def numbered(components: Iterable[Component]) -> tuple[Component, ...]:
    """Give the second and later component of a kind its `#2` and so on, in the order of the model."""
    counts: Counter[ComponentKind] = Counter()
    result = []
    for component in components:
        counts[component.kind] += 1
        number, name = counts[component.kind], component.kind.value
        result.append(replace(component, name=name if number == 1 else f"{name}#{number}"))
    return tuple(result)
