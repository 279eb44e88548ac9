"""The charts of a decision, each with a table of the same figures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dokja.deciding.score import Points
from dokja.report.charts import CutOff, ShareBar, TotalBar, draw_ranks, draw_shares, draw_totals
from dokja.report.decision.teams import Shown, certainty_figures, full_points, top_points
from dokja.report.decision.voice import Figure, known
from dokja.rulebook import TOTAL, AllOf, AnyOf, AtLeast, Gate, KeepTop, Rulebook, Unknown
from dokja.sensitivity.uncertainty import TeamUncertainty

View = Mapping[str, object]


def view_figures(shown: Shown) -> list[View]:
    """Return the charts that can be drawn: totals with parts, ranks, passing."""
    figures: list[View] = []
    if shown.decision.scores.points():
        figures.append(_totals(shown))
    rows = () if shown.uncertainty is None else shown.uncertainty.teams
    if rows:
        figures += [_ranks(shown, rows), _passing(shown, rows)]
    return figures


def _titled(shown: Shown, name: str, **figures: object) -> dict[str, object]:
    """Return a chart's words; what is simulated stands in its title, and so in its text for screen readers."""
    voice = shown.voice
    label = voice.simulated(shown.simulated.of())
    title = voice.say(f"chart.{name}") + (f" ({label})" if label else "")
    return {
        "title": title,
        "spoken": voice.say("chart.spoken", title=title),
        "simulated": label,
        "caption": voice.say(f"chart.{name}_caption", **figures),
        "notes": [],
    }


def _axis(shown: Shown, name: str) -> str:
    label = shown.voice.simulated(shown.simulated.of())
    return shown.voice.say(f"chart.axis.{name}") + (f" ({label})" if label else "")


def _totals(shown: Shown) -> View:
    voice, teams = shown.voice, shown.decision.teams
    words = _titled(shown, "totals")
    cut_offs = list(find_cut_offs(shown))
    bars = []
    for one in teams:
        total, row = shown.decision.scores.of(one.team), shown.certainty(one.team)
        scored = isinstance(total, Points)
        bars.append(
            TotalBar(
                voice.teams[one.team],
                total.points if isinstance(total, Points) else None,
                f"{total.points:.2f}" if isinstance(total, Points) else f"– {voice.say('no_result')}",
                (row.total.low, row.total.high) if row is not None and scored else None,
                top_points(shown, one.team),
            )
        )
    axes = (_axis(shown, "total"), _axis(shown, "parts"))
    numbered = [f"[{n}] {voice.title(part.title)}" for n, part in enumerate(shown.rulebook.parts, 1)]
    sizes = [known(part.points) or voice.say("unknown") for part in shown.rulebook.parts]
    words["notes"] = [
        voice.say("chart.part", part=name, points=size) for name, size in zip(numbered, sizes, strict=True)
    ] + [voice.say("chart.cut_off", gate=line.name, points=line.points) for line in cut_offs]
    return words | {
        "svg": draw_totals(
            bars, cut_offs, full_points(shown.rulebook, shown.decision), str(words["spoken"]), axes
        ),
        "columns": [voice.say("column.total"), voice.say("column.interval"), *numbered],
        "rows": [
            (
                voice.teams[one.team],
                [*_certain(shown, one.team, "total", "interval"), *_parts(shown, one.team)],
            )
            for one in teams
        ],
    }


def _certain(shown: Shown, team: str, *names: str) -> list[Figure]:
    figures = certainty_figures(shown, team)
    return [figures[name] for name in names]


def _parts(shown: Shown, team: str) -> list[Figure]:
    scores, simulated = shown.decision.scores, shown.simulated
    return [
        shown.voice.points(scores.of(team, part.id), simulated.of(part.id)) for part in shown.rulebook.parts
    ]


def find_cut_offs(shown: Shown) -> Iterator[CutOff]:
    """Yield the lines that the deciding gate draws across the total."""
    for gate in _leading_to(shown.rulebook, shown.rulebook.advance.gate):
        title = shown.voice.named("gate", gate.id)
        if isinstance(gate, AtLeast) and gate.reads == TOTAL and not isinstance(gate.points, Unknown):
            yield CutOff(float(gate.points), title)
        if isinstance(gate, KeepTop) and gate.reads == TOTAL:
            totals = shown.decision.scores.points()
            inside = {one.team for one in shown.decision.teams if one.gates[gate.id].outcome.opens}
            if inside & set(totals) and set(totals) - inside:
                yield CutOff(min(points for team, points in totals.items() if team in inside), title)


def _leading_to(rulebook: Rulebook, gate_id: str) -> Iterator[Gate]:
    gate = rulebook.gate(gate_id)
    yield gate
    if isinstance(gate, AllOf | AnyOf):
        for name in gate.gates:
            yield from _leading_to(rulebook, name)


def _ranks(shown: Shown, rows: tuple[TeamUncertainty, ...]) -> View:
    voice = shown.voice
    words = _titled(shown, "ranks")
    label = voice.simulated(shown.simulated.of())
    said = [[f"{share:.1%}" for share in row.rank_shares] for row in rows]
    names = [voice.teams[row.team] for row in rows]
    svg = draw_ranks(
        names, [row.rank_shares for row in rows], said, str(words["spoken"]), _axis(shown, "rank")
    )
    ranks = max(len(row.rank_shares) for row in rows)
    return words | {
        "svg": svg,
        "columns": [voice.say("rank", rank=rank) for rank in range(1, ranks + 1)],
        "rows": [
            (name, [Figure(share, simulated=label) for share in shares])
            for name, shares in zip(names, said, strict=True)
        ],
    }


def _passing(shown: Shown, rows: tuple[TeamUncertainty, ...]) -> View:
    assert shown.uncertainty is not None
    voice = shown.voice
    words = _titled(shown, "passing", replicates=shown.uncertainty.replicates)
    label = voice.simulated(shown.simulated.of())
    bars = [
        ShareBar(
            voice.teams[row.team],
            row.pass_share,
            f"{row.pass_share:.1%}",
            (row.pass_interval.low, row.pass_interval.high),
        )
        for row in rows
    ]
    return words | {
        "svg": draw_shares(bars, str(words["spoken"]), _axis(shown, "passing")),
        "columns": [
            voice.say("column.passing"),
            voice.say("column.monte_carlo"),
            voice.say("column.weights"),
        ],
        "rows": [
            (
                voice.teams[row.team],
                [
                    Figure(f"{row.pass_share:.1%}", simulated=label),
                    Figure(f"{row.pass_interval.low:.1%} – {row.pass_interval.high:.1%}", simulated=label),
                    Figure(f"{row.pass_share_of_weights:.1%}", simulated=label),
                ],
            )
            for row in rows
        ],
    }
