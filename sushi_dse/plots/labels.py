"""The labels of points in a picture, written beside them so that they cover little."""

from collections.abc import Sequence
from itertools import islice, permutations, product
from math import hypot

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from sushi_dse.plots.panels import Panel, Series
from sushi_dse.plots.style import FRONT_MARKER, LINE_WIDTH, OUTLINE, legend_text

OFFSETS = [  # from point to the middle of its name, in points of a font
    (x, y)
    for x, y in product(
        (-130, -90, -60, -36, 0, 36, 60, 90, 130), (-72, -48, -30, -16, 0, 16, 30, 48, 72)
    )
    if x or abs(y) > 12
]
PADDING = FRONT_MARKER / 2 + 1  # around a name, in points of a font: no marker reaches under it
POINTS_PER_INCH = 72
SAMPLES = 200  # of each edge of a line, which names are kept off
CELL_PIXELS = 2
SPOT_PIXELS = 4
POINTS_PER_DOT = 10.0  # length of a leader, in points of a font, that is as bad as a point covered
FOREGROUND = 100  # points of the crowd that are as bad to cover as one that stands out
HEAVY = 1e4  # costs more than any number of points covered
OUTSIDE = 2 * HEAVY  # a label on the ticks is worse than two leaders that cross
ROUNDS = 2  # the second mends what the first labels could not know of the last
ORDERS = 12  # of writing the labels

Place = tuple[Bbox, np.ndarray]
"""Where a label may stand: its box, and points along its leader, [SAMPLES, 2]."""


def write_labels(ax: Axes, panel: Panel) -> list[Annotation]:
    """Write the labels of the panel's points, each where it covers the fewest of all its points.

    Labels lie inside the axes, and they and their leaders off each other, where there is room: of
    several orders of writing them the best is taken.  Room is measured on the figure as it is laid
    out.
    """
    crowd, front = _crowd(ax, panel.series), _crowd(ax, _foreground(panel))
    scale = ax.figure.dpi / POINTS_PER_INCH
    offsets = np.array(OFFSETS) * scale
    texts = [_annotation(ax, name, place) for place, name in _named_places(ax, panel)]
    places = [_places(ax, text, offsets, scale) for text in texts]
    alone = [
        np.array([
            _covering(box, leader, ax.bbox, crowd, front) + hypot(*offset) / POINTS_PER_DOT
            for (box, leader), offset in zip(own, OFFSETS, strict=True)
        ])
        for own in places
    ]  # fmt: skip
    orders = islice(permutations(range(len(texts))), ORDERS)
    tried = [_settled(order, places, alone) for order in orders]
    chosen = min(tried, key=lambda each: _total(each, places, alone))
    for label, at in chosen.items():
        texts[label].set_position(OFFSETS[at])
    return texts


def _places(ax: Axes, text: Annotation, offsets: np.ndarray, scale: float) -> list[Place]:
    """The box of a label at each offset and its leader, [SAMPLES, 2] along it, both in pixels."""
    anchor = ax.transData.transform(text.xy)
    box = text.get_window_extent().padded(PADDING * scale)
    along = np.linspace(0, 1, SAMPLES)[:, None]
    return [(_moved(box, anchor + offset), anchor + along * offset) for offset in offsets]


def _named_places(ax: Axes, panel: Panel) -> list[tuple[tuple[float, float], str]]:
    """Where labels belong, and their texts; those of points on one spot are one text."""
    found: dict[tuple[int, int], tuple[tuple[float, float], str]] = {}
    for series in reversed(panel.series):  # the last is drawn on top, so it chooses first
        if series.kind == "texts":
            continue
        for text, x, y in zip(series.labels, series.x, series.y, strict=False):
            if text:
                column, row = np.round(ax.transData.transform((x, y)) / SPOT_PIXELS).astype(int)
                place, texts = found.get((column, row), ((float(x), float(y)), ""))
                found[column, row] = (place, f"{texts}, {text}" if texts else text)
    return list(found.values())


def _annotation(ax: Axes, name: str, place: tuple[float, float]) -> Annotation:
    return ax.annotate(
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
        zorder=6,
    )  # fmt: skip


def _foreground(panel: Panel) -> list[Series]:
    """The series that stand out of the crowd."""
    return [series for series in panel.series if series.emphasis == "strong"]


def _crowd(ax: Axes, drawn_series: Sequence[Series]) -> np.ndarray:
    """Where series are, in pixels: [point, 2]; lines as points along them."""
    drawn = [np.empty((0, 2))]
    for series in drawn_series:
        pixels = ax.transData.transform(np.column_stack([series.x, series.y]))
        if series.kind in ("line", "steps") and len(pixels) > 1:
            along = np.linspace(0, len(pixels) - 1, SAMPLES * len(pixels))
            places = np.arange(len(pixels))
            pixels = np.column_stack([np.interp(along, places, column) for column in pixels.T])
        drawn.append(pixels)
    everything = np.concatenate(drawn)
    cells = np.round(everything[np.isfinite(everything).all(axis=1)] / CELL_PIXELS)
    return np.unique(cells, axis=0) * CELL_PIXELS  # a crowd on one spot is no worse than one


def _moved(box: Bbox, middle: np.ndarray) -> Bbox:
    """A box of that size about another middle, in pixels."""
    x, y = middle
    return Bbox.from_bounds(x - box.width / 2, y - box.height / 2, box.width, box.height)


def _covering(
    box: Bbox, leader: np.ndarray, inside: Bbox, crowd: np.ndarray, front: np.ndarray
) -> float:
    """How bad it is to write there, and to lead a line there, with no other label about."""
    out = box.x0 < inside.x0 or box.x1 > inside.x1 or box.y0 < inside.y0 or box.y1 > inside.y1
    covered = _within(box, crowd) + _crossed(leader, crowd)
    standing_out = _within(box, front) + _crossed(leader, front)
    return float(OUTSIDE * out + covered + FOREGROUND * standing_out)


def _settled(
    order: Sequence[int], places: Sequence[Sequence[Place]], alone: Sequence[np.ndarray]
) -> dict[int, int]:
    """The offset of each label, written in that order, then moved to its best beside the others."""
    chosen: dict[int, int] = {}
    for label in [*order] * ROUNDS:
        others = {other: at for other, at in chosen.items() if other != label}
        clashes = [_met(box, leader, others, places) for box, leader in places[label]]
        chosen[label] = int(np.argmin(alone[label] + HEAVY * np.array(clashes)))
    return chosen


def _total(
    chosen: dict[int, int], places: Sequence[Sequence[Place]], alone: Sequence[np.ndarray]
) -> float:
    """How bad it is to write each label at its chosen offset."""
    clashes = sum(
        _met(*places[label][at], {other: chosen[other] for other in range(label)}, places)
        for label, at in chosen.items()
    )
    apart = [float(alone[label][at]) for label, at in chosen.items()]
    return HEAVY * clashes + sum(apart)


def _met(
    box: Bbox, leader: np.ndarray, others: dict[int, int], places: Sequence[Sequence[Place]]
) -> int:
    """How often a label and its leader meet others, which stand at their chosen offsets."""
    return sum(_clashes(box, leader, *places[other][at]) for other, at in others.items())


def _clashes(box: Bbox, leader: np.ndarray, other: Bbox, led: np.ndarray) -> int:
    """How often a label and its leader meet another label and its leader."""
    return (
        int(box.overlaps(other))
        + (_within(other, leader) > 0)
        + (_within(box, led) > 0)
        + _cuts(leader, led)
    )


def _crossed(leader: np.ndarray, crowd: np.ndarray) -> int:
    """How many cells of the crowd a leader runs through."""
    low, high = leader.min(axis=0) - CELL_PIXELS, leader.max(axis=0) + CELL_PIXELS
    beside = crowd[((crowd >= low) & (crowd <= high)).all(axis=1)]
    own, others = (
        set(map(tuple, np.round(points / CELL_PIXELS).astype(int).tolist()))
        for points in (leader, beside)
    )
    return len(own & others)


def _cuts(leader: np.ndarray, other: np.ndarray) -> bool:
    """Whether two straight lines, [SAMPLES, 2] each, cross between their ends."""
    (start, end), (first, last) = (leader[0], leader[-1]), (other[0], other[-1])
    apart = _side(start, end, first) * _side(start, end, last) < 0
    return bool(apart and _side(first, last, start) * _side(first, last, end) < 0)


def _side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> float:
    """On which side of the line from start to end a point lies, as the sign of a number."""
    (along_x, along_y), (to_x, to_y) = end - start, point - start
    return float(along_x * to_y - along_y * to_x)


def _within(box: Bbox, points: np.ndarray) -> int:
    """How many of the points, [point, 2], lie in the box."""
    x, y = points.T
    return int(((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)).sum())
