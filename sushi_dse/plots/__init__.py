"""Figures of results, as pictures by matplotlib and as pages by plotly.

The functions that begin with `save` write a file, whole or not at all; the same values make the
same bytes.
"""

from sushi_dse.plots.curves import save_curves
from sushi_dse.plots.files import METADATA, check_plot_file, is_page
from sushi_dse.plots.front import plot_front, save_front_plot, staircase
from sushi_dse.plots.layers import layer_panels
from sushi_dse.plots.marks import Colour, Marked, knee, mark
from sushi_dse.plots.pages import save_panels
from sushi_dse.plots.panels import Panel, Series
from sushi_dse.plots.parallel import plot_parallel, save_parallel_plot
from sushi_dse.plots.pictures import draw_panel, panels_figure
from sushi_dse.plots.report import save_report
from sushi_dse.plots.streams import serving_panels, trace_panels
from sushi_dse.plots.style import (
    CLOUD_MARKER,
    COLOUR_MAP,
    COLOURS,
    FRONT_MARKER,
    MARKERS,
    SHADES,
    policy_looks,
)
from sushi_dse.plots.validation import validation_panels

__all__ = [
    "CLOUD_MARKER",
    "COLOURS",
    "COLOUR_MAP",
    "FRONT_MARKER",
    "MARKERS",
    "METADATA",
    "SHADES",
    "Colour",
    "Marked",
    "Panel",
    "Series",
    "check_plot_file",
    "draw_panel",
    "is_page",
    "knee",
    "layer_panels",
    "mark",
    "panels_figure",
    "plot_front",
    "plot_parallel",
    "policy_looks",
    "save_curves",
    "save_front_plot",
    "save_panels",
    "save_parallel_plot",
    "save_report",
    "serving_panels",
    "staircase",
    "trace_panels",
    "validation_panels",
]
