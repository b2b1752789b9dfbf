"""What stored rows come to: the front, the designs that did not fit, the hypervolume."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sushi_dse.errors import UserError
from sushi_dse.metrics import METRICS, Metric, find_metric
from sushi_dse.pareto import cost_matrix, feasible_rows, front, hypervolume, reference_point
from sushi_dse.store import read_results

if TYPE_CHECKING:  # its kernels take a second to import, and a stored front needs none
    from sushi_dse.evaluate import Evaluation

DEFAULT_OBJECTIVES = ("mean_latency_ms", "mean_accuracy_percent", "energy_mj_per_query")
OTHER_COLUMNS = ("infeasible_reason",)


def objectives(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of those names, or the default ones."""
    chosen = [find_metric(name) for name in names or DEFAULT_OBJECTIVES]
    if len(set(chosen)) < len(chosen):
        raise UserError("an objective is named twice; name each once")
    return chosen


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """The rows as mappings by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def front_records(
    folder: Path, metrics: Sequence[Metric]
) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """All rows of a folder of results, and those that no other row beats."""
    rows = read_results(folder)
    return rows, records(front(rows, metrics))


def axis_columns(frame: pd.DataFrame) -> list[str]:
    """The axes of the search space that the rows are of."""
    fixed = {"design", "policy", *METRICS, *OTHER_COLUMNS}
    return [str(name) for name in frame.columns if name not in fixed]


def front_columns(frame: pd.DataFrame, metrics: Sequence[Metric]) -> list[str]:
    """What of a front's rows is shown: the design, its policy, the objectives."""
    return ["design", *axis_columns(frame), "policy", *(metric.name for metric in metrics)]


def infeasible_designs(frame: pd.DataFrame) -> Counter[str]:
    """How many designs lack blocks of each kind; a design that lacks several counts for each."""
    reasons = frame.loc[frame["infeasible_reason"] != ""].drop_duplicates("design")
    kinds: Counter[str] = Counter()
    for reason in reasons["infeasible_reason"]:
        kinds.update(part.split(":")[0].strip() for part in reason.split(";"))
    return kinds


def summarise(
    frame: pd.DataFrame, evaluation: "Evaluation", *, evaluated: int, seconds: float, out: Path
) -> dict[str, object]:
    """What a sweep comes to: counts, reasons, time, and the front over the default objectives."""
    metrics = objectives(None)
    infeasible = frame.loc[frame["infeasible_reason"] != "", "design"].nunique()
    return {
        "designs": evaluation.space.size,
        "evaluated": evaluated,
        "infeasible": int(infeasible),
        "infeasible_by_resource": dict(infeasible_designs(frame)),
        "policies": list(evaluation.policies),
        "queries": len(evaluation.trace),
        "mode": evaluation.mode,
        "seconds": round(seconds, 3),
        "out": str(out),
        "objectives": [metric.name for metric in metrics],
        "front_columns": front_columns(frame, metrics),
        "front": records(front(frame, metrics)),
    }


def hypervolume_of(
    folder: Path, metrics: Sequence[Metric], reference: Sequence[float] | None
) -> tuple[dict[str, float], float]:
    """The reference point, in the units of the metrics, and the volume the front dominates."""
    rows = feasible_rows(read_results(folder), metrics)
    if rows.empty:
        raise UserError(f"{folder}: no design is feasible; there is no front")
    costs = cost_matrix(rows, metrics)
    signs = np.array([-1.0 if metric.maximise else 1.0 for metric in metrics])
    if reference:
        if len(reference) != len(metrics):
            raise UserError(
                f"--reference is wanted {len(metrics)} times, once an objective, "
                f"got {len(reference)}"
            )
        point = signs * np.asarray(reference, dtype=float)
    else:
        point = reference_point(costs)
    shown = {
        metric.name: float(value) for metric, value in zip(metrics, signs * point, strict=True)
    }
    return shown, hypervolume(costs, point)
