"""A metric over an axis, or over another metric: the best that each policy reaches, with seeds."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation.fronts import cost_matrix, feasible_rows, non_dominated
from sushi_dse.evaluation.metrics import METRICS, SERVED, Metric, find_metric
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.plots.marks import metric_beside
from sushi_dse.plots.panels import FloatArray, Panel, Series, floats
from sushi_dse.plots.style import spans_decades
from sushi_dse.policies.names import policy_label
from sushi_dse.store.parts import Part, rows_of
from sushi_dse.store.seeds import LEAST, MOST
from sushi_dse.units import ANY_METRIC, label

MOST_LINES = 8  # lines of one figure that are told apart in grey
BETWEEN_LINES = 0.1  # places on an axis that the points of neighbouring lines are apart
MARKS = 8  # bars along a line of many points, about
WIDTH_INCHES, HEIGHT_INCHES = 5.2, 3.5


def line_rows(parts: Sequence[Part], x: str, y: str, by: str) -> tuple[pd.DataFrame, Metric]:
    """The rows for lines of `y` over `x`, and the metric `y`.

    `x` is a metric or an axis, and `by` the policy, what else tells rows of a design apart, or an
    axis; `UserError` where they are not.
    """
    columns = parts[0].columns
    axes = [axis for axis in AXIS_ORDER if axis in columns]
    if x not in axes:
        metric_beside(x, axes)
    groups = [name for name in (*SERVED, *axes) if name in columns]
    if by not in groups:
        raise UserError(f"--by {by}: tells no rows apart; {near_names(by, groups)}")
    metric = find_metric(y)
    ranges = [name for name in (f"{LEAST}{y}", f"{MOST}{y}") if name in columns]
    wanted = ["design", "policy", x, y, by, *ranges, "infeasible_reason"]
    return rows_of(parts, list(dict.fromkeys(wanted))), metric


def best_panel(
    rows: pd.DataFrame, x: str, y: Metric, by: str = "policy", *, accuracy_of: str = ANY_METRIC
) -> Panel:
    """The best `y` of any design over `x`, a line for each value of column `by`.

    Where `x` is a metric, the line joins the rows that none of the same line dominates in `x` and
    `y`; else it joins the best row at each value of the axis.  Rows over several seeds have bars
    from the least to the most `y` over the seeds, side by side where lines share their places.
    `accuracy_of` is the metric of the accuracies.  `UserError` without a row, or with more lines
    than can be told apart.
    """
    is_axis = x not in METRICS
    feasible = feasible_rows(rows, [y] if is_axis else [y, METRICS[x]])
    feasible = feasible.loc[feasible[by].notna()]
    groups = sorted(set(feasible[by]))
    if not groups:
        raise UserError(f"no feasible row has {x}, {y.name} and {by}: there is nothing to draw")
    if len(groups) > MOST_LINES:
        raise UserError(
            f"{by} has {len(groups)} values, and {MOST_LINES} lines are told apart at most; leave "
            "some out by --where"
        )
    lines = [_best(feasible.loc[feasible[by] == group], x, y) for group in groups]
    values = sorted(set(feasible[x])) if is_axis else []
    series = [
        each
        for i, (group, own) in enumerate(zip(groups, lines, strict=True))
        for each in _line(_name(group, by), own, _places(own[x], values, i, len(lines)), y, i)
    ]
    drawn = pd.concat(lines)
    return Panel(
        title=_title(x, y, len(series) > len(lines)),
        x_label=label(x, accuracy_of),
        y_label=label(y.name, accuracy_of),
        log_x=not is_axis and spans_decades(drawn[x]),
        log_y=spans_decades(drawn[y.name]),
        x_names=tuple(f"{value:g}" for value in values),
        series=tuple(series),
        legend="above",
        width_inches=WIDTH_INCHES,
        height_inches=HEIGHT_INCHES,
    )


def _best(rows: pd.DataFrame, x: str, y: Metric) -> pd.DataFrame:
    """The rows of one line, in the order of `x`."""
    if x in METRICS:
        metrics = [METRICS[x], y]
        kept = rows.loc[non_dominated(cost_matrix(rows, metrics))]
        return kept.sort_values([x, y.name]).drop_duplicates([x, y.name])
    order = np.lexsort((rows["design"], y.cost(rows), rows[x]))
    return rows.iloc[order].drop_duplicates(x)


def _places(x: "pd.Series[float]", values: Sequence[float], number: int, count: int) -> FloatArray:
    """The places of a line's points: on an axis beside those of the other lines."""
    if not values:
        return floats(x)
    shift = BETWEEN_LINES * (number - (count - 1) / 2)
    return floats(np.searchsorted(values, x) + shift)


def _line(
    name: str, rows: pd.DataFrame, places: FloatArray, y: Metric, look: int
) -> Iterator[Series]:
    if f"{LEAST}{y.name}" in rows:
        barred = np.arange(look % MARKS, len(rows), max(len(rows) // MARKS, 1))
        if len(rows) <= 2 * MARKS:
            barred = np.arange(len(rows))
        own, gap = rows.iloc[barred], np.full(len(barred), np.nan)
        ends = [floats(own[f"{LEAST}{y.name}"]), floats(own[f"{MOST}{y.name}"]), gap]
        yield Series(
            name=f"{name}: over the seeds",
            kind="line",
            x=np.repeat(places[barred], 3),
            y=floats(np.column_stack(ends).ravel()),
            look=look,
            emphasis="faint",
            in_legend=False,
        )
    yield Series(name=name, kind="line", x=places, y=floats(rows[y.name]), look=look)


def _name(group: object, by: str) -> str:
    if isinstance(group, str):
        return policy_label(group) if by == "policy" else f"{label(by)} {group}"
    return f"{label(by)} {group:g}"


def _title(x: str, y: Metric, has_bars: bool) -> str:
    over, under = (label(name).split(" (")[0] for name in (x, y.name))
    said = f"Front of {over} and {under}" if x in METRICS else f"Best {under} by {over}"
    return f"{said}: mean; bars: least to most over seeds" if has_bars else said
