"""Names written beside points so that they cover little."""

from collections.abc import Sequence
from itertools import product
from math import hypot

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from sushi_dse.plots.style import FRONT_MARKER, LINE_WIDTH, OUTLINE, any_script, legend_text

OFFSETS = [  # from point to the middle of its name, in points of a font
    (x, y)
    for x, y in product((-90, -60, -36, 0, 36, 60, 90), (-72, -48, -30, -16, 0, 16, 30, 48, 72))
    if x or abs(y) > 12
]
PADDING = FRONT_MARKER / 2 + 1  # around a name, in points of a font: no marker reaches under it
POINTS_PER_INCH = 72
HEAVY = 1e4  # costs more than any number of points covered


def write_labels(
    ax: Axes, places: np.ndarray, names: Sequence[str], covered: np.ndarray
) -> list[Annotation]:
    """Write each name beside its place, where it covers the fewest points of `covered`.

    places: [name, 2], covered: [point, 2].  Names lie inside the axes and off each other where
    there is room.  Room is measured on the figure as it is laid out now.
    """
    with any_script():
        ax.figure.draw_without_rendering()  # type: ignore[union-attr] # of a Figure
    anchors = ax.transData.transform(places)
    crowd = np.concatenate([anchors, ax.transData.transform(covered)])
    scale = ax.figure.dpi / POINTS_PER_INCH
    taken: list[Bbox] = []
    written = []
    for place, anchor, name in zip(places, anchors, names, strict=True):
        text = ax.annotate(
            legend_text(name),
            place,
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": OUTLINE, "linewidth": LINE_WIDTH / 2},
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none",
                  "alpha": 0.85},
            zorder=5,
        )  # fmt: skip
        box = text.get_window_extent().padded(PADDING * scale)
        boxes = [_moved(box, anchor, np.multiply(offset, scale)) for offset in OFFSETS]
        costs = [
            _cost(moved, ax.bbox, taken, crowd) + hypot(*offset) / HEAVY
            for moved, offset in zip(boxes, OFFSETS, strict=True)
        ]
        best = int(np.argmin(costs))
        text.set_position(OFFSETS[best])
        taken.append(boxes[best])
        written.append(text)
    return written


def _moved(box: Bbox, anchor: np.ndarray, offset: np.ndarray) -> Bbox:
    """A box of that size whose middle lies at `offset` from the anchor, in pixels."""
    x, y = anchor + offset
    return Bbox.from_bounds(x - box.width / 2, y - box.height / 2, box.width, box.height)


def _cost(box: Bbox, inside: Bbox, taken: Sequence[Bbox], crowd: np.ndarray) -> float:
    """How bad it is to write there."""
    out = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    x, y = crowd.T
    covered = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
    clashes = out + sum(box.overlaps(other) for other in taken)
    return float(HEAVY * clashes + covered.sum())
