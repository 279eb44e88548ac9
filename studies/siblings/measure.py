"""Train same-seed siblings of the zoo's references, and measure the effects that the exact arm sees.

    python -m studies.siblings.measure [--only TEXT]

Every pair starts from the same random weights and is then trained apart: on other text, in another order, for other
lengths, or on the same batches at another learning rate. Writes `studies/siblings/results.json`; the largest effect
per kind of component over *mature* pairs (both trained for at least 400 steps) is what
`src/dokja/lineage/sibling_range.toml` holds. Immature pairs are measured to publish the grey zone. About ten minutes
on one core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

from dokja.anatomy import describe
from dokja.checkpoint import open_checkpoint
from dokja.lineage.examine import Settings, examine
from dokja.lineage.sampling import plan_of
from dokja.lineage.sketch import Sketch, make_sketch
from studies.zoo import train
from studies.zoo.recipes import RECIPES, Recipe

RESULTS = Path(__file__).with_name("results.json")
OTHER_TEXT = {"data": 4, "order": 11}
MATURE_STEPS = 400

# (name, reference, sibling): the sibling shares the reference's seed and family.
PAIRS: tuple[tuple[str, Recipe, Recipe], ...] = tuple(
    (f"{name}: {label}", replace(RECIPES[name], **reference), replace(RECIPES[name], **sibling))
    for name, label, reference, sibling in (
        ("A", "500 / 500 steps, other text", {}, OTHER_TEXT),
        ("A", "500 / 500 steps, same text, other order", {}, {"order": 12}),
        ("A", "500 / 500 steps, same batches, half the rate", {}, {"peak_rate": 1.5e-3}),
        ("A", "500 / 2000 steps, other text", {}, {**OTHER_TEXT, "steps": 2000}),
        ("A", "500 / 100 steps, other text", {}, {**OTHER_TEXT, "steps": 100}),
        ("A", "100 / 100 steps, other text", {"steps": 100}, {**OTHER_TEXT, "steps": 100}),
        ("A", "30 / 30 steps, other text", {"steps": 30}, {**OTHER_TEXT, "steps": 30}),
        ("B", "500 / 500 steps, other text", {}, OTHER_TEXT),
        ("C", "500 / 500 steps, same text, other order", {}, {"order": 12}),
        ("G", "400 / 400 steps, other text", {}, OTHER_TEXT),
        ("G", "400 / 400 steps, same text, other order", {}, {"order": 12}),
        ("M", "400 / 400 steps, other text", {}, OTHER_TEXT),
        ("M", "400 / 400 steps, same text, other order", {}, {"order": 12}),
        ("V1", "400 / 400 steps, other pictures", {}, OTHER_TEXT),
        ("V1", "100 / 100 steps, other pictures", {"steps": 100}, {**OTHER_TEXT, "steps": 100}),
        ("V1", "400 / 400 steps, same pictures, other order", {}, {"order": 12}),
    )
)


def sketch_of(recipe: Recipe, made: dict[Recipe, Sketch]) -> Sketch:
    """Return the sketch of a model trained by a recipe: the committed one, or trained once."""
    committed = next((name for name, known in RECIPES.items() if known == recipe), None)
    if recipe not in made and committed is not None:
        with open_checkpoint(train.ZOO / committed) as checkpoint:
            made[recipe] = make_sketch(checkpoint, describe(checkpoint), plan_of("screen"), name=committed)
    if recipe not in made:
        train.be_deterministic(recipe.seed)
        model = train.starting_model(recipe)
        loss = train.picture_loss(recipe) if recipe.family == "clip_vision" else train.text_loss(recipe)
        train.optimise(model, loss, recipe.steps, recipe.peak_rate)
        with tempfile.TemporaryDirectory() as folder:
            model.half().save_pretrained(folder)
            with open_checkpoint(folder) as checkpoint:
                made[recipe] = make_sketch(
                    checkpoint, describe(checkpoint), plan_of("screen"), name=str(recipe)
                )
    return made[recipe]


def measure(reference: Sketch, sibling: Sketch) -> dict[str, dict[str, object]]:
    """Return effect, persistence and layer map of every component."""
    examination = examine(sibling, [reference], Settings(draws=100))
    out: dict[str, dict[str, object]] = {}
    for result in examination.gravest:
        evidence = result.evidence
        if evidence is not None:
            out[result.component] = {
                "relation": result.relation.value,
                "effect": round(evidence.effect, 4),
                "persistence": None if evidence.persistence is None else round(evidence.persistence.ratio, 4),
                "start_free": None if evidence.start_free is None else round(evidence.start_free, 4),
                "in_place": evidence.is_in_place,
            }
    return out


def main() -> None:
    """Measure the pairs that were asked for and put them into the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="Only pairs whose name contains this.")
    wanted = parser.parse_args().only
    made: dict[Recipe, Sketch] = {}
    for name, reference, sibling in PAIRS:
        if wanted not in name:
            continue
        found = measure(sketch_of(reference, made), sketch_of(sibling, made)) | {
            "mature": min(reference.steps, sibling.steps) >= MATURE_STEPS
        }
        print(name, json.dumps(found), flush=True)
        results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        results[name] = found
        ordered = {known: results[known] for known, *_ in PAIRS if known in results}
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
