"""Look at one model without comparing it: what it is made of, how large, and what a careless reader should fear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from dokja.anatomy import Component, Part, describe, groups
from dokja.canonical import JSON
from dokja.checkpoint import TensorInfo, Threat, open_checkpoint


@dataclass(frozen=True, slots=True)
class RoleLine:
    """All parts of one role and shape in one component.

    Args:
        role: The role.
        shape: Length of each canonical axis.
        axes: What each axis counts.
        count: How many there are, over layers and experts.
        parameters: Numbers in all of them.
        dtypes: Stored types.
    """

    role: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    count: int
    parameters: int
    dtypes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComponentSheet:
    """One component, its parts summed up.

    Args:
        component: As anatomy describes it.
        parameters: Numbers in it.
        dtypes: Stored types, the most used first.
        roles: One line for each role and shape, in model order.
        groups: How many groups of interchangeable units of each kind it has.
    """

    component: Component
    parameters: int
    dtypes: tuple[str, ...]
    roles: tuple[RoleLine, ...]
    groups: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What there is to see of a model.

    Args:
        model: What the person named.
        format: File format.
        family: Family that recognised the names, or `inferred`.
        inferred: Whether shapes had to stand in for names.
        files: Weight files.
        stored_bytes: Bytes of all stored tensors.
        vocabulary: Tokens of its tokenizer, None when none came along.
        components: In model order.
        unassigned: Stored tensors in no component, each with the reason.
        warnings: Message keys with figures.
        threats: What a careless reader should fear.
    """

    model: str
    format: str
    family: str
    inferred: bool
    files: tuple[str, ...]
    stored_bytes: int
    vocabulary: int | None
    components: tuple[ComponentSheet, ...]
    unassigned: Mapping[str, str]
    warnings: tuple[tuple[str, Mapping[str, object]], ...]
    threats: tuple[Threat, ...]

    @property
    def parameters(self) -> int:
        """Numbers in all components; a tied head is counted once."""
        return sum(sheet.parameters for sheet in self.components)

    def as_json(self) -> dict[str, JSON]:
        """Return the inspection as one JSON object."""
        return {
            "model": self.model,
            "format": self.format,
            "family": self.family,
            "inferred": self.inferred,
            "files": list(self.files),
            "parameters": self.parameters,
            "stored_bytes": self.stored_bytes,
            "vocabulary": self.vocabulary,
            "components": [_sheet_json(sheet) for sheet in self.components],
            "unassigned": dict(self.unassigned),
            "threats": [{"kind": one.kind, "where": one.where, "detail": one.detail} for one in self.threats],
        }


def inspect_model(model: str) -> Inspection:
    """Return what a model is made of; reads headers, and weights only where names and order say nothing.

    Args:
        model: A folder, a file, an `https://` folder or `hf://org/name`.

    Raises:
        InvalidInput: There is no model there.
        UnreadableArtifact: A file of it is not what it says.
    """
    with open_checkpoint(model) as checkpoint:
        anatomy = describe(checkpoint)
        vocabulary = checkpoint.vocabulary
        return Inspection(
            model=model,
            format=checkpoint.format,
            family=anatomy.family,
            inferred=anatomy.inferred,
            files=tuple(dict.fromkeys(info.file for info in checkpoint.tensors.values())),
            stored_bytes=sum(info.stored_bytes for info in checkpoint.tensors.values()),
            vocabulary=None if vocabulary is None else len(vocabulary),
            components=tuple(_sheet(component, checkpoint.tensors) for component in anatomy.components),
            unassigned=anatomy.unassigned,
            warnings=anatomy.warnings,
            threats=checkpoint.threats,
        )


def _sheet(component: Component, tensors: Mapping[str, TensorInfo]) -> ComponentSheet:
    lines: dict[tuple[str, tuple[int, ...]], list[Part]] = {}
    dtypes: Counter[str] = Counter()
    for part in component.parts:
        lines.setdefault((part.role, part.shape), []).append(part)
        dtypes[tensors[part.source.tensor].dtype] += prod(part.shape)
    return ComponentSheet(
        component=component,
        parameters=sum(prod(part.shape) for part in component.parts),
        dtypes=tuple(dtype for dtype, _ in dtypes.most_common()),
        roles=tuple(_line(parts, tensors) for parts in lines.values()),
        groups=Counter(group.kind for group in groups(component)),
    )


def _line(parts: list[Part], tensors: Mapping[str, TensorInfo]) -> RoleLine:
    first = parts[0]
    return RoleLine(
        role=first.role,
        shape=first.shape,
        axes=tuple(axis.value for axis in first.axes),
        count=len(parts),
        parameters=len(parts) * prod(first.shape),
        dtypes=tuple(sorted({tensors[part.source.tensor].dtype for part in parts})),
    )


def _sheet_json(sheet: ComponentSheet) -> dict[str, JSON]:
    one = sheet.component
    return {
        "component": one.name,
        "kind": one.kind.value,
        "layers": one.n_layers,
        "residual": one.residual,
        "n_heads": one.n_heads,
        "n_kv_heads": one.n_kv_heads,
        "head_dim": one.head_dim,
        "value_dim": one.value_dim,
        "n_experts": one.n_experts,
        "rotary": one.rotary,
        "norm": one.norm,
        "tied_head": one.tied_head,
        "parameters": sheet.parameters,
        "dtypes": list(sheet.dtypes),
        "groups": dict(sheet.groups),
        "roles": [
            {
                "role": line.role,
                "shape": list(line.shape),
                "axes": list(line.axes),
                "count": line.count,
                "parameters": line.parameters,
                "dtypes": list(line.dtypes),
            }
            for line in sheet.roles
        ],
    }
