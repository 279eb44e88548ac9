"""The numpy forward pass gives what transformers gives, whatever the weights are called and stored in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from dokja.anatomy import describe
from dokja.checkpoint import open_checkpoint
from dokja.compute.language_model import LanguageModel
from dokja.compute.weights import load_language_model
from dokja.errors import InvalidInput, Unavailable
from tests.compute.tiny_decoders import CASES, VOCABULARY, make, reference_log_likelihood

TOLERANCE = 1e-4  # nats, over sums of up to 9 tokens; the models' float32 sums differ in order only
TOKENS = st.integers(0, VOCABULARY - 1)


def load(path: Path, **limits: int) -> LanguageModel:
    with open_checkpoint(path) as checkpoint:
        return load_language_model(checkpoint, describe(checkpoint), **limits)


def sample(seed: int) -> tuple[list[int], list[list[int]]]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, VOCABULARY, 13).tolist(), [
        rng.integers(0, VOCABULARY, n).tolist() for n in (1, 5, 9)
    ]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("llama")
    return folder, make("llama_with_biases", folder)


@pytest.fixture(scope="module")
def decoder(llama: tuple[Path, Any]) -> LanguageModel:
    return load(llama[0])


@pytest.mark.parametrize("case", CASES)
def test_every_family_gives_the_log_likelihoods_of_its_reference_implementation(
    case: str, tmp_path: Path
) -> None:
    model = make(case, tmp_path)
    prompt, continuations = sample(1)
    found = load(tmp_path).log_likelihoods(prompt, continuations)
    expected = [reference_log_likelihood(model, prompt, continuation) for continuation in continuations]
    assert np.abs(np.array(found) - expected).max() < TOLERANCE


@settings(max_examples=30, deadline=None)
@given(
    prompt=st.lists(TOKENS, min_size=1, max_size=12),
    continuations=st.lists(st.lists(TOKENS, min_size=1, max_size=8), min_size=1, max_size=5),
)
def test_continuations_packed_together_never_see_each_other(
    decoder: LanguageModel, prompt: list[int], continuations: list[list[int]]
) -> None:
    together = decoder.log_likelihoods(prompt, continuations)
    alone = [decoder.log_likelihoods(prompt, [continuation])[0] for continuation in continuations]
    assert together == pytest.approx(alone, abs=TOLERANCE)


@settings(max_examples=20, deadline=None)
@given(
    prompt=st.lists(TOKENS, min_size=1, max_size=8),
    first=st.lists(TOKENS, min_size=1, max_size=5),
    rest=st.lists(TOKENS, min_size=1, max_size=5),
)
def test_the_chain_rule_holds(
    decoder: LanguageModel, prompt: list[int], first: list[int], rest: list[int]
) -> None:
    whole = decoder.log_likelihoods(prompt, [first + rest])[0]
    steps = decoder.log_likelihoods(prompt, [first])[0] + decoder.log_likelihoods(prompt + first, [rest])[0]
    assert whole == pytest.approx(steps, abs=TOLERANCE)


def test_the_probabilities_of_all_next_tokens_sum_to_one(decoder: LanguageModel) -> None:
    scores = decoder.log_likelihoods([5, 17, 3], [[token] for token in range(VOCABULARY)])
    assert math.fsum(math.exp(score) for score in scores) == pytest.approx(1.0, abs=1e-5)


def test_a_renamed_fused_and_resharded_copy_gives_the_same_answers(
    llama: tuple[Path, Any], decoder: LanguageModel, tmp_path: Path
) -> None:
    weights = load_file(llama[0] / "model.safetensors")
    fused: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        if ".q_proj." in name:
            others = [weights[name.replace(".q_proj.", f".{part}_proj.")] for part in ("k", "v")]
            fused["wrapped." + name.replace(".q_proj.", ".qkv_proj.")] = torch.cat([tensor, *others])
        elif ".gate_proj." in name:
            fused["wrapped." + name.replace(".gate_proj.", ".gate_up_proj.")] = torch.cat(
                [tensor, weights[name.replace(".gate_proj.", ".up_proj.")]]
            )
        elif not any(part in name for part in (".k_proj.", ".v_proj.", ".up_proj.")):
            fused["wrapped." + name] = tensor
    names = sorted(fused)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, members in shards.items():
        save_file({name: fused[name].contiguous() for name in members}, tmp_path / shard)
    index = {"weight_map": {name: shard for shard, members in shards.items() for name in members}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text((llama[0] / "config.json").read_text())
    prompt, continuations = sample(2)
    assert load(tmp_path).log_likelihoods(prompt, continuations) == pytest.approx(
        decoder.log_likelihoods(prompt, continuations), abs=1e-6
    )


GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
}
NORM_NAMES = {
    "llama": {"post_attention_layernorm": "ffn_norm"},
    "gemma3": {
        "post_attention_layernorm": "post_attention_norm",
        "pre_feedforward_layernorm": "ffn_norm",
        "post_feedforward_layernorm": "post_ffw_norm",
    },
}


def write_gguf(model: Any, path: Path, family: str) -> None:
    """Write a torch model as llama.cpp's converter does: rotary pairs side by side, Gemma's gains plus one."""
    config = model.config
    writer = gguf.GGUFWriter(path, family)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer.add_key_length(head_dim)
    if family == "gemma3":
        writer.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
        writer.add_sliding_window(config.sliding_window)
    else:
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if family == "gemma3" and "norm" in name:
            array = array + 1
        if family == "llama" and (".q_proj." in name or ".k_proj." in name):
            paired = array.reshape(-1, 2, head_dim // 2, *array.shape[1:])
            array = np.ascontiguousarray(paired.swapaxes(1, 2)).reshape(array.shape)
        writer.add_tensor(gguf_name(name, family), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_name(name: str, family: str) -> str:
    whole = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    if name in whole:
        return whole[name]
    _, _, layer, rest = name.split(".", 3)
    module, suffix = rest.rsplit(".", 1)
    return f"blk.{layer}.{(GGUF_NAMES | NORM_NAMES[family])[module]}.{suffix}"


@pytest.mark.parametrize(
    ("case", "family"), [("llama_with_biases", "llama"), ("gemma3_alternating", "gemma3")]
)
def test_a_gguf_copy_gives_the_same_answers(case: str, family: str, tmp_path: Path) -> None:
    model = make(case, tmp_path / "original")
    if family == "gemma3":
        # GGUF has no key for the query scalar of this family: its readers take the head size.
        model.config.query_pre_attn_scalar = model.config.head_dim
        for layer in model.model.layers:
            layer.self_attn.scaling = model.config.head_dim**-0.5
    write_gguf(model, tmp_path / "copy.gguf", family)
    prompt, continuations = sample(3)
    expected = [reference_log_likelihood(model, prompt, continuation) for continuation in continuations]
    assert load(tmp_path / "copy.gguf").log_likelihoods(prompt, continuations) == pytest.approx(
        expected, abs=TOLERANCE
    )


def edited(llama: tuple[Path, Any], tmp_path: Path, **changes: object) -> Path:
    config = json.loads((llama[0] / "config.json").read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps({k: v for k, v in config.items() if v != "absent"}))
    (tmp_path / "model.safetensors").write_bytes((llama[0] / "model.safetensors").read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"rms_norm_eps": "absent"}, InvalidInput, "rms_norm_eps"),
        ({"rms_norm_eps": -1.0}, InvalidInput, "rms_norm_eps"),
        ({"rms_norm_eps": True}, InvalidInput, "rms_norm_eps"),
        ({"rope_parameters": {"rope_type": "default"}}, InvalidInput, "rope_theta"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, Unavailable, "yarn"),
        ({"num_attention_heads": 5}, InvalidInput, "heads"),
        ({"head_dim": 16}, InvalidInput, "declared heads"),
        ({"num_hidden_layers": 6}, InvalidInput, "num_hidden_layers"),
        ({"hidden_size": 64}, InvalidInput, "hidden_size"),
        ({"hidden_act": "relu"}, Unavailable, "relu"),
        ({"layer_types": ["linear_attention"] * 7}, Unavailable, "linear_attention"),
        ({"layer_types": ["full_attention"] * 3}, InvalidInput, "layer_types"),
        ({"model_type": "mamba"}, Unavailable, "mamba"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_configuration_that_cannot_be_run_is_refused_with_a_sentence(
    llama: tuple[Path, Any], tmp_path: Path, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        load(edited(llama, tmp_path, **changes))


def test_weights_without_a_configuration_are_not_run(llama: tuple[Path, Any], tmp_path: Path) -> None:
    edited(llama, tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(InvalidInput, match="rotary base"):
        load(tmp_path)


def test_a_model_larger_than_the_allowance_is_refused_before_it_is_read(llama: tuple[Path, Any]) -> None:
    with pytest.raises(Unavailable, match="GiB"):
        load(llama[0], memory_bytes=10_000)


@pytest.mark.parametrize(
    ("prompt", "continuations"),
    [([], [[1]]), ([1], []), ([1], [[]]), ([VOCABULARY], [[1]]), ([1], [[VOCABULARY]]), ([-1], [[1]])],
)
def test_impossible_questions_are_refused(
    decoder: LanguageModel, prompt: list[int], continuations: list[list[int]]
) -> None:
    with pytest.raises(InvalidInput):
        decoder.log_likelihoods(prompt, continuations)


def test_a_question_longer_than_the_context_is_refused(decoder: LanguageModel) -> None:
    with pytest.raises(InvalidInput, match="context of 128"):
        decoder.log_likelihoods([1] * 120, [[2] * 9])
    assert decoder.log_likelihoods([1] * 120, [[2] * 8])
