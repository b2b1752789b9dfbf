"""The front of results: the cloud of all rows, the front, its knee, and the bounding staircase.

A figure is drawn on axes it is given; only the functions that begin with `save` write a file.
The state of `matplotlib.pyplot` is neither used nor changed.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sushi_dse.evaluation.fronts import cost_matrix, non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.plots.files import save_figure
from sushi_dse.plots.labels import write_labels
from sushi_dse.plots.marks import Marked, row_name
from sushi_dse.plots.style import (
    CLOUD_ALPHA,
    CLOUD_MARKER,
    COLOUR_MAP,
    FRONT_MARKER,
    GREY,
    GRID,
    LINE_WIDTH,
    OUTLINE,
    SHADES,
    SIZE_INCHES,
    label_plainly,
    legend_text,
    policy_looks,
    spans_decades,
)
from sushi_dse.units import label

STAIRCASE_SAMPLES = 25  # of each of its edges, which names are kept off


def staircase(costs: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Corners of the line that bounds what the rows dominate, from the worst y to the worst x.

    costs: [row, 2], smaller is better; worst: [2], where the line ends; the result: [corner, 2].

    >>> staircase(np.array([[1, 3], [2, 2], [3, 3]]), np.array([9, 9])).tolist()
    [[1.0, 9.0], [1.0, 3.0], [2.0, 3.0], [2.0, 2.0], [9.0, 2.0]]
    """
    kept = np.unique(np.asarray(costs, dtype=float)[non_dominated(costs)], axis=0)
    x, y = np.append(kept[:, 0], worst[0]), np.append(worst[1], kept[:, 1])
    return np.column_stack([np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]])


def plot_front(ax: Axes, marked: Marked) -> None:
    """Draw all rows as a pale cloud, the front as outlined markers, the knee as a star.

    The first two objectives are the axes; the staircase bounds the rows in these two alone.
    Chosen designs are ringed.  A metric as colour gets a colour bar.
    """
    axes = marked.axes
    if isinstance(marked.colour, Metric):
        _draw_by_metric(ax, marked, marked.colour)
    else:
        _draw_by_policy(ax, marked)
    _scale_axes(ax, marked.rows, axes)
    _draw_staircase(ax, marked.rows, axes)
    star = {"marker": "*", "markersize": 2.4 * FRONT_MARKER, "markerfacecolor": "white"}
    ring = {"marker": "o", "markersize": 1.9 * FRONT_MARKER, "markerfacecolor": "none"}
    for rows, style, order in ((marked.chosen, ring, 3.5), (marked.knee_row, star, 4)):
        ax.plot(
            rows[axes[0].name],
            rows[axes[1].name],
            linestyle="none",
            markeredgecolor=OUTLINE,
            markeredgewidth=1.2,
            zorder=order,
            **style,  # type: ignore[arg-type] # properties of a Line2D
        )
    ax.set(xlabel=label(axes[0].name), ylabel=label(axes[1].name))
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    handles = _front_handles(len(marked.front), axes, marked.objectives)
    cloud = _marker(f"designs and policies ({_count(len(marked.rows))})", GREY, "o")
    cloud.set(markersize=CLOUD_MARKER, markeredgecolor="none")
    knee = _marker(f"knee: {legend_text(row_name(marked.knee_row.iloc[0]))}", "white", "*")
    knee.set(markersize=1.8 * FRONT_MARKER)
    handles += [knee]
    if len(marked.chosen):
        handles.append(_marker("labelled designs, under each policy", "none", "o"))
        handles[-1].set(markersize=1.5 * FRONT_MARKER, markeredgewidth=1.2)
    ax.legend(
        handles=[*handles, cloud],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        frameon=False,
        fontsize="small",
    )


def label_designs(ax: Axes, marked: Marked) -> None:
    """Write the knee's design and the chosen ones beside their points, each design once."""
    x, y = (metric.name for metric in marked.axes)
    knee, chosen = marked.knee_row, marked.best_chosen
    chosen = chosen.loc[chosen["design"] != knee["design"].iloc[0]]
    names = [f"knee: {knee['design'].iloc[0]}", *map(str, chosen["design"])]
    places = pd.concat([knee, chosen])[[x, y]].to_numpy(dtype=float)
    corners = np.asarray(ax.lines[0].get_xydata())  # of the staircase
    along = np.linspace(0, len(corners) - 1, STAIRCASE_SAMPLES * len(corners))
    line = [np.interp(along, np.arange(len(corners)), column) for column in corners.T]
    points = [frame[[x, y]].to_numpy(dtype=float) for frame in (marked.rows, marked.front)]
    write_labels(ax, places, names, np.concatenate([np.transpose(line), *points]))


def save_front_plot(path: Path, marked: Marked) -> None:
    """Write the plot of results and their front to `path`, as PNG, SVG or PDF by its suffix.

    The same results make the same bytes.  `UserError` for another suffix, or where the file cannot
    be written.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    ax = figure.add_subplot()
    plot_front(ax, marked)
    label_designs(ax, marked)
    save_figure(figure, path)


def colour_scale(rows: pd.DataFrame, metric: Metric) -> ScalarMappable:
    """Colours for the values of a metric over `rows`: lighter is better."""
    values = rows[metric.name]
    norm = LogNorm() if spans_decades(values) else Normalize()
    norm.autoscale(values.to_numpy(dtype=float))
    shades = mpl.colormaps[COLOUR_MAP](np.linspace(*SHADES, 256))
    better_is_lighter = shades if metric.maximise else shades[::-1]
    return ScalarMappable(norm=norm, cmap=ListedColormap(better_is_lighter))


def _draw_by_metric(ax: Axes, marked: Marked, colour: Metric) -> None:
    axes = marked.axes
    mappable = colour_scale(marked.rows, colour)
    cloud = marked.rows.drop_duplicates([axes[0].name, axes[1].name, colour.name])
    for points, outlined in ((cloud, False), (marked.front, True)):
        colours = mappable.to_rgba(points[colour.name].to_numpy(dtype=float))
        _scatter(ax, points, axes, colours, "o", outlined=outlined)
    ax.figure.colorbar(mappable, ax=ax, label=label(colour.name), pad=0.02)


def _draw_by_policy(ax: Axes, marked: Marked) -> None:
    axes = marked.axes
    looks = policy_looks(marked.rows["policy"])
    # A point drawn twice is less pale.
    cloud = marked.rows.drop_duplicates([axes[0].name, axes[1].name, "policy"])
    for points, outlined in ((cloud, False), (marked.front, True)):
        for policy, (colour, marker) in looks.items():
            own = points.loc[points["policy"] == policy]
            _scatter(ax, own, axes, colour, marker, outlined=outlined)
    handles = [
        _marker(legend_text(policy), colour, marker) for policy, (colour, marker) in looks.items()
    ]
    legend = ax.legend(
        handles=handles,
        title="policy",
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(1, 1),
        frameon=False,
    )
    ax.add_artist(legend)  # else the next legend of these axes would take its place
    legend.set_clip_on(False)  # it lies outside of them


def _scatter(
    ax: Axes,
    points: pd.DataFrame,
    axes: tuple[Metric, Metric],
    colour: str | np.ndarray,
    marker: str,
    *,
    outlined: bool,
) -> None:
    ax.scatter(
        points[axes[0].name],
        points[axes[1].name],
        c=colour,
        marker=marker,
        s=(FRONT_MARKER if outlined else CLOUD_MARKER) ** 2,
        alpha=None if outlined else CLOUD_ALPHA,
        linewidths=0.7 if outlined else 0,
        edgecolors=OUTLINE if outlined else "none",
        rasterized=not outlined,  # a vector file of a large cloud would be huge
        zorder=3 if outlined else 2,
    )


def _scale_axes(ax: Axes, rows: pd.DataFrame, axes: tuple[Metric, Metric]) -> None:
    """Make an axis logarithmic, with plain numbers, where a linear one would crush the front."""
    for metric, axis, set_scale in zip(
        axes, (ax.xaxis, ax.yaxis), (ax.set_xscale, ax.set_yscale), strict=True
    ):
        if spans_decades(rows[metric.name]):
            set_scale("log")
            label_plainly(axis)


def _draw_staircase(ax: Axes, rows: pd.DataFrame, axes: tuple[Metric, Metric]) -> None:
    """Draw the bound of all rows in x and y, out to the edges of the axes."""
    limits = np.array([ax.get_xlim(), ax.get_ylim()])
    signs = np.array([-1 if metric.maximise else 1 for metric in axes])
    worst = (signs[:, None] * limits).max(axis=1)
    corners = signs * staircase(cost_matrix(rows, axes), worst)
    ax.plot(corners[:, 0], corners[:, 1], color=OUTLINE, linewidth=LINE_WIDTH, zorder=2.5)
    ax.set(xlim=limits[0], ylim=limits[1])


def _front_handles(
    rows: int, axes: tuple[Metric, Metric], objectives: tuple[Metric, ...]
) -> list[Line2D]:
    """Entries of the legend for the outlined rows and the staircase; one if they are the same."""
    outlined = _marker(f"front of {_words(objectives)} ({_count(rows)})", "white", "o")
    if {metric.name for metric in objectives} == {metric.name for metric in axes}:
        outlined.set(linestyle="-", linewidth=LINE_WIDTH, color=OUTLINE)
        return [outlined]
    line = Line2D([], [], color=OUTLINE, linewidth=LINE_WIDTH)
    line.set_label(f"front of {_words(axes)} alone")
    return [outlined, line]


def _marker(name: str, colour: str, marker: str) -> Line2D:
    """An entry of a legend: the marker of the front."""
    return Line2D(
        [],
        [],
        label=name,
        linestyle="none",
        marker=marker,
        markersize=FRONT_MARKER,
        markerfacecolor=colour,
        markeredgecolor=OUTLINE,
        markeredgewidth=0.7,
    )


def _count(rows: int) -> str:
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _words(metrics: Sequence[Metric]) -> str:
    """The metrics' labels without their units, as a list in words."""
    *words, last = (label(metric.name).split(" (")[0] for metric in metrics)
    return f"{', '.join(words)} and {last}" if words else last
