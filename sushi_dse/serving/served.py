"""The queries of a trace as they were served, and sums over them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.traces.trace import Trace


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Served:
    """The queries of a trace as a policy served them; each array is [query]."""

    subnet: np.ndarray  # row of the latency table that served the query
    cached: np.ndarray  # column of the SubGraph that was on chip before the query
    kept: np.ndarray  # column of the SubGraph that was on chip after the query
    service_ms: np.ndarray
    response_ms: np.ndarray  # waiting time plus service time
    accuracy_percent: np.ndarray  # expected accuracy of the answer


class Tally(NamedTuple):
    """Sums over the queries of a run."""

    served: np.ndarray  # [subnet, cached subgraph]: number of queries
    response_ms: float
    service_ms: float
    accuracy_percent: float
    accurate: int  # queries whose accuracy demand was met
    in_time: int  # queries whose latency demand was met
    both: int  # queries whose two demands were met
    switches: int  # switches to a SubGraph of other weights; two SubGraphs may hold the same
    switch_bytes: float  # bytes that were loaded for new SubGraphs alone
    switch_ms: float
    fetched_bytes: float  # bytes that were written into the Persistent Buffer


@compiled
def tally_queries(
    run: tuple[np.ndarray, ...],
    demands: tuple[np.ndarray, np.ndarray],
    switch_bytes: np.ndarray,
    switch_ms: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of a run, compiled.

    run: the arrays of a `Served` in the order of its fields; demands: accuracy and latency, [query]
    each; the others are arrays of a `LatencyTable`.
    """
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
        # An accuracy that is not known is NaN, which is less than no demand.
        meets = not accuracy_percent[query] < min_accuracy_percent[query]
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
    """The sums over the queries of `trace` as they were served on `table`."""
    run = (
        served.subnet, served.cached, served.kept,
        served.service_ms, served.response_ms, served.accuracy_percent,
    )  # fmt: skip
    demands = trace.min_accuracy_percent, trace.max_latency_ms
    return Tally(
        *tally_queries(run, demands, table.switch_bytes, table.switch_ms, table.fetched_bytes)
    )
