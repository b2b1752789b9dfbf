"""Labels are written off the markers, off each other, and their leaders do not cross."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from sushi_dse.plots.labels import write_labels
from sushi_dse.plots.panels import Panel, Series, floats
from sushi_dse.plots.style import FRONT_MARKER


def unit_square() -> Axes:
    """Axes from 0 to 1 of a figure that is laid out when it is drawn."""
    ax = Figure(layout="constrained", dpi=200).add_subplot()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    return ax


def labelled(ax: Axes, *series: Series) -> list[Annotation]:
    """The labels of series that are written into the axes."""
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    return write_labels(ax, Panel(title="", x_label="", y_label="", series=series))


def box_of(text: Annotation) -> Bbox:
    """The letters of a label without its leader, in pixels."""
    return Text.get_window_extent(text)


@pytest.mark.parametrize("seed", range(10))
def test_a_name_hides_no_part_of_a_marker_where_there_is_room(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(0.2, 0.8, (15, 2))
    ax, middle = unit_square(), floats([0.5])
    (text,) = labelled(
        ax,
        Series(name="a", kind="points", x=floats(points[:, 0]), y=floats(points[:, 1])),
        Series(name="b", kind="stars", x=middle, y=middle, labels=("knee: 719982399",)),
    )
    box = box_of(text)
    for x, y in ax.transData.transform(points):
        aside = max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1)  # outside of one of its sides
        assert aside >= FRONT_MARKER / 2 * ax.figure.dpi / 72


@pytest.mark.parametrize("seed", range(10))
def test_labels_of_near_points_lie_inside_apart_and_their_leaders_do_not_cross(seed: int) -> None:
    """A corner has room on two sides only, so the first label must give way to the last one."""
    rng = np.random.default_rng(seed)
    corner, crowd = rng.uniform(0.02, 0.1, (3, 2)), rng.uniform(0, 1, (60, 2))
    ax = unit_square()
    texts = labelled(
        ax,
        Series(name="a", kind="points", x=floats(crowd[:, 0]), y=floats(crowd[:, 1])),
        Series(
            name="b", kind="rings", x=floats(corner[:, 0]), y=floats(corner[:, 1]),
            labels=("fastest: 3233", "most frugal: 2648", "knee: 12"),
        ),
    )  # fmt: skip
    inside = ax.get_window_extent()
    assert len(texts) == 3
    for one, other in combinations(texts, 2):
        assert not box_of(one).overlaps(box_of(other))
        assert not crosses(leader(ax, one), leader(ax, other))
    for text in texts:
        assert all(inside.padded(1).contains(*corner) for corner in box_of(text).corners())


def leader(ax: Axes, text: Annotation) -> np.ndarray:
    """The ends of the line from a point to the middle of its label, in pixels: [2, 2]."""
    return np.array([ax.transData.transform(text.xy), np.mean(box_of(text).corners(), axis=0)])


def crosses(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two lines meet between their ends: the definition, by solving for where."""
    sides = np.column_stack([one[1] - one[0], other[0] - other[1]])
    try:
        along = np.linalg.solve(sides, other[0] - one[0])
    except np.linalg.LinAlgError:
        return False
    return bool(((along > 0) & (along < 1)).all())
