"""One suspect against references: every component with its counterparts, and what may be said of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from dokja.anatomy.part import ComponentKind
from dokja.canonical import JSON
from dokja.finding import Reason, Verdict
from dokja.lineage.compare_components import PairEvidence, gather
from dokja.lineage.compare_unknown import compare_values_anywhere, gather_unknown
from dokja.lineage.controls import DEFAULT_KAPPA
from dokja.lineage.equality import Equality, compare_values
from dokja.lineage.relation import FAMILY_WISE_LOG10, Relation, SeenShare, judge
from dokja.lineage.sketch import Sketch, SketchedComponent
from dokja.lineage.whole import WholePart
from dokja.progress import Progress, unheard

# (suspect component, reference number, its component, suspect layer to reference layer) -> parts, or () for a sketch.
Stream = Callable[[str, int, str, Mapping[int, int] | None], tuple[WholePart, ...]]

# Where a suspect's component has no counterpart of its kind, this kind holds the same axes.
_STANDS_IN = {"lm_head": "token_embedding"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a comparison is run.

    Args:
        seed: Of controls and Monte-Carlo draws.
        kappa: Declared drift Σ learning rate × weight decay at which power is stated.
        draws: Monte-Carlo re-labellings for the picture of the null.
    """

    seed: int = 0
    kappa: float = DEFAULT_KAPPA
    draws: int = 400


@dataclass(frozen=True, slots=True)
class ComponentResult:
    """What may be said of one suspect component against one reference.

    Args:
        component: Of the suspect.
        relation, verdict, reason: What may be said.
        reference, reference_owner: The model compared with, and whose it is.
        reference_component: Its component; empty when it has no counterpart.
        evidence: What it rests on; None when there was no counterpart.
        log10_p: Family-wise bound, or None where no p-value is valid.
        warnings: What a reader must know besides.
        whole: Agreement of every tensor over all its values, where they were streamed.
    """

    component: str
    relation: Relation
    reason: Reason
    reference: str
    reference_owner: str
    reference_component: str
    evidence: PairEvidence | None
    log10_p: float | None
    warnings: tuple[Reason, ...] = ()
    whole: tuple[WholePart, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Of the claim `weights.independent_of`."""
        return self.relation.verdict


@dataclass(frozen=True, slots=True)
class Examination:
    """A whole run.

    Args:
        gravest: Per suspect component, the gravest result over references.
        all_results: Every component against every reference.
        n_tests: Over how many component pairs the family-wise error is shared.
    """

    gravest: tuple[ComponentResult, ...]
    all_results: tuple[ComponentResult, ...]
    n_tests: int
    warnings: tuple[Reason, ...] = field(default=())

    @property
    def relation(self) -> Relation:
        """Of the gravest component."""
        return min((r.relation for r in self.gravest), key=lambda r: r.gravity, default=Relation.UNTESTABLE)

    @property
    def verdict(self) -> Verdict:
        """Of the gravest component."""
        return self.relation.verdict


def examine(
    suspect: Sketch,
    references: Sequence[Sketch],
    settings: Settings,
    progress: Progress = unheard,
    stream: Stream | None = None,
) -> Examination:
    """Return what may be said of every component of a suspect against every reference.

    Args:
        suspect: Sketch of the suspect.
        references: Sketches of one or more references.
        settings: Seed, drift, draws.
        progress: Told of each pair of components, how many are compared, and how many there are.
        stream: Compares all values of two components, for the full depth.

    Assumes:
        The references' units are exchangeable: ordinary initialisation and an elementwise or orthogonally
        equivariant optimiser. Nothing of the suspect.

    Source:
        Zhu et al. 2025, arXiv 2502.12292, Theorems 1 and 4; docs/methods/lineage-exact.md.
    """
    pairs = [
        _Pair(component, number, reference, counterpart, "inferred" in (suspect.family, reference.family))
        for component in suspect.components
        for number, reference in enumerate(references)
        for counterpart in _counterparts(component, reference)
    ]
    n_tests = max(1, sum(1 for pair in pairs if pair.counterpart is not None))
    results = []
    for done, pair in enumerate(pairs):
        progress(f"{pair.component.name} ↔ {pair.reference.name}", done, len(pairs))
        results.append(_result(pair, n_tests, settings, stream))
    results = [_held_back(result, results) for result in results]
    gravest = tuple(
        min((r for r in results if r.component == c.name), key=_gravity)
        for c in suspect.components
        if references
    )
    return Examination(gravest, tuple(results), n_tests)


def _held_back(result: ComponentResult, results: Sequence[ComponentResult]) -> ComponentResult:
    """Return a result, `linked` at most where it says no more than a body that may be a sibling's.

    An embedding or a head has no units and no gains of its own. Where the body of the same two models agrees in place
    and may share but a seed, so may they: siblings that were trained little agree there as closely as descendants.
    """
    if result.relation is not Relation.DERIVED or result.reason.key != "lineage.derived_frame":
        return result
    if not any(r.reference == result.reference and r.reason.key == "lineage.linked" for r in results):
        return result
    return replace(
        result, relation=Relation.LINKED, reason=Reason("lineage.linked_beside", result.reason.figures)
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    component: SketchedComponent
    number: int
    reference: Sketch
    counterpart: SketchedComponent | None
    order_unknown: bool  # names did not tell which layer is which, so a layer's number means nothing


def _gravity(result: ComponentResult) -> tuple[int, float]:
    return result.relation.gravity, result.log10_p if result.log10_p is not None else math.inf


def _counterparts(component: SketchedComponent, reference: Sketch) -> list[SketchedComponent | None]:
    for kind in (component.kind, _STANDS_IN.get(component.kind)):
        found = [c for c in reference.components if c.kind == kind]
        if found:
            return list(found)
    return [None]


def _result(pair: _Pair, n_tests: int, settings: Settings, stream: Stream | None) -> ComponentResult:
    component, reference, counterpart = pair.component, pair.reference, pair.counterpart
    figures: dict[str, JSON] = {
        "component": component.name,
        "reference": reference.name,
        "owner": reference.owner,
    }
    if counterpart is None:
        reason = Reason("lineage.no_counterpart", {**figures, "kind": component.kind})
        return ComponentResult(
            component.name, Relation.UNTESTABLE, reason, reference.name, reference.owner, "", None, None
        )
    needed = FAMILY_WISE_LOG10 - math.log10(n_tests)
    evidence, whole = _look(pair, counterpart, needed, settings, stream)
    in_place_layers = dict(evidence.layer_pairs) if evidence.order_unknown else None
    errors = {part.place: part.relative_error for part in whole}
    equality = (
        compare_values_anywhere(component, counterpart, errors)
        if component.kind == ComponentKind.OTHER
        else compare_values(component, counterpart, in_place_layers, errors)
    )
    relation, reason, log10_p = _judge(component, evidence, equality, n_tests, figures)
    return ComponentResult(
        component=component.name,
        relation=relation,
        reason=reason,
        reference=reference.name,
        reference_owner=reference.owner,
        reference_component=counterpart.name,
        evidence=evidence,
        log10_p=log10_p,
        warnings=_warnings(component, evidence),
        whole=whole,
    )


def _look(
    pair: _Pair, counterpart: SketchedComponent, needed: float, settings: Settings, stream: Stream | None
) -> tuple[PairEvidence, tuple[WholePart, ...]]:
    """Return what the samples show, and the agreement of all values where they can be streamed.

    While samples are tested, values already stream layer by layer of one number; where the test then finds another
    map, they are streamed again.
    """
    component = pair.component
    look = gather_unknown if component.kind == ComponentKind.OTHER else gather
    likely_in_place = component.n_layers == counterpart.n_layers and not pair.order_unknown
    with ThreadPoolExecutor(1) as thread:
        ahead = None
        if stream is not None and likely_in_place:
            ahead = thread.submit(stream, component.name, pair.number, counterpart.name, None)
        evidence = look(component, counterpart, needed, settings.kappa, settings.seed, settings.draws)
    if pair.order_unknown and _is_injective(evidence.layer_pairs) and not evidence.is_in_place:
        evidence = replace(evidence, is_in_place=True, order_unknown=True)
    layer_of = dict(evidence.layer_pairs) if evidence.order_unknown or not evidence.is_in_place else None
    if stream is None:
        return evidence, ()
    if ahead is not None and layer_of is None:
        return evidence, ahead.result()
    return evidence, stream(component.name, pair.number, counterpart.name, layer_of)


def _is_injective(pairs: Sequence[tuple[int, int]]) -> bool:
    return len({r for _, r in pairs}) == len(pairs) == len({s for s, _ in pairs})


def _judge(
    component: SketchedComponent,
    evidence: PairEvidence,
    equality: Equality,
    n_tests: int,
    figures: dict[str, JSON],
) -> tuple[Relation, Reason, float | None]:
    family = math.log10(n_tests)
    log10_p = None if evidence.log10_p is None else min(0.0, evidence.log10_p + family)
    if equality.is_copy:
        key = "lineage.copy_coarse" if equality.coarse else "lineage.copy"
        said: dict[str, JSON] = {
            **figures,
            "n_matrices": equality.n_equal,
            "dtypes": " ↔ ".join(equality.dtypes),
        }
        return Relation.COPY, Reason(key, said), log10_p
    if evidence.untestable is not None or log10_p is None:
        untestable = evidence.untestable or Reason("lineage.no_group")
        return Relation.UNTESTABLE, replace(untestable, figures={**figures, **untestable.figures}), None
    seen = SeenShare(
        kind=f"{component.kind}.tied" if component.tied_head else component.kind,
        is_private=evidence.is_private,
        log10_p=log10_p,
        effect=evidence.effect,
        persistence=None if evidence.persistence is None else evidence.persistence.ratio,
        start_free=evidence.start_free,
        mapped_share=evidence.mapped_share,
        is_in_place=evidence.is_in_place,
        frame_log10_p=min(0.0, evidence.frame_log10_p + family),
        norm=component.norm,
    )
    figures |= {
        "log10_p": math.ceil(log10_p * 10) / 10,  # rounded up, so that what is printed is still a bound
        "effect": evidence.effect,
        "persistence": 0.0 if evidence.persistence is None else evidence.persistence.ratio,
        "start_free": 0.0 if evidence.start_free is None else evidence.start_free,
        "z": evidence.z,
        "n_layers": len(evidence.layer_pairs),
        "n_suspect_layers": max(1, component.n_layers),
        "kappa": evidence.power.kappa,
        "power": evidence.power.power,
        "detectable_kappa": evidence.power.detectable_kappa,
        "frame_z": evidence.frame_z,
    }
    relation, reason = judge(seen, figures)
    if relation is Relation.NO_LINK_FOUND and evidence.widths_differ:
        return Relation.UNTESTABLE, Reason("lineage.widths_differ", figures), None
    if relation is Relation.NO_LINK_FOUND and evidence.power.detectable_kappa == 0:
        return Relation.UNTESTABLE, Reason("lineage.no_power", figures), None
    return relation, reason, log10_p


def _warnings(component: SketchedComponent, evidence: PairEvidence) -> tuple[Reason, ...]:
    warnings = []
    if component.kind == ComponentKind.OTHER:
        warnings.append(Reason("lineage.wiring_unknown"))
    if evidence.order_unknown:
        warnings.append(Reason("lineage.order_unknown"))
    if evidence.gain_cosine is not None:
        warnings.append(Reason("lineage.gain_cosine_means_nothing", {"cosine": evidence.gain_cosine}))
    if evidence.skipped:
        warnings.append(Reason("lineage.tensors_left_out", {"count": len(evidence.skipped)}))
    warnings.append(Reason("lineage.not_tested_against_disguise"))
    return tuple(warnings)
