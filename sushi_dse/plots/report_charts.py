"""The charts of a report, with the looks that `front` and `parallel` have as pictures."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.ticker import LogLocator

from sushi_dse.evaluation.fronts import cost_matrix
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.plots.charts import (
    DASHES,
    MARKER_PIXELS,
    SYMBOLS,
    Chart,
    chart_text,
    layout,
    numbers,
)
from sushi_dse.plots.front import colour_scale, staircase
from sushi_dse.plots.marks import ROW_KEYS, Marked, row_name
from sushi_dse.plots.parallel import drawn_rows, heights, ticks
from sushi_dse.plots.style import (
    CLOUD_ALPHA,
    LINE_WIDTH,
    MID_GREY,
    OUTLINE,
    look,
    spans_decades,
)
from sushi_dse.units import label

ROOM = 0.05  # of the range of an axis, past its last point
SHADES = 32  # of a colour bar
BIG_MARKER_PIXELS = 18
COLOUR_AXIS = "coloraxis"


def front_chart(marked: Marked, listed: pd.DataFrame) -> Chart:
    """The listed rows over the first two objectives: cloud, front, staircase, knee, labels."""
    axes = marked.axes
    on_front = listed["mark"] != ""
    off_front = {
        chart_text(policy) for policy in set(marked.rows["policy"]) - set(marked.front["policy"])
    }
    black = {"color": OUTLINE, "line": {"width": 2, "color": OUTLINE}}
    star = black | {"symbol": "star", "size": BIG_MARKER_PIXELS, "color": "white"}
    ring = black | {"symbol": "circle-open", "size": BIG_MARKER_PIXELS}
    knee = listed.loc[listed["mark"] == "knee"]
    chosen = listed.loc[listed["design"].isin(marked.chosen["design"])]
    traces = []
    for name, own, marker in _looks(marked, listed.loc[~on_front]):
        pale = marker | {"size": MARKER_PIXELS / 2, "opacity": CLOUD_ALPHA}
        traces.append(_points(own, axes, pale, name, in_legend=name in off_front))
    for name, own, marker in _looks(marked, listed.loc[on_front]):
        outlined = marker | {"size": MARKER_PIXELS, "line": {"width": 1, "color": OUTLINE}}
        traces.append(_points(own, axes, outlined, name))
    traces.append(_staircase(marked, axes))
    if len(chosen):
        traces.append(_points(chosen, axes, ring, "labelled designs"))
    traces.append(_points(knee, axes, star, "knee"))
    log = spans_decades(marked.rows[axes[0].name]), spans_decades(marked.rows[axes[1].name])
    drawn = layout(label(axes[0].name), label(axes[1].name), log=log)
    names = [f"knee: {knee['design'].iloc[0]}", *map(str, chosen["design"])]
    places = pd.concat([knee, chosen]).assign(name=names).drop_duplicates("design")
    drawn["annotations"] = [
        {"text": row["name"], "ax": 40, "ay": 30, "bgcolor": "rgba(255,255,255,0.8)", **{
            key: float(np.log10(row[metric.name]) if is_log else row[metric.name])
            for key, metric, is_log in zip("xy", axes, log, strict=True)
        }}
        for _, row in places.iterrows()
    ]  # fmt: skip
    title = f"The front: {label(axes[1].name)} against {label(axes[0].name)}"
    return {"title": title, "data": traces, "layout": drawn | _colour_axis(marked)}


def parallel_chart(marked: Marked, listed: pd.DataFrame) -> Chart:
    """The front in parallel coordinates: a line a row, better is up; knee and chosen in black."""
    objectives = marked.objectives
    scale, count = drawn_rows(marked), len(objectives)

    def lines(name: str, rows: pd.DataFrame, line: Chart, marker: Chart) -> Chart:
        places = np.full((len(rows), count + 1), np.nan)  # with a gap after each line
        places[:, :count] = heights(rows, scale, objectives)
        return {
            "type": "scatter", "mode": "lines+markers", "name": name, "hoverinfo": "text",
            "x": [*range(count), None] * len(rows), "y": numbers(places.ravel()),
            "customdata": np.repeat(rows.index.to_numpy(), count + 1).tolist(),
            "line": line, "marker": {"size": MARKER_PIXELS - 2} | marker,
        }  # fmt: skip

    traces = []
    for i, (name, own, marker) in enumerate(_looks(marked, listed.loc[listed["mark"] != ""])):
        line = {"width": 1, "dash": DASHES[i % len(DASHES)], "color": marker["color"]}
        if isinstance(marker["color"], list):  # a line has one colour, its markers have their own
            marker |= {"color": np.repeat(marker["color"], count + 1).tolist()}
            line |= {"color": MID_GREY}
        traces.append(lines(name, own, line, marker))
    knee = listed.loc[listed["mark"] == "knee"]
    star: Chart = {"symbol": "star", "size": BIG_MARKER_PIXELS - 4, "color": "white",
                   "line": {"width": 1.5, "color": OUTLINE}}  # fmt: skip
    traces.append(lines("knee", knee, {"width": 3, "color": OUTLINE}, star))
    keys = [name for name in ROW_KEYS if name in listed.columns]
    for i, (_, row) in enumerate(marked.best_chosen.iterrows(), start=1):
        own = listed.loc[(listed[keys] == row[keys]).all(axis="columns")]
        black = {"width": 3, "color": OUTLINE, "dash": DASHES[i % len(DASHES)]}
        marker = {"color": OUTLINE, "symbol": SYMBOLS[i % len(SYMBOLS)]}
        traces.append(lines(chart_text(row_name(row)), own, black, marker))
    drawn = layout("", "", names=([label(metric.name) for metric in objectives], ()))
    drawn["xaxis"] |= {"range": [-0.4, count - 0.8], "mirror": False}
    drawn["yaxis"] |= {"range": [-0.05, 1.05], "visible": False}
    drawn["annotations"] = [
        {"text": text, "x": place, "y": height, "xanchor": "right", "xshift": -6,
         "showarrow": False, "bgcolor": "rgba(255,255,255,0.7)"}
        for place, metric in enumerate(objectives)
        for height, text in ticks(scale, metric)
    ]  # fmt: skip
    title = "The front over all objectives; better is up"
    return {"title": title, "data": traces, "layout": drawn | _colour_axis(marked)}


def _looks(marked: Marked, rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, Chart]]:
    """Name, rows and marker of each policy; where a metric colours the rows, of all of them."""
    colour = marked.colour
    if isinstance(colour, Metric):
        values = rows[colour.name].to_numpy(dtype=float)
        shades = np.log10(values) if spans_decades(marked.rows[colour.name]) else values
        yield "front", rows, {"color": numbers(shades), "coloraxis": COLOUR_AXIS}
        return
    for i, policy in enumerate(sorted(set(marked.rows["policy"]))):
        marker = {"color": look(i).colour, "symbol": SYMBOLS[i % len(SYMBOLS)]}
        yield chart_text(policy), rows.loc[rows["policy"] == policy], marker


def _points(
    rows: pd.DataFrame,
    axes: tuple[Metric, Metric],
    marker: Chart,
    name: str,
    *,
    in_legend: bool = True,
) -> Chart:
    """Markers that know their rows."""
    return {
        "type": "scatter", "mode": "markers", "name": name, "legendgroup": name,
        "showlegend": in_legend, "hoverinfo": "text", "marker": marker,
        "x": numbers(rows[axes[0].name]), "y": numbers(rows[axes[1].name]),
        "customdata": rows.index.tolist(),
    }  # fmt: skip


def _staircase(marked: Marked, axes: tuple[Metric, Metric]) -> Chart:
    costs = cost_matrix(marked.rows, axes)
    worst = costs.max(axis=0)
    corners = staircase(costs, worst + ROOM * (worst - costs.min(axis=0)))
    corners *= [-1 if metric.maximise else 1 for metric in axes]
    return {
        "type": "scatter", "mode": "lines", "name": "front of these two alone",
        "hoverinfo": "skip", "line": {"color": OUTLINE, "width": LINE_WIDTH},
        "x": numbers(corners[:, 0]), "y": numbers(corners[:, 1]),
    }  # fmt: skip


def _colour_axis(marked: Marked) -> dict[str, Any]:
    """The colour bar of a metric, for a layout; the legend moves above the chart for it."""
    colour = marked.colour
    if not isinstance(colour, Metric):
        return {}
    scale = colour_scale(marked.rows, colour)
    low, high = scale.get_clim()
    bar: Chart = {"title": {"text": label(colour.name)}}
    if spans_decades(marked.rows[colour.name]):
        marks = LogLocator(subs=(1, 2, 5)).tick_values(low, high)
        bar |= {"tickvals": np.log10(marks).tolist(), "ticktext": [f"{tick:,g}" for tick in marks]}
        low, high = np.log10([low, high]).tolist()
    at = np.linspace(0, 1, SHADES)
    colours = [to_hex(shade) for shade in scale.get_cmap()(at)]
    pairs = [list(pair) for pair in zip(at.tolist(), colours, strict=True)]
    colour_axis = {"cmin": low, "cmax": high, "colorscale": pairs, "colorbar": bar}
    return {COLOUR_AXIS: colour_axis, "legend": {"orientation": "h", "y": 1.12}}
