"""The queries of a trace as they were served, and sums over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sushi_dse.model.jit import compiled, kernel_part
from sushi_dse.model.latency_table import LatencyTable
from sushi_dse.serving.percentiles import PERCENTILES, percentiles
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
    accelerator: np.ndarray  # number of the accelerator that served the query, from 0
    order: np.ndarray | None = None  # queries as they were served; None: as they came


class Tally(NamedTuple):
    """Sums over the queries of each of several runs on one table, and times that they took."""

    served: np.ndarray  # [run, subnet, cached subgraph]: number of queries
    response_ms: np.ndarray  # [run]
    service_ms: np.ndarray  # [run]
    accuracy_percent: np.ndarray  # [run]
    accurate: np.ndarray  # [run]: queries whose accuracy demand was met
    in_time: np.ndarray  # [run]: queries whose latency demand was met
    both: np.ndarray  # [run]: queries whose two demands were met
    # [run]: switches to a SubGraph of other weights; two SubGraphs may hold the same.
    switches: np.ndarray
    switch_bytes: np.ndarray  # [run]: bytes that were loaded for new SubGraphs alone
    fetched_bytes: np.ndarray  # [run]: bytes that were written into the Persistent Buffer
    percentile_ms: np.ndarray  # [run, percentile]: response time that PERCENTILES stay within
    last_ms: np.ndarray  # [run]: time from the last arrival to the last answer


@kernel_part
def empty_tally(runs: int, subnets: int, subgraphs: int) -> Tally:
    """The tally of so many runs that have served nothing yet."""
    return Tally(
        np.zeros((runs, subnets, subgraphs), dtype=np.int64),
        np.zeros(runs),
        np.zeros(runs),
        np.zeros(runs),
        np.zeros(runs, dtype=np.int64),
        np.zeros(runs, dtype=np.int64),
        np.zeros(runs, dtype=np.int64),
        np.zeros(runs, dtype=np.int64),
        np.zeros(runs),
        np.zeros(runs),
        np.zeros((runs, len(PERCENTILES))),
        np.zeros(runs),
    )


@kernel_part
def count_answers(
    tally: Tally,
    run: int,
    served: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    demands: tuple[np.ndarray, np.ndarray],
) -> None:
    """Write the sums over the answers of a run into its place in `tally`; as `count_run`."""
    _, service_ms, response_ms, accuracy_percent = served
    min_accuracy_percent, max_latency_ms = demands
    response, service, accuracy = 0.0, 0.0, 0.0
    accurate, in_time, both = 0, 0, 0
    for query in range(len(response_ms)):
        response += response_ms[query]
        service += service_ms[query]
        accuracy += accuracy_percent[query]
        # An accuracy that is not known is NaN, which is less than no demand.
        meets = not accuracy_percent[query] < min_accuracy_percent[query]
        keeps = response_ms[query] <= max_latency_ms[query]
        accurate += meets
        in_time += keeps
        both += meets and keeps
    tally.response_ms[run], tally.service_ms[run] = response, service
    tally.accuracy_percent[run] = accuracy
    tally.accurate[run], tally.in_time[run], tally.both[run] = accurate, in_time, both
    percentiles(response_ms, tally.percentile_ms[run])
    tally.last_ms[run] = response_ms[-1]


@kernel_part
def count_switch(
    tally: Tally,
    run: int,
    change: tuple[int, int, int],
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> None:
    """Add a change to the sums of a run: the SubGraphs before and after, and the SubNet served."""
    old, new, subnet = change
    tally.switches[run] += fetched_bytes[old, new] + fetched_bytes[new, old] > 0
    tally.switch_bytes[run] += switch_bytes[old, new, subnet]
    tally.fetched_bytes[run] += fetched_bytes[old, new]


@kernel_part
def count_run(
    tally: Tally,
    run: int,
    subgraphs: tuple[int, int, np.ndarray],
    served: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    demands: tuple[np.ndarray, np.ndarray],
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> None:
    """Write the sums of a run into its place in an empty `tally`.

    subgraphs: the SubGraph cached before the first query, the length of a window, and the SubGraph
    kept in each window; served: SubNet, service time, response time and accuracy, [query] each;
    demands: accuracy and latency, [query] each; the others are arrays of a `LatencyTable`.
    """
    count_answers(tally, run, served, demands)
    subnet, (cached, every, kept) = served[0], subgraphs
    for window in range(len(kept)):
        for query in range(window * every, min((window + 1) * every, len(subnet))):
            tally.served[run, subnet[query], cached] += 1
            if cached != kept[window]:
                change = cached, kept[window], subnet[query]
                count_switch(tally, run, change, switch_bytes, fetched_bytes)
                cached = kept[window]


@kernel_part
def count_each(
    tally: Tally,
    run: int,
    subgraphs: tuple[np.ndarray, np.ndarray],
    served: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    demands: tuple[np.ndarray, np.ndarray],
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> None:
    """Write the sums of a run as `count_run` does, on any number of accelerators.

    subgraphs: those before and after each query on the accelerator that served it, [query] each.
    """
    count_answers(tally, run, served, demands)
    subnet, (before, after) = served[0], subgraphs
    for query in range(len(subnet)):
        tally.served[run, subnet[query], before[query]] += 1
        if before[query] != after[query]:
            change = before[query], after[query], subnet[query]
            count_switch(tally, run, change, switch_bytes, fetched_bytes)


@compiled
def until_last_answer(arrived_ms: np.ndarray, response_ms: np.ndarray) -> float:
    """The time in ms from the last arrival to the last answer, which may be that of any query."""
    left_ms = response_ms[0]
    for query in range(1, len(response_ms)):
        gap_ms = arrived_ms[query] - arrived_ms[query - 1]
        left_ms = max(left_ms - gap_ms, response_ms[query])
    return float(left_ms)


@compiled
def tally_queries(
    subgraphs: tuple[np.ndarray, np.ndarray],
    served: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    demands: tuple[np.ndarray, np.ndarray],
    switch_bytes: np.ndarray,
    fetched_bytes: np.ndarray,
) -> Tally:
    """The `Tally` of one run; the arguments are those of `count_each`."""
    tally = empty_tally(1, switch_bytes.shape[2], switch_bytes.shape[0])
    count_each(tally, 0, subgraphs, served, demands, switch_bytes, fetched_bytes)
    return tally


def tally(served: Served, trace: Trace, table: LatencyTable) -> Tally:
    """The sums over the queries of `trace`, one run, as they were served on `table`."""
    run = served.subnet, served.service_ms, served.response_ms, served.accuracy_percent
    demands = trace.min_accuracy_percent, trace.max_latency_ms
    subgraphs, late_ms = (served.cached, served.kept), 0.0
    if served.order is not None:
        order, last = served.order, int(served.order[-1])
        run = run[0][order], run[1][order], run[2][order], run[3][order]
        demands = demands[0][order], demands[1][order]
        subgraphs = subgraphs[0][order], subgraphs[1][order]
        late_ms = float(trace.arrived_ms[last] - trace.arrived_ms[-1])
    found = Tally(*tally_queries(subgraphs, run, demands, table.switch_bytes, table.fetched_bytes))
    if not served.accelerator.any():
        return found._replace(last_ms=found.last_ms + late_ms)
    return found._replace(
        last_ms=np.array([until_last_answer(trace.arrived_ms, served.response_ms)])
    )


def joined(tallies: Sequence[Tally]) -> Tally:
    """The runs of several tallies in one."""
    return Tally(*(np.concatenate(arrays) for arrays in zip(*tallies, strict=True)))
