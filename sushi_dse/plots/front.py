"""The front of results as panels: over two objectives, and in parallel coordinates over all.

Parallel coordinates: Inselberg, "The plane with parallel coordinates", 1985,
doi:10.1007/BF01898350.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from sushi_dse.evaluation.fronts import cost_matrix, normalised_costs
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.plots.marks import (
    ROW_KEYS,
    Marked,
    listed_rows,
    row_name,
    staircase,
)
from sushi_dse.plots.panels import ColourScale, Emphasis, FloatArray, Panel, Series, floats
from sushi_dse.plots.style import spans_decades
from sushi_dse.policies.names import policy_label
from sushi_dse.units import label

WIDTH_INCHES = 5.2  # at 0.7 of it, a column of a paper, the text is still of 7 points
HEIGHT_INCHES = 3.5
AXIS_INCHES = 1.3  # of parallel coordinates
ROOM = 0.05  # of the range of an axis, past its last point at either end
PLANE_OBJECTIVES = 3  # of which a plane and a colour still show what is traded
TICKS = 5  # of an axis of parallel coordinates


def front_picture(marked: Marked, kind: str | None) -> Panel:
    """The front over two axes, or in parallel coordinates; by the number of objectives for None.

    kind: `front` or `parallel`.
    """
    many = len(marked.objectives) > PLANE_OBJECTIVES if kind is None else kind == "parallel"
    return (parallel_panel if many else front_panel)(marked, listed_rows(marked))


def front_panel(marked: Marked, listed: pd.DataFrame) -> Panel:
    """All rows as a faint cloud, the front strong before it, the knee as a star.

    The first two objectives are the axes; the staircase bounds all rows in these two alone.  The
    rows of chosen designs are ringed, and these and the knee are labelled, each design once.
    `listed` are the rows to be drawn, as of `listed_rows`.
    """
    x, y = marked.axes
    on_front = listed["mark"] != ""
    return Panel(
        title=f"Outlined: front of {_words(marked.objectives)}, {_counted(marked)}",
        x_label=label(x.name),
        y_label=label(y.name),
        log_x=spans_decades(marked.rows[x.name]),
        log_y=spans_decades(marked.rows[y.name]),
        x_range=_axis_range(marked.rows[x.name]),
        y_range=_axis_range(marked.rows[y.name]),
        series=(
            *_clouds(marked, listed.loc[~on_front], "faint"),
            *_clouds(marked, listed.loc[on_front], "strong"),
            _staircase(marked),
            *_chosen_points(marked, listed),
            _knee_point(marked, listed),
        ),
        colours=_colour_scale(marked, marked.rows),
        legend="above",
        width_inches=WIDTH_INCHES,
        height_inches=HEIGHT_INCHES,
    )


def parallel_panel(marked: Marked, listed: pd.DataFrame) -> Panel:
    """The front's rows as lines over the objectives, an axis each, the best on top.

    Each axis spans what is drawn.  The knee is black, and so are chosen designs, each under its
    best balanced policy, on the front or not.  `listed` are rows as of `listed_rows`.
    """
    front = listed.loc[listed["mark"] != ""]
    count = len(marked.objectives)
    return Panel(
        title=f"Front of {_words(marked.objectives)}, {_counted(marked)}",
        x_label="",
        y_label="",
        x_range=(-0.5, count - 0.8),  # the values of an axis stand left of it
        y_range=(1 + ROOM, -ROOM),
        x_names=tuple(label(metric.name) for metric in marked.objectives),
        y_names=("best", "worst"),
        series=(
            *_bundles(marked, front),
            *_chosen_lines(marked, listed),
            *_knee_line(marked, front),
            *_axes_of(marked),
        ),
        colours=_colour_scale(marked, marked.front),
        legend="above",
        width_inches=max(WIDTH_INCHES, AXIS_INCHES * count),
        height_inches=HEIGHT_INCHES,
    )


def _groups(marked: Marked, rows: pd.DataFrame) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Name, look and rows of each policy that has any; of all at once where a metric colours."""
    if isinstance(marked.colour, Metric):
        yield "", 0, rows
        return
    for i, policy in enumerate(sorted(set(marked.rows["policy"]))):
        own = rows.loc[rows["policy"] == policy]
        if len(own):
            yield policy_label(policy), i, own


def _shade(marked: Marked, rows: pd.DataFrame, times: int = 1) -> FloatArray | None:
    """The metric that colours the rows, each row so many times."""
    if not isinstance(marked.colour, Metric):
        return None
    return floats(np.repeat(rows[marked.colour.name].to_numpy(dtype=float), times))


def _colour_scale(marked: Marked, rows: pd.DataFrame) -> ColourScale | None:
    """The scale of the metric that colours `rows`: lighter is better."""
    metric = marked.colour
    if not isinstance(metric, Metric):
        return None
    values = rows[metric.name]
    return ColourScale(
        label=label(metric.name),
        low=float(values.min()),
        high=float(values.max()),
        log=spans_decades(values),
        lighter_is_more=metric.maximise,
    )


def _clouds(marked: Marked, rows: pd.DataFrame, emphasis: Emphasis) -> Iterator[Series]:
    """The rows over the first two objectives."""
    x, y = marked.axes
    for policy, look, own in _groups(marked, rows):
        yield Series(
            name=policy or ("front" if emphasis == "strong" else "other designs and policies"),
            kind="points",
            x=floats(own[x.name]),
            y=floats(own[y.name]),
            look=look,
            emphasis=emphasis,
            shade=_shade(marked, own),
            rows=own.index.to_numpy(),
        )


def _staircase(marked: Marked) -> Series:
    """The bound of all rows in the first two objectives, out to the edges of the axes."""
    signs = np.array([metric.sign for metric in marked.axes])
    ends = np.array([_axis_range(marked.rows[metric.name]) for metric in marked.axes])
    worst = (signs[:, None] * ends).max(axis=1)
    corners = signs * staircase(cost_matrix(marked.rows, marked.axes), worst)
    return Series(
        name="front" if len(marked.objectives) == 2 else "front of the two axes alone",
        kind="line",
        x=floats(corners[:, 0]),
        y=floats(corners[:, 1]),
        look=-1,
    )


def _chosen_points(marked: Marked, listed: pd.DataFrame) -> Iterator[Series]:
    """Rings about the rows of chosen designs; the best balanced of each is labelled."""
    x, y = marked.axes
    knee = marked.knee_row["design"].iloc[0]
    best = set(_rows_like(listed, marked.best_chosen).index)
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
        name=_knee_name(marked),
        kind="stars",
        x=floats(knee[x.name]),
        y=floats(knee[y.name]),
        labels=(f"knee: {knee['design'].iloc[0]}",),
        rows=knee.index.to_numpy(),
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
        shade=_shade(marked, rows, count + 1) if emphasis == "faint" else None,
        rows=np.repeat(rows.index.to_numpy(), count + 1),
    )


def _bundles(marked: Marked, front: pd.DataFrame) -> Iterator[Series]:
    for policy, look, own in _groups(marked, front):
        name = f"{policy or 'rows'} ({len(own):,})"
        yield _over_objectives(marked, own, name, look, "faint")


def _chosen_lines(marked: Marked, listed: pd.DataFrame) -> Iterator[Series]:
    chosen = _rows_like(listed, marked.best_chosen)
    for i, place in enumerate(chosen.index, start=1):
        own = chosen.loc[[place]]
        yield _over_objectives(marked, own, row_name(own.iloc[0]), -1 - i, "strong")


def _knee_line(marked: Marked, front: pd.DataFrame) -> Iterator[Series]:
    """The knee as a black line with a star at each objective, of one name in the legend."""
    name, knee = _knee_name(marked), front.loc[front["mark"] == "knee"]
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


def _rows_like(listed: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The listed rows with the designs, policies and SubNets of `rows`, in their order."""
    keys = [name for name in ROW_KEYS if name in listed.columns]
    places = pd.Series(listed.index, index=pd.MultiIndex.from_frame(listed[keys]))
    return listed.loc[places[pd.MultiIndex.from_frame(rows[keys])]]


def _axis_range(values: "pd.Series[float]") -> tuple[float, float]:
    """The ends of an axis: those of the values, and room past either."""
    low, high = float(values.min()), float(values.max())
    if spans_decades(values):
        room = (high / low) ** ROOM
        return low / room, high * room
    room = ROOM * (high - low or abs(high) or 1.0)
    return low - room, high + room


def _knee_name(marked: Marked) -> str:
    return f"knee: {row_name(marked.knee_row.iloc[0])}"


def _counted(marked: Marked) -> str:
    count = len(marked.rows)
    return f"{len(marked.front):,} of {count:,} row{'' if count == 1 else 's'}"


def _words(metrics: Sequence[Metric]) -> str:
    """The metrics' labels without their units, as a list in words."""
    *words, last = (label(metric.name).split(" (")[0] for metric in metrics)
    return f"{', '.join(words)} and {last}" if words else last
