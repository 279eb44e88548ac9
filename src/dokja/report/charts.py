"""Charts of a decision, drawn by Altair and vl-convert into bare SVG that scales, prints and needs nothing else.

- Texts and lines take the page's colour (`currentColor`), so a chart is readable in light, in dark and on paper.
- No figure is told by colour alone: bars are numbered, cells hold their number, and a table stands beside each chart.
- What leaves this module is a short list of elements and attributes; anything else that a renderer writes is dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from dokja.errors import Unavailable

if TYPE_CHECKING:
    from markupsafe import Markup

_WIDTH = 246
_NAMES = 92
_NAME_CELLS = 14
_ROW = 30
_COLOURS = ("#1d4fa8", "#e07b00", "#14693b", "#8a2f8a", "#566074", "#a8231d")
_CELLS_WITH_TEXT = 8
_ELEMENTS = {"g", "path", "text", "rect", "line"}
_ATTRIBUTES = {
    "d", "fill", "fill-opacity", "font-size", "font-weight", "height", "opacity", "stroke", "stroke-dasharray",
    "stroke-opacity", "stroke-width", "text-anchor", "transform", "width", "x", "x2", "y", "y2",
}  # fmt: skip
_NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class TotalBar:
    """One team's total.

    Args:
        name: What the team is called; unique in the chart.
        total: In points; None when there is no result.
        said: The total in words, or why there is none.
        ends: (low, high) of the interval in points; None when none was computed.
        parts: Points of each top part, in the rulebook's order; None when a part has no result.
    """

    name: str
    total: float | None
    said: str
    ends: tuple[float, float] | None
    parts: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class CutOff:
    """A line that a total has to reach: where, and what it is called."""

    points: float
    name: str


@dataclass(frozen=True, slots=True)
class ShareBar:
    """A share with its interval: name, share in [0, 1], the share in words, (low, high) in [0, 1]."""

    name: str
    share: float
    said: str
    ends: tuple[float, float]


def draw_totals(
    bars: Sequence[TotalBar], cut_offs: Sequence[CutOff], full: float, title: str, axes: tuple[str, str]
) -> Markup:
    """Return totals with their intervals and cut-off lines above, and the parts each is the sum of below.

    Args:
        bars: One per team, in the order shown.
        cut_offs: Lines on the total.
        full: Points the total can reach at most.
        title: For screen readers and hovering.
        axes: Names of the axis above and of the axis below.
    """
    alt = _altair()
    names = [_short(bar.name) for bar in bars]
    y = _names_axis(names)
    return _picture(
        alt.vconcat(
            alt.layer(*_total_layers(bars, cut_offs, names, y, axes[0])).properties(
                width=_WIDTH, height=_ROW * len(bars)
            ),
            alt.layer(*_part_layers(bars, names, y, full, axes[1])).properties(
                width=_WIDTH, height=0.8 * _ROW * len(bars)
            ),
            spacing=14,
        ),
        title,
    )


def _total_layers(
    bars: Sequence[TotalBar], cut_offs: Sequence[CutOff], names: Sequence[str], y: Any, axis: str
) -> list[Any]:
    alt = _altair()
    rows = []
    for bar, name in zip(bars, names, strict=True):
        if bar.total is not None:
            low, high = bar.ends or (bar.total, bar.total)
            below = any(bar.total < line.points for line in cut_offs)
            rows.append(
                {"name": name, "total": bar.total, "said": bar.said, "low": low, "high": high, "below": below}
            )
    drawn = [bar for bar in bars if bar.total is not None]
    reached = [end for bar in drawn for end in (bar.total, *(bar.ends or ())) if end is not None]
    reached += [line.points for line in cut_offs]
    margin = max(0.08 * (max(reached) - min(reached)), 1.0)
    scale = alt.Scale(domain=[min(reached) - margin, max(reached) + margin], nice=False, zero=False)
    x = alt.X("total:Q", scale=scale, title=axis)
    base = alt.Chart(alt.InlineData(rows))
    layers: list[Any] = [
        base.mark_rule(strokeWidth=2, color="currentColor").encode(
            x=alt.X("low:Q", scale=scale, title=axis), x2="high:Q", y=y
        ),
        base.mark_tick(size=9, thickness=2, color="currentColor").encode(x=alt.X("low:Q", title=axis), y=y),
        base.mark_tick(size=9, thickness=2, color="currentColor").encode(x=alt.X("high:Q", title=axis), y=y),
        base.mark_circle(size=55, opacity=1, color="currentColor").encode(x=x, y=y),
        # A number stands on the side away from the line it has to reach.
        base.transform_filter("!datum.below")
        .mark_text(align="left", dx=4, dy=-9, color="currentColor")
        .encode(x=x, y=y, text="said:N"),
        base.transform_filter("datum.below")
        .mark_text(align="right", dx=-4, dy=-9, color="currentColor")
        .encode(x=x, y=y, text="said:N"),
    ]
    missing = [
        {"name": name, "said": bar.said, "at": min(reached) - margin}
        for bar, name in zip(bars, names, strict=True)
        if bar.total is None
    ]
    layers.append(
        alt.Chart(alt.InlineData(missing))
        .mark_text(align="left", dx=4, color="currentColor")
        .encode(x=alt.X("at:Q", title=axis), y=y, text="said:N")
    )
    return layers + _cut_off_layers(cut_offs, axis)


def _cut_off_layers(cut_offs: Sequence[CutOff], axis: str) -> list[Any]:
    alt = _altair()
    layers = []
    for number, line in enumerate(cut_offs):
        base = alt.Chart(alt.InlineData([{"at": line.points, "said": f"{line.points:.2f}"}]))
        at = alt.X("at:Q", title=axis)
        layers.append(base.mark_rule(strokeDash=[4, 3], strokeWidth=1.5, color="currentColor").encode(x=at))
        # Above the plot, one line of text per cut-off, so that two that lie close do not cover each other.
        layers.append(
            base.mark_text(dy=-7 - 12 * number, color="currentColor").encode(
                x=at, y=alt.value(0), text="said:N"
            )
        )
    return layers


def _part_layers(bars: Sequence[TotalBar], names: Sequence[str], y: Any, full: float, axis: str) -> list[Any]:
    alt = _altair()
    rows = []
    for bar, name in zip(bars, names, strict=True):
        start = 0.0
        for number, points in enumerate(bar.parts):
            if points is None:
                continue
            said = f"[{number + 1}] {points:.2f}" if points >= 0.19 * full else f"[{number + 1}]"
            colour = _COLOURS[number % len(_COLOURS)]
            rows.append(
                {
                    "name": name,
                    "from": start,
                    "to": start + points,
                    "middle": start + points / 2,
                    "said": said if points >= 0.07 * full else "",
                    "colour": colour,
                }
            )
            start += points
    scale = alt.Scale(domain=[0, full], nice=False)
    base = alt.Chart(alt.InlineData(rows))
    return [
        base.mark_bar(size=17, fillOpacity=0.38, stroke="currentColor", strokeWidth=0.7).encode(
            x=alt.X("from:Q", scale=scale, title=axis),
            x2="to:Q",
            y=y,
            fill=alt.Fill("colour:N", scale=None, legend=None),
        ),
        base.mark_text(color="currentColor", fontSize=10).encode(
            x=alt.X("middle:Q", title=axis), y=y, text="said:N"
        ),
    ]


def draw_ranks(
    names: Sequence[str],
    shares: Sequence[Sequence[float]],
    said: Sequence[Sequence[str]],
    title: str,
    axis: str,
) -> Markup:
    """Return a heat map: in which share of resamples each team takes each rank.

    Args:
        names: Teams, unique, in the order shown.
        shares: (n_teams, n_ranks), each in [0, 1].
        said: The same in words, written in the cells where they fit.
        title: For screen readers and hovering.
        axis: What the ranks are called.
    """
    alt = _altair()
    short = [_short(name) for name in names]
    n_ranks = max(map(len, shares))
    rows = [
        {
            "name": name,
            "rank": str(rank + 1),
            "share": 0.04 + 0.5 * share,
            "said": words if n_ranks <= _CELLS_WITH_TEXT else "",
        }
        for name, line, told in zip(short, shares, said, strict=True)
        for rank, (share, words) in enumerate(zip(line, told, strict=True))
    ]
    ranks = [str(rank + 1) for rank in range(n_ranks)]
    x = alt.X("rank:N", sort=ranks, title=axis, axis=alt.Axis(orient="top", labelAngle=0, grid=False))
    base = alt.Chart(alt.InlineData(rows)).encode(x=x, y=_names_axis(short))
    return _picture(
        alt.layer(
            base.mark_rect(
                color=_COLOURS[0], stroke="currentColor", strokeWidth=0.4, strokeOpacity=0.4
            ).encode(fillOpacity=alt.FillOpacity("share:Q", scale=None, legend=None)),
            base.mark_text(color="currentColor", fontSize=10).encode(text="said:N"),
        ).properties(width=_WIDTH, height=_ROW * len(short)),
        title,
    )


def draw_shares(bars: Sequence[ShareBar], title: str, axis: str) -> Markup:
    """Return bars of shares, each with its interval and its number.

    Args:
        bars: One per team, in the order shown.
        title: For screen readers and hovering.
        axis: What is a share of what.
    """
    alt = _altair()
    names = [_short(bar.name) for bar in bars]
    rows = [
        {
            "name": name,
            "share": bar.share,
            "said": bar.said,
            "low": bar.ends[0],
            "high": bar.ends[1],
            "zero": 0,
        }
        for bar, name in zip(bars, names, strict=True)
    ]
    y = _names_axis(names)
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("share:Q", scale=scale, title=axis, axis=alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1]))
    base = alt.Chart(alt.InlineData(rows))
    inside, outside = "datum.share > 0.75", "datum.share <= 0.75"
    return _picture(
        alt.layer(
            base.mark_bar(
                size=15, color=_COLOURS[0], fillOpacity=0.38, stroke="currentColor", strokeWidth=0.7
            ).encode(x=x, y=y),
            base.mark_rule(strokeWidth=2, color="currentColor").encode(
                x=alt.X("low:Q", title=axis), x2="high:Q", y=y
            ),
            base.transform_filter(inside)
            .mark_text(align="right", dx=-8, color="currentColor")
            .encode(x=x, y=y, text="said:N"),
            base.transform_filter(outside)
            .mark_text(align="left", dx=8, color="currentColor")
            .encode(x=x, y=y, text="said:N"),
        ).properties(width=_WIDTH, height=0.8 * _ROW * len(names)),
        title,
    )


def _names_axis(names: Sequence[str]) -> Any:
    alt = _altair()
    # A fixed extent keeps every chart of a page aligned, whatever the fonts of the machine measure.
    axis = alt.Axis(
        minExtent=_NAMES, maxExtent=_NAMES, labelLimit=_NAMES, labelPadding=5, ticks=False, grid=False
    )
    return alt.Y("name:N", sort=list(names), title=None, axis=axis)


def _short(name: str) -> str:
    """Return a name cut to what fits beside a chart: Hangul counts two cells, Latin one."""
    kept, cells = "", 0
    for character in _NOT_XML.sub("\ufffd", name):
        cells += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if cells > _NAME_CELLS:
            return kept + "…"
        kept += character
    return kept


def _altair() -> Any:
    try:
        import altair
    except ImportError as error:
        raise Unavailable(
            "Charts need Altair, which is not installed.", hint='Install it with: pip install "dokja[stage]"'
        ) from error
    return altair


def _picture(chart: Any, title: str) -> Markup:
    """Return a chart as SVG without a network, scripts, styles, links or ids."""
    try:
        import vl_convert
    except ImportError as error:
        raise Unavailable(
            "Charts need vl-convert, which is not installed.",
            hint='Install it with: pip install "dokja[stage]"',
        ) from error
    colour = "currentColor"
    configured = (
        chart.configure(aria=False, background="transparent", font="sans-serif", padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            domainColor=colour, tickColor=colour, gridColor=colour, gridOpacity=0.15, labelColor=colour,
            titleColor=colour, labelFontSize=11, titleFontSize=11, titleFontWeight="normal",
        )
        .configure_text(fontSize=11)
    )  # fmt: skip
    return _bare(vl_convert.vegalite_to_svg(configured.to_dict(), allowed_base_urls=[]), title)


def _bare(svg: str, title: str) -> Markup:
    from markupsafe import Markup

    drawn = ElementTree.fromstring(svg)  # noqa: S314  # written by our own renderer a moment ago
    root = ElementTree.Element(
        "svg", {"viewBox": drawn.attrib["viewBox"], "width": "100%", "role": "img", "aria-label": title}
    )
    ElementTree.SubElement(root, "title").text = title
    _copy(drawn, root)
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704  # serialised from a tree


def _copy(source: ElementTree.Element, target: ElementTree.Element) -> None:
    for child in source:
        tag = child.tag.rpartition("}")[2]
        empty = tag == "path" and child.get("d", "") in ("", "M0,0h0v0h0Z")
        if tag not in _ELEMENTS or empty or child.get("display") == "none":
            continue
        kept = {name: value for name, value in child.attrib.items() if name in _ATTRIBUTES}
        copied = ElementTree.SubElement(target, tag, kept)
        copied.text = child.text
        _copy(child, copied)
        if tag == "g" and not len(copied):
            target.remove(copied)
