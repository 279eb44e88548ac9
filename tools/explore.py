"""Try the properties at random, round after round, each with its own printed seed: `make explore`.

Every round runs all properties with their own number of examples or more; ten rounds are ten times what `make test`
tries, and never the same. What a round finds is printed with the seed that finds it again. Write it down as an
`@example` at the test, mend what it shows, and `make test` keeps it.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time


def explore(rounds: int, minutes: float, where: list[str]) -> list[int]:
    """Return the seeds of the rounds that found something.

    Args:
        rounds: How many rounds at most.
        minutes: No round starts later than this.
        where: Folders or files of tests.
    """
    found = []
    started = time.monotonic()
    for number in range(1, rounds + 1):
        if time.monotonic() - started > 60 * minutes:
            print(f"Time is up after {number - 1} of {rounds} rounds.", flush=True)
            break
        seed = secrets.randbelow(2**32)
        options = ["-q", "-m", "hypothesis", "--hypothesis-profile=explore", f"--hypothesis-seed={seed}"]
        print(f"Round {number} of {rounds}: pytest {' '.join([*options, *where])}", flush=True)
        code = subprocess.run([sys.executable, "-m", "pytest", *options, *where], check=False).returncode
        if code == 2:
            raise SystemExit(code)
        found += [seed] if code else []
    return found


def main() -> int:
    """Read the options, explore, and say which seeds found something."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("where", nargs="*", default=["tests"], help="folders or files of tests")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    found = explore(given.rounds, given.minutes, given.where)
    print(f"Seeds that found something: {', '.join(map(str, found))}." if found else "Nothing was found.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
