"""The front of results as a panel over two objectives, with a third as the colour."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sushi_dse.evaluation.fronts import cost_matrix, non_dominated
from sushi_dse.plots.marks import PLANE_OBJECTIVES, Marked, listed_rows, staircase
from sushi_dse.plots.panels import Emphasis, Panel, Series, floats
from sushi_dse.plots.parallel import parallel_panel
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
from sushi_dse.plots.style import spans_decades
from sushi_dse.units import label


def front_picture(marked: Marked, kind: str | None) -> Panel:
    """The front over two axes, or in parallel coordinates; by the number of objectives for None.

    kind: `front` or `parallel`.
    """
    many = len(marked.objectives) > PLANE_OBJECTIVES if kind is None else kind == "parallel"
    return (parallel_panel if many else front_panel)(marked, listed_rows(marked))


def front_panel(marked: Marked, listed: pd.DataFrame) -> Panel:
    """The front over two objectives, the knee as a star, other rows as a faint cloud.

    The axes span the front and what is named.  A staircase bounds all rows in the two axes alone;
    where the third objective is the colour, a line joins the rows of least x for it instead.  Rows
    that a decision names, and those of chosen designs, are ringed and labelled, each design once.
    `listed` are the rows to be drawn, as of `listed_rows`.
    """
    x, y = marked.axes
    on_front = listed["mark"] != ""
    return Panel(
        title=f"Outlined: front of {words(marked.objectives)}, {counted(marked)}",
        x_label=label(x.name, marked.accuracy_of),
        y_label=label(y.name, marked.accuracy_of),
        log_x=spans_decades(marked.axis_rows[x.name]),
        log_y=spans_decades(marked.axis_rows[y.name]),
        x_range=_axis_range(marked.axis_rows[x.name]),
        y_range=_axis_range(marked.axis_rows[y.name]),
        series=(
            *_clouds(marked, listed.loc[~on_front], "faint"),
            *_clouds(marked, listed.loc[on_front], "strong"),
            _bound(marked),
            *_chosen_points(marked, listed),
            _knee_point(marked, listed),
        ),
        colours=colour_scale(marked, marked.axis_rows),
        legend="above",
        width_inches=WIDTH_INCHES,
        height_inches=HEIGHT_INCHES,
    )


def _clouds(marked: Marked, rows: pd.DataFrame, emphasis: Emphasis) -> Iterator[Series]:
    """The rows over the first two objectives."""
    x, y = marked.axes
    for policy, look, own in groups(marked, rows):
        yield Series(
            name=policy or ("front" if emphasis == "strong" else _cloud_name(marked)),
            kind="points",
            x=floats(own[x.name]),
            y=floats(own[y.name]),
            look=look,
            emphasis=emphasis,
            shade=shade(marked, own),
            rows=own.index.to_numpy(),
        )


def _cloud_name(marked: Marked) -> str:
    """The name of the rows off the front, with how many of all lie beyond the axes."""
    beyond = np.zeros(len(marked.rows), dtype=bool)
    for metric in marked.axes:
        low, high = _axis_range(marked.axis_rows[metric.name])
        beyond |= ~marked.rows[metric.name].between(low, high).to_numpy()
    count = int(beyond.sum())
    return f"other rows, {count:,} beyond the axes" if count else "other rows"


def _bound(marked: Marked) -> Series:
    """The bound of all rows in the two axes, or the least x at each value of the colour.

    The second is drawn where the colour is the one objective besides the axes: it joins the rows of
    the front that no other beats in x and the colour.
    """
    x, y = marked.axes
    others = [metric for metric in marked.objectives if metric not in marked.axes]
    if len(others) != 1 or others[0] != marked.colour:
        return _staircase(marked, f"front{' of the two axes alone' if others else ''}")
    best = marked.front.loc[non_dominated(cost_matrix(marked.front, [x, *others]))]
    best = best.drop_duplicates([x.name, others[0].name])
    return Series(
        name=f"{'most' if x.maximise else 'least'} {words([x])} for its {words(others)}",
        kind="line",
        x=floats(best[x.name]),
        y=floats(best[y.name]),
        look=-1,
    )


def _staircase(marked: Marked, name: str) -> Series:
    """The bound of all rows in the two axes, out to their edges."""
    signs = np.array([metric.sign for metric in marked.axes])
    ends = np.array([_axis_range(marked.axis_rows[metric.name]) for metric in marked.axes])
    worst = (signs[:, None] * ends).max(axis=1)
    corners = signs * staircase(cost_matrix(marked.rows, marked.axes), worst)
    return Series(
        name=name,
        kind="line",
        x=floats(corners[:, 0]),
        y=floats(corners[:, 1]),
        look=-1,
    )


def _chosen_points(marked: Marked, listed: pd.DataFrame) -> Iterator[Series]:
    """Rings about rows that a decision names, and rows of chosen designs, each labelled once."""
    x, y = marked.axes
    knee = marked.knee_row["design"].iloc[0]
    named = rows_like(listed, marked.rows.loc[list(marked.roles)])
    named = named.assign(text=list(marked.roles.values())).loc[named["mark"] != "knee"]
    if len(named):
        yield Series(
            name="designs to decide between",
            kind="rings",
            x=floats(named[x.name]),
            y=floats(named[y.name]),
            labels=tuple(f"{row['text']}: {row['design']}" for _, row in named.iterrows()),
            rows=named.index.to_numpy(),
        )
    best = set(rows_like(listed, marked.best_chosen).index)
    chosen = listed.loc[listed["design"].isin(marked.chosen["design"])]
    if len(chosen):
        yield Series(
            name="labelled designs, each policy",
            kind="rings",
            x=floats(chosen[x.name]),
            y=floats(chosen[y.name]),
            labels=tuple(
                str(design) if place in best and design != knee else ""
                for place, design in chosen["design"].items()
            ),
            rows=chosen.index.to_numpy(),
        )


def _knee_point(marked: Marked, listed: pd.DataFrame) -> Series:
    x, y = marked.axes
    knee = listed.loc[listed["mark"] == "knee"]
    return Series(
        name=knee_name(marked),
        kind="stars",
        x=floats(knee[x.name]),
        y=floats(knee[y.name]),
        labels=(f"knee: {knee['design'].iloc[0]}",),
        rows=knee.index.to_numpy(),
    )


def _axis_range(values: "pd.Series[float]") -> tuple[float, float]:
    """The ends of an axis: those of the values, and room past either."""
    low, high = float(values.min()), float(values.max())
    if spans_decades(values):
        room = (high / low) ** ROOM
        return low / room, high * room
    room = ROOM * (high - low or abs(high) or 1.0)
    return low - room, high + room
