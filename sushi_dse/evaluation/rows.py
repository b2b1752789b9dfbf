"""The rows of designs: cost model, latency table, the trace under each policy, metrics.

Without a trace a design has a row for each policy and SubNet, the SubNet in its steady state: it is
served again and again.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sushi_dse.evaluation.counts import Counts
from sushi_dse.evaluation.experiment import Experiment
from sushi_dse.evaluation.fronts import cost_matrix, non_dominated
from sushi_dse.evaluation.metrics import Metric
from sushi_dse.evaluation.steady import designs_on_front, steady_rows
from sushi_dse.evaluation.traced import traced_rows
from sushi_dse.hardware.resources import shortages


def only_front(table: pa.Table, metrics: Sequence[Metric]) -> pa.Table:
    """The feasible rows of `table` that no other one dominates, with the counts of all designs."""
    known = table.filter(pc.field("infeasible_reason") == "")
    columns = {metric.name: known[metric.name].to_numpy() for metric in metrics}
    kept = known.filter(non_dominated(cost_matrix(columns, metrics)))
    return kept.replace_schema_metadata(table.schema.metadata)


def evaluate_front(
    experiment: Experiment, designs: Sequence[int], metrics: Sequence[Metric]
) -> pa.Table:
    """The rows of `only_front` of those that `evaluate` gives.

    Without a trace whole rows are made only of designs that have one on the front.
    """
    if experiment.trace is not None:
        return only_front(evaluate(experiment, designs), metrics)
    lacking = shortages(experiment.space.designs(designs))
    fitting = np.asarray(designs)[~np.logical_or.reduce(list(lacking.values()))]
    chosen = designs_on_front(experiment, fitting, metrics) if len(fitting) else designs[:1]
    rows = Counts.of_shortages(lacking).put_on(steady_rows(experiment, chosen))
    return only_front(rows, metrics)


def evaluate(experiment: Experiment, designs: Sequence[int]) -> pa.Table:
    """The rows of the designs of those numbers, with their `Counts` in the metadata.

    The columns are `design`, the axes, `policy`, `recache_every_queries` (null for a policy that
    never changes the SubGraph), `service_level`, the metrics in the units that end their names
    (`METRICS` defines each), and `infeasible_reason`: empty where the design fits; elsewhere the
    metrics are null.  Without a trace there is a `subnet` in place of interval and level.
    `IndexError` where the space has no design of a number.
    """
    steady = experiment.trace is None
    table = steady_rows(experiment, designs) if steady else traced_rows(experiment, designs)
    return Counts.of_shortages(shortages(experiment.space.designs(designs))).put_on(table)
