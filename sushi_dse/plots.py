"""Figures of results: the cloud of all rows, the front, and the staircase that bounds them.

A figure is drawn on axes it is given; only the functions that begin with `save` write a file.
The state of `matplotlib.pyplot` is neither used nor changed.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from sushi_dse import pareto
from sushi_dse.errors import UserError
from sushi_dse.metrics import Metric
from sushi_dse.pareto import cost_matrix, feasible_rows, non_dominated
from sushi_dse.store import write_whole
from sushi_dse.units import label

Colour = Metric | Literal["policy"]

COLOUR_MAP = "viridis"  # perceptually uniform, and its luminance rises from end to end
SHADES = (0.1, 0.93)  # of the colour map: its ends are too near to the outline and to white
LOG_FROM_RATIO = 30  # an axis whose largest value is that many times its smallest is logarithmic
CLOUD_MARKER = 3.0  # width of a marker, in points
FRONT_MARKER = 6.0
CLOUD_ALPHA = 0.4
LINE_WIDTH = 1.3
OUTLINE = "#202020"
GREY = "#b4b4b4"
# Okabe and Ito, "Color Universal Design" (2008), without yellow, which is too pale on white.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
MARKERS = ("o", "s", "^", "d", "v", "P", "X", "<", ">", "p", "h")
SIZE_INCHES = (7.2, 5.0)
DOTS_PER_INCH = 200
METADATA: dict[str, dict[str, None]] = {  # by suffix: dates and versions would change the bytes
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def policy_looks(policies: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each policy, in the order of their names.

    >>> policy_looks(["sushi", "no-sgs", "sushi"])
    {'no-sgs': ('#0072B2', 'o'), 'sushi': ('#E69F00', 's')}
    """
    return {
        name: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(sorted(set(policies)))
    }


def staircase(costs: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Corners of the line that bounds what the rows dominate, from the worst y to the worst x.

    costs: [row, 2], smaller is better; worst: [2], where the line ends; the result: [corner, 2].

    >>> staircase(np.array([[1, 3], [2, 2], [3, 3]]), np.array([9, 9])).tolist()
    [[1.0, 9.0], [1.0, 3.0], [2.0, 3.0], [2.0, 2.0], [9.0, 2.0]]
    """
    kept = np.unique(np.asarray(costs, dtype=float)[non_dominated(costs)], axis=0)
    x, y = np.append(kept[:, 0], worst[0]), np.append(worst[1], kept[:, 1])
    return np.column_stack([np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]])


def plot_front(
    ax: Axes,
    rows: pd.DataFrame,
    front: pd.DataFrame,
    x: Metric,
    y: Metric,
    colour: Colour,
    *,
    objectives: Sequence[Metric] = (),
) -> None:
    """Draw all `rows` as a pale cloud, `front` as outlined markers, and the staircase of x and y.

    `colour` is a metric, which gets a colour bar, or the word `policy`.  `objectives` are those of
    `front`, x and y where none are given; the staircase bounds the rows in x and y alone, whatever
    they are.  `UserError` where no feasible row has the metrics.
    """
    shown = [x, y, colour] if isinstance(colour, Metric) else [x, y]
    rows = feasible_rows(rows, shown)
    if rows.empty:
        names = ", ".join(metric.name for metric in shown)
        raise UserError(f"no feasible row has {names}: there is nothing to draw")
    if isinstance(colour, Metric):
        _draw_by_metric(ax, rows, front, (x, y), colour)
    else:
        _draw_by_policy(ax, rows, front, (x, y))
    _scale_axes(ax, rows, (x, y))
    _draw_staircase(ax, rows, (x, y))
    ax.set(xlabel=label(x.name), ylabel=label(y.name))
    ax.grid(color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)
    handles = _front_handles(len(front), (x, y), tuple(objectives) or (x, y))
    cloud = _marker(f"all designs and policies ({_count(len(rows))})", GREY, "o")
    cloud.set(markersize=CLOUD_MARKER, markeredgecolor="none")
    ax.legend(
        handles=[*handles, cloud],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        frameon=False,
    )


def save_front_plot(
    path: Path,
    rows: pd.DataFrame,
    objectives: Sequence[Metric],
    *,
    colour: Colour = "policy",
    title: str = "",
) -> None:
    """Write the plot of `rows` and their front to `path`, as PNG, SVG or PDF by its suffix.

    The first two objectives are the axes.  The same rows make the same bytes.  `UserError` for
    another suffix, fewer than two objectives, or where the file cannot be written.
    """
    if len(objectives) < 2:
        raise UserError("a plot needs two objectives at least, one for each axis")
    x, y, *_ = objectives
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    best = pareto.front(rows, objectives)
    plot_front(figure.add_subplot(), rows, best, x, y, colour, objectives=objectives)
    if title:
        figure.suptitle(title)
    _save(figure, path)


def save_curves(
    path: Path,
    x_name: str,
    y_name: str,
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
) -> None:
    """Write curves over one axis to `path`, as PNG, SVG or PDF; names end in units, as columns do.

    `UserError` for another suffix, or where the file cannot be written.
    """
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    ax = figure.add_subplot()
    for (name, y), marker in zip(curves.items(), cycle(MARKERS), strict=False):
        ax.plot(x, y, marker=marker, lw=LINE_WIDTH, ms=FRONT_MARKER, label=name)
    for line, colour in zip(ax.lines, cycle(COLOURS), strict=False):
        line.set_color(colour)
    ax.set(xlabel=label(x_name), ylabel=label(y_name))
    ax.grid(color="#e5e5e5", lw=0.8)
    ax.set_axisbelow(True)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`; the same figure makes the same bytes."""
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        raise UserError(f"{path}: cannot draw to this kind of file; known: {', '.join(METADATA)}")
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "sushi-dse"}):  # without it the ids in an SVG are random
        figure.savefig(content, format=suffix[1:], metadata=METADATA[suffix], dpi=DOTS_PER_INCH)
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _draw_by_metric(
    ax: Axes, rows: pd.DataFrame, front: pd.DataFrame, axes: tuple[Metric, Metric], colour: Metric
) -> None:
    values = rows[colour.name]
    norm = LogNorm() if _spans_decades(values) else Normalize()
    norm.autoscale(values.to_numpy(dtype=float))
    shades = mpl.colormaps[COLOUR_MAP](np.linspace(*SHADES, 256))
    better_is_lighter = shades if colour.maximise else shades[::-1]
    mappable = ScalarMappable(norm=norm, cmap=ListedColormap(better_is_lighter))
    cloud = rows.drop_duplicates([axes[0].name, axes[1].name, colour.name])
    for points, outlined in ((cloud, False), (front, True)):
        colours = mappable.to_rgba(points[colour.name].to_numpy(dtype=float))
        _scatter(ax, points, axes, colours, "o", outlined=outlined)
    ax.figure.colorbar(mappable, ax=ax, label=label(colour.name), pad=0.02)


def _draw_by_policy(
    ax: Axes, rows: pd.DataFrame, front: pd.DataFrame, axes: tuple[Metric, Metric]
) -> None:
    looks = policy_looks(rows["policy"])
    cloud = rows.drop_duplicates([axes[0].name, axes[1].name, "policy"])  # else it is less pale
    for points, outlined in ((cloud, False), (front, True)):
        for policy, (colour, marker) in looks.items():
            own = points.loc[points["policy"] == policy]
            _scatter(ax, own, axes, colour, marker, outlined=outlined)
    handles = [_marker(policy, colour, marker) for policy, (colour, marker) in looks.items()]
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
        if _spans_decades(rows[metric.name]):
            set_scale("log")
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axis.set_minor_formatter(NullFormatter())


def _spans_decades(values: "pd.Series[float]") -> bool:
    return bool(values.min() > 0 and values.max() >= LOG_FROM_RATIO * values.min())


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
