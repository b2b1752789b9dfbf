"""The legend and the title of a panel in a picture, beside the axes or above them."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from sushi_dse.plots.panels import Panel
from sushi_dse.plots.style import plain_text, short_name

LETTER_INCHES = 0.063  # of a small letter, on average
ENTRY_INCHES = 0.19  # of an entry of a legend: its height
HANDLE_INCHES = 0.6  # what is beside the name of an entry
EDGE_INCHES = 0.2  # on both sides of a legend
MOST_COLUMNS = 3  # of a legend


def _legend_names(panel: Panel) -> list[str]:
    named = (series.name for series in panel.series if series.in_legend)
    return list(dict.fromkeys(short_name(name) for name in named))


def _legend_columns(panel: Panel) -> int:
    """So many columns as the width of the panel has room for; they are filled one by one."""
    names = _legend_names(panel)
    for columns in range(min(MOST_COLUMNS, len(names)), 1, -1):
        parts = np.array_split(np.array([len(name) for name in names]), columns)
        width = sum(part.max() * LETTER_INCHES + HANDLE_INCHES for part in parts)
        if width <= panel.width_inches - EDGE_INCHES:
            return columns
    return 1


def _legend_title(panel: Panel) -> str:
    letters = int((panel.width_inches - EDGE_INCHES) / LETTER_INCHES)
    return "\n".join(map(plain_text, textwrap.wrap(panel.title, letters)))


def legend_inches(panel: Panel) -> float:
    """The height of a legend above the axes, its title included."""
    if panel.legend != "above":
        return 0.0
    entries = -(-len(_legend_names(panel)) // _legend_columns(panel))
    return ENTRY_INCHES * (entries + 1 + _legend_title(panel).count("\n"))


def draw_legend(ax: Axes, panel: Panel) -> None:
    """Names of the series and the title; series of one name share an entry, drawn on each other."""
    above = panel.legend == "above"
    if not above:
        ax.set_title(plain_text(panel.title), fontsize="medium", loc="left")
    by_name: dict[str, list[Any]] = {}
    for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
        by_name.setdefault(name, []).append(handle)
    if not by_name:
        return
    entries: list[Any] = [own[0] if len(own) == 1 else tuple(own) for own in by_name.values()]
    style: dict[str, Any] = {"fontsize": "small", "frameon": False}
    figure = ax.get_figure(root=True)
    if above and figure is not None:
        style |= {"ncols": _legend_columns(panel), "title": _legend_title(panel),
                  "title_fontsize": "small", "alignment": "left", "handlelength": 2,
                  "columnspacing": 1.2, "borderpad": 0.1}  # fmt: skip
        figure.legend(entries, list(by_name), loc="outside upper left", **style)
    else:
        style |= {"bbox_to_anchor": (1, 1), "handlelength": 3}
        ax.legend(entries, list(by_name), loc="upper left", **style)
