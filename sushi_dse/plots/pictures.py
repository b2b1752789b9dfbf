"""Panels as a picture, by matplotlib."""

import textwrap
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure

from sushi_dse.plots.labels import write_labels
from sushi_dse.plots.legends import HANDLE_INCHES, LETTER_INCHES, draw_legend, legend_inches
from sushi_dse.plots.panels import ColourScale, Panel, Series
from sushi_dse.plots.style import (
    BAND_ALPHA,
    CLOUD_ALPHA,
    CLOUD_MARKER,
    FRONT_MARKER,
    GREY,
    GRID,
    LINE_WIDTH,
    OUTLINE,
    any_script,
    bundle_alpha,
    label_plainly,
    legend_text,
    look,
    plain_text,
    shades,
    short_name,
)

NAME_INCHES = 0.135  # of a name on an axis, upright
BAR_INCHES = 0.9  # of a colour bar with its numbers
TITLE_INCHES = 0.4
FEW_POINTS = 200  # as of which markers are small and made of pixels: a vector file would be huge
MANY_LINES = 500  # as of which those of a bundle are made of pixels
NOT_IN_LEGEND = "_"  # what begins with it has no entry
MARKS = 8  # markers along a line, which tell it in grey
SHADES = 256


def panels_figure(panels: Sequence[Panel], title: str) -> Figure:
    """The panels one above the other, each with the legend of what no panel above it shows."""
    heights = [panel.height_inches + legend_inches(panel) for panel in panels]
    names = max(len(panel.x_names) for panel in panels)
    width = max(3.0 + NAME_INCHES * names, *(panel.width_inches for panel in panels))
    height = sum(heights) + (TITLE_INCHES if title else 0)
    figure = Figure(figsize=(width, height), layout="constrained")
    all_axes = figure.subplots(len(panels), squeeze=False, height_ratios=heights)[:, 0]
    shown: set[str] = set()
    for ax, panel in zip(all_axes, panels, strict=True):
        draw_panel(ax, panel, without=shown)
        shown |= {series.name for series in panel.series}
    if title:
        figure.suptitle(plain_text(title))
    if any(series.labels for panel in panels for series in panel.series):
        with any_script():
            figure.draw_without_rendering()  # so that room is measured as it is laid out
        for ax, panel in zip(all_axes, panels, strict=True):
            write_labels(ax, panel)
    return figure


def draw_panel(ax: Axes, panel: Panel, *, without: Collection[str] = ()) -> None:
    """Draw every series of `panel`, labels aside; the legend leaves out the names in `without`."""
    colours = None if panel.colours is None else mappable(panel.colours)
    for number, series in enumerate(panel.series):
        hidden = not series.in_legend or series.name in without
        name = NOT_IN_LEGEND if hidden else legend_text(series.name)
        _draw(ax, series, number, name, colours)
    _draw_axes(ax, panel)
    draw_legend(ax, panel)
    if panel.colours is not None and colours is not None:
        bar = ax.figure.colorbar(colours, ax=ax, label=panel.colours.label, pad=0.02)
        if panel.colours.log:
            label_plainly(bar.ax.yaxis)


def mappable(scale: ColourScale) -> ScalarMappable:
    """The colours of a scale's values, as matplotlib takes them."""
    norm = (LogNorm if scale.log else Normalize)(scale.low, scale.high)
    own = shades(SHADES, lighter_is_more=scale.lighter_is_more)
    return ScalarMappable(norm=norm, cmap=ListedColormap(own))


def _draw_axes(ax: Axes, panel: Panel) -> None:
    """Scales, ticks, ranges, names and grid."""
    if panel.log_x:
        ax.set_xscale("log")
    if panel.log_y:
        ax.set_yscale("log")
    if panel.x_names:
        _name_x(ax, panel)
        ax.set_xlim(-0.7, len(panel.x_names) - 0.3)
    if panel.y_names:
        names = [plain_text(short_name(name)) for name in panel.y_names]
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.4, -0.6)
    if panel.x_range is not None:
        ax.set_xlim(panel.x_range)
    if panel.y_range is not None:
        ax.set_ylim(panel.y_range)
    for is_log, axis in ((panel.log_x, ax.xaxis), (panel.log_y, ax.yaxis)):
        if is_log:
            label_plainly(axis)
    ax.set(xlabel=panel.x_label, ylabel=panel.y_label)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)


def _name_x(ax: Axes, panel: Panel) -> None:
    """Write the names of places on the axis of x: in lines where words fit, else upright."""
    names = [short_name(name) for name in panel.x_names]
    width = panel.width_inches - (0 if panel.colours is None else BAR_INCHES) - HANDLE_INCHES
    letters = int(width / len(names) / LETTER_INCHES)
    upright = max(len(word) for name in names for word in name.split()) > letters
    texts = names if upright else [textwrap.fill(name, letters) for name in names]
    lines = ["\n".join(map(plain_text, text.split("\n"))) for text in texts]
    ax.set_xticks(range(len(names)), lines)
    if upright:
        ax.tick_params(axis="x", rotation=90, labelsize=6.5)
    else:
        ax.tick_params(axis="x", labelsize="small")


def _draw(ax: Axes, series: Series, number: int, name: str, colours: ScalarMappable | None) -> None:
    """Draw a series, the one of that number on its axes."""
    drawn = look(series.look)
    if series.kind in ("points", "ticks", "stars", "rings"):
        _draw_markers(ax, series, name, colours)
    elif series.kind == "texts":
        _draw_texts(ax, series)
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
    elif series.emphasis == "faint":
        _draw_bundle(ax, series, name, colours)
    else:
        _draw_line(ax, series, number, name)


def _draw_markers(ax: Axes, series: Series, name: str, colours: ScalarMappable | None) -> None:
    """Draw the points; those of a crowd once where they are the same, since twice is less pale."""
    style = _marker_style(series)
    columns = [series.x, series.y, *([] if series.shade is None else [series.shade])]
    points = np.column_stack(columns)
    if series.emphasis == "faint":
        points = np.unique(points, axis=0)
    own, entry = style, {"s": style["s"]}
    if series.shade is not None and colours is not None:
        own = style | {"facecolors": colours.to_rgba(points[:, 2])}
        entry["facecolors"] = GREY if series.emphasis == "faint" else "white"
    if series.emphasis == "faint":
        entry |= {"s": FRONT_MARKER**2, "alpha": None, "rasterized": False}
    if len(entry) > 1 and name != NOT_IN_LEGEND:  # dark enough, and of no one shade
        ax.scatter([], [], label=name, **style | entry)
        name = NOT_IN_LEGEND
    ax.scatter(points[:, 0], points[:, 1], label=name, **own)


def _marker_style(series: Series) -> dict[str, Any]:
    """What `Axes.scatter` takes."""
    drawn = look(series.look)
    hollow = {"edgecolors": OUTLINE, "linewidths": 1.2}
    small = {"s": CLOUD_MARKER**2, "linewidths": 0, "edgecolors": "none", "rasterized": True}
    if series.kind == "stars":
        return {"marker": "*", "s": (2.4 * FRONT_MARKER) ** 2, "facecolors": "white", "zorder": 5,
                **hollow}  # fmt: skip
    if series.kind == "rings":
        return {"marker": "o", "s": (1.9 * FRONT_MARKER) ** 2, "facecolors": "none", "zorder": 4,
                **hollow}  # fmt: skip
    if series.kind == "ticks":
        return {"marker": "|", "s": 49, "linewidths": 0.9, "color": drawn.colour}
    points = {"marker": drawn.marker, "facecolors": drawn.colour}
    if series.emphasis == "faint":
        return {**points, **small, "alpha": CLOUD_ALPHA, "zorder": 1.5}
    if series.emphasis == "plain" and len(series.x) > FEW_POINTS:
        return {**points, **small, "zorder": 3}
    return {**points, "s": FRONT_MARKER**2, "linewidths": 0.7, "edgecolors": OUTLINE, "zorder": 3}


def _draw_line(ax: Axes, series: Series, number: int, name: str) -> None:
    drawn, strong = look(series.look), series.emphasis == "strong"
    every = max(len(series.x) // MARKS, 1)
    ax.plot(
        series.x,
        series.y,
        color=drawn.colour,
        linestyle=drawn.dash,
        linewidth=(2 if strong else 1) * LINE_WIDTH,
        drawstyle="steps-post" if series.kind == "steps" else "default",
        marker=drawn.marker if series.look >= 0 or strong else "",
        # Begun elsewhere on each line, so that lines upon each other are told apart.
        markevery=(number * every // 5 % every, every),
        markersize=FRONT_MARKER - 1,
        markeredgecolor=OUTLINE if strong else "white",
        markeredgewidth=0.4,
        zorder=4 if strong else 2,
        label=name,
    )


def _draw_bundle(ax: Axes, series: Series, name: str, colours: ScalarMappable | None) -> None:
    """Draw a series of many lines, which NaN parts, the paler the more there are."""
    drawn = look(series.look)
    lines = series.parts
    colour: Any = drawn.colour
    if series.shade is not None and colours is not None:
        colour = colours.to_rgba(series.shade[[part.start for part in lines]])
    points = np.column_stack([series.x, series.y])
    ax.add_collection(
        LineCollection(
            [points[part] for part in lines],
            colors=colour,
            linestyles=[drawn.dash],
            linewidths=LINE_WIDTH,
            alpha=bundle_alpha(len(lines)),
            rasterized=len(lines) >= MANY_LINES,
        )
    )
    if name != NOT_IN_LEGEND:
        shown = GREY if series.shade is not None else drawn.colour
        ax.plot([], [], color=shown, linestyle=drawn.dash, linewidth=LINE_WIDTH, label=name)


def _draw_texts(ax: Axes, series: Series) -> None:
    for x, y, text in zip(series.x, series.y, series.labels, strict=True):
        ax.annotate(
            plain_text(text),
            (x, y),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize="x-small",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none",
                  "alpha": 0.85},
            zorder=6,
        )  # fmt: skip
