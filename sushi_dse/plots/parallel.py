"""The front in parallel coordinates: an axis an objective, a line a row.

Inselberg, "The plane with parallel coordinates", 1985, doi:10.1007/BF01898350.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from sushi_dse.evaluation.fronts import cost_matrix
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.plots.files import save_figure
from sushi_dse.plots.front import colour_scale
from sushi_dse.plots.marks import Marked, row_name
from sushi_dse.plots.style import (
    FRONT_MARKER,
    LINE_WIDTH,
    OUTLINE,
    legend_text,
    look,
)
from sushi_dse.units import label

TICKS = 5  # of each axis
FULL_LINES = 60  # more of them are paler, so that those below show through
ALPHAS = (0.12, 0.85)
MANY_LINES = 500  # as of which they are made of pixels: a vector file would be huge
AXIS_INCHES = 2.2
HEIGHT_INCHES = 4.6
ENTRY_INCHES = 0.2  # of the legend


def drawn_rows(marked: Marked) -> pd.DataFrame:
    """The rows that are drawn: the front, and the best balanced row of each chosen design."""
    return pd.concat([marked.front, marked.best_chosen])


def heights(rows: pd.DataFrame, scale: pd.DataFrame, objectives: Sequence[Metric]) -> np.ndarray:
    """How good `rows` are among those of `scale`: [row, objective], 0 the worst and 1 the best.

    An objective in which all rows of `scale` are equal is 1.
    """
    costs, ends = cost_matrix(rows, objectives), cost_matrix(scale, objectives)
    best, worst = ends.min(axis=0), ends.max(axis=0)
    return np.asarray(1 - (costs - best) / np.where(worst > best, worst - best, 1.0))


def plot_parallel(ax: Axes, marked: Marked) -> None:
    """Draw the front's rows as lines over the objectives, better is up; the knee in black.

    Each axis spans what is drawn.  Chosen designs are drawn in black too, each under its best
    balanced policy, on the front or not.
    """
    objectives, colour = marked.objectives, marked.colour
    scale = drawn_rows(marked)
    _draw_axes(ax, scale, objectives)
    places = np.arange(len(objectives))
    front = marked.front
    lines = [np.column_stack([places, line]) for line in heights(front, scale, objectives)]
    if isinstance(colour, Metric):
        shades = colour_scale(front, colour)
        colours: object = shades.to_rgba(front[colour.name].to_numpy(dtype=float))
        dashes: object = "solid"
        ax.figure.colorbar(shades, ax=ax, label=label(colour.name), pad=0.02)
    else:
        looks = {name: look(i) for i, name in enumerate(sorted(set(marked.rows["policy"])))}
        colours = [looks[name].colour for name in front["policy"]]
        dashes = [looks[name].dash for name in front["policy"]]
        for name, count in front["policy"].value_counts(sort=False).sort_index().items():
            text, drawn = f"{legend_text(str(name))} ({count:,})", looks[str(name)]
            ax.plot([], [], color=drawn.colour, linestyle=drawn.dash, label=text)
    ax.add_collection(
        LineCollection(
            lines,
            colors=colours,
            linestyles=dashes,
            linewidths=LINE_WIDTH,
            alpha=float(np.clip(FULL_LINES / len(lines), *ALPHAS)),
            rasterized=len(lines) >= MANY_LINES,
        )
    )
    bold: dict[str, Any] = {"color": OUTLINE, "linewidth": 2 * LINE_WIDTH, "clip_on": False}
    chosen = marked.best_chosen
    for i, (line, (_, row)) in enumerate(
        zip(heights(chosen, scale, objectives), chosen.iterrows(), strict=True), start=1
    ):
        ax.plot(places, line, marker=look(i).marker, linestyle=look(i).dash, zorder=4,
                label=legend_text(row_name(row)), **bold)  # fmt: skip
    (knee,) = heights(marked.knee_row, scale, objectives)
    name = row_name(marked.knee_row.iloc[0])
    ax.plot(places, knee, marker="*", markersize=2 * FRONT_MARKER, markerfacecolor="white",
            zorder=4, label=f"knee: {legend_text(name)}", **bold)  # fmt: skip
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.04),
        fontsize="small",
        frameon=False,
        handlelength=3,
        title=f"front of {len(marked.front):,} rows; better is up",
        alignment="left",
    )


def save_parallel_plot(path: Path, marked: Marked) -> None:
    """Write the front in parallel coordinates to `path`, as PNG, SVG or PDF.

    `UserError` as for `save_front_plot`.
    """
    width = max(7.2, AXIS_INCHES * len(marked.objectives))
    entries = marked.front["policy"].nunique() + marked.chosen["design"].nunique()
    height = HEIGHT_INCHES + ENTRY_INCHES * entries
    figure = Figure(figsize=(width, height), layout="constrained")
    plot_parallel(figure.add_subplot(), marked)
    save_figure(figure, path)


def ticks(scale: pd.DataFrame, metric: Metric) -> list[tuple[float, str]]:
    """Heights on the axis of a metric, which spans `scale`, and the values there."""
    values = scale[metric.name].to_numpy(dtype=float)
    low, high = values.min(), values.max()
    worst, best = (low, high) if metric.maximise else (high, low)
    places = np.linspace(0, 1, TICKS).tolist() if low < high else [1.0]
    return [(height, f"{worst + height * (best - worst):,.4g}") for height in places]


def _draw_axes(ax: Axes, scale: pd.DataFrame, objectives: Sequence[Metric]) -> None:
    """An axis an objective, with the values at which its ticks lie."""
    for place, metric in enumerate(objectives):
        ax.axvline(place, color=OUTLINE, linewidth=0.8, zorder=1)
        for height, text in ticks(scale, metric):
            ax.annotate(
                text,
                (place, height),
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize="x-small",
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none",
                      "alpha": 0.85},
                zorder=5,
            )  # fmt: skip
    ax.set_xticks(range(len(objectives)), [label(metric.name) for metric in objectives])
    ax.set(xlim=(-0.35, len(objectives) - 0.85), ylim=(-0.03, 1.03), yticks=[])
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0)
