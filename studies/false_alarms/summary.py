"""From raw figures to the committed results and pictures; every figure of the method page stands here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from studies.false_alarms import calibration, page, pictures, pipeline, siblings
from studies.false_alarms.models import COUNTS, SAME_ORDER, independent, record_of

RESULTS = Path(__file__).with_name("results")
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "methods"
LEVELS = (0.05, 0.01, 0.001)
# So sure must a Monte-Carlo estimate be before it may convict the bound: one in a million for each group.
_CONVICTION = 1e-6
PRIVATE = ("mlp_units", "value_dims")
# Columns of the committed raw results, and how many decimals of each are kept.
COLUMNS = {"exceed": None, "z": 2, "effect": 3, "bound": 2}

Row = dict[str, Any]


def write(work: Path) -> None:
    """Write results, pictures and the page's measured parts from what the other steps left in the work folder."""
    RESULTS.mkdir(exist_ok=True)
    groups = compact(work)
    rows = rows_of(groups)
    pairs = pipeline.every_pair(work)
    kin = siblings.every_pair(work)
    found = {
        "models": models(work),
        "calibration": calibrated(rows) | {"extremes": extremes(work)},
        "pipeline": examined(pairs),
        "siblings": {name: related(rows) for name, rows in looks(kin).items()},
    }
    _write("summary.json", found, indent=1)
    _write("groups.json", groups)
    _write("pairs.json", said_of(pairs))
    _write("siblings.json", kin)
    power = {p.stem: json.loads(p.read_text("utf-8")) for p in sorted((work / "power").glob("*.json"))}
    _write("power.json", power)
    if (work / "real.json").exists():
        _write("real.json", json.loads((work / "real.json").read_text("utf-8")))
    (PICTURES / "false-alarms-qq.svg").write_text(pictures.quantiles(p_values(rows)), "utf-8")
    (PICTURES / "false-alarms-power.svg").write_text(pictures.detection(power["drift"]), "utf-8")
    page.PAGE.write_text(page.rendered(page.PAGE.read_text("utf-8")), "utf-8")


def models(work: Path) -> Row:
    """Return how the unrelated models were trained, per architecture."""
    out = {}
    for architecture, tinies in independent().items():
        records = [record_of(tiny, work / "models") for tiny in tinies]
        out[architecture] = {
            "models": len(records),
            "same_order": sum(tiny.order == SAME_ORDER for tiny in tinies),
            "steps": tinies[0].steps,
            "first_seed": tinies[0].seed,
            "first_loss": _range(r["first_loss"] for r in records),
            "final_loss": _range(r["final_loss"] for r in records),
            "chance_loss": records[0]["chance_loss"],
        }
    return out


def p_values(rows: Sequence[Row]) -> np.ndarray:
    """Return the Monte-Carlo p-values of groups."""
    return (1.0 + np.array([row["exceed"] for row in rows])) / (calibration.DRAWS + 1)


def calibrated(rows: Sequence[Row]) -> Row:
    """Return sizes of the test at several levels, uniformity, and whether the bound was ever too small."""
    apart = [row for row in rows if shares_no_model(row)]
    return {
        "draws": calibration.DRAWS,
        "seed": calibration.SEED,
        "groups": len(rows),
        "model_pairs": len({(row["architecture"], row["i"], row["j"]) for row in rows}),
        "by_kind": dict(sorted(Counter(kind(row) for row in rows).items())),
        "by_architecture": {a: sum(row["architecture"] == a for row in rows) for a in COUNTS},
        "size": {"all pairs": sizes(rows), "pairs that share no model": sizes(apart)},
        "size_by_kind": {
            name: sizes([r for r in rows if kind(r) == name]) for name in sorted({kind(r) for r in rows})
        },
        "size_by_order": {
            "same order": sizes([r for r in rows if r["i"] % 2 == 0 and r["j"] % 2 == 0]),
            "other order": sizes([r for r in rows if r["i"] % 2 or r["j"] % 2]),
        },
        "uniformity": uniformity(apart),
        "bound": bound(rows),
        "z": {"mean": _mean(rows, "z"), "sd": round(float(np.std([r["z"] for r in rows])), 4)},
        "largest_z": max(rows, key=lambda row: row["z"]),
        "largest_effect": max(rows, key=lambda row: row["effect"]),
    }


def sizes(rows: Sequence[Row]) -> Row:
    """Return how many p-values fall at or below each level, with Clopper-Pearson intervals at 95 %."""
    values = p_values(rows)
    out: Row = {"groups": len(rows)}
    for level in LEVELS:
        count = int(np.count_nonzero(values <= level))
        test = stats.binomtest(count, len(rows)).proportion_ci(0.95, "exact")
        out[str(level)] = {
            "count": count,
            "share": round(count / len(rows), 5),
            "low": round(float(test.low), 5),
            "high": round(float(test.high), 5),
        }
    return out


def uniformity(apart: Sequence[Row]) -> Row:
    """Return Kolmogorov-Smirnov p-values over groups that are independent: no model is used twice.

    Private groups count in place only: then every one has a labelling of its own, and given that of the residual
    dimensions they are independent. Steps of 1/1000 are taken at their middle.
    """
    sets = {
        "private groups in place": [r for r in apart if kind(r) in PRIVATE and in_place(r)],
        "mlp_units in place": [r for r in apart if kind(r) == "mlp_units" and in_place(r)],
        "value_dims in place": [r for r in apart if kind(r) == "value_dims" and in_place(r)],
        "residual": [r for r in apart if kind(r) == "residual"],
        "token_embedding": [r for r in apart if kind(r) == "token_embedding"],
        "lm_head": [r for r in apart if kind(r) == "lm_head"],
    }
    out = {}
    for name, rows in sets.items():
        test = stats.kstest(p_values(rows) - 0.5 / (calibration.DRAWS + 1), "uniform")
        out[name] = {
            "groups": len(rows),
            "distance": round(float(test.statistic), 4),
            "p": round(float(test.pvalue), 4),
        }
    return out


def bound(rows: Sequence[Row]) -> Row:
    """Return how the rigorous bound compares with what random re-labellings say."""
    bounds = np.array([row["bound"] for row in rows])
    low = np.array([lower_limit(row["exceed"], calibration.DRAWS) for row in rows])
    return {
        "below_lower_limit": int(np.count_nonzero(10.0**bounds < low)),
        "conviction": _CONVICTION,
        "least_log10": float(bounds.min()),
        "share_at_most": {str(level): round(float(np.mean(10.0**bounds <= level)), 6) for level in LEVELS},
    }


def extremes(work: Path) -> Row:
    """Return the groups furthest out, each drawn many more times, against the bound."""
    path = work / "extremes.json"
    rows = json.loads(path.read_text("utf-8")) if path.exists() else []
    excess = [row["bound"] - np.log10((1 + row["exceed"]) / (row["draws"] + 1)) for row in rows]
    return {
        "groups": len(rows),
        "draws": calibration.MANY_DRAWS,
        "below_lower_limit": sum(
            10.0 ** row["bound"] < lower_limit(row["exceed"], row["draws"]) for row in rows
        ),
        "least_excess_log10": round(float(min(excess)), 3),
        "median_excess_log10": round(float(np.median(excess)), 3),
        "rows": rows,
    }


def lower_limit(exceed: int, draws: int) -> float:
    """Return the lower Clopper-Pearson limit of a p-value at the confidence that may convict."""
    return float(stats.beta.ppf(_CONVICTION, exceed, draws - exceed + 1)) if exceed else 0.0


def examined(pairs: Sequence[Row]) -> Row:
    """Return how often the whole comparison accused the innocent, and the upper limit that this shows."""
    guilty = [row for row in pairs if pipeline.is_false_alarm(row["said"])]
    apart = [row for row in pairs if shares_no_model(row)]
    said = [(name, f) for row in pairs for name, f in row["said"].items()]
    gains = [f["gain_cosine"] for _, f in said if f.get("gain_cosine") is not None]
    bounds = [f["log10_p"] for _, f in said if f.get("log10_p") is not None]
    return {
        "seed": pipeline.SETTINGS.seed,
        "model_pairs": len(pairs),
        "by_architecture": {a: sum(row["architecture"] == a for row in pairs) for a in COUNTS},
        "component_pairs": len(said),
        "relations": dict(sorted(Counter(f["relation"] for _, f in said).items())),
        "false_alarms": len(guilty),
        "false_alarm_rows": guilty,
        "upper_95": {
            "all pairs": _upper(len(guilty), len(pairs)),
            "pairs that share no model": _upper(
                sum(pipeline.is_false_alarm(row["said"]) for row in apart), len(apart)
            ),
        },
        "pairs_sharing_no_model": len(apart),
        "least_log10_p": min(bounds),
        "norm_gain_cosine": {
            "components": len(gains),
            "least": min(gains),
            "median": round(float(np.median(gains)), 5),
            "largest": max(gains),
            "share_above_0.99": round(float(np.mean(np.array(gains) > 0.99)), 4),
        },
    }


def looks(kin: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the pairs of siblings look by look: before the rule was changed, the same again, fresh seeds, the zoo."""
    before = json.loads((RESULTS / "siblings_before.json").read_text("utf-8"))
    named = {
        "first seeds, rule then": [row for row in before if "~" not in row["pair"]],
        "first seeds": [row for row in kin if row["pair"].startswith("first ")],
        "fresh seeds": [row for row in kin if row["pair"].startswith("fresh ")],
        "zoo": [row for row in kin if "~" in row["pair"]],
    }
    return {name: rows for name, rows in named.items() if rows}


def related(kin: Sequence[Row]) -> Row:
    """Return what was said of pairs that share a seed, by kind of component, and what was said wrongly."""
    out: Row = {"model_pairs": len(kin), "relations": {}, "range": {}}
    by_name: dict[str, list[Row]] = {}
    for row in kin:
        for name, f in row["said"].items():
            by_name.setdefault(name, []).append(f | {"pair": row["pair"]})
    for name, found in sorted(by_name.items()):
        out["relations"][name] = dict(sorted(Counter(f["relation"] for f in found).items()))
        out["range"][name] = {
            key: _range(f[key] for f in found if f.get(key) is not None)
            for key in ("effect", "persistence", "start_free")
        }
    wrong = ("derived", "partly_derived", "copy", "no_link_found", "untestable")
    out["wrong"] = [
        {"pair": f["pair"], "component": name}
        | {k: f.get(k) for k in ("relation", "effect", "persistence", "start_free")}
        for name, found in sorted(by_name.items())
        for f in found
        if f["relation"] in wrong
    ]
    return out


def compact(work: Path) -> Row:
    """Return all groups of all pairs, column by column in the order of `COLUMNS`."""
    out: Row = {}
    for architecture in COUNTS:
        entry: Row = {"labels": [], "pairs": {}}
        for path in sorted((work / "calibration").glob(f"{architecture}-*.json")):
            found = json.loads(path.read_text("utf-8"))
            entry["labels"] = found["labels"]
            i = int(path.stem.rsplit("-", 1)[1])
            for j, columns in found["pairs"].items():
                entry["pairs"][f"{i}-{j}"] = [
                    [round(value, digits) for value in columns[name]] for name, digits in COLUMNS.items()
                ]
        out[architecture] = entry
    return out


def said_of(pairs: Sequence[Row]) -> Row:
    """Return what was said of every pair: relation, bound, z, effect and norm-gain cosine of each component."""
    out: Row = {}
    for row in pairs:
        said = {
            name: [f["relation"], *(f.get(key) for key in ("log10_p", "z", "effect", "gain_cosine"))]
            for name, f in row["said"].items()
        }
        out.setdefault(row["architecture"], {})[f"{row['i']}-{row['j']}"] = said
    return out


def rows_of(groups: Row) -> list[Row]:
    """Return one row per group from the columns of `compact`."""
    return [
        {
            "architecture": architecture,
            "i": int(pair.split("-")[0]),
            "j": int(pair.split("-")[1]),
            "label": label,
        }
        | {name: columns[c][at] for c, name in enumerate(COLUMNS)}
        for architecture, entry in groups.items()
        for pair, columns in entry["pairs"].items()
        for at, label in enumerate(entry["labels"])
    ]


def kind(row: Row) -> str:
    """Return the kind of a group: the first word of its label."""
    return str(row["label"]).split(" ")[0]


def in_place(row: Row) -> bool:
    """Return whether a private group compares layers of one number."""
    layers = str(row["label"]).split(" ")[1].split("/")[0].split("-")
    return layers[0] == layers[1]


def shares_no_model(row: Row) -> bool:
    """Return whether the pair is one of those in which no model appears twice: (0, 2), (1, 3), (4, 6), ..."""
    return bool(row["j"] == row["i"] + 2 and row["i"] % 4 in (0, 1))


def _upper(count: int, trials: int) -> float:
    """Return the exact upper 95 % confidence limit of a rate (3 / trials where nothing was seen: the rule of three)."""
    return round(float(stats.beta.ppf(0.95, count + 1, trials - count)), 6) if trials else 1.0


def _range(values: Iterable[float]) -> list[float]:
    known = list(values)
    return [min(known), max(known)] if known else []


def _mean(rows: Sequence[Row], key: str) -> float:
    return round(float(np.mean([row[key] for row in rows])), 4)


def _write(name: str, found: object, indent: int | None = None) -> None:
    separators = None if indent else (",", ":")
    text = json.dumps(found, indent=indent, separators=separators, ensure_ascii=False)
    (RESULTS / name).write_text(text + "\n", "utf-8")
