"""Panels as a picture, by matplotlib."""

from collections.abc import Collection, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sushi_dse.plots.panels import Panel, Series
from sushi_dse.plots.style import (
    BAND_ALPHA,
    CLOUD_MARKER,
    FRONT_MARKER,
    GRID,
    LINE_WIDTH,
    OUTLINE,
    label_plainly,
    legend_text,
    look,
    plain_text,
    short_name,
)

WIDTH_INCHES = 9.0
NAME_INCHES = 0.135  # of a name on an axis
FEW_POINTS = 200  # as of which markers are small and made of pixels: a vector file would be huge
NOT_IN_LEGEND = "_"  # what begins with it has no entry
MARKS = 8  # markers along a line, which tell it in grey


def panels_figure(panels: Sequence[Panel], title: str) -> Figure:
    """The panels one above the other, each with the legend of what no panel above it shows."""
    heights = [panel.height_inches for panel in panels]
    names = max(len(panel.x_names) for panel in panels)
    width = max(WIDTH_INCHES, 3.0 + NAME_INCHES * names)
    figure = Figure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    all_axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    shown: set[str] = set()
    for ax, panel in zip(all_axes, panels, strict=True):
        draw_panel(ax, panel, without=shown)
        shown |= {series.name for series in panel.series}
    figure.suptitle(plain_text(title))
    return figure


def draw_panel(ax: Axes, panel: Panel, *, without: Collection[str] = ()) -> None:
    """Draw every series of `panel`; the legend leaves out the names in `without`."""
    for number, series in enumerate(panel.series):
        hidden = not series.in_legend or series.name in without
        _draw(ax, series, number, NOT_IN_LEGEND if hidden else legend_text(series.name))
    if panel.log_x:
        ax.set_xscale("log")
        label_plainly(ax.xaxis)
    if panel.log_y:
        ax.set_yscale("log")
        label_plainly(ax.yaxis)
    if panel.x_names:
        ax.set_xticks(
            range(len(panel.x_names)), [plain_text(short_name(name)) for name in panel.x_names]
        )
        ax.tick_params(axis="x", rotation=90, labelsize=6.5)
        ax.set_xlim(-0.7, len(panel.x_names) - 0.3)
    if panel.y_names:
        ax.set_yticks(
            range(len(panel.y_names)), [plain_text(short_name(name)) for name in panel.y_names]
        )
        ax.set_ylim(len(panel.y_names) - 0.4, -0.6)
    ax.set(xlabel=panel.x_label, ylabel=panel.y_label)
    ax.set_title(panel.title, fontsize="medium", loc="left")
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    handles, labels = ax.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))  # a name once
    if known:
        ax.legend(
            known.values(),
            known.keys(),
            loc="upper left",
            bbox_to_anchor=(1, 1),
            fontsize="small",
            frameon=False,
            handlelength=3,
        )


def _draw(ax: Axes, series: Series, number: int, name: str) -> None:
    drawn = look(series.look)
    many = len(series.x) > FEW_POINTS
    if series.kind == "points":
        ax.scatter(
            series.x,
            series.y,
            c=drawn.colour,
            marker=drawn.marker,
            s=(CLOUD_MARKER if many else FRONT_MARKER) ** 2,
            linewidths=0 if many else 0.7,
            edgecolors="none" if many else OUTLINE,
            rasterized=many,
            zorder=3,
            label=name,
        )
    elif series.kind == "ticks":
        ax.scatter(series.x, series.y, c=drawn.colour, marker="|", s=49, linewidths=0.9, label=name)
    elif series.kind == "bars":
        ax.bar(
            series.x,
            series.y,
            bottom=0 if series.base is None else series.base,
            color=drawn.colour,
            hatch=drawn.hatch,
            edgecolor="white",
            linewidth=0.3,
            label=name,
        )
    elif series.kind == "band":
        low = np.zeros_like(series.y) if series.base is None else series.base
        pale = to_rgba(drawn.colour, BAND_ALPHA)
        ax.fill_between(series.x, low, series.y, color=pale, linewidth=0, label=name)
    else:
        every = max(len(series.x) // MARKS, 1)
        ax.plot(
            series.x,
            series.y,
            color=drawn.colour,
            linestyle=drawn.dash,
            linewidth=LINE_WIDTH,
            drawstyle="steps-post" if series.kind == "steps" else "default",
            marker=drawn.marker if series.look >= 0 else "",
            # Begun elsewhere on each line, so that lines upon each other are told apart.
            markevery=(number * every // 5 % every, every),
            markersize=FRONT_MARKER - 1,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=name,
        )
