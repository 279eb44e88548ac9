"""What each tensor is: component, layer, role, axes, and the re-labellings that leave the model unchanged."""

from dokja.anatomy.describe import describe
from dokja.anatomy.part import (
    Anatomy,
    Axis,
    Component,
    ComponentKind,
    Part,
    Slice,
    load_part,
)

__all__ = [
    "Anatomy",
    "Axis",
    "Component",
    "ComponentKind",
    "Part",
    "Slice",
    "describe",
    "load_part",
]
