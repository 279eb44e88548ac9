"""Anatomy without names: the repeated block, its residual width, and what each shape in it must be.

What comes out is marked as inferred, and every guess that shapes alone could not settle is a warning. Tensors that
shapes do not tell are left unassigned rather than guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from dokja.anatomy.assemble import numbered
from dokja.anatomy.declared import declared, hint_of
from dokja.anatomy.heads import heads_of
from dokja.anatomy.part import Anatomy, Component, ComponentKind, Part, Slice
from dokja.anatomy.repeats import longest_run, residual_width
from dokja.anatomy.roles import axes_of
from dokja.anatomy.shuffled import paired_mlps
from dokja.anatomy.wiring import Item, Told, roles_in_block
from dokja.checkpoint.checkpoint import Checkpoint

Note = tuple[str, Mapping[str, object]]

_FIRST_NUMBER = re.compile(r"(\D*)(\d{1,9})")
_MOST_COMPONENTS = 8


@dataclass
class _Found:
    """One stack of blocks and the parts told in it."""

    residual: int
    parts: list[Part] = field(default_factory=list)
    n_layers: int = 0
    kind: ComponentKind = ComponentKind.OTHER


def infer(checkpoint: Checkpoint) -> Anatomy:
    """Return the anatomy of a checkpoint whose names say nothing.

    Reads no weights while the file keeps the order in which blocks follow each other; for shuffled tensors it reads
    a sample of every MLP matrix to see which belong together.
    """
    stored = [(name, info.shape) for name, info in checkpoint.tensors.items()]
    empty = [item for item in stored if 0 in item[1]]
    items = _in_layer_order([item for item in stored if 0 not in item[1]])
    position = {name: number for number, (name, _) in enumerate(items)}
    stacks: list[_Found] = []
    while len(stacks) < _MOST_COMPONENTS:
        found, items = _take_stack(items)
        if found is None:
            break
        stacks.append(found)
    warnings: list[Note] = []
    if not stacks:
        found, items = _take_shuffled(checkpoint, items)
        if found is not None:
            stacks.append(found)
            warnings.append(("anatomy.layer_order_unknown", {"layers": found.n_layers}))
    components: list[Component] = []
    for stack in sorted(stacks, key=lambda one: -len(one.parts)):
        outer, items = _take_ends(stack, items, position, is_first=not components)
        components += _components(stack, outer, checkpoint)
    if components:
        warnings.append(("anatomy.inferred", {"components": len(components)}))
    warnings += [
        ("anatomy.head_size_unknown", {"component": component.name})
        for component in components
        if not component.head_dim and any(part.role == "attention.query" for part in component.parts)
    ]
    unassigned = {name: "unknown" for name, _ in (*items, *empty)}
    if unassigned:
        warnings.append(("anatomy.unassigned", {"reason": "unknown", "tensors": len(unassigned)}))
    return Anatomy("inferred", True, numbered(components), unassigned, tuple(warnings))


def _in_layer_order(items: list[Item]) -> list[Item]:
    """Sort by the first number in the names, if it counts layers: writers put layer 10 before layer 2."""
    starts = [_FIRST_NUMBER.match(name) for name, _ in items]
    keys = [(found[1], int(found[2])) if found else None for found in starts]
    times = Counter(key for key in keys if key)
    if not times or sum(count == 1 for count in times.values()) * 2 > len(times):
        return items
    stems = {stem: number for number, stem in enumerate(dict.fromkeys(key[0] for key in keys if key))}
    order = [(-1, 0) if key is None else (stems[key[0]], key[1]) for key in keys]
    return [items[index] for index in sorted(range(len(items)), key=order.__getitem__)]


def _take_stack(items: list[Item]) -> tuple[_Found | None, list[Item]]:
    """Remove the longest repeated stack from the tensors, if an MLP can be told in it."""
    run = longest_run([shape for _, shape in items])
    if run is None:
        return None, items
    first = [items[index] for index in next(run.blocks())]
    residual = residual_width([shape for _, shape in first])
    found = _Found(residual, n_layers=run.n_blocks)
    for layer, block in enumerate(run.blocks()):
        tensors = [items[index] for index in block]
        found.parts += _as_parts(roles_in_block(tensors, residual), dict(tensors), layer)
    if not any(part.role == "mlp.down" for part in found.parts):
        return None, items
    taken = {part.source.tensor for part in found.parts}
    return found, [item for item in items if item[0] not in taken]


def _take_shuffled(checkpoint: Checkpoint, items: list[Item]) -> tuple[_Found | None, list[Item]]:
    residual = residual_width([shape for _, shape in items])
    told = paired_mlps(checkpoint, items, residual)
    if not told:
        return None, items
    found = _Found(residual, n_layers=len(told))
    shapes = dict(items)
    for layer, three in enumerate(told):
        found.parts += _as_parts(three, shapes, layer)
    taken = {part.source.tensor for part in found.parts}
    return found, [item for item in items if item[0] not in taken]


def _as_parts(told: list[Told], shapes: Mapping[str, tuple[int, ...]], layer: int | None) -> list[Part]:
    parts = []
    for one in told:
        shape = shapes[one.tensor]
        parts.append(
            Part(
                role=one.role,
                layer=layer,
                expert=one.expert,
                axes=axes_of(one.role),
                shape=shape[::-1] if one.transposed else shape,
                source=Slice(one.tensor, transposed=one.transposed),
            )
        )
    return parts


def _take_ends(
    stack: _Found, items: list[Item], position: Mapping[str, int], *, is_first: bool
) -> tuple[list[Part], list[Item]]:
    """Tell the tensors before and after a stack: embedding and head, patch embedding, final norm."""
    width = stack.residual
    hidden = max((part.shape[1] for part in stack.parts if part.role == "mlp.down"), default=0)
    shapes = dict(items)
    patches = [name for name, shape in items if len(shape) > 3 and shape[0] == width]
    tables = [name for name, shape in items if len(shape) == 2 and shape[1] == width and shape[0] > hidden]
    norms = [name for name, shape in items if shape == (width,)]
    outer: list[Part] = []
    if patches:
        shape = shapes[patches[0]]
        flat = (shape[0], shapes_product(shape[1:]))
        source = Slice(patches[0], flatten=True)
        outer.append(Part("patch_embedding", None, None, axes_of("patch_embedding"), flat, source))
        stack.kind = ComponentKind.VISION_ENCODER
    elif tables and is_first:
        tall = max(shapes[name][0] for name in tables)
        told = _tables([name for name in tables if shapes[name][0] == tall], stack, position)
        outer += _as_parts(told, shapes, None)
        stack.kind = ComponentKind.LANGUAGE_MODEL
    if len(norms) == 1:
        stack.parts += _as_parts([Told(norms[0], "norm.final")], shapes, None)
    taken = {part.source.tensor for part in (*outer, *stack.parts)}
    return outer, [item for item in items if item[0] not in taken]


def _tables(tall: list[str], stack: _Found, position: Mapping[str, int]) -> list[Told]:
    """The embedding, and the head where there are two: alphabetical writers put `lm_head` before everything."""
    first = min(position[part.source.tensor] for part in stack.parts)
    both_before = len(tall) > 1 and position[tall[1]] < first
    roles = ("lm_head", "token_embedding") if both_before else ("token_embedding", "lm_head")
    return [Told(name, role) for name, role in zip(tall, roles, strict=False)]


def shapes_product(lengths: tuple[int, ...]) -> int:
    """Return how many entries axes of these lengths have."""
    result = 1
    for length in lengths:
        result *= length
    return result


def _components(stack: _Found, outer: list[Part], checkpoint: Checkpoint) -> list[Component]:
    layers = sorted({part.layer for part in stack.parts if part.layer is not None})
    index = {(part.role, part.layer): part for part in stack.parts if part.expert is None}
    heads = heads_of(index, layers, hint_of(declared(checkpoint, stack.kind)))
    experts = [part.expert for part in stack.parts if part.expert is not None]
    trunk = Component(
        name=stack.kind.value,
        kind=stack.kind,
        parts=(*stack.parts, *(part for part in outer if part.role == "patch_embedding")),
        n_layers=stack.n_layers,
        residual=stack.residual,
        n_heads=heads.n_heads,
        n_kv_heads=heads.n_kv_heads,
        head_dim=heads.head_dim,
        value_dim=heads.value_dim,
        n_experts=max(experts) + 1 if experts else 0,
        rotary=True,
    )
    kinds = {"token_embedding": ComponentKind.TOKEN_EMBEDDING, "lm_head": ComponentKind.LM_HEAD}
    tables = [part for part in outer if part.role in kinds]
    return [trunk] + [
        Component(
            kinds[part.role].value, kinds[part.role], (part,), 0, stack.residual, tied_head=len(tables) == 1
        )
        for part in tables
    ]
