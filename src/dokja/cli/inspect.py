"""`dokja inspect`: what a model is made of, as a summary, two tables and what to beware of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from dokja.cli.shared import Output, answering, one_line, table
from dokja.report.words import Language, say
from dokja.workflows.inspect import ComponentSheet, Inspection, inspect_model


@click.command("inspect")
@click.argument("model")
@answering()
def command(out: Output, model: str) -> None:
    """Anatomy of MODEL: components, layers, roles, shapes, sizes, types, threats.

    MODEL is a folder, a file, an https:// folder, or hf://org/name. Nothing of it is executed.
    """
    seen = inspect_model(model)
    warnings = [
        {"key": key, "figures": dict(figures), "sentence": out.say(key, figures)}
        for key, figures in seen.warnings
    ]
    out.show(seen.as_json() | {"warnings": warnings}, [render_inspection(seen, out.language)])


def render_inspection(seen: Inspection, language: Language) -> str:
    """Return an inspection as lines of text for a terminal; names from the model are made harmless."""
    lines = [_headline(seen, language), "", *_component_table(seen, language)]
    for sheet in seen.components:
        lines += ["", f"{sheet.component.name}", *_role_table(sheet, language)]
    notes = [say(key, figures, language) for key, figures in seen.warnings if key != _LISTED_BELOW]
    if notes:
        lines += ["", say("inspect.warnings", {}, language), *(f"  ! {one_line(note)}" for note in notes)]
    if seen.unassigned:
        reasons = Counter(seen.unassigned.values())
        lines += ["", say("inspect.unassigned", {"tensors": len(seen.unassigned)}, language)]
        lines += [
            f"  {count:>6}  {say(f'inspect.reason.{reason}', {}, language)}"
            for reason, count in reasons.items()
        ]
    lines += ["", *_threats(seen, language)]
    return "\n".join(lines)


_LISTED_BELOW = "anatomy.unassigned"


def _headline(seen: Inspection, language: Language) -> str:
    key = "inspect.headline_inferred" if seen.inferred else "inspect.headline"
    figures = {
        "model": one_line(seen.model),
        "format": seen.format,
        "family": seen.family,
        "parameters": _count(seen.parameters),
        "megabytes": seen.stored_bytes / 1e6,
        "files": len(seen.files),
        "components": len(seen.components),
    }
    return say(key, figures, language)


def _component_table(seen: Inspection, language: Language) -> list[str]:
    rows = []
    for sheet in seen.components:
        one = sheet.component
        heads = f"{one.n_heads}/{one.n_kv_heads} × {one.head_dim}" if one.head_dim else "-"
        tied = f" ({say('inspect.tied', {}, language)})" if one.tied_head else ""
        rows.append(
            [
                one.name + tied,
                str(one.n_layers or "-"),
                str(one.residual or "-"),
                heads,
                str(one.n_experts or "-"),
                _count(sheet.parameters),
                " ".join(sheet.dtypes),
            ]
        )
    return table(rows, _heads(_COMPONENT_COLUMNS, language)).splitlines()


_COMPONENT_COLUMNS = ("component", "layers", "width", "heads", "experts", "parameters", "dtypes")
_ROLE_COLUMNS = ("role", "count", "shape", "axes", "parameters", "dtypes")


def _role_table(sheet: ComponentSheet, language: Language) -> list[str]:
    rows = []
    for line in sheet.roles:
        rows.append(
            [
                line.role,
                str(line.count),
                " × ".join(map(str, line.shape)),
                ", ".join(line.axes),
                _count(line.parameters),
                " ".join(line.dtypes),
            ]
        )
    return ["  " + row for row in table(rows, _heads(_ROLE_COLUMNS, language)).splitlines()]


def _threats(seen: Inspection, language: Language) -> list[str]:
    if not seen.threats:
        return [say("inspect.no_threats", {}, language)]
    shown = [f"  ! {one.kind}  {one_line(one.where)}  {one_line(one.detail)}" for one in seen.threats]
    return [say("inspect.threats", {"count": len(seen.threats)}, language), *shown]


def _heads(names: Sequence[str], language: Language) -> list[str]:
    return [say(f"inspect.column.{name}", {}, language) for name in names]


def _count(number: int) -> str:
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)
