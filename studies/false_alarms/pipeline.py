"""The whole comparison on pairs of unrelated models: does it ever say a link?"""

from __future__ import annotations

import json
from pathlib import Path

from dokja.lineage.examine import Settings, examine
from dokja.lineage.relation import Relation
from dokja.lineage.sketch import Sketch
from studies.false_alarms.models import independent, made

SETTINGS = Settings(seed=20260403, draws=1)
# How far apart the numbers of two models are that are examined: the comparison costs more than a group. Pairs at a
# distance of 2 come first: among them are those that share no model.
DISTANCES = (2, 1, 3, 4, 5, 6)
INNOCENT = (Relation.NO_LINK_FOUND, Relation.UNTESTABLE)


def examine_pair(suspect: Sketch, reference: Sketch) -> dict[str, dict[str, object]]:
    """Return what the comparison says of every component of the suspect."""
    said: dict[str, dict[str, object]] = {}
    for result in examine(suspect, [reference], SETTINGS).gravest:
        evidence = result.evidence
        said[result.component] = {"relation": result.relation.value}
        if evidence is not None:
            said[result.component] |= {
                "log10_p": None if result.log10_p is None else round(result.log10_p, 3),
                "z": round(evidence.z, 3),
                "effect": round(evidence.effect, 4),
                "persistence": _rounded(evidence.persistence and evidence.persistence.ratio),
                "start_free": _rounded(evidence.start_free),
                "gain_cosine": _rounded(evidence.gain_cosine, 5),
                "mapped_share": round(evidence.mapped_share, 3),
                "layers": [list(pair) for pair in evidence.layer_pairs],
                "detectable_kappa": round(evidence.power.detectable_kappa, 3),
            }
    return said


def is_false_alarm(said: dict[str, dict[str, object]]) -> bool:
    """Return whether anything but silence was said of models that are unrelated."""
    return any(found["relation"] not in INNOCENT for found in said.values())


def examine_all(work: Path) -> None:
    """Examine pairs of every architecture, nearest numbers first, one file per distance, going on where a run stopped."""
    folder = work / "pipeline"
    folder.mkdir(parents=True, exist_ok=True)
    for distance in DISTANCES:
        for architecture, tinies in independent().items():
            to = folder / f"{architecture}-{distance:02d}.json"
            if to.exists():
                continue
            sketches = [made(tiny, work / "models") for tiny in tinies]
            found = {
                str(i): examine_pair(sketches[i], sketches[i + distance])
                for i in range(len(sketches) - distance)
            }
            partial = to.with_suffix(".partial")
            partial.write_text(json.dumps(found, separators=(",", ":")), "utf-8")
            partial.replace(to)
        print(f"examined pairs at a distance of {distance}", flush=True)


def every_pair(work: Path) -> list[dict[str, object]]:
    """Return one row per pair of unrelated models: architecture, numbers of the two, and what was said."""
    rows: list[dict[str, object]] = []
    for path in sorted((work / "pipeline").glob("*.json")):
        architecture, distance = path.stem.rsplit("-", 1)
        for i, said in json.loads(path.read_text("utf-8")).items():
            rows.append(
                {"architecture": architecture, "i": int(i), "j": int(i) + int(distance), "said": said}
            )
    return rows


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)
