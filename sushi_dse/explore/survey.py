"""What stored rows come to: the front, the designs that did not fit, the hypervolume."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.errors import UserError
from sushi_dse.evaluation.fronts import (
    cost_matrix,
    front,
    hypervolume,
    non_dominated,
    reference_point,
)
from sushi_dse.evaluation.metrics import COUNTS, Metric, find_metric
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.store.parts import Part

if TYPE_CHECKING:  # its kernels take a second to import, and a stored front needs none
    import pandas as pd

    from sushi_dse.evaluation.experiment import Evaluation

DEFAULT_OBJECTIVES = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")
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


def records(frame: "pd.DataFrame") -> list[dict[str, object]]:
    """The rows as mappings by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Survey:
    """What the rows of a sweep come to."""

    rows: int
    infeasible: int  # designs that do not fit their device
    infeasible_by_resource: dict[str, int]  # a design that lacks several counts for each
    columns: tuple[str, ...]
    front: "pd.DataFrame"  # as `pareto.front` has it
    cost_range: np.ndarray  # [2, objective]: least and largest cost of the feasible rows


def survey(parts: Sequence[Part], metrics: Sequence[Metric]) -> Survey:
    """The survey of at least one part, of which no more than one a core is in memory at a time.

    A row that is beaten within its part is on no front, so the front of the fronts is the whole's.
    Of a part its objectives are read, and all columns where it has a row on the whole's front.
    Errors are those of `Part.read`.
    """
    names = objective_names(metrics)
    rows, infeasible, lacking = 0, 0, Counter[str]()
    least, largest = np.full(len(metrics), np.inf), np.full(len(metrics), -np.inf)
    known = _Known.none(len(metrics))
    fresh: list[_Known] = []

    def read(number: int) -> tuple[int, dict[str, Any], tuple[np.ndarray, np.ndarray], _Known]:
        table = parts[number].read([*names, "infeasible_reason"])
        own = _Known.of(number, table, metrics)
        extremes = own.costs.min(axis=0, initial=np.inf), own.costs.max(axis=0, initial=-np.inf)
        counts = json.loads(table.schema.metadata[COUNTS])
        return table.num_rows, counts, extremes, own.front()

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of it leaves the interpreter alone
        for count, counts, (low, high), beside in pool.map(read, range(len(parts))):
            rows += count
            infeasible += counts["infeasible"]
            lacking.update(counts["infeasible_by_resource"])
            least, largest = np.minimum(least, low), np.maximum(largest, high)
            fresh.append(beside)
            unmerged = len(fresh) + sum(len(one.place) for one in fresh)
            if unmerged > max(MERGE_ROWS, len(known.place)):  # seldom, so that merging is linear
                known, fresh = _Known.joined([known, *fresh]).front(), []
    known = _Known.joined([known, *fresh]).front()
    shown = [
        parts[number].read().take(known.place[known.part == number])
        for number in np.unique(known.part).tolist() or [0]
    ]
    whole = pa.concat_tables(shown).to_pandas()
    return Survey(
        rows=rows,
        infeasible=infeasible,
        infeasible_by_resource=dict(lacking),
        columns=tuple(map(str, whole.columns)),
        front=front(whole, metrics),
        cost_range=np.stack([least, largest]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Feasible rows by where they stand: [row]."""

    costs: np.ndarray  # [row, objective]
    part: np.ndarray
    place: np.ndarray  # within the part

    @classmethod
    def none(cls, objectives: int) -> "_Known":
        return cls(np.empty((0, objectives)), *np.empty((2, 0), dtype=np.int64))

    @classmethod
    def of(cls, number: int, table: pa.Table, metrics: Sequence[Metric]) -> "_Known":
        """The feasible rows of the part of that number."""
        columns = {metric.name: table[metric.name].to_numpy() for metric in metrics}
        costs = cost_matrix(columns, metrics)
        fits = pc.equal(table["infeasible_reason"], "").to_numpy() & ~np.isnan(costs).any(axis=1)
        place = np.flatnonzero(fits)
        return cls(costs[place], np.full(len(place), number), place)

    @classmethod
    def joined(cls, several: Sequence["_Known"]) -> "_Known":
        return cls(
            *(
                np.concatenate([getattr(one, field.name) for one in several])
                for field in fields(cls)
            )
        )

    def front(self) -> "_Known":
        kept = non_dominated(self.costs)
        return _Known(self.costs[kept], self.part[kept], self.place[kept])


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
    signs = np.array([metric.sign for metric in metrics], dtype=float)
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
