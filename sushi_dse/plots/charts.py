"""Panels as charts of plotly.js: plain values that a page draws, with the same looks as a picture.

plotly itself is not imported here: its figures are JSON, and this is that JSON.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sushi_dse.plots.panels import Panel, Series
from sushi_dse.plots.style import (
    BAND_ALPHA,
    GRID,
    LINE_WIDTH,
    OUTLINE,
    look,
    short_name,
)

PIXELS_PER_INCH = 110
MARKER_PIXELS = 8
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
    return {
        "title": panel.title,
        "data": [trace for series in panel.series for trace in _traces(series)],
        "layout": layout(
            panel.x_label,
            panel.y_label,
            log=(panel.log_x, panel.log_y),
            height_inches=panel.height_inches,
            names=(panel.x_names, panel.y_names),
        ),
    }


def layout(
    x_label: str,
    y_label: str,
    *,
    log: tuple[bool, bool] = (False, False),
    height_inches: float = 5.0,
    names: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> Chart:
    """The layout of a chart with axes of those labels; `names` are of the places 0, 1, ..."""
    axes = {
        key: {
            "title": {"text": chart_text(text)},
            "type": "log" if is_log else "linear",
            "gridcolor": GRID,
            "zeroline": False,
            "linecolor": OUTLINE,
            "mirror": True,
            "ticks": "outside",
            "automargin": True,
            **_named_ticks(own, reverse=key == "yaxis"),
        }
        for key, text, is_log, own in zip(
            ("xaxis", "yaxis"), (x_label, y_label), log, names, strict=True
        )
    }
    return {
        **axes,
        "height": round(PIXELS_PER_INCH * height_inches + 60),
        "margin": {"t": 20, "r": 20},
        "barmode": "stack",
        "hovermode": "closest",
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "font": {"color": OUTLINE},
        "legend": {"tracegroupgap": 0, "font": {"size": 11}},
    }


def _named_ticks(names: Sequence[str], *, reverse: bool) -> Chart:
    if not names:
        return {}
    ticks: Chart = {
        "tickvals": list(range(len(names))),
        "ticktext": [chart_text(name) for name in names],
    }
    return {**ticks, "autorange": "reversed"} if reverse else ticks


def _traces(series: Series) -> Iterable[Chart]:
    """What draws a series: one trace, but two edges of a band."""
    drawn, number = look(series.look), abs(series.look)
    common: Chart = {
        "type": "scatter",
        "name": chart_text(series.name),
        "legendgroup": chart_text(series.name),
        "showlegend": series.in_legend,
        "x": numbers(series.x),
        "y": numbers(series.y),
    }
    if series.hover:
        common |= {"hovertext": [chart_hover(text) for text in series.hover], "hoverinfo": "text"}
    marker: Chart = {
        "color": drawn.colour,
        "symbol": SYMBOLS[number % len(SYMBOLS)],
        "size": MARKER_PIXELS,
        "line": {"width": 1, "color": OUTLINE},
    }
    if series.kind == "points":
        yield common | {"mode": "markers", "marker": marker}
    elif series.kind == "ticks":
        tick = {"color": drawn.colour, "symbol": "line-ns-open", "size": 10, "line": {"width": 1}}
        yield common | {"mode": "markers", "marker": tick}
    elif series.kind == "bars":
        shape = PATTERNS[number % len(PATTERNS)]
        pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": "white"}
        base = {} if series.base is None else {"base": numbers(series.base)}
        yield common | base | {"type": "bar", "marker": {"color": drawn.colour, "pattern": pattern}}
    elif series.kind == "band":
        edge: Chart = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        low = np.zeros_like(series.y) if series.base is None else series.base
        yield common | edge | {"y": numbers(low), "showlegend": False}
        yield common | edge | {"fill": "tonexty", "fillcolor": faint(drawn.colour)}
    else:
        line = {
            "color": drawn.colour,
            "width": LINE_WIDTH + 0.5,
            "dash": DASHES[(number if series.look >= 0 else number - 1) % len(DASHES)],
            "shape": "hv" if series.kind == "steps" else "linear",
        }
        yield common | {"mode": "lines", "line": line}


def chart_hover(text: str) -> str:
    """A text that a point shows, letter by letter."""
    return escape(text, quote=False)


def faint(colour: str) -> str:
    """A colour, #rrggbb, as pale as a band is.

    >>> faint("#0072B2")
    'rgba(0,114,178,0.25)'
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{BAND_ALPHA})"
