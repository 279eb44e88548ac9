"""Full `dokja compare` of two generated 1B-parameter bf16 checkpoints, against a physical limit and a public peer.

    python benchmarks/compare_1b.py [--work DIR] [--parameters 1e9] [--peer] [--rounds 3]

In one run, on the same files, each in a process of its own: (i) reading the same bytes and discarding them, (ii)
`modeldna compare --full` (installed into a virtual environment of its own with `--peer`), (iii) `dokja compare`, full
and screen. Prints seconds, processor seconds, bytes per second, the ratio to plain reading, and peak memory, twice: with
all files in the page cache, and with none (dropped before every contestant, and checked). The weights are synthetic:
normal draws, the suspect being the reference shrunk and noised as training onward would.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20261121
SHAPE = {"hidden_size": 2048, "intermediate_size": 5632, "num_attention_heads": 32, "num_key_value_heads": 4}
VOCABULARY = 32000
SHARD_BYTES = 500_000_000
COLD_AT_MOST, WARM_AT_LEAST = 0.05, 0.95


def tensors(n_layers: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of a llama-shaped model (the shapes of TinyLlama-1.1B)."""
    d, ff, kv = 2048, 5632, 256
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, d)}
    for layer in range(n_layers):
        at = f"model.layers.{layer}"
        shapes |= {
            f"{at}.self_attn.q_proj.weight": (d, d),
            f"{at}.self_attn.k_proj.weight": (kv, d),
            f"{at}.self_attn.v_proj.weight": (kv, d),
            f"{at}.self_attn.o_proj.weight": (d, d),
            f"{at}.mlp.gate_proj.weight": (ff, d),
            f"{at}.mlp.up_proj.weight": (ff, d),
            f"{at}.mlp.down_proj.weight": (d, ff),
            f"{at}.input_layernorm.weight": (d,),
            f"{at}.post_attention_layernorm.weight": (d,),
        }
    return shapes | {"model.norm.weight": (d,), "lm_head.weight": (VOCABULARY, d)}


def to_bf16(values: np.ndarray) -> bytes:
    """Return float32 values rounded to bfloat16, little endian."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


def write_model(folder: Path, parameters: float, *, drifted: bool) -> None:
    """Write one checkpoint: the reference, or the reference shrunk by e^-1 and noised back to its size."""
    per_layer = sum(int(np.prod(shape)) for name, shape in tensors(1).items() if ".layers." in name)
    n_layers = max(1, round((parameters - 2 * VOCABULARY * 2048) / per_layer))
    folder.mkdir(parents=True, exist_ok=True)
    start, noise = np.random.default_rng(SEED), np.random.default_rng(SEED + 1)
    keep = np.float32(np.exp(-1.0))
    shards: list[list[tuple[str, tuple[int, ...], bytes]]] = [[]]
    written, index, total = 0, {}, 0

    def flush() -> None:
        nonlocal written
        name = f"model-{written:05d}.safetensors"
        header, offset = {}, 0
        for tensor, shape, data in shards[0]:
            header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + len(data)]}
            index[tensor], offset = name, offset + len(data)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with (folder / name).open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for _, _, data in shards[0]:
                file.write(data)
        shards[0], written = [], written + 1

    for name, shape in tensors(n_layers).items():
        values = start.standard_normal(shape, dtype=np.float32) * np.float32(0.02)
        if len(shape) == 1:
            values += 1
        elif drifted:
            values = keep * values + np.sqrt(1 - keep**2) * noise.standard_normal(
                shape, dtype=np.float32
            ) * np.float32(0.02)
        data = to_bf16(np.ascontiguousarray(values, dtype=np.float32))
        shards[0].append((name, shape, data))
        total += len(data)
        if sum(len(entry[2]) for entry in shards[0]) > SHARD_BYTES:
            flush()
    flush()
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": index})
    )
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "num_hidden_layers": n_layers,
        **SHAPE,
    }
    (folder / "config.json").write_text(
        json.dumps({**config, "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5})
    )


READ = """
import sys
buffer = memoryview(bytearray(1 << 24))
for path in sys.argv[1:]:
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
"""

# A child's peak memory begins with what its parent held when it was forked, so every contestant is started by a fresh,
# small process that holds next to nothing, and its own peak is what the kernel reports of that process's children.
LAUNCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
seconds = time.perf_counter() - began
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stderr.decode(errors="replace")[-2000:], seconds,
                  usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Measured:
    """What one run took."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


def measure(command: list[str]) -> Measured:
    """Return what one command took; its exit status 1 means a finding, not a failure."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCH, *command]
    status, said, *figures = json.loads(subprocess.run(launcher, capture_output=True, check=True).stdout)
    if status not in (0, 1) or "Traceback" in said:
        raise SystemExit(f"{command[0]} failed:\n{said}")
    return Measured(*figures)


def check_memory_measurement() -> None:
    """Fail unless a process that fills 300 MB is measured as such, however much this process holds itself."""
    ballast = np.ones(100_000_000)  # 800 MB here must not be counted there
    peak = measure([sys.executable, "-c", "x = bytearray(b'1') * 300_000_000"]).peak_megabytes
    del ballast
    if not 286 <= peak <= 340:
        raise SystemExit(f"peak memory is not measured: {peak:.0f} MB for a process that fills 286 MB")


def cached_share(files: list[str]) -> float:
    """Return the share of pages, of those sampled, that a read finds in memory."""
    found = sampled = 0
    for path in files:
        with Path(path).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            for offset in range(0, size, max(4096, size // 64)):
                sampled += 1
                with contextlib.suppress(BlockingIOError):
                    found += os.preadv(file.fileno(), [bytearray(1)], offset, os.RWF_NOWAIT) > 0
    return found / sampled


def drop(files: list[str]) -> None:
    """Drop the files from the page cache."""
    for path in files:
        with Path(path).open("rb", buffering=0) as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_share(files) > COLD_AT_MOST:
        raise SystemExit("the files could not be dropped from the page cache; nothing cold can be measured")


def warm(files: list[str]) -> None:
    """Bring the files into the page cache."""
    measure([sys.executable, "-c", READ, *files])
    if cached_share(files) < WARM_AT_LEAST:
        raise SystemExit("the files do not fit in memory; nothing warm can be measured")


def peer(work: Path) -> str:
    """Return the path of modeldna's command, installing it into its own environment if needed."""
    home = work / "peer"
    if not (home / "bin" / "modeldna").exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", "modeldna==0.1.0"], check=True)
    return str(home / "bin" / "modeldna")


def main() -> None:
    """Generate, measure, print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--work", type=Path, default=Path(".cache/benchmark-1b"))
    arguments.add_argument("--parameters", type=float, default=1e9)
    arguments.add_argument("--peer", action="store_true")
    arguments.add_argument("--rounds", type=int, default=1, help="the fastest of so many rounds is printed")
    chosen = arguments.parse_args()
    check_memory_measurement()
    reference, suspect = chosen.work / "reference", chosen.work / "suspect"
    for folder, drifted in ((reference, False), (suspect, True)):
        if not (folder / "config.json").exists():
            write_model(folder, chosen.parameters, drifted=drifted)
    files = [str(path) for folder in (suspect, reference) for path in sorted(folder.glob("*.safetensors"))]
    size = sum(Path(path).stat().st_size for path in files)
    pair = [str(suspect), str(reference)]
    dokja = [sys.executable, "-m", "dokja", "compare", *pair, "--json"]
    contestants = {"plain reading": [sys.executable, "-c", READ, *files]}
    if chosen.peer:
        contestants["modeldna --full"] = [peer(chosen.work), "compare", *pair, "--full"]
    contestants |= {"dokja full": [*dokja, "--depth", "full"], "dokja screen": [*dokja, "--depth", "screen"]}
    print(
        f"two checkpoints, {size / 1e9:.2f} GB together; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    for state, prepare in (("files in the page cache", warm), ("files on disk", drop)):
        print(
            f"{state}\n{'':16s} {'seconds':>8s} {'CPU s':>6s} {'GB/s':>6s} {'of plain reading':>17s} {'peak MB':>8s}"
        )
        print_table(contestants, files, size, prepare, chosen.rounds)
    print(f"load at the end {os.getloadavg()[0]:.1f}")


def print_table(
    contestants: dict[str, list[str]],
    files: list[str],
    size: int,
    prepare: Callable[[list[str]], None],
    rounds: int,
) -> None:
    """Measure every contestant in turn, round by round, and print the fastest of each."""
    runs: dict[str, list[Measured]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, command in contestants.items():
            prepare(files)
            runs[name].append(measure(command))
    best = {name: min(found, key=lambda run: run.seconds) for name, found in runs.items()}
    plain = best["plain reading"].seconds
    for name, run in best.items():
        peak = max(found.peak_megabytes for found in runs[name])
        print(
            f"{name:16s} {run.seconds:8.2f} {run.cpu_seconds:6.2f} {size / run.seconds / 1e9:6.2f} "
            f"{plain / run.seconds:17.2f} {peak:8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
