"""Compare one suspect with references, and say it as the object `dokja compare --json` prints."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dokja.anatomy import Anatomy, Component, describe
from dokja.checkpoint import Checkpoint, open_checkpoint
from dokja.errors import InvalidInput
from dokja.finding import Reason
from dokja.lineage.controls import DEFAULT_KAPPA
from dokja.lineage.examine import ComponentResult, Examination, Settings, Stream, examine
from dokja.lineage.relation import FAMILY_WISE_LOG10, Relation
from dokja.lineage.sampling import DEFAULT_SEED, Depth, fitted, plan_of
from dokja.lineage.sketch import Sketch, make_sketch
from dokja.lineage.sketch_file import is_sketch, sketch_digest
from dokja.lineage.whole import WholePart, compare_whole
from dokja.progress import Progress, unheard
from dokja.report.words import Language, say_reason
from dokja.workflows.sketch import named_sketch

# What anatomy says when names tell a container or nothing at all, not an architecture.
_NO_FAMILY = frozenset({"inferred", "gguf"})

_LINKING = (
    Relation.COPY,
    Relation.DERIVED,
    Relation.PARTLY_DERIVED,
    Relation.LINKED,
    Relation.SHARED_INITIALISATION,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to compare.

    Args:
        suspect: A model or a sketch file.
        references: Models or sketch files, at least one.
        depth: `screen` or `full`.
        seed: Of the sample; an auditor's own is published afterwards.
        kappa: Declared drift at which power is stated.
        owners: Owners of the references, in order; empty where a sketch says it.
        language: Of the sentences.
    """

    suspect: str
    references: tuple[str, ...]
    depth: Depth = "screen"
    seed: int = DEFAULT_SEED
    kappa: float = DEFAULT_KAPPA
    owners: tuple[str, ...] = ()
    language: Language = "en"


def compare(comparison: Comparison, progress: Progress = unheard) -> dict[str, Any]:
    """Return the result of a comparison as a JSON-able object; its keys are a contract.

    Args:
        comparison: What to compare.
        progress: Told what is sampled or compared, how much of it is done, and how much there is.

    Raises:
        InvalidInput: A source is not there.
        UnreadableArtifact: A file is not what it says.
    """
    began = time.perf_counter()
    with ExitStack() as open_files:
        if len(comparison.owners) > len(comparison.references):
            raise InvalidInput("More owners were said than references.")
        suspect = _load(comparison, comparison.suspect, "", open_files, progress)
        references = [
            _load(comparison, source, owner, open_files, progress)
            for source, owner in zip_longest(comparison.references, comparison.owners, fillvalue="")
        ]
        sketches = [reference.sketch for reference in references]
        stream = _stream_of(suspect, references) if comparison.depth == "full" else None
        settings = Settings(seed=comparison.seed, kappa=comparison.kappa)
        examination = examine(suspect.sketch, sketches, settings, progress, stream)
        bytes_read = sum(source.bytes_read for source in (suspect, *references))
    seconds = time.perf_counter() - began
    return render_result(comparison, suspect.sketch, sketches, examination, bytes_read, seconds)


def compare_sketches(
    comparison: Comparison, suspect: Sketch, references: Sequence[Sketch], progress: Progress = unheard
) -> dict[str, Any]:
    """Return the result of comparing sketches that are at hand already, as `compare` does."""
    began = time.perf_counter()
    settings = Settings(seed=comparison.seed, kappa=comparison.kappa)
    examination = examine(suspect, references, settings, progress)
    bytes_read = suspect.bytes_read + sum(reference.bytes_read for reference in references)
    return render_result(
        comparison, suspect, references, examination, bytes_read, time.perf_counter() - began
    )


def render_result(
    comparison: Comparison,
    suspect: Sketch,
    references: Sequence[Sketch],
    examination: Examination,
    bytes_read: int,
    seconds: float,
) -> dict[str, Any]:
    """Return an examination as the object of the JSON contract.

    Besides the contract's keys: `detail` (what pictures need: settings, per-reference results, what was not looked
    at), documented in docs/methods/lineage-exact.md.
    """
    described = [_describe(reference) for reference in references]
    language = comparison.language
    components = [_component(r, language) for r in examination.gravest]
    return {
        "suspect": _describe(suspect),
        "reference": described[0] if len(described) == 1 else described,
        "components": components,
        "relation": examination.relation.value,
        "verdict": examination.verdict.value,
        "bytes_read": bytes_read,
        "seconds": round(seconds, 3),
        "detail": {
            "claim": "weights.independent_of",
            "depth": comparison.depth,
            "seed": comparison.seed,
            "kappa": comparison.kappa,
            "family_wise_log10": FAMILY_WISE_LOG10,
            "n_tests": examination.n_tests,
            "per_reference": [_component(r, language) for r in examination.all_results],
            "not_examined": [
                {"model": sketch.name, "tensor": tensor, "why": why}
                for sketch in (suspect, *references)
                for tensor, why in sorted(sketch.unassigned.items())
            ],
            "warnings": [say_reason(w, language) for w in _warnings(suspect, references)],
            "said_warnings": [_keyed(w) for w in _warnings(suspect, references)],
        },
    }


@dataclass(frozen=True, slots=True)
class _Source:
    """A sketch, and the model it was made of when that is at hand."""

    sketch: Sketch
    checkpoint: Checkpoint | None
    anatomy: Anatomy | None

    @property
    def bytes_read(self) -> int:
        return self.checkpoint.bytes_read if self.checkpoint is not None else 0

    def component(self, name: str) -> Component | None:
        parts = self.anatomy.components if self.anatomy is not None else ()
        return next((component for component in parts if component.name == name), None)


def _load(
    comparison: Comparison, source: str, owner: str, open_files: ExitStack, progress: Progress
) -> _Source:
    if is_sketch(Path(source)):
        return _Source(named_sketch(Path(source), owner=owner), None, None)
    checkpoint = open_files.enter_context(open_checkpoint(source))
    anatomy = describe(checkpoint)
    plan = fitted(plan_of(comparison.depth, comparison.seed), anatomy.components)
    name = Path(source).name or source
    sketch = make_sketch(checkpoint, anatomy, plan, name=name, owner=owner, progress=progress)
    return _Source(sketch, checkpoint, anatomy)


def _stream_of(suspect: _Source, references: Sequence[_Source]) -> Stream:
    def stream(
        name: str, number: int, counterpart: str, layer_of: Mapping[int, int] | None
    ) -> tuple[WholePart, ...]:
        reference = references[number]
        mine, theirs = suspect.component(name), reference.component(counterpart)
        if suspect.checkpoint is None or reference.checkpoint is None or mine is None or theirs is None:
            return ()
        return compare_whole((suspect.checkpoint, mine), (reference.checkpoint, theirs), layer_of)

    return stream


def _describe(sketch: Sketch) -> dict[str, Any]:
    return {
        "name": sketch.name,
        "owner": sketch.owner,
        "licence": sketch.licence,
        "family": sketch.family,
        "sketch_digest": sketch_digest(sketch),
        "bytes_read": sketch.bytes_read,
        "total_bytes": sketch.total_bytes,
    }


def _component(result: ComponentResult, language: Language) -> dict[str, Any]:
    evidence = result.evidence
    linked = result.relation in _LINKING
    tested = evidence is not None and (result.log10_p is not None or result.relation is Relation.COPY)
    out: dict[str, Any] = {
        "component": result.component,
        "relation": result.relation.value,
        "basis": "exact" if tested else "none",
        "verdict": result.verdict.value,
        "p_value_log10": result.log10_p,
        "effect": evidence.effect if evidence is not None and tested else None,
        "power": evidence.power.power if evidence is not None and tested else None,
        "coverage_share": evidence.coverage_share if evidence is not None else 0.0,
        "reference": result.reference,
        "reference_component": result.reference_component or None,
        "reference_owner": result.reference_owner or None,
        "layer_map": [list(pair) for pair in evidence.layer_pairs] if evidence is not None and linked else [],
        "shares": {},
        "controls": _controls(result),
        "warnings": [say_reason(w, language) for w in result.warnings],
        "reason": say_reason(result.reason, language),
        "said": {"reason": _keyed(result.reason), "warnings": [_keyed(w) for w in result.warnings]},
    }
    if evidence is not None:
        kept = evidence.persistence
        out["detail"] = {
            **evidence.detail,
            "z": evidence.z,
            "is_private": evidence.is_private,
            "mapped_share": evidence.mapped_share,
            "start_free": evidence.start_free,
            "persistence": None if kept is None else kept.ratio,
            "whole": [_whole(part) for part in result.whole],
            "detectable_kappa": evidence.power.detectable_kappa,
            "detectable_effect": _finite(evidence.power.detectable_rho),
            "gain_cosine": evidence.gain_cosine,
            "left_out": [{"tensor": name, "why": why} for name, why in evidence.skipped],
        }
    return out


def _keyed(reason: Reason) -> dict[str, Any]:
    """Return a sentence as its key and figures, for a page that says it in both languages."""
    return {"key": reason.key, "figures": dict(reason.figures)}


def _whole(part: WholePart) -> dict[str, Any]:
    role, layer, expert = part.place
    return {
        "role": role,
        "layer": layer,
        "expert": expert,
        "n_values": part.n_values,
        "cosine": part.cosine,
        "relative_error": _finite(part.relative_error),
    }


def _controls(result: ComponentResult) -> dict[str, Any]:
    evidence = result.evidence
    if evidence is None:
        return {"negative": None, "positive": None}
    return {
        "negative": evidence.negative.as_json() if evidence.negative else None,
        "positive": evidence.positive.as_json() if evidence.positive else None,
    }


def _warnings(suspect: Sketch, references: Sequence[Sketch]) -> list[Reason]:
    said = []
    if any(reference.plan.seed != suspect.plan.seed for reference in references):
        said.append(Reason("lineage.seeds_differ"))
    if suspect.family not in _NO_FAMILY and any(r.family == suspect.family for r in references):
        said.append(Reason("lineage.borrowed_design", {"family": suspect.family}))
    return said


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
