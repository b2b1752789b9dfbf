"""The summary of stored rows: the front, the designs that did not fit, the hypervolume."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.errors import UserError
from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.fronts import (
    cost_matrix,
    front,
    has_exact_hypervolume,
    hypervolume,
    non_dominated,
    reference_point,
)
from sushi_dse.evaluation.metrics import (
    ACCURACY,
    AREA,
    ENERGY,
    INTERVAL,
    LATENCY,
    LEVEL,
    SERVED,
    Metric,
    find_metric,
)
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.policies.names import marked
from sushi_dse.store.parts import Part, frame_of, rows_of
from sushi_dse.store.seeds import LEAST, MOST

if TYPE_CHECKING:  # Kernels take a second to import, and a stored front needs none.
    import pandas as pd

    from sushi_dse.evaluation.experiment import Experiment

DEFAULT_OBJECTIVES = (LATENCY, ACCURACY, ENERGY)
MERGE_ROWS = 10_000  # fewest rows of the fronts of parts that are merged at a time


def objectives(names: Sequence[str] | None, unknown_accuracy: Sequence[str] = ()) -> list[Metric]:
    """The metrics of those names, or the default ones.

    unknown_accuracy: the SubNets whose accuracy is not known; where there are any, the accuracy is
    no default.  `UserError` where a name is unknown, given twice, or of what is not known.
    """
    if names and ACCURACY in names and unknown_accuracy:
        whose = ", ".join(unknown_accuracy)
        raise UserError(
            f"--objective {ACCURACY}: the accuracy of {whose} is not known; give its "
            "accuracy_percent in the workload"
        )
    defaults = [name for name in DEFAULT_OBJECTIVES if name != ACCURACY or not unknown_accuracy]
    chosen = [find_metric(name) for name in names or defaults]
    if len(set(chosen)) < len(chosen):
        raise UserError("an objective is named twice; name each once")
    return chosen


def objective_names(metrics: Iterable[Metric]) -> list[str]:
    """The names of the metrics."""
    return [metric.name for metric in metrics]


def records(frame: "pd.DataFrame") -> list[dict[str, object]]:
    """The rows as mappings by column, each `marked`; None where a value is null."""
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float) and np.isnan(value):
                row[name] = None
            elif name == INTERVAL:  # pandas turns a column of integers with nulls into floats.
                row[name] = int(value)
    return [marked(row) for row in rows]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Survey:
    """The summary of the rows of a sweep or search."""

    rows: int  # number of rows
    counts: Counts
    columns: tuple[str, ...]  # names of the columns of the rows
    front: "pd.DataFrame"  # rows of the front in the order of `evaluation.fronts.front`
    contenders: "pd.DataFrame"  # rows of the front in the objectives and the share of the device
    cost_range: np.ndarray  # [2, objective]: least and largest cost of the feasible rows
    metrics: tuple[Metric, ...]  # the objectives
    parts: Sequence[Part]  # that hold the rows

    def summary(self, experiment: "Experiment") -> dict[str, object]:
        """The summary of the rows of an experiment by name: its settings, counts and the front."""
        return {
            "infeasible": self.counts.infeasible,
            "infeasible_by_resource": dict(self.counts.infeasible_by_resource),
            "policies": list(experiment.policies),
            "queries": len(experiment.trace) if experiment.trace else None,
            "seeds": len(experiment.seeded) or 1,
            "mode": experiment.mode,
            "accuracy_of": experiment.network.supernet.accuracy_of,
            "recache_every_queries": list(experiment.recache_every_queries),
            "service_levels": list(experiment.service_levels),
            "objectives": objective_names(self.metrics),
            "front": records(self.front),
            "standing": experiment.standing.facts,
        }


def survey(parts: Sequence[Part], metrics: Sequence[Metric]) -> Survey:
    """The survey of at least one part; no more parts than cores are in memory at a time.

    A row that is dominated within its part is on no front, so the front of the parts' fronts is the
    front of all rows, with the share of the device as a further objective or without.  Only the
    objectives of a part are read, and all of its columns where it has a row on such a front.
    `UserError` where a part is damaged.
    """
    names = objective_names(metrics)
    wide = [*metrics, *([] if AREA in names else [find_metric(AREA)])]
    rows, counts = 0, Counts()
    least, largest = np.full(len(metrics), np.inf), np.full(len(metrics), -np.inf)
    known = _RowLocations.none(len(wide))
    fresh: list[_RowLocations] = []

    def read(number: int) -> tuple[int, Counts, tuple[np.ndarray, np.ndarray], _RowLocations]:
        table = parts[number].read([*objective_names(wide), "infeasible_reason"])
        own = _RowLocations.of(number, table, wide)
        costs = own.costs[:, : len(metrics)]
        extremes = costs.min(axis=0, initial=np.inf), costs.max(axis=0, initial=-np.inf)
        return table.num_rows, Counts.of(table.schema), extremes, own.fronts(len(metrics))

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Reading mostly runs outside the interpreter.
        for count, own_counts, (low, high), beside in pool.map(read, range(len(parts))):
            rows += count
            counts += own_counts
            least, largest = np.minimum(least, low), np.maximum(largest, high)
            fresh.append(beside)
            unmerged = len(fresh) + sum(len(one.row) for one in fresh)
            if unmerged > max(MERGE_ROWS, len(known.row)):  # Doubling keeps the merging linear.
                known, fresh = _RowLocations.joined([known, *fresh]).fronts(len(metrics)), []
        known = _RowLocations.joined([known, *fresh]).fronts(len(metrics))
        numbers = np.unique(known.part).tolist() or [0]
        shown = list(pool.map(lambda n: parts[n].read().take(known.row[known.part == n]), numbers))
    whole = frame_of(parts[0].path.parent, shown)
    return Survey(
        rows=rows,
        counts=counts,
        columns=tuple(map(str, whole.columns)),
        front=front(whole, metrics),
        contenders=front(whole, wide),
        cost_range=np.stack([least, largest]),
        metrics=tuple(metrics),
        parts=parts,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _RowLocations:
    """The costs of feasible rows, and where the rows are stored."""

    costs: np.ndarray  # [row, objective]
    part: np.ndarray  # [row]: number of the part
    row: np.ndarray  # [row]: number of the row within its part

    @classmethod
    def none(cls, objectives: int) -> "_RowLocations":
        return cls(np.empty((0, objectives)), *np.empty((2, 0), dtype=np.int64))

    @classmethod
    def of(cls, number: int, table: pa.Table, metrics: Sequence[Metric]) -> "_RowLocations":
        """The feasible rows of the part of that number."""
        columns = {metric.name: table[metric.name].to_numpy() for metric in metrics}
        costs = cost_matrix(columns, metrics)
        fits = pc.equal(table["infeasible_reason"], "").to_numpy() & ~np.isnan(costs).any(axis=1)
        row = np.flatnonzero(fits)
        return cls(np.take(costs.T, row, axis=1).T, np.full(len(row), number), row)

    @classmethod
    def joined(cls, several: Sequence["_RowLocations"]) -> "_RowLocations":
        return cls(
            *(
                np.concatenate([getattr(one, field.name) for one in several])
                for field in fields(cls)
            )
        )

    def fronts(self, objectives: int) -> "_RowLocations":
        """The rows of the front in the first so many costs, and those of the front in all.

        A row on the first equals one that is on both in these costs, and so in the first of them.
        """
        kept = non_dominated(self.costs)
        near = np.flatnonzero(np.isin(self.costs[:, 0], self.costs[kept, 0]))
        kept[near] |= non_dominated(self.costs[near, :objectives])
        return _RowLocations(self.costs[kept], self.part[kept], self.row[kept])


def front_columns(
    columns: Iterable[str], rows: "pd.DataFrame", metrics: Sequence[Metric]
) -> list[str]:
    """The columns to print: the design, its axes, its policy or SubNet, and the objectives.

    Recache interval and service level are among them unless all rows that have one have the same.
    """
    shown = {"design", *AXIS_ORDER, *SERVED}
    for name in (INTERVAL, LEVEL):
        if name in rows and len(rows[name].dropna().unique()) < 2:
            shown.remove(name)
    columns = list(columns)
    ranged = [[name, f"{LEAST}{name}", f"{MOST}{name}"] for name in objective_names(metrics)]
    # The range over seeds is shown where there is one.
    traded = [name for own in ranged for name in own if name == own[0] or name in columns]
    return [*(name for name in columns if name in shown), *traded]


def plotted_rows(
    parts: Sequence[Part], metrics: Sequence[Metric], colour: str, *, whole: bool = False
) -> tuple["pd.DataFrame", list[str]]:
    """The rows of the parts for a plot of a front, and the names of the columns to show.

    `colour` names a further column; `whole` rows have all that is stored.  `UserError` where a part
    is damaged, or a column is missing.
    """
    columns = parts[0].columns
    named = [name for name in columns if name in {"design", *AXIS_ORDER, *SERVED}]
    wanted = [*named, *objective_names(metrics), colour, "infeasible_reason"]
    rows = rows_of(parts, list(dict.fromkeys([*wanted, *(columns if whole else [])])))
    shown = front_columns(columns, rows, metrics)
    return rows, [*shown, *([] if colour in shown else [colour])]


def hypervolume_of(
    found: Survey, reference: Sequence[float] | None
) -> tuple[dict[str, float], float, bool]:
    """The reference point, in the units of the metrics, and the hypervolume; whether it is exact.

    Without a `reference` it is the `reference_point` of all feasible rows.  `UserError` where there
    is no front, or the reference is not one finite number for each objective.
    """
    if found.front.empty:
        raise UserError("no design is feasible, so there is no front; offer smaller designs")
    metrics = found.metrics
    signs = np.array([metric.sign for metric in metrics])
    if reference:
        if len(reference) != len(metrics):
            raise UserError(
                f"--reference is wanted {len(metrics)} times, once an objective, "
                f"got {len(reference)}"
            )
        if not np.isfinite(reference).all():
            raise UserError(f"--reference: a finite number must be given, got {list(reference)}")
        point = signs * np.asarray(reference, dtype=float)
    else:
        point = reference_point(found.cost_range)
    shown = {
        metric.name: float(value) for metric, value in zip(metrics, signs * point, strict=True)
    }
    costs = cost_matrix(found.front, metrics)
    return shown, hypervolume(costs, point), has_exact_hypervolume(costs, point)
