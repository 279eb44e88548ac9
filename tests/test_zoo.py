"""The zoo is what its recipes say: trained, small, and made again from its seeds."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from studies.zoo import corpus, pictures, recipes
from studies.zoo.tokenizer import byte_level_tokenizer, caption, word_piece_tokenizer

from dokja.checkpoint import open_checkpoint
from tests.fixtures import zoo_models

ROOT = Path(__file__).parents[1]
RESULTS = json.loads((ROOT / "studies" / "zoo" / "results.json").read_text("utf-8"))
DEMO_MODELS = ROOT / "examples" / "demo" / "models"
CORPUS_DIGEST = "1644a1253fe25622"
DEMO_RESULTS = json.loads((DEMO_MODELS / "results.json").read_text("utf-8"))


def cosine(first: NDArray, second: NDArray) -> float:
    one, other = first.ravel().astype(np.float64), second.ravel().astype(np.float64)
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def gains(model: zoo_models.Model) -> NDArray:
    return np.concatenate([model.tensors[name].ravel() for name in sorted(model.tensors) if "norm" in name])


def matrix(name: str) -> NDArray:
    return zoo_models.load(name).tensors["model.layers.1.mlp.gate_proj.weight"]


def test_every_recipe_has_its_committed_model_and_its_record():
    committed = {folder.name for folder in zoo_models.ZOO.iterdir() if folder.is_dir()}
    assert committed == set(recipes.RECIPES) == set(RESULTS)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_a_record_belongs_to_the_committed_file_and_the_recipe(name):
    recipe, record = recipes.RECIPES[name], RESULTS[name]
    assert record["file_bytes"] == (zoo_models.path(name) / "model.safetensors").stat().st_size
    assert (record["seed"], record["parent"], record["steps"]) == (recipe.seed, recipe.parent, recipe.steps)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_model_learned_far_more_than_how_frequent_each_token_is(name):
    limit = 0.6 if name == "A_sibling_short" else 0.4
    assert RESULTS[name]["final_loss"] < limit * RESULTS[name]["chance_loss"]


def test_the_fixtures_stay_under_twenty_megabytes_and_the_demos_models_under_eight():
    fixtures = sum(file.stat().st_size for file in (ROOT / "tests" / "fixtures").rglob("*") if file.is_file())
    sizes = {
        name: sum(file.stat().st_size for file in (DEMO_MODELS / name).iterdir()) for name in DEMO_RESULTS
    }
    assert fixtures < 20_000_000
    assert sum(size for name, size in sizes.items() if name != "scratch") < 5_000_000
    assert sizes["scratch"] < 3_000_000


def test_every_tensor_is_stored_in_half_precision():
    folders = [*map(zoo_models.path, recipes.RECIPES), *(DEMO_MODELS / name for name in DEMO_RESULTS)]
    for folder in folders:
        with open_checkpoint(folder) as checkpoint:
            assert {info.dtype for info in checkpoint.tensors.values()} <= {"F16", "I64"}


def test_siblings_by_seed_share_a_start_but_no_descent():
    assert recipes.share_start("A_sft", "A_sibling")
    assert not recipes.share_descent("A_sft", "A_sibling")
    assert recipes.share_descent("A_sft", "A_moe_trained")
    assert not recipes.share_start("A", "distill_of_A")


def test_independent_models_have_unrelated_matrices_and_nearly_equal_norm_gains():
    """Why norm gains are no evidence: strangers trained on the same text agree in them."""
    for first, second in itertools.combinations(("A", "B", "C"), 2):
        assert abs(cosine(matrix(first), matrix(second))) < 0.02
        assert cosine(gains(zoo_models.load(first)), gains(zoo_models.load(second))) > 0.99


def test_long_further_training_moved_the_weights_far_and_a_short_one_hardly():
    reference = matrix("A")
    assert cosine(matrix("A_sft"), reference) > 0.99
    assert 0.3 < cosine(matrix("A_cpt_long"), reference) < 0.8
    assert 0.2 < cosine(matrix("A_sibling"), reference) < 0.8
    assert abs(cosine(matrix("A_embed_only"), reference)) < 0.02
    assert abs(cosine(matrix("distill_of_A"), reference)) < 0.02


def test_the_borrowed_vision_encoder_is_the_donors_and_nothing_else_is():
    towers = {}
    for name, prefix in (
        ("donor", "visual."),
        ("vlm", "model.vision_model."),
        ("vlm_honest", "model.vision_model."),
    ):
        with open_checkpoint(DEMO_MODELS / name) as checkpoint:
            towers[name] = {
                stored.removeprefix(prefix): checkpoint.read(stored)
                for stored in checkpoint.tensors
                if stored.startswith(prefix)
            }
    assert towers["donor"].keys() == towers["vlm"].keys() == towers["vlm_honest"].keys()
    for stored, values in towers["donor"].items():
        np.testing.assert_array_equal(values, towers["vlm"][stored])
    weight = "blocks.1.mlp.gate_proj.weight"
    assert abs(cosine(towers["donor"][weight], towers["vlm_honest"][weight])) < 0.05


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_word_piece_tokenizer_gives_back_the_pieces_a_text_was_made_of(seed):
    tokenizer = word_piece_tokenizer()
    for document in itertools.islice(corpus.documents(seed), 5):
        text = " ".join(corpus.text_of(sentence) for sentence in document)
        assert tokenizer.encode(text).tokens == [piece for sentence in document for piece in sentence]


def test_the_corpus_is_the_same_text_everywhere():
    text = "\n".join(itertools.islice(corpus.documents_as_text(1), 200))
    assert hashlib.sha256(text.encode()).hexdigest().startswith(CORPUS_DIGEST)


def test_a_text_limited_to_topics_uses_only_their_words():
    text = " ".join(itertools.islice(corpus.documents_as_text(5, ("sea",)), 100))
    assert "mackerel" in text
    assert "teacher" not in text


def test_training_again_the_tokenizer_gives_the_committed_one():
    again = json.loads(byte_level_tokenizer(13, 1024).to_str())
    committed = json.loads((DEMO_MODELS / "scratch" / "tokenizer.json").read_text("utf-8"))
    assert again["model"] == committed["model"]


def test_captions_take_the_particle_their_noun_needs():
    assert caption(0, 0, 0, "ko") == "작은 빨간 원이다."
    assert caption(2, 2, 1, "ko") == "큰 파란 삼각형이다."
    assert caption(3, 4, 1, "ko") == "큰 하얀 십자다."


def test_pictures_show_the_colour_they_are_labelled_with():
    drawn = pictures.draw(3, 200, 32)
    middle = drawn.pixels[:, :, 12:20, 12:20].max(axis=(2, 3))
    red, blue = (drawn.colour == pictures.COLOURS.index(name) for name in ("red", "blue"))
    assert (middle[red, 0] > middle[red, 2]).mean() > 0.9
    assert (middle[blue, 2] > middle[blue, 0]).mean() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["G_sft", "V1_ft"])
def test_making_a_model_again_gives_the_committed_weights(name):
    from studies.zoo.train import make

    model, _ = make(name)
    again = {stored: values.half().float().numpy() for stored, values in model.state_dict().items()}
    committed = zoo_models.load(name).tensors
    for stored, values in committed.items():
        if values.ndim > 1:
            assert cosine(again[stored], values) > 0.999, stored
