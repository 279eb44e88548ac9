"""The range of same-seed siblings holds every sibling that was measured, and no descendant of the zoo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dokja.lineage.relation import Relation, SeenShare, judge
from tests.lineage.zoo_cases import compared

RESULTS = json.loads((Path(__file__).parents[2] / "studies" / "siblings" / "results.json").read_text("utf-8"))
PRIVATE = ("language_model", "vision_encoder")


@pytest.mark.parametrize("pair", RESULTS)
def test_no_measured_sibling_is_called_derived_nor_unrelated(pair):
    for component, found in RESULTS[pair].items():
        if not isinstance(found, dict):
            continue
        tied = pair.startswith("G:") and component == "token_embedding"
        seen = SeenShare(
            kind=f"{component}.tied" if tied else component,
            is_private=component in PRIVATE,
            log10_p=-100.0,
            effect=found["effect"],
            persistence=found["persistence"],
            start_free=found["start_free"],
            mapped_share=1.0,
            is_in_place=True,
            frame_log10_p=-100.0,
        )
        assert judge(seen, {})[0] is Relation.LINKED, (pair, component)


@pytest.mark.parametrize(("suspect", "reference"), [("A", "A_sft"), ("A", "A_cpt_long"), ("V1", "V1_ft")])
def test_a_parent_is_derived_from_its_child_as_well_since_weights_have_no_direction(suspect, reference):
    assert compared(suspect, reference).gravest[0].relation is Relation.DERIVED


def test_cousins_trained_far_from_their_ancestor_are_in_the_published_grey_zone():
    assert compared("A_cpt_long", "A_body_only").gravest[0].relation is Relation.LINKED
