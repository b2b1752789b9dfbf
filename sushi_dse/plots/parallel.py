"""The front of results in parallel coordinates over all objectives.

Inselberg, "The plane with parallel coordinates", 1985, doi:10.1007/BF01898350.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sushi_dse.evaluation.fronts import normalised_costs
from sushi_dse.plots.marks import Marked, row_name
from sushi_dse.plots.panels import Emphasis, Panel, Series, floats
from sushi_dse.plots.shared import (
    HEIGHT_INCHES,
    ROOM,
    WIDTH_INCHES,
    colour_scale,
    counted,
    groups,
    knee_name,
    rows_like,
    shade,
    words,
)
from sushi_dse.units import label

MOST_LINES = 250  # that are told apart; of more, those that lie together are drawn once
FINEST_STEP = 1 / 64  # of an axis
AXIS_INCHES = 1.3  # of parallel coordinates
TICKS = 5  # of an axis of parallel coordinates


def parallel_panel(marked: Marked, listed: pd.DataFrame) -> Panel:
    """The front's rows as lines over the objectives, an axis each, the best on top.

    Each axis spans what is drawn; of many rows those that lie together are drawn once.  The knee is
    black, and so are chosen designs, each under its best balanced policy, on the front or not.
    `listed` are rows as of `listed_rows`.
    """
    front = listed.loc[listed["mark"] != ""]
    count = len(marked.objectives)
    return Panel(
        title=f"Front of {words(marked.objectives)}, {counted(marked)}",
        x_label="",
        y_label="",
        x_range=(-0.5, count - 0.8),  # the values of an axis stand left of it
        y_range=(1 + ROOM, -ROOM),
        x_names=tuple(label(metric.name, marked.accuracy_of) for metric in marked.objectives),
        y_names=("best", "worst"),
        series=(
            *_bundles(marked, front),
            *_chosen_lines(marked, listed),
            *_knee_line(marked, front),
            *_axes_of(marked),
        ),
        colours=colour_scale(marked, marked.front),
        legend="above",
        width_inches=max(WIDTH_INCHES, AXIS_INCHES * count),
        height_inches=HEIGHT_INCHES,
    )


def _drawn(marked: Marked) -> pd.DataFrame:
    """What the axes of parallel coordinates span: the front, and chosen designs at their best."""
    return pd.concat([marked.front, marked.best_chosen])


def _over_objectives(
    marked: Marked, rows: pd.DataFrame, name: str, look: int, emphasis: Emphasis
) -> Series:
    """A line a row over the objectives, from 0 for the best to 1 for the worst."""
    count = len(marked.objectives)
    heights = np.full((len(rows), count + 1), np.nan)  # the NaN ends each line
    heights[:, :count] = normalised_costs(rows, marked.objectives, among=_drawn(marked))
    return Series(
        name=name,
        kind="line",
        x=floats(np.tile([*range(count), np.nan], len(rows))),
        y=heights.ravel(),
        look=look,
        emphasis=emphasis,
        shade=shade(marked, rows, count + 1) if emphasis == "faint" else None,
        rows=np.repeat(rows.index.to_numpy(), count + 1),
    )


def _bundles(marked: Marked, front: pd.DataFrame) -> Iterator[Series]:
    """The rows of each group as one bundle; where they are many, rows that lie together once."""
    bundles = list(groups(marked, front))
    most = len(front) if len(front) <= MOST_LINES else MOST_LINES // len(bundles)
    for policy, look, own in bundles:
        drawn = own if len(own) <= most else own.iloc[_apart(marked, own, most)]
        count = f"{len(own):,}" if len(drawn) == len(own) else f"{len(drawn):,} for {len(own):,}"
        yield _over_objectives(marked, drawn, f"{policy or 'rows'} ({count})", look, "faint")


def _apart(marked: Marked, rows: pd.DataFrame, most: int) -> np.ndarray:
    """The places of rows of which no two lie in the same steps of all axes: [row].

    Steps are as fine as leaves `most` of them, and a `FINEST_STEP` of an axis at least.
    """
    heights = normalised_costs(rows, marked.objectives, among=_drawn(marked))
    step = FINEST_STEP
    while True:
        _, first = np.unique(np.round(heights / step), axis=0, return_index=True)
        if len(first) <= most or step >= 1:
            return np.sort(first)
        step *= 2


def _chosen_lines(marked: Marked, listed: pd.DataFrame) -> Iterator[Series]:
    chosen = rows_like(listed, marked.best_chosen)
    for i, place in enumerate(chosen.index, start=1):
        own = chosen.loc[[place]]
        yield _over_objectives(marked, own, row_name(own.iloc[0]), -1 - i, "strong")


def _knee_line(marked: Marked, front: pd.DataFrame) -> Iterator[Series]:
    """The knee as a black line with a star at each objective, of one name in the legend."""
    name, knee = knee_name(marked), front.loc[front["mark"] == "knee"]
    line = _over_objectives(marked, knee, name, -1, "strong")
    yield line
    yield Series(name=name, kind="stars", x=line.x, y=line.y, rows=line.rows)


def _axes_of(marked: Marked) -> Iterator[Series]:
    """An axis an objective, with values along it."""
    places = np.arange(len(marked.objectives), dtype=float)
    gap = np.full(len(places), np.nan)
    yield Series(
        name="axes",
        kind="line",
        x=np.column_stack([places, places, gap]).ravel(),
        y=np.column_stack([0 * places, 0 * places + 1, gap]).ravel(),
        look=-1,
        in_legend=False,
    )
    for place, metric in enumerate(marked.objectives):
        costs = metric.cost(_drawn(marked))
        best, worst = costs.min(), costs.max()
        heights = np.linspace(0, 1, TICKS) if best < worst else np.zeros(1)
        values = metric.sign * (best + heights * (worst - best))
        yield Series(
            name=metric.name,
            kind="texts",
            x=np.full(len(heights), float(place)),
            y=heights,
            labels=tuple(f"{value:,.4g}" for value in values),
            in_legend=False,
        )
