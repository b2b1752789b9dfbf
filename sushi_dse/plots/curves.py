"""Curves over one axis."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

from matplotlib.figure import Figure

from sushi_dse.plots.files import save_figure
from sushi_dse.plots.style import COLOURS, FRONT_MARKER, LINE_WIDTH, MARKERS, SIZE_INCHES
from sushi_dse.units import label


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
    save_figure(figure, path)
