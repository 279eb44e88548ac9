"""What each tensor is: component, layer, role, axes, and the re-labellings that leave the model unchanged.

`describe` names the parts of a checkpoint; `groups` says which of their units may be re-labelled; `unit_features`
reads those units. Nothing above this package ever looks at a tensor's name.
"""

from dokja.anatomy.describe import describe
from dokja.anatomy.features import feature_blocks, relabel, unit_features
from dokja.anatomy.groups import Group, GroupMember, groups, residual_stream
from dokja.anatomy.part import (
    Anatomy,
    Axis,
    Component,
    ComponentKind,
    Part,
    Slice,
    load_part,
)
from dokja.anatomy.vocabularies import shared_tokens

__all__ = [
    "Anatomy",
    "Axis",
    "Component",
    "ComponentKind",
    "Group",
    "GroupMember",
    "Part",
    "Slice",
    "describe",
    "feature_blocks",
    "groups",
    "load_part",
    "relabel",
    "residual_stream",
    "shared_tokens",
    "unit_features",
]
