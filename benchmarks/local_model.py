"""How fast and how exact the built-in engine is on real models.

    python benchmarks/local_model.py MODEL...                 seconds, CPU seconds, memory
    python benchmarks/local_model.py --reference MODEL.gguf   also the largest difference from transformers

One model to a process, since peak memory is per process. Set OMP_NUM_THREADS to the threads BLAS may use.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

from dokja.compute.local_engine import LocalEngine
from dokja.workflows.benchmark import read_suite

SUITES = Path(__file__).parents[1] / "examples" / "demo" / "suites"
COMPARED_ITEMS_PER_SUITE = 5


def measure(source: str, with_reference: bool) -> dict[str, Any]:
    """Return what one model takes on every item of the demo's suites."""
    start = time.perf_counter()
    engine = LocalEngine.load(source)
    loaded = time.perf_counter()
    suites = [read_suite(path) for path in sorted(SUITES.glob("*.jsonl"))]
    asked = [suite.asked(item) for suite in suites for item in suite.items]
    cpu = time.process_time()
    for prompt, options in asked:
        engine.loglikelihoods(prompt, options)
    row: dict[str, Any] = {
        "model": Path(source).name,
        "weights": engine.weights_digest,
        "load_seconds": round(loaded - start, 2),
        "items": len(asked),
        "seconds": round(time.perf_counter() - loaded, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    if with_reference:
        some = [suite.asked(item) for suite in suites for item in suite.items[:COMPARED_ITEMS_PER_SUITE]]
        row |= compare(engine, Path(source), some)
    return row


def compare(engine: LocalEngine, source: Path, asked: list[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    """Return the largest differences from transformers: of token ids, and of summed log-probabilities."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = {"gguf_file": source.name} if source.suffix == ".gguf" else {}
    folder = source.parent if place else source
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **place).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, **place)
    differences, other_tokens = [], 0
    for prompt, options in asked:
        start, continuations = engine.tokenizer.encode_continuations(prompt, options)
        values = engine.loglikelihoods(prompt, options)
        for option, continuation, value in zip(options, continuations, values, strict=True):
            ours = engine.tokenizer.backend.encode(prompt + option, add_special_tokens=False).ids
            other_tokens += ours != tokenizer.encode(prompt + option, add_special_tokens=False)
            with torch.no_grad():
                logits = model(torch.tensor([start + continuation])).logits[0].double()
            scores = logits.log_softmax(-1)
            expected = sum(scores[len(start) - 1 + n, token].item() for n, token in enumerate(continuation))
            differences.append(abs(value - expected))
    return {
        "compared_options": len(differences),
        "texts_tokenised_otherwise": other_tokens,
        "largest_log_probability_difference": max(differences),
    }


def main() -> None:
    """Measure each model in its own process and print one JSON object a line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+")
    parser.add_argument(
        "--reference", action="store_true", help="compare with transformers, which needs torch"
    )
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for source in arguments.models:
        with context.Pool(1) as pool:
            print(json.dumps(pool.apply(measure, (source, arguments.reference))), flush=True)


if __name__ == "__main__":
    main()
