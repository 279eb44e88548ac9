"""`dokja compare`: do two checkpoints share a descent? Answered per component."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import click

from dokja.cli.main import EXIT_AGAINST, EXIT_DONE
from dokja.cli.shared import NEW_FILE, Output, Showing, answering, depth_option, seed_option
from dokja.lineage.controls import DEFAULT_KAPPA
from dokja.lineage.sampling import DEFAULT_SEED, Depth
from dokja.report.layers import layer_runs
from dokja.report.words import printable
from dokja.workflows.compare import Comparison, compare


@click.command("compare")
@click.argument("suspect")
@click.argument("references", nargs=-1, required=True, metavar="REFERENCE...")
@click.option("--explain", is_flag=True, help="Show every group of units, down to tensors.")
@depth_option("Sampled slices; or more of them, and where both are weights every tensor once.")
@seed_option(DEFAULT_SEED)
@click.option("--kappa", type=click.FloatRange(min=0), default=DEFAULT_KAPPA, show_default=True,
              help="Declared drift (sum of learning rate × weight decay) at which power is stated.")  # fmt: skip
@click.option("--owner", "owners", multiple=True, help="Owner of a reference, in the order of references.")
@click.option("--report", type=NEW_FILE, help="Write a page with pictures.")
@answering()
def command(
    out: Output,
    suspect: str,
    references: tuple[str, ...],
    explain: bool,
    depth: str,
    seed: int,
    kappa: float,
    owners: tuple[str, ...],
    report: Path | None,
) -> int:
    """Do SUSPECT and each REFERENCE share a descent? Models or sketch files.

    Exit status 1 when a component of SUSPECT is a copy of, or derived from, a reference.
    """
    if not math.isfinite(kappa):
        raise click.BadParameter("it must be finite.", param_hint="--kappa")
    comparison = Comparison(suspect, references, cast(Depth, depth), seed, kappa, owners, out.language)
    with Showing() as progress:
        result = compare(comparison, progress)
    out.show(result, comparison_lines(result, explain=explain))
    if report is not None:
        from dokja.report.compare_page import render_compare_page

        # After the result is said: a folder that cannot be written to must not cost the answer.
        report.write_text(render_compare_page(result, out.language), encoding="utf-8")
        click.echo(f"  Report: {report}", err=True)
    return EXIT_AGAINST if result["verdict"] == "REFUTED" else EXIT_DONE


def comparison_lines(result: dict[str, Any], *, explain: bool = False) -> list[str]:
    """Return a comparison as lines of text for a terminal."""
    lines = [f"{result['suspect']['name']}: {result['relation']} ({result['verdict']})", ""]
    shown = result["detail"]["per_reference"] if explain else result["components"]
    for row in shown:
        lines.append(f"{row['component']:<18} {row['relation']:<16} {row['verdict']:<13} {_figures(row)}")
        owner = f" ({row['reference_owner']})" if row["reference_owner"] else ""
        lines.append(f"  ↔ {row['reference']}{owner}: {row['reason']}")
        if row["layer_map"]:
            lines.append(f"  layers: {layer_runs(row['layer_map'])}")
        lines += [f"  ! {warning}" for warning in row["warnings"]]
        lines += _groups(row) if explain else []
    lines += ["", *result["detail"]["warnings"]]
    read, total = result["bytes_read"], result["suspect"]["total_bytes"]
    lines.append(
        f"{read / 1e6:,.1f} MB read; the suspect has {total / 1e6:,.1f} MB. {result['seconds']:.1f} s."
    )
    return [printable(line) for line in lines]


def _figures(row: dict[str, Any]) -> str:
    parts = []
    if row["p_value_log10"] is not None:
        parts.append(f"log10 p ≤ {row['p_value_log10']:.1f}")
    if row["effect"] is not None:
        parts.append(f"effect {row['effect']:.3f}")
    if row["power"] is not None:
        parts.append(f"power {row['power']:.2f}")
    parts.append(f"coverage {row['coverage_share']:.0%}")
    return "  ".join(parts)


def _groups(row: dict[str, Any]) -> list[str]:
    lines = []
    for group in row.get("detail", {}).get("groups", []):
        s, r = group["suspect"], group["reference"]
        where = f"{_place(s)} ↔ {_place(r)}"
        figures = (
            f"z {group['z']:8.1f}  effect {group['effect']:6.3f}  log10 p ≤ {group['p_value_log10']:.1f}"
        )
        lines.append(f"    {group['group']:<10} {where:<26} n {group['n_units']:<5} {figures}")
        tensors = group["tensors"]  # roles; a frame's are role/layer/expert
        lines.append(
            "      " + ", ".join(tensors[:8]) + (f", … {len(tensors)} tensors" if len(tensors) > 8 else "")
        )
    for part in row.get("detail", {}).get("whole", []):
        where = ".".join(str(part[k]) for k in ("role", "layer", "expert") if part[k] is not None)
        error = (
            "not finite" if part["relative_error"] is None else f"relative error {part['relative_error']:.2e}"
        )
        lines.append(f"      {where:<40} cosine {part['cosine']:7.4f}  {error}  {part['n_values']:,} values")
    return lines


def _place(of: dict[str, int | None]) -> str:
    return " ".join(f"{name} {value}" for name, value in of.items() if value is not None) or "all layers"
