"""What is measured stays what it was: faster code may move a figure by rounding, not by meaning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lineage.zoo_cases import compared

# Written by `python -m tests.lineage.test_figures` before the arm was made faster; the pairs are committed weights.
FIGURES = Path(__file__).with_name("figures.json")
PAIRS = (
    "B A", "distill_of_A A", "A_sft A", "A_cpt_long A", "A_dus_trained A", "A_moe_trained A", "A_embed_only A",
    "G_sft G", "M_sft M", "V1_ft V1",
)  # fmt: skip


def figures(pair: str) -> dict[str, dict[str, float]]:
    suspect, reference = pair.split()
    return {
        result.component: {
            "z": result.evidence.z,
            "effect": result.evidence.effect,
            "log10_p": result.log10_p,
            "frame_z": result.evidence.frame_z,
            "detectable_kappa": result.evidence.power.detectable_kappa,
        }
        for result in compared(suspect, reference).gravest
        if result.evidence is not None and result.log10_p is not None
    }


@pytest.mark.parametrize("pair", PAIRS)
def test_figures_of_known_pairs_are_what_they_were(pair):
    before, now = json.loads(FIGURES.read_text("utf-8"))[pair], figures(pair)
    assert now.keys() == before.keys()
    for component, known in before.items():
        seen = now[component]
        for name in ("z", "frame_z"):
            assert seen[name] == pytest.approx(known[name], rel=1e-3, abs=2e-3), (component, name)
        assert seen["effect"] == pytest.approx(known["effect"], abs=1e-4)
        # Bounds may be found by another search of theta: each is valid, and they are near each other.
        assert seen["log10_p"] == pytest.approx(known["log10_p"], rel=0.02, abs=0.3)
        assert seen["detectable_kappa"] == pytest.approx(known["detectable_kappa"], abs=0.15)


if __name__ == "__main__":
    FIGURES.write_text(json.dumps({pair: figures(pair) for pair in PAIRS}, indent=1) + "\n", "utf-8")
