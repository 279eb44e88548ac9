"""The measured parts of docs/methods/false-alarms.md, rendered from the committed results and from nothing else.

The page holds each part between `<!-- measured: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "false-alarms.md"
_PART = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_MAIN = ("language_model", "vision_encoder")

Row = dict[str, Any]


def rendered(page: str) -> str:
    """Return the page with every measured part rendered anew."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[3]}", page)


def load(name: str) -> Any:
    """Return a committed file of results."""
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def models() -> str:
    """Return the table of unrelated models."""
    rows = [
        (
            name,
            m["models"],
            m["same_order"],
            f"{m['first_seed']} …",
            m["steps"],
            f"{_span(m['first_loss'], 2)} → {_span(m['final_loss'], 2)}",
            f"{m['chance_loss']:.2f}",
        )
        for name, m in load("summary")["models"].items()
    ]
    head = ("architecture", "models", "in one order", "seeds", "steps", "loss, first → last", "chance")
    return _table(head, rows)


def sizes() -> str:
    """Return how many p-values lie below each level."""
    c = load("summary")["calibration"]
    groups = c["size"] | {k: c["size_by_kind"][k] for k in c["size_by_kind"]} | c["size_by_order"]
    rows = [
        (name, f"{found['groups']:,}", *(_share(found[level]) for level in ("0.05", "0.01", "0.001")))
        for name, found in groups.items()
    ]
    said = (
        f"{c['groups']:,} groups of {c['model_pairs']:,} pairs of models, {c['draws']} re-labellings each "
        f"(seed {c['seed']}). Mean of z {c['z']['mean']:+.3f}, standard deviation {c['z']['sd']:.3f}; largest z "
        f"{c['largest_z']['z']:.2f}, largest effect {c['largest_effect']['effect']:.3f} "
        f"({c['largest_effect']['label']}).\n\n"
    )
    return said + _table(("groups", "number", "p ≤ 0.05", "p ≤ 0.01", "p ≤ 0.001"), rows)


def uniformity() -> str:
    """Return the Kolmogorov-Smirnov tests."""
    rows = [
        (name, f["groups"], f"{f['distance']:.3f}", f"{f['p']:.2f}")
        for name, f in load("summary")["calibration"]["uniformity"].items()
    ]
    return _table(("independent groups", "number", "largest distance", "KS p"), rows)


def bound() -> str:
    """Return how the bound fared."""
    c = load("summary")["calibration"]
    b, e = c["bound"], c["extremes"]
    shares = ", ".join(f"{b['share_at_most'][level]:.5f} at {level}" for level in ("0.05", "0.01", "0.001"))
    return (
        f"- Below what the re-labellings allow (lower Clopper–Pearson limit, one in a million for each group): "
        f"**{b['below_lower_limit']} of {c['groups']:,}** groups.\n"
        f"- Share of groups whose bound is at most a level: {shares}. Least bound of all: 10^{b['least_log10']:.1f}.\n"
        f"- The {e['groups']} groups furthest out, {e['draws']:,} re-labellings each: {e['below_lower_limit']} bounds "
        f"too small; bound over Monte-Carlo p at least 10^{e['least_excess_log10']:.2f}, in the median "
        f"10^{e['median_excess_log10']:.2f}."
    )


def pipeline() -> str:
    """Return what the whole comparison said of unrelated models."""
    p = load("summary")["pipeline"]
    gains, up = p["norm_gain_cosine"], p["upper_95"]
    said = ", ".join(f"{count:,} `{name}`" for name, count in p["relations"].items())
    kinds = ", ".join(f"{count:,} {name}" for name, count in p["by_architecture"].items())
    return (
        f"- {p['model_pairs']:,} pairs of models ({kinds}), {p['component_pairs']:,} pairs of components: {said}.\n"
        f"- **False alarms: {p['false_alarms']}.** Least family-wise bound: 10^{p['least_log10_p']:.2f}.\n"
        f"- Upper 95 % limit of the rate of accused pairs of models: {up['all pairs']:.2%} counting all pairs, "
        f"{up['pairs that share no model']:.1%} counting the {p['pairs_sharing_no_model']} that share no model.\n"
        f"- Raw cosine of norm gains in the same pairs: median {gains['median']:.4f}, from {gains['least']:.4f} to "
        f"{gains['largest']:.4f}; above 0.99 in {gains['share_above_0.99']:.1%} of {gains['components']:,} components."
    )


def siblings() -> str:
    """Return what was said of models that share a seed."""
    looks = load("summary")["siblings"]
    rows = [
        (
            f"{look} ({s['model_pairs']} pairs)",
            name,
            ", ".join(f"{count} `{r}`" for r, count in found.items()),
            *(_span(s["range"][name][key], 2) for key in ("effect", "persistence", "start_free")),
        )
        for look, s in looks.items()
        for name, found in s["relations"].items()
    ]
    wrong = [{"look": look, **w} for look, s in looks.items() for w in s["wrong"]]
    head = ("pairs", "component", "said", "effect", "persistence", "start-free")
    return _table(head, rows) + "\n\n" + _wrong(wrong)


def drift() -> str:
    """Return effect and detection against drift."""
    found = load("power")["drift"]
    kappas = [row["kappa"] for row in next(iter(found.values()))]
    rows = []
    for kappa in kappas:
        cells = []
        for rows_of in found.values():
            row = next(r for r in rows_of if r["kappa"] == kappa)
            main = _main(row["components"])
            cells.append(f"{main['detected']}/{row['draws']} ({main['effect']:.3f})")
        rows.append((kappa, *cells))
    return _table(("κ", *found), rows)


def renewal() -> str:
    """Return what was said when layers are new."""
    rows = [
        (
            f"{row['new']} of {row['layers']}",
            f"{(main := _main(row['components']))['detected']}/{row['draws']}",
            ", ".join(f"{count} `{r}`" for r, count in main["relations"].items()),
            f"{main['effect']:.3f}",
            f"10^{round(main['log10_p'])}",
        )
        for row in load("power")["renewal"]
    ]
    return _table(("new layers", "seen", "said", "effect", "median bound"), rows)


def descendants() -> str:
    """Return what was said of trained descendants."""
    return _said(load("power")["descendants"].items())


def strangers() -> str:
    """Return what was said of the zoo's strangers."""
    return _said(load("power")["strangers"]["said"].items())


def real() -> str:
    """Return what was said of real checkpoints."""
    return _said((row["pair"], row["said"]) for row in load("real"))


PARTS: dict[str, Callable[[], str]] = {
    part.__name__: part
    for part in (
        models, sizes, uniformity, bound, pipeline, siblings, drift, renewal, descendants, strangers, real,
    )
}  # fmt: skip


def _said(rows: Iterable[tuple[str, Row]]) -> str:
    table = [
        (
            pair,
            name,
            f"`{f['relation']}`",
            "—" if f.get("effect") is None else f"{f['effect']:.3f}",
            "—" if f.get("log10_p") is None else f"10^{round(f['log10_p'])}",
            "—" if f.get("gain_cosine") is None else f"{f['gain_cosine']:.4f}",
        )
        for pair, said in rows
        for name, f in said.items()
    ]
    return _table(("suspect ~ reference", "component", "said", "effect", "bound", "norm-gain cosine"), table)


def _wrong(wrong: list[Row]) -> str:
    if not wrong:
        return "Called derived, a copy, unrelated or untestable: none."
    figures = ("effect", "persistence", "start_free")
    rows = [
        (
            w["look"],
            w["pair"],
            w["component"],
            f"`{w['relation']}`",
            *("—" if w[k] is None else f"{w[k]:.3f}" for k in figures),
        )
        for w in wrong
    ]
    head = ("look", "pair", "component", "wrongly said", "effect", "persistence", "start-free")
    return "Called anything but linked:\n\n" + _table(head, rows)


def _main(components: Row) -> Row:
    found: Row = next(found for name, found in components.items() if name in _MAIN)
    return found


def _share(found: Row) -> str:
    return f"{found['share']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"


def _span(values: list[float], digits: int) -> str:
    if not values:
        return "—"
    low, high = (f"{value:.{digits}f}" for value in values)
    return low if low == high else f"{low}–{high}"


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    names = [str(name) for name in head]
    lines = [names, ["---"] * len(names), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
