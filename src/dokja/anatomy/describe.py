"""`describe`: what a checkpoint is made of. Names propose roles, shapes dispose; config.json is only compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dokja.anatomy.assemble import ComponentDraft, assemble, drafts_of, numbered
from dokja.anatomy.declared import declared, disagreements, hint_of
from dokja.anatomy.exported import Known, constants, known_names
from dokja.anatomy.families import FAMILIES
from dokja.anatomy.family import Family, Match
from dokja.anatomy.heads import Heads, heads_of, rotary_rows
from dokja.anatomy.inference import infer
from dokja.anatomy.part import Anatomy, Axis, Component, ComponentKind, Part
from dokja.anatomy.unknown_wiring import describe_unknown
from dokja.checkpoint.checkpoint import Checkpoint

Warning_ = tuple[str, Mapping[str, object]]

# A family must explain this share of the stored tensors; otherwise the names say nothing.
_MIN_EXPLAINED_SHARE = 0.5

_HARMLESS = frozenset({"fixed_table", "single_number", "graph_constant", "stored_form_of_another"})

# GGUF architectures whose converters store the two rotary halves of a head side by side.
_INTERLEAVED_GGUF = frozenset(
    {"llama", "mistral3", "deci", "baichuan", "internlm2", "minicpm"}
    | {"xverse", "olmo", "granite", "granitemoe", "arcee", "smollm3"}
)


def describe(checkpoint: Checkpoint) -> Anatomy:
    """Return the anatomy of an opened checkpoint, without reading any weight as long as names or order tell.

    Tensor names decide roles, shapes decide sizes. What the config declares is compared with the shapes; it decides
    nothing but the number of heads where shapes leave that open, and only where it fits them.
    """
    idle = constants(checkpoint)
    known = [one for one in known_names(checkpoint) if one.tensor not in idle]
    matches, family = _best_family(known)
    if family is None:
        inferred = infer(checkpoint)
        return inferred if inferred.components else describe_unknown(checkpoint, idle)
    matched = {match.tensor for match in matches}
    unassigned = idle | {
        one.tensor: family.reason_to_ignore(one.name) or "unknown"
        for one in known
        if one.tensor not in matched
    }
    warnings: list[Warning_] = []
    components: list[Component] = []
    has_head = any(match.component.kind is ComponentKind.LM_HEAD for match in matches)
    for draft in _in_family_order(drafts_of(matches), family):
        unassigned |= assemble(draft, checkpoint.tensors)
        if draft.parts:
            component, more = _component(draft, checkpoint, ties_head=family.ties_head and not has_head)
            components.append(component)
            warnings += more
    warnings += _warn_unassigned(unassigned)
    return Anatomy(family.name, False, numbered(components), unassigned, tuple(warnings))


def _best_family(known: list[Known]) -> tuple[list[Match], Family | None]:
    """The fitting family that explains most tensors, the earlier one among equals."""
    names = [one.name for one in known]
    best: list[Match] = []
    winner: Family | None = None
    for family in FAMILIES:
        if family.fits(names):
            matches = family.match_all(known)
            if len(matches) > len(best):
                best, winner = matches, family
    if not names or len(best) < _MIN_EXPLAINED_SHARE * len(names):
        return [], None
    return best, winner


def _in_family_order(drafts: list[ComponentDraft], family: Family) -> list[ComponentDraft]:
    return sorted(drafts, key=lambda draft: family.components.index(draft.rules))


def _component(
    draft: ComponentDraft, checkpoint: Checkpoint, *, ties_head: bool
) -> tuple[Component, list[Warning_]]:
    kind = draft.rules.kind
    layers = sorted({part.layer for part in draft.parts if part.layer is not None})
    index = {(part.role, part.layer): part for part in draft.parts if part.expert is None}
    said = declared(checkpoint, kind)
    heads = heads_of(index, layers, hint_of(said))
    experts = [part.expert for part in draft.parts if part.expert is not None and part.expert >= 0]
    component = Component(
        name=kind.value,
        kind=kind,
        parts=tuple(_with_wide_norm(part, index, heads) for part in draft.parts),
        n_layers=len(layers),
        residual=draft.residual,
        n_heads=heads.n_heads,
        n_kv_heads=heads.n_kv_heads,
        head_dim=heads.head_dim,
        value_dim=heads.value_dim,
        n_experts=max(experts) + 1 if experts else 0,
        rotary=draft.rules.rotary,
        norm=draft.rules.norm,
        tied_head=kind is ComponentKind.TOKEN_EMBEDDING and ties_head,
        routing_groups=_routing_groups(said, experts),
        reads=draft.rules.input_kind,
    )
    warnings: list[Warning_] = []
    if layers:
        warnings += disagreements(said, component)
    if not heads.is_known:
        warnings.append(("anatomy.head_size_unknown", {"component": component.name}))
    return _with_rotary_order(component, draft, checkpoint, heads), warnings


_NORMED = {
    "norm.query": ("attention.query", Axis.QUERY),
    "norm.key": ("attention.key", Axis.KEY_VALUE),
}


def _with_wide_norm(part: Part, index: Mapping[tuple[str, int | None], Part], heads: Heads) -> Part:
    """Norms of queries and keys count the rows of all heads in some families, and of one head in others."""
    of, axis = _NORMED.get(part.role.removesuffix(".bias"), ("", Axis.OTHER))
    normed = index.get((of, part.layer))
    if normed is None or part.shape[0] != normed.shape[0] or part.shape[0] == heads.head_dim:
        return part
    return replace(part, axes=(axis,))


def _routing_groups(said: Mapping[str, int], experts: list[int]) -> int:
    """Believe a declared grouping that fits: permuting inside smaller blocks is valid whether or not it is true."""
    groups, n_experts = said.get("routing_groups", 1), max(experts, default=-1) + 1
    return groups if n_experts and n_experts % groups == 0 else 1


def _with_rotary_order(
    component: Component, draft: ComponentDraft, checkpoint: Checkpoint, heads: Heads
) -> Component:
    """Undo the side-by-side storing of rotary pairs, so that a model reads alike from every format."""
    if checkpoint.metadata.get("general.architecture") not in _INTERLEAVED_GGUF or not heads.head_dim:
        return component
    stored = {match.tensor for match in draft.matches if match.rule.interleaved}
    rows = {
        count * heads.head_dim: rotary_rows(count, heads.head_dim)
        for count in (heads.n_heads, heads.n_kv_heads)
    }

    def reorder(part: Part) -> Part:
        if part.source.tensor not in stored:
            return part
        return replace(part, source=replace(part.source, rows=rows[part.shape[0]]))

    return replace(component, parts=tuple(map(reorder, component.parts)))


def _warn_unassigned(unassigned: Mapping[str, str]) -> list[Warning_]:
    reasons: dict[str, int] = {}
    for reason in unassigned.values():
        if reason not in _HARMLESS:
            reasons[reason] = reasons.get(reason, 0) + 1
    return [
        ("anatomy.unassigned", {"reason": reason, "tensors": count})
        for reason, count in sorted(reasons.items())
    ]
