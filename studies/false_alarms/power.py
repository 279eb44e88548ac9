"""What the comparison would have seen: detection against drift, against new layers, and on real descendants."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tests.fixtures import zoo_models

from dokja.lineage.examine import examine
from dokja.lineage.relation import FAMILY_WISE_LOG10
from dokja.lineage.sketch import Sketch
from dokja.workflows.sketch import load_sketch
from studies.false_alarms import drift
from studies.false_alarms.models import independent, made
from studies.false_alarms.pipeline import SETTINGS, examine_pair, is_false_alarm
from studies.zoo.train import ZOO

SEED = 20260404
DRAWS = 5
KAPPAS = (0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0)
RENEWAL_KAPPA = 1.0

# (suspect, reference): the truth is in studies/zoo/recipes.py.
DESCENDANTS = (
    ("A_sft", "A"), ("A_cpt_long", "A"), ("A_lora", "A"), ("A_body_only", "A"), ("A_embed_only", "A"),
    ("A_dus_trained", "A"), ("A_moe_trained", "A"), ("M_sft", "M"), ("G_sft", "G"), ("V1_ft", "V1"),
)  # fmt: skip
STRANGERS = (
    ("B", "A"), ("C", "A"), ("D", "A"), ("C", "B"), ("D", "B"), ("D", "C"), ("distill_of_A", "A"),
    ("A_embed_only", "B"), ("M2", "M"), ("G2", "G"), ("V2", "V1"),
)  # fmt: skip


@cache
def zoo(name: str) -> Sketch:
    """Return the sketch of a committed model, as `dokja compare` takes it by default."""
    return load_sketch(str(ZOO / name), "screen", SETTINGS.seed, name=name)


def against_drift(work: Path) -> dict[str, object]:
    """Return, per reference and drift, how often each component was seen and with what effect."""
    tinies = independent()
    references = {
        "zoo A": zoo("A"),
        "tiny llama": made(tinies["llama"][0], work / "models"),
        "tiny gpt2": made(tinies["gpt2"][0], work / "models"),
        "tiny vision": made(tinies["clip_vision"][0], work / "models"),
        "tiny mixtral": made(tinies["mixtral"][0], work / "models"),
    }
    found: dict[str, object] = {}
    for at, (name, reference) in enumerate(references.items()):
        rows = []
        for number, kappa in enumerate(KAPPAS):

            def suspect(rng: np.random.Generator, kappa: float = kappa, r: Sketch = reference) -> Sketch:
                return drift.drifted(r, kappa, rng)

            row = _repeated(reference, suspect, (at, number))
            for component in row["components"].values():
                # Between derived and linked the effect decides; the page says where.
                del component["relations"]
            rows.append({"kappa": kappa, **row})
        found[name] = rows
    return found


def against_renewal(name: str, reference: Sketch, counts: tuple[int, ...]) -> list[dict[str, object]]:
    """Return what is said when so many layers of a language model are new and the others drifted."""
    n_layers = next(c.n_layers for c in reference.components if c.kind == "language_model")
    rows = []
    for number, count in enumerate(counts):

        def suspect(rng: np.random.Generator, count: int = count) -> Sketch:
            new = rng.choice(n_layers, count, replace=False).tolist()
            return drift.renewed(reference, new, RENEWAL_KAPPA, rng)

        found = _repeated(reference, suspect, (100 + n_layers, number))
        rows.append({"reference": name, "layers": n_layers, "new": count, **found})
    return rows


def on_descendants() -> dict[str, dict[str, dict[str, object]]]:
    """Return what is said of the zoo's trained descendants and of A after quantisation."""
    said = {f"{s} ~ {r}": examine_pair(zoo(s), zoo(r)) for s, r in DESCENDANTS}
    for bits, group in ((8, 0), (4, 32)):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("A", "A_cpt_long"):
                model = zoo_models.quantise(zoo_models.load(name), bits, group)
                at = zoo_models.write(model, Path(folder) / name)
                sketch = load_sketch(str(at), "screen", SETTINGS.seed)
                said[f"{name} int{bits} ~ A"] = examine_pair(sketch, zoo("A"))
    return said


def on_strangers() -> dict[str, object]:
    """Return what is said of the zoo's unrelated models, trained far longer than the tiny ones."""
    said = {f"{s} ~ {r}": examine_pair(zoo(s), zoo(r)) for s, r in STRANGERS}
    return {"said": said, "false_alarms": [name for name, found in said.items() if is_false_alarm(found)]}


def measure(work: Path) -> None:
    """Measure all of it, one file per question, going on where a run stopped."""
    folder = work / "power"
    folder.mkdir(parents=True, exist_ok=True)
    questions: dict[str, Callable[[], object]] = {
        "descendants": on_descendants,
        "strangers": on_strangers,
        "renewal": lambda: against_renewal("zoo A", zoo("A"), (0, 1, 2, 3, 4)),
        "drift": lambda: against_drift(work),
    }
    for name, ask in questions.items():
        to = folder / f"{name}.json"
        if not to.exists():
            found = ask()
            to.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
            print(f"measured {name}", flush=True)


def _repeated(
    reference: Sketch,
    suspect: Callable[[np.random.Generator], Sketch],
    seed: tuple[int, ...],
) -> dict[str, Any]:
    """Return, per component, how often it was linked, what was said, and mean effect and bound."""
    relations: dict[str, list[str]] = {}
    effects: dict[str, list[float]] = {}
    bounds: dict[str, list[float]] = {}
    for draw in range(DRAWS):
        rng = np.random.default_rng([SEED, *seed, draw])
        for result in examine(suspect(rng), [reference], SETTINGS).gravest:
            relations.setdefault(result.component, []).append(result.relation.value)
            if result.evidence is not None and result.log10_p is not None:
                effects.setdefault(result.component, []).append(result.evidence.effect)
                bounds.setdefault(result.component, []).append(result.log10_p)
    return {
        "draws": DRAWS,
        "components": {
            name: {
                "detected": sum(p <= FAMILY_WISE_LOG10 for p in bounds.get(name, [])),
                "relations": {r: said.count(r) for r in sorted(set(said))},
                "effect": round(float(np.mean(effects.get(name, [0.0]))), 4),
                "log10_p": round(float(np.median(bounds.get(name, [0.0]))), 2),
            }
            for name, said in relations.items()
        },
    }
