"""The rows that a figure of results marks: the front, its knee, and designs that a user names."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from sushi_dse.errors import UserError, near_names
from sushi_dse.evaluation import fronts as pareto
from sushi_dse.evaluation.fronts import (
    cost_matrix,
    feasible_rows,
    knee,
    non_dominated,
    normalised_costs,
)
from sushi_dse.evaluation.metrics import ACCURACY, METRICS, SERVED, Metric
from sushi_dse.explore.decision import SHORT
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.policies.names import ASSUMED_RATES
from sushi_dse.units import ANY_METRIC

Colour = Metric | Literal["policy"]

ROW_KEYS = ("design", *SERVED)  # what tells a row from all others; no row has all of them
PLANE_OBJECTIVES = 3  # of which a plane and a colour still show what is traded
ROUNDING = 1e-9  # of means of equal values


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Marked:
    """Results to be drawn over some objectives, and which rows of them are marked."""

    objectives: tuple[Metric, ...]  # two at least
    accuracy_of: str  # metric of the accuracies
    colour: Colour
    rows: pd.DataFrame  # feasible, with all objectives and the colour; numbered from 0
    on_front: np.ndarray  # [row]
    front: pd.DataFrame  # of the objectives, best first
    knee: int  # its place in `front`
    chosen: pd.DataFrame  # rows of the designs named, of each the best balanced first
    roles: dict[int, str]  # by the number of a row, the roles that a decision gives it

    @property
    def best_chosen(self) -> pd.DataFrame:
        """The best balanced row of each chosen design."""
        return self.chosen.drop_duplicates("design")

    @property
    def off_front(self) -> pd.DataFrame:
        """The chosen rows that are not on the front."""
        return self.chosen.loc[~self.on_front[self.chosen.index]]

    @property
    def axes(self) -> tuple[Metric, Metric]:
        """The two objectives that span a plane: the first that vary, and are not the colour."""
        flat = self.flat

        def last(metric: Metric) -> tuple[bool, bool]:
            return metric == self.colour, metric.name in flat

        x, y, *_ = sorted(self.objectives, key=last)
        return x, y

    @property
    def axis_rows(self) -> pd.DataFrame:
        """The rows that a plane is to show in full: the front, and rows that are named."""
        return pd.concat([self.front, self.rows.loc[list(self.roles)], self.chosen])

    @property
    def flat(self) -> tuple[str, ...]:
        """The objectives that are the same in every row, but for rounding."""
        columns = {metric.name: self.rows[metric.name] for metric in self.objectives}
        return tuple(
            name
            for name, values in columns.items()
            if values.max() - values.min() <= ROUNDING * abs(values.max())
        )

    @property
    def knee_row(self) -> pd.DataFrame:
        """The knee alone."""
        return self.front.iloc[[self.knee]]


def colour_named(name: str, columns: Sequence[str]) -> Colour:
    """What colours the rows of a figure: their policy, a metric, or an axis as a metric.

    `UserError` where the name is none of these in rows of those `columns`.
    """
    axes = [axis for axis in AXIS_ORDER if axis in columns]
    if name == "policy":
        return "policy"
    if name in axes:
        return Metric(name, "Value on the axis.", maximise=True)
    return metric_beside(name, axes)


def metric_beside(name: str, axes: Sequence[str]) -> Metric:
    """The metric of that name; `UserError` with the near ones among metrics and `axes`."""
    if name not in METRICS:
        raise UserError(f"unknown metric or axis {name!r}; {near_names(name, [*METRICS, *axes])}")
    return METRICS[name]


def mark(
    rows: pd.DataFrame,
    objectives: Sequence[Metric],
    *,
    accuracy_of: str = ANY_METRIC,
    colour: Colour | None = None,
    designs: Sequence[int] = (),
    named: Mapping[str, pd.DataFrame] | None = None,
) -> Marked:
    """The front of `rows` in the objectives, its knee, and the rows of `designs`.

    `accuracy_of` is the metric of the accuracies, `named` are rows by their role.  Without a
    `colour` it is of three objectives the accuracy, or the last, and else the policy.  Rows that
    lack an objective or the colour are left out.
    `UserError` for fewer than two objectives, where no row is left, or a design has none.
    """
    if len(objectives) < 2:
        raise UserError("a plot needs two objectives at least, one for each axis")
    if colour is None:
        colour = default_colour(objectives, rows["policy"])
    shown = list(objectives)
    if isinstance(colour, Metric) and colour not in shown:
        shown.append(colour)
    feasible = feasible_rows(rows, shown).reset_index(drop=True)
    if feasible.empty:
        names = ", ".join(metric.name for metric in shown)
        raise UserError(
            f"no feasible row has {names}: there is nothing to draw; name other objectives"
        )
    best = pareto.front(feasible, objectives)
    return Marked(
        objectives=tuple(objectives),
        accuracy_of=accuracy_of,
        colour=colour,
        rows=feasible,
        on_front=non_dominated(cost_matrix(feasible, objectives)),
        front=best,
        knee=knee(best, objectives),
        chosen=_chosen(rows, feasible, objectives, designs),
        roles=_roles(feasible, named or {}),
    )


def default_colour(objectives: Sequence[Metric], policies: Iterable[str]) -> Colour:
    """The colour of a plane over objectives: of three the one that is no axis, else the policy.

    It is the policy, too, where a policy's rates are assumptions, of which a legend has to tell.
    """
    if len(objectives) != PLANE_OBJECTIVES or set(policies) & set(ASSUMED_RATES):
        return "policy"
    return next((metric for metric in objectives if metric.name == ACCURACY), objectives[-1])


def _roles(feasible: pd.DataFrame, named: Mapping[str, pd.DataFrame]) -> dict[int, str]:
    """The short names of roles by the number of the row that has them."""
    keys = [name for name in ROW_KEYS if name in feasible.columns]
    places = {_key(row): number for number, row in enumerate(feasible[keys].to_dict("records"))}
    found: dict[int, str] = {}
    for role, row in named.items():
        place = places[_key(row[keys].to_dict("records")[0])]
        word = SHORT.get(role, role)
        found[place] = f"{found[place]}, {word}" if place in found else word
    return found


def _key(row: Mapping[Any, Any]) -> tuple[object, ...]:
    """The values of a row that tell it from others, with None in place of NaN."""
    return tuple(None if value != value else value for value in row.values())


def _chosen(
    rows: pd.DataFrame, feasible: pd.DataFrame, objectives: Sequence[Metric], designs: Sequence[int]
) -> pd.DataFrame:
    """The feasible rows of each design, the best balanced first; `UserError` where it has none."""
    costs = normalised_costs(feasible, objectives, among=feasible)
    balance = pd.Series(costs.sum(axis=1), index=feasible.index)
    chosen = [feasible.iloc[:0]]
    for design in dict.fromkeys(designs):
        own = feasible.loc[feasible["design"] == design]
        if own.empty:
            raise UserError(
                f"design {design} cannot be labelled: {_why_missing(rows, design)}; name others"
            )
        chosen.append(own.loc[balance[own.index].sort_values(kind="stable").index])
    return pd.concat(chosen)


def _why_missing(rows: pd.DataFrame, design: int) -> str:
    own = rows.loc[rows["design"] == design, "infeasible_reason"]
    if own.empty:
        known = rows["design"]
        return f"the results have designs {known.min()} to {known.max()}"
    return next((f"it does not fit: {reason}" for reason in own if reason), "it lacks a metric")


def listed_rows(marked: Marked, most: int = sys.maxsize) -> pd.DataFrame:
    """The rows that a figure shows, `most` at most: the front, best first, chosen designs, others.

    Their `mark` is `knee` or `front`, and empty off the front.  Too long a front, and the others,
    are thinned evenly; the ends of the front, its knee and the chosen designs stay.
    """
    place = np.arange(len(marked.front))
    front = marked.front.assign(mark=np.where(place == marked.knee, "knee", "front"))
    named = list(dict.fromkeys([*marked.roles, *marked.chosen.index]))
    keys = [name for name in ROW_KEYS if name in marked.rows.columns]
    sought = {_key(row) for row in marked.rows.loc[named, keys].to_dict("records")}
    here = [_key(row) in sought for row in front[keys].to_dict("records")]
    kept = [marked.knee, *np.flatnonzero(here).tolist()]
    chosen = marked.rows.loc[[row for row in named if not marked.on_front[row]]]
    front = front.loc[front.index[_thinned(place, most - len(chosen), always=kept)]]
    others = marked.rows.loc[~marked.on_front].drop(index=chosen.index)
    others = others.iloc[_thinned(np.arange(len(others)), most - len(front) - len(chosen))]
    return pd.concat([front, chosen.assign(mark=""), others.assign(mark="")], ignore_index=True)


def _thinned(places: np.ndarray, count: int, always: Sequence[int] = ()) -> np.ndarray:
    """The places, or so many of them evenly spaced, and those that are `always` kept."""
    if len(places) <= count:
        return places
    spaced = np.linspace(0, len(places) - 1, max(count - len(set(always)), 0)).astype(int)
    kept = np.union1d(places[spaced], np.asarray(always, dtype=int))
    more = np.setdiff1d(places, kept)[: max(count - len(kept), 0)]  # where some were spaced there
    return np.union1d(kept, more)


def row_name(row: "pd.Series[Any]") -> str:
    """A row of results in words: its design, its policy, and its SubNet where it has one."""
    subnet = f", SubNet {row['subnet']}" if "subnet" in row else ""  # as without a trace
    return f"design {row['design']}, {row['policy']}{subnet}"


def staircase(costs: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Corners of the line that bounds what the rows dominate, from the worst y to the worst x.

    costs: [row, 2], smaller is better; worst: [2], where the line ends; the result: [corner, 2].

    >>> staircase(np.array([[1, 3], [2, 2], [3, 3]]), np.array([9, 9])).tolist()
    [[1.0, 9.0], [1.0, 3.0], [2.0, 3.0], [2.0, 2.0], [9.0, 2.0]]
    """
    kept = np.unique(np.asarray(costs, dtype=float)[non_dominated(costs)], axis=0)
    x, y = np.append(kept[:, 0], worst[0]), np.append(worst[1], kept[:, 1])
    return np.column_stack([np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]])
