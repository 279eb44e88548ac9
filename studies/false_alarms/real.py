"""Real checkpoints of unrelated origin, where they lie in a cache of downloads: a note, not a sample."""

from __future__ import annotations

import json
from pathlib import Path

from dokja.workflows.sketch import load_sketch
from studies.false_alarms.pipeline import SETTINGS, examine_pair

# Of separate training as far as is documented: three labs, or versions trained anew.
PAIRS = (
    ("smollm2-135m", "gemma3-270m"),
    ("smollm2-135m", "minilm-l6"),
    ("gemma3-270m", "minilm-l6"),
    ("chgnet-0.2.0", "chgnet-0.3.0"),
    ("magika-v2-1", "magika-v3-0"),
    ("magika-v2-1", "magika-v3-3"),
)


def measure(work: Path, cache: Path) -> None:
    """Examine the pairs that are in the cache."""
    to = work / "real.json"
    if to.exists():
        return
    rows = []
    for suspect, reference in PAIRS:
        if (cache / suspect).is_dir() and (cache / reference).is_dir():
            pair = [load_sketch(str(cache / n), "screen", SETTINGS.seed) for n in (suspect, reference)]
            rows.append({"pair": f"{suspect} ~ {reference}", "said": examine_pair(pair[0], pair[1])})
    to.write_text(json.dumps(rows, separators=(",", ":")), "utf-8")
    print(f"examined {len(rows)} real pairs", flush=True)
