"""Designs to rows: cost model, latency table, the trace under each policy, metrics.

Without a trace there is a row for each SubNet too, in its steady state: served again and again.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import cost_matrix, non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.evaluation.steady import steady_rows
from sushi_dse.evaluation.traced import traced_rows


def only_front(table: pa.Table, metrics: Sequence[Metric]) -> pa.Table:
    """The feasible rows of `table` that no other one of them beats, with the counts of all."""
    known = table.filter(pc.field("infeasible_reason") == "")
    columns = {metric.name: known[metric.name].to_numpy() for metric in metrics}
    kept = known.filter(non_dominated(cost_matrix(columns, metrics)))
    return kept.replace_schema_metadata(table.schema.metadata)


def evaluate(experiment: Experiment, designs: Sequence[int]) -> pa.Table:
    """The rows of a block of designs, by their numbers: columns in a fixed order and type.

    They are `design`, the axes, `policy`, `recache_every_queries` (null of a policy that never
    changes the SubGraph), the metrics in the units that end their names (`METRICS` defines each),
    and `infeasible_reason`: empty where the design fits, else metrics are null.  Without a trace
    there is a `subnet` in place of the interval.  `IndexError` where the space has no design of
    that number.  Their metadata hold `Counts` of the designs.
    """
    steady = experiment.trace is None
    table = steady_rows(experiment, designs) if steady else traced_rows(experiment, designs)
    each = len(experiment.runs)  # rows of a design that does not fit
    reasons = {
        str(entry["values"]): int(entry["counts"]) // each
        for entry in table["infeasible_reason"].value_counts().to_pylist()
        if entry["values"]
    }
    return Counts.of_reasons(len(designs), reasons).put_on(table)
