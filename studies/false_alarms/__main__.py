"""Run the audit: `python -m studies.false_alarms [--work FOLDER] [--cache FOLDER] [STEP ...]`.

Steps, in order: models, calibration, pipeline, siblings, power, real, summary. Every step goes on where it was
stopped; the last writes the committed results from what the others left in the work folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

STEPS = ("models", "calibration", "pipeline", "siblings", "power", "real", "summary")


def main() -> None:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"All of {', '.join(STEPS)} by default.")
    parser.add_argument(
        "--work", type=Path, default=Path("out/false_alarms"), help="Sketches and raw figures."
    )
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"), help="Downloaded real models.")
    asked = parser.parse_args()
    unknown = sorted(set(asked.steps) - set(STEPS))
    if unknown:
        parser.error(f"no such step: {', '.join(unknown)}")
    for step in STEPS:
        if not asked.steps or step in asked.steps:
            run(step, asked.work, asked.cache)


def run(step: str, work: Path, cache: Path) -> None:
    """Run one step."""
    from studies.false_alarms import calibration, models, pipeline, power, real, siblings, summary

    if step == "models":
        for tinies in models.independent().values():
            for tiny in tinies:
                models.made(tiny, work / "models")
    elif step == "calibration":
        calibration.calibrate(work)
        calibration.examine_extremes(work)
    elif step == "pipeline":
        pipeline.examine_all(work)
    elif step == "siblings":
        siblings.measure(work)
    elif step == "power":
        power.measure(work)
    elif step == "real":
        real.measure(work, cache)
    else:
        summary.write(work)


if __name__ == "__main__":
    main()
