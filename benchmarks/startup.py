"""`dokja --help` against starting Python and importing numpy, in the same run: `python benchmarks/startup.py`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15


def median_seconds(command: list[str]) -> float:
    """Return the median wall time of a command over RUNS runs, the first thrown away."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    numpy = median_seconds([sys.executable, "-c", "import numpy"])
    shown = median_seconds([sys.executable, "-m", "dokja", "--help"])
    print(f"python -c 'import numpy'  {numpy:.3f} s")
    print(f"dokja --help              {shown:.3f} s   ratio {shown / numpy:.2f} (aim: at most 2)")


if __name__ == "__main__":
    main()
