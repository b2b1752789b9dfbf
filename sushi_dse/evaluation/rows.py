"""The rows of designs: cost model, latency table, the trace under each policy, metrics.

Without a trace a design has a row for each policy and SubNet, the SubNet in its steady state: it is
served again and again.
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
from sushi_dse.hardware.resources import shortages


def only_front(table: pa.Table, metrics: Sequence[Metric]) -> pa.Table:
    """The feasible rows of `table` that no other one dominates, with the counts of all designs."""
    known = table.filter(pc.field("infeasible_reason") == "")
    columns = {metric.name: known[metric.name].to_numpy() for metric in metrics}
    kept = known.filter(non_dominated(cost_matrix(columns, metrics)))
    return kept.replace_schema_metadata(table.schema.metadata)


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
