"""Panels as charts of plotly.js: plain values that a page draws, with the same looks as a picture.

plotly itself is not imported here: its figures are JSON, and this is that JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.ticker import LogLocator

from sushi_dse.plots.panels import ColourScale, FloatArray, IntArray, Panel, Series
from sushi_dse.plots.style import (
    BAND_ALPHA,
    CLOUD_ALPHA,
    GRID,
    LINE_WIDTH,
    OUTLINE,
    PAPER,
    bundle_alpha,
    look,
    shades,
    short_name,
    step,
)

PIXELS_PER_INCH = 110
MARKER_PIXELS = 8
BIG_MARKER_PIXELS = 18
LABEL_PIXELS = (40, 30)  # from a point to its label, towards the middle of the chart
COLOUR_AXIS = "coloraxis"
RANK = 1000  # of the first name in a legend
COLOURS_OF_BAR = 32
BINS = 12  # of shades, whose lines are a trace each
LEAST_OPACITY = 0.6  # of a bundle, which is drawn as one
SIGNIFICANT_DIGITS = 7  # of a number on a page
# As matplotlib's dashes, markers and hatches in `style`, in the same order.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x",
           "triangle-left", "triangle-right", "pentagon", "hexagon")  # fmt: skip
PATTERNS = ("", "/", ".", "x", "\\")

Chart = dict[str, Any]


def chart_text(name: str) -> str:
    """A name as plotly shows it letter by letter, since it reads a little HTML."""
    return escape(short_name(name), quote=False)


def numbers(values: "npt.ArrayLike | pd.Series[Any]") -> list[float | int | None]:
    """Values for JSON: whole ones without a fraction, NaN as null, others rounded."""
    return [_number(value) for value in np.asarray(values, dtype=float).tolist()]


def _number(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    return int(value) if value == int(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def panel_chart(panel: Panel) -> Chart:
    """The chart of a panel: its title, and the traces and layout of plotly.js."""
    parts = [part for series in panel.series for part in _of_one_colour(series, panel.colours)]
    names = [part.name for part in parts]
    # Of one name the last stands in the legend, since it is drawn on top.
    last = {part.name: i for i, part in enumerate(parts) if part.in_legend}
    return {
        "title": panel.title,
        "data": [
            trace | {"showlegend": trace["showlegend"] and last[part.name] == i,
                     "legendrank": RANK + names.index(part.name)}
            for i, part in enumerate(parts)
            for trace in _traces(part, panel.colours)
        ],
        "layout": _layout(panel),
    }  # fmt: skip


def _layout(panel: Panel) -> Chart:
    """The axes of a panel, its colour bar, its labels, and the place of its legend."""
    above: Chart = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    layout: Chart = {
        "xaxis": _axis(panel.x_label, panel.log_x, panel.x_range) | _named_ticks(panel.x_names),
        "yaxis": _axis(panel.y_label, panel.log_y, panel.y_range)
        | _named_ticks(panel.y_names, reverse=panel.y_range is None),
        "height": round(PIXELS_PER_INCH * panel.height_inches + 60),
        "margin": {"t": 80 if panel.legend == "above" else 20, "r": 20},
        "barmode": "stack",
        "hovermode": "closest",
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": {"color": OUTLINE},
        "legend": {"tracegroupgap": 0, "font": {"size": 11}}
        | (above if panel.legend == "above" else {}),
    }
    annotations = list(_annotations(panel))
    if annotations:
        layout["annotations"] = annotations
    if panel.colours is not None:
        layout[COLOUR_AXIS] = _colour_axis(panel.colours)
    return layout


def _axis(text: str, is_log: bool, ends: tuple[float, float] | None) -> Chart:
    axis: Chart = {
        "title": {"text": chart_text(text)},
        "type": "log" if is_log else "linear",
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": OUTLINE,
        "mirror": True,
        "ticks": "outside",
        "automargin": True,
    }
    if ends is not None:
        axis["range"] = (np.log10(ends) if is_log else np.array(ends)).tolist()
    return axis


def _named_ticks(names: Sequence[str], *, reverse: bool = False) -> Chart:
    if not names:
        return {}
    ticks: Chart = {
        "tickvals": list(range(len(names))),
        "ticktext": [chart_text(name) for name in names],
    }
    return {**ticks, "autorange": "reversed"} if reverse else ticks


def _colour_axis(scale: ColourScale) -> Chart:
    """The colours of a scale and their bar, over logarithms where the scale is logarithmic."""
    bar: Chart = {"title": {"text": chart_text(scale.label), "side": "right"}}
    low, high = scale.low, scale.high
    if scale.log:
        marks = LogLocator(subs=(1, 2, 5)).tick_values(low, high)
        bar |= {"tickvals": np.log10(marks).tolist(), "ticktext": [f"{tick:,g}" for tick in marks]}
        low, high = np.log10([low, high]).tolist()
    own = map(to_hex, shades(COLOURS_OF_BAR, lighter_is_more=scale.lighter_is_more))
    places = np.linspace(0, 1, COLOURS_OF_BAR).tolist()
    pairs = [list(pair) for pair in zip(places, own, strict=True)]
    return {"cmin": low, "cmax": high, "colorscale": pairs, "colorbar": bar}


def _annotations(panel: Panel) -> Iterator[Chart]:
    """The labels of points, with leaders but for texts, which stand left of their points."""
    number = 0
    for series in panel.series:
        for x, y, text in zip(series.x, series.y, series.labels, strict=False):
            if not text:
                continue
            place = {
                "text": chart_text(text),
                "x": float(np.log10(x) if panel.log_x else x),
                "y": float(np.log10(y) if panel.log_y else y),
                "bgcolor": PAPER,
                "opacity": 0.85,
            }
            if series.kind == "texts":
                yield place | {"showarrow": False, "xanchor": "right", "xshift": -6}
            else:
                right, low = LABEL_PIXELS
                right *= 1 if _before_middle(x, panel.x_range, panel.log_x) else -1
                low *= -1 if _before_middle(y, panel.y_range, panel.log_y) else 1
                number += 1  # the next label is farther off
                yield place | {"ax": right, "ay": low * number, "arrowhead": 0}


def _before_middle(value: float, ends: tuple[float, float] | None, is_log: bool) -> bool:
    """Whether a value lies in the first half of an axis."""
    if ends is None:
        return True
    low, high = ends
    return bool(value * value < low * high if is_log else 2 * value < low + high)


def _traces(series: Series, scale: ColourScale | None) -> Iterable[Chart]:
    """What draws a series: one trace, but none of texts, and two edges of a band."""
    drawn = look(series.look)
    common: Chart = {
        "type": "scatter",
        "name": chart_text(series.name),
        "legendgroup": chart_text(series.name),
        "showlegend": series.in_legend,
        "x": numbers(series.x),
        "y": numbers(series.y),
    }
    if series.rows is not None:
        common |= {"customdata": series.rows.tolist(), "hoverinfo": "text"}
    elif series.hover:
        common |= {
            "hovertext": [escape(text, quote=False) for text in series.hover],
            "hoverinfo": "text",
        }
    if series.kind in ("points", "ticks", "stars", "rings"):
        yield common | {"mode": "markers", "marker": _marker(series) | _shading(series, scale)}
    elif series.kind == "bars":
        shape = PATTERNS[step(series.look) % len(PATTERNS)]
        pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": "white"}
        base = {} if series.base is None else {"base": numbers(series.base)}
        yield common | base | {"type": "bar", "marker": {"color": drawn.colour, "pattern": pattern}}
    elif series.kind == "band":
        edge: Chart = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        low = np.zeros_like(series.y) if series.base is None else series.base
        yield common | edge | {"y": numbers(low), "showlegend": False}
        yield common | edge | {"fill": "tonexty", "fillcolor": faint(drawn.colour)}
    elif series.kind != "texts":
        yield common | _line(series, scale)


def _line(series: Series, scale: ColourScale | None) -> Chart:
    """The looks of a line; a shaded one is of the colour of its first point."""
    colour = look(series.look).colour
    if series.shade is not None and scale is not None:
        colours = shades(BINS, lighter_is_more=scale.lighter_is_more)
        colour = to_hex(colours[_bins(series.shade[:1], scale)[0]])
    line: Chart = {
        "color": colour,
        "width": LINE_WIDTH + 0.5,
        "dash": DASHES[step(series.look) % len(DASHES)],
        "shape": "hv" if series.kind == "steps" else "linear",
    }
    if series.emphasis == "plain":
        return {"mode": "lines", "line": line}
    marker = _marker(series) | {"size": MARKER_PIXELS - 2} | _shading(series, scale)
    if series.emphasis == "strong":
        return {"mode": "lines+markers", "line": line | {"width": 3}, "marker": marker}
    return {
        "mode": "lines+markers",
        "line": line | {"width": 1},
        "marker": marker | {"opacity": 1},
        "opacity": max(bundle_alpha(len(series.parts)), LEAST_OPACITY),
    }


def _of_one_colour(series: Series, scale: ColourScale | None) -> Iterator[Series]:
    """The series, but a bundle of shaded lines as series of nearly one shade each.

    A trace of plotly has one colour.  The first of them stands in the legend.
    """
    if series.shade is None or scale is None or series.kind != "line":
        yield series
        return
    bins = _bins(series.shade, scale)
    for i, number in enumerate(np.unique(bins)):
        own = bins == number
        yield replace(
            series,
            x=series.x[own],
            y=series.y[own],
            shade=series.shade[own],
            rows=None if series.rows is None else series.rows[own],
            in_legend=series.in_legend and not i,
        )


def _bins(values: FloatArray, scale: ColourScale) -> IntArray:
    """Which of so many equal parts of the scale each value lies in, from 0."""
    low, high = (np.log10 if scale.log else np.asarray)([scale.low, scale.high])
    places = ((np.log10(values) if scale.log else values) - low) / (high - low or 1.0)
    return np.asarray(np.clip(places * BINS, 0, BINS - 1), dtype=np.int64)


def _marker(series: Series) -> Chart:
    """The marker of points, whatever their shades."""
    big = {"size": BIG_MARKER_PIXELS, "line": {"width": 2, "color": OUTLINE}}
    if series.kind == "stars":
        return big | {"symbol": "star", "color": PAPER}
    if series.kind == "rings":
        return big | {"symbol": "circle-open", "color": OUTLINE}
    colour = look(series.look).colour
    if series.kind == "ticks":
        return {"color": colour, "symbol": "line-ns-open", "size": 10, "line": {"width": 1}}
    marker = {"color": colour, "symbol": SYMBOLS[step(series.look) % len(SYMBOLS)]}
    if series.emphasis == "faint":
        return marker | {"size": MARKER_PIXELS / 2, "opacity": CLOUD_ALPHA}
    return marker | {"size": MARKER_PIXELS, "line": {"width": 1, "color": OUTLINE}}


def _shading(series: Series, scale: ColourScale | None) -> Chart:
    """What replaces the colour of a marker where a scale gives the points theirs."""
    if series.shade is None or scale is None:
        return {}
    values = np.log10(series.shade) if scale.log else series.shade
    return {"color": numbers(values), "coloraxis": COLOUR_AXIS}


def faint(colour: str) -> str:
    """A colour, #rrggbb, as pale as a band is.

    >>> faint("#0072B2")
    'rgba(0,114,178,0.25)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{BAND_ALPHA})"
