"""What a run comes to: sums over its queries, in one pass."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sushi_dse.model.kernel_cache import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.traces.trace import Trace


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Served:
    """What happened to each query: [query]; SubNets and SubGraphs are the table's indices."""

    subnet: np.ndarray  # the row of the latency table that served it
    cached: np.ndarray  # the SubGraph that was on chip when the query came
    kept: np.ndarray  # the SubGraph that stayed: another one where the query brought it in
    service_ms: np.ndarray
    response_ms: np.ndarray  # wait and service
    accuracy_percent: np.ndarray  # expected of its answer


class Tally(NamedTuple):
    """Sums over the queries of a run."""

    served: np.ndarray  # [subnet, cached subgraph] queries
    response_ms: float
    service_ms: float
    accuracy_percent: float
    accurate: int  # queries whose accuracy demand was met
    in_time: int  # queries whose latency demand was met
    both: int
    switches: int  # that brought other weights on chip; SubGraphs of two names may hold the same
    switch_bytes: float  # loaded for new SubGraphs alone
    switch_ms: float
    fetched_bytes: float  # written into the Persistent Buffer


@compiled
def tally_queries(
    run: tuple[np.ndarray, ...],
    demands: tuple[np.ndarray, np.ndarray],
    switch_bytes: np.ndarray,
    switch_ms: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of a run: subnet, cached, kept; the others as `Served` and `LatencyTable`."""
    subnet, cached, kept, service_ms, response_ms, accuracy_percent = run
    min_accuracy_percent, max_latency_ms = demands
    served = np.zeros((switch_bytes.shape[2], switch_bytes.shape[0]), dtype=np.int64)
    response, service, accuracy = 0.0, 0.0, 0.0
    accurate, in_time, both = 0, 0, 0
    switches, moved_bytes, moved_ms, fetched = 0, 0.0, 0.0, 0.0
    for query in range(len(subnet)):
        own, old, new = subnet[query], cached[query], kept[query]
        served[own, old] += 1
        response += response_ms[query]
        service += service_ms[query]
        accuracy += accuracy_percent[query]
        meets = accuracy_percent[query] >= min_accuracy_percent[query]
        keeps = response_ms[query] <= max_latency_ms[query]
        accurate += meets
        in_time += keeps
        both += meets and keeps
        if old != new:
            switches += fetched_bytes[old, new] + fetched_bytes[new, old] > 0
            moved_bytes += switch_bytes[old, new, own]
            moved_ms += switch_ms[old, new, own]
            fetched += fetched_bytes[old, new]
    return Tally(
        served, response, service, accuracy, accurate, in_time, both,
        switches, moved_bytes, moved_ms, fetched,
    )  # fmt: skip


def tally(served: Served, trace: Trace, table: LatencyTable) -> Tally:
    """What serving `trace` on `table` came to."""
    run = (
        served.subnet, served.cached, served.kept,
        served.service_ms, served.response_ms, served.accuracy_percent,
    )  # fmt: skip
    demands = trace.min_accuracy_percent, trace.max_latency_ms
    return Tally(
        *tally_queries(run, demands, table.switch_bytes, table.switch_ms, table.fetched_bytes)
    )
