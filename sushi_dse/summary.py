"""What stored rows come to: the front, the designs that did not fit, the hypervolume."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from sushi_dse.errors import UserError
from sushi_dse.metrics import Metric, find_metric
from sushi_dse.pareto import (
    cost_matrix,
    feasible_rows,
    front,
    hypervolume,
    known_metrics,
    non_dominated,
    reference_point,
)
from sushi_dse.space import AXIS_ORDER

if TYPE_CHECKING:  # its kernels take a second to import, and a stored front needs none
    from sushi_dse.evaluate import Evaluation

DEFAULT_OBJECTIVES = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")
COUNTS_KEY = b"sushi_dse"  # of a part's schema: what was evaluated for its rows
MERGE_ROWS = 10_000


def objectives(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of those names, or the default ones."""
    chosen = [find_metric(name) for name in names or DEFAULT_OBJECTIVES]
    if len(set(chosen)) < len(chosen):
        raise UserError("an objective is named twice; name each once")
    return chosen


def objective_names(metrics: Iterable[Metric]) -> list[str]:
    """The names of the metrics, for what is printed and stored."""
    return [metric.name for metric in metrics]


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows as mappings by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Survey:
    """What the rows of a sweep come to."""

    rows: int
    infeasible: int  # designs that do not fit their device
    infeasible_by_resource: dict[str, int]  # a design that lacks several counts for each
    columns: tuple[str, ...]
    front: pd.DataFrame  # as `pareto.front` has it
    cost_range: np.ndarray  # [2, objective]: least and largest cost of the feasible rows


def survey(tables: Iterable[pa.Table], metrics: Sequence[Metric]) -> Survey:
    """The survey of parts that come one by one, at least one, of which only fronts are kept.

    A row that is beaten within its part is on no front, so the front of the fronts is the whole's.
    """
    rows, infeasible, lacking = 0, 0, Counter[str]()
    least, largest = np.full(len(metrics), np.inf), np.full(len(metrics), -np.inf)
    fronts: list[pd.DataFrame] = []
    unmerged = 0
    for table in tables:
        counts = json.loads(table.schema.metadata[COUNTS_KEY])
        rows += table.num_rows
        infeasible += counts["infeasible"]
        lacking.update(counts["infeasible_by_resource"])
        columns = known_metrics(table.column_names, metrics)
        feasible = feasible_rows(table.select([*columns, "infeasible_reason"]).to_pandas(), metrics)
        costs = cost_matrix(feasible, metrics)
        least = np.minimum(least, costs.min(axis=0, initial=np.inf))
        largest = np.maximum(largest, costs.max(axis=0, initial=-np.inf))
        on_front = feasible.index[non_dominated(costs)]  # all columns of few rows
        fronts.append(front(table.take(on_front.to_numpy()).to_pandas(), metrics))
        unmerged += 1 + len(fronts[-1])
        if unmerged > max(MERGE_ROWS, len(fronts[0])):  # seldom, so that all merging is linear
            fronts, unmerged = [front(pd.concat(fronts), metrics)], 0
    return Survey(
        rows=rows,
        infeasible=infeasible,
        infeasible_by_resource=dict(lacking),
        columns=tuple(map(str, fronts[0].columns)),
        front=front(pd.concat(fronts), metrics),
        cost_range=np.stack([least, largest]),
    )


def front_columns(columns: Iterable[str], metrics: Sequence[Metric]) -> list[str]:
    """What of a front's rows is shown: the design, its axes, who serves, the objectives."""
    shown = {"design", *AXIS_ORDER, "policy", "subnet"}
    return [*(name for name in columns if name in shown), *(metric.name for metric in metrics)]


def summarise(
    found: Survey,
    metrics: Sequence[Metric],
    evaluation: "Evaluation",
    *,
    evaluated: int,
    seconds: float,
    out: Path,
) -> dict[str, object]:
    """What a sweep comes to: counts, reasons, time, and the front over `metrics`."""
    return {
        "designs": evaluation.space.size,
        "evaluated": evaluated,
        "infeasible": found.infeasible,
        "infeasible_by_resource": found.infeasible_by_resource,
        "policies": list(evaluation.policies),
        "queries": len(evaluation.trace) if evaluation.trace else None,
        "mode": evaluation.mode,
        "seconds": round(seconds, 3),
        "out": str(out),
        "objectives": objective_names(metrics),
        "front_columns": front_columns(found.columns, metrics),
        "front": records(found.front),
    }


def hypervolume_of(
    found: Survey, metrics: Sequence[Metric], reference: Sequence[float] | None
) -> tuple[dict[str, float], float]:
    """The reference point, in the units of the metrics, and the volume the front dominates.

    Without a `reference` it is that of all rows.  `UserError` where there is no front.
    """
    if found.front.empty:
        raise UserError("no design is feasible, so there is no front; offer smaller designs")
    signs = np.array([-1.0 if metric.maximise else 1.0 for metric in metrics])
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
    return shown, hypervolume(cost_matrix(found.front, metrics), point)
