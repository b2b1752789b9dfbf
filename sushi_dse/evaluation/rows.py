"""Designs to rows: cost model, latency table, the trace under each policy, metrics.

Without a trace there is a row for each SubNet too, in its steady state: served again and again.
"""

import json
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.evaluation.experiment import Evaluation
from sushi_dse.evaluation.fronts import cost_matrix, non_dominated
from sushi_dse.evaluation.metrics import COUNTS, Metric
from sushi_dse.evaluation.steady import steady_rows
from sushi_dse.evaluation.traced import traced_rows


def only_front(table: pa.Table, metrics: Sequence[Metric]) -> pa.Table:
    """The feasible rows of `table` that no other one of them beats in `metrics`."""
    known = table.filter(pc.field("infeasible_reason") == "")
    columns = {metric.name: known[metric.name].to_numpy() for metric in metrics}
    return known.filter(non_dominated(cost_matrix(columns, metrics)))


def evaluate_block(evaluation: Evaluation, designs: Sequence[int]) -> pa.Table:
    """The rows of a block of designs, by their numbers: columns in a fixed order and type.

    They are `design`, the axes, `policy`, the metrics in the units that end their names (`METRICS`
    defines each), and `infeasible_reason`: empty where the design fits, else metrics are null.
    Without a trace a `subnet` too.  `IndexError` where the space has no design of that number.

    Its metadata, under `COUNTS`, say of how many designs, and what those lack that do not fit.
    """
    if evaluation.trace is None:
        table = steady_rows(evaluation, designs)
    else:
        table = traced_rows(evaluation, evaluation.trace, designs)
    reasons = table["infeasible_reason"].value_counts().to_pylist()
    each = len(evaluation.policies)  # a row for each, of a design that does not fit
    lacking = {entry["values"]: entry["counts"] // each for entry in reasons if entry["values"]}
    by_resource: Counter[str] = Counter()
    for reason, count in lacking.items():
        for shortage in reason.split("; "):
            by_resource[shortage.split(":")[0]] += count
    counts = {
        "designs": len(designs),
        "infeasible": sum(lacking.values()),
        "infeasible_by_resource": dict(sorted(by_resource.items())),
    }
    if evaluation.kept_front:
        table = only_front(table, evaluation.kept_front)
    return table.replace_schema_metadata({COUNTS: json.dumps(counts)})
