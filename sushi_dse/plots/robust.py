"""The front under draws: rows of the front with their bands, and designs by their share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sushi_dse.plots.panels import Panel, Series, floats
from sushi_dse.units import label

if TYPE_CHECKING:
    from sushi_dse.explore.robust import Robustness

MOST_BARS = 16  # designs whose shares are drawn
BARS_TITLE = "Share of the draws in which a design is on the front"


def robust_panels(found: "Robustness", accuracy_of: str) -> tuple[Panel, ...]:
    """A panel for each pair of the first objective with another, and one of the shares.

    accuracy_of: the metric of the accuracies.
    """
    pairs = [
        Panel(
            title=f"The front now, its bands over {found.draws} draws (5 to 95 %), and what half "
            "of them attain",
            x_label=label(pair[0], accuracy_of),
            y_label=label(pair[1], accuracy_of),
            series=tuple(_front(found, pair)),
            height_inches=3.8,
        )
        for pair in found.surfaces
    ]
    return (*pairs, _shares(found))


def _front(found: "Robustness", pair: tuple[str, str]) -> Iterator[Series]:
    """The bands of some rows of the front, the rows, and the median attainment surface."""
    x, y = (floats([row[name] for row in found.nominal]) for name in pair)
    low_x, high_x, low_y, high_y = (
        floats([row[f"{end}_{name}"] for row in found.nominal])
        for name in pair
        for end in ("low", "high")
    )
    gap = np.full(len(x), np.nan)
    yield Series(
        name="5 to 95 % of the draws",
        kind="line",
        x=np.column_stack([low_x, high_x, gap, x, x, gap]).ravel(),
        y=np.column_stack([y, y, gap, low_y, high_y, gap]).ravel(),
        look=0,
        emphasis="faint",
    )
    yield Series(name="rows of the front now", kind="points", x=x, y=y, look=0)
    points = found.surfaces[pair]
    if len(points):
        yield Series(
            name="attained in half of the draws", kind="steps", x=floats(points[:, 0]),
            y=floats(points[:, 1]), look=-1,
        )  # fmt: skip


def _shares(found: "Robustness") -> Panel:
    """The share of each design, and of the draws in which it fits its device."""
    rows = found.rows[:MOST_BARS]
    places = np.arange(len(rows), dtype=float)
    fits = floats([100 * row["fitting_share"] for row in rows])
    now = np.array([row["on_nominal_front"] for row in rows], dtype=bool)
    shares = floats([100 * row["front_share"] for row in rows])
    both = (("on the front now", now, 0), ("not on the front now", ~now, 1))
    bars = tuple(
        Series(name=name, kind="bars", x=places[mask], y=shares[mask], look=number)
        for name, mask, number in both
        if mask.any()
    )
    ticks = Series(name="fits its device", kind="rings", x=places, y=fits, look=-1)
    more = f" (the first {MOST_BARS} of {len(found.rows)})" if len(found.rows) > MOST_BARS else ""
    return Panel(
        title=BARS_TITLE + more,
        x_label="design",
        y_label="share of the draws (%)",
        x_names=tuple(str(row["design"]) for row in rows),
        y_range=(0.0, 105.0),
        series=(*bars, ticks),
    )
